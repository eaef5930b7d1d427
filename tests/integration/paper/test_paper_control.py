"""The control port of the paper exchange, and the process around it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paper_clients import RawBinance
from tests.paper_process import TOKEN_VARIABLE, ControlError, PaperProcess, paper_exchange

COMMAND = [sys.executable, "-m", "bastion.paper"]
SELL = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.5", "reduceOnly": "true"}


@pytest.mark.parametrize("token", ["", "wrong"])
def test_the_control_port_needs_its_token(paper: PaperProcess, token: str) -> None:
    status, data = paper.control.attempt("GET", "/state", None, token=token)
    assert status == 401
    assert "Bearer" in data["error"]


def test_the_state_tells_positions_orders_balances_and_fills(paper: PaperProcess) -> None:
    RawBinance(paper).signed("POST", "/fapi/v1/order", **SELL)
    account = paper.control.account("binance")
    assert paper.control.positions("binance") == {"SOLUSDT": "40"}
    assert account["fills"][-1]["realized_pnl"] == "-1650"
    assert account["orders"][-1]["state"] == "FILLED"
    usdt = next(row for row in account["balances"] if row["coin"] == "USDT")
    assert usdt["wallet"] == "98350"


def test_the_ledger_balances_after_every_kind_of_event(paper: PaperProcess) -> None:
    raw = RawBinance(paper)
    raw.signed("POST", "/fapi/v1/order", **SELL)
    paper.control.add_account("binance", "second", balances={"USDT": "123.456789", "USDC": "5"})
    paper.control.add_position("binance", "SOLUSDT", "-3", account="second", entry="140.07")
    for venue in paper.control.ledger().values():
        assert set(venue["trial_balance"].values()) == {0}
        assert venue["entries"] > 0


def test_the_request_log_tells_when_what_and_with_which_effect(paper: PaperProcess) -> None:
    RawBinance(paper).signed("POST", "/fapi/v1/order", **SELL)
    (row,) = paper.control.requests(venue="binance", path="/fapi/v1/order")
    assert (row["method"], row["account"], row["status"]) == ("POST", "main", 200)
    assert row["parameters"]["symbol"] == "BTCUSDT"
    assert "signature" not in row["parameters"]
    assert 0 < row["received_ns"] <= row["handled_ns"] <= row["answered_ns"]
    assert "SELL 0.5 BTCUSDT: FILLED, executed 0.5" in row["executed"][0]
    paper.control.clear_requests()
    assert paper.control.requests() == []


def test_prices_move_at_once_and_in_ramps(paper: PaperProcess) -> None:
    paper.control.load_scenario({**_stepped(), "tape": [_tape()]})
    paper.control.set_price("binance", "BTCUSDT", "60000")
    assert _mark(paper) == "60000"
    paper.control.set_price("binance", "BTCUSDT", "50000", ramp_ms=1_000)
    paper.control.advance(500)
    assert _mark(paper) == "55000"
    paper.control.advance(600)
    assert _mark(paper) == "50000"
    assert paper.control.call("POST", "/price", {"tape": "fall", "speed": "20"})["lasts_ms"] == 500
    paper.control.advance(250)
    assert _mark(paper) == "45000"
    paper.control.advance(500)
    assert _mark(paper) == "40000"


def test_another_bot_can_place_orders_and_hear_refusals(paper: PaperProcess) -> None:
    order = paper.control.place_order("binance", symbol="SOLUSDT", direction="BUY", quantity="5")
    assert (order["state"], order["executed_quantity"]) == ("FILLED", "5")
    assert paper.control.positions("binance")["SOLUSDT"] == "45"
    with pytest.raises(ControlError, match="quantity_step"):
        paper.control.place_order("binance", symbol="SOLUSDT", direction="BUY", quantity="0.001")


@pytest.mark.parametrize(
    "scenario",
    [
        {"venue": []},
        {"venue": [{"name": "nowhere"}]},
        {"venue": [{"name": "binance", "colour": "red"}]},
        {"venue": [{"name": "binance", "rules": {"gravity": 1}}]},
        {"venue": [{"name": "binance", "rules": {"market_oversize": "explode"}}]},
        {"venue": [{"name": "binance", "settings": {"speed": 1}}]},
        {"venue": [{"name": "bybit", "settings": {"speed": 1}}]},
        {"venue": [{"name": "binance", "account": [{"name": "main"}]}]},
        {"name": "there-is-no-such-scenario"},
        {"name": "/etc/passwd"},
    ],
)
def test_a_scenario_that_cannot_start_changes_nothing(paper: PaperProcess, scenario: dict[str, Any]) -> None:
    before = paper.control.positions("binance")
    status, data = paper.control.attempt("POST", "/scenario", scenario, token=paper.control.token)
    assert (status, bool(data["error"])) == (400, True)
    assert paper.control.positions("binance") == before


@pytest.mark.parametrize("count", [4, 20, 100])
def test_a_load_has_as_many_positions_as_asked_for_on_two_venues(paper: PaperProcess, count: int) -> None:
    paper.control.load_scenario(f"load-{count}")
    sizes = {venue: len(paper.control.positions(venue)) for venue in ("binance", "bybit")}
    assert sizes == {"binance": count // 2, "bybit": count // 2}


def test_every_shipped_scenario_starts_with_a_balanced_ledger(paper: PaperProcess) -> None:
    for name in paper.control.call("GET", "/scenario")["shipped"]:
        paper.control.load_scenario(name.replace("-N", "-7"))
        for venue in paper.control.ledger().values():
            assert set(venue["trial_balance"].values()) == {0}


def test_the_demo_falls_by_twelve_per_cent_in_a_minute_of_twenty_times_speed(paper: PaperProcess) -> None:
    paper.control.load_scenario("demo")
    assert paper.control.call("POST", "/price", {"tape": "crash", "speed": 20})["lasts_ms"] == 60_000
    demo = paper.control.state()["venues"]
    exposure = sum(
        abs(float(row["notional"]))
        for venue in demo.values()
        for row in venue["accounts"]["main"]["positions"]
    )
    assert 145_000 < exposure < 160_000
    stops = [order for venue in demo.values() for order in venue["accounts"]["main"]["open_orders"]]
    assert sum(order["trigger_price"] is not None for order in stops) == 8


def test_a_token_is_written_for_the_owner_alone_when_none_is_given(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    environment = {name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE}
    with subprocess.Popen(
        [*COMMAND, "--port", "0", "--control-port", "0", "--exit-with-parent", "--token-file", token_file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        ready = json.loads(process.stdout.readline())
        assert ready["ready"] is True
        assert token_file.stat().st_mode & 0o777 == 0o600
        process.stdin.close()
        assert process.wait(10) == 0


def test_the_process_says_what_is_wrong_and_ends_with_2(tmp_path: Path) -> None:
    environment = {**os.environ, TOKEN_VARIABLE: "t"}
    done = subprocess.run(
        [*COMMAND, "--scenario", str(tmp_path / "none.toml")],
        capture_output=True,
        text=True,
        timeout=20,
        env=environment,
        check=False,
    )
    assert done.returncode == 2
    assert "There is no scenario" in done.stderr
    with paper_exchange() as running:
        busy = subprocess.run(
            [*COMMAND, "--port", str(running.port), "--control-port", "0"],
            capture_output=True,
            text=True,
            timeout=20,
            env=environment,
            check=False,
        )
    assert busy.returncode == 2
    assert "Choose another, or 0 for any" in busy.stderr


def _mark(paper: PaperProcess) -> str:
    mark: str = paper.control.state()["venues"]["binance"]["prices"]["BTCUSDT"]["mark"]
    return mark


def _tape() -> dict[str, Any]:
    path = {"venue": "binance", "symbol": "BTCUSDT", "points": [[0, "1"], [10_000, "0.8"]]}
    return {"name": "fall", "path": [path]}


def _stepped() -> dict[str, Any]:
    instrument = {
        "symbol": "BTCUSDT",
        "base": "BTC",
        "tick": "0.1",
        "step": "0.001",
        "quantity_min": "0.001",
        "quantity_max": "1000",
        "market_quantity_max": "120",
        "mark": "91200",
    }
    return {"clock_start_ms": 1_800_000_000_000, "venue": [{"name": "binance", "instrument": [instrument]}]}

"""Faults that the control port injects at the edge of the paper exchange."""

import http.client
import json
import threading
import time
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.paper_clients import RawBinance
from tests.paper_process import PaperProcess

ORDER = "/fapi/v1/order"
RISK = "/fapi/v3/positionRisk"
CLOSE = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.5", "reduceOnly": "true"}
OPEN = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.1"}


@pytest.fixture
def raw(paper: PaperProcess) -> RawBinance:
    return RawBinance(paper)


def held(paper: PaperProcess) -> bool:
    return "BTCUSDT" in paper.control.positions("binance")


@pytest.mark.parametrize("executed", [True, False])
def test_a_503_may_hide_an_execution_or_not(raw: RawBinance, paper: PaperProcess, *, executed: bool) -> None:
    name = "unknown_status" if executed else "unavailable"
    paper.control.fault("fail", failure=name, executed=executed, method="POST", path=ORDER, count=1)
    status, data, _ = raw.signed("POST", ORDER, **CLOSE)
    text = (
        "Unknown error, please check your request or try again later." if executed else "Service Unavailable."
    )
    assert (status, data["msg"]) == (503, text)
    assert held(paper) is not executed
    logged = paper.control.requests(path=ORDER)[-1]
    assert logged["status"] == 503
    assert bool(logged["executed"]) is executed
    # The rule is spent: the next request is answered.
    assert raw.signed("GET", RISK)[0] == 200


def test_the_overload_answer_spares_what_reduces_and_what_cancels(
    raw: RawBinance, paper: PaperProcess
) -> None:
    paper.control.fault("fail", failure="overloaded", venue="binance")
    status, data, _ = raw.signed("POST", ORDER, **OPEN)
    assert (status, data["code"]) == (503, -1008)
    assert raw.signed("POST", ORDER, **CLOSE)[0] == 200
    assert raw.signed("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")[0] == 200


@pytest.mark.parametrize("executed", [True, False])
def test_a_reset_comes_before_or_after_the_execution(
    raw: RawBinance, paper: PaperProcess, *, executed: bool
) -> None:
    paper.control.fault("reset", executed=executed, method="POST", path=ORDER, count=1)
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        raw.signed("POST", ORDER, **CLOSE)
    assert held(paper) is not executed
    assert paper.control.requests(path=ORDER)[-1]["status"] == 0


def test_a_request_may_never_be_answered_while_others_are(raw: RawBinance, paper: PaperProcess) -> None:
    paper.control.fault("never", executed=True, method="POST", path=ORDER, count=1)
    connection = http.client.HTTPConnection("127.0.0.1", paper.port, timeout=0.4)
    signed = urlencode({**CLOSE, "timestamp": time.time_ns() // 10**6})
    query = f"{signed}&signature={raw.sign(signed)}"
    connection.request("POST", f"/binance{ORDER}?{query}", headers={"X-MBX-APIKEY": raw.key})
    assert raw.signed("GET", RISK)[0] == 200
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert not held(paper)


def test_latency_delays_both_ways_and_requests_run_beside_each_other(
    raw: RawBinance, paper: PaperProcess
) -> None:
    paper.control.fault("latency", request_ms=200, answer_ms=200)
    started = time.monotonic()
    threads = [threading.Thread(target=raw.signed, args=("GET", RISK)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.monotonic() - started
    assert 0.4 <= elapsed < 1.6
    for row in paper.control.requests(path=RISK):
        assert row["handled_ns"] - row["received_ns"] >= 200_000_000
        assert row["answered_ns"] - row["handled_ns"] >= 200_000_000


def test_a_partial_fill_leaves_the_rest_of_the_position(raw: RawBinance, paper: PaperProcess) -> None:
    paper.control.fault("partial_fill", ratio="0.4", count=1, path=ORDER)
    _, data, _ = raw.signed("POST", ORDER, **CLOSE, newOrderRespType="RESULT")
    assert (data["status"], data["executedQty"]) == ("EXPIRED", "0.200")
    assert paper.control.positions("binance")["BTCUSDT"] == "0.3"


def test_lagging_positions_show_what_was_and_catch_up(raw: RawBinance, paper: PaperProcess) -> None:
    paper.control.fault("lag", lag_ms=60_000, path=RISK, count=1)
    raw.signed("POST", ORDER, **CLOSE)
    # A minute ago nothing had been opened yet.
    assert raw.signed("GET", RISK)[1] == []
    assert [row["symbol"] for row in raw.signed("GET", RISK)[1]] == ["SOLUSDT"]


def test_a_lag_shorter_than_the_history_shows_the_closed_position(
    raw: RawBinance, paper: PaperProcess
) -> None:
    paper.control.load_scenario({**seed_document(), "clock_start_ms": 1_800_000_000_000})
    paper.control.advance(10_000)
    raw.signed("POST", ORDER, timestamp=1_800_000_010_000, **CLOSE)
    paper.control.advance(1_000)
    now_ms = 1_800_000_011_000
    paper.control.fault("lag", lag_ms=2_000, path=RISK, count=1)
    assert [row["positionAmt"] for row in raw.signed("GET", RISK, timestamp=now_ms)[1]] == ["0.500"]
    assert raw.signed("GET", RISK, timestamp=now_ms)[1] == []


def test_a_list_may_be_answered_as_empty(raw: RawBinance, paper: PaperProcess) -> None:
    paper.control.fault("empty", path="/fapi/v?/positionRisk", count=1)
    assert raw.signed("GET", RISK)[:2] == (200, [])
    assert len(raw.signed("GET", RISK)[1]) == 2


@pytest.mark.parametrize(("shape", "start"), [("truncated", "["), ("html", "<html>")])
def test_a_body_may_be_malformed_with_status_200(paper: PaperProcess, shape: str, start: str) -> None:
    paper.control.fault("malformed", shape=shape, path="/fapi/v1/ticker/price", count=1)
    connection = http.client.HTTPConnection("127.0.0.1", paper.port, timeout=5)
    connection.request("GET", "/binance/fapi/v1/ticker/price")
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    assert (answer.status, body.startswith(start)) == (200, True)
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        ("rate_limited", 429, -1003),
        ("banned", 418, -1003),
        ("timeout", 408, -1007),
        ("internal_error", 500, -1001),
        ("code:-1016:400:This service is no longer available.", 400, -1016),
    ],
)
def test_other_failures_come_by_name_or_by_code(
    raw: RawBinance, paper: PaperProcess, failure: str, status: int, code: int
) -> None:
    paper.control.fault("fail", failure=failure, count=1)
    answer = raw.signed("GET", RISK)
    assert (answer[0], answer[1]["code"]) == (status, code)
    assert ("retry-after" in answer[2]) is (status in {429, 418})


def test_faults_match_venue_method_path_account_skip_and_count(raw: RawBinance, paper: PaperProcess) -> None:
    paper.control.faults(
        [
            {"kind": "fail", "venue": "bybit"},
            {"kind": "fail", "method": "DELETE"},
            {"kind": "fail", "account": "somebody"},
            {"kind": "fail", "path": RISK, "skip": 1, "count": 1},
        ]
    )
    assert [raw.signed("GET", RISK)[0] for _ in range(4)] == [200, 503, 200, 200]
    paper.control.clear_faults()
    assert paper.control.call("GET", "/faults") == {"faults": []}


def test_chance_follows_the_seed(paper: PaperProcess, raw: RawBinance) -> None:
    def run() -> list[int]:
        paper.control.load_scenario("seed")
        paper.control.fault("fail", probability="0.5", path=RISK)
        return [raw.signed("GET", RISK)[0] for _ in range(20)]

    first = run()
    assert set(first) == {200, 503}
    assert run() == first


def test_a_fault_that_cannot_be_understood_is_refused(paper: PaperProcess) -> None:
    for body in (
        {"kind": "earthquake"},
        {"kind": "fail", "colour": "red"},
        {"kind": "lag", "lag_ms": -1},
        {"kind": "fail", "failure": "sunspots"},
        {"kind": "fail", "failure": "code:x:400:text"},
    ):
        status, data = paper.control.attempt("POST", "/faults", body, token=paper.control.token)
        assert status == 400, data
    assert paper.control.call("GET", "/faults") == {"faults": []}


def seed_document() -> dict[str, Any]:
    return {
        "venue": [
            {
                "name": "binance",
                "instrument": [
                    {
                        "symbol": "BTCUSDT",
                        "base": "BTC",
                        "tick": "0.1",
                        "step": "0.001",
                        "quantity_min": "0.001",
                        "quantity_max": "1000",
                        "market_quantity_max": "120",
                        "mark": "91200",
                        "depth": {"bids": [[0, "50"]], "asks": [[1, "50"]]},
                    }
                ],
                "account": [
                    {
                        "name": "main",
                        "api_key": "paper-binance-key",
                        "secret": "paper-binance-secret",
                        "balances": {"USDT": "100000"},
                        "position": [{"symbol": "BTCUSDT", "quantity": "0.5", "entry": "94500"}],
                    }
                ],
            }
        ]
    }


def test_a_list_may_leave_one_contract_out_unless_it_is_asked_for_by_name(
    raw: RawBinance, paper: PaperProcess
) -> None:
    shown = [row["symbol"] for row in raw.signed("GET", RISK)[1]]
    assert len(shown) == 2
    paper.control.fault("hide", path="/fapi/v?/positionRisk", symbol=shown[0])
    assert [row["symbol"] for row in raw.signed("GET", RISK)[1]] == shown[1:]
    assert [row["symbol"] for row in raw.signed("GET", RISK, symbol=shown[0])[1]] == shown[:1]

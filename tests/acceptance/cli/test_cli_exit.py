"""`bastion exit`, driven by configuration alone against exchanges over real sockets."""

import json
import re
import signal
import sys
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

import bastion
from tests.acceptance.cli.rig import (
    AccountLine,
    Trader,
    assert_only_reduced,
    closed_port,
    document,
    kill,
    most_at_once,
    paper_exchange,
    wait_until,
)

SEED_SCHEMA = json.loads((Path(__file__).parent.parent / "seed_schema.json").read_text(encoding="utf-8"))
PUBLISHED = Path(bastion.__path__[0]) / "surfaces" / "schemas" / "exit.schema.json"
SEED_CLOSED = {
    ("binance", "BTCUSDT", "LONG", Decimal(91200), Decimal(-1650)),
    ("bybit", "ETHUSDT", "SHORT", Decimal(3380), Decimal(180)),
    ("binance", "SOLUSDT", "LONG", Decimal("142.5"), Decimal(-120)),
    ("bybit", "AVAXUSDT", "LONG", Decimal("38.2"), Decimal(340)),
}
SEED_HELD = {
    "binance": {"BTCUSDT": Decimal("0.5"), "SOLUSDT": Decimal(40)},
    "bybit": {"ETHUSDT": Decimal(-3), "AVAXUSDT": Decimal(100)},
}


def test_the_seed_example_comes_out_of_real_fills_on_both_venues(trader: Trader) -> None:
    trader.filled = None
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        done = trader.run(*trader.exit_command("--reason", "test of the seed"))
        report = document(done.stdout)
        assert done.returncode == 0
        jsonschema.validate(json.loads(done.stdout), SEED_SCHEMA)
        jsonschema.validate(json.loads(done.stdout), json.loads(PUBLISHED.read_text(encoding="utf-8")))
        assert next(iter(report)) == "summary"
        assert report["verdict"] == "FLAT"
        assert report["success"] is True
        assert report["positions_closed"] == 4
        assert report["total_realized_pnl_usd"] == -1250
        assert report["errors"] == []
        assert report["reason"] == "test of the seed"
        assert {
            (row["exchange"], row["symbol"], row["direction"], row["exit_price"], row["realized_pnl_usd"])
            for row in report["closed_positions"]
        } == SEED_CLOSED
        assert '"exit_price": 91200,' in done.stdout
        assert '"exit_price": 142.5,' in done.stdout
        for venue, held in SEED_HELD.items():
            assert paper.positions(venue) == {}
            assert_only_reduced(paper, venue, held)


def test_executions_that_are_listed_late_are_waited_for_once_flat(trader: Trader) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        paper.break_with({"kind": "empty", "path": "/fapi/v?/userTrades", "count": 4})
        code, report = trader.exit()
        assert (code, report["verdict"]) == (0, "FLAT")
        assert report["pnl_pending"] is False
        assert report["total_realized_pnl_usd"] == -1250


def test_an_account_that_is_flat_already_needs_two_looks_and_no_order(trader: Trader) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        first, _ = trader.exit()
        orders = len(paper.orders())
        second, report = trader.exit()
        assert (first, second) == (0, 0)
        assert report["positions_closed"] == 0
        assert report["closed_positions"] == []
        assert report["verdict"] == "FLAT"
        assert len(paper.orders()) == orders
        assert [len(leg["looks"]) for leg in report["looks"]] == [2, 2], report["looks"]


@pytest.mark.parametrize("count", [4, 20, 100])
def test_positions_at_a_50_ms_round_trip_are_closed_in_parallel(
    trader: Trader, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with paper_exchange(f"load-{count}") as paper:
        trader.connect(paper)
        held = {venue: paper.positions(venue) for venue in paper.wires}
        assert sum(len(positions) for positions in held.values()) == count
        paper.break_with({"kind": "latency", "round_trip_ms": 50})
        code, report = trader.exit()
        assert code == 0, report
        assert report["positions_closed"] == count
        lines = []
        for venue, positions in held.items():
            assert paper.positions(venue) == {}
            assert_only_reduced(paper, venue, positions)
            closes = paper.orders(venue)
            at_once = most_at_once(closes)
            lines.append(f"{venue}: {len(closes)} orders, {at_once} at once")
            # Binance lets all of them leave together; Bybit admits 10 orders a second for an account.
            assert at_once >= min(
                len(positions), 2 if venue == "bybit" and count > 20 else len(positions) // 2
            )
        with capsys.disabled():
            sys.stdout.write(f"\n{count} positions: {report['time_to_flat_ms']} ms; {'; '.join(lines)}\n")


@pytest.mark.parametrize("side_of_the_crash", ["before the venue acted", "after the venue acted"])
@pytest.mark.parametrize("resume", [["--resume"], []])
def test_an_exit_whose_process_was_killed_is_finished_with_nothing_closed_twice(
    trader: Trader, side_of_the_crash: str, resume: list[str]
) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        slow = "request_ms" if side_of_the_crash.startswith("before") else "answer_ms"
        for path in ("/fapi/v1/order", "/v5/order/create"):
            paper.break_with({"kind": "latency", "path": path, "method": "POST", slow: 3000})
        process = trader.start(*trader.exit_command())
        wait_until(lambda: trader.journal_holds("RoundIntended"), what="the intent is on the disk")
        if slow == "answer_ms":
            wait_until(lambda: not any(paper.positions(venue) for venue in paper.wires), what="the fills")
        kill(process)
        paper.ask("DELETE", "/faults")
        code, report = trader.exit(*resume)
        assert code == 0, report
        assert report["verdict"] == "FLAT"
        assert report["positions_closed"] == 4
        assert report["total_realized_pnl_usd"] == -1250
        for venue, held in SEED_HELD.items():
            assert paper.positions(venue) == {}
            assert_only_reduced(paper, venue, held)
        assert trader.run("exit", "--resume", "--json", "--config", str(trader.config)).returncode == 2


def test_a_second_process_joins_the_running_exit_and_tells_the_same(trader: Trader) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        paper.break_with({"kind": "latency", "round_trip_ms": 2500})
        first = trader.start(*trader.exit_command())
        wait_until(lambda: trader.journal_holds("ExitRequested"), what="the request is on the disk")
        code, joined = trader.exit()
        out, _ = first.communicate(timeout=60)
        told = document(out)
        assert (first.returncode, code) == (0, 0)
        assert joined["exit_id"] == told["exit_id"]
        assert joined["closed_positions"] == told["closed_positions"]
        assert len(paper.orders()) == 4


@pytest.mark.parametrize("death", ["closed port", "never answers"])
def test_a_dead_venue_delays_nobody(trader: Trader, death: str, capsys: pytest.CaptureFixture[str]) -> None:
    with paper_exchange("seed") as healthy:
        trader.connect(healthy)
        _, reference = trader.exit()
    with paper_exchange("seed") as paper:
        bybit = paper.wires["bybit"]
        if death == "closed port":
            bybit = f"http://127.0.0.1:{closed_port()}"
        else:
            paper.break_with({"kind": "never", "venue": "bybit"})
        trader.configure(
            AccountLine(name="my-binance", venue="binance", base_url=paper.wires["binance"]),
            AccountLine(name="my-bybit", venue="bybit", base_url=bybit),
        )
        code, report = trader.exit("--deadline", "4")
        assert code == 11, report
        assert report["verdict"] == "UNKNOWN"
        assert report["success"] is False
        assert {part["exchange"] for part in report["unread"]} == {"bybit"}
        assert report["next_step"]
        assert paper.positions("binance") == {}
        assert {row["exchange"] for row in report["closed_positions"]} == {"binance"}
        took = {leg["exchange"]: leg["time_to_flat_ms"] for leg in report["looks"]}
        usual = {leg["exchange"]: leg["time_to_flat_ms"] for leg in reference["looks"]}
        with capsys.disabled():
            sys.stdout.write(
                f"\nbinance flat in {took['binance']} ms, {usual['binance']} ms beside a live venue\n"
            )
        assert took["binance"] < usual["binance"] + 500


def test_a_credential_that_cannot_trade_is_reported_before_and_during_the_exit(trader: Trader) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        paper.ask(
            "POST",
            "/accounts",
            {
                "venue": "bybit",
                "name": "watched",
                "api_key": "read-only-key",
                "secret": "read-only-secret",
                "permissions": ["read"],
                "uid": 200_777,
                "balances": {"USDT": "100000"},
                "position": [{"symbol": "ETHUSDT", "quantity": "2", "entry": "3400"}],
            },
        )
        trader.configure(
            AccountLine(name="my-binance", venue="binance", base_url=paper.wires["binance"]),
            AccountLine(name="watched", venue="bybit", base_url=paper.wires["bybit"]),
        )
        trader.put("watched", "read-only-key", "read-only-secret")
        before = document(trader.run("positions", "--json", "--config", str(trader.config)).stdout)
        assert any("watched" in warning and "cannot trade" in warning for warning in before["warnings"])
        status = trader.run("status", "--config", str(trader.config))
        assert "CANNOT TRADE" in status.stdout
        code, report = trader.exit("--deadline", "10")
        assert code == 10, report
        assert report["verdict"] == "NOT_FLAT"
        assert {row["exchange"] for row in report["closed_positions"]} == {"binance"}
        assert [(row["symbol"], row["quantity"]) for row in report["residual"]] == [("ETHUSDT", 2)]
        assert {error["account"] for error in report["errors"]} == {"watched"}
        assert paper.positions("bybit", "watched") == {"ETHUSDT": Decimal(2)}
        assert len(paper.orders("bybit")) <= 5


def test_an_account_whose_credential_is_missing_does_not_keep_the_others_open(trader: Trader) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        assert trader.run("vault", "remove", "my-bybit").returncode == 0
        code, report = trader.exit("--deadline", "5")
        assert code == 11, report
        assert paper.positions("binance") == {}
        assert "vault put my-bybit" in json.dumps(report["unread"], default=str)
        assert paper.requests("bybit") == []


def test_a_venue_that_answers_503_and_half_fills_still_ends_flat(trader: Trader) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        paper.break_with(
            {"kind": "fail", "venue": "bybit", "method": "POST", "path": "/v5/order/create", "count": 2},
            {"kind": "partial_fill", "venue": "bybit", "method": "POST", "skip": 2, "count": 1},
        )
        code, report = trader.exit()
        assert code == 0, report
        assert report["positions_closed"] == 4
        for venue, held in SEED_HELD.items():
            assert paper.positions(venue) == {}
            assert_only_reduced(paper, venue, held)


def test_without_json_the_last_line_carries_the_verdict_and_errors_go_to_standard_error(
    trader: Trader,
) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        done = trader.run("exit", "--config", str(trader.config))
        assert done.returncode == 0
        lines = done.stdout.splitlines()
        assert "EXITING" in lines[0]
        assert lines[-1].startswith("\u25a0 FLAT in ")
        bad = trader.run("exit", "--config", str(trader.folder / "absent.toml"))
        assert bad.returncode == 5
        assert bad.stdout == ""
        assert "absent.toml" in bad.stderr


def test_a_reader_that_goes_away_stops_nothing(trader: Trader) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        paper.break_with({"kind": "latency", "round_trip_ms": 200})
        process = trader.start("exit", "--config", str(trader.config))
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr is not None
        process.stderr.close()
        assert paper.positions("binance") == paper.positions("bybit") == {}


def test_ctrl_c_after_the_latch_stops_nothing_and_names_the_way_to_go_on(trader: Trader) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        paper.break_with({"kind": "latency", "round_trip_ms": 800})
        command = [word for word in trader.exit_command() if word != "--json"]
        with trader.start(*command, "--no-hold") as process:
            wait_until(lambda: trader.journal_holds("RunStarted"), what="the latch")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert re.search(r"goes on to its verdict.*`bastion exit --resume x[a-z0-9]+` goes on", out + err)
        assert out.splitlines()[-1].startswith("\u25a0 FLAT ")
        assert not any(paper.positions(venue) for venue in paper.wires)


def test_pressing_again_while_a_failed_exit_is_still_tried_begins_at_once_and_says_so(
    trader: Trader,
) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        paper.break_with({"kind": "fail", "venue": "bybit", "method": "POST", "failure": "unavailable"})
        command = [word for word in trader.exit_command() if word != "--json"]
        with trader.start(*command, "--hold", "60", "--deadline", "3") as first:
            wait_until(lambda: trader.journal_holds("NOT_FLAT"), what="the first verdict")
            assert first.poll() is None, "it goes on"
            paper.ask("DELETE", "/faults")
            code, again = trader.exit()
            assert (code, again["verdict"]) == (0, "FLAT"), again
            (earlier,) = again["joined"]
            assert earlier != again["exit_id"]
            assert f"{earlier} ended NOT_FLAT and was still being tried" in again["warnings"][0]
            assert not any(paper.positions(venue) for venue in paper.wires)
            for venue, held in SEED_HELD.items():
                assert_only_reduced(paper, venue, held)
            first.send_signal(signal.SIGINT)
            first.communicate(timeout=60)


def test_watch_tells_a_finished_exit_again(trader: Trader) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        _, report = trader.exit()
        watched = trader.run("watch", report["exit_id"], "--json")
        assert watched.returncode == 0
        assert document(watched.stdout)["summary"] == report["summary"]
        assert trader.run("watch", "xnone").returncode == 2

"""A part only, a halt, the way back, and the papers that prove what was done."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cli.rig import Paper, Trader, document, paper_exchange


def working(paper: Paper, venue: str) -> list[Any]:
    orders = paper.account(venue)["orders"]
    return [order for order in orders if order["state"] in {"NEW", "UNTRIGGERED", "PARTIALLY_FILLED"}]


def run(trader: Trader, *arguments: str) -> tuple[int, Any]:
    done = trader.run(*arguments, "--json", "--config", str(trader.config))
    return done.returncode, document(done.stdout)


def test_an_exit_of_a_part_closes_that_part_and_says_so(trader: Trader) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        held = paper.positions("binance")
        code, report = trader.exit("--symbol", "btc", "--account", "my-binance")
        assert (code, report["verdict"], report["positions_closed"]) == (0, "FLAT", 1)
        assert "BTCUSDT" in report["summary"]
        assert report["selection"]["symbols"] == ["BTCUSDT"]
        del held["BTCUSDT"]
        assert paper.positions("binance") == held
        assert len(paper.positions("bybit")) == 2
        code, report = trader.exit("--except-account", "my-bybit")
        assert (code, report["positions_closed"]) == (0, 1)
        assert paper.positions("binance") == {}
        assert len(paper.positions("bybit")) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--account", "nobody"], "no account"),
        (["--venue", "kraken"], "venue"),
        (["--symbol", "NOSUCHCOIN"], "NOSUCHCOIN"),
        (["--side", "up"], "side"),
    ],
)
def test_a_part_that_does_not_exist_is_refused_and_nothing_is_sent(
    trader: Trader, quiet: Paper, arguments: list[str], says: str
) -> None:
    trader.connect(quiet)
    code, answer = trader.exit(*arguments)
    assert code == 2
    assert says in answer["error"]["message"]
    assert quiet.orders() == []
    assert not trader.journal_holds("ExitRequested")


def test_a_dry_run_shows_the_orders_and_sends_none(trader: Trader, quiet: Paper) -> None:
    trader.connect(quiet)
    code, told = trader.exit("--dry-run", "--side", "long")
    assert code == 0
    assert {leg["direction"] for leg in told["legs"]} == {"LONG"}
    assert told["sent"] is False
    assert quiet.orders() == []
    assert not trader.journal_holds("ExitRequested")


def test_a_halt_cancels_entries_keeps_stops_and_positions_and_only_a_person_lifts_its_latch(
    trader: Trader,
) -> None:
    with paper_exchange("demo") as paper:
        trader.connect(paper)
        held = paper.positions("binance")
        orders = working(paper, "binance")
        assert any(order["reduce_only"] for order in orders)
        assert any(not order["reduce_only"] for order in orders)

        code, told = run(trader, "halt", "--dry-run")
        assert code == 0
        assert len(told["would_cancel"]) == 4
        assert working(paper, "binance") == orders

        code, told = run(trader, "halt", "--reason", "the desk goes home")
        assert code == 0, told
        assert (told["success"], told["latched"], told["reason"]) == (True, True, "the desk goes home")
        assert paper.positions("binance") == held
        assert all(order["reduce_only"] for order in working(paper, "binance"))
        assert told["orders_cancelled"] > 0

        halt_id = told["halt_id"]
        assert told["verdict"] == "HALTED"
        watched = trader.run("watch", halt_id, "--config", str(trader.config)).stdout
        assert watched.splitlines()[-1].startswith("HALTED")
        assert run(trader, "status")[1]["latch"] == "TRIPPED"
        for wrong in (["--typed", "none"], ["--reason", "back"], ["--typed", "zzzz", "--reason", "back"]):
            code, answer = run(trader, "reset", halt_id, *wrong)
            assert code == 2, answer
        code, told = run(trader, "reset", halt_id, "--typed", halt_id[-4:], "--reason", "back at the desk")
        assert code == 0, told
        assert run(trader, "status")[1]["latch"] == "CLEAR"
        assert paper.positions("binance") == held

        code, told = run(trader, "halt", "--stops-too")
        assert code == 0, told
        assert working(paper, "binance") == []
        assert working(paper, "bybit") == []


def test_the_papers_of_an_exit_verify_and_a_changed_one_does_not(trader: Trader, tmp_path: Path) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        _, report = trader.exit("--reason", "for the papers")
        file = tmp_path / "certificate.json"
        done = trader.run("certificate", "show", report["exit_id"], "--out", str(file), "--json")
        told = document(done.stdout)
        assert (done.returncode, told["verdict"]) == (0, "FLAT")
        again = trader.run("certificate", "show", report["exit_id"], "--out", str(file))
        assert (again.returncode, "already" in again.stderr) == (2, True)

        done = trader.run("certificate", "verify", str(file), "--fingerprint", told["fingerprint"], "--json")
        checked = document(done.stdout)
        assert (done.returncode, checked["success"], checked["trusted"]) == (0, True, True)
        changed = file.read_text(encoding="utf-8").replace('"FLAT"', '"NOT_FLAT"', 1)
        file.write_text(changed, encoding="utf-8")
        done = trader.run("certificate", "verify", str(file), "--json")
        assert (done.returncode, document(done.stdout)["success"]) == (1, False)

        done = trader.run("journal", "verify", "--json")
        assert (done.returncode, document(done.stdout)["success"]) == (0, True)
        done = trader.run("journal", "export", "--act", "exit", "--config", str(trader.config))
        rows = [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines()]
        assert [(row["act"], row["exit_id"], row["surface"]) for row in rows] == [
            ("exit", report["exit_id"], "cli")
        ]


def test_a_journal_with_a_changed_byte_is_told_apart(trader: Trader) -> None:
    with paper_exchange("seed") as paper:
        trader.connect(paper)
        trader.exit("--reason", "an unmistakable reason")
    file = trader.home / "journal.sqlite"
    raw = file.read_bytes()
    assert b"an unmistakable reason" in raw
    file.write_bytes(raw.replace(b"an unmistakable reason", b"an unmistakable seasonn"[:22]))
    done = trader.run("journal", "verify", "--json")
    assert (done.returncode, document(done.stdout)["success"]) == (1, False)

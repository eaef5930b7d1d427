"""What is lost on the way of a refund, an answer or the process, is found out; the margin moves once."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.acceptance.margin_desk.conftest import Start
from tests.strike_rig import BASTION, COMMAND_S, Interloper, MarginTrader, margin_venue


@pytest.fixture(scope="module")
def narrow_trader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MarginTrader]:
    """A trader with five positions, whose desk is told of a narrower limit than the venue's.

    So nothing but the desk's own pacing holds it.
    """
    folder = tmp_path_factory.mktemp("narrow")
    with margin_venue(folder / "venue", "--trading-limit", "100") as venue:
        trader = MarginTrader(folder / "trader", venue)
        for _ in range(5):
            venue.open(usd="10")
        trader.prepare("trading_a_minute = 6")
        yield trader


@pytest.fixture(scope="module", autouse=True)
def narrow(narrow_trader: MarginTrader) -> Iterator[subprocess.Popen[str]]:
    """Press the exit of that trader; it waits for its second minute while the other tests here run."""
    with subprocess.Popen(
        [BASTION, "exit", "--deadline", "20", "--json"],
        env=narrow_trader.environment,
        cwd=narrow_trader.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_a_lost_answer_is_resolved_by_looking(start: Start) -> None:
    trader = start()
    venue = trader.venue
    venue.open()
    venue.halt()
    lost = [True]
    with Interloper(venue.url, after=lambda: lost.pop() if lost else False) as between:
        trader.prepare('refund = "always"', url=between.url)
        code, report = trader.answer("exit")
    assert (code, report["verdict"]) == (0, "FLAT"), report
    assert report["total_refunded_margin_usd"] == 100
    [resolved] = report["resolved"]
    assert resolved["by"] == "order"
    assert len(between.keys) == 1
    assert venue.balances()["withdrawable"] == "10000.00"


def test_the_direct_refund_resolves_a_lost_answer_as_well(start: Start) -> None:
    trader = start()
    venue = trader.venue
    position = venue.open()
    lost = [True]
    with Interloper(venue.url, after=lambda: lost.pop() if lost else False) as between:
        trader.prepare(url=between.url)
        code, told = trader.answer("refund", str(position))
    assert (code, told["success"], told["refunded_margin_usd"]) == (0, True, 100)
    assert venue.balances()["withdrawable"] == "10000.00"


def test_after_kill_9_the_exit_goes_on_and_nothing_is_paid_twice(start: Start) -> None:
    trader = start()
    venue = trader.venue
    venue.open()
    venue.open(usd="40", side="short")
    running: list[subprocess.Popen[str]] = []

    def kill() -> bool:
        if not running:
            return False
        os.kill(running.pop().pid, signal.SIGKILL)
        return True

    with Interloper(venue.url, after=kill) as between:
        trader.prepare('refund = "always"', url=between.url)
        with subprocess.Popen(
            [BASTION, "exit", "--json"],
            env=trader.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            running.append(process)
            process.communicate(timeout=COMMAND_S)
            assert process.returncode == -signal.SIGKILL
        code, report = trader.answer("exit", "--resume")
    assert (code, report["verdict"]) == (0, "FLAT"), report
    assert report["total_refunded_margin_usd"] == 140, report
    assert report["pnl_pending"] is False
    assert venue.balances()["withdrawable"] == "10000.00"
    assert all(key.startswith("bst") for key in between.keys)
    assert len(set(between.keys)) == 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_after_kill_9_a_direct_refund_is_asked_for_again_and_paid_once(start: Start, when: str) -> None:
    trader = start()
    venue = trader.venue
    position = venue.open()
    running: list[subprocess.Popen[str]] = []

    def kill() -> bool:
        if not running:
            return False
        os.kill(running.pop().pid, signal.SIGKILL)
        return True

    with Interloper(venue.url, **{when: kill}) as between:
        trader.prepare(url=between.url)
        with subprocess.Popen(
            [BASTION, "refund", str(position), "--reason", "the matching stands still", "--json"],
            env=trader.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            running.append(process)
            process.communicate(timeout=COMMAND_S)
            assert process.returncode == -signal.SIGKILL
        code, told = trader.answer("refund", str(position))
        assert (code, told["success"], told["refunded_margin_usd"]) == (0, True, 100), told
        code, review = trader.answer("refund", str(position), "--review")
        assert (code, review["refunded_margin_usd"]) == (0, 100), review
    assert len(set(between.keys)) == 1
    assert venue.balances()["withdrawable"] == "10000.00"


def test_more_positions_than_the_limit_allows_are_closed_in_the_next_window(
    narrow: subprocess.Popen[str], narrow_trader: MarginTrader
) -> None:
    output, errors = narrow.communicate(timeout=COMMAND_S)
    report = json.loads(output)
    assert (narrow.returncode, report["verdict"], report["positions_closed"]) == (0, "FLAT", 5), report
    assert report["refunds"] == []
    assert report["elapsed_s"] > 20
    assert any("more than the deadline" in warning for warning in report["warnings"])
    assert narrow_trader.venue.service_key not in output + errors

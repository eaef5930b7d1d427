"""Two processes on one journal: who does not hold the lock is served by the one that does."""

import asyncio
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from tests.acceptance.cli.rig import CANARIES, Paper, Trader, kill, paper_exchange, wait_until

PROCESS = """
import asyncio, sys
from decimal import Decimal
from pathlib import Path
from bastion.app import find_place, open_desk
from bastion.commands import emergency_exit
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import Selection

async def main():
    folder = Path(sys.argv[1])
    place = find_place(config=folder / "bastion.toml", environment={
        "BASTION_HOME": str(folder / "state"), "BASTION_VAULT_KEY_FILE": str(folder / "trader.key")})
    hold, deadline = (Decimal(word) for word in sys.argv[2].split("/"))
    chosen = Selection(symbols=frozenset(sys.argv[3:]))
    async with open_desk(place) as desk:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        owner = Principal(id="owner", surface="test", scope=Scope.TRADE)
        kinds = []
        desk.watch(lambda entry: kinds.append(type(entry.record).__name__))
        report = await emergency_exit(desk, owner, selection=chosen, hold_s=hold, deadline_s=deadline)
        by = "itself" if "LegStarted" in kinds else "another"
        print(report.exit_id, report.verdict, report.positions_closed, by, *report.joined, flush=True)
        if hold:
            await asyncio.to_thread(sys.stdin.readline)

asyncio.run(main())
"""


@pytest.fixture
def paper() -> Iterator[Paper]:
    with paper_exchange("seed") as exchange:
        yield exchange


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose vault the program filled."""
    one = Trader(folder=tmp_path_factory.mktemp("filled"))
    for venue, secret in CANARIES.items():
        one.put(f"my-{venue}", f"paper-{venue}-key", secret)
    return one.folder


@pytest.fixture
def trader(tmp_path: Path, paper: Paper, filled: Path) -> Trader:
    one = Trader(folder=tmp_path, filled=filled)
    one.connect(paper)
    return one


async def ready(
    trader: Trader, *chosen: str, hold: int = 0, deadline: int = 60
) -> asyncio.subprocess.Process:
    """Start a process that has opened its desk, and presses once it is told to."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROCESS, str(trader.folder), f"{hold}/{deadline}", *chosen),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


def press(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")


async def told(process: asyncio.subprocess.Process) -> list[str]:
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().split()


async def test_a_full_exit_of_another_process_is_carried_out_by_the_one_that_runs(
    trader: Trader, paper: Paper
) -> None:
    paper.break_with({"kind": "latency", "round_trip_ms": 400})
    narrow, wide = await ready(trader, "BTCUSDT"), await ready(trader)
    press(narrow)
    await asyncio.to_thread(wait_until, lambda: trader.journal_holds("LegStarted"), what="the scoped exit")
    press(wide)
    scoped, full = await told(narrow), await told(wide)
    assert scoped[1] == full[1] == "FLAT"
    assert scoped[0] != full[0]
    assert full[4:] == [scoped[0]]
    assert paper.positions("binance") == paper.positions("bybit") == {}
    assert len(paper.orders()) == 4, "nothing is sent twice"


async def test_who_waits_goes_on_where_the_other_process_dies(trader: Trader, paper: Paper) -> None:
    paper.break_with({"kind": "latency", "round_trip_ms": 400})
    second = await ready(trader, "SOLUSDT")
    with trader.start(*trader.exit_command()) as first:
        await asyncio.to_thread(wait_until, lambda: trader.journal_holds("LegStarted"), what="the exit")
        press(second)
        await asyncio.sleep(0.3)
        kill(first)
    answer = await told(second)
    assert answer[1] == "FLAT"
    assert paper.positions("binance") == paper.positions("bybit") == {}, "it joined the full exit"
    assert Decimal(answer[2]) == 4


async def line_of(process: asyncio.subprocess.Process) -> list[str]:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return (await process.stdout.readline()).decode().split()


async def test_beside_one_that_goes_on_after_its_verdict_a_second_process_sends_nothing_of_its_own(
    trader: Trader, paper: Paper
) -> None:
    refusing = {"kind": "fail", "method": "POST", "path": "/fapi/v1/order|/v5/order/create"}
    paper.break_with(refusing)
    first, second, third = (
        await ready(trader, hold=60, deadline=1),
        await ready(trader),
        await ready(trader, "SOLUSDT"),
    )
    press(first)
    assert (await line_of(first))[1] == "NOT_FLAT"
    press(second)
    await asyncio.to_thread(wait_until, lambda: journal_runs(trader) == 2, what="both at work")
    paper.ask("DELETE", "/faults")
    answer = await told(second)
    assert (answer[1], answer[3]) == ("FLAT", "another")
    assert paper.positions("binance") == paper.positions("bybit") == {}
    passed = [row for row in paper.orders() if not row["faults"]]
    assert len(passed) == 4, "nothing is sent twice"
    # It watches the flat account now, and what a third process asks for is still its own to do.
    press(third)
    assert (await told(third))[1:4:2] == ["FLAT", "another"]
    kill_now(first)
    await first.wait()


async def test_what_the_process_with_the_lock_does_not_take_up_is_done_by_whoever_asked(
    trader: Trader, paper: Paper
) -> None:
    first, second = await ready(trader, "SOLUSDT", hold=60), await ready(trader)
    press(first)
    assert (await line_of(first))[1] == "FLAT"
    first.send_signal(signal.SIGSTOP)
    press(second)
    answer = await told(second)
    assert (answer[1], answer[3]) == ("FLAT", "itself")
    assert paper.positions("binance") == paper.positions("bybit") == {}
    kill_now(first)
    await first.wait()


def kill_now(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGKILL)


def journal_runs(trader: Trader) -> int:
    """Return how many exits some process has taken up."""
    with closing(sqlite3.connect(trader.home / "journal.sqlite")) as journal:
        rows = journal.execute("SELECT COUNT(*) FROM entries WHERE kind = 'RunStarted'").fetchone()
    return int(rows[0])

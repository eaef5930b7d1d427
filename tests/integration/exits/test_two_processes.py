"""Two processes on one journal: who does not hold the lock is served by the one that does."""

import asyncio
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.acceptance.cli.rig import Paper, Trader, kill, paper_exchange, wait_until

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
    chosen = Selection(symbols=frozenset(sys.argv[2:]))
    async with open_desk(place) as desk:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        owner = Principal(id="owner", surface="test", scope=Scope.TRADE)
        report = await emergency_exit(desk, owner, selection=chosen, hold_s=Decimal(0))
        print(report.exit_id, report.verdict, report.positions_closed, *report.joined, flush=True)

asyncio.run(main())
"""


@pytest.fixture
def paper() -> Iterator[Paper]:
    with paper_exchange("seed") as exchange:
        yield exchange


@pytest.fixture
def trader(tmp_path: Path, paper: Paper) -> Trader:
    one = Trader(folder=tmp_path)
    one.connect(paper)
    return one


async def ready(trader: Trader, *chosen: str) -> asyncio.subprocess.Process:
    """Start a process that has opened its desk, and presses once it is told to."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROCESS, str(trader.folder), *chosen),
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
    assert full[3:] == [scoped[0]]
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

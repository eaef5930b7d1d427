"""Many who ask what is open cost a venue no more than one, so that its limits are left to an exit."""

import asyncio
from decimal import Decimal
from pathlib import Path

from bastion.app import PaperProcess, Place, find_place, open_paper_desk
from bastion.commands import emergency_exit, positions
from bastion.domain.principal import Principal, Scope
from bastion.domain.verdict import Verdict

OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)
ASKED = 25


def place(folder: Path) -> Place:
    return find_place(config=None, environment={"BASTION_HOME": str(folder)})


async def looks(paper: PaperProcess) -> int:
    answer = await paper.control("GET", "/requests?venue=binance&path=/fapi/v3/positionRisk")
    assert isinstance(answer, dict)
    rows = answer["requests"]
    assert isinstance(rows, list)
    return len(rows)


async def test_twenty_five_who_ask_at_once_are_answered_from_one_reading(tmp_path: Path) -> None:
    async with open_paper_desk(place(tmp_path), scenario="seed") as (desk, paper), asyncio.timeout(60):
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(positions(desk, OWNER)) for _ in range(ASKED)]
        reports = [task.result() for task in asked]
        assert [len(report.positions) for report in reports] == [4] * ASKED
        assert len({report.read_at for report in reports}) == 1
        assert await looks(paper) == 1


async def test_after_an_exit_nobody_is_told_what_was_open_before_it(tmp_path: Path) -> None:
    async with open_paper_desk(place(tmp_path), scenario="seed") as (desk, _), asyncio.timeout(60):
        assert len((await positions(desk, OWNER)).positions) == 4
        report = await emergency_exit(desk, OWNER, hold_s=Decimal(0))
        assert report.verdict is Verdict.FLAT
        assert (await positions(desk, OWNER)).positions == ()

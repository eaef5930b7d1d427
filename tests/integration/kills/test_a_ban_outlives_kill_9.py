"""A process that heard of a ban is killed; the one that takes up its exit sends that venue nothing."""

import asyncio
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest

from bastion.commands import emergency_exit
from bastion.exits.report import ExitReport
from tests.integration.kills.sweep import MOMENTS, OWNER, PLAYS, desk_at, press_and_die, set_up
from tests.paper_process import PaperProcess, paper_exchange
from tests.wires_rig import WIRES

BANNED = "binance"
ANSWERED = next(moment for moment in MOMENTS if moment.name == "answered")


def asked(paper: PaperProcess, venue: str) -> list[str]:
    rows = paper.control.call("GET", "/requests?path=")["requests"]
    return [row["path"] for row in rows if row["venue"] == venue]


async def resume(paper: PaperProcess, home: Path) -> ExitReport:
    async with desk_at(paper, home) as desk:
        return await emergency_exit(desk, OWNER, deadline_s=Decimal(3), hold_s=Decimal(0))


@pytest.mark.timeout(120)
def test_what_a_killed_process_heard_of_a_ban_the_next_one_keeps() -> None:
    with paper_exchange("four-4") as paper, tempfile.TemporaryDirectory(prefix="ban-") as folder:
        home = Path(folder)
        set_up(paper, PLAYS[0])
        paper.control.call("POST", "/faults", {"kind": "fail", "venue": BANNED, "failure": "banned"})
        # The others have answered their closes, when the ban was heard long since.
        assert press_and_die(paper, home, PLAYS[0], ANSWERED, len(WIRES) - 1)
        assert asked(paper, BANNED)
        paper.control.clear_faults()
        paper.control.call("DELETE", "/requests")
        report = asyncio.run(resume(paper, home))
        assert asked(paper, BANNED) == []
        assert all(asked(paper, venue) for venue in WIRES if venue != BANNED)
        assert not report.success
        assert {row.exchange for row in report.closed_positions} == {*WIRES} - {BANNED}

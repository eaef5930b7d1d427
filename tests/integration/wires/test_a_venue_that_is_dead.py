"""A venue that answers nothing: the others are flat as before, it is named, and bastion goes on trying."""

import asyncio
from decimal import Decimal

import pytest

from bastion.commands import emergency_exit, exit_status
from bastion.domain.verdict import ExitState, Verdict
from bastion.exits.report import ExitReport
from tests.wires_rig import IN_FULL, OWNER, WIRES, WiresRig

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
DEAD = "okx"
# Beside the tenth that a dead venue may cost the others, what a busy machine does to one of two runs.
SLACK_MS = 1_500


def times(report: ExitReport) -> dict[str, int]:
    found = {leg.exchange: leg.time_to_flat_ms for leg in report.looks}
    return {venue: ms for venue, ms in found.items() if ms is not None and venue != DEAD}


@IN_FULL
async def test_the_others_are_flat_in_time_and_the_dead_one_is_tried_until_it_is_flat_too(
    wires: WiresRig,
) -> None:
    await wires.hold("2")
    whole = await emergency_exit(wires.desk, OWNER, hold_s=Decimal(0))
    assert whole.verdict is Verdict.FLAT
    await wires.load()
    await wires.hold("2")
    await wires.fault("never", DEAD)
    report = await emergency_exit(wires.desk, OWNER, deadline_s=Decimal(4), hold_s=Decimal(1))
    assert report.verdict is Verdict.UNKNOWN
    assert not report.success
    assert {part.account for part in report.unread} == {f"paper-{DEAD}"}
    assert all(part.reason.startswith("no answer for ") for part in report.unread), report.unread
    assert report.residual == ()
    assert report.next_step is not None
    assert f"{DEAD} (paper-{DEAD})" in report.next_step
    assert "keeps trying" in report.next_step
    assert report.state is ExitState.EXITING
    assert report.exposure.unknown_after == (f"{DEAD} (paper-{DEAD})",)
    before, after = times(whole), times(report)
    assert set(after) == set(before) == set(WIRES) - {DEAD}
    for venue, ms in after.items():
        assert ms <= before[venue] * 1.1 + SLACK_MS, (venue, before, after)
    assert set(await wires.held()) == {DEAD}
    await wires.paper.control("DELETE", "/faults")
    running = wires.desk.exit_of(report.exit_id)
    assert running is not None, "the process goes on by itself"
    async with asyncio.timeout(60):
        await running.ended.wait()
    told = await exit_status(wires.desk, OWNER, report.exit_id)
    assert told.verdict is Verdict.FLAT, told.summary
    assert await wires.held() == {}

"""While an exit cannot close a position, it can still be protected, and the exit leaves the stop."""

import asyncio
from decimal import Decimal

import pytest

from bastion.commands import emergency_exit, set_stop_loss
from bastion.domain.verdict import Verdict
from tests.bybit_rig import until
from tests.protection_rig import OWNER, ProtectionRig, at
from tests.venue_paper import ORDER_PATHS

D = Decimal
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def tried(rig: ProtectionRig) -> bool:
    return any(row["method"] == "POST" for row in await rig.requests(ORDER_PATHS[rig.venue]))


async def test_a_stop_can_be_set_while_an_exit_is_stuck_and_goes_with_the_position(
    rig: ProtectionRig,
) -> None:
    await rig.hold("0.5")
    await rig.fault("fail", path=ORDER_PATHS[rig.venue], method="POST", failure="internal_error")
    async with asyncio.TaskGroup() as group:
        exiting = group.create_task(
            emergency_exit(
                rig.desk, OWNER, deadline_s=D(20), hold_s=D(0), selection=at(rig.venue), reason="a test"
            )
        )
        await until(lambda: tried(rig), within_s=10)
        report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
        assert report.success, report.errors
        assert any("is at work" in warning for warning in report.warnings)
        assert await rig.triggers() == [D(900)]
        await rig.paper.control("DELETE", "/faults")
        done = await exiting
    assert done.verdict is Verdict.FLAT
    assert await rig.held() == {}
    assert await rig.waiting() == []

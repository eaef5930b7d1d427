"""A process that is killed in the middle of a replacement leaves one stop or two, never none."""

import asyncio
import random
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from bastion.commands import set_stop_loss
from tests.protection_rig import OWNER, ProtectionRig, at

D = Decimal
PROGRAM = Path(__file__).with_name("replacing_process.py")
KILLS = 2
START_S = 60
STOPS = {D(900), D(905), D(910), D(920)}
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_whenever_it_is_killed_a_stop_stands_and_the_next_one_tidies_up(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    account = next(each for each in rig.desk.accounts if each.name == rig.account)
    credential = rig.paper.credentials[account.credential]
    await rig.fault("latency", round_trip_ms=8)
    moments = random.Random(rig.venue)
    seen: set[int] = set()
    for _ in range(KILLS):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(PROGRAM),
            *(rig.venue, account.base_url or "", credential["apiKey"], credential["secret"]),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(START_S):
                assert await process.stdout.readline() == b"ready\n"
            # No condition to wait for: any moment of the replacing is the right one.
            await asyncio.sleep(moments.uniform(0, 0.15))
        finally:
            process.kill()
            await process.wait()
        standing = await rig.waiting()
        assert standing, "no stop stood after the kill"
        assert {price for price, _ in standing} <= STOPS
        seen.add(len(standing))
    assert seen <= {1, 2, 3}
    await rig.paper.control("DELETE", "/faults")
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=at(rig.venue))
    assert report.success, report.errors
    assert await rig.triggers() == [D(950)]
    await rig.price("940")
    assert await rig.held() == {}

"""Reads that trail the venue's matching by up to two seconds cost no second close, and leave nothing open."""

import asyncio
from decimal import Decimal

import pytest

from bastion.commands import emergency_exit
from bastion.domain.verdict import Verdict
from tests.venue_paper import ORDER_PATHS
from tests.wires_rig import IN_FULL, OWNER, WIRES, WiresRig

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
LAG_MS = 2_000
# The position lists, and the pages that could speak for or against them.
TRAILING = {
    "binance": "*positionRisk|*/account",
    "bybit": "*position/list|*wallet-balance",
    "hyperliquid": "*/info*",
    "okx": "*account/positions|*account-position-risk",
}


async def shown(wires: WiresRig, venues: tuple[str, ...] = WIRES) -> None:
    """Wait until the trailing reads show what is held."""
    async with asyncio.timeout(30):
        for venue in venues:
            while not (await wires.desk.venues[f"paper-{venue}"].look(deadline_s=5)).positions:  # noqa: ASYNC110 - across a socket
                await asyncio.sleep(0.2)


async def sent(wires: WiresRig, venue: str) -> int:
    return sum(row["method"] == "POST" for row in await wires.requests(ORDER_PATHS[venue], venue))


@pytest.mark.parametrize(
    "everything",
    [pytest.param(False, id="positions trail"), pytest.param(True, id="every read trails", marks=IN_FULL)],
)
async def test_a_position_that_our_fills_closed_is_not_closed_again_while_reads_trail(
    wires: WiresRig,
    everything: bool,  # noqa: FBT001 - a case of the table
) -> None:
    await wires.hold("2")
    for venue in WIRES:
        await wires.fault("lag", venue, path="*" if everything else TRAILING[venue], lag_ms=LAG_MS)
    await shown(wires)
    report = await emergency_exit(wires.desk, OWNER, hold_s=Decimal(0))
    assert report.verdict is Verdict.FLAT, report.summary
    assert await wires.held() == {}
    assert {venue: await sent(wires, venue) for venue in WIRES} == dict.fromkeys(WIRES, 1)


async def test_what_is_opened_again_behind_a_close_is_closed_although_our_fills_say_flat(
    wires: WiresRig,
) -> None:
    await wires.hold("2", venues=("binance",))
    await wires.fault("lag", "binance", path=TRAILING["binance"], lag_ms=LAG_MS)
    await shown(wires, ("binance",))
    async with asyncio.TaskGroup() as group:
        exiting = group.create_task(emergency_exit(wires.desk, OWNER, hold_s=Decimal(0)))
        async with asyncio.timeout(30):
            while "binance" in await wires.held():  # noqa: ASYNC110 - across a socket
                await asyncio.sleep(0.01)
        # No execution tells of it: only the change of the venue's own row does.
        await wires.hold("2", venues=("binance",))
    report = exiting.result()
    assert report.verdict is Verdict.FLAT, report.summary
    assert await wires.held() == {}
    assert await sent(wires, "binance") == 2

"""A halt, and the proof of an exit, have the order lists out of what is kept for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from bastion.clock import SystemClock
from bastion.commands import emergency_exit, halt
from bastion.domain.look import ReadsLeft
from bastion.domain.principal import Principal, Scope
from bastion.embedded import paper_credential
from bastion.ports import Metered, Sparing, Venue
from bastion.venues.catalog import Catalog
from tests.protection_rig import ProtectionRig, at

OWNER = Principal(id="owner", surface="test", scope=Scope.ENGINE)
# Far below what the watch after an exit leaves, and more than one halt takes.
SHORT = 420


def left(venue: Venue) -> ReadsLeft:
    assert isinstance(venue, Metered)
    return venue.reads_left()


@asynccontextmanager
async def another_program(rig: ProtectionRig) -> AsyncIterator[Venue]:
    """Another process at the same address, which knows nothing of what this one spends."""
    account = next(one for one in rig.paper.accounts if one.venue == "binance")
    venue = Catalog(clock=SystemClock(), shelf_dir=None).build(account, paper_credential("binance"))
    try:
        yield venue
    finally:
        await venue.close()


async def spend(rig: ProtectionRig, *, until: int) -> None:
    """Let another program use the address's weight up, and this desk hear of it by the venue's count."""
    ours = rig.desk.venues[rig.account]
    async with another_program(rig) as venue, asyncio.timeout(60):
        while left(ours).free > until:
            assert isinstance(venue, Sparing)
            venue.need_orders(halting=True)
            await venue.look(deadline_s=5)
            await ours.access(deadline_s=5)


async def test_a_halt_is_proven_at_once_while_positions_are_open_and_weight_is_short(
    rig: ProtectionRig,
) -> None:
    await rig.hold("2")
    await spend(rig, until=SHORT)
    await rig.rest("BUY", "1", price="900")
    report = await halt(rig.desk, OWNER, selection=at("binance"))
    assert report.success, report.summary
    assert report.orders_cancelled == 1
    assert report.elapsed_s < 5, "the lists were put off for ten seconds"
    assert await rig.held() == {("BTCUSDT", "NET"): Decimal(2)}


async def test_six_exits_and_a_halt_in_a_row_do_not_starve(rig: ProtectionRig) -> None:
    for number in range(6):
        await rig.hold("2")
        await rig.rest("BUY", "1", price="900")
        report = await emergency_exit(rig.desk, OWNER, selection=at("binance"), hold_s=Decimal(60))
        assert report.success, (number, report.summary)
        assert report.elapsed_s < 5, (number, report.summary)
        assert await rig.held() == {}
    await rig.rest("BUY", "1", price="900")
    halted = await halt(rig.desk, OWNER, selection=at("binance"))
    assert (halted.success, halted.orders_cancelled) == (True, 1), halted.summary
    assert halted.elapsed_s < 5
    assert not [row for row in await rig.requests() if row["status"] in {418, 429}]


async def test_a_look_that_only_whole_lists_can_serve_sends_nothing_until_they_can_be_had(
    rig: ProtectionRig,
) -> None:
    await spend(rig, until=100)
    venue = rig.desk.venues[rig.account]
    assert isinstance(venue, Sparing)
    free = left(venue).free
    venue.need_orders(halting=False)
    look = await venue.look(deadline_s=0.5)
    assert [part.part for part in look.unread] == ["positions", "orders", "conditional orders"]
    assert all(part.unsent for part in look.unread)
    assert not look.complete
    assert look.ended_ns - look.begun_ns < 1e9
    assert left(venue).free >= free, "nothing was spent, and nothing is held"

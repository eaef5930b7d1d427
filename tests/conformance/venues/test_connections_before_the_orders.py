"""Connections are open before the orders that need them: no order waits for one to come about."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from bastion.app import PaperProcess
from bastion.clock import SystemClock
from bastion.embedded import paper_credential
from bastion.errors import VenueUnreachable
from bastion.http1.dial import Origin, P, tcp
from bastion.venues.catalog import Catalog
from tests.venue_paper import PAPI, PaperRig, PaperVenue, account_at, prepared, scenario

SYMBOLS = tuple(f"{base}USDT" for base in ("BTC", "ETH", "SOL", "XRP", "ADA", "BNB", "AVAX"))
MOST = 16
LASTING_S = 25.0
LONGER_THAN_ANY_S = 100.0


class Counting:
    """Connects, and counts how often; refuses once it is told to."""

    def __init__(self) -> None:
        self.count = 0
        self.refuses = False

    async def __call__(self, origin: Origin, address: str | None, protocol: Callable[[], P]) -> P:
        if self.refuses:
            raise ConnectionRefusedError
        self.count += 1
        return await tcp(origin, address, protocol)


@asynccontextmanager
async def counted(paper: PaperProcess, kind: str) -> AsyncIterator[tuple[PaperRig, Counting]]:
    """A rig with many positions, and how many connections were made for it."""
    connects = Counting()
    account = account_at(paper, kind)
    catalog = Catalog(clock=SystemClock(), shelf_dir=None, connect=connects)
    venue = catalog.build(account, paper_credential(account.venue))
    assert isinstance(venue, PaperVenue)
    async for rig in prepared(paper, kind):
        held = [{"symbol": symbol, "quantity": "0.5", "entry": "1000"} for symbol in SYMBOLS]
        await rig.load(scenario(account.venue, SYMBOLS, position=held))
        try:
            yield PaperRig(paper=paper, account=account, venue=venue, catalog=catalog), connects
        finally:
            await venue.close()


@pytest.mark.parametrize("kind", ["binance", PAPI, "bybit", "hyperliquid", "okx"])
async def test_no_order_of_a_wave_waits_for_a_connection(paper: PaperProcess, kind: str) -> None:
    async with counted(paper, kind) as (rig, connects):
        look = await rig.whole_look()
        assert len(look.positions) == len(SYMBOLS)
        await rig.venue.warm(look, most=MOST, lasting_s=LONGER_THAN_ANY_S / 2, deadline_s=5)
        before = connects.count
        answers = await rig.close_all(look.positions)
        assert [one for one in answers if isinstance(one, Exception)] == []
        assert connects.count == before


async def test_what_would_not_last_is_replaced_and_nothing_is_opened_twice(paper: PaperProcess) -> None:
    async with counted(paper, "binance") as (rig, connects):
        look = await rig.whole_look()
        await rig.venue.warm(look, most=MOST, lasting_s=LASTING_S, deadline_s=5)
        before = connects.count
        await rig.venue.warm(look, most=MOST, lasting_s=LASTING_S, deadline_s=5)
        assert connects.count == before
        # None of them rests so long.
        await rig.venue.warm(look, most=3, lasting_s=LONGER_THAN_ANY_S, deadline_s=5)
        assert connects.count == before + 3


async def test_no_more_are_opened_than_are_allowed_and_none_for_nothing(paper: PaperProcess) -> None:
    async with counted(paper, "binance") as (rig, connects):
        await rig.venue.open(deadline_s=5)
        look = await rig.whole_look()
        await asyncio.sleep(0)
        before = connects.count
        await rig.venue.warm(look, most=1, lasting_s=LASTING_S, deadline_s=5)
        assert connects.count == before
        await rig.load(scenario("binance", SYMBOLS))
        nothing = await rig.whole_look()
        before = connects.count
        await rig.venue.warm(nothing, most=MOST, lasting_s=LASTING_S, deadline_s=5)
        assert connects.count == before


async def test_a_host_that_refuses_is_told_as_unreachable(paper: PaperProcess) -> None:
    async with counted(paper, "bybit") as (rig, connects):
        look = await rig.whole_look()
        connects.refuses = True
        with pytest.raises(VenueUnreachable, match="refused"):
            await rig.venue.warm(look, most=MOST, lasting_s=LONGER_THAN_ANY_S, deadline_s=5)

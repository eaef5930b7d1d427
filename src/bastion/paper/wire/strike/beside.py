"""The margin venue beside the paper exchange: on its clock, at its marks, on a port of its own."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bastion.paper.clock import Clock
from bastion.paper.exchange.venue import Exchange
from bastion.paper.strike.commands import Command, Fund, ResultT, Tick
from bastion.paper.strike.money import MICRO
from bastion.paper.strike.settings import HOUR_US
from bastion.paper.wire.strike.answers import Refusal
from bastion.paper.wire.strike.call import submit
from bastion.paper.wire.strike.host import Host, HostSettings, open_host
from bastion.paper.wire.strike.server import WireSettings

LOOK_EVERY_S: Final = 0.1
REFRESH_AFTER_US: Final = 5 * MICRO
FUNDING_HOURS_MAX: Final = 24
"""Hours that are charged after one jump of the clock; a longer jump is charged as this many."""

UNLISTED_MARKS: Final = {"BNB-USD": 600 * MICRO, "XRP-USD": 2 * MICRO, "HYPE-USD": 40 * MICRO}
"""Standing marks of markets that the scenario may not list."""

_DOLLARS: Final = ("USDT", "USDC", "USD")
_LOG: Final = logging.getLogger("bastion.paper.strike.beside")


class JoinedClock:
    """The time of whatever world is served; never smaller than before, also after a change of worlds."""

    def __init__(self, clock: Callable[[], Clock]) -> None:
        self._clock = clock
        self._latest_ms = 0

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        self._latest_ms = max(self._latest_ms, self._clock().now_ms())
        return self._latest_ms


def marks_of(exchanges: Mapping[str, Exchange]) -> dict[str, int]:
    """The venue's marks in micro-USD: for each coin, the first dollar contract that an exchange lists."""
    marks: dict[str, int] = {}
    for exchange in exchanges.values():
        for name, instrument in exchange.instruments.items():
            if instrument.quote in _DOLLARS:
                price = exchange.mark_price(name)
                marks.setdefault(f"{instrument.base}-USD", int(price.scaleb(6).to_integral_value()))
    return {**UNLISTED_MARKS, **marks}


class Follower:
    """Feeds the venue: a mark when its source moved, a refresh before it goes stale, funding each hour.

    A mark that the operator set stands until its source moves.
    """

    def __init__(self, host: Host, exchanges: Callable[[], Mapping[str, Exchange]]) -> None:
        self._host = host
        self._exchanges = exchanges
        self._seen: dict[str, int] = {}
        self._charged_hour = host.venue.now_us() // HOUR_US

    async def follow(self, stop: asyncio.Event) -> None:
        """Feed the venue until `stop` is set."""
        while not stop.is_set():
            await self.look()
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await stop.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Feed what is due now."""
        due = self._due_marks()
        if due:
            await self._feed(Tick(marks=due))
        hour = self._host.venue.now_us() // HOUR_US
        for _ in range(min(hour - self._charged_hour, FUNDING_HOURS_MAX)):
            for symbol in self._host.venue.settings.symbols:
                await self._feed(Fund(symbol=symbol))
        self._charged_hour = hour

    def _due_marks(self) -> dict[str, int]:
        offered = marks_of(self._exchanges())
        now_us = self._host.venue.now_us()
        due: dict[str, int] = {}
        for market in self._host.venue.markets():
            price = offered.get(market.symbol)
            if price is None or price < 1:
                continue
            if price != self._seen.get(market.symbol):
                due[market.symbol] = price
            elif market.mark is not None and now_us - (market.marked_at_us or 0) >= REFRESH_AFTER_US:
                due[market.symbol] = market.mark
        self._seen.update({symbol: offered[symbol] for symbol in due})
        return due

    async def _feed(self, command: Command[ResultT]) -> None:
        try:
            await submit(self._host.venue, command)
        except Refusal as refusal:
            # A halted market takes no funding; a full queue is served at the next look.
            _LOG.info("the feed was refused: %s", refusal.message)


@asynccontextmanager
async def venue_beside(
    *,
    folder: Path | None,
    clock: Callable[[], Clock],
    exchanges: Callable[[], Mapping[str, Exchange]],
    wire: WireSettings,
) -> AsyncIterator[Host]:
    """A hosted venue that follows the exchanges' marks and clock until the block ends.

    Without a folder its records live in a temporary one. Stop serving its application before the block ends.
    """
    with ExitStack() as kept:
        place = folder or Path(kept.enter_context(TemporaryDirectory(prefix="bastion-strike-")))
        host = open_host(HostSettings(folder=place, wire=wire), JoinedClock(clock))
        stop = asyncio.Event()
        follower = Follower(host, exchanges)
        try:
            await follower.look()
            async with asyncio.TaskGroup() as group:
                group.create_task(follower.follow(stop))
                try:
                    yield host
                finally:
                    stop.set()
        finally:
            await asyncio.to_thread(host.close)

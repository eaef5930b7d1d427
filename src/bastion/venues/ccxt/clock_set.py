"""Clock set: the venue's clock as the adapter knows it, read from its page or from what it answers.

A venue refuses what is stamped too far from its own time, and executes nothing of it. Its page of the time
sets the stamps right. Where that page does not answer, the refusal itself does: each answer names a moment
(`told_time`). It is taken as the earliest that it can mean, so that no stamp lies ahead of the venue and
nothing that expires lives longer than it should; all four take a stamp that lies up to a second behind.
"""

import asyncio
from abc import ABC, abstractmethod

from bastion.errors import VenueError
from bastion.ports import Clock
from bastion.venues.ccxt.told_time import told_time
from bastion.venues.ccxt.wire import Wire
from bastion.venues.deadline import Deadline, within
from bastion.venues.raw import Answer

NS_PER_MS = 1_000_000
PAGE_WAIT_S = 1.0
"""How long a request that was refused for its stamp waits for the page of the time, where the refusal says
enough to do without it."""
WORTH_MS = 500
"""A moment that moves the clock by less does not explain why the venue refused."""


class ClockSet(ABC):
    """The part of an adapter that knows the venue's time: the offset stands in the wire, its doubt here."""

    _clock: Clock
    _wire: Wire
    _clock_turn: asyncio.Lock
    _synchronised: int = 0
    _doubt_ms: int = 0
    _before_told: tuple[int, int] | None = None
    _dates_lie: bool = False

    @abstractmethod
    async def _venue_time_ms(self, deadline: Deadline) -> int: ...

    async def _synchronise(self, deadline: Deadline, *, seen: int) -> None:
        async with within(deadline), self._clock_turn:
            if self._synchronised != seen:
                return  # Somebody else did it while we waited.
            before_ns = self._clock.now_ns()
            venue_ms = await self._venue_time_ms(deadline)
            after_ns = self._clock.now_ns()
            self._wire.offset_ms = venue_ms - (before_ns + after_ns) // 2 // NS_PER_MS
            # The venue read its clock somewhere between our two readings, and cut it to a millisecond.
            self._doubt_ms = abs(after_ns - before_ns) // 2 // NS_PER_MS + 2
            self._before_told = None
            self._synchronised += 1

    async def _set_right(self, deadline: Deadline, *, seen: int, asked_ns: int, refused: Answer) -> None:
        """Set the clock after a refusal for it, by the page of the time or by the refusal itself.

        Raises:
            VenueError: the page did not answer, and the refusal names no moment that explains it.
        """
        heard_ms = self._clock.now_ns() // NS_PER_MS
        told = None if self._dates_lie else told_time(refused)
        if told is None or abs(told.at_ms - heard_ms - self._wire.offset_ms) < WORTH_MS:
            await self._synchronise(deadline, seen=seen)
            return
        try:
            await self._synchronise(Deadline(self._clock, min(PAGE_WAIT_S, deadline.left_s)), seen=seen)
        except VenueError:
            if self._synchronised != seen:
                return
            self._before_told = (self._wire.offset_ms, self._doubt_ms)
            self._wire.offset_ms = told.at_ms - heard_ms
            self._doubt_ms = told.slack_ms + abs(heard_ms - asked_ns // NS_PER_MS) + 2
            self._synchronised += 1

    def _weigh_told(self, *, refused: bool) -> None:
        """Hear whether the request after that was refused for its stamp too: then the moment was a lie."""
        before, self._before_told = self._before_told, None
        if refused and before is not None:
            self._wire.offset_ms, self._doubt_ms = before
            self._dates_lie = True

"""Hyperliquid steps: a look at a host that fails, or with little weight left, asks one part after another.

A look proves something only where every part of it came. Its positions weigh 2 and its lists 40, what the
address is up to 60: where the positions do not come, or show what is to be closed first, all else would be
asked for in vain. So they come first, and what is left is asked for only while it can still prove something.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from bastion.errors import Fault, VenueError, VenueRejected
from bastion.venues.ccxt.venue import Part, PartRead
from bastion.venues.deadline import Deadline, within

IN_VAIN = "not asked for: another part of this look did not come, so that it proves nothing"
NOT_DUE = "not asked for: its weight is kept for what closes and proves"
CANCELS_FIRST = "not asked for: orders rest, so that this look proves nothing, and none ran a moment ago"
ACCOUNT, DEXES, SPOT, LISTS = "account", "perp dexes", "spot", "orders"
"""The parts that tell whose the address is, that dexes are missing, and what is held in spot; and what those
begin with that list orders."""
_CHEAP, _ACCOUNT, _ORDERS, _TWAPS = range(4)


class Steps:
    """The steps of one look; one that fails ends it for those behind it.

    TWAPs are listed last; where orders rest, not if `quiet`, which tells whether none ran a moment ago. What
    has an id in `kept` stood there before, and nobody wanted to end it: a look beside them can prove.
    `waits` tells whether the lists of orders are not due yet, and would neither close nor prove anything;
    `doubted` whether another page speaks against positions that show nothing; `apart` whether each step waits
    for the one before it: else all that is dear is asked for together. At a `slow` host the lists do not wait
    for what is held in spot.
    """

    def __init__(
        self,
        *,
        waits: Callable[[], bool],
        doubted: Callable[[Deadline], Awaitable[bool]],
        quiet: Callable[[], bool],
        apart: bool,
        slow: bool = False,
        kept: frozenset[str] = frozenset(),
    ) -> None:
        self._waits = waits
        self._quiet = quiet
        self._kept = kept
        self._rests = False
        self._doubted = doubted
        self._turn = asyncio.Lock()
        self._believed = False
        self._apart = apart
        self._slow = slow
        self._left = [0] * (_TWAPS + 1)
        self._done = [asyncio.Event() for _ in self._left]
        self.failed = self.listed = False

    def order(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        """Return the parts, each of which waits for its turn."""
        steps = [self._step(part.name) for part in parts]
        for step in steps:
            self._left[step] += 1
        for step, count in enumerate(self._left):
            if count == 0:
                self._done[step].set()
        return tuple(
            Part(name=part.name, read=partial(self._read, step, part))
            for step, part in zip(steps, parts, strict=True)
        )

    def _step(self, name: str) -> int:
        if name == ACCOUNT or (name == SPOT and self._slow):
            return _ACCOUNT
        # What was read a moment ago is not asked for.
        if not name.startswith(LISTS) or name.endswith(")"):
            return _CHEAP
        if not self._apart:
            return _ACCOUNT
        return _TWAPS if "TWAP" in name else _ORDERS

    async def _read(self, step: int, part: Part, deadline: Deadline) -> PartRead:
        try:
            async with within(deadline):
                for earlier in self._done[:step]:
                    await earlier.wait()
            if step > _CHEAP and self.failed:
                raise VenueRejected(IN_VAIN, fault=Fault.RATE_LIMIT)
            if step > _CHEAP and part.name.startswith(LISTS):
                await self._worth_asking(deadline)
            if step == _TWAPS and self._rests and self._quiet():
                raise VenueRejected(CANCELS_FIRST, fault=Fault.RATE_LIMIT)
            read = await part.read(deadline)
        except VenueError:
            # What rests on the first dex is to be seen, although nobody tells what others there are.
            self.failed = self.failed or part.name != DEXES
            raise
        else:
            self._rests = self._rests or any(
                order.closable and order.order_id not in self._kept for order in read.orders
            )
            return read
        finally:
            self._left[step] -= 1
            if self._left[step] == 0:
                self._done[step].set()

    async def _worth_asking(self, deadline: Deadline) -> None:
        if self._waits():
            raise VenueRejected(NOT_DUE, fault=Fault.RATE_LIMIT)
        async with within(deadline), self._turn:
            if self.failed or (not self._believed and await self._doubted(deadline)):
                raise VenueRejected(IN_VAIN, fault=Fault.RATE_LIMIT)
            self._believed = self.listed = True

"""Haste: a look that only finds what is still to be closed does not wait for the slowest of its parts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bastion.errors import VenueError, VenueUnreachable
from bastion.ports import Clock
from bastion.venues.deadline import NS, Deadline

WHOLE_EVERY_S = 10.0
"""So often such a look tries to have all parts too: an order that could open is to be seen and cancelled."""
WHOLE_MOST_S = 4.0
"""And even then no longer than this from its beginning."""
NOT_WAITED_FOR = "not waited for, since a position is open and is closed first"
SHARE, LEAST_S = 0.25, 0.1
"""Else the rest is waited for by that share of what the first position took."""

T = TypeVar("T")


class Haste:
    """How long the parts of one look are waited for; `wanted` is set for the next one alone.

    So is `whole`: that look, hasty or not, is waited for as long as those of which all parts are to come.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._whole_ns: int | None = None
        self.wanted = self.whole = False

    async def answers(
        self,
        group: asyncio.TaskGroup,
        reads: Sequence[Awaitable[T]],
        shows_open: Callable[[T], bool],
        deadline: Deadline,
    ) -> list[T | VenueError]:
        """Run all reads in the group; return each one's value or its `VenueError`, in their order.

        Where haste was wanted and one of them shows an open position, those that do not come soon after it
        are given up, as `VenueUnreachable`.
        """
        wanted, self.wanted = self.wanted, False
        if self.whole:
            self._whole_ns, self.whole = None, False
        begun_ns = self._clock.monotonic_ns()
        tasks = [group.create_task(_value(read)) for read in reads]
        until: Deadline | None = None
        pending = set(tasks)
        while pending and (until is None or not until.passed):
            done, pending = await asyncio.wait(
                pending,
                timeout=None if until is None else until.left_s,
                return_when=asyncio.FIRST_COMPLETED if wanted else asyncio.ALL_COMPLETED,
            )
            if wanted and until is None and any(_shows(read, shows_open) for read in done):
                until = self._until(begun_ns, deadline)
        for task in tasks:
            if task in pending:
                task.cancel()
        late = VenueUnreachable(NOT_WAITED_FOR)
        values = [late if task in pending else task.result() for task in tasks]
        if not any(isinstance(value, VenueError) for value in values):
            self._whole_ns = begun_ns
        return values

    def _until(self, begun_ns: int, deadline: Deadline) -> Deadline:
        now_ns = self._clock.monotonic_ns()
        took_s = (now_ns - begun_ns) / NS
        recent = self._whole_ns is not None and now_ns < self._whole_ns + WHOLE_EVERY_S * NS
        if not recent:
            self._whole_ns = begun_ns
        wait_s = max(LEAST_S, SHARE * took_s) if recent else max(LEAST_S, WHOLE_MOST_S - took_s)
        return Deadline(self._clock, min(wait_s, deadline.left_s))


async def _value(read: Awaitable[T]) -> T | VenueError:
    try:
        return await read
    except VenueError as error:
        return error


def _shows(read: asyncio.Task[T | VenueError], shows_open: Callable[[T], bool]) -> bool:
    value = read.result()
    return not isinstance(value, VenueError) and shows_open(value)

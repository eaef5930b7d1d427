"""Deadline: one moment for a whole method, and requests side by side whose refusals are values."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from bastion.errors import VenueError, VenueUnreachable
from bastion.ports import Clock

NS = 1_000_000_000
DEADLINE_LEAST_S = 0.001

T = TypeVar("T")


class Deadline:
    """One moment by which a whole method ends, whatever it asks on the way."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end_ns = clock.monotonic_ns() + round(seconds * NS)

    @property
    def left_s(self) -> float:
        """Seconds that are left; never zero, so that it can be a timeout."""
        return max(DEADLINE_LEAST_S, (self._end_ns - self._clock.monotonic_ns()) / NS)

    def share(self, parts: int) -> "Deadline":
        """Return the moment at which one of so many equal parts of the time left is over."""
        return Deadline(self._clock, self.left_s / parts)

    @property
    def passed(self) -> bool:
        """Whether the moment is over."""
        return self._clock.monotonic_ns() >= self._end_ns


@asynccontextmanager
async def within(deadline: Deadline) -> AsyncIterator[None]:
    """Bound a wait by the deadline.

    Raises:
        VenueUnreachable: the time is over.
    """
    try:
        async with asyncio.timeout(deadline.left_s):
            yield
    except TimeoutError:
        raise VenueUnreachable("no answer in time") from None


async def settled(jobs: Sequence[Awaitable[T]]) -> list[T | VenueError]:
    """Run all jobs at once; return each one's value or its `VenueError`, in their order."""
    results: list[T | VenueError] = [VenueUnreachable("not asked")] * len(jobs)

    async def run(index: int, job: Awaitable[T]) -> None:
        try:
            results[index] = await job
        except VenueError as error:
            results[index] = error

    async with asyncio.TaskGroup() as group:
        for index, job in enumerate(jobs):
            group.create_task(run(index, job))
    return results


async def together(jobs: Sequence[Awaitable[T]]) -> list[T]:
    """Run all jobs at once and return their values, in their order.

    Raises:
        VenueError: the first one that failed, after all have ended.
    """
    values: list[T] = []
    for result in await settled(jobs):
        if isinstance(result, VenueError):
            raise result
        values.append(result)
    return values

"""Sharing: one costly reading for all who ask at about the same time, each answered in bounded time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from bastion.ports import Clock

FRESH_S = 4
READ_DEADLINE_S = 8.0
READ_LEAST_S = 2.0
NS = 1_000_000_000

T = TypeVar("T")


class Shared(Generic[T]):
    """The latest answer of one reading; one asks, the others share what came.

    `read` is given the seconds that it may take. An answer is given again while it is `within_s` old, and to
    all who asked while it was under way, however long it took. Whoever asks is answered within
    `READ_DEADLINE_S + READ_LEAST_S` seconds.
    """

    def __init__(self, read: Callable[[float], Awaitable[T]], *, clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._turn = asyncio.Lock()
        self._latest: tuple[int, T] | None = None
        self._begun_ns = 0
        self._ended_ns = 0
        self._forgotten = 0

    def forget(self) -> None:
        """Read anew for the next who asks; a reading that is under way is not kept either."""
        self._latest = None
        self._forgotten += 1

    def latest(self, *, within_s: float) -> T | None:
        """Return the last answer where its reading began at most that long ago; nothing is asked."""
        age_ns = self._clock.monotonic_ns() - self._begun_ns
        return self._latest[1] if self._latest is not None and age_ns <= within_s * NS else None

    async def recent(self, *, within_s: float = FRESH_S) -> tuple[int, T]:
        """Return when the reading began (UTC nanoseconds), and what it told.

        With `within_s` 0 it began after this call.
        """
        asked_ns = self._clock.monotonic_ns()
        async with self._turn:
            if self._latest is not None and self._fits(asked_ns, within_s):
                return self._latest
            forgotten = self._forgotten
            self._begun_ns = self._clock.monotonic_ns()
            waited_s = (self._begun_ns - asked_ns) / NS
            began_ns = self._clock.now_ns()
            answer = (began_ns, await self._read(max(READ_LEAST_S, READ_DEADLINE_S - waited_s)))
            self._ended_ns = self._clock.monotonic_ns()
            self._latest = answer if forgotten == self._forgotten else None
            return answer

    def _fits(self, asked_ns: int, within_s: float) -> bool:
        # Who waited for a slow reading takes it though it is older than they would have taken it before: to
        # read once more would make the next one wait still longer, and cost more of the venue's limits.
        waited_for = within_s > 0 and asked_ns <= self._ended_ns
        return waited_for or self._begun_ns >= asked_ns - round(within_s * NS)

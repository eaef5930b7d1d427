"""Clock: the paper exchange's own time, real or stepped by the control API."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Clock(Protocol):
    """Where every layer of the paper exchange reads the time."""

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch; never smaller than at the call before."""
        ...


class RealClock:
    """The machine's time, anchored once so that a stepped system clock cannot turn it back.

    `offset_ms` is how far the venues' clock is ahead of the machine's; negative, it is behind.
    """

    def __init__(self, *, offset_ms: int = 0) -> None:
        now_ns = time.time_ns()  # noqa: TID251 - the paper exchange's one wall-clock reading
        self._epoch_ns = now_ns + offset_ms * 1_000_000
        self._start_ns = time.monotonic_ns()  # noqa: TID251 - see the line above

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch."""
        elapsed_ns = time.monotonic_ns() - self._start_ns  # noqa: TID251 - a clock reads a clock
        return (self._epoch_ns + elapsed_ns) // 1_000_000


class SteppedClock:
    """A clock that stands still until it is advanced; two runs that step alike see the same times."""

    def __init__(self, start_ms: int) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch, as last advanced."""
        return self._now_ms

    def advance(self, by_ms: int) -> None:
        """Move the clock forward by `by_ms` milliseconds.

        Raises:
            ValueError: `by_ms` is negative; the clock stays where it is.
        """
        if by_ms < 0:
            raise ValueError(f"A clock cannot go back; it was asked to advance by {by_ms} ms.")
        self._now_ms += by_ms


class MomentClock:
    """A clock that can be held for what a venue does at one moment, such as replacing a stop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held_ms: int | None = None

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch; the same throughout a held moment."""
        return self._clock.now_ms() if self._held_ms is None else self._held_ms

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Hold the clock; only around what does not wait for anything."""
        self._held_ms = self._clock.now_ms()
        try:
            yield
        finally:
            self._held_ms = None

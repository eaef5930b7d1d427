"""Bell: wakes a writer thread a moment after there is work for it."""

import asyncio
import threading

from bastion.ports import Clock

_NS = 1_000_000_000
LATE_S = 1.0


class Bell:
    """Rings `after_s` later, so that who is woken does not compute beside what the event loop does just now.

    That may be the first orders of an exit: two threads of one process compute by turns, and on a machine
    that is busy each turn costs milliseconds. Where no event loop runs, it rings at once.
    """

    def __init__(self, *, clock: Clock, after_s: float) -> None:
        self._clock = clock
        self._after_s = after_s
        self._rung = threading.Event()
        self._due_ns: int | None = None
        self._hushed_until_ns = clock.monotonic_ns()

    def ring(self) -> None:
        """Ring soon; whoever rings meanwhile is heard with it."""
        now_ns = self._clock.monotonic_ns()
        # A loop that has ended rings no more.
        if self._due_ns is not None and now_ns < self._due_ns + int(LATE_S * _NS):
            return
        try:
            asyncio.get_running_loop().call_later(self._after_s, self._due)
        except RuntimeError:
            self.ring_now()
            return
        self._due_ns = now_ns + int(self._after_s * _NS)

    def hush(self, seconds: float) -> None:
        """Ring no sooner than so many seconds from now, for who rings by and by: an exit was just pressed."""
        self._hushed_until_ns = self._clock.monotonic_ns() + int(seconds * _NS)

    def _due(self) -> None:
        left_ns = self._hushed_until_ns - self._clock.monotonic_ns()
        if left_ns > 0:
            asyncio.get_running_loop().call_later(left_ns / _NS, self._due)
        else:
            self.ring_now()

    def ring_now(self) -> None:
        """Ring."""
        self._due_ns = None
        self._rung.set()

    def wait(self) -> None:
        """Return once it has rung; for the thread that is to be woken."""
        self._rung.wait()
        self._rung.clear()

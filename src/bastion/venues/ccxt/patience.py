"""Patience: how long to wait with a question that is dear and failed."""

from bastion.ports import Clock
from bastion.venues.throttle import NS

AGAIN_LEAST_S, AGAIN_MOST_S = 0.5, 10.0


class Patience:
    """What changes slowly and is dear to ask is not asked again at once when asking failed.

    The first wait is half a second, each further one twice as long, up to ten seconds or `most_s`.
    """

    def __init__(self, clock: Clock, *, most_s: float = AGAIN_MOST_S) -> None:
        self._clock = clock
        self._most_s = most_s
        self._from_ns = self._before = 0
        self.failures = 0

    @property
    def wait_s(self) -> float:
        """For how many seconds more it should not be asked."""
        return max(0, self._from_ns - self._clock.monotonic_ns()) / NS

    def failed(self) -> None:
        """Hear that it was asked in vain."""
        self._before = self._from_ns
        pause_s = min(AGAIN_LEAST_S * 2**self.failures, self._most_s)
        self.failures += 1
        self._from_ns = self._clock.monotonic_ns() + round(pause_s * NS)

    def answered(self) -> None:
        """Hear that it was answered: it may be asked at once again."""
        self.failures = 0
        self._from_ns = self._before = 0

    def unasked(self) -> None:
        """Take the last `failed` back: it was not asked at all."""
        self.failures -= 1
        self._from_ns = self._before

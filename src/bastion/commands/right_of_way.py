"""Right of way: an exit's first orders leave before anything else is served (law 6)."""

from bastion.ports import Clock

FIRST_WAVE_S = 0.05
"""How long after a press nobody else is served. By then the orders of some dozens of positions have left."""
_NS = 1_000_000_000


class RightOfWay:
    """One process computes one thing at a time: what others ask waits for the exit that was just pressed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_ns = clock.monotonic_ns()

    def take(self) -> None:
        """Let everybody else wait for a moment, from now on."""
        self._until_ns = self._clock.monotonic_ns() + int(FIRST_WAVE_S * _NS)

    async def give(self) -> None:
        """Return once no exit is in its first moment, `FIRST_WAVE_S` after the call at the latest."""
        left_ns = self._until_ns - self._clock.monotonic_ns()
        if left_ns > 0:
            await self._clock.sleep(left_ns / _NS)

"""Clock: time, as the desk knows it."""

from typing import Protocol


class Clock(Protocol):
    """Time, as the desk knows it."""

    def now_ns(self) -> int:
        """Return UTC nanoseconds since the epoch; it can jump."""
        ...

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never go back; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds`, measured by the same time as `asyncio.timeout`."""
        ...

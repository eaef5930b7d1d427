"""Clock: the machine's time; the one place that asks the operating system for it."""

import asyncio
import time


class SystemClock:
    """The Clock port over the operating system."""

    def now_ns(self) -> int:
        """Return UTC nanoseconds since the epoch; it can jump."""
        return time.time_ns()  # noqa: TID251 - this class is the Clock port

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never go back; only differences mean anything."""
        return time.monotonic_ns()  # noqa: TID251 - this class is the Clock port

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds`, measured by the same time as `asyncio.timeout`."""
        await asyncio.sleep(max(seconds, 0))

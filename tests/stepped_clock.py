"""Stepped clock: time that moves only when a test says so."""

import asyncio
import heapq

NS = 1_000_000_000


class SteppedClock:
    """Time that moves only when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000 * NS
        self._sleepers: list[tuple[int, int, asyncio.Event]] = []
        self._count = 0

    def now_ns(self) -> int:
        return self.now

    def monotonic_ns(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self.now + round(seconds * NS), self._count, woken))
        await woken.wait()

    async def advance(self, seconds: float) -> None:
        end = self.now + round(seconds * NS)
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, woken = heapq.heappop(self._sleepers)
            self.now = max(self.now, due)
            woken.set()
            await self.settle()
        self.now = end

    @staticmethod
    async def settle() -> None:
        for _ in range(50):
            await asyncio.sleep(0)

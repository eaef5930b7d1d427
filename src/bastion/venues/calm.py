"""Calm: whoever can wait waits until nothing that matters more is on its way."""

import asyncio


class Calm:
    """Broken while something is on its way, however much at once."""

    def __init__(self) -> None:
        self._flying = 0
        self._still = asyncio.Event()
        self._still.set()

    @property
    def is_still(self) -> bool:
        """Whether nothing is on its way."""
        return self._still.is_set()

    def __enter__(self) -> None:
        """Have something on its way within."""
        self._flying += 1
        self._still.clear()

    def __exit__(self, *_: object) -> None:
        """Hear that it is there, or will not come."""
        self._flying -= 1
        if not self._flying:
            self._still.set()

    async def still(self, *, within_s: float) -> None:
        """Return once nothing is on its way, or after that long."""
        if self.is_still:
            return
        try:
            async with asyncio.timeout(within_s):
                await self._still.wait()
        except TimeoutError:
            return

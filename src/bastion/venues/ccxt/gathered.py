"""Gathered: one reading of a page that tells of a whole account, for all who ask for it at one moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from bastion.errors import VenueError
from bastion.venues.deadline import Deadline, within

LEADERS_MAX = 8
"""So many readings may be broken off under one who only came along; then it asks for itself."""

TURNS = 4
"""So many turns of the loop a reading waits for those who ask at the same moment, some calls further out."""

T = TypeVar("T")


class Gathered(Generic[T]):
    """One page; whoever asks before the first byte of a reading could leave comes along.

    So each is told what the venue said after it asked, and one who asks while a reading is under way begins
    another one: it would be told of before.
    """

    def __init__(self) -> None:
        self._next: asyncio.Future[T | VenueError | None] | None = None

    async def read(self, read: Callable[[Deadline], Awaitable[T]], deadline: Deadline) -> T:
        """Return what a reading told that began after this call: `read`, or that of whoever asked first.

        Raises:
            VenueError: it failed.
        """
        for _ in range(LEADERS_MAX):
            coming = self._next
            if coming is None:
                return await self._lead(read, deadline)
            async with within(deadline):
                # Who gives up waiting must not take the answer from the others.
                told = await asyncio.shield(coming)
            if isinstance(told, VenueError):
                raise told
            if told is not None:
                return told
        return await read(deadline)

    async def _lead(self, read: Callable[[Deadline], Awaitable[T]], deadline: Deadline) -> T:
        coming: asyncio.Future[T | VenueError | None] = asyncio.get_running_loop().create_future()
        self._next = coming
        told: T | VenueError | None = None
        try:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            self._next = None
            told = await read(deadline)
        except VenueError as error:
            told = error
            raise
        finally:
            if self._next is coming:
                self._next = None
            coming.set_result(told)
        return told

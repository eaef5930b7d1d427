"""Gathering: one reading for all who ask for the same page at one moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from bastion.errors import VenueError, VenueUnreachable
from bastion.venues.deadline import Deadline, within

PASSES = 4
"""So many turns of the loop a reading waits for others who want it."""

T = TypeVar("T")


class Gathering(Generic[T]):
    """Who asks before the request leaves shares its answer, which is thus no older than the question."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[T | VenueError]] = {}

    async def once(self, name: str, read: Callable[[Deadline], Awaitable[T]], deadline: Deadline) -> T:
        """Return what `read` gives, or what it gives to whoever began to wait for that name before.

        Raises:
            VenueError: what the one reading came to, also where its asker gave it up.
        """
        waiting = self._waiting.get(name)
        if waiting is not None:
            async with within(deadline):
                shared = await asyncio.shield(waiting)
            if isinstance(shared, VenueError):
                raise shared
            return shared
        mine: asyncio.Future[T | VenueError] = asyncio.get_running_loop().create_future()
        told: T | VenueError = VenueUnreachable("the read that was shared was given up")
        self._waiting[name] = mine
        try:
            for _ in range(PASSES):
                await asyncio.sleep(0)
            self._waiting.pop(name)
            told = value = await read(deadline)
        except VenueError as error:
            told = error
            raise
        finally:
            if self._waiting.get(name) is mine:
                del self._waiting[name]
            mine.set_result(told)
        return value

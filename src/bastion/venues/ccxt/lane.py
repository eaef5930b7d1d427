"""Lane: orders that leave together, each once, and learn their fate whatever becomes of who sent them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bastion.errors import OutcomeUnknown, VenueError, VenueUnreachable
from bastion.venues.deadline import Deadline, within

Params = Mapping[str, object]


class BatchUnavailable(Exception):  # noqa: N818 - a state of the venue, caught beside its raise
    """The venue has no batches for this account; nothing of this one was executed."""


@dataclass(slots=True, eq=False)
class Waiting:
    """One order on its way; its answer is the venue's word on it, or an exception."""

    params: Params
    answer: asyncio.Future[object]
    taken: bool = False


Take = Callable[["deque[Waiting]"], Awaitable[Sequence[Waiting]]]
"""Waits until some may leave, and takes them out of the queue."""
Send = Callable[[Sequence[Waiting], Deadline], Awaitable[Sequence[object]]]
"""Sends a group; returns one answer for each."""


async def deliver(group: Sequence[Waiting], sending: Awaitable[Sequence[object]]) -> None:
    """Send a group and tell each of it what became of its order."""
    fate: object = OutcomeUnknown("the batch was given up while it was on its way")
    answers: Sequence[object] = ()
    try:
        answers = await sending
    except (VenueError, BatchUnavailable) as error:
        fate = error
    finally:
        # Whoever waits must learn its order's fate, even when the one that sent the batch is cancelled.
        for index, waiting in enumerate(group):
            if not waiting.answer.done():
                waiting.answer.set_result(answers[index] if index < len(answers) else fate)


class Convoy:
    """Orders in the order in which they came; whoever is first sends a group for all of it."""

    def __init__(self, take: Take, send: Send) -> None:
        self._take = take
        self._send = send
        self._queue: deque[Waiting] = deque()
        self._turn = asyncio.Lock()

    @property
    def count(self) -> int:
        """How many wait."""
        return len(self._queue)

    async def answer(self, params: Params, deadline: Deadline) -> object:
        """Send one order in a group and return the venue's word on it.

        Raises:
            BatchUnavailable: there are no batches; nothing was executed.
            VenueError: as `Venue.place` does.
        """
        mine = Waiting(params, asyncio.get_running_loop().create_future())
        self._queue.append(mine)
        try:
            async with within(deadline):
                await self._lead_or_follow(mine, deadline)
                answer = await mine.answer
        except VenueUnreachable:
            if mine.taken:
                raise OutcomeUnknown("no answer in time; the order may have been executed") from None
            raise
        finally:
            if not mine.taken and mine in self._queue:
                self._queue.remove(mine)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _lead_or_follow(self, mine: Waiting, deadline: Deadline) -> None:
        async with self._turn:
            if mine.taken:
                return
            group = await self._take(self._queue)
            for waiting in group:
                waiting.taken = True
        await deliver(group, self._send(group, deadline))

"""Bybit lanes: single orders and batches side by side, since the venue limits them apart.

By default ten single orders and ten batched orders a second and user (rate-limit page: a batch consumes one
unit an order and has a bucket of its own). Small exits use single orders only; what would have to wait goes
into batches. Within a lane, orders leave in the order in which they came.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bastion.errors import OutcomeUnknown, VenueError, VenueUnreachable
from bastion.venues.deadline import Deadline, within
from bastion.venues.throttle import Throttle

BATCH_MAX = 10
"""The rate-limit page allows 1 to 10 orders a batch; the order page speaks of 20."""

SINGLE, BATCH = "create", "create_batch"

Params = Mapping[str, object]
SendSingle = Callable[[Params, Deadline], Awaitable[str]]
SendBatch = Callable[[Sequence[Params], Deadline], Awaitable[Sequence[str | VenueError]]]


class BatchUnavailable(Exception):  # noqa: N818 - a state of the venue, caught beside its raise
    """The venue has no batch endpoint for this account; nothing of the batch was executed."""


@dataclass(slots=True, eq=False)
class _Waiting:
    params: Params
    answer: asyncio.Future[str | VenueError | BatchUnavailable]
    taken: bool = False


class OrderLanes:
    """Sends orders by the lane that is free sooner, each once."""

    def __init__(self, throttle: Throttle, single: SendSingle, batch: SendBatch) -> None:
        self._throttle = throttle
        self._single = single
        self._batch = batch
        self._waiting: deque[_Waiting] = deque()
        self._turn = asyncio.Lock()
        self._batches_work = True

    async def send(self, params: Params, deadline: Deadline) -> str:
        """Send one order and return the venue's id of it.

        Raises:
            VenueError: as `Venue.place` does.
        """
        if not self._prefers_batch():
            return await self._single(params, deadline)
        try:
            return await self._send_in_batch(params, deadline)
        except BatchUnavailable:
            self._batches_work = False
            return await self._single(params, deadline)

    def _prefers_batch(self) -> bool:
        single, batch = self._throttle[SINGLE], self._throttle[BATCH]
        if not self._batches_work or single.backlog < single.capacity:
            return False
        return batch.backlog + len(self._waiting) < single.backlog

    async def _send_in_batch(self, params: Params, deadline: Deadline) -> str:
        mine = _Waiting(params, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        try:
            async with within(deadline):
                await self._lead_or_follow(mine, deadline)
                answer = await mine.answer
        except VenueUnreachable:
            if mine.taken:
                raise OutcomeUnknown("no answer in time; the order may have been executed") from None
            raise
        finally:
            if not mine.taken and mine in self._waiting:
                self._waiting.remove(mine)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _lead_or_follow(self, mine: _Waiting, deadline: Deadline) -> None:
        async with self._turn:
            if mine.taken:
                return
            # One pass of the loop lets the orders of the same wave arrive.
            await asyncio.sleep(0)
            await self._throttle[BATCH].ready()
            group = self._take_group()
        await self._send_group(group, deadline)

    def _take_group(self) -> list[_Waiting]:
        room = min(BATCH_MAX, self._throttle[BATCH].free())
        category = self._waiting[0].params["category"]
        group: list[_Waiting] = []
        while self._waiting and len(group) < room and self._waiting[0].params["category"] == category:
            waiting = self._waiting.popleft()
            waiting.taken = True
            group.append(waiting)
        return group

    async def _send_group(self, group: Sequence[_Waiting], deadline: Deadline) -> None:
        fate: VenueError | BatchUnavailable = OutcomeUnknown("the batch was given up while it was on its way")
        answers: Sequence[str | VenueError | BatchUnavailable] = ()
        try:
            answers = await self._batch([waiting.params for waiting in group], deadline)
        except (VenueError, BatchUnavailable) as error:
            fate = error
        finally:
            # Whoever waits must learn its order's fate, even when the one that sent the batch is cancelled.
            for index, waiting in enumerate(group):
                if not waiting.answer.done():
                    waiting.answer.set_result(answers[index] if index < len(answers) else fate)

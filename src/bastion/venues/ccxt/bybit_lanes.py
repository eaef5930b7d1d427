"""Bybit lanes: single orders and batches side by side, since the venue limits them apart.

By default ten single orders and ten batched orders a second and user (rate-limit page: a batch consumes one
unit an order and has a bucket of its own). Small exits use single orders only; what would have to wait goes
into batches. Within a lane, orders leave in the order in which they came.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from bastion.errors import VenueError
from bastion.venues.ccxt.lane import BatchUnavailable, Convoy, Params, Waiting
from bastion.venues.deadline import Deadline
from bastion.venues.throttle import Throttle

BATCH_MAX = 10
"""The rate-limit page allows 1 to 10 orders a batch; the order page speaks of 20."""

SINGLE, BATCH = "create", "create_batch"

SendSingle = Callable[[Params, Deadline], Awaitable[str]]
SendBatch = Callable[[Sequence[Params], Deadline], Awaitable[Sequence[str | VenueError]]]


class OrderLanes:
    """Sends orders by the lane that is free sooner, each once."""

    def __init__(self, throttle: Throttle, single: SendSingle, batch: SendBatch) -> None:
        self._throttle = throttle
        self._single = single
        self._batch = batch
        self._convoy = Convoy(self._take, self._answers)
        self._batches_work = True

    async def send(self, params: Params, deadline: Deadline) -> str:
        """Send one order and return the venue's id of it.

        Raises:
            VenueError: as `Venue.place` does.
        """
        if not self._prefers_batch():
            return await self._single(params, deadline)
        try:
            return str(await self._convoy.answer(params, deadline))
        except BatchUnavailable:
            self._batches_work = False
            return await self._single(params, deadline)

    def _prefers_batch(self) -> bool:
        single, batch = self._throttle[SINGLE], self._throttle[BATCH]
        if not self._batches_work or single.backlog < single.capacity:
            return False
        return batch.backlog + self._convoy.count < single.backlog

    async def _take(self, queue: deque[Waiting]) -> Sequence[Waiting]:
        # One pass of the loop lets the orders of the same wave arrive.
        await asyncio.sleep(0)
        await self._throttle[BATCH].ready()
        room = min(BATCH_MAX, self._throttle[BATCH].free())
        category = queue[0].params["category"]
        group: list[Waiting] = []
        while queue and len(group) < room and queue[0].params["category"] == category:
            group.append(queue.popleft())
        return group

    async def _answers(self, group: Sequence[Waiting], deadline: Deadline) -> Sequence[object]:
        return await self._batch([waiting.params for waiting in group], deadline)

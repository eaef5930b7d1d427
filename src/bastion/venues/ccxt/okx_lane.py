"""OKX lane: orders of one moment leave singly while they are few, and twenty a request beyond that.

A batch is answered order by order, and limited by its orders as single ones are; it spares requests,
signatures and connections. Below the threshold single orders keep the fate of one apart from the others'.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bastion.errors import OutcomeUnknown, VenueError, VenueUnreachable
from bastion.venues.ccxt.lane import BatchUnavailable, Params, Waiting, deliver
from bastion.venues.deadline import Deadline, within

SINGLY_MAX = 10
BATCH_MAX = 20

SendSingle = Callable[[Params, Deadline], Awaitable[str]]
SendBatch = Callable[[Sequence[Params], Deadline], Awaitable[Sequence[str | VenueError]]]


@dataclass(slots=True, eq=False, kw_only=True)
class _InWave(Waiting):
    group: asyncio.Future[Sequence["_InWave"]]


class OrderLane:
    """Sends orders, each once, in the order in which they came."""

    def __init__(self, single: SendSingle, batch: SendBatch) -> None:
        self._single = single
        self._batch = batch
        self._waiting: list[_InWave] = []
        self._batches_work = True

    async def send(self, params: Params, deadline: Deadline) -> str:
        """Send one order and return the venue's id of it.

        Raises:
            VenueError: as `Venue.place` does.
        """
        group = await self._joined(params)
        if not group:
            return await self._single(params, deadline)
        mine = next(waiting for waiting in group if waiting.params is params)
        if mine is group[0]:
            await deliver(group, self._batch([waiting.params for waiting in group], deadline))
        try:
            async with within(deadline):
                answer = await mine.answer
        except VenueUnreachable:
            raise OutcomeUnknown("no answer in time; the order may have been executed") from None
        if isinstance(answer, BatchUnavailable):
            self._batches_work = False
            return await self._single(params, deadline)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    async def _joined(self, params: Params) -> Sequence[_InWave]:
        """Return the batch that the order leaves with, its first member sends it; empty: it leaves alone."""
        if not self._batches_work:
            return ()
        loop = asyncio.get_running_loop()
        mine = _InWave(params=params, answer=loop.create_future(), group=loop.create_future())
        self._waiting.append(mine)
        if len(self._waiting) == 1:
            try:
                # One pass of the loop lets the orders of the same wave arrive.
                await asyncio.sleep(0)
            finally:
                wave, self._waiting = self._waiting, []
                _divide(wave)
        return await mine.group


def _divide(wave: Sequence[_InWave]) -> None:
    alone = len(wave) <= SINGLY_MAX
    for start in range(0, len(wave), BATCH_MAX):
        group = wave[start : start + BATCH_MAX]
        for waiting in group:
            if not waiting.group.done():
                waiting.group.set_result(() if alone else group)

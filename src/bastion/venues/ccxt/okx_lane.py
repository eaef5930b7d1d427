"""OKX lane: orders of one moment leave singly while they are few, and twenty a request beyond that.

A batch is answered order by order, and limited by its orders as single ones are; it spares requests,
signatures and connections. Below the threshold single orders keep the fate of one apart from the others'.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bastion.errors import OutcomeUnknown, VenueError, VenueUnreachable
from bastion.venues.deadline import Deadline, within

SINGLY_MAX = 10
BATCH_MAX = 20

Params = Mapping[str, object]
SendSingle = Callable[[Params, Deadline], Awaitable[str]]
SendBatch = Callable[[Sequence[Params], Deadline], Awaitable[Sequence[str | VenueError]]]


class BatchUnavailable(Exception):  # noqa: N818 - a state of the venue, caught beside its raise
    """The host has no batches; nothing of this one was executed."""


@dataclass(slots=True, eq=False)
class _Waiting:
    params: Params
    group: asyncio.Future[Sequence["_Waiting"]]
    answer: asyncio.Future[str | VenueError | BatchUnavailable]


class OrderLane:
    """Sends orders, each once, in the order in which they came."""

    def __init__(self, single: SendSingle, batch: SendBatch) -> None:
        self._single = single
        self._batch = batch
        self._waiting: list[_Waiting] = []
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
            await self._send_group(group, deadline)
        try:
            async with within(deadline):
                answer = await mine.answer
        except VenueUnreachable:
            raise OutcomeUnknown("no answer in time; the order may have been executed") from None
        if isinstance(answer, BatchUnavailable):
            self._batches_work = False
            return await self._single(params, deadline)
        if isinstance(answer, VenueError):
            raise answer
        return answer

    async def _joined(self, params: Params) -> Sequence[_Waiting]:
        """Return the batch that the order leaves with, its first member sends it; empty: it leaves alone."""
        if not self._batches_work:
            return ()
        loop = asyncio.get_running_loop()
        mine = _Waiting(params, loop.create_future(), loop.create_future())
        self._waiting.append(mine)
        if len(self._waiting) == 1:
            try:
                # One pass of the loop lets the orders of the same wave arrive.
                await asyncio.sleep(0)
            finally:
                wave, self._waiting = self._waiting, []
                _divide(wave)
        return await mine.group

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


def _divide(wave: Sequence[_Waiting]) -> None:
    alone = len(wave) <= SINGLY_MAX
    for start in range(0, len(wave), BATCH_MAX):
        group = wave[start : start + BATCH_MAX]
        for waiting in group:
            if not waiting.group.done():
                waiting.group.set_result(() if alone else group)

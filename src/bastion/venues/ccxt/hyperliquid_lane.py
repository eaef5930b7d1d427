"""Hyperliquid lane: the orders of one wave in one signed action.

An account may send one request for each dollar that it has traded, and a batch weighs hardly more than one
order ("Rate limits and user limits"); all orders of an action meet the book in the same block. So orders that
are asked for in the same pass of the loop leave together. An action that is refused as a whole for one of its
orders is sent again order by order, so that one market's failure delays no other.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

from bastion.errors import Fault, OutcomeUnknown, VenueError, VenueRejected
from bastion.venues.ccxt.hyperliquid_cloid import client_id_of
from bastion.venues.ccxt.lane import Convoy, Waiting
from bastion.venues.deadline import Deadline

BATCH_MAX = 100
PASSES_MAX, QUIET_PASSES = 300, 4
# Refusals of the sender, not of an order: to repeat them one by one would only repeat them.
_OF_THE_SENDER = frozenset({Fault.TERMINAL, Fault.RATE_LIMIT, Fault.CLOCK})

Form = Mapping[str, object]
Send = Callable[[Sequence[Form], Deadline], Awaitable[Sequence[object]]]
"""Sends one action; returns one status for each order."""
Departing = Callable[[Iterable[str]], AbstractContextManager[None]]
"""Makes a block in which a request that leaves carries the orders of these client ids."""


class OrderLane:
    """Sends orders, each once, those of one moment together, within blocks of `departing`."""

    def __init__(self, send: Send, departing: Departing) -> None:
        self._send_all = send
        self._departing = departing
        self._convoy = Convoy(self._take, self._answers)

    async def place(self, form: Form, deadline: Deadline) -> object:
        """Send one order and return the venue's status of it.

        Raises:
            VenueError: as `Venue.place` does.
        """
        return await self._convoy.answer(form, deadline)

    async def _take(self, queue: deque[Waiting]) -> Sequence[Waiting]:
        # The orders of one wave arrive within a few passes of the loop; once none comes, all are here.
        quiet = 0
        for _ in range(PASSES_MAX):
            count = len(queue)
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(queue) == count else 0
            if quiet == QUIET_PASSES or count >= BATCH_MAX:
                break
        return [queue.popleft() for _ in range(min(BATCH_MAX, len(queue)))]

    async def _answers(self, group: Sequence[Waiting], deadline: Deadline) -> Sequence[object]:
        try:
            return await self._send([waiting.params for waiting in group], deadline)
        except VenueRejected as error:
            if len(group) == 1 or error.fault in _OF_THE_SENDER:
                raise
        return await self._one_by_one(group, deadline)

    async def _send(self, forms: Sequence[Form], deadline: Deadline) -> Sequence[object]:
        with self._departing([client_id_of(str(form["c"])) for form in forms]):
            return await self._send_all(forms, deadline)

    async def _one_by_one(self, group: Sequence[Waiting], deadline: Deadline) -> Sequence[object]:
        answers: list[object] = [OutcomeUnknown("not answered")] * len(group)

        async def send(index: int, form: Form) -> None:
            try:
                (answers[index],) = await self._send([form], deadline)
            except VenueError as error:
                answers[index] = error

        async with asyncio.TaskGroup() as tasks:
            for index, waiting in enumerate(group):
                tasks.create_task(send(index, waiting.params))
        return answers

"""Hyperliquid lane: the orders of one wave in one signed action.

An account may send one request for each dollar that it has traded, and a batch weighs hardly more than one
order ("Rate limits and user limits"); all orders of an action meet the book in the same block. So orders that
are asked for in the same pass of the loop leave together. An action that is refused as a whole for one of its
orders is sent again order by order, so that one market's failure delays no other.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bastion.errors import Fault, OutcomeUnknown, VenueError, VenueRejected, VenueUnreachable
from bastion.venues.deadline import Deadline, within

BATCH_MAX = 100
PASSES_MAX, QUIET_PASSES = 300, 4
# Refusals of the sender, not of an order: to repeat them one by one would only repeat them.
_OF_THE_SENDER = frozenset({Fault.TERMINAL, Fault.RATE_LIMIT, Fault.CLOCK})

Form = Mapping[str, object]
Send = Callable[[Sequence[Form], Deadline], Awaitable[Sequence[object]]]
"""Sends one action; returns one status for each order."""


@dataclass(slots=True, eq=False)
class _Waiting:
    form: Form
    answer: asyncio.Future[object]
    taken: bool = False


class OrderLane:
    """Sends orders, each once, those of one moment together."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: deque[_Waiting] = deque()
        self._turn = asyncio.Lock()

    async def place(self, form: Form, deadline: Deadline) -> object:
        """Send one order and return the venue's status of it.

        Raises:
            VenueError: as `Venue.place` does.
        """
        mine = _Waiting(form, asyncio.get_running_loop().create_future())
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
        if isinstance(answer, VenueError):
            raise answer
        return answer

    async def _lead_or_follow(self, mine: _Waiting, deadline: Deadline) -> None:
        async with self._turn:
            if mine.taken:
                return
            await self._arrival()
            group = self._take_group()
        await self._send_group(group, deadline)

    async def _arrival(self) -> None:
        # The orders of one wave arrive within a few passes of the loop; once none comes, all are here.
        quiet = 0
        for _ in range(PASSES_MAX):
            count = len(self._waiting)
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(self._waiting) == count else 0
            if quiet == QUIET_PASSES or count >= BATCH_MAX:
                return

    def _take_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        while self._waiting and len(group) < BATCH_MAX:
            waiting = self._waiting.popleft()
            waiting.taken = True
            group.append(waiting)
        return group

    async def _send_group(self, group: Sequence[_Waiting], deadline: Deadline) -> None:
        fate: object = OutcomeUnknown("the batch was given up while it was on its way")
        answers: Sequence[object] = ()
        try:
            answers = await self._answers(group, deadline)
        except VenueError as error:
            fate = error
        finally:
            # Whoever waits must learn its order's fate, even when the one that sent the batch is cancelled.
            for index, waiting in enumerate(group):
                if not waiting.answer.done():
                    waiting.answer.set_result(answers[index] if index < len(answers) else fate)

    async def _answers(self, group: Sequence[_Waiting], deadline: Deadline) -> Sequence[object]:
        try:
            return await self._send([waiting.form for waiting in group], deadline)
        except VenueRejected as error:
            if len(group) == 1 or error.fault in _OF_THE_SENDER:
                raise
        return await self._one_by_one(group, deadline)

    async def _one_by_one(self, group: Sequence[_Waiting], deadline: Deadline) -> Sequence[object]:
        answers: list[object] = [OutcomeUnknown("not answered")] * len(group)

        async def send(index: int, form: Form) -> None:
            try:
                (answers[index],) = await self._send([form], deadline)
            except VenueError as error:
                answers[index] = error

        async with asyncio.TaskGroup() as tasks:
            for index, waiting in enumerate(group):
                tasks.create_task(send(index, waiting.form))
        return answers

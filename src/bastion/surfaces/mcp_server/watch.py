"""Watch: looks on while the desk carries out what a verb started or joined, and tells of each step.

A step is a filled order, or a choice that made the next orders other than plain market orders.

Nothing here carries the work: a client that goes away cancels the watching and nothing else.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bastion import commands
from bastion.domain.order import OrderRequest, OrderState
from bastion.domain.records import Entry, OrderAnswered, OrderResolved, RoundIntended
from bastion.errors import BastionError
from bastion.surfaces.mcp_server.answers import json_number, one_line
from bastion.surfaces.mcp_server.progress import Listener, Progress

ANSWER_S = 24.0
"""An answer leaves within this time, below the patience of the usual clients (25 s)."""
_WAITING_MAX = 1000
T = TypeVar("T")


class Fills:
    """Observes the desk's journal and turns each step into one sentence; never blocks."""

    def __init__(self) -> None:
        self._orders: dict[str, OrderRequest] = {}
        self._filled: set[str] = set()
        self._waiting: deque[str] = deque(maxlen=_WAITING_MAX)
        self._rang = asyncio.Event()

    def see(self, entry: Entry) -> None:
        """Take in one entry of the journal."""
        record = entry.record
        if isinstance(record, RoundIntended):
            self._orders.update({order.client_order_id: order for order in record.orders})
            for why in record.why:
                self._say(f"{why}, on {record.account}.")
        elif isinstance(record, OrderAnswered | OrderResolved) and record.state is not None:
            self._fill(record.state, account=record.account)

    def _fill(self, state: OrderState, *, account: str) -> None:
        order = self._orders.get(state.client_order_id)
        if order is None or state.filled <= 0 or state.client_order_id in self._filled:
            return
        self._filled.add(state.client_order_id)
        price = "" if state.average_price is None else f" at {json_number(state.average_price)}"
        sentence = (
            f"{order.position.symbol} {order.position.side.value}: {json_number(state.filled)} closed{price}"
        )
        self._say(f"{sentence} on {account}.")

    def _say(self, sentence: str) -> None:
        self._waiting.append(one_line(sentence))
        self._rang.set()

    async def tell(self, progress: Listener) -> None:
        """Pass the sentences on, one notification each, until cancelled or nobody listens."""
        told = 0
        while progress.wanted:
            await self._rang.wait()
            self._rang.clear()
            while self._waiting and progress.wanted:
                told += 1
                await progress.tell(told, self._waiting.popleft())


async def watched(desk: commands.Desk, progress: Progress, work: Callable[[], Awaitable[T]]) -> T:
    """Return what the verb returns, and tell the client of each step meanwhile.

    `work` starts or joins something that the desk carries; it is told to answer within `ANSWER_S`.

    Raises:
        BastionError: the verb's refusal; nothing was sent.
    """
    fills = Fills()
    unwatch = desk.watch(fills.see)
    failure: BastionError | None = None
    try:
        async with asyncio.TaskGroup() as group:
            teller = group.create_task(fills.tell(progress))
            try:
                report = await work()
            except BastionError as error:
                # Kept out of the group, which would wrap it.
                failure = error
            finally:
                teller.cancel()
    finally:
        unwatch()
    if failure is not None:
        raise failure
    return report

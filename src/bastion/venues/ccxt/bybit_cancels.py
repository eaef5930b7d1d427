"""Bybit cancels: one order by its id, or all of a settle coin or symbol by one call.

Source: bybit-exchange.github.io/docs/v5: Cancel Order (10 a second), Cancel All Orders (up to 500 a call).
"""

import asyncio
from collections.abc import Iterable, Mapping

from bastion.domain.look import Look
from bastion.domain.order import CancelAnswer, OpenOrder
from bastion.errors import VenueError, VenueRejected
from bastion.venues.ccxt.bybit_orders import cancel_group
from bastion.venues.ccxt.bybit_pace import PUBLIC
from bastion.venues.ccxt.bybit_protection import BybitProtection
from bastion.venues.ccxt.faults import cancel_failed
from bastion.venues.deadline import Deadline, settled
from bastion.venues.raw import Row

CANCEL_ALL_MAX, CANCEL_ALL_ROUNDS = 500, 20
ORDER_GONE = frozenset({"110001", "110008", "110010", "170213"})


class BybitCancels(BybitProtection):
    """The half of the adapter that takes orders away; `_single` are the cancels by id that are at work."""

    _single: dict[str, list[asyncio.Timeout]]

    async def sweep(self, look: Look, *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Cancel all by settle coin (linear) or symbol (inverse), all order kinds; then leftovers singly.

        A cancel by id that still waits for its turn ends as done once such a call names its order.
        """
        deadline = Deadline(self._clock, deadline_s)
        groups = sorted({cancel_group(order) for order in look.orders})
        results = await settled([self._cancel_all(dict(group), deadline) for group in groups])
        listed: set[str] = set()
        for result in results:
            if not isinstance(result, VenueError):
                listed |= result
        left = [order for order in look.orders if order.order_id not in listed]
        single = dict(
            zip(
                (order.key for order in left),
                await self.cancel(left, deadline_s=deadline.left_s),
                strict=True,
            )
        )
        return tuple(single.get(order.key) or CancelAnswer(order=order, gone=True) for order in look.orders)

    async def _cancel_one(self, order: OpenOrder, deadline: Deadline) -> CancelAnswer:
        waits = asyncio.timeout(None)
        at_work = self._single.setdefault(order.order_id, [])
        at_work.append(waits)
        try:
            async with waits:
                return await self._cancel_by_id(order, deadline)
        except TimeoutError:
            if not waits.expired():
                raise
            return CancelAnswer(order=order, gone=True)
        finally:
            at_work.remove(waits)
            if not at_work:
                self._single.pop(order.order_id, None)

    async def _cancel_by_id(self, order: OpenOrder, deadline: Deadline) -> CancelAnswer:
        params = {"category": order.category, "symbol": order.instrument, "orderId": order.order_id}
        try:
            answer = await self._call(
                "privatePostV5OrderCancel",
                params,
                units={"cancel": 1, **PUBLIC},
                deadline=deadline,
                mutating=True,
                repeatable=True,
            )
        except VenueRejected as error:
            return cancel_failed(order, error, str(error), ORDER_GONE)
        Row(answer.value, "order/cancel").row("result")
        return CancelAnswer(order=order, gone=True)

    async def _cancel_all(self, group: Mapping[str, str], deadline: Deadline) -> set[str]:
        gone: set[str] = set()
        for _ in range(CANCEL_ALL_ROUNDS):
            answer = await self._call(
                "privatePostV5OrderCancelAll",
                group,
                units={"cancel_all": 1, **PUBLIC},
                deadline=deadline,
                mutating=True,
                repeatable=True,
            )
            result = Row(answer.value, "order/cancel-all").row("result")
            listed = result.rows("list") if "list" in result else ()
            named = {row.text("orderId") for row in listed}
            self._end_singles(named)
            gone |= named
            # One call takes up to 500 orders, chosen by the venue.
            if len(listed) < CANCEL_ALL_MAX:
                break
        return gone

    def _end_singles(self, gone: Iterable[str]) -> None:
        # Hundreds of them would hold the limit of cancels for a minute, for orders that are gone.
        for order_id in gone:
            for waits in self._single.get(order_id, ()):
                if waits.when() is None:
                    waits.reschedule(0.0)

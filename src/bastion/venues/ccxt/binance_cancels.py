"""Binance cancels: orders by their ids, ten regular ones a request where they are many; or all of a symbol.

Sources: developers.binance.com, USD-M and COIN-M futures: Cancel Order, Cancel Multiple Orders (weight 1, at
most ten orders of one symbol, a row for each in their order), Cancel All Open Orders, and for the algo
service Cancel Algo Order and Cancel All Algo Open Orders, which has no call for several. The venue reads the
list of ids by the name `orderidlist` (https://github.com/ccxt/ccxt/pull/22890); its page writes `orderIdList`
(https://github.com/sammchardy/python-binance/issues/1195). Portfolio Margin has no such call.
"""

from collections.abc import Awaitable, Sequence
from typing import ClassVar

from bastion.domain.look import Look
from bastion.domain.order import CancelAnswer, OpenOrder
from bastion.errors import Fault, VenueError, VenueRejected
from bastion.venues.ccxt.binance_algos import BinanceAlgos, is_algo
from bastion.venues.ccxt.binance_protection import NO_SUCH_ORDER
from bastion.venues.ccxt.faults import BINANCE, cancel_failed
from bastion.venues.deadline import Deadline, settled
from bastion.venues.raw import Row, read_rows

NOTHING_TO_CANCEL = "-2011"
NEVER_EXISTED_OR_ENDED = frozenset({NO_SUCH_ORDER, NOTHING_TO_CANCEL})
SINGLY_MAX = 10
"""So many orders are cancelled one by one, each with a fate of its own; more leave in batches."""
BATCH_MAX = 10
PASSING = frozenset({Fault.RETRY, Fault.RATE_LIMIT, Fault.CLOCK, Fault.TERMINAL})
"""Refusals that say nothing of batches: single cancels would meet them as well."""
BAD_SIGNATURE = "-1022"
"""What the venue says where it reads a list otherwise than it was signed; a wrong secret fails the look."""


class BinanceCancels(BinanceAlgos):
    """The half of the adapter that takes orders away."""

    BATCHES: ClassVar[bool] = True
    _batches_work: bool = True

    async def cancel(self, orders: Sequence[OpenOrder], *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Cancel exactly these orders by their ids; many regular ones of a symbol leave ten a request."""
        if not self.BATCHES or not self._batches_work or len(orders) <= SINGLY_MAX:
            return await super().cancel(orders, deadline_s=deadline_s)
        deadline = Deadline(self._clock, deadline_s)
        return await self._by_groups(
            orders, _groups(orders), lambda group: self._cancel_group(group, deadline)
        )

    async def sweep(self, look: Look, *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Cancel all orders of every symbol that the look shows, in both order services, by one call each.

        A TWAP or VP order is ended by its id.
        """
        self._thrift.ends()
        deadline = Deadline(self._clock, deadline_s)
        algos = [order for order in look.orders if is_algo(order)]
        groups = sorted(
            {(order.instrument, order.conditional) for order in look.orders if not is_algo(order)}
        )
        jobs: list[Awaitable[CancelAnswer | None]] = [self._cancel_all(*group, deadline) for group in groups]
        jobs += [self._end_algo(order, deadline) for order in algos]
        with self._share.acting(moves=any(not order.reduce_only for order in look.orders)):
            results = await settled(jobs)
        outcome = dict(zip(groups, results[: len(groups)], strict=True))
        told = dict(zip((order.key for order in algos), results[len(groups) :], strict=True))
        answers: list[CancelAnswer] = []
        for order in look.orders:
            result = told[order.key] if is_algo(order) else outcome[order.instrument, order.conditional]
            if isinstance(result, VenueError):
                answers.append(self._not_cancelled(order, result))
            elif result is not None:
                answers.append(result)
            else:
                answers.append(CancelAnswer(order=order, gone=True))
        return tuple(answers)

    async def _cancel_one(self, order: OpenOrder, deadline: Deadline) -> CancelAnswer:
        if is_algo(order):
            return await self._end_algo(order, deadline)
        if order.conditional:
            method, params = "fapiPrivateDeleteAlgoOrder", {"algoId": order.order_id}
        else:
            method = "fapiPrivateDeleteOrder"
            params = {"symbol": order.instrument, "orderId": order.order_id}
        try:
            answer = await self._call(
                method, params, units={"weight": 1}, deadline=deadline, mutating=True, repeatable=True
            )
        except VenueRejected as error:
            return cancel_failed(order, error, str(error), NEVER_EXISTED_OR_ENDED)
        Row(answer.value, "cancel")
        return CancelAnswer(order=order, gone=True)

    async def _cancel_all(self, symbol: str, conditional: bool, deadline: Deadline) -> None:  # noqa: FBT001 - private
        method = "fapiPrivateDeleteAlgoOpenOrders" if conditional else "fapiPrivateDeleteAllOpenOrders"
        params = {"symbol": symbol}
        answer = await self._call(
            method, params, units={"weight": 1}, deadline=deadline, mutating=True, repeatable=True
        )
        Row(answer.value, "cancel all")

    async def _cancel_group(self, group: Sequence[OpenOrder], deadline: Deadline) -> tuple[CancelAnswer, ...]:
        if len(group) == 1:
            return (await self._cancel_one(group[0], deadline),)
        params = {"symbol": group[0].instrument, "orderidlist": [order.order_id for order in group]}
        try:
            answer = await self._call(
                "fapiPrivateDeleteBatchOrders",
                params,
                units={"weight": 1},
                deadline=deadline,
                mutating=True,
                repeatable=True,
            )
        except VenueRejected as error:
            if error.fault in PASSING and error.code != BAD_SIGNATURE:
                raise
            # Whatever it has against the batch, it may take the orders one by one.
            self._batches_work = False
            return await super().cancel(group, deadline_s=deadline.left_s)
        listed = read_rows(answer.value, "cancel batch")
        named = {row.text("orderId"): row for row in listed if "orderId" in row}
        # A row in the order of the request; one that was refused names no order, and is known by its place.
        places = listed if len(listed) == len(group) else ()
        return tuple(
            _told(order, named.get(order.order_id) or _unnamed(places, at)) for at, order in enumerate(group)
        )


def _groups(orders: Sequence[OpenOrder]) -> list[tuple[OpenOrder, ...]]:
    by_symbol: dict[tuple[str, str], list[OpenOrder]] = {}
    groups: list[tuple[OpenOrder, ...]] = []
    for order in orders:
        if order.conditional or is_algo(order):
            groups.append((order,))
        else:
            by_symbol.setdefault((order.category, order.instrument), []).append(order)
    for every in by_symbol.values():
        groups += [tuple(every[at : at + BATCH_MAX]) for at in range(0, len(every), BATCH_MAX)]
    return groups


def _unnamed(places: Sequence[Row], at: int) -> Row | None:
    return places[at] if at < len(places) and "orderId" not in places[at] else None


def _told(order: OpenOrder, row: Row | None) -> CancelAnswer:
    if row is None:
        return CancelAnswer(
            order=order, gone=False, message="the venue did not speak of this order", answered=False
        )
    if "orderId" in row:
        return CancelAnswer(order=order, gone=True)
    code = row.text_or("code")
    refusal = VenueRejected(row.text_or("msg"), fault=BINANCE.get(code, Fault.RESOLVE), code=code)
    return cancel_failed(order, refusal, str(refusal), NEVER_EXISTED_OR_ENDED)

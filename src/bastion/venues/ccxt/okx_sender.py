"""OKX sender: closing orders on their way, and what the venue answers at once to each.

Source: www.okx.com/docs-v5/en, Place order, Place multiple orders (at most 20, each with a code of its own)
and Close positions. An acknowledgement says that the order was taken, not that it was filled.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from bastion.domain.order import OrderKind, OrderRequest
from bastion.errors import AnswerMalformed, OutcomeUnknown, VenueError, VenueRejected
from bastion.venues.ccxt.faults import Refusal
from bastion.venues.ccxt.lane import BatchUnavailable, Params
from bastion.venues.ccxt.okx_faults import row_refusal
from bastion.venues.ccxt.okx_lane import OrderLane
from bastion.venues.ccxt.okx_orders import bounded, close_params, order_params
from bastion.venues.ccxt.okx_pace import BATCH, CLOSE, ORDER, ORDERS, bucket, units_of
from bastion.venues.ccxt.okx_reads import OkxReads, data_of
from bastion.venues.ccxt.shelf import Instruments
from bastion.venues.deadline import Deadline
from bastion.venues.encoders.signed import Parameters
from bastion.venues.raw import Answer, Row

# Hosts without that page.
NOT_THERE = frozenset({"HTTP 404", "50115"})
# Where this account cannot close without a size: lead traders, beside such hosts.
NO_CLOSE = NOT_THERE | {"51156", "51159"}

Refused = Callable[[Refusal, Answer, Mapping[str, int]], VenueError]


Leaving = Callable[[Iterable[str]], AbstractContextManager[None]]
"""Makes a block in which a request that leaves carries the orders of these client ids."""


class Send(Protocol):
    """One request that may move a position; it ends in an answer of success, or in a `VenueError`."""

    def __call__(
        self,
        method: str,
        params: Parameters,
        *,
        units: Mapping[str, int],
        deadline: Deadline,
        mutating: bool,
    ) -> Awaitable[Answer]:
        """Send it once."""
        ...


class OkxSender:
    """Sends by `send`, within a block of `leaving`.

    `refused` makes the error of one order's own code, and paces what it asks for.
    """

    def __init__(self, send: Send, reads: OkxReads, refused: Refused, leaving: Leaving) -> None:
        self._send = send
        self._leaving = leaving
        self._reads = reads
        self._refused = refused
        self._lane = OrderLane(self._alone, self._batch)

    async def order(self, request: OrderRequest, instruments: Instruments | None, deadline: Deadline) -> str:
        """Send a closing order of a size, and return the venue's id of it.

        Raises:
            VenueError: as `Venue.place` does.
        """
        price = None
        if request.kind in {OrderKind.IOC, OrderKind.RESTING}:
            limits = await self._reads.price_limits(request.position, deadline)
            price = bounded(request, instruments, limits)
        return await self._lane.send(order_params(request, price), deadline)

    async def close(self, request: OrderRequest, deadline: Deadline) -> bool:
        """Close the whole position; False where this account cannot close so, and nothing was executed."""
        units = {bucket(CLOSE, request.position.instrument): 1}
        try:
            with self._leaving((request.client_order_id,)):
                answer = await self._send(
                    "privatePostTradeClosePosition",
                    close_params(request),
                    units=units,
                    deadline=deadline,
                    mutating=True,
                )
            (row,) = data_of(answer, "close-position")
            if "sCode" in row:
                self._single(answer, units, "close-position")
        except (AnswerMalformed, ValueError):
            raise OutcomeUnknown("close-position: no row came; the order may have been executed") from None
        except VenueRejected as error:
            if error.code in NO_CLOSE:
                return False
            raise
        return True

    async def _alone(self, params: Params, deadline: Deadline) -> str:
        units = {ORDERS: 1, bucket(ORDER, str(params["instId"])): 1}
        with self._leaving((str(params["clOrdId"]),)):
            answer = await self._send(
                "privatePostTradeOrder", params, units=units, deadline=deadline, mutating=True
            )
        return self._single(answer, units, "order").text_or("ordId")

    async def _batch(self, group: Sequence[Params], deadline: Deadline) -> Sequence[str | VenueError]:
        units = {ORDERS: len(group), **units_of(BATCH, (str(item["instId"]) for item in group))}
        try:
            with self._leaving([str(item["clOrdId"]) for item in group]):
                answer = await self._send(
                    "privatePostTradeBatchOrders", group, units=units, deadline=deadline, mutating=True
                )
            rows = data_of(answer, "batch-orders")
        except AnswerMalformed as error:
            raise OutcomeUnknown(f"{error}; the orders may have been executed") from None
        except VenueRejected as error:
            if error.code in NOT_THERE:
                raise BatchUnavailable from None
            raise
        if len(rows) != len(group):
            raise OutcomeUnknown(f"{len(group)} orders were sent, {len(rows)} answered; any may be executed")
        named = {row.text_or("clOrdId"): row for row in rows}
        # Rows come in the order of the request; an id of ours tells more surely.
        return [
            self._fate(named.get(str(item["clOrdId"]), rows[at]), answer, units)
            for at, item in enumerate(group)
        ]

    def _fate(self, row: Row, answer: Answer, units: Mapping[str, int]) -> str | VenueError:
        try:
            refusal = row_refusal(row)
        except AnswerMalformed as error:
            return OutcomeUnknown(f"{error}; the order may have been executed")
        return row.text_or("ordId") if refusal is None else self._refused(refusal, answer, units)

    def _single(self, answer: Answer, units: Mapping[str, int], where: str) -> Row:
        """Return the one row of an order's answer; raise what its own code refuses."""
        try:
            (row,) = data_of(answer, where)
            refusal = row_refusal(row)
        except (AnswerMalformed, ValueError):
            raise OutcomeUnknown(f"{where}: no row came; the order may have been executed") from None
        if refusal is not None:
            raise self._refused(refusal, answer, units)
        return row

"""Binance protection: stop losses and take profits as conditional orders of the algo service.

Sources: developers.binance.com, USD-M futures: New Algo Order, Query Algo Order, Current All Algo Open
Orders, Error Codes. A trigger watches the mark price (workingType MARK_PRICE). The whole is closed by
closePosition, of which the venue allows one a direction and position side (-4130): to replace it, an order
of the position's size stands in between.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from bastion.domain.money import ZERO, Quantity
from bastion.domain.order import CancelAnswer, OpenOrder
from bastion.domain.position import Position
from bastion.domain.protective import Protected, ProtectiveOrder, ProtectiveRequest
from bastion.errors import (
    AnswerMalformed,
    Fault,
    OutcomeUnknown,
    VenueError,
    VenueRejected,
    WrongSide,
)
from bastion.venues.ccxt import binance_rows as rows
from bastion.venues.ccxt.binance_causes import BinanceCauses
from bastion.venues.deadline import Deadline
from bastion.venues.protection import stand, taken_away, withdrawn
from bastion.venues.raw import Row, plain, read_rows

ORDER = {"orders_10s": 1, "orders_1m": 1}
NO_SUCH_ORDER = "-2013"
FIRES_AT_ONCE = "-2021"
ENDED = frozenset({"CANCELED", "REJECTED", "EXPIRED"})
BRIDGES_MAX = 10


class BinanceProtection(BinanceCauses):
    """The half of the adapter that protects positions: `ports.Protecting`."""

    async def protections(self, position: Position, *, deadline_s: float) -> tuple[ProtectiveOrder, ...]:
        """Return the position's STOP_MARKET and TAKE_PROFIT_MARKET orders that can only reduce it."""
        answer = await self._call(
            "fapiPrivateGetOpenAlgoOrders",
            {"symbol": position.instrument},
            units={"weight": 1},
            deadline=Deadline(self._clock, deadline_s),
        )
        found = [rows.protective_order(row, position) for row in read_rows(answer.value, "openAlgoOrders")]
        return tuple(each for each in found if each is not None)

    async def protect(
        self, request: ProtectiveRequest, *, replaces: Sequence[ProtectiveOrder], deadline_s: float
    ) -> Protected:
        """Place the order, then cancel what it replaces; where the venue needs it, with one in between."""
        deadline = Deadline(self._clock, deadline_s)
        closers = [old for old in replaces if old.whole]
        if request.quantity is None and closers:
            return await self._bridged(request, closers, replaces, deadline)
        order = await self._stand(request, deadline)
        gone, left, why = await taken_away(partial(self._take_away, deadline), replaces)
        return Protected(order=order, replaced=gone, left=left, note=_still(left, why))

    async def _bridged(
        self,
        request: ProtectiveRequest,
        closers: Sequence[ProtectiveOrder],
        replaces: Sequence[ProtectiveOrder],
        deadline: Deadline,
    ) -> Protected:
        cancel = partial(self._take_away, deadline)
        bridges = await self._bridges(request, deadline)
        gone, left, why = await taken_away(cancel, closers)
        if left:
            # The old whole-position order may stand, so the venue would refuse the new one.
            return Protected(order=bridges[0], replaced=gone, left=left, note=_still(left, why))
        others = [old for old in replaces if not old.whole]
        try:
            order = await self._stand(request, deadline)
        except (VenueError, WrongSide) as error:
            more, left, why = await taken_away(cancel, others)
            note = f"it closes the size of now, since the venue refused the whole-position form: {error}"
            return Protected(order=bridges[0], replaced=(*gone, *more), left=left, note=note)
        more, left, why = await taken_away(cancel, (*others, *bridges))
        replaced = tuple(each for each in (*gone, *more) if each not in bridges)
        return Protected(order=order, replaced=replaced, left=left, note=_still(left, why))

    async def _bridges(self, request: ProtectiveRequest, deadline: Deadline) -> list[ProtectiveOrder]:
        standing: list[ProtectiveOrder] = []
        for number, quantity in enumerate(self._sizes(request.position)):
            part = replace(
                request, client_order_id=f"{request.client_order_id}b{number}", quantity=Quantity(quantity)
            )
            try:
                standing.append(await self._stand(part, deadline))
            except (VenueError, WrongSide):
                await taken_away(partial(self._take_away, deadline), standing)
                raise
        return standing

    def _sizes(self, position: Position) -> list[Quantity]:
        known = (self._instruments or {}).get((position.category, position.instrument))
        most = known.market_quantity_max if known is not None else ZERO
        sizes: list[Quantity] = []
        left = position.quantity
        while most > ZERO and left > most and len(sizes) < BRIDGES_MAX - 1:
            sizes.append(Quantity(most))
            left = Quantity(left - most)
        return [*sizes, left]

    async def _stand(self, request: ProtectiveRequest, deadline: Deadline) -> ProtectiveOrder:
        return await stand(
            partial(self._place_protective, request),
            partial(self._find_protective, request),
            clock=self._clock,
            deadline=deadline,
        )

    async def _place_protective(self, request: ProtectiveRequest, deadline: Deadline) -> ProtectiveOrder:
        try:
            answer = await self._call(
                "fapiPrivatePostAlgoOrder",
                algo_params(request),
                units=ORDER,
                deadline=deadline,
                mutating=True,
            )
        except VenueRejected as error:
            if error.code == FIRES_AT_ONCE:
                raise WrongSide(f"The venue says that it would fire at once: {error}") from None
            raise
        try:
            return await self._standing(Row(answer.value, "algoOrder"), request, deadline)
        except AnswerMalformed as error:
            raise OutcomeUnknown(f"{error}; the order may stand") from None

    async def _find_protective(
        self, request: ProtectiveRequest, deadline: Deadline
    ) -> ProtectiveOrder | None:
        params = {"clientAlgoId": request.client_order_id}
        try:
            answer = await self._call(
                "fapiPrivateGetAlgoOrder", params, units={"weight": 1}, deadline=deadline
            )
        except VenueRejected as error:
            if error.code == NO_SUCH_ORDER:
                return None
            raise
        row = Row(answer.value, "algoOrder")
        return None if row.text("algoStatus") in ENDED else await self._standing(row, request, deadline)

    async def _standing(self, row: Row, request: ProtectiveRequest, deadline: Deadline) -> ProtectiveOrder:
        status = row.text("algoStatus")
        if status in ENDED:
            raise VenueRejected(
                f"the venue took the order and ended it: {status}", fault=Fault.RESOLVE, code=status
            )
        found = rows.protective_order(row, request.position)
        if found is not None:
            return found
        # Seen on one account: the flag was dropped without a word. What could open must not stand.
        raise await withdrawn(partial(self._take_away, deadline), rows.open_conditional_order(row))

    async def _take_away(self, deadline: Deadline, orders: Sequence[OpenOrder]) -> Sequence[CancelAnswer]:
        return await self.cancel(orders, deadline_s=deadline.left_s)


def algo_params(request: ProtectiveRequest) -> dict[str, object]:
    """Return the parameters of New Algo Order: always closePosition, reduceOnly, or hedge mode's own side."""
    position = request.position
    params: dict[str, object] = {
        "algoType": "CONDITIONAL",
        "symbol": position.instrument,
        "side": request.direction.value,
        "type": rows.ALGO_TYPES[request.kind],
        "triggerPrice": plain(request.trigger_price),
        "workingType": "MARK_PRICE",
        "clientAlgoId": request.client_order_id,
    }
    if position.hedged:
        params["positionSide"] = position.side.value
    if request.quantity is None:
        params["closePosition"] = "true"
    else:
        params["quantity"] = plain(request.quantity)
        if not position.hedged:
            # Hedge mode refuses the flag; there the position's side implies it.
            params["reduceOnly"] = "true"
    return params


def _still(left: Sequence[ProtectiveOrder], why: str) -> str:
    return f"not taken away: {why}" if left else ""

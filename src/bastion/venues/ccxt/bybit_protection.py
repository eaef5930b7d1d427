"""Bybit protection: stop losses and take profits of a position, and conditional orders for a part of it.

Sources: bybit-exchange.github.io/docs/v5: Set Trading Stop, Place Order, Get Open & Closed Orders, Error
Codes. The whole position is protected by trading-stop in mode Full, with which the venue itself puts the new
price in the place of the old; it takes no client id, so what stands is read after it. A part is protected by
a reduce-only conditional order under our client id. Triggers watch the mark price. Both are acknowledged
before they are done: an order stands when the venue shows it.
"""

import re
from collections.abc import Sequence
from functools import partial

from bastion.domain.order import CancelAnswer, OpenOrder
from bastion.domain.position import Position
from bastion.domain.protective import Protected, Protection, ProtectiveOrder, ProtectiveRequest
from bastion.errors import VenueRejected, WrongSide
from bastion.venues.ccxt import bybit_rows as rows
from bastion.venues.ccxt.bybit_funding import BybitFunding
from bastion.venues.ccxt.bybit_lanes import SINGLE
from bastion.venues.ccxt.bybit_market import ORDERS_PAGE
from bastion.venues.ccxt.bybit_pace import PUBLIC
from bastion.venues.deadline import Deadline
from bastion.venues.protection import shown, stand, taken_away, withdrawn
from bastion.venues.raw import Row, plain

UNCHANGED = "34040"
FIRES_AT_ONCE = frozenset({"110092", "110093"})
RISES, FALLS = 1, 2
_BEYOND_BASE = re.compile(r"base_price", re.IGNORECASE)
_STOP_FIELDS = {
    Protection.STOP_LOSS: ("stopLoss", "slTriggerBy"),
    Protection.TAKE_PROFIT: ("takeProfit", "tpTriggerBy"),
}


class BybitProtection(BybitFunding):
    """The half of the adapter that protects positions: `ports.Protecting`."""

    async def protections(self, position: Position, *, deadline_s: float) -> tuple[ProtectiveOrder, ...]:
        """Return the position's stops and take profits at market, attached ones and reduce-only orders."""
        return await self._protections(position, Deadline(self._clock, deadline_s))

    async def protect(
        self, request: ProtectiveRequest, *, replaces: Sequence[ProtectiveOrder], deadline_s: float
    ) -> Protected:
        """Place the order; what the venue did not replace by itself is cancelled once the order stands."""
        deadline = Deadline(self._clock, deadline_s)
        order = await stand(
            partial(self._place_protective, request),
            partial(self._find_protective, request),
            clock=self._clock,
            deadline=deadline,
        )
        # The venue keeps the id of an attached order whose price it changes.
        others = [old for old in replaces if old.order.order_id != order.order.order_id]
        moved = tuple(old for old in replaces if old not in others)
        gone, left, why = await taken_away(partial(self._take_away, deadline), others)
        note = f"not taken away: {why}" if left else ""
        return Protected(order=order, replaced=(*moved, *gone), left=left, note=note)

    async def _place_protective(self, request: ProtectiveRequest, deadline: Deadline) -> ProtectiveOrder:
        whole = request.quantity is None
        try:
            await self._call(
                "privatePostV5PositionTradingStop" if whole else "privatePostV5OrderCreate",
                trading_stop(request) if whole else conditional(request),
                units={"trading_stop" if whole else SINGLE: 1, **PUBLIC},
                deadline=deadline,
                mutating=True,
            )
        except VenueRejected as error:
            if error.code in FIRES_AT_ONCE or (whole and _BEYOND_BASE.search(str(error))):
                raise WrongSide(f"The venue says that it would fire at once: {error}") from None
            if error.code != UNCHANGED:
                raise
        find = partial(self._find_protective, request)
        return await shown(find, clock=self._clock, deadline=deadline)

    async def _find_protective(
        self, request: ProtectiveRequest, deadline: Deadline
    ) -> ProtectiveOrder | None:
        position = request.position
        for row in await self._rows(position, deadline):
            each = rows.protective_order(row, position)
            ours = row.text_or("orderLinkId") == request.client_order_id
            if each is None:
                order = rows.open_order(row, position.category, "")
                if ours and order is not None and not order.reduce_only:
                    raise await withdrawn(partial(self._take_away, deadline), order)
                continue
            fits = each.kind is request.kind and each.trigger_price == request.trigger_price
            if fits and (ours or (request.quantity is None and each.whole)):
                return each
        return None

    async def _protections(self, position: Position, deadline: Deadline) -> tuple[ProtectiveOrder, ...]:
        found = [rows.protective_order(row, position) for row in await self._rows(position, deadline)]
        return tuple(each for each in found if each is not None)

    async def _rows(self, position: Position, deadline: Deadline) -> list[Row]:
        params = {"category": position.category, "symbol": position.instrument}
        answers = await self.pages("privateGetV5OrderRealtime", params, "realtime", ORDERS_PAGE, deadline)
        return [row for _, page in answers for row in page]

    async def _take_away(self, deadline: Deadline, orders: Sequence[OpenOrder]) -> Sequence[CancelAnswer]:
        return await self.cancel(orders, deadline_s=deadline.left_s)


def trading_stop(request: ProtectiveRequest) -> dict[str, object]:
    """Return the parameters of Set Trading Stop: mode Full is of the whole position and can only close it."""
    price, trigger = _STOP_FIELDS[request.kind]
    return {
        "category": request.position.category,
        "symbol": request.position.instrument,
        "positionIdx": rows.position_index(request.position),
        "tpslMode": "Full",
        price: plain(request.trigger_price),
        trigger: "MarkPrice",
    }


def conditional(request: ProtectiveRequest) -> dict[str, object]:
    """Return the parameters of Place Order for a part of the position; reduceOnly is always true."""
    position = request.position
    return {
        "category": position.category,
        "symbol": position.instrument,
        "side": request.direction.value.capitalize(),
        "orderType": "Market",
        "qty": plain(request.quantity or position.quantity),
        "reduceOnly": True,
        "closeOnTrigger": True,
        "positionIdx": rows.position_index(position),
        "orderLinkId": request.client_order_id,
        "triggerPrice": plain(request.trigger_price),
        "triggerDirection": RISES if request.rising else FALLS,
        "triggerBy": "MarkPrice",
    }

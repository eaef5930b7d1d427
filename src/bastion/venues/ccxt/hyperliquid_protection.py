"""Hyperliquid protection: stops and take profits of a position, for the whole of it or a part.

Source: Hyperliquid docs, "Exchange endpoint" (Place an order: trigger, grouping `positionTpsl`), "Take profit
and stop loss orders" (triggers watch the mark price; a triggered market order may move 10 %), "Info endpoint"
(frontendOpenOrders). An order for the whole position has no size of its own and ends with the position.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial

from bastion.domain.instrument import Instrument
from bastion.domain.order import CancelAnswer, OpenOrder
from bastion.domain.position import Position
from bastion.domain.protective import Protected, ProtectiveOrder, ProtectiveRequest
from bastion.errors import OutcomeUnknown, WrongSide
from bastion.venues.ccxt import hyperliquid_rows as rows
from bastion.venues.ccxt.hyperliquid_cloid import client_id_of
from bastion.venues.ccxt.hyperliquid_faults import refusal_of_text
from bastion.venues.ccxt.hyperliquid_market import HyperliquidMarket
from bastion.venues.ccxt.hyperliquid_orders import trigger_form
from bastion.venues.ccxt.hyperliquid_statuses import error_of, statuses_of
from bastion.venues.deadline import Deadline
from bastion.venues.protection import shown, stand, taken_away, withdrawn
from bastion.venues.raw import Answer, Row, read_rows

BAD_TRIGGER = "BadTriggerPx"


class HyperliquidProtection(HyperliquidMarket):
    """The half of the adapter that protects positions: `ports.Protecting`."""

    @abstractmethod
    async def _act(
        self, action: Mapping[str, object], items: int, deadline: Deadline, *, expires: bool
    ) -> Answer: ...

    @abstractmethod
    async def _contract(self, coin: str, deadline: Deadline) -> Instrument: ...

    async def protections(self, position: Position, *, deadline_s: float) -> tuple[ProtectiveOrder, ...]:
        """Return the position's triggers at market that can only reduce it."""
        found = [
            rows.protective_order(row, position)
            for row in await self._rows(position, Deadline(self._clock, deadline_s))
        ]
        return tuple(each for each in found if each is not None)

    async def protect(
        self, request: ProtectiveRequest, *, replaces: Sequence[ProtectiveOrder], deadline_s: float
    ) -> Protected:
        """Place the order; what it replaces is cancelled once the venue shows that it stands."""
        deadline = Deadline(self._clock, deadline_s)
        order = await stand(
            partial(self._place_protective, request),
            partial(self._find_protective, request),
            clock=self._clock,
            deadline=deadline,
        )
        gone, left, why = await taken_away(partial(self._take_away, deadline), replaces)
        note = f"not taken away: {why}" if left else ""
        return Protected(order=order, replaced=gone, left=left, note=note)

    async def _place_protective(self, request: ProtectiveRequest, deadline: Deadline) -> ProtectiveOrder:
        contract = await self._contract(request.position.instrument, deadline)
        grouping = "positionTpsl" if request.quantity is None else "na"
        action = {"type": "order", "orders": [trigger_form(request, contract)], "grouping": grouping}
        statuses = statuses_of(await self._act(action, 1, deadline, expires=True))
        if len(statuses) != 1:
            raise OutcomeUnknown(f"one order was sent, {len(statuses)} answered")
        refused = error_of(statuses[0])
        if refused:
            refusal = refusal_of_text(refused)
            if refusal.code == BAD_TRIGGER:
                raise WrongSide(f"The venue says that it would fire at once: {refused}")
            raise refusal.error(mutating=True)
        find = partial(self._find_protective, request)
        return await shown(find, clock=self._clock, deadline=deadline)

    async def _find_protective(
        self, request: ProtectiveRequest, deadline: Deadline
    ) -> ProtectiveOrder | None:
        for row in await self._rows(request.position, deadline):
            if client_id_of(row.text_or("cloid")) != request.client_order_id:
                continue
            found = rows.protective_order(row, request.position)
            order = rows.open_order(row)
            if found is None and order is not None and not order.reduce_only:
                raise await withdrawn(partial(self._take_away, deadline), order)
            if found is not None:
                return found
        return None

    async def _rows(self, position: Position, deadline: Deadline) -> Sequence[Row]:
        dex = rows.dex_of(position.instrument)
        asked = {"type": "frontendOpenOrders", "user": self._address, "dex": dex}
        return read_rows((await self._info(asked, deadline)).value, "frontendOpenOrders")

    async def _take_away(self, deadline: Deadline, orders: Sequence[OpenOrder]) -> Sequence[CancelAnswer]:
        return await self.cancel(orders, deadline_s=deadline.left_s)

"""Opening: positions that are there before the first request."""

from dataclasses import replace
from decimal import Decimal

from bastion.paper.account import PositionMode
from bastion.paper.clock import Clock
from bastion.paper.exchange.checks import check_mode, check_quantity
from bastion.paper.exchange.market import Market
from bastion.paper.exchange.orders import OrderStore
from bastion.paper.exchange.settlement import Settlement
from bastion.paper.order import Direction, Order, OrderKind, OrderRequest, OrderState, PositionSide
from bastion.paper.refusal import Reason, Refused
from bastion.paper.rules import VenueRules


class Opening:
    """Books opening positions: a fill and a ledger entry each, no fee, the book left alone."""

    def __init__(
        self, *, rules: VenueRules, clock: Clock, orders: OrderStore, settlement: Settlement
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._orders = orders
        self._settlement = settlement

    def open(
        self,
        account: str,
        market: Market,
        side: PositionSide,
        *,
        quantity: Decimal,
        entry: Decimal,
        mode: PositionMode,
    ) -> None:
        """Book `quantity` (signed, long positive) at `entry`.

        Raises `Refused` for a quantity off the grid.
        """
        if entry <= 0:
            raise Refused(Reason.PRICE_NOT_POSITIVE, "An entry price must be above zero.")
        order_id = self._orders.next_id()
        request = OrderRequest(
            symbol=market.instrument.symbol,
            direction=Direction.BUY if quantity > 0 else Direction.SELL,
            kind=OrderKind.MARKET,
            quantity=abs(quantity),
            position_side=side,
            client_order_id=f"opening-{order_id}",
        )
        check_mode(request, mode, self._rules)
        # An opening position may be larger than one market order could make it.
        check_quantity(replace(request, kind=OrderKind.LIMIT), market.instrument)
        now_ms = self._clock.now_ms()
        order = Order(
            order_id=order_id,
            account=account,
            request=request,
            state=OrderState.FILLED,
            quantity=abs(quantity),
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        filled = self._settlement.fill(
            order, market, price=entry, quantity=abs(quantity), is_maker=True, is_opening_entry=True
        )
        self._orders.save(filled)

"""Placing: how orders are accepted, woken, changed and taken back."""

import heapq
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from bastion.paper.clock import Clock
from bastion.paper.exchange import checks
from bastion.paper.exchange.holdings import Holdings
from bastion.paper.exchange.market import Market
from bastion.paper.exchange.matching import Matcher
from bastion.paper.exchange.orders import OrderStore
from bastion.paper.exchange.reading import Reading, matches
from bastion.paper.margin import initial_margin
from bastion.paper.order import (
    Direction,
    Order,
    OrderFilter,
    OrderKind,
    OrderRequest,
    OrderState,
    TimeInForce,
    Trigger,
    TriggerPrice,
    TriggerWhen,
)
from bastion.paper.refusal import Reason, Refused
from bastion.paper.rules import VenueRules

ZERO = Decimal(0)
_UNBOUNDED = None

CANCELLED_BY_ACCOUNT = "cancelled"
POSITION_GONE = "position_gone"


class Placing:
    """Accepts orders by the venue's rules; they are matched at once, after a delay, or when they trigger."""

    def __init__(
        self,
        *,
        rules: VenueRules,
        clock: Clock,
        markets: Mapping[str, Market],
        holdings: Mapping[str, Holdings],
        orders: OrderStore,
        matcher: Matcher,
        reading: Reading,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._markets = markets
        self._holdings = holdings
        self._orders = orders
        self._matcher = matcher
        self._reading = reading
        self._waiting: list[tuple[int, int]] = []

    def accepted_quantity(self, account: str, request: OrderRequest, market: Market) -> Decimal:
        """Return the quantity at which `request` would be accepted; raises `Refused`."""
        holdings = self._holdings[account]
        instrument = market.instrument
        if holdings.frozen is not None and self._rules.freezes:
            raise Refused(Reason.FROZEN, "The venue is closing a position.", how=holdings.frozen)
        checks.check_mode(request, holdings.mode(request.symbol), self._rules)
        checks.check_quantity(request, instrument)
        checks.check_price(request, instrument, market.mark, self._rules)
        checks.check_notional(request, instrument, market.mark, self._rules)
        self._check_client_id(account, request)
        self._check_count(account, request, market)
        if request.trigger is not None:
            self._check_trigger(account, request, market)
            return request.quantity
        quantity = request.quantity
        if checks.is_reducing(request):
            quantity = checks.reduced_quantity(
                request,
                instrument=instrument,
                position=holdings.position(request.symbol, request.position_side),
                held=self._held(account, request),
                rules=self._rules,
            )
        else:
            self._check_margin(account, request, market)
        self._check_counter_price(request, market)
        return quantity

    def place(self, account: str, request: OrderRequest, market: Market) -> Order:
        """Accept `request` and match it by the venue's habit; raises `Refused` and changes nothing."""
        quantity = self.accepted_quantity(account, request, market)
        now_ms = self._clock.now_ms()
        order_id = self._orders.next_id()
        if not request.client_order_id:
            request = replace(request, client_order_id=f"paper-{order_id}")
        order = Order(
            order_id=order_id,
            account=account,
            request=request,
            state=OrderState.UNTRIGGERED if request.trigger else OrderState.NEW,
            quantity=quantity,
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        self._orders.save(order)
        if request.trigger is None:
            self._activate(order, market)
        return self._orders.newest(order_id)

    def amend(
        self,
        order: Order,
        market: Market,
        *,
        quantity: Decimal | None,
        price: Decimal | None,
        trigger_price: Decimal | None,
    ) -> Order:
        """Change an open order and match it again; raises `Refused`."""
        self._must_be_open(order)
        request = order.request
        trigger = request.trigger
        if trigger is not None and trigger_price is not None:
            trigger = replace(trigger, price=trigger_price)
        changed = replace(
            request, quantity=quantity or order.quantity, price=price or request.price, trigger=trigger
        )
        checks.check_quantity(changed, market.instrument)
        checks.check_price(changed, market.instrument, market.mark, self._rules)
        if changed.quantity <= order.executed_quantity:
            raise Refused(Reason.QUANTITY_TOO_SMALL, "The order has already executed that much.")
        amended = self._orders.save(
            replace(
                order,
                request=changed,
                quantity=changed.quantity,
                matched=False,
                updated_ms=self._clock.now_ms(),
            )
        )
        if amended.state is not OrderState.UNTRIGGERED:
            self._activate(amended, market)
        return self._orders.newest(order.order_id)

    def cancel(self, order: Order, reason: str = CANCELLED_BY_ACCOUNT) -> Order:
        """Cancel an open order; raises `Refused` with ORDER_ALREADY_DONE."""
        self._must_be_open(order)
        return self._orders.save(
            replace(order, state=OrderState.CANCELLED, end_reason=reason, updated_ms=self._clock.now_ms())
        )

    def cancel_all(self, account: str, which: OrderFilter, limit: int) -> list[Order]:
        """Cancel at most `limit` open orders, oldest first."""
        found = self._orders.open_of(account, which, self._reading.accepts, None)
        return [self.cancel(order) for order in found[:limit]]

    def match_due(self) -> None:
        """Match every waiting order whose time has come."""
        while self._waiting and self._waiting[0][0] <= self._clock.now_ms():
            _, order_id = heapq.heappop(self._waiting)
            order = self._orders.newest(order_id)
            if order.state.is_open:
                self._match(order, self._markets[order.symbol])

    def next_due_ms(self) -> int | None:
        """Return when the next waiting order will be matched, or None."""
        return self._waiting[0][0] if self._waiting else None

    def market_moved(self, market: Market) -> None:
        """Fill what the market has moved through and wake what it has triggered, until all is quiet."""
        self._matcher.sweep(market)
        self._wake(market)
        self._drop_orphans(market)

    # ---- private

    def _activate(self, order: Order, market: Market) -> None:
        delay_ms = self._rules.match_delay_ms
        if delay_ms:
            heapq.heappush(self._waiting, (self._clock.now_ms() + delay_ms, order.order_id))
            return
        self._match(order, market)

    def _match(self, order: Order, market: Market) -> None:
        self._matcher.match(order, market)
        self._wake(market)
        self._drop_orphans(market)

    def _wake(self, market: Market) -> None:
        # A woken order may move the last price and wake another; each wakes once, so this ends.
        while (order := self._next_triggered(market)) is not None:
            self._trigger(order, market)

    def _next_triggered(self, market: Market) -> Order | None:
        for order in self._orders.open():
            if order.state is OrderState.UNTRIGGERED and order.symbol == market.instrument.symbol:
                trigger = order.request.trigger
                if trigger is not None and is_reached(trigger, market):
                    return order
        return None

    def _trigger(self, order: Order, market: Market) -> None:
        now_ms = self._clock.now_ms()
        try:
            quantity = self._triggered_quantity(order, market)
        except Refused as refused:
            self._orders.save(
                replace(
                    order,
                    state=OrderState.EXPIRED,
                    end_reason=refused.reason.value,
                    triggered_ms=now_ms,
                    updated_ms=now_ms,
                )
            )
            return
        if not self._rules.trigger_makes_new_order:
            active = replace(
                order, state=OrderState.NEW, quantity=quantity, triggered_ms=now_ms, updated_ms=now_ms
            )
            self._match(self._orders.save(active), market)
            return
        child = Order(
            order_id=self._orders.next_id(),
            account=order.account,
            request=replace(order.request, trigger=None, quantity=quantity),
            state=OrderState.NEW,
            quantity=quantity,
            created_ms=now_ms,
            updated_ms=now_ms,
            parent_id=order.order_id,
        )
        self._orders.save(
            replace(
                order,
                state=OrderState.TRIGGERED,
                triggered_ms=now_ms,
                updated_ms=now_ms,
                child_id=child.order_id,
            )
        )
        self._match(self._orders.save(child), market)

    def _triggered_quantity(self, order: Order, market: Market) -> Decimal:
        request = order.request
        if not checks.is_reducing(request):
            self._check_margin(order.account, request, market)
            return request.quantity
        return checks.reduced_quantity(
            request,
            instrument=market.instrument,
            position=self._holdings[order.account].position(order.symbol, request.position_side),
            held=ZERO,
            rules=replace(self._rules, hedge_oversize=self._rules.market_oversize),
        )

    def _drop_orphans(self, market: Market) -> None:
        for order in self._orders.open():
            request = order.request
            bound = request.ends_with_position or (self._rules.flat_cancels_reduce_only and order.matched)
            if order.symbol != market.instrument.symbol or not bound or not checks.is_reducing(request):
                continue
            position = self._holdings[order.account].position(order.symbol, request.position_side)
            if not checks.reducible(position, request.direction):
                self.cancel(order, POSITION_GONE)

    def _held(self, account: str, request: OrderRequest) -> Decimal:
        which = OrderFilter(
            symbol=request.symbol, conditional=None if self._rules.waiting_reduce_only_holds else False
        )
        return sum(
            (
                order.remaining
                for order in self._orders.open_of(account, which, matches_any_contract, None)
                if checks.is_reducing(order.request)
                and order.request.direction is request.direction
                and order.request.position_side is request.position_side
            ),
            ZERO,
        )

    def _check_client_id(self, account: str, request: OrderRequest) -> None:
        if not request.client_order_id:
            return
        for order_id in self._orders.ids_of_client(account, request.client_order_id):
            order = self._orders.newest(order_id)
            if self._rules.client_id_unique_for_ever or order.state.is_open:
                raise Refused(
                    Reason.DUPLICATE_CLIENT_ORDER_ID, "The client order id is in use.", order_id=order_id
                )

    def _check_count(self, account: str, request: OrderRequest, market: Market) -> None:
        is_conditional = request.trigger is not None
        which = OrderFilter(symbol=request.symbol, conditional=is_conditional)
        count = len(self._orders.open_of(account, which, matches_any_contract, None))
        instrument = market.instrument
        limit = instrument.conditional_orders_max if is_conditional else instrument.orders_max
        rests = request.kind is OrderKind.LIMIT or is_conditional
        if rests and count >= limit:
            raise Refused(Reason.ORDER_COUNT_TOO_HIGH, f"At most {limit} orders may be open.")

    def _check_trigger(self, account: str, request: OrderRequest, market: Market) -> None:
        if request.trigger is not None and is_reached(request.trigger, market):
            raise Refused(Reason.WOULD_TRIGGER_AT_ONCE, "The order would trigger at once.")
        if not request.close_position:
            return
        which = OrderFilter(symbol=request.symbol, conditional=True)
        for order in self._orders.open_of(account, which, matches_any_contract, None):
            other = order.request
            same = (other.direction, other.position_side, other.trigger and other.trigger.when) == (
                request.direction,
                request.position_side,
                request.trigger and request.trigger.when,
            )
            if other.close_position and same:
                raise Refused(
                    Reason.CLOSE_POSITION_EXISTS, "A closing order in this direction already exists."
                )

    def _check_margin(self, account: str, request: OrderRequest, market: Market) -> None:
        holdings = self._holdings[account]
        position = holdings.position(request.symbol, request.position_side)
        opening = max(request.quantity - checks.reducible(position, request.direction), ZERO)
        price = request.price or market.mark
        needed = initial_margin(market.instrument.value(opening, price), holdings.leverage(request.symbol))
        coin = market.instrument.settle
        available = self._reading.balance(account, coin).available
        if needed > available:
            raise Refused(
                Reason.MARGIN_INSUFFICIENT, f"The order needs {needed} {coin}; {available} are available."
            )

    def _check_counter_price(self, request: OrderRequest, market: Market) -> None:
        offers = self._matcher.offers(market, request.direction, _UNBOUNDED)
        refuses = request.time_in_force is TimeInForce.POST_ONLY and self._rules.post_only_is_refused
        if refuses and self._matcher.offers(market, request.direction, request.price):
            raise Refused(Reason.POST_ONLY_WOULD_TAKE, "The order would take.")
        if request.kind is not OrderKind.MARKET or not offers or not self._rules.counter_price_is_checked:
            return
        instrument = market.instrument
        best = offers[0].price
        too_high = request.direction is Direction.BUY and best > market.mark * instrument.band_up
        too_low = request.direction is Direction.SELL and best < market.mark * instrument.band_down
        if too_high or too_low:
            raise Refused(
                Reason.COUNTER_PRICE_OUT_OF_BAND, "The best counter price lies outside the price band."
            )

    @staticmethod
    def _must_be_open(order: Order) -> None:
        if not order.state.is_open:
            raise Refused(Reason.ORDER_ALREADY_DONE, f"Order {order.order_id} is {order.state}.")


def is_reached(trigger: Trigger, market: Market) -> bool:
    """Whether the watched price stands at or beyond the trigger."""
    price = market.mark if trigger.watches is TriggerPrice.MARK else market.last
    return price >= trigger.price if trigger.when is TriggerWhen.RISES_TO else price <= trigger.price


def matches_any_contract(order: Order, which: OrderFilter) -> bool:
    """Whether an order fits a filter that names at most a symbol and the conditional flag."""
    return matches(order, which, None)

"""Matching: how an active order meets the synthetic depth and the other resting orders."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from bastion.paper.book import Level
from bastion.paper.clock import Clock
from bastion.paper.exchange.checks import is_reducing, reducible
from bastion.paper.exchange.holdings import Holdings
from bastion.paper.exchange.market import Market
from bastion.paper.exchange.orders import OrderStore
from bastion.paper.exchange.settlement import Settlement
from bastion.paper.order import Direction, Order, OrderKind, OrderState, SelfMatch, TimeInForce

ZERO = Decimal(0)

DEPTH_ENDED = "depth_ended"
NOTHING_LEFT_TO_REDUCE = "nothing_left_to_reduce"
SELF_TRADE = "self_trade"
POST_ONLY_WOULD_TAKE = "post_only_would_take"
FILL_OR_KILL_UNFILLED = "fill_or_kill_unfilled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a taker may hit: a synthetic level, or a resting order when `order_id` is set."""

    price: Decimal
    quantity: Decimal
    order_id: int = 0


class Matcher:
    """Price-time priority over resting orders and synthetic depth.

    Resting orders come first at equal prices.
    """

    def __init__(
        self, *, orders: OrderStore, settlement: Settlement, holdings: Mapping[str, Holdings], clock: Clock
    ) -> None:
        self._orders = orders
        self._settlement = settlement
        self._holdings = holdings
        self._clock = clock

    def offers(self, market: Market, taker: Direction, worst: Decimal | None) -> list[Offer]:
        """Return what a taker in direction `taker` could hit up to the price `worst`, best first."""
        side = taker.opposite
        now_ms = self._clock.now_ms()
        found = [
            Offer(price=level.price, quantity=level.quantity) for level in market.book.levels(side, now_ms)
        ]
        found += [
            Offer(price=order.request.price, quantity=order.remaining, order_id=order.order_id)
            for order in self._resting(market)
            if order.request.direction is side and order.request.price is not None
        ]
        within = [offer for offer in found if worst is None or (worst - offer.price) * taker.sign >= 0]
        return sorted(
            within, key=lambda offer: (offer.price * taker.sign, not offer.order_id, offer.order_id)
        )

    def levels(self, market: Market, taker: Direction, limit: int) -> list[Level]:
        """Return at most `limit` levels that a taker could hit, best first."""
        totals: dict[Decimal, Decimal] = {}
        for offer in self.offers(market, taker, None):
            totals[offer.price] = totals.get(offer.price, ZERO) + offer.quantity
        return [Level(price=price, quantity=quantity) for price, quantity in list(totals.items())[:limit]]

    def match(self, order: Order, market: Market) -> Order:
        """Let an accepted order take what it may, then end it or leave it resting; return it as saved."""
        request = order.request
        offers = self.offers(market, request.direction, worst_price(order, market))
        if request.time_in_force is TimeInForce.POST_ONLY and offers:
            return self._end(order, OrderState.EXPIRED, POST_ONLY_WOULD_TAKE)
        if request.time_in_force is TimeInForce.FOK and sum(o.quantity for o in offers) < order.remaining:
            return self._end(order, OrderState.EXPIRED, FILL_OR_KILL_UNFILLED)
        budget = self._budget(order, market)
        for offer in offers:
            wanted = min(budget, offer.quantity, self._allowance(order))
            if wanted <= 0:
                break
            if self._is_stopped_by(order, offer):
                return self._end(order, OrderState.EXPIRED, SELF_TRADE)
            taken = self._take(order, offer, market, wanted)
            if taken > 0:
                order = self._executed(order, market, price=offer.price, quantity=taken, is_maker=False)
                budget -= taken
        return self._conclude(order)

    def sweep(self, market: Market) -> None:
        """Fill resting orders that the market has moved through, at their own price, best price first."""
        crossing = sorted(
            self._resting(market),
            key=lambda order: (-(order.request.price or ZERO) * order.request.direction.sign, order.order_id),
        )
        now_ms = self._clock.now_ms()
        for resting in crossing:
            order = self._orders.newest(resting.order_id)
            price = order.request.price
            if not order.state.is_open or price is None:
                continue
            side = order.request.direction.opposite
            for level in list(market.book.levels(side, now_ms)):
                wanted = min(order.remaining, level.quantity, self._allowance(order))
                if (price - level.price) * order.request.direction.sign < 0 or wanted <= 0:
                    break
                market.book.take(side, level.price, wanted, now_ms)
                order = self._executed(order, market, price=price, quantity=wanted, is_maker=True)
            if order.remaining and is_reducing(order.request) and self._crosses(order, market):
                self._conclude(order)

    def _crosses(self, order: Order, market: Market) -> bool:
        return bool(
            self.offers(market, order.request.direction, order.request.price)
        ) and not self._allowance(order)

    def _resting(self, market: Market) -> list[Order]:
        return [
            order
            for order in self._orders.open()
            if order.symbol == market.instrument.symbol
            and order.state is not OrderState.UNTRIGGERED
            and order.request.kind is OrderKind.LIMIT
            and order.matched
        ]

    def _budget(self, order: Order, market: Market) -> Decimal:
        ratio = order.request.fill_ratio_max
        if ratio is None:
            return order.remaining
        capped = order.quantity * ratio
        return capped - capped % market.instrument.step

    def _allowance(self, order: Order) -> Decimal:
        if not is_reducing(order.request):
            return order.remaining
        holdings = self._holdings[order.account]
        position = holdings.position(order.symbol, order.request.position_side)
        return min(order.remaining, reducible(position, order.request.direction))

    def _take(self, taker: Order, offer: Offer, market: Market, wanted: Decimal) -> Decimal:
        if not offer.order_id:
            market.book.take(taker.request.direction.opposite, offer.price, wanted, self._clock.now_ms())
            return wanted
        maker = self._orders.newest(offer.order_id)
        if not maker.state.is_open:
            return ZERO
        if maker.account == taker.account and taker.request.self_match is SelfMatch.CANCEL_MAKER:
            self._end(maker, OrderState.EXPIRED, SELF_TRADE)
            return ZERO
        quantity = min(wanted, self._allowance(maker))
        if quantity <= 0:
            self._end(maker, OrderState.EXPIRED, NOTHING_LEFT_TO_REDUCE)
            return ZERO
        self._executed(maker, market, price=offer.price, quantity=quantity, is_maker=True)
        return quantity

    def _is_stopped_by(self, taker: Order, offer: Offer) -> bool:
        maker = self._orders.newest(offer.order_id) if offer.order_id else None
        if maker is None or not maker.state.is_open or maker.account != taker.account:
            return False
        if taker.request.self_match is SelfMatch.CANCEL_BOTH:
            self._end(maker, OrderState.EXPIRED, SELF_TRADE)
        return taker.request.self_match in {SelfMatch.CANCEL_TAKER, SelfMatch.CANCEL_BOTH}

    def _executed(
        self, order: Order, market: Market, *, price: Decimal, quantity: Decimal, is_maker: bool
    ) -> Order:
        order = self._settlement.fill(order, market, price=price, quantity=quantity, is_maker=is_maker)
        state = OrderState.PARTIALLY_FILLED if order.remaining else OrderState.FILLED
        return self._orders.save(replace(order, state=state))

    def _conclude(self, order: Order) -> Order:
        if not order.state.is_open:
            return order
        if is_reducing(order.request) and not self._allowance(order):
            return self._end(order, OrderState.EXPIRED, NOTHING_LEFT_TO_REDUCE)
        if order.request.kind is OrderKind.MARKET or order.request.time_in_force in {
            TimeInForce.IOC,
            TimeInForce.FOK,
        }:
            return self._end(order, OrderState.EXPIRED, DEPTH_ENDED)
        return self._orders.save(replace(order, matched=True))

    def _end(self, order: Order, state: OrderState, reason: str) -> Order:
        return self._orders.save(
            replace(order, state=state, end_reason=reason, updated_ms=self._clock.now_ms())
        )


def worst_price(order: Order, market: Market) -> Decimal:
    """Return the price beyond which the order may not fill: its limit, or the bound around the mark."""
    request = order.request
    if request.kind is OrderKind.LIMIT and request.price is not None:
        return request.price
    bound = request.market_bound if request.market_bound is not None else market.instrument.market_bound
    return market.mark * (1 + request.direction.sign * bound)

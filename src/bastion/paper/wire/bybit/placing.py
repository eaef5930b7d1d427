"""Placing: order/create and order/create-batch.

Source: Bybit v5 "Place Order" and "Batch Place Order". An acknowledgement carries ids only; the match comes
after.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import Instrument
from bastion.paper.order import (
    Direction,
    Order,
    OrderKind,
    OrderRequest,
    PositionSide,
    SelfMatch,
    TimeInForce,
    Trigger,
    TriggerPrice,
    TriggerWhen,
)
from bastion.paper.refusal import Refused
from bastion.paper.wire.bybit.calls import CONTRACT_CATEGORIES, Call, find_instrument, on_grid
from bastion.paper.wire.bybit.envelope import TOO_MANY_TEXT, TOO_MANY_VISITS, BybitError, Outcome, wrong
from bastion.paper.wire.bybit.parameters import Parameters
from bastion.paper.wire.bybit.refusals import translated
from bastion.paper.wire.bybit.words import (
    SIDES,
    TIMES_IN_FORCE,
    link_id_of,
    order_id_of,
    position_side,
)

ZERO = Decimal(0)
BATCH_MAX = 20

_LINK_MAX = 36
_LINK_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_TRIGGERS = {
    "LastPrice": TriggerPrice.LAST,
    "MarkPrice": TriggerPrice.MARK,
    # On paper the index price is the mark price.
    "IndexPrice": TriggerPrice.MARK,
}
_SELF_MATCHES = {
    "None": SelfMatch.EXECUTE,
    "CancelMaker": SelfMatch.CANCEL_MAKER,
    "CancelTaker": SelfMatch.CANCEL_TAKER,
    "CancelBoth": SelfMatch.CANCEL_BOTH,
}
_DIRECTIONS = {1: TriggerWhen.RISES_TO, 2: TriggerWhen.FALLS_TO}
_UNMODELLED = (
    "takeProfit",
    "stopLoss",
    "tpTriggerBy",
    "slTriggerBy",
    "tpslMode",
    "tpLimitPrice",
    "slLimitPrice",
    "tpOrderType",
    "slOrderType",
    "bboSideType",
    "bboLevel",
    "orderIv",
    "mmp",
    "marketUnit",
    "rpiTakerAccess",
    "isLeverage",
)
_PERCENT_RANGE = (Decimal("0.01"), Decimal(10))
_TICK_RANGE = (Decimal(1), Decimal(10_000))
_BOUND_DIGITS = 18


def create(call: Call) -> Outcome:
    """POST /v5/order/create."""
    category = _contract_category(call)
    orders = place(call, category, call.parameters)
    first = orders[0]
    return Outcome(
        result={"orderId": order_id_of(first.order_id), "orderLinkId": link_id_of(first)},
        executed=tuple(told(order) for order in orders),
    )


def create_batch(call: Call) -> Outcome:
    """POST /v5/order/create-batch: each order stands or falls alone.

    Those beyond the rate limit fail with 10006.
    """
    category = _contract_category(call)
    items = call.parameters.items("request", at_most=BATCH_MAX)
    rows: list[Mapping[str, object]] = []
    verdicts: list[Mapping[str, object]] = []
    executed: list[str] = []
    for index, item in enumerate(items):
        symbol = item.text("symbol")
        try:
            within_units(call, index)
            orders = place(call, category, item)
        except BybitError as error:
            rows.append(
                {"category": category, "symbol": symbol, "orderId": "", "orderLinkId": "", "createAt": ""}
            )
            verdicts.append({"code": error.code, "msg": error.message})
            continue
        first = orders[0]
        rows.append(
            {
                "category": category,
                "symbol": first.symbol,
                "orderId": order_id_of(first.order_id),
                "orderLinkId": link_id_of(first),
                "createAt": str(first.created_ms),
            }
        )
        verdicts.append({"code": 0, "msg": "OK"})
        executed += [told(order) for order in orders]
    return Outcome(result={"list": rows}, extra={"list": verdicts}, executed=tuple(executed))


def within_units(call: Call, index: int) -> None:
    """Raise for an order of a batch that the rate limit did not grant a unit to."""
    if index >= call.units:
        raise BybitError(TOO_MANY_VISITS, TOO_MANY_TEXT)


def place(call: Call, category: str, parameters: Parameters) -> list[Order]:
    """Place one order, or several where the venue splits a large reduce-only one; raises `BybitError`."""
    instrument = find_instrument(call.exchange, category, parameters.required("symbol"))
    asked = read_order(call, instrument, parameters)
    orders: list[Order] = []
    for part in _parts(call.exchange, call.account, asked):
        try:
            orders.append(call.exchange.place(call.account, part))
        except Refused as refused:
            if orders:
                break
            is_conditional = asked.trigger is not None
            raise translated(refused, is_conditional=is_conditional, coin=instrument.quote) from None
    return orders


def read_order(call: Call, instrument: Instrument, parameters: Parameters) -> OrderRequest:
    """Return the order that `parameters` ask for; raises `BybitError` for what the venue would not read."""
    parameters.refuse(_UNMODELLED)
    direction = SIDES[_must_choose(parameters, "side", SIDES)]
    kind = OrderKind(_must_choose(parameters, "orderType", ("Market", "Limit")).upper())
    quantity = parameters.number("qty")
    if quantity is None or quantity < 0:
        raise wrong("Qty invalid")
    reduce_only, closes = parameters.flag("reduceOnly"), parameters.flag("closeOnTrigger")
    whole = quantity == ZERO and reduce_only and closes
    if quantity == ZERO and not whole:
        raise wrong("The number of contracts exceeds minimum limit allowed")
    side = _position_side(parameters)
    _check_reduces(reduce_only=reduce_only, direction=direction, side=side)
    price = parameters.number("price") if kind is OrderKind.LIMIT else None
    if kind is OrderKind.LIMIT and price is None:
        raise wrong("params error: price is required")
    trigger = _trigger(call.exchange, instrument, parameters)
    bound = (
        _market_bound(call.exchange, instrument, parameters, direction) if kind is OrderKind.MARKET else None
    )
    return OrderRequest(
        symbol=instrument.symbol,
        direction=direction,
        kind=kind,
        quantity=quantity,
        price=price,
        time_in_force=_time_in_force(parameters, kind),
        position_side=side,
        reduce_only=reduce_only or closes,
        close_position=whole,
        # Without smpType the venue lets an account's orders trade with each other.
        self_match=_SELF_MATCHES[parameters.choice("smpType", _SELF_MATCHES, "None")],
        client_order_id=_link_id(parameters),
        trigger=trigger,
        fill_ratio_max=call.conditions.fill_ratio_max,
        market_bound=bound,
        terms=_terms(call.exchange, instrument, parameters, direction, bound),
    )


def told(order: Order) -> str:
    """Return what the request log says about an accepted order."""
    request = order.request
    return f"order {order.order_id} {request.direction} {order.quantity} {order.symbol} {order.state}"


def _contract_category(call: Call) -> str:
    category = call.category()
    if category not in CONTRACT_CATEGORIES:
        raise wrong(f"params error: symbol invalid, the paper exchange lists no {category} instruments")
    return category


def _must_choose(parameters: Parameters, name: str, allowed: Mapping[str, object] | tuple[str, ...]) -> str:
    if not parameters.has(name):
        raise wrong(f"params error: {name} is required")
    return parameters.choice(name, allowed)


def _position_side(parameters: Parameters) -> PositionSide:
    index = parameters.integer("positionIdx")
    side = position_side(index or 0)
    if side is None:
        raise wrong("params error: positionIdx invalid")
    return side


def _check_reduces(*, reduce_only: bool, direction: Direction, side: PositionSide) -> None:
    opens = {PositionSide.LONG: Direction.BUY, PositionSide.SHORT: Direction.SELL}.get(side)
    if reduce_only and direction is opens:
        raise BybitError(
            110017, "Reduce-only rule not satisfied: the order has the same side as the position."
        )


def _time_in_force(parameters: Parameters, kind: OrderKind) -> TimeInForce:
    word = parameters.choice("timeInForce", TIMES_IN_FORCE, "GTC")
    return TimeInForce.IOC if kind is OrderKind.MARKET else TIMES_IN_FORCE[word]


def _link_id(parameters: Parameters) -> str:
    link = parameters.text("orderLinkId")
    if len(link) > _LINK_MAX or not _LINK_LETTERS.issuperset(link):
        raise wrong("OrderLinkId must be at most 36 letters, digits, dashes or underscores.")
    return link


def _trigger(exchange: Exchange, instrument: Instrument, parameters: Parameters) -> Trigger | None:
    price = parameters.number("triggerPrice")
    if price is None or price == ZERO:
        return None
    when = _DIRECTIONS.get(parameters.integer("triggerDirection") or 0)
    if when is None:
        raise wrong("params error: triggerDirection is required with triggerPrice")
    word = parameters.choice("triggerBy", _TRIGGERS, "LastPrice")
    watches = _TRIGGERS[word]
    is_mark = watches is TriggerPrice.MARK
    current = exchange.mark_price(instrument.symbol) if is_mark else exchange.last_price(instrument.symbol)
    if when is TriggerWhen.RISES_TO and price <= current:
        raise BybitError(110092, f"expect Rising, but trigger_price[{price}] <= current[{current}]??{word}")
    if when is TriggerWhen.FALLS_TO and price >= current:
        raise BybitError(110093, f"expect Falling, but trigger_price[{price}] >= current[{current}]??{word}")
    return Trigger(price=price, when=when, watches=watches)


def _market_bound(
    exchange: Exchange, instrument: Instrument, parameters: Parameters, direction: Direction
) -> Decimal | None:
    kind = parameters.choice("slippageToleranceType", ("TickSize", "Percent"))
    if not kind:
        return None
    tolerance = parameters.number("slippageTolerance")
    lowest, highest = _PERCENT_RANGE if kind == "Percent" else _TICK_RANGE
    if tolerance is None or not lowest <= tolerance <= highest:
        is_percent = kind == "Percent"
        text = "Allowable range: 0.01% to 10%" if is_percent else "Allowable range: 1 to 10000 tick size"
        raise BybitError(110109 if is_percent else 110108, text)
    if parameters.has("triggerPrice"):
        raise wrong("slippageTolerance is not supported for conditional orders")
    bids, asks = exchange.depth(instrument.symbol, 1)
    offers = asks if direction is Direction.BUY else bids
    if not offers:
        return None
    distance = offers[0].price * tolerance / 100 if kind == "Percent" else tolerance * instrument.tick
    worst = offers[0].price + direction.sign * distance
    mark = exchange.mark_price(instrument.symbol)
    # A hair wider than exact, so that rounding never shuts out the level at the bound itself.
    return round(direction.sign * (worst / mark - 1), _BOUND_DIGITS) + Decimal(1).scaleb(-_BOUND_DIGITS)


def _terms(
    exchange: Exchange,
    instrument: Instrument,
    parameters: Parameters,
    direction: Direction,
    bound: Decimal | None,
) -> dict[str, str]:
    mark = exchange.mark_price(instrument.symbol)
    worst = mark * (1 + direction.sign * (bound if bound is not None else instrument.market_bound))
    worst -= worst % instrument.tick
    terms = {
        "boundPrice": on_grid(worst, instrument.tick),
        "lastPriceOnCreated": on_grid(exchange.last_price(instrument.symbol), instrument.tick),
    }
    if parameters.flag("closeOnTrigger"):
        terms["closeOnTrigger"] = "true"
    if parameters.has("triggerPrice"):
        terms["stopOrderType"] = "Stop"
    for name in ("triggerBy", "smpType", "slippageToleranceType", "slippageTolerance"):
        if parameters.has(name):
            terms[name] = parameters.text(name)
    return terms


def _parts(exchange: Exchange, account: str, asked: OrderRequest) -> list[OrderRequest]:
    """Split a reduce-only order beyond the largest order quantity, as the venue does; one part otherwise."""
    instrument = exchange.instrument(asked.symbol)
    is_market = asked.kind is OrderKind.MARKET
    largest = instrument.market_quantity_max if is_market else instrument.quantity_max
    if not asked.reduce_only or asked.trigger is not None or asked.quantity <= largest:
        return [asked]
    left = min(asked.quantity, max(_reducible(exchange, account, asked), instrument.quantity_min))
    parts: list[OrderRequest] = []
    while left > 0:
        part = min(left, largest)
        parts.append(replace(asked, quantity=part, client_order_id="" if parts else asked.client_order_id))
        left -= part
    return parts


def _reducible(exchange: Exchange, account: str, asked: OrderRequest) -> Decimal:
    for view in exchange.positions(account):
        position = view.position
        if (position.symbol, position.side) == (asked.symbol, asked.position_side):
            return abs(position.quantity) if position.quantity * asked.direction.sign < 0 else ZERO
    return ZERO

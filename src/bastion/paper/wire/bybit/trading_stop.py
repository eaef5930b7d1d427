"""Trading stop: position/trading-stop, the take profit and stop loss of a position.

Source: Bybit v5 "Set Trading Stop". Each becomes a conditional order that ends with the position.
"""

from dataclasses import dataclass
from decimal import Decimal

from bastion.paper.order import (
    Direction,
    Order,
    OrderFilter,
    OrderKind,
    OrderRequest,
    PositionSide,
    SelfMatch,
    Trigger,
    TriggerPrice,
    TriggerWhen,
)
from bastion.paper.position import PositionView
from bastion.paper.refusal import Refused
from bastion.paper.wire.bybit.calls import CONTRACT_CATEGORIES, Call
from bastion.paper.wire.bybit.envelope import Outcome, wrong
from bastion.paper.wire.bybit.order_rows import stop_kind_of
from bastion.paper.wire.bybit.placing import told
from bastion.paper.wire.bybit.refusals import translated
from bastion.paper.wire.bybit.words import position_side

_TRIGGERS = {
    "LastPrice": TriggerPrice.LAST,
    "MarkPrice": TriggerPrice.MARK,
    "IndexPrice": TriggerPrice.MARK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One of the two exits: its parameters begin with `prefix`, it wakes on the side `is_profit` says."""

    name: str
    prefix: str
    kind: str
    is_profit: bool


_LEGS = (
    Leg(name="takeProfit", prefix="tp", kind="TakeProfit", is_profit=True),
    Leg(name="stopLoss", prefix="sl", kind="StopLoss", is_profit=False),
)


def trading_stop(call: Call) -> Outcome:
    """POST /v5/position/trading-stop: Full replaces the position's exit, Partial adds one; 0 removes."""
    category = call.category(CONTRACT_CATEGORIES)
    parameters = call.parameters
    parameters.refuse(("trailingStop", "activePrice"))
    symbol = call.instrument(category).symbol
    mode = parameters.choice("tpslMode", ("Full", "Partial"), "Full")
    side = position_side(parameters.integer("positionIdx") or 0)
    view = _held(call, symbol, side)
    asked = [leg for leg in _LEGS if parameters.has(leg.name)]
    if not asked:
        raise wrong("params error: takeProfit or stopLoss is required")
    requests = [(leg, _request(call, view, leg, mode)) for leg in asked]
    for _, request in requests:
        if request is not None and mode == "Partial":
            _check(call, request)
    executed: list[Order] = []
    # The venue replaces: the old one ends in the moment in which the new one begins.
    with call.exchange.steady.moment():
        for leg, request in requests:
            if mode == "Full":
                executed += _remove(call, view, leg)
            if request is not None:
                executed.append(_place(call, request))
    return Outcome(executed=tuple(told(order) for order in executed))


def _held(call: Call, symbol: str, side: PositionSide | None) -> PositionView:
    views = call.exchange.positions(call.account, with_flat=True)
    here = [view for view in views if view.position.symbol == symbol]
    for view in here:
        if view.position.side is side:
            if view.position.is_flat:
                raise wrong("can not set tp/sl/ts for zero position")
            return view
    raise wrong("position idx not match position mode")


def _request(call: Call, view: PositionView, leg: Leg, mode: str) -> OrderRequest | None:
    parameters = call.parameters
    price = parameters.number(leg.name)
    if price is None or price < 0:
        raise wrong(f"params error: {leg.name} invalid")
    if price == 0:
        return None
    word = parameters.choice(f"{leg.prefix}TriggerBy", _TRIGGERS, "LastPrice")
    is_long = view.position.quantity > 0
    when = TriggerWhen.RISES_TO if leg.is_profit == is_long else TriggerWhen.FALLS_TO
    _check_side(call, view, leg, price, word)
    order_type = parameters.choice(f"{leg.prefix}OrderType", ("Market", "Limit"), "Market")
    limit = parameters.number(f"{leg.prefix}LimitPrice") if order_type == "Limit" else None
    size = parameters.number(f"{leg.prefix}Size")
    if mode == "Full" and (order_type == "Limit" or size is not None):
        raise wrong("params error: tpslMode Full takes Market orders for the whole position only")
    if mode == "Partial" and size is None:
        raise wrong(f"params error: {leg.prefix}Size is required with tpslMode Partial")
    if order_type == "Limit" and limit is None:
        raise wrong(f"params error: {leg.prefix}LimitPrice is required with a Limit order")
    if price % view.instrument.tick:
        raise wrong(f"params error: {leg.name} does not fit the tick size")
    return OrderRequest(
        symbol=view.position.symbol,
        direction=Direction.SELL if is_long else Direction.BUY,
        kind=OrderKind.LIMIT if limit is not None else OrderKind.MARKET,
        quantity=size if size is not None else Decimal(0),
        price=limit,
        position_side=view.position.side,
        reduce_only=True,
        close_position=mode == "Full",
        ends_with_position=True,
        self_match=SelfMatch.EXECUTE,
        trigger=Trigger(price=price, when=when, watches=_TRIGGERS[word]),
        terms={
            "stopOrderType": leg.kind if mode == "Full" else f"Partial{leg.kind}",
            "tpslMode": mode,
            "triggerBy": word,
            "closeOnTrigger": "true",
        },
    )


def _check_side(call: Call, view: PositionView, leg: Leg, price: Decimal, word: str) -> None:
    symbol = view.position.symbol
    is_mark = _TRIGGERS[word] is TriggerPrice.MARK
    base = call.exchange.mark_price(symbol) if is_mark else call.exchange.last_price(symbol)
    is_long = view.position.quantity > 0
    must_be_higher = leg.is_profit == is_long
    if (price > base) if must_be_higher else (price < base):
        return
    name = "TakeProfit" if leg.is_profit else "StopLoss"
    side = "Buy" if is_long else "Sell"
    relation = "higher" if must_be_higher else "lower"
    raise wrong(f"{name}:{price} set for {side} position should be {relation} than base_price:{base}??{word}")


def _remove(call: Call, view: PositionView, leg: Leg) -> list[Order]:
    which = OrderFilter(symbol=view.position.symbol, conditional=True)
    return [
        call.exchange.cancel(call.account, order.order_id)
        for order in call.exchange.open_orders(call.account, which)
        if stop_kind_of(order) == leg.kind and order.request.position_side is view.position.side
    ]


def _check(call: Call, request: OrderRequest) -> None:
    try:
        call.exchange.check(call.account, request)
    except Refused as refused:
        raise translated(refused, is_conditional=True) from None


def _place(call: Call, request: OrderRequest) -> Order:
    try:
        return call.exchange.place(call.account, request)
    except Refused as refused:
        raise translated(refused, is_conditional=True) from None

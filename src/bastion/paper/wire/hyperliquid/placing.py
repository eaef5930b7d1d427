"""Placing: orders, one status each, and changes of orders.

Source: Hyperliquid docs, "Exchange endpoint" (Place an order, Modify an order, Modify multiple orders), "Take
profit and stop loss orders", "Error responses". An order of the venue always has a limit price; a triggered
market order may move 10 % away from the mark. A changed order gets a new id. Orders attached to another
(`normalTpsl`) are placed with it and wait for their triggers at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from bastion.paper.exchange.venue import Exchange
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
from bastion.paper.refusal import Refused
from bastion.paper.wire.hyperliquid import refusals
from bastion.paper.wire.hyperliquid.answers import Denied, Done, Failed, Unreadable
from bastion.paper.wire.hyperliquid.assets import (
    LEAST_NOTIONAL,
    Asset,
    assets,
    is_price,
    largest_notional,
)
from bastion.paper.wire.hyperliquid.call import Call
from bastion.paper.wire.hyperliquid.fields import Fields, is_cloid
from bastion.paper.wire.hyperliquid.memory import Refusal
from bastion.paper.wire.hyperliquid.words import TIMES, number, side_of

ZERO = Decimal(0)
GROUPINGS = ("na", "normalTpsl", "positionTpsl")
_TRIGGER_SLIPPAGE = Decimal("0.1")
_FURTHEST = Decimal("0.8")
_FEE_PERCENT = Decimal("0.001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One order of an action, as it was sent."""

    number: int
    direction: Direction
    price: Decimal
    size: Decimal
    reduce_only: bool
    time: TimeInForce | None
    trigger_price: Decimal | None
    at_market: bool
    tpsl: str
    cloid: str


def place(call: Call, *, oracle_band: Decimal | None) -> Done:
    """Carry out an `order` action: one status for each order, in their order."""
    action = call.fields.inner("action")
    grouping = action.text("grouping")
    wanted = [_wanted(item) for item in action.items("orders")]
    if grouping not in GROUPINGS:
        raise Unreadable
    if not wanted:
        raise Denied("Order batch is empty.")
    children = wanted[1:] if grouping == "normalTpsl" else wanted if grouping == "positionTpsl" else []
    if any(not one.reduce_only or one.trigger_price is None for one in children):
        raise Denied("TP/SL orders must be reduce only.")
    _check_builder(call, action)
    statuses: list[object] = []
    executed: list[str] = []
    for one in wanted:
        outcome, told = _outcome(call, one, oracle_band, whole=grouping == "positionTpsl" and not one.size)
        statuses.append(outcome)
        executed.extend(told)
    return Done(kind="order", statuses=statuses, executed=tuple(executed))


def modify(call: Call, *, oracle_band: Decimal | None) -> Done:
    """Carry out `modify` or `batchModify`: the old order goes, the new one is placed."""
    action = call.fields.inner("action")
    items = action.items("modifies") if action.has("modifies") else [action]
    statuses: list[object] = []
    executed: list[str] = []
    for item in items:
        wanted = _wanted(item.inner("order"))
        order = _find(call, item.values.get("oid"))
        if order is None or not order.state.is_open:
            statuses.append({"error": "Cannot modify canceled or filled order"})
            continue
        call.exchange.cancel(call.account, order.order_id)
        outcome, told = _outcome(call, wanted, oracle_band, whole=False)
        statuses.append(outcome)
        executed += [f"order {order.order_id} replaced", *told]
    if action.has("modifies"):
        return Done(kind="order", statuses=statuses, executed=tuple(executed))
    first = statuses[0]
    if isinstance(first, dict) and "error" in first:
        raise Denied(str(first["error"]))
    return Done(kind="default", executed=tuple(executed))


def _find(call: Call, oid: object) -> Order | None:
    if is_cloid(oid):
        return call.exchange.find_order(call.account, client_order_id=str(oid).lower())
    if isinstance(oid, int) and not isinstance(oid, bool):
        return call.exchange.find_order(call.account, order_id=oid)
    raise Unreadable


def _wanted(fields: Fields) -> Wanted:
    kind = fields.inner("t")
    time, trigger_price, at_market, tpsl = None, None, False, ""
    if kind.has("limit"):
        time = TIMES.get(kind.inner("limit").text("tif"))
        if time is None:
            raise Unreadable
    else:
        trigger = kind.inner("trigger")
        trigger_price, at_market = trigger.number("triggerPx"), trigger.flag("isMarket")
        tpsl = trigger.text("tpsl")
        if tpsl not in {"tp", "sl"}:
            raise Unreadable
    cloid = fields.values.get("c")
    if cloid is not None and not is_cloid(cloid):
        raise Unreadable
    return Wanted(
        number=fields.whole("a"),
        direction=Direction.BUY if fields.flag("b") else Direction.SELL,
        price=fields.number("p"),
        size=fields.number("s"),
        reduce_only=fields.flag("r"),
        time=time,
        trigger_price=trigger_price,
        at_market=at_market,
        tpsl=tpsl,
        cloid=str(cloid).lower() if cloid is not None else "",
    )


def _check_builder(call: Call, action: Fields) -> None:
    if not action.has("builder"):
        return
    builder = action.inner("builder")
    approved = call.memory.builders.get((call.account, builder.address("b")))
    if approved is None or Decimal(builder.whole("f")) * _FEE_PERCENT > approved:
        raise Denied("Builder fee has not been approved.")


def _outcome(
    call: Call, wanted: Wanted, oracle_band: Decimal | None, *, whole: bool
) -> tuple[object, Sequence[str]]:
    try:
        order = _placed(call, wanted, oracle_band, whole=whole)
    except Failed as failed:
        if wanted.cloid:
            row = _refused_row(call, wanted)
            call.memory.refused[call.account, wanted.cloid] = Refusal(
                row=row, status=failed.status, at_ms=call.now_ms
            )
        return {"error": str(failed)}, ()
    told = (
        f"order {order.order_id} {order.request.direction} {order.quantity} {order.symbol} {order.state}",
    )
    return _status(order, wanted), told


def _placed(call: Call, wanted: Wanted, oracle_band: Decimal | None, *, whole: bool) -> Order:
    asset = assets(call.exchange).get(wanted.number)
    if asset is None:
        raise Failed(f"Invalid asset. asset={wanted.number}")
    _check(call, wanted, asset, oracle_band, whole=whole)
    request = _request(call, wanted, asset, whole=whole)
    try:
        order = call.exchange.place(call.account, request)
    except Refused as refused:
        raise refusals.translated(refused, asset.number, best=_best(call.exchange, asset)) from None
    ended = order.state is OrderState.EXPIRED and order.executed_quantity == ZERO
    if ended and wanted.trigger_price is None:
        raise refusals.failed(refusals.NO_MATCH, asset.number)
    return order


def _check(call: Call, wanted: Wanted, asset: Asset, oracle_band: Decimal | None, *, whole: bool) -> None:
    prices = [wanted.price] + ([wanted.trigger_price] if wanted.trigger_price is not None else [])
    if any(price <= ZERO or not is_price(price, asset.instrument) for price in prices):
        raise refusals.failed(refusals.TICK, asset.number)
    if not whole and wanted.size == ZERO:
        raise refusals.failed(refusals.NO_SIZE, asset.number)
    mark = call.exchange.mark_price(asset.instrument.symbol)
    distance = abs(wanted.price / mark - 1)
    if wanted.trigger_price is None and distance > _FURTHEST:
        raise refusals.failed(refusals.TOO_FAR, asset.number)
    takes = (wanted.price - mark) * wanted.direction.sign > ZERO
    if oracle_band is not None and wanted.trigger_price is None and takes and distance > oracle_band:
        raise refusals.failed(refusals.FAR_FROM_ORACLE, asset.number)
    value = wanted.size * wanted.price
    if value > largest_notional(asset.instrument, at_market=wanted.time is TimeInForce.IOC):
        raise refusals.failed(refusals.BAD_SIZE, asset.number)
    if not whole and value < LEAST_NOTIONAL and not _closes_whole(call, wanted, asset):
        raise refusals.failed(refusals.LEAST, asset.number)
    # Beyond so many open orders, what reduces only or waits for a trigger is refused.
    is_held_back = wanted.reduce_only or wanted.trigger_price is not None
    if is_held_back and len(call.exchange.open_orders(call.account, OrderFilter())) >= call.open_orders:
        raise refusals.failed(refusals.TOO_MANY_OPEN, asset.number)


def _closes_whole(call: Call, wanted: Wanted, asset: Asset) -> bool:
    if not wanted.reduce_only:
        return False
    held = _held(call, asset)
    # Without a position another rule refuses the order.
    return held * wanted.direction.sign >= ZERO or wanted.size >= abs(held)


def _held(call: Call, asset: Asset) -> Decimal:
    views = call.exchange.positions(call.account)
    coin = asset.instrument.symbol
    return next((view.position.quantity for view in views if view.position.symbol == coin), ZERO)


def _request(call: Call, wanted: Wanted, asset: Asset, *, whole: bool) -> OrderRequest:
    request = OrderRequest(
        symbol=asset.instrument.symbol,
        direction=wanted.direction,
        kind=OrderKind.LIMIT,
        quantity=wanted.size,
        price=wanted.price,
        time_in_force=wanted.time or TimeInForce.GTC,
        reduce_only=wanted.reduce_only,
        client_order_id=wanted.cloid,
        fill_ratio_max=call.conditions.fill_ratio_max,
    )
    if wanted.trigger_price is None:
        return request
    rises = (wanted.direction is Direction.SELL) == (wanted.tpsl == "tp")
    trigger = Trigger(
        price=wanted.trigger_price,
        when=TriggerWhen.RISES_TO if rises else TriggerWhen.FALLS_TO,
        watches=TriggerPrice.MARK,
    )
    request = replace(
        request,
        trigger=trigger,
        # Whatever the position is then: the core shrinks it to that.
        quantity=_largest(asset) if whole else wanted.size,
        ends_with_position=whole,
        terms={"tpsl": wanted.tpsl, "limit_px": str(wanted.price), "whole": "true" if whole else ""},
    )
    if not wanted.at_market:
        return request
    return replace(request, kind=OrderKind.MARKET, price=None, market_bound=_TRIGGER_SLIPPAGE)


def _largest(asset: Asset) -> Decimal:
    return min(asset.instrument.quantity_max, asset.instrument.market_quantity_max)


def _status(order: Order, wanted: Wanted) -> object:
    told: dict[str, object] = {"oid": order.order_id}
    if wanted.cloid:
        told["cloid"] = wanted.cloid
    if order.executed_quantity and not order.state.is_open:
        filled = {"totalSz": number(order.executed_quantity), "avgPx": number(order.average_price)}
        return {"filled": {**filled, **told}}
    if order.state is OrderState.UNTRIGGERED and wanted.size == ZERO:
        return "waitingForTrigger"
    return {"resting": told}


def _best(exchange: Exchange, asset: Asset) -> str:
    bids, asks = exchange.depth(asset.instrument.symbol, 1)
    bid, ask = (number(side[0].price) if side else "None" for side in (bids, asks))
    return f"{bid}@{ask}"


def _refused_row(call: Call, wanted: Wanted) -> dict[str, object]:
    asset = assets(call.exchange).get(wanted.number)
    return {
        "coin": asset.instrument.symbol if asset else "",
        "side": side_of(wanted.direction),
        "limitPx": number(wanted.price),
        "sz": number(wanted.size),
        "oid": 0,
        "timestamp": call.now_ms,
        "triggerCondition": "N/A",
        "isTrigger": wanted.trigger_price is not None,
        "triggerPx": number(wanted.trigger_price or ZERO),
        "children": [],
        "isPositionTpsl": False,
        "reduceOnly": wanted.reduce_only,
        "orderType": "Limit",
        "origSz": number(wanted.size),
        "tif": next((word for word, time in TIMES.items() if time is wanted.time), None),
        "cloid": wanted.cloid,
    }

"""Algo rows: how a pending conditional order looks in orders-algo-pending.

Source: OKX v5 "GET / Algo order list", response parameters.
"""

from decimal import Decimal

from bastion.paper.exchange.venue import Exchange
from bastion.paper.order import Order, OrderKind, OrderState, TriggerPrice
from bastion.paper.wire.okx.calls import SWAP, plain, rounded, trade_mode_of
from bastion.paper.wire.okx.words import algo_id_of, order_id_of, position_side_of, side_of

_STATES = {
    OrderState.UNTRIGGERED: "live",
    OrderState.TRIGGERED: "effective",
    OrderState.CANCELLED: "canceled",
}

_EMPTY = (
    "activePx",
    "actualPx",
    "actualSide",
    "callbackRatio",
    "callbackSpread",
    "clOrdId",
    "isTradeBorrowMode",
    "moveTriggerPx",
    "ordId",
    "ordPx",
    "pxLimit",
    "pxSpread",
    "pxVar",
    "quickMgnType",
    "slOrdPx",
    "slTriggerPx",
    "slTriggerPxType",
    "szLimit",
    "tgtCcy",
    "timeInterval",
    "tpOrdPx",
    "tpTriggerPx",
    "tpTriggerPxType",
    "triggerPx",
    "triggerPxType",
    "triggerTime",
)


def algo_row(exchange: Exchange, order: Order, other: Order | None) -> dict[str, object]:
    """Return a pending algo order; `other` is the second half of an oco."""
    request, terms = order.request, order.request.terms
    instrument = exchange.instrument(order.symbol)
    kind = terms.get("algoType", "conditional")
    whole = request.close_position
    row: dict[str, object] = {
        **dict.fromkeys(_EMPTY, ""),
        "actualSz": "0",
        "algoClOrdId": _link(order),
        "algoId": algo_id_of(order.order_id),
        "amendPxOnTriggerType": "0",
        "attachAlgoOrds": [],
        "cTime": str(order.created_ms),
        "ccy": terms.get("ccy", ""),
        "closeFraction": "1" if whole else "",
        "failCode": "0",
        "instId": order.symbol,
        "instType": SWAP,
        "last": plain(exchange.last_price(order.symbol)),
        "lever": str(exchange.leverage(order.account, order.symbol)),
        "linkedOrd": {"ordId": ""},
        "ordIdList": [],
        "ordType": kind,
        "posSide": position_side_of(request.position_side),
        "reduceOnly": "true" if request.reduce_only or whole else terms.get("reduceOnly", "false"),
        "side": side_of(request.direction),
        "state": "live",
        "sz": "" if whole else plain(order.quantity),
        "tag": terms.get("tag", ""),
        "tdMode": terms.get("tdMode") or trade_mode_of(exchange, order.account, order.symbol),
        "uTime": str(order.updated_ms),
    }
    mark = exchange.mark_price(order.symbol)
    row["notionalUsd"] = "" if whole else rounded(instrument.quote_notional(order.quantity, mark), 4)
    for half in (order, other):
        if half is not None:
            row |= _trigger(half)
    return row


def algo_state_row(exchange: Exchange, order: Order) -> dict[str, object]:
    """Return an algo order as its channel shows it, whatever has become of it."""
    child = exchange.find_order(order.account, order_id=order.child_id) if order.child_id else None
    number = order_id_of(child.order_id) if child else ""
    return {
        **algo_row(exchange, order, None),
        "state": _STATES.get(order.state, "order_failed"),
        "ordId": number,
        "ordIdList": [number] if number else [],
        "triggerTime": str(order.triggered_ms) if order.triggered_ms else "",
    }


def _trigger(order: Order) -> dict[str, object]:
    trigger = order.request.trigger
    if trigger is None:
        return {}
    is_market = order.request.kind is OrderKind.MARKET
    price = "-1" if is_market else plain(order.request.price or Decimal(0))
    watches = order.request.terms.get("watches", "")
    watches = watches or ("mark" if trigger.watches is TriggerPrice.MARK else "last")
    leg = order.request.terms.get("leg", "sl")
    if not leg:
        return {"triggerPx": plain(trigger.price), "triggerPxType": watches, "ordPx": price}
    return {
        f"{leg}TriggerPx": plain(trigger.price),
        f"{leg}TriggerPxType": watches,
        f"{leg}OrdPx": price,
    }


def _link(order: Order) -> str:
    text = order.client_order_id
    return "" if text == f"paper-{order.order_id}" else text

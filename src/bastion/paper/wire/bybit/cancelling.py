"""Cancelling and amending: order/cancel, cancel-batch, cancel-all and amend.

Source: Bybit v5 "Cancel Order", "Batch Cancel Order", "Cancel All Orders", "Amend Order".
"""

from bastion.paper.order import Order
from bastion.paper.refusal import Refused
from bastion.paper.wire.bybit.calls import CONTRACT_CATEGORIES, Call, needs_scope, scope
from bastion.paper.wire.bybit.envelope import BybitError, Outcome, not_modelled, wrong
from bastion.paper.wire.bybit.order_rows import stop_kind_of
from bastion.paper.wire.bybit.parameters import Parameters
from bastion.paper.wire.bybit.placing import BATCH_MAX, told, within_units
from bastion.paper.wire.bybit.refusals import translated
from bastion.paper.wire.bybit.words import link_id_of, order_id_of, order_number

CANCEL_ALL_MAX = 500
_GONE = BybitError(110001, "order not exists or too late to cancel")
_UNMODELLED_AMENDMENTS = ("takeProfit", "stopLoss", "tpslMode", "tpLimitPrice", "slLimitPrice", "orderIv")


def cancel(call: Call) -> Outcome:
    """POST /v5/order/cancel."""
    call.category()
    order = _cancel_one(call, call.parameters)
    return Outcome(result=_ids(order), executed=(told(order),))


def cancel_batch(call: Call) -> Outcome:
    """POST /v5/order/cancel-batch: each cancel stands or falls alone."""
    category = call.category()
    rows: list[dict[str, object]] = []
    verdicts: list[dict[str, object]] = []
    executed: list[str] = []
    for index, item in enumerate(call.parameters.items("request", at_most=BATCH_MAX)):
        asked: dict[str, object] = {
            "category": category,
            "symbol": item.text("symbol"),
            "orderId": item.text("orderId"),
            "orderLinkId": item.text("orderLinkId"),
        }
        try:
            within_units(call, index)
            order = _cancel_one(call, item)
        except BybitError as error:
            rows.append(asked)
            verdicts.append({"code": error.code, "msg": error.message})
            continue
        rows.append({**asked, **_ids(order)})
        verdicts.append({"code": 0, "msg": "OK"})
        executed.append(told(order))
    return Outcome(result={"list": rows}, extra={"list": verdicts}, executed=tuple(executed))


def cancel_all(call: Call) -> Outcome:
    """POST /v5/order/cancel-all: at most 500 orders of a symbol, base or settle coin, all kinds."""
    category = call.category()
    if category not in CONTRACT_CATEGORIES:
        return Outcome(result={"list": [], "success": "1"})
    needs_scope(call)
    which = scope(call, category)
    kind = call.parameters.choice("orderFilter", ("Order", "StopOrder", "OpenOrder"))
    if kind == "OpenOrder":
        raise not_modelled("orderFilter=OpenOrder")
    stop_kind = call.parameters.choice("stopOrderType", ("Stop",)) if kind == "StopOrder" else ""
    chosen = [
        order
        for order in call.exchange.open_orders(call.account, which)
        if _is_kind(order, kind) and (not stop_kind or stop_kind_of(order) == stop_kind)
    ]
    done = [call.exchange.cancel(call.account, order.order_id) for order in chosen[:CANCEL_ALL_MAX]]
    return Outcome(
        result={"list": [_ids(order) for order in done], "success": "1"},
        executed=tuple(told(order) for order in done),
    )


def amend(call: Call) -> Outcome:
    """POST /v5/order/amend."""
    call.category(CONTRACT_CATEGORIES)
    parameters = call.parameters
    parameters.refuse(_UNMODELLED_AMENDMENTS)
    order = _find(call, parameters)
    quantity, price = parameters.number("qty"), parameters.number("price")
    trigger_price = parameters.number("triggerPrice")
    if quantity is None and price is None and trigger_price is None:
        raise BybitError(
            10001, "The order remains unchanged as the parameters entered match the existing ones."
        )
    try:
        amended = call.exchange.amend(
            call.account, order, quantity=quantity, price=price, trigger_price=trigger_price
        )
    except Refused as refused:
        raise translated(refused) from None
    return Outcome(result=_ids(amended), executed=(told(amended),))


def _cancel_one(call: Call, parameters: Parameters) -> Order:
    order = _find(call, parameters)
    try:
        return call.exchange.cancel(call.account, order.order_id)
    except Refused as refused:
        raise translated(refused) from None


def _find(call: Call, parameters: Parameters) -> Order:
    symbol = parameters.required("symbol")
    order_id, link_id = parameters.text("orderId"), parameters.text("orderLinkId")
    if not order_id and not link_id:
        raise wrong("params error: either orderId or orderLinkId is required")
    order: Order | None
    if order_id:
        number = order_number(order_id)
        order = call.exchange.find_order(call.account, order_id=number) if number is not None else None
    else:
        order = call.exchange.find_order(call.account, client_order_id=link_id)
    if order is None or order.symbol != symbol:
        raise _GONE
    return order


def _is_kind(order: Order, kind: str) -> bool:
    waits = order.is_conditional and not order.triggered_ms
    return not kind or waits == (kind == "StopOrder")


def _ids(order: Order) -> dict[str, object]:
    return {"orderId": order_id_of(order.order_id), "orderLinkId": link_id_of(order)}

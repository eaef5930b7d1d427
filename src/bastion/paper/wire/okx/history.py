"""History: order details, pending and past orders, and executions.

Source: OKX v5 "GET / Order details", "Order List", "Order history (last 7 days)", "Transaction details (last
3 days)" and "(last 3 months)".
"""

from bastion.paper.exchange.venue import Exchange
from bastion.paper.order import Fill, Forced, Order, OrderFilter, PositionSide
from bastion.paper.wire.okx import paging
from bastion.paper.wire.okx.calls import SWAP, Call, plain, rounded, wants
from bastion.paper.wire.okx.envelope import OkxError, Outcome
from bastion.paper.wire.okx.order_rows import order_row
from bastion.paper.wire.okx.parameters import Parameters
from bastion.paper.wire.okx.words import (
    bill_id_of,
    client_id_of,
    order_id_of,
    order_number,
    position_side_of,
    side_of,
    state_of,
    trade_id_of,
    type_of,
)

_FORCED = {
    Forced.LIQUIDATION: ("104", "105", "106", "107"),
    Forced.ADL: ("125", "126", "127", "128"),
}
_DAY_MS = 24 * 3_600_000
_RECENT_MS = 3 * _DAY_MS
_WEEK_MS = 7 * _DAY_MS
_KEPT_UNFILLED_MS = 2 * 3_600_000


def order_details(call: Call) -> Outcome:
    """GET /api/v5/trade/order: by ordId, else by clOrdId; the newest where an id was used again."""
    instrument = call.instrument()
    parameters = call.parameters
    if not parameters.has("ordId") and not parameters.has("clOrdId"):
        raise OkxError("51003", "Either client order ID or order ID is required.")
    found: Order | None = None
    if parameters.has("ordId"):
        number = order_number(parameters.text("ordId"))
        if number is not None:
            found = call.exchange.find_order(call.account, order_id=number, at_ms=call.at_ms)
    else:
        link = parameters.text("clOrdId")
        found = call.exchange.find_order(
            call.account, client_order_id=link, conditional=False, at_ms=call.at_ms
        )
    is_shown = found is not None and found.symbol == instrument.symbol and not found.is_conditional
    if found is None or not is_shown or call.conditions.pretend_empty:
        raise OkxError("51603", "Order does not exist.")
    return Outcome(data=[_row(call, found)])


def orders_pending(call: Call) -> Outcome:
    """GET /api/v5/trade/orders-pending: working orders of the account, newest first."""
    found = call.exchange.open_orders(call.account, OrderFilter(conditional=False), at_ms=call.at_ms)
    rows = [order for order in found if _is_wanted(call, order)]
    return _orders(call, rows)


def orders_history(call: Call) -> Outcome:
    """GET /api/v5/trade/orders-history: done orders of 7 days; unfilled cancelled ones of two hours."""
    call.parameters.required("instType")
    rows = [
        order
        for order in call.exchange.orders(call.account, OrderFilter(), at_ms=call.at_ms)
        if not order.state.is_open
        and not order.is_conditional
        and order.updated_ms > call.now_ms - (_WEEK_MS if order.executed_quantity else _KEPT_UNFILLED_MS)
        and paging.within(call.parameters, order.created_ms)
        and _is_wanted(call, order)
    ]
    return _orders(call, rows)


def fills(call: Call) -> Outcome:
    """GET /api/v5/trade/fills: executions of three days, newest first, paged by billId."""
    return _fills(call, since_ms=call.now_ms - _RECENT_MS)


def fills_history(call: Call) -> Outcome:
    """GET /api/v5/trade/fills-history: executions of three months."""
    call.parameters.required("instType")
    return _fills(call, since_ms=None)


def _orders(call: Call, rows: list[Order]) -> Outcome:
    shown = [] if call.conditions.pretend_empty else rows
    chosen = paging.page(shown, call.parameters, lambda order: int(order_id_of(order.order_id)))
    return Outcome(data=[_row(call, order) for order in chosen])


def _is_wanted(call: Call, order: Order) -> bool:
    parameters = call.parameters
    types = [word for word in parameters.text("ordType").split(",") if word]
    return (
        wants(parameters, call.exchange.instrument(order.symbol))
        and (not types or type_of(order) in types)
        and parameters.text("state") in {"", state_of(order)}
    )


def _row(call: Call, order: Order) -> dict[str, object]:
    executions = call.exchange.fills(call.account, order_id=order.order_id, until_ms=call.at_ms)
    return order_row(call.exchange, order, executions[-1] if executions else None)


def _fills(call: Call, *, since_ms: int | None) -> Outcome:
    parameters = call.parameters
    number = order_number(parameters.text("ordId")) if parameters.has("ordId") else None
    if parameters.has("ordId") and number is None:
        return Outcome()
    found = call.exchange.fills(call.account, order_id=number, since_ms=since_ms, until_ms=call.at_ms)
    rows = [fill for fill in found if _is_asked(call, parameters, fill)]
    if call.conditions.pretend_empty:
        rows = []
    chosen = paging.page(rows, parameters, lambda fill: int(bill_id_of(fill.fill_id)))
    return Outcome(data=[_fill(call, fill) for fill in chosen])


def _is_asked(call: Call, parameters: Parameters, fill: Fill) -> bool:
    return wants(parameters, call.exchange.instrument(fill.symbol)) and paging.within(
        parameters, fill.time_ms
    )


def _fill(call: Call, fill: Fill) -> dict[str, object]:
    order = call.exchange.find_order(call.account, order_id=fill.order_id)
    mark = plain(call.exchange.mark_price(fill.symbol))
    rate = fill.fee / fill.value if fill.value else fill.value
    return {
        "billId": bill_id_of(fill.fill_id),
        "clOrdId": client_id_of(order) if order else "",
        "execType": "M" if fill.is_maker else "T",
        "fee": plain(-fill.fee),
        "feeCcy": fill.fee_coin,
        "feeRate": rounded(-rate, 6),
        "fillFwdPx": "",
        "fillIdxPx": mark,
        "fillMarkPx": mark,
        "fillMarkVol": "",
        "fillPnl": plain(fill.realized_pnl),
        "fillPx": plain(fill.price),
        "fillPxUsd": "",
        "fillPxVol": "",
        "fillSz": plain(fill.quantity),
        "fillTime": str(fill.time_ms),
        "instId": fill.symbol,
        "instType": SWAP,
        "ordId": order_id_of(fill.order_id),
        "posSide": position_side_of(fill.position_side),
        "side": side_of(fill.direction),
        "subType": _sub_type(fill),
        "tag": order.request.terms.get("tag", "") if order else "",
        "tradeId": trade_id_of(fill.fill_id),
        "tradeQuoteCcy": "",
        "ts": str(fill.time_ms),
    }


def stream_row(exchange: Exchange, order: Order, fill: Fill | None) -> dict[str, object]:
    """Return an order as its channel shows it; `fill` is the execution that is told, where it is one."""
    return {
        **order_row(exchange, order, fill),
        "amendResult": "",
        "code": "0",
        "execType": ("M" if fill.is_maker else "T") if fill else "",
        "fillFee": plain(-fill.fee) if fill else "0",
        "fillFeeCcy": fill.fee_coin if fill else "",
        "fillPnl": plain(fill.realized_pnl) if fill else "0",
        "lastPx": plain(exchange.last_price(order.symbol)),
        "msg": "",
        "reqId": "",
    }


def _sub_type(fill: Fill) -> str:
    # 3 open long, 4 open short, 5 close long, 6 close short; what the venue closed has numbers of its own.
    buys = side_of(fill.direction) == "buy"
    if fill.forced is not None:
        close_long, close_short, buy, sell = _FORCED[fill.forced]
        if fill.position_side is PositionSide.NET:
            return buy if buys else sell
        return close_short if buys else close_long
    if fill.closed_quantity:
        return "6" if buys else "5"
    return "3" if buys else "4"

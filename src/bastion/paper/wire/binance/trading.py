"""Trading: orders of the regular book and of the algo service."""

import json
from collections.abc import Callable
from decimal import Decimal

from bastion.paper.order import Order, OrderFilter, OrderRequest
from bastion.paper.refusal import Refused
from bastion.paper.wire.binance import intake, payloads
from bastion.paper.wire.binance.call import Call, Reply
from bastion.paper.wire.binance.errors import BinanceError, from_refusal, not_sent
from bastion.paper.wire.binance.parameters import Parameters
from bastion.paper.wire.binance.symbols import family, instrument_of

_BATCH_MOST = 5
_CANCEL_BATCH_MOST = 10
# Its page writes the first of each pair; ccxt and python-binance send the second, which the venue takes.
ID_LISTS = ("orderIdList", "orderidlist", "origClientOrderIdList", "origclientorderidlist")
_ALL_CANCELLED = {"code": 200, "msg": "The operation of cancel all open order is done."}
_NO_SUCH_ORDER = "Order does not exist."


def place_order(call: Call) -> Reply:
    """POST /fapi/v1/order."""
    order = _place(call, intake.regular_order(call, call.parameters))
    return Reply(data=_shown(call, call.parameters, order), executed=(payloads.log_line(order),))


def test_order(call: Call) -> Reply:
    """POST /fapi/v1/order/test: every check, no order."""
    try:
        call.exchange.check(call.account, intake.regular_order(call, call.parameters))
    except Refused as refused:
        raise from_refusal(refused) from None
    return Reply(data={})


def place_batch(call: Call) -> Reply:
    """POST /fapi/v1/batchOrders: each order on its own, in the order given.

    A refused one answers its error.
    """
    items = _json_list(call, "batchOrders", _BATCH_MOST)
    rows: list[object] = []
    executed: list[str] = []
    for item in items:
        parameters = _as_parameters(item)
        try:
            order = _place(call, intake.regular_order(call, parameters))
        except BinanceError as error:
            rows.append({"code": error.code, "msg": error.message})
            continue
        rows.append(_shown(call, parameters, order))
        executed.append(payloads.log_line(order))
    return Reply(data=rows, executed=tuple(executed))


def amend_order(call: Call) -> Reply:
    """PUT /fapi/v1/order: a new quantity and price for a resting LIMIT order."""
    order = _found(call, code=-2013, message=_NO_SUCH_ORDER)
    instrument = instrument_of(call, order.symbol)
    try:
        amended = call.exchange.amend(
            call.account,
            order,
            quantity=intake.quantity_of(call.parameters, instrument),
            price=call.parameters.decimal("price"),
        )
    except Refused as refused:
        raise from_refusal(refused) from None
    return Reply(
        data=payloads.order_action(amended, instrument), executed=("amended " + payloads.log_line(amended),)
    )


def get_order(call: Call) -> Reply:
    """GET /fapi/v1/order."""
    order = _found(call, code=-2013, message=_NO_SUCH_ORDER)
    return Reply(data=payloads.order_read(order, instrument_of(call, order.symbol)))


def get_open_order(call: Call) -> Reply:
    """GET /fapi/v1/openOrder."""
    order = _found(call, code=-2013, message=_NO_SUCH_ORDER)
    if not order.state.is_open:
        raise BinanceError(-2013, _NO_SUCH_ORDER)
    return Reply(data=payloads.order_read(order, instrument_of(call, order.symbol)))


def cancel_order(call: Call) -> Reply:
    """DELETE /fapi/v1/order."""
    order = _cancelled(call, _found(call, code=-2011, message="Unknown order sent."))
    return Reply(
        data=payloads.order_action(order, instrument_of(call, order.symbol)),
        executed=(payloads.log_line(order),),
    )


def cancel_batch(call: Call) -> Reply:
    """DELETE /fapi/v1/batchOrders: each cancel on its own."""
    symbol = instrument_of(call, call.parameters.text("symbol")).symbol
    name = next((name for name in ID_LISTS if name in call.parameters), ID_LISTS[0])
    by_id = name.lower() == "orderidlist"
    items = _json_list(call, name, _CANCEL_BATCH_MOST)
    rows: list[object] = []
    executed: list[str] = []
    for item in items:
        order = call.exchange.find_order(
            call.account,
            order_id=int(str(item)) if by_id and str(item).isdecimal() else None,
            client_order_id=None if by_id else str(item),
            conditional=False,
        )
        if order is None or order.symbol != symbol or not order.state.is_open:
            rows.append({"code": -2011, "msg": "Unknown order sent."})
            continue
        order = _cancelled(call, order)
        rows.append(payloads.order_action(order, instrument_of(call, symbol)))
        executed.append(payloads.log_line(order))
    return Reply(data=rows, executed=tuple(executed))


def cancel_all(call: Call) -> Reply:
    """DELETE /fapi/v1/allOpenOrders: every regular order of one symbol; conditional orders stay."""
    return _cancel_all(call, conditional=False)


def open_orders(call: Call) -> Reply:
    """GET /fapi/v1/openOrders."""
    return _list(call, conditional=False, only_open=True, row=_read_row)


def all_orders(call: Call) -> Reply:
    """GET /fapi/v1/allOrders."""
    return _list(call, conditional=False, only_open=False, row=_read_row)


def place_algo(call: Call) -> Reply:
    """POST /fapi/v1/algoOrder."""
    order = _place(call, intake.algo_order(call, call.parameters))
    return Reply(
        data=payloads.algo_placed(order, instrument_of(call, order.symbol)),
        executed=(payloads.log_line(order),),
    )


def get_algo(call: Call) -> Reply:
    """GET /fapi/v1/algoOrder."""
    order = _found_algo(call, -2013, _NO_SUCH_ORDER)
    return Reply(data=_algo_row(call, order))


def cancel_algo(call: Call) -> Reply:
    """DELETE /fapi/v1/algoOrder."""
    order = _cancelled(call, _found_algo(call, -2011, "Unknown order sent."))
    data = {
        "algoId": order.order_id,
        "clientAlgoId": order.client_order_id,
        "code": "200",
        "msg": "success",
    }
    return Reply(data=data, executed=(payloads.log_line(order),))


def cancel_all_algo(call: Call) -> Reply:
    """DELETE /fapi/v1/algoOpenOrders: every conditional order of one symbol."""
    return _cancel_all(call, conditional=True)


def countdown_cancel_all(call: Call) -> Reply:
    """POST /fapi/v1/countdownCancelAll: a symbol's ordinary orders go when the time is over; 0 ends it.

    Whether the venue's own timer reaches the algo service is not documented; this one does not.
    """
    instrument = instrument_of(call, call.parameters.text("symbol"))
    countdown_ms = call.parameters.whole("countdownTime")
    which = OrderFilter(symbol=instrument.symbol, conditional=False)
    call.exchange.timers.set(call.account, which, countdown_ms or None)
    data = {"symbol": instrument.symbol, "countdownTime": str(countdown_ms)}
    return Reply(data=data, executed=(f"countdown of {instrument.symbol} is {countdown_ms} ms",))


def open_algo_orders(call: Call) -> Reply:
    """GET /fapi/v1/openAlgoOrders."""
    return _list(call, conditional=True, only_open=True, row=_algo_row)


def all_algo_orders(call: Call) -> Reply:
    """GET /fapi/v1/allAlgoOrders."""
    return _list(call, conditional=True, only_open=False, row=_algo_row)


def _place(call: Call, request: OrderRequest) -> Order:
    try:
        return call.exchange.place(call.account, request)
    except Refused as refused:
        raise from_refusal(refused) from None


def _shown(call: Call, parameters: Parameters, order: Order) -> dict[str, object]:
    instrument = instrument_of(call, order.symbol)
    kind = parameters.text_or_none("newOrderRespType") or "ACK"
    if kind not in {"ACK", "RESULT"}:
        raise BinanceError(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    show = payloads.order_action if kind == "RESULT" else payloads.order_acknowledged
    return show(order, instrument)


def _found(call: Call, *, code: int, message: str) -> Order:
    symbol = instrument_of(call, call.parameters.text("symbol")).symbol
    order_id = call.parameters.whole_or_none("orderId")
    client_id = call.parameters.text_or_none("origClientOrderId")
    if order_id is None and client_id is None:
        raise BinanceError(
            -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
        )
    order = call.exchange.find_order(
        call.account, order_id=order_id, client_order_id=client_id, conditional=False, at_ms=call.at_ms
    )
    if order is None or order.symbol != symbol:
        raise BinanceError(code, message)
    return order


def _found_algo(call: Call, code: int, message: str) -> Order:
    algo_id = call.parameters.whole_or_none("algoId")
    client_id = call.parameters.text_or_none("clientAlgoId")
    if algo_id is None and client_id is None:
        raise not_sent("algoId")
    order = call.exchange.find_order(
        call.account, order_id=algo_id, client_order_id=client_id, conditional=True, at_ms=call.at_ms
    )
    if order is None:
        raise BinanceError(code, message)
    return order


def _cancelled(call: Call, order: Order) -> Order:
    try:
        return call.exchange.cancel(call.account, order.order_id)
    except Refused as refused:
        raise from_refusal(refused) from None


def _cancel_all(call: Call, *, conditional: bool) -> Reply:
    symbol = instrument_of(call, call.parameters.text("symbol")).symbol
    which = OrderFilter(symbol=symbol, conditional=conditional)
    orders = call.exchange.cancel_all(call.account, which)
    return Reply(data=_ALL_CANCELLED, executed=tuple(payloads.log_line(order) for order in orders))


def _list(
    call: Call, *, conditional: bool, only_open: bool, row: Callable[[Call, Order], dict[str, object]]
) -> Reply:
    symbol = call.parameters.text_or_none("symbol") if only_open else call.parameters.text("symbol")
    if symbol is not None:
        instrument_of(call, symbol)
    if call.pretends_empty:
        return Reply(data=[])
    if only_open:
        which = OrderFilter(symbol=symbol, conditional=conditional)
        orders = call.exchange.open_orders(call.account, which, at_ms=call.at_ms)
        ours = {instrument.symbol for instrument in family(call)}
        return Reply(data=[row(call, order) for order in orders if order.symbol in ours])
    found = [
        order
        for order in call.exchange.orders(call.account, OrderFilter(symbol=symbol), at_ms=call.at_ms)
        if order.is_conditional == conditional and _in_span(call.parameters, order)
    ]
    limit = call.parameters.bounded("limit", default=500, most=1_000)
    return Reply(data=[row(call, order) for order in found[-limit:]])


def _in_span(parameters: Parameters, order: Order) -> bool:
    since_ms = parameters.whole_or_none("startTime") or 0
    until_ms = parameters.whole_or_none("endTime")
    first_id = parameters.whole_or_none("orderId") or parameters.whole_or_none("algoId") or 0
    in_time = since_ms <= order.created_ms and (until_ms is None or order.created_ms <= until_ms)
    return in_time and order.order_id >= first_id


def _read_row(call: Call, order: Order) -> dict[str, object]:
    return payloads.order_read(order, instrument_of(call, order.symbol))


def _algo_row(call: Call, order: Order) -> dict[str, object]:
    child = call.exchange.find_order(call.account, order_id=order.child_id) if order.child_id else None
    return payloads.algo_order(order, instrument_of(call, order.symbol), child)


def _json_list(call: Call, name: str, most: int) -> list[object]:
    try:
        items = json.loads(call.parameters.text(name), parse_float=Decimal)
    except ValueError:
        raise not_sent(name) from None
    if not isinstance(items, list) or not items:
        raise not_sent(name)
    if len(items) > most:
        raise BinanceError(-4082, f"Invalid number of batch place orders, at most {most} are allowed.")
    return items


def _as_parameters(item: object) -> Parameters:
    if not isinstance(item, dict):
        raise BinanceError(-4081, "Invalid data in batch order.")
    return Parameters({str(name): _as_text(value) for name, value in item.items()})


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

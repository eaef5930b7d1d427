"""Cancelling: cancel-order, cancel-batch-orders, amend-order and cancel-all-after.

Source: OKX v5 "POST / Cancel order", "Cancel multiple orders", "Amend order", "Cancel All After". There is no
call that cancels all orders of perpetual contracts (mass-cancel is for options market makers).
"""

from collections.abc import Mapping

from bastion.paper.exchange.venue import Exchange
from bastion.paper.order import Order, OrderFilter
from bastion.paper.refusal import Refused
from bastion.paper.wire.okx.beside import Beside
from bastion.paper.wire.okx.calls import Call, find_instrument
from bastion.paper.wire.okx.envelope import OK, OkxError, Outcome, of_orders, wrong
from bastion.paper.wire.okx.parameters import Parameters
from bastion.paper.wire.okx.placing import BATCH_MAX, check_batch, refused_row, told
from bastion.paper.wire.okx.refusals import translated
from bastion.paper.wire.okx.words import client_id_of, order_id_of, order_number

_TIMER_LEAST_S, _TIMER_MOST_S = 10, 120
_GONE = "Cancellation failed as the order has been filled, canceled or does not exist."


def cancel_order(call: Call) -> Outcome:
    """POST /api/v5/trade/cancel-order."""
    row, executed = _fate(call, call.parameters)
    return of_orders([row], executed)


def cancel_batch_orders(call: Call) -> Outcome:
    """POST /api/v5/trade/cancel-batch-orders: each cancel stands or falls alone."""
    check_batch(call, BATCH_MAX)
    rows: list[Mapping[str, object]] = []
    executed: list[str] = []
    for item in call.items:
        row, done = _fate(call, item)
        rows.append(row)
        executed += done
    return of_orders(rows, executed)


def amend_order(call: Call) -> Outcome:
    """POST /api/v5/trade/amend-order."""
    parameters = call.parameters
    quantity, price = parameters.number("newSz"), parameters.number("newPx")
    if quantity is None and price is None:
        raise OkxError("51500", "You must enter a price, quantity, or TP/SL.")
    try:
        found = _find(call, parameters, missing_code="51503")
        amended = call.exchange.amend(call.account, found, quantity=quantity, price=price)
    except OkxError as error:
        return of_orders([refused_row(call, parameters, error)], [])
    except Refused as refused:
        return of_orders([refused_row(call, parameters, translated(refused))], [])
    return of_orders([_row(call, amended)], [told(amended)])


def cancel_all_after(call: Call) -> Outcome:
    """POST /api/v5/trade/cancel-all-after: all orders go when the time is over; 0 switches the timer off."""
    seconds = call.parameters.integer("timeOut")
    if seconds is None or (seconds != 0 and not _TIMER_LEAST_S <= seconds <= _TIMER_MOST_S):
        raise wrong("timeOut")
    at_ms = call.now_ms + seconds * 1000 if seconds else None
    call.beside.set_timer(call.account, at_ms)
    row = {"triggerTime": str(at_ms or 0), "tag": call.parameters.text("tag"), "ts": str(call.now_ms)}
    return Outcome(data=[row], executed=(f"cancel-all-after {seconds} s",))


def run_out_timers(exchange: Exchange, beside: Beside, now_ms: int) -> None:
    """Cancel the working orders of each account whose timer has run out."""
    for account in beside.due(now_ms):
        exchange.cancel_all(account, OrderFilter(conditional=False))


def _fate(call: Call, parameters: Parameters) -> tuple[dict[str, object], list[str]]:
    try:
        found = _find(call, parameters, missing_code="51400")
        done = call.exchange.cancel(call.account, found.order_id)
    except OkxError as error:
        return refused_row(call, parameters, error), []
    except Refused as refused:
        return refused_row(call, parameters, translated(refused)), []
    return _row(call, done), [told(done)]


def _find(call: Call, parameters: Parameters, *, missing_code: str) -> Order:
    instrument = find_instrument(call.exchange, parameters.required("instId"))
    order_id, link = parameters.text("ordId"), parameters.text("clOrdId")
    if not order_id and not link:
        raise OkxError("51407", "Either ordId or clOrdId is required.")
    found: Order | None = None
    if order_id:
        number = order_number(order_id)
        if number is not None:
            found = call.exchange.find_order(call.account, order_id=number)
    else:
        found = call.exchange.find_order(call.account, client_order_id=link)
    if found is None or found.symbol != instrument.symbol or found.is_conditional:
        raise OkxError(missing_code, _GONE)
    return found


def _row(call: Call, order: Order) -> dict[str, object]:
    return {
        "ordId": order_id_of(order.order_id),
        "clOrdId": client_id_of(order),
        "ts": str(call.now_ms),
        "sCode": OK,
        "sMsg": "",
    }

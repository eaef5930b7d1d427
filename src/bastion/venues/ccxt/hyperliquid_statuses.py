"""Hyperliquid statuses: what an action's answer says of each of its orders or cancels.

Source: Hyperliquid docs, "Exchange endpoint": `statuses` has one item for each, in their order; `filled`
tells size, price and id at once, `error` refuses one item while the others stand. ccxt raises for the first
`error` and hides the rest.
"""

from bastion.domain.money import ZERO, Price, Quantity
from bastion.domain.order import CancelAnswer, OpenOrder, OrderRequest, OrderState, OrderStatus
from bastion.errors import AnswerMalformed, OutcomeUnknown
from bastion.venues.ccxt.hyperliquid_faults import NO_ORDER
from bastion.venues.raw import Answer, Row


def statuses_of(answer: Answer) -> list[object]:
    """Return the statuses of an action.

    Raises:
        OutcomeUnknown: none came; the action may have been carried out.
    """
    try:
        listed = Row(answer.value, "exchange").row("response").row("data").raw("statuses")
    except AnswerMalformed as error:
        raise OutcomeUnknown(f"{error}; the action may have been carried out") from None
    if not isinstance(listed, list):
        raise OutcomeUnknown("exchange: no list of statuses came; the action may have been carried out")
    return listed


def error_of(status: object) -> str:
    """Return the refusal that a status holds, empty where it is none."""
    text = status.get("error") if isinstance(status, dict) else None
    return text if isinstance(text, str) else ""


def read_status(status: object, request: OrderRequest) -> OrderState:
    """Return what a status that is no refusal says of an order; raises `AnswerMalformed` for an odd one."""
    if isinstance(status, str):
        return _accepted(request, "")
    told = Row(status, "status")
    if "resting" in told:
        return _accepted(request, told.row("resting").text("oid"))
    filled = told.row("filled")
    size = filled.decimal("totalSz")
    return OrderState(
        client_order_id=request.client_order_id,
        order_id=filled.text("oid"),
        status=OrderStatus.FILLED if size >= request.quantity else OrderStatus.CANCELED,
        filled=Quantity(size),
        average_price=Price(filled.decimal("avgPx")),
        reason="" if size >= request.quantity else "IocCancel",
    )


def _accepted(request: OrderRequest, order_id: str) -> OrderState:
    return OrderState(
        client_order_id=request.client_order_id,
        order_id=order_id,
        status=OrderStatus.ACCEPTED,
        filled=Quantity(ZERO),
    )


def cancel_answer(order: OpenOrder, status: object) -> CancelAnswer:
    """Return what became of one cancel; an order that is no longer there is gone."""
    refused = error_of(status)
    gone = status == "success" or NO_ORDER in refused
    return CancelAnswer(
        order=order, gone=gone, message="" if status == "success" else refused or str(status)[:80]
    )

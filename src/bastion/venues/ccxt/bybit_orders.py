"""Bybit orders: the closing order in the venue's own form, batches of them, and what cancels an order."""

from decimal import Decimal

from bastion.domain.money import ZERO, floor_to_step
from bastion.domain.order import Direction, OpenOrder, OrderKind, OrderRequest
from bastion.errors import AnswerMalformed, OutcomeUnknown
from bastion.venues.ccxt.bybit_rows import LINEAR, OPTION, position_index
from bastion.venues.ccxt.shelf import Instruments
from bastion.venues.raw import Answer, Row, plain


def order_params(request: OrderRequest, instruments: Instruments | None) -> dict[str, object]:
    """Return the parameters of Place Order for a closing order; reduceOnly is always true.

    A whole position is closed without naming a size: qty "0" with reduceOnly and closeOnTrigger closes up to
    the market maximum (Place Order, qty). positionIdx is copied from the position, never from a setting.
    """
    position = request.position
    params: dict[str, object] = {
        "category": position.category,
        "symbol": position.instrument,
        "side": request.direction.value.capitalize(),
        "orderType": "Market",
        "qty": plain(request.quantity),
        "reduceOnly": True,
        "positionIdx": position_index(position),
        "orderLinkId": request.client_order_id,
    }
    if request.kind is OrderKind.WHOLE:
        params |= {"qty": "0", "closeOnTrigger": True}
    elif request.kind in {OrderKind.IOC, OrderKind.RESTING} and request.limit_price is not None:
        price = _on_tick(request, request.limit_price, instruments)
        time_in_force = "IOC" if request.kind is OrderKind.IOC else "GTC"
        params |= {"orderType": "Limit", "timeInForce": time_in_force, "price": plain(price)}
    return params


def batch_items(answer: Answer, count: int) -> list[tuple[Row, Row]]:
    """Return, for each order of a batch, its acknowledgement and its own code (Batch Place Order).

    Raises:
        OutcomeUnknown: the answer does not speak of exactly these orders; any of them may have been executed.
    """
    try:
        whole = Row(answer.value, "order/create-batch")
        acks, words = whole.row("result").rows("list"), whole.row("retExtInfo").rows("list")
    except AnswerMalformed as error:
        raise OutcomeUnknown(f"{error}; the orders may have been executed") from None
    if not len(acks) == len(words) == count:
        raise OutcomeUnknown(f"{count} orders were sent, {len(acks)} answered; they may have been executed")
    return list(zip(acks, words, strict=True))


def cancel_group(order: OpenOrder) -> tuple[tuple[str, str], ...]:
    """Return the parameters of the Cancel All Orders call that takes this order with it."""
    group = {"category": order.category}
    if order.category == LINEAR and order.settle:
        group["settleCoin"] = order.settle
    elif order.category != OPTION:
        group["symbol"] = order.instrument
    return tuple(group.items())


def _on_tick(request: OrderRequest, price: Decimal, instruments: Instruments | None) -> Decimal:
    known = (instruments or {}).get((request.position.category, request.position.instrument))
    if known is None or known.price_tick == ZERO:
        return price
    below = floor_to_step(price, known.price_tick)
    # Rounded towards a fill: a buyer may pay the next tick above, a seller take the one below.
    up = request.direction is Direction.BUY and below != price
    return below + known.price_tick if up else below

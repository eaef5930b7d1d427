"""Placing: trade/order and trade/batch-orders.

Source: OKX v5 "POST / Place order" and "POST / Place multiple orders". An acknowledgement carries ids and the
sCode of each order; the match comes after. reduceOnly counts in net mode; in long/short mode the side that is
opposite to posSide closes, and cannot do more.
"""

from collections.abc import Mapping
from decimal import Decimal

from bastion.paper.account import MarginMode
from bastion.paper.exchange.checks import is_reducing
from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import Instrument
from bastion.paper.order import Direction, Order, OrderKind, OrderRequest, PositionSide, SelfMatch
from bastion.paper.refusal import Refused
from bastion.paper.wire.okx.calls import Call, find_instrument, held, trade_mode_of
from bastion.paper.wire.okx.envelope import OK, OkxError, Outcome, missing, not_modelled, of_orders, wrong
from bastion.paper.wire.okx.parameters import Parameters
from bastion.paper.wire.okx.refusals import NO_POSITION, translated
from bastion.paper.wire.okx.words import (
    ORDER_TYPES,
    POSITION_SIDES,
    SIDES,
    TRADE_MODES,
    client_id_of,
    order_id_of,
)

BATCH_MAX = 20

_ID_MAX = 32
_ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_SELF_MATCHES = {
    "cancel_maker": SelfMatch.CANCEL_MAKER,
    "cancel_taker": SelfMatch.CANCEL_TAKER,
    "cancel_both": SelfMatch.CANCEL_BOTH,
}
_UNMODELLED = ("attachAlgoOrds", "pxUsd", "pxVol", "banAmend", "tradeQuoteCcy", "isElpTakerAccess")
_GENERAL_CODES = "50"


def order(call: Call) -> Outcome:
    """POST /api/v5/trade/order."""
    row, executed = _fate(call, call.parameters)
    return of_orders([row], executed)


def batch_orders(call: Call) -> Outcome:
    """POST /api/v5/trade/batch-orders: each order stands or falls alone."""
    check_batch(call, BATCH_MAX)
    rows: list[Mapping[str, object]] = []
    executed: list[str] = []
    for item in call.items:
        row, done = _fate(call, item)
        rows.append(row)
        executed += done
    return of_orders(rows, executed)


def check_batch(call: Call, most: int) -> None:
    """Raise for a batch that is empty or too long."""
    if len(call.items) > most:
        raise OkxError("51111", f"Maximum {most} orders can be placed in bulk.")


def read_order(call: Call, instrument: Instrument, parameters: Parameters) -> OrderRequest:
    """Return the order that `parameters` ask for; raises `OkxError` for what the venue would not read."""
    parameters.refuse(_UNMODELLED)
    parameters.must_choose("tdMode", TRADE_MODES)
    direction = SIDES[parameters.must_choose("side", SIDES)]
    word = parameters.must_choose("ordType", ORDER_TYPES)
    kind, time_in_force = ORDER_TYPES[word]
    quantity = parameters.number("sz")
    if quantity is None:
        raise missing("sz")
    price = parameters.number("px") if kind is OrderKind.LIMIT else None
    if kind is OrderKind.LIMIT and price is None:
        raise OkxError("51204", "The price for the limit order cannot be empty.")
    side = position_side(call, parameters)
    stp = parameters.choice("stpMode", _SELF_MATCHES, "cancel_maker")
    return OrderRequest(
        symbol=instrument.symbol,
        direction=direction,
        kind=kind,
        quantity=quantity,
        price=price,
        time_in_force=time_in_force,
        position_side=side,
        reduce_only=parameters.flag("reduceOnly") and side is PositionSide.NET,
        self_match=_SELF_MATCHES[stp],
        client_order_id=client_id(parameters, "clOrdId"),
        fill_ratio_max=call.conditions.fill_ratio_max,
        terms=terms_of(parameters, ordType=word, stpMode=stp),
    )


def terms_of(parameters: Parameters, **more: str) -> dict[str, str]:
    """Return what the order rows repeat of a request."""
    named = {name: parameters.text(name) for name in ("tdMode", "tag", "ccy") if parameters.has(name)}
    flag = "true" if parameters.flag("reduceOnly") else "false"
    return {**named, "reduceOnly": flag, **more}


def position_side(call: Call, parameters: Parameters) -> PositionSide:
    """Return the position that an order acts on; raises `OkxError` where it does not fit the mode."""
    word = parameters.text("posSide")
    if not call.is_hedged:
        if word not in {"", "net"}:
            raise wrong("posSide")
        return PositionSide.NET
    if word not in {"long", "short"}:
        raise wrong("posSide")
    return POSITION_SIDES[word]


def client_id(parameters: Parameters, name: str) -> str:
    """Return a client-supplied id: up to 32 letters and digits."""
    text = parameters.text(name)
    if len(text) > _ID_MAX or not _ID_LETTERS.issuperset(text):
        raise wrong(name)
    return text


def accept(call: Call, instrument: Instrument, mode: str, request: OrderRequest) -> Order:
    """Place an order in a margin mode; raises `OkxError`, and then nothing has changed."""
    exchange, account = call.exchange, call.account
    is_closing = is_reducing(request)
    other_mode = trade_mode_of(exchange, account, instrument.symbol) != mode
    if is_closing and other_mode:
        raise OkxError(*NO_POSITION)
    if request.reduce_only and _is_same_way(exchange, account, request):
        raise OkxError(
            "51170",
            "Order failed because the reduce-only order direction is the same as the position's direction.",
        )
    try:
        exchange.check(account, request)
        if other_mode:
            exchange.set_margin_mode(account, instrument.symbol, MarginMode(mode.upper()))
        return exchange.place(account, request)
    except Refused as refused:
        if other_mode and "change" in refused.reason.value:
            raise not_modelled(
                "A second margin mode of one instrument beside open positions or orders"
            ) from None
        raise translated(refused, request=request, coin=instrument.settle) from None


def acknowledged(placed: Order) -> dict[str, object]:
    """Return the row of an accepted order."""
    return {
        "ordId": order_id_of(placed.order_id),
        "clOrdId": client_id_of(placed),
        "tag": placed.request.terms.get("tag", ""),
        "ts": str(placed.created_ms),
        "sCode": OK,
        "sMsg": "Order placed",
    }


def told(placed: Order) -> str:
    """Return what the request log says about an accepted order."""
    request = placed.request
    return f"order {placed.order_id} {request.direction} {placed.quantity} {placed.symbol} {placed.state}"


def _fate(call: Call, parameters: Parameters) -> tuple[dict[str, object], list[str]]:
    try:
        instrument = find_instrument(call.exchange, parameters.required("instId"))
        request = read_order(call, instrument, parameters)
        placed = accept(call, instrument, parameters.text("tdMode"), request)
    except OkxError as error:
        if (
            error.code.startswith(_GENERAL_CODES)
            and len(call.items) == 1
            and not call.path.endswith("batch-orders")
        ):
            raise
        return refused_row(call, parameters, error), []
    return acknowledged(placed), [told(placed)]


def refused_row(call: Call, parameters: Parameters, error: OkxError) -> dict[str, object]:
    """Return the row of a refused order or cancel, with the ids that it was asked by."""
    return {
        "ordId": _shown(parameters, "ordId"),
        "clOrdId": _shown(parameters, "clOrdId"),
        "tag": _shown(parameters, "tag"),
        "ts": str(call.now_ms),
        "sCode": error.code,
        "sMsg": error.message,
    }


def _shown(parameters: Parameters, name: str) -> str:
    try:
        return parameters.text(name)
    except OkxError:
        return ""


def _is_same_way(exchange: Exchange, account: str, request: OrderRequest) -> bool:
    if request.position_side is not PositionSide.NET:
        return False
    quantity = held(exchange, account, request.symbol, PositionSide.NET)
    return quantity != Decimal(0) and (quantity > 0) is (request.direction is Direction.BUY)

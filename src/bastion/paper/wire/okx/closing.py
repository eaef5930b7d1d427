"""Closing: trade/close-position, the close of a whole position at market without naming its size.

Source: OKX v5 "POST / Close positions": "if there are any pending orders for closing out and the orders do
not need to be automatically canceled, it will return an error code and message to prompt users to cancel
pending orders before closing the positions"; the answer names no order id.
"""

from decimal import Decimal

from bastion.paper.exchange.checks import is_reducing
from bastion.paper.order import (
    Direction,
    Order,
    OrderFilter,
    OrderKind,
    OrderRequest,
    PositionSide,
    TimeInForce,
)
from bastion.paper.refusal import Refused
from bastion.paper.wire.okx.calls import Call, held, trade_mode_of
from bastion.paper.wire.okx.envelope import OkxError, Outcome
from bastion.paper.wire.okx.placing import client_id, position_side, terms_of, told
from bastion.paper.wire.okx.refusals import translated
from bastion.paper.wire.okx.words import TRADE_MODES, client_id_of, position_side_of


def close_position(call: Call) -> Outcome:
    """POST /api/v5/trade/close-position: at market, all of one position."""
    parameters = call.parameters
    instrument = call.instrument()
    mode = parameters.must_choose("mgnMode", TRADE_MODES)
    side = position_side(call, parameters)
    cancels = parameters.flag("autoCxl")
    link = client_id(parameters, "clOrdId")
    quantity = held(call.exchange, call.account, instrument.symbol, side)
    if quantity == Decimal(0) or trade_mode_of(call.exchange, call.account, instrument.symbol) != mode:
        raise OkxError("51023", "Position doesn't exist.")
    if abs(quantity) > instrument.market_quantity_max:
        raise OkxError("51108", "Positions exceed the limit for closing out with the market price.")
    direction = Direction.SELL if quantity > 0 else Direction.BUY
    pending = _pending(call, instrument.symbol, side, direction)
    if pending and not cancels:
        raise OkxError("51115", "Cancel all pending close-orders before liquidation.")
    request = OrderRequest(
        symbol=instrument.symbol,
        direction=direction,
        kind=OrderKind.MARKET,
        quantity=abs(quantity),
        time_in_force=TimeInForce.IOC,
        position_side=side,
        reduce_only=side is PositionSide.NET,
        client_order_id=link,
        fill_ratio_max=call.conditions.fill_ratio_max,
        terms=terms_of(parameters, ordType="market", tdMode=mode, reduceOnly="true"),
    )
    gone = [call.exchange.cancel(call.account, order.order_id) for order in pending]
    try:
        placed = call.exchange.place(call.account, request)
    except Refused as refused:
        raise translated(refused, request=request, coin=instrument.settle) from None
    row = {
        "instId": instrument.symbol,
        "posSide": position_side_of(side),
        "clOrdId": client_id_of(placed),
        "tag": parameters.text("tag"),
    }
    return Outcome(data=[row], executed=tuple(told(order) for order in (*gone, placed)), timed=True)


def _pending(call: Call, symbol: str, side: PositionSide, direction: Direction) -> list[Order]:
    """Return the orders that would close this position: working ones, and waiting ones with a size."""
    found = call.exchange.open_orders(call.account, OrderFilter(symbol=symbol))
    return [
        order
        for order in found
        if is_reducing(order.request)
        and order.request.direction is direction
        and order.request.position_side is side
    ]

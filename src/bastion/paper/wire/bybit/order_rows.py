"""Order rows: how an order looks in order/realtime and order/history.

Source: Bybit v5 "Get Open & Closed Orders" and "Get Order History", response parameters; the
spot-only ones left out.
"""

from decimal import Decimal

from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import ContractKind, Instrument
from bastion.paper.order import Order, OrderKind, OrderState, TriggerWhen
from bastion.paper.wire.bybit.calls import on_grid, plain, rounded
from bastion.paper.wire.bybit.words import (
    STOP_KINDS,
    cancel_type_of,
    forced_kind_of,
    index_of,
    link_id_of,
    order_id_of,
    reject_reason_of,
    side_of,
    status_of,
    time_in_force_of,
)

ZERO = Decimal(0)


def order_row(exchange: Exchange, order: Order) -> dict[str, object]:
    """Return an order as order/realtime shows it."""
    instrument = exchange.instrument(order.symbol)
    return {
        **_identity(order),
        **_amounts(exchange, order, instrument),
        **_conditions(order, instrument),
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
    }


def history_row(exchange: Exchange, order: Order) -> dict[str, object]:
    """Return an order as order/history shows it."""
    terms = order.request.terms
    return {
        **order_row(exchange, order),
        "slippageToleranceType": terms.get("slippageToleranceType", "UNKNOWN"),
        "slippageTolerance": terms.get("slippageTolerance", "0"),
        "extraFees": "",
        "rpiTakerAccess": False,
        "rpiMatchedQty": "0",
    }


def stop_kind_of(order: Order) -> str:
    """Return the stopOrderType: empty for an order that never was conditional."""
    if not order.is_conditional:
        return ""
    return order.request.terms.get("stopOrderType", "Stop")


def create_type_of(order: Order) -> str:
    """Return who made the order; a conditional one says what kind it is."""
    if order.request.forced is not None:
        return forced_kind_of(order.request.forced)
    return STOP_KINDS.get(stop_kind_of(order), "CreateByUser")


def price_of(order: Order, instrument: Instrument) -> str:
    """Return the order price; of a market order, the bound that it was sent to the book with."""
    if order.request.kind is OrderKind.LIMIT and order.request.price is not None:
        return on_grid(order.request.price, instrument.tick)
    return order.request.terms.get("boundPrice", "0")


def quantity_of(exchange: Exchange, order: Order) -> Decimal:
    """Return the order quantity; an order for the whole position that waits shows the position's size."""
    is_waiting = order.state is OrderState.UNTRIGGERED
    if not (is_waiting and order.request.close_position and order.quantity == ZERO):
        return order.quantity
    for view in exchange.positions(order.account):
        if (view.position.symbol, view.position.side) == (order.symbol, order.request.position_side):
            return abs(view.position.quantity)
    return ZERO


def _identity(order: Order) -> dict[str, object]:
    return {
        "orderId": order_id_of(order.order_id),
        "orderLinkId": link_id_of(order),
        "parentOrderLinkId": "",
        "blockTradeId": "",
        "symbol": order.symbol,
        "side": side_of(order.request.direction),
        "isLeverage": "",
        "positionIdx": index_of(order.request.position_side),
        "orderStatus": status_of(order),
        "createType": create_type_of(order),
        "cancelType": cancel_type_of(order),
        "rejectReason": reject_reason_of(order),
        "timeInForce": time_in_force_of(order),
        "orderType": "Market" if order.request.kind is OrderKind.MARKET else "Limit",
        "orderIv": "",
        "placeType": "",
        "smpType": order.request.terms.get("smpType", "None"),
        "smpGroup": 0,
        "smpOrderId": "",
    }


def _amounts(exchange: Exchange, order: Order, instrument: Instrument) -> dict[str, object]:
    quantity = quantity_of(exchange, order)
    leaves = quantity - order.executed_quantity if order.state.is_open else ZERO
    price = order.request.price or order.average_price or exchange.mark_price(order.symbol)
    return {
        "price": price_of(order, instrument),
        "qty": on_grid(quantity, instrument.step),
        "avgPrice": rounded(order.average_price) if order.executed_quantity else "",
        "leavesQty": on_grid(leaves, instrument.step),
        "leavesValue": rounded(instrument.value(leaves, price)) if leaves else "0",
        "cumExecQty": on_grid(order.executed_quantity, instrument.step),
        "cumExecValue": plain(order.executed_value),
        "cumExecFee": plain(order.fee),
        "cumFeeDetail": {instrument.settle: plain(order.fee)} if order.executed_quantity else {},
    }


def _conditions(order: Order, instrument: Instrument) -> dict[str, object]:
    request, terms = order.request, order.request.terms
    trigger = request.trigger
    direction = 0
    if trigger is not None:
        direction = 1 if trigger.when is TriggerWhen.RISES_TO else 2
    return {
        "stopOrderType": stop_kind_of(order),
        "triggerPrice": on_grid(trigger.price, instrument.tick) if trigger else "",
        "triggerDirection": direction,
        "triggerBy": terms.get("triggerBy", "LastPrice") if trigger else "",
        "takeProfit": "",
        "stopLoss": "",
        "tpslMode": terms.get("tpslMode", ""),
        "tpLimitPrice": "0",
        "slLimitPrice": "0",
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "lastPriceOnCreated": terms.get("lastPriceOnCreated", ""),
        "reduceOnly": request.reduce_only,
        "closeOnTrigger": "closeOnTrigger" in terms,
    }


def is_inverse(instrument: Instrument) -> bool:
    """Whether the instrument settles in its base coin."""
    return instrument.kind is ContractKind.INVERSE

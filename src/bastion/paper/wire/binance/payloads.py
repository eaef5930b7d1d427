"""Payloads: orders, algo orders and trades in Binance's field names."""

from dataclasses import replace
from decimal import Decimal

from bastion.paper.instrument import Instrument
from bastion.paper.order import (
    Direction,
    Fill,
    Order,
    OrderKind,
    OrderState,
    PositionSide,
    TriggerWhen,
)
from bastion.paper.wire.binance import figures

_SELF_TRADE = "self_trade"

_STATUS = {
    OrderState.NEW: "NEW",
    OrderState.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderState.FILLED: "FILLED",
    OrderState.CANCELLED: "CANCELED",
    OrderState.EXPIRED: "EXPIRED",
    OrderState.REJECTED: "REJECTED",
}

_ALGO_STATUS = {
    OrderState.UNTRIGGERED: "NEW",
    OrderState.CANCELLED: "CANCELED",
    OrderState.EXPIRED: "REJECTED",
    OrderState.REJECTED: "REJECTED",
}


def position_side(side: PositionSide) -> str:
    """Return Binance's word for a position side."""
    return "BOTH" if side is PositionSide.NET else side.value


def status(order: Order) -> str:
    """Return Binance's word for the state of a regular order."""
    return "EXPIRED_IN_MATCH" if order.end_reason == _SELF_TRADE else _STATUS[order.state]


def order_action(order: Order, instrument: Instrument) -> dict[str, object]:
    """Return the order as the answers to placing and cancelling show it."""
    request = order.request
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "pair": order.symbol,
        "status": status(order),
        "clientOrderId": order.client_order_id,
        "price": figures.price(request.price or Decimal(0), instrument),
        "avgPrice": figures.average(order.average_price, instrument),
        "origQty": figures.quantity(order.quantity, instrument),
        "executedQty": figures.quantity(order.executed_quantity, instrument),
        "cumQty": figures.quantity(order.executed_quantity, instrument),
        "cumQuote": figures.average(order.executed_value, instrument),
        "timeInForce": request.terms.get("timeInForce", "GTC"),
        "type": request.kind.value,
        "reduceOnly": request.reduce_only or request.close_position,
        "closePosition": request.close_position,
        "side": request.direction.value,
        "positionSide": position_side(request.position_side),
        "stopPrice": request.terms.get("stopPrice", "0"),
        "workingType": request.terms.get("workingType", "CONTRACT_PRICE"),
        "priceProtect": False,
        "origType": request.terms.get("type", request.kind.value),
        "priceMatch": request.terms.get("priceMatch", "NONE"),
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "updateTime": order.updated_ms,
    }


def order_acknowledged(order: Order, instrument: Instrument) -> dict[str, object]:
    """Return the order as an ACK shows it: accepted, whatever has become of it since."""
    fresh = replace(
        order,
        state=OrderState.NEW,
        executed_quantity=Decimal(0),
        executed_value=Decimal(0),
        average_price=Decimal(0),
        updated_ms=order.created_ms,
        end_reason="",
    )
    return order_action(fresh, instrument)


def order_read(order: Order, instrument: Instrument) -> dict[str, object]:
    """Return the order as queries show it."""
    row = order_action(order, instrument)
    del row["cumQty"]
    return {**row, "time": order.created_ms}


def algo_order(order: Order, instrument: Instrument, child: Order | None) -> dict[str, object]:
    """Return a conditional order as queries of the algo service show it.

    `child` is what triggering made of it.
    """
    row = algo_placed(order, instrument)
    del row["activatePrice"], row["callbackRate"]
    return {
        **row,
        "algoStatus": _algo_status(order, child),
        "actualOrderId": str(order.child_id) if order.child_id else "",
        "actualPrice": figures.average(child.average_price if child else Decimal(0), instrument),
        "actualType": child.request.kind.value if child else "",
        "actualQty": figures.quantity(child.executed_quantity, instrument) if child else "0",
        "tpTriggerPrice": figures.price(Decimal(0), instrument),
        "tpPrice": figures.price(Decimal(0), instrument),
        "slTriggerPrice": figures.price(Decimal(0), instrument),
        "slPrice": figures.price(Decimal(0), instrument),
        "tpOrderType": "",
    }


def algo_placed(order: Order, instrument: Instrument) -> dict[str, object]:
    """Return a conditional order as the answer to placing it shows it."""
    request = order.request
    trigger_price = request.trigger.price if request.trigger else Decimal(0)
    return {
        "algoId": order.order_id,
        "clientAlgoId": order.client_order_id,
        "algoType": "CONDITIONAL",
        "orderType": request.terms.get("type") or _algo_type(order),
        "symbol": order.symbol,
        "side": request.direction.value,
        "positionSide": position_side(request.position_side),
        "timeInForce": request.terms.get("timeInForce", "GTC"),
        "quantity": figures.quantity(order.quantity, instrument),
        "algoStatus": _algo_status(order, None),
        "triggerPrice": figures.price(trigger_price, instrument),
        "price": figures.price(request.price or Decimal(0), instrument),
        "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": request.terms.get("workingType", "CONTRACT_PRICE"),
        "priceMatch": "NONE",
        "closePosition": request.close_position,
        "priceProtect": False,
        "reduceOnly": request.reduce_only,
        "activatePrice": "",
        "callbackRate": "",
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
        "triggerTime": order.triggered_ms,
        "goodTillDate": 0,
    }


def trade(fill: Fill, instrument: Instrument) -> dict[str, object]:
    """Return an execution as `userTrades` shows it."""
    return {
        "buyer": fill.direction is Direction.BUY,
        "commission": figures.money(fill.fee),
        "commissionAsset": fill.fee_coin,
        "id": fill.fill_id,
        "maker": fill.is_maker,
        "orderId": fill.order_id,
        "price": figures.price(fill.price, instrument),
        "qty": figures.quantity(fill.quantity, instrument),
        "quoteQty": figures.money(fill.value),
        "baseQty": figures.quantity(fill.quantity, instrument),
        "marginAsset": instrument.settle,
        "realizedPnl": figures.money(fill.realized_pnl),
        "side": fill.direction.value,
        "positionSide": position_side(fill.position_side),
        "symbol": fill.symbol,
        "pair": fill.symbol,
        "time": fill.time_ms,
    }


def log_line(order: Order) -> str:
    """Return what happened to an order, for the request log."""
    shape = "conditional order" if order.is_conditional else "order"
    price = (
        f" at {figures.plain(order.request.price)}"
        if order.request.kind is OrderKind.LIMIT and order.request.price
        else ""
    )
    return (
        f"{shape} {order.order_id} {order.request.direction} {figures.plain(order.quantity)} {order.symbol}"
        f"{price}: {order.state}, executed {figures.plain(order.executed_quantity)}"
    )


def _algo_type(order: Order) -> str:
    """Return the type of a conditional order that was not placed over this wire, by what it does."""
    request = order.request
    rises = request.trigger is not None and request.trigger.when is TriggerWhen.RISES_TO
    stem = "STOP" if rises == (request.direction is Direction.BUY) else "TAKE_PROFIT"
    return f"{stem}_MARKET" if request.kind is OrderKind.MARKET else stem


def _algo_status(order: Order, child: Order | None) -> str:
    if order.state is not OrderState.TRIGGERED:
        return _ALGO_STATUS[order.state]
    return "TRIGGERED" if child is None or child.state.is_open else "FINISHED"

"""Words: numbers, sides and states as the venue writes them.

Source: Hyperliquid docs, "Notation", "Info endpoint" (frontendOpenOrders, orderStatus and its table of
statuses), "Perpetuals".
"""

from decimal import Decimal

from bastion.paper.exchange.forced import LIQUIDATED
from bastion.paper.exchange.matching import DEPTH_ENDED, NOTHING_LEFT_TO_REDUCE, SELF_TRADE
from bastion.paper.exchange.placing import POSITION_GONE
from bastion.paper.order import Direction, Order, OrderKind, OrderState, TimeInForce, TriggerWhen

_DECIMALS = 8
ZERO = Decimal(0)
SCHEDULED = "scheduledCancel"
TIMES = {
    "Gtc": TimeInForce.GTC,
    "Ioc": TimeInForce.IOC,
    "Alo": TimeInForce.POST_ONLY,
    "FrontendMarket": TimeInForce.IOC,
}
_TIME_WORDS = {TimeInForce.GTC: "Gtc", TimeInForce.IOC: "Ioc", TimeInForce.POST_ONLY: "Alo"}
_GONE = {
    POSITION_GONE: "reduceOnlyCanceled",
    NOTHING_LEFT_TO_REDUCE: "reduceOnlyCanceled",
    SELF_TRADE: "selfTradeCanceled",
    SCHEDULED: "scheduledCancel",
    LIQUIDATED: "liquidatedCanceled",
}


def number(value: Decimal) -> str:
    """Return a number as the venue writes it: no exponent, at least one decimal, at most eight."""
    text = f"{round(value, _DECIMALS).normalize():f}"
    return text if "." in text else f"{text}.0"


def side_of(direction: Direction) -> str:
    """Return `B` for a bid, `A` for an ask."""
    return "B" if direction is Direction.BUY else "A"


def cloid_of(client_order_id: str) -> str | None:
    """Return the client id that the account chose, None where the core made one up."""
    return client_order_id if client_order_id.startswith("0x") else None


def status_of(order: Order) -> str:
    """Return the status that `orderStatus` and `historicalOrders` tell."""
    if order.state.is_open:
        return "triggered" if order.triggered_ms else "open"
    if order.state is OrderState.FILLED:
        return "filled"
    if order.end_reason == DEPTH_ENDED:
        return "canceled" if order.executed_quantity else "iocCancelRejected"
    return _GONE.get(order.end_reason, "canceled" if order.state is OrderState.CANCELLED else "rejected")


def order_row(order: Order) -> dict[str, object]:
    """Return an order as `frontendOpenOrders` shows it."""
    request = order.request
    trigger = request.trigger
    whole = request.close_position or request.terms.get("whole") == "true"
    left = ZERO if whole else order.quantity - order.executed_quantity
    condition = "N/A"
    if trigger is not None:
        way = "above" if trigger.when is TriggerWhen.RISES_TO else "below"
        condition = f"Price {way} {number(trigger.price).removesuffix('.0')}"
    return {
        "coin": order.symbol,
        "side": side_of(request.direction),
        "limitPx": number(_limit_price(order)),
        "sz": number(left),
        "oid": order.order_id,
        "timestamp": order.created_ms,
        "triggerCondition": condition,
        "isTrigger": trigger is not None,
        "triggerPx": number(trigger.price) if trigger else "0.0",
        "children": [],
        "isPositionTpsl": whole,
        "reduceOnly": request.reduce_only or request.close_position,
        "orderType": kind_of(order),
        "origSz": number(ZERO if whole else order.quantity),
        "tif": None if trigger else _TIME_WORDS.get(request.time_in_force, "Gtc"),
        "cloid": cloid_of(order.client_order_id),
    }


def kind_of(order: Order) -> str:
    """Return the order type in the venue's words (`Limit`, `Stop Market`, `Take Profit Limit`)."""
    trigger = order.request.trigger
    if trigger is None:
        return "Limit"
    how = "Market" if order.request.kind is OrderKind.MARKET else "Limit"
    tpsl = order.request.terms.get("tpsl") or _guessed(order)
    return f"{'Take Profit' if tpsl == 'tp' else 'Stop'} {how}"


def _guessed(order: Order) -> str:
    # An order of the scenario names no kind; one that waits for a better price takes profit.
    trigger = order.request.trigger
    better = TriggerWhen.RISES_TO if order.request.direction is Direction.SELL else TriggerWhen.FALLS_TO
    return "tp" if trigger is not None and trigger.when is better else "sl"


def _limit_price(order: Order) -> Decimal:
    request = order.request
    if request.price is not None:
        return request.price
    told = request.terms.get("limit_px")
    if told is not None:
        return Decimal(told)
    return request.trigger.price if request.trigger else order.average_price

"""Words: what the core's states and identities are called on the v5 wire.

Source: Bybit v5 "Enums Definitions".
"""

import hashlib

from bastion.paper.exchange.forced import DELEVERAGED, LIQUIDATED
from bastion.paper.exchange.matching import (
    DEPTH_ENDED,
    FILL_OR_KILL_UNFILLED,
    NOTHING_LEFT_TO_REDUCE,
    POST_ONLY_WOULD_TAKE,
    SELF_TRADE,
)
from bastion.paper.exchange.placing import POSITION_GONE
from bastion.paper.order import Direction, Forced, Order, OrderKind, OrderState, PositionSide, TimeInForce

_STATES = {
    OrderState.UNTRIGGERED: "Untriggered",
    OrderState.NEW: "New",
    OrderState.PARTIALLY_FILLED: "PartiallyFilled",
    OrderState.FILLED: "Filled",
    OrderState.CANCELLED: "Cancelled",
    OrderState.EXPIRED: "Cancelled",
    OrderState.REJECTED: "Rejected",
    OrderState.TRIGGERED: "Triggered",
}
_TIMES = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.POST_ONLY: "PostOnly",
}
_INDEXES = {PositionSide.NET: 0, PositionSide.LONG: 1, PositionSide.SHORT: 2}
_REASONS = {
    FILL_OR_KILL_UNFILLED: "EC_CancelForNoFullFill",
    POST_ONLY_WOULD_TAKE: "EC_PostOnlyWillTakeLiquidity",
    SELF_TRADE: "EC_BySelfMatch",
    DEPTH_ENDED: "EC_NoImmediateQtyToFill",
}

SIDES = {"Buy": Direction.BUY, "Sell": Direction.SELL}
TIMES_IN_FORCE = {word: time for time, word in _TIMES.items()}
STATUSES = frozenset(_STATES.values())
STOP_KINDS = {
    "Stop": "CreateByStopOrder",
    "TakeProfit": "CreateByTakeProfit",
    "StopLoss": "CreateByStopLoss",
    "PartialTakeProfit": "CreateByPartialTakeProfit",
    "PartialStopLoss": "CreateByPartialStopLoss",
}


_FORCED_TRADES = {Forced.LIQUIDATION: "BustTrade", Forced.ADL: "AdlTrade"}
_FORCED_ORDERS = {Forced.LIQUIDATION: "CreateByLiq", Forced.ADL: "CreateByAdl_PassThrough"}
_FORCED_CANCELS = {LIQUIDATED: "CancelAllBeforeLiq", DELEVERAGED: "CancelAllBeforeAdl"}


def execution_kind_of(forced: Forced | None) -> str:
    """Return the execType of a trade: an ordinary one, or the venue's own."""
    return "Trade" if forced is None else _FORCED_TRADES[forced]


def forced_kind_of(forced: Forced) -> str:
    """Return the createType of an order by which the venue closes a position."""
    return _FORCED_ORDERS[forced]


def side_of(direction: Direction) -> str:
    """Return `Buy` or `Sell`."""
    return "Buy" if direction is Direction.BUY else "Sell"


def index_of(side: PositionSide) -> int:
    """Return the positionIdx: 0 one-way, 1 and 2 for the two sides of hedge mode."""
    return _INDEXES[side]


def position_side(index: int) -> PositionSide | None:
    """Return what a positionIdx means, or None for a number that means nothing."""
    return next((side for side, number in _INDEXES.items() if number == index), None)


def status_of(order: Order) -> str:
    """Return the orderStatus; a derivatives order that ends with a rest is Cancelled, executed or not."""
    return _STATES[order.state]


def time_in_force_of(order: Order) -> str:
    """Return the timeInForce; a market order always says IOC."""
    return "IOC" if order.request.kind is OrderKind.MARKET else _TIMES[order.request.time_in_force]


def reject_reason_of(order: Order) -> str:
    """Return why the rest of an order did not execute.

    A market order that took what its slippage band held ends with EC_ReachMarketPriceLimit; one that found
    nothing in it, with EC_NoImmediateQtyToFill.
    """
    if order.state is OrderState.CANCELLED:
        return "EC_PerCancelRequest"
    took_some = order.request.kind is OrderKind.MARKET and order.executed_quantity > 0
    if order.end_reason == DEPTH_ENDED and took_some:
        return "EC_ReachMarketPriceLimit"
    if order.end_reason == NOTHING_LEFT_TO_REDUCE or not order.end_reason:
        return "EC_NoError"
    return _REASONS.get(order.end_reason, "EC_Others")


def cancel_type_of(order: Order) -> str:
    """Return who or what cancelled an order; `UNKNOWN` while it is open and when it ran its course."""
    if order.end_reason == POSITION_GONE:
        return "CancelByTpSlTsClear" if order.request.ends_with_position else "CancelByReduceOnly"
    if order.end_reason == NOTHING_LEFT_TO_REDUCE:
        return "CancelByReduceOnly"
    if order.end_reason == SELF_TRADE:
        return "CancelBySmp"
    if order.end_reason in _FORCED_CANCELS:
        return _FORCED_CANCELS[order.end_reason]
    return "CancelByUser" if order.state is OrderState.CANCELLED else "UNKNOWN"


def order_id_of(number: int) -> str:
    """Return the venue's name for the core's order `number`: a UUID whose last group carries it."""
    head = hashlib.sha256(f"bybit order {number}".encode()).hexdigest()
    return f"{head[:8]}-{head[8:12]}-4{head[12:15]}-a{head[15:18]}-{number:012x}"


def order_number(order_id: str) -> int | None:
    """Return the core's number behind an order id, or None when it is none of ours."""
    try:
        number = int(order_id.rpartition("-")[2], 16)
    except ValueError:
        return None
    return number if number >= 0 and order_id_of(number) == order_id else None


def execution_id_of(number: int) -> str:
    """Return the venue's name for the core's fill `number`."""
    head = hashlib.sha256(f"bybit execution {number}".encode()).hexdigest()
    return f"{head[:8]}-{head[8:12]}-5{head[12:15]}-b{head[15:18]}-{number:012x}"


def funding_id_of(number: int) -> str:
    """Return the venue's name for the core's funding payment `number`."""
    head = hashlib.sha256(f"bybit funding {number}".encode()).hexdigest()
    return f"{head[:8]}-{head[8:12]}-4{head[12:15]}-a{head[15:18]}-{number:012x}"


def link_id_of(order: Order) -> str:
    """Return the id that the account chose, or an empty string where it chose none."""
    link = order.client_order_id
    if order.request.forced is not None:
        return ""
    return "" if link == f"paper-{order.order_id}" else link

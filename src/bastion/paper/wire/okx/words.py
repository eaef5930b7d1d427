"""Words: what the core's states and identities are called on the v5 wire.

Source: OKX v5 "GET / Order details" (state, ordType, cancelSource, source, category), "GET / Positions"
(posSide, mgnMode) and "POST / Place order" (tdMode, stpMode).
"""

import hashlib

from bastion.paper.exchange.forced import LIQUIDATED
from bastion.paper.exchange.matching import (
    DEPTH_ENDED,
    FILL_OR_KILL_UNFILLED,
    NOTHING_LEFT_TO_REDUCE,
    POST_ONLY_WOULD_TAKE,
    SELF_TRADE,
)
from bastion.paper.exchange.placing import CANCELLED_BY_ACCOUNT, POSITION_GONE
from bastion.paper.order import Direction, Forced, Order, OrderKind, OrderState, PositionSide, TimeInForce

SIDES = {"buy": Direction.BUY, "sell": Direction.SELL}
POSITION_SIDES = {"net": PositionSide.NET, "long": PositionSide.LONG, "short": PositionSide.SHORT}
TRADE_MODES = ("cross", "isolated")
ORDER_TYPES = {
    "market": (OrderKind.MARKET, TimeInForce.IOC),
    "optimal_limit_ioc": (OrderKind.MARKET, TimeInForce.IOC),
    "limit": (OrderKind.LIMIT, TimeInForce.GTC),
    "post_only": (OrderKind.LIMIT, TimeInForce.POST_ONLY),
    "fok": (OrderKind.LIMIT, TimeInForce.FOK),
    "ioc": (OrderKind.LIMIT, TimeInForce.IOC),
}
_TYPES = {
    TimeInForce.GTC: "limit",
    TimeInForce.POST_ONLY: "post_only",
    TimeInForce.FOK: "fok",
    TimeInForce.IOC: "ioc",
}
_STATES = {
    OrderState.NEW: "live",
    OrderState.PARTIALLY_FILLED: "partially_filled",
    OrderState.FILLED: "filled",
    OrderState.UNTRIGGERED: "live",
    OrderState.TRIGGERED: "effective",
}
_FORCED = {Forced.LIQUIDATION: "full_liquidation", Forced.ADL: "adl"}
# cancelSource: why the venue itself, or the account, cancelled an order.
_CANCEL_SOURCES = {
    CANCELLED_BY_ACCOUNT: ("1", "Order was canceled by the user."),
    NOTHING_LEFT_TO_REDUCE: ("9", "Order was canceled because the position was reduced or closed."),
    POSITION_GONE: ("17", "Close order was canceled because the position was already closed."),
    FILL_OR_KILL_UNFILLED: ("13", "FOK order was canceled because it could not be filled completely."),
    DEPTH_ENDED: ("14", "The rest of an IOC order was canceled."),
    POST_ONLY_WOULD_TAKE: ("31", "The post-only order would take liquidity."),
    SELF_TRADE: ("32", "Self trade prevention."),
    LIQUIDATED: ("3", "Order was canceled because of the risk of a forced liquidation."),
}
_MARKET_STOPPED = ("15", "The order price is beyond the limit.")

_ORDER_BASE = 680_800_019_749_900_000
_ALGO_BASE = 431_375_349_042_300_000
_POSITION_BASE = 307_173_036_051_000_000
_TRADE_BASE = 242_720_000
_BILL_BASE = 623_950_854_500_000_000


def side_of(direction: Direction) -> str:
    """Return `buy` or `sell`."""
    return "buy" if direction is Direction.BUY else "sell"


def position_side_of(side: PositionSide) -> str:
    """Return `net`, `long` or `short`."""
    return side.value.lower()


def state_of(order: Order) -> str:
    """Return the state of an order; one that ended with a rest is canceled, executed or not."""
    return _STATES.get(order.state, "canceled")


def type_of(order: Order) -> str:
    """Return the ordType, in the word that the account used where it used one."""
    word = order.request.terms.get("ordType", "")
    if word in ORDER_TYPES:
        return word
    return "market" if order.request.kind is OrderKind.MARKET else _TYPES[order.request.time_in_force]


def cancel_source_of(order: Order) -> tuple[str, str]:
    """Return cancelSource and cancelSourceReason; empty for an order that was not canceled."""
    if state_of(order) != "canceled":
        return "", ""
    if order.end_reason == DEPTH_ENDED and order.request.kind is OrderKind.MARKET:
        return _MARKET_STOPPED
    return _CANCEL_SOURCES.get(order.end_reason, ("0", "Order was canceled by the system."))


def order_id_of(number: int) -> str:
    """Return the venue's id of the core's order `number`."""
    return str(_ORDER_BASE + number)


def algo_id_of(number: int) -> str:
    """Return the venue's id of the core's conditional order `number`."""
    return str(_ALGO_BASE + number)


def trade_id_of(number: int) -> str:
    """Return the venue's trade id of the core's fill `number`."""
    return str(_TRADE_BASE + number)


def bill_id_of(number: int) -> str:
    """Return the venue's bill id of the core's fill `number`; bill ids rise with time."""
    return str(_BILL_BASE + number)


def position_id_of(account: str, symbol: str, side: PositionSide, mode: str) -> str:
    """Return the venue's id of a position: the same one for the same instrument, side and margin mode."""
    digest = hashlib.sha256(f"{account}|{symbol}|{side}|{mode}".encode()).digest()
    return str(_POSITION_BASE + int.from_bytes(digest[:5], "big"))


def order_number(text: str) -> int | None:
    """Return the core's number behind an order id, or None when it is none of ours."""
    return _number(text, _ORDER_BASE)


def algo_number(text: str) -> int | None:
    """Return the core's number behind an algo id, or None when it is none of ours."""
    return _number(text, _ALGO_BASE)


def category_of(order: Order) -> str:
    """Return the category of an order: `normal`, or how the venue closed a position by it."""
    return "normal" if order.request.forced is None else _FORCED[order.request.forced]


def client_id_of(order: Order) -> str:
    """Return the id that the account chose, or an empty string where it chose none."""
    if order.parent_id or order.request.forced is not None:
        return ""
    text = order.client_order_id
    return "" if text in {f"paper-{order.order_id}", f"opening-{order.order_id}"} else text


def _number(text: str, base: int) -> int | None:
    number = int(text) - base if text.isascii() and text.isdecimal() else 0
    return number if number > 0 else None

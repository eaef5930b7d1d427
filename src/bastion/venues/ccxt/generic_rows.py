"""Generic rows: what ccxt's unified structures mean in the desk's words.

Source: the ccxt manual (position, order and trade structures). A field that an exit rests on and that ccxt
left out makes the row malformed; the others read as absent.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bastion.domain.money import ZERO, Price, Quantity, Usd
from bastion.domain.order import Direction, Fill, OpenOrder, OrderState, OrderStatus
from bastion.domain.position import MarginMode, Position, Side
from bastion.domain.symbol import pair
from bastion.errors import AnswerMalformed
from bastion.venues.ccxt.generic_markets import category_of, inner, number
from bastion.venues.raw import STABLECOINS

Market = Mapping[str, Any]
UNKNOWN = "unknown"
"""The category of what stands in a contract that ccxt's list does not have."""

_STATUSES = {
    "closed": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.CANCELED,
    "rejected": OrderStatus.REJECTED,
    "open": OrderStatus.ACCEPTED,
}


def position(row: Mapping[str, Any], market: Market | None, *, closable: bool) -> Position | None:
    """Return the position of one row, None for a row without one.

    Raises:
        AnswerMalformed: its size or its side is not there.
    """
    symbol = _symbol(row)
    contracts = number(row.get("contracts"))
    if contracts is None:
        raise AnswerMalformed(f"positions: {symbol}: ccxt gives no size")
    if contracts == ZERO:
        return None
    if row.get("side") not in {"long", "short"}:
        raise AnswerMalformed(f"positions: {symbol}: ccxt gives no side")
    dollars = market is not None and market.get("settle") in STABLECOINS
    return Position(
        instrument=symbol,
        category=UNKNOWN if market is None else category_of(market),
        symbol=pair(symbol),
        side=Side.LONG if row["side"] == "long" else Side.SHORT,
        quantity=Quantity(abs(contracts)),
        hedged=row.get("hedged") is True,
        margin_mode=_margin_mode(row),
        entry_price=_price(row, "entryPrice"),
        mark_price=_price(row, "markPrice"),
        liquidation_price=_price(row, "liquidationPrice"),
        leverage=number(row.get("leverage")),
        notional_usd=_notional(row, market, abs(contracts)),
        margin_usd=_usd(row, "initialMargin") if dollars else None,
        unrealized_pnl_usd=_usd(row, "unrealizedPnl") if dollars else None,
        closable=closable,
    )


def open_order(row: Mapping[str, Any], market: Market | None, *, conditional: bool) -> OpenOrder:
    """Return a working or waiting order.

    Raises:
        AnswerMalformed: its id or its side is not there.
    """
    symbol, towards = _symbol(row), direction(row, "orders")
    left = number(row.get("remaining"))
    return OpenOrder(
        instrument=symbol,
        category=UNKNOWN if market is None else category_of(market),
        order_id=_id(row, "orders"),
        client_order_id=_text(row.get("clientOrderId")),
        direction=towards,
        quantity=Quantity(max(ZERO, left if left is not None else number(row.get("amount")) or ZERO)),
        reduce_only=row.get("reduceOnly") is True,
        conditional=conditional or any(row.get(name) for name in ("triggerPrice", "stopPrice")),
        settle="" if market is None else str(market.get("settle") or ""),
    )


def order_state(row: Mapping[str, Any], client_order_id: str) -> OrderState:
    """Return what ccxt says of an order; one whose state it does not say is accepted, and asked for again."""
    filled = number(row.get("filled")) or ZERO
    status = _STATUSES.get(str(row.get("status")), OrderStatus.ACCEPTED)
    if status is OrderStatus.ACCEPTED and filled > ZERO:
        status = OrderStatus.PARTIAL
    amount = number(row.get("amount"))
    if status is OrderStatus.FILLED and amount is not None and filled < amount:
        status = OrderStatus.CANCELED  # ccxt calls an order closed that ended for any reason.
    return OrderState(
        client_order_id=client_order_id,
        order_id=_text(row.get("id")),
        status=status,
        filled=Quantity(filled),
        average_price=_price(row, "average"),
        reason=_text(row.get("status")) if status in {OrderStatus.CANCELED, OrderStatus.REJECTED} else "",
    )


def fill(row: Mapping[str, Any], market: Market, *, client_order_id: str, entry: Decimal | None) -> Fill:
    """Return one execution. `entry` is the entry price of a position that it only reduced.

    Raises:
        AnswerMalformed: its id, size, price or time is not there.
    """
    symbol, towards = _symbol(row), direction(row, "trades")
    size, price, at_ms = number(row.get("amount")), number(row.get("price")), number(row.get("timestamp"))
    if size is None or price is None or at_ms is None:
        raise AnswerMalformed(f"trades: {symbol}: ccxt gives no size, price or time")
    coin = _text(inner(row, "fee", "currency"))
    cost = number(inner(row, "fee", "cost")) or ZERO
    rate = Decimal(1) if coin in STABLECOINS else price if coin == market.get("base") else None
    note = "" if not coin or coin in STABLECOINS else f"{coin} at the price of the execution"
    if rate is None:
        note = f"{cost} {coin or 'of a coin that is not told'}, not valued in USD" if cost else ""
    return Fill(
        instrument=symbol,
        category=category_of(market),
        symbol=pair(symbol),
        fill_id=_id(row, "trades"),
        order_id=_text(row.get("order")),
        client_order_id=client_order_id,
        direction=towards,
        quantity=Quantity(abs(size)),
        price=Price(price),
        fee_usd=Usd(cost * (rate or ZERO)),
        at_ms=int(at_ms),
        realized_pnl_usd=_realized(market, towards, abs(size), price, entry),
        fee_note=note,
    )


def direction(row: Mapping[str, Any], what: str) -> Direction:
    """Return the direction that a row names.

    Raises:
        AnswerMalformed: it names none.
    """
    word = str(row.get("side")).upper()
    if word not in {"BUY", "SELL"}:
        raise AnswerMalformed(f"{what}: ccxt gives no side")
    return Direction(word)


def _realized(
    market: Market, towards: Direction, size: Decimal, price: Decimal, entry: Decimal | None
) -> Usd | None:
    contract = number(market.get("contractSize"))
    if entry is None or contract is None or market.get("inverse") or market.get("settle") not in STABLECOINS:
        return None
    sign = 1 if towards is Direction.SELL else -1
    return Usd((price - entry) * size * contract * sign)


def _notional(row: Mapping[str, Any], market: Market | None, contracts: Decimal) -> Usd | None:
    if market is None:
        return None
    contract, mark = number(market.get("contractSize")), number(row.get("markPrice"))
    if market.get("inverse"):
        # An inverse contract stands for a sum of US dollars.
        return None if contract is None else Usd(contracts * contract)
    given = number(row.get("notional"))
    if given is not None:
        return Usd(abs(given))
    return None if contract is None or mark is None else Usd(contracts * contract * mark)


def _margin_mode(row: Mapping[str, Any]) -> MarginMode | None:
    word = row.get("marginMode")
    return MarginMode(word) if word in {"cross", "isolated"} else None


def _symbol(row: Mapping[str, Any]) -> str:
    symbol = _text(row.get("symbol"))
    if not symbol:
        raise AnswerMalformed("ccxt gives a row without a contract")
    return symbol


def _id(row: Mapping[str, Any], what: str) -> str:
    found = _text(row.get("id"))
    if not found:
        raise AnswerMalformed(f"{what}: ccxt gives a row without an id")
    return found


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _price(row: Mapping[str, Any], name: str) -> Price | None:
    value = number(row.get(name))
    return Price(value) if value is not None and value > ZERO else None


def _usd(row: Mapping[str, Any], name: str) -> Usd | None:
    value = number(row.get(name))
    return None if value is None else Usd(value)

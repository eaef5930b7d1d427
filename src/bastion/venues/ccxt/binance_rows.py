"""Binance rows: what the documented JSON objects of Binance USD-M futures mean in the desk's words.

Source of every field: the USD-M pages of developers.binance.com (Position Information V3, Current All Open
Orders, Current All Algo Open Orders, New Order, Account Trade List, Exchange Information).
"""

from decimal import Decimal

from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO, Price, Quantity, Usd
from bastion.domain.naming import interface_name
from bastion.domain.order import Cause, Direction, Fill, OpenOrder, OrderState, OrderStatus
from bastion.domain.position import MarginMode, Position, Side
from bastion.domain.protective import Protection, ProtectiveOrder
from bastion.errors import AnswerMalformed
from bastion.venues.raw import STABLECOINS, Row, plain

CATEGORY = "usdm"

_STATUSES = {
    "NEW": OrderStatus.ACCEPTED,
    "PARTIALLY_FILLED": OrderStatus.PARTIAL,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.CANCELED,
    "EXPIRED_IN_MATCH": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REJECTED,
}
ALGO_TYPES = {Protection.STOP_LOSS: "STOP_MARKET", Protection.TAKE_PROFIT: "TAKE_PROFIT_MARKET"}
_QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "BTC")


def margin_asset(row: Row, instrument: str) -> str:
    """Return the coin in which a position is settled: its own field, else by the symbol's ending."""
    given = row.text_or("marginAsset")
    if given:
        return given
    pair = instrument.partition("_")[0]
    return next((quote for quote in _QUOTES if pair.endswith(quote)), "")


def position(row: Row) -> Position | None:
    """Return the position of one row of positionRisk, None for a row without one."""
    instrument = row.text("symbol")
    amount = row.decimal("positionAmt")
    leg = row.text("positionSide")
    if leg not in {"BOTH", "LONG", "SHORT"}:
        raise AnswerMalformed(f"{row.where}: positionSide {leg[:20]!r} is not documented")
    if amount == ZERO:
        return None
    side = Side(leg) if leg != "BOTH" else Side.LONG if amount > ZERO else Side.SHORT
    dollars = margin_asset(row, instrument) in STABLECOINS
    return Position(
        instrument=instrument,
        category=CATEGORY,
        symbol=interface_name(instrument),
        side=side,
        quantity=Quantity(abs(amount)),
        hedged=leg != "BOTH",
        margin_mode=_margin_mode(row),
        entry_price=_price(row, "entryPrice"),
        mark_price=_price(row, "markPrice"),
        liquidation_price=_price(row, "liquidationPrice"),
        leverage=row.positive_or_none("leverage"),
        notional_usd=_usd(row, "notional", dollars=dollars, absolute=True),
        margin_usd=_usd(row, "positionInitialMargin", dollars=dollars),
        unrealized_pnl_usd=_usd(row, "unRealizedProfit", dollars=dollars),
        updated_ms=row.moment_or_none("updateTime"),
    )


def open_order(row: Row) -> OpenOrder:
    """Return a working order of the ordinary order service."""
    return _order(row, id_field="orderId", client_field="clientOrderId", size="origQty", conditional=False)


def open_conditional_order(row: Row) -> OpenOrder:
    """Return a waiting order of the algo service."""
    return _order(row, id_field="algoId", client_field="clientAlgoId", size="quantity", conditional=True)


def protective_order(row: Row, position: Position) -> ProtectiveOrder | None:
    """Return a conditional order that can only reduce this position at market, None for any other."""
    kinds = [kind for kind, name in ALGO_TYPES.items() if name == row.text_or("orderType")]
    order = open_conditional_order(row)
    closing = Direction.SELL if position.side is Side.LONG else Direction.BUY
    here = order.instrument == position.instrument and order.side is (
        position.side if position.hedged else None
    )
    if not kinds or not here or not order.reduce_only or order.direction is not closing:
        return None
    return ProtectiveOrder(
        order=order,
        kind=kinds[0],
        trigger_price=Price(row.decimal("triggerPrice")),
        quantity=order.quantity,
        whole=row.flag("closePosition"),
    )


def order_state(row: Row, *, named: str = "") -> OrderState:
    """Return what one order object says of an order; `named` is its client id where that is known."""
    word = row.text("status")
    status = _STATUSES.get(word)
    if status is None:
        raise AnswerMalformed(f"{row.where}: the order status {word[:30]!r} is not documented")
    filled = row.decimal("executedQty")
    return OrderState(
        client_order_id=named or row.text_or("clientOrderId"),
        order_id=row.text("orderId"),
        status=status,
        filled=Quantity(filled),
        average_price=_price(row, "avgPrice") or _mean(row, filled),
        reason=word if status in {OrderStatus.CANCELED, OrderStatus.REJECTED} else "",
    )


def fill(row: Row, *, fee_rate: Decimal, pnl_rate: Decimal, cause: Cause | None = None) -> Fill:
    """Return one execution; the rates are US dollars for one unit of the fee's and of the margin's coin."""
    leg = row.text_or("positionSide", "BOTH")
    instrument = row.text("symbol")
    coin = row.text_or("commissionAsset", "USDT")
    pnl = row.decimal_or_none("realizedPnl")
    return Fill(
        instrument=instrument,
        category=CATEGORY,
        symbol=interface_name(instrument),
        fill_id=row.text("id"),
        order_id=row.text("orderId"),
        client_order_id=row.text_or("clientOrderId"),
        direction=direction(row),
        quantity=Quantity(row.decimal("qty")),
        price=Price(row.decimal("price")),
        fee_usd=Usd((row.decimal_or_none("commission") or ZERO) * fee_rate),
        at_ms=row.integer("time"),
        side=Side(leg) if leg in {"LONG", "SHORT"} else None,
        realized_pnl_usd=None if pnl is None else Usd(pnl * pnl_rate),
        cause=cause,
        fee_note="" if coin in STABLECOINS else f"{coin} at the index price of {plain(fee_rate)} USD",
    )


def instrument(row: Row) -> Instrument:
    """Return one contract of exchangeInfo with the limits of its market orders."""
    filters = {item.text_or("filterType"): item for item in row.rows("filters")}
    lot = filters.get("MARKET_LOT_SIZE") or filters.get("LOT_SIZE")
    plain_lot = filters.get("LOT_SIZE") or lot
    price = filters.get("PRICE_FILTER")
    if lot is None or plain_lot is None:
        raise AnswerMalformed(f"{row.where}: no lot size")
    # A market step of zero means that the ordinary step holds.
    step = lot.positive_or_none("stepSize") or plain_lot.positive_or_none("stepSize") or ZERO
    return Instrument(
        id=row.text("symbol"),
        category=CATEGORY,
        symbol=interface_name(row.text_or("pair") or row.text("symbol")),
        base=row.text("baseAsset"),
        settle=row.text_or("marginAsset") or row.text("quoteAsset"),
        quantity_step=step,
        quantity_min=Quantity(lot.positive_or_none("minQty") or ZERO),
        market_quantity_max=Quantity(lot.positive_or_none("maxQty") or ZERO),
        price_tick=(price.positive_or_none("tickSize") if price is not None else None) or ZERO,
    )


def direction(row: Row) -> Direction:
    """Return the direction that a row names."""
    word = row.text("side")
    if word not in {"BUY", "SELL"}:
        raise AnswerMalformed(f"{row.where}: the side {word[:20]!r} is not documented")
    return Direction(word)


def _order(row: Row, *, id_field: str, client_field: str, size: str, conditional: bool) -> OpenOrder:
    towards = direction(row)
    leg = row.text_or("positionSide", "BOTH")
    side = Side(leg) if leg in {"LONG", "SHORT"} else None
    implied = (side, towards) in {(Side.LONG, Direction.SELL), (Side.SHORT, Direction.BUY)}
    left = (row.decimal_or_none(size) or ZERO) - (row.decimal_or_none("executedQty") or ZERO)
    return OpenOrder(
        instrument=row.text("symbol"),
        category=CATEGORY,
        order_id=row.text(id_field),
        client_order_id=row.text_or(client_field),
        direction=towards,
        quantity=Quantity(max(ZERO, left)),
        reduce_only=row.flag("reduceOnly") or row.flag("closePosition") or implied,
        conditional=conditional,
        side=side,
    )


def _margin_mode(row: Row) -> MarginMode:
    word = row.text_or("marginType").lower()
    if word in {"cross", "isolated"}:
        return MarginMode(word)
    # Version 3 of the endpoint has no such field: only an isolated position has a wallet of its own.
    return MarginMode.ISOLATED if row.positive_or_none("isolatedWallet") else MarginMode.CROSS


def _mean(row: Row, filled: Decimal) -> Price | None:
    value = row.positive_or_none("cumQuote")
    return Price(value / filled) if value is not None and filled > ZERO else None


def _price(row: Row, name: str) -> Price | None:
    value = row.positive_or_none(name)
    return None if value is None else Price(value)


def _usd(row: Row, name: str, *, dollars: bool, absolute: bool = False) -> Usd | None:
    value = row.decimal_or_none(name)
    if value is None or not dollars:
        return None
    return Usd(abs(value) if absolute else value)

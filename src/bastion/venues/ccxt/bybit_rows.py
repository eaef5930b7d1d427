"""Bybit rows: what the documented JSON objects of Bybit v5 mean in the desk's words.

Source of every field: the v5 pages Get Position Info, Get Open & Closed Orders, Get Trade History, Get Closed
PnL, Get Instruments Info and Enums Definitions of bybit-exchange.github.io/docs.
"""

from collections.abc import Mapping
from decimal import Decimal

from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO, Price, Quantity, Usd
from bastion.domain.naming import interface_name
from bastion.domain.order import Cause, Direction, Fill, OpenOrder, OrderState, OrderStatus
from bastion.domain.position import MarginMode, Position, Side
from bastion.domain.protective import Protection, ProtectiveOrder, fires_rising
from bastion.errors import AnswerMalformed
from bastion.venues.raw import Row

LINEAR, INVERSE, OPTION = "linear", "inverse", "option"

_STATUSES: Mapping[str, OrderStatus] = {
    "Created": OrderStatus.ACCEPTED,
    "New": OrderStatus.ACCEPTED,
    "Active": OrderStatus.ACCEPTED,
    "Untriggered": OrderStatus.ACCEPTED,
    "Triggered": OrderStatus.ACCEPTED,
    "PartiallyFilled": OrderStatus.PARTIAL,
    "Filled": OrderStatus.FILLED,
    "Cancelled": OrderStatus.CANCELED,
    "PartiallyFilledCanceled": OrderStatus.CANCELED,
    "Deactivated": OrderStatus.CANCELED,
    "Rejected": OrderStatus.REJECTED,
}
# Orders that hang on a position and end with it; they cannot open anything.
_ATTACHED = frozenset(
    {"TakeProfit", "StopLoss", "TrailingStop", "TrailingProfit", "PartialTakeProfit", "PartialStopLoss"}
)
# Executions that move no position.
_NO_TRADE = frozenset({"Funding", "SessionSettlePnL"})
# "Take-over liquidation" and auto-deleveraging, by Enums Definitions, execType.
_CAUSES: Mapping[str, Cause] = {"BustTrade": Cause.LIQUIDATION, "AdlTrade": Cause.ADL}
_ATTACHED_KINDS: Mapping[str, Protection] = {
    "StopLoss": Protection.STOP_LOSS,
    "PartialStopLoss": Protection.STOP_LOSS,
    "TakeProfit": Protection.TAKE_PROFIT,
    "PartialTakeProfit": Protection.TAKE_PROFIT,
}
_RISES, _FALLS = 1, 2
_LEGS: Mapping[int, Side] = {1: Side.LONG, 2: Side.SHORT}


def position(row: Row, category: str) -> Position | None:
    """Return the position of one row of position/list, None for a row without one."""
    instrument, size = row.text("symbol"), row.decimal("size")
    if size == ZERO:
        return None
    if size < ZERO:
        raise AnswerMalformed(f"{row.where}: a size below zero is not documented")
    side = _side(row)
    mark = row.positive_or_none("markPrice")
    index = row.integer("positionIdx") if "positionIdx" in row else 0
    # Linear amounts come in the settle coin (1:1), inverse ones in the base coin, worth the mark price.
    rate = mark if category == INVERSE else Decimal(1)
    # positionValue is reckoned at the entry price, as the documented example shows; risk is at the mark.
    value = None if mark is None else size * mark
    notional = size if category == INVERSE else value or row.positive_or_none("positionValue")
    return Position(
        instrument=instrument,
        category=category,
        symbol=pair(instrument),
        side=side,
        quantity=Quantity(size),
        hedged=index in _LEGS,
        margin_mode=MarginMode.ISOLATED if row.text_or("tradeMode") == "1" else None,
        entry_price=_price(row, "avgPrice"),
        mark_price=None if mark is None else Price(mark),
        liquidation_price=_price(row, "liqPrice"),
        leverage=row.positive_or_none("leverage"),
        notional_usd=None if notional is None else Usd(notional),
        margin_usd=_usd(row, "positionIM", rate),
        unrealized_pnl_usd=_usd(row, "unrealisedPnl", rate),
        updated_ms=row.moment_or_none("updatedTime"),
        closable=category != OPTION,
    )


def position_index(position: Position) -> int:
    """Return the positionIdx that an order for this position must carry."""
    if not position.hedged:
        return 0
    return 1 if position.side is Side.LONG else 2


def open_order(row: Row, category: str, settle: str) -> OpenOrder | None:
    """Return a working or waiting order, None for one that has ended."""
    word = row.text("orderStatus")
    status = _STATUSES.get(word)
    if status in {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED}:
        return None
    towards = direction(row)
    index = row.integer("positionIdx") if "positionIdx" in row else 0
    side = _LEGS.get(index)
    implied = (side, towards) in {(Side.LONG, Direction.SELL), (Side.SHORT, Direction.BUY)}
    stop = row.text_or("stopOrderType")
    left = row.decimal_or_none("leavesQty")
    return OpenOrder(
        instrument=row.text("symbol"),
        category=category,
        order_id=row.text("orderId"),
        client_order_id=row.text_or("orderLinkId"),
        direction=towards,
        quantity=Quantity(left if left is not None else row.decimal_or_none("qty") or ZERO),
        reduce_only=row.flag("reduceOnly") or row.flag("closeOnTrigger") or stop in _ATTACHED or implied,
        conditional=word == "Untriggered" or stop not in {"", "UNKNOWN"},
        settle=settle,
        side=side,
    )


def protective_order(row: Row, position: Position) -> ProtectiveOrder | None:
    """Return a waiting order that can only reduce this position at market, None for any other."""
    order = open_order(row, position.category, "")
    waits = row.text("orderStatus") == "Untriggered" and row.text_or("orderType") == "Market"
    if order is None or not waits or not order.reduce_only:
        return None
    closing = Direction.SELL if position.side is Side.LONG else Direction.BUY
    here = order.instrument == position.instrument and order.side is (
        position.side if position.hedged else None
    )
    kind = _protection(row, position.side)
    if not here or order.direction is not closing or kind is None:
        return None
    stop = row.text_or("stopOrderType")
    return ProtectiveOrder(
        order=order,
        kind=kind,
        trigger_price=Price(row.decimal("triggerPrice")),
        quantity=order.quantity,
        whole=stop in {"StopLoss", "TakeProfit"} and row.text_or("tpslMode", "Full") != "Partial",
    )


def order_state(row: Row) -> OrderState:
    """Return what one order object says of an order; `reason` is the venue's word for its end."""
    word = row.text("orderStatus")
    status = _STATUSES.get(word)
    if status is None:
        raise AnswerMalformed(f"{row.where}: the order status {word[:30]!r} is not documented")
    return OrderState(
        client_order_id=row.text_or("orderLinkId"),
        order_id=row.text("orderId"),
        status=status,
        filled=Quantity(row.decimal_or_none("cumExecQty") or ZERO),
        average_price=_price(row, "avgPrice"),
        reason=_reason(row) if status in {OrderStatus.CANCELED, OrderStatus.REJECTED} else "",
    )


def moves_position(row: Row) -> bool:
    """Return whether an execution row is a trade, and no funding or settlement of profit."""
    return row.text("execType") not in _NO_TRADE


def fill(row: Row, category: str, *, entry: Decimal | None, fee_rate: Decimal, coin_rate: Decimal) -> Fill:
    """Return one execution.

    `entry` is the average entry price that it closed against, None where the venue has not said it yet. Price
    PnL is size x (exit - entry) for a linear long, size x (1/entry - 1/exit) coins for an inverse long, and
    the opposite for a short (help centre, P&L calculations). `fee_rate` and `coin_rate` are US dollars for
    one unit of the fee's coin and of an inverse contract's coin.
    """
    instrument = row.text("symbol")
    towards, quantity, price = direction(row), row.decimal("execQty"), row.decimal("execPrice")
    return Fill(
        instrument=instrument,
        category=category,
        symbol=pair(instrument),
        fill_id=row.text("execId"),
        order_id=row.text("orderId"),
        client_order_id=row.text_or("orderLinkId"),
        direction=towards,
        quantity=Quantity(quantity),
        price=Price(price),
        fee_usd=Usd((row.decimal_or_none("execFee") or ZERO) * fee_rate),
        at_ms=row.integer("execTime"),
        realized_pnl_usd=_pnl(category, towards, quantity, price, entry, coin_rate),
        cause=_CAUSES.get(row.text_or("execType")) or _trigger(row),
    )


def _trigger(row: Row) -> Cause | None:
    return Cause.STOP if row.text_or("stopOrderType") not in {"", "UNKNOWN"} else None


def instrument(row: Row, category: str) -> Instrument:
    """Return one contract of instruments-info with the limits of its market orders."""
    lot, price = row.row("lotSizeFilter"), row.row("priceFilter")
    return Instrument(
        id=row.text("symbol"),
        category=category,
        symbol=pair(row.text("symbol")),
        base=row.text("baseCoin"),
        settle=row.text("settleCoin"),
        inverse=category == INVERSE,
        quantity_step=lot.positive_or_none("qtyStep") or ZERO,
        quantity_min=Quantity(lot.positive_or_none("minOrderQty") or ZERO),
        market_quantity_max=Quantity(
            lot.positive_or_none("maxMktOrderQty") or lot.positive_or_none("maxOrderQty") or ZERO
        ),
        price_tick=price.positive_or_none("tickSize") or ZERO,
    )


def pair(instrument: str) -> str:
    """Return the pair form of a contract's name: BTCPERP is BTC against USDC, the others name their pair."""
    name = f"{instrument.removesuffix('PERP')}USDC" if instrument.endswith("PERP") else instrument
    return interface_name(name)


def direction(row: Row) -> Direction:
    """Return the direction that a row names."""
    word = row.text("side")
    if word not in {"Buy", "Sell"}:
        raise AnswerMalformed(f"{row.where}: the side {word[:20]!r} is not documented")
    return Direction(word.upper())


def _protection(row: Row, side: Side) -> Protection | None:
    stop = row.text_or("stopOrderType")
    if stop != "Stop":
        return _ATTACHED_KINDS.get(stop)
    towards = row.decimal_or_none("triggerDirection")
    if towards not in {_RISES, _FALLS}:
        return None
    profit = fires_rising(Protection.TAKE_PROFIT, side) is (towards == _RISES)
    return Protection.TAKE_PROFIT if profit else Protection.STOP_LOSS


def _side(row: Row) -> Side:
    return Side.LONG if direction(row) is Direction.BUY else Side.SHORT


def _reason(row: Row) -> str:
    reject = row.text_or("rejectReason")
    if reject not in {"", "EC_NoError", "EC_PerCancelRequest"}:
        return reject
    cancel = row.text_or("cancelType")
    return cancel if cancel not in {"", "UNKNOWN"} else reject or row.text_or("orderStatus")


def _pnl(
    category: str,
    towards: Direction,
    quantity: Decimal,
    price: Decimal,
    entry: Decimal | None,
    coin_rate: Decimal,
) -> Usd | None:
    if entry is None or entry <= ZERO or price <= ZERO:
        return None
    long = towards is Direction.SELL
    if category == INVERSE:
        coins = quantity * (1 / entry - 1 / price) if long else quantity * (1 / price - 1 / entry)
        return Usd(coins * coin_rate)
    return Usd(quantity * (price - entry) if long else quantity * (entry - price))


def _price(row: Row, name: str) -> Price | None:
    value = row.positive_or_none(name)
    return None if value is None else Price(value)


def _usd(row: Row, name: str, rate: Decimal | None) -> Usd | None:
    value = row.decimal_or_none(name)
    return None if value is None or rate is None else Usd(value * rate)

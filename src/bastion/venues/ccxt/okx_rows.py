"""OKX rows: what the documented JSON objects of OKX v5 mean in the desk's words.

Source of every field: www.okx.com/docs-v5/en, Get positions, Order List, Algo order list, Order details,
Transaction details, Get instruments. Sizes are in contracts of ctVal x ctMult.

An account can hold one instrument in cross and in isolated margin side by side; an order reduces the one that
its tdMode names. They are positions of their own, so the category tells the two apart.
"""

from collections.abc import Mapping
from decimal import Decimal

from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO, Price, Quantity, Usd
from bastion.domain.order import Cause, Direction, Fill, OpenOrder, OrderState, OrderStatus
from bastion.domain.position import MarginMode, Position, Side
from bastion.domain.symbol import pair
from bastion.errors import AnswerMalformed
from bastion.venues.raw import STABLECOINS, Row

SWAP, FUTURES, MARGIN, OPTION, SPOT = "SWAP", "FUTURES", "MARGIN", "OPTION", "SPOT"
CONTRACTS = (SWAP, FUTURES)
CROSS, ISOLATED = "cross", "isolated"
APART = "-isolated"

_STATES: Mapping[str, OrderStatus] = {
    "live": OrderStatus.ACCEPTED,
    "partially_filled": OrderStatus.PARTIAL,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "mmp_canceled": OrderStatus.CANCELED,
}
# Transaction details, subType: 100 to 107 are liquidations, 125 to 128 auto-deleveragings.
_CAUSES: Mapping[str, Cause] = {
    **{str(number): Cause.LIQUIDATION for number in range(100, 108)},
    **{str(number): Cause.ADL for number in range(125, 129)},
}
_LEGS: Mapping[str, Side | None] = {"long": Side.LONG, "short": Side.SHORT, "net": None, "": None}


def category_of(kind: str, mode: str) -> str:
    """Return the category of an instType and a margin mode: `swap`, or `swap-isolated`."""
    return kind.lower() + (APART if mode == ISOLATED else "")


def mode_of(category: str) -> str:
    """Return the margin mode that an order of this category must name."""
    return ISOLATED if category.endswith(APART) else CROSS


def kind_of(category: str) -> str:
    """Return the instType behind a category."""
    return category.removesuffix(APART).upper()


def position(row: Row) -> Position | None:
    """Return the position of one row of account/positions, None for a row without one.

    The size is signed in net mode; a margin position shows its side by the currency that it is held in.
    """
    name, kind, size = row.text("instId"), row.text("instType"), row.decimal("pos")
    if size == ZERO:
        return None
    leg = _leg(row)
    if leg is not None and size < ZERO and kind in CONTRACTS:
        raise AnswerMalformed(f"{row.where}: a size below zero is not documented in long/short mode")
    side = leg or (Side.LONG if size > ZERO else Side.SHORT)
    if kind == MARGIN and leg is None and row.text_or("posCcy") not in {"", name.split("-")[0]}:
        side = Side.SHORT
    mode = row.text("mgnMode")
    if mode not in {CROSS, ISOLATED} and kind in CONTRACTS:
        raise AnswerMalformed(f"{row.where}: the margin mode {mode[:20]!r} is not documented")
    rate = _margin_rate(row)
    isolated = mode == ISOLATED
    return Position(
        instrument=name,
        category=category_of(kind, mode),
        symbol=pair(name),
        side=side,
        quantity=Quantity(abs(size)),
        hedged=leg is not None,
        margin_mode=MarginMode.ISOLATED if isolated else MarginMode.CROSS,
        entry_price=_price(row, "avgPx"),
        mark_price=_price(row, "markPx"),
        liquidation_price=_price(row, "liqPx"),
        leverage=row.positive_or_none("lever"),
        notional_usd=_dollars(row, "notionalUsd", Decimal(1)),
        margin_usd=_dollars(row, "margin" if isolated else "imr", rate),
        unrealized_pnl_usd=_usd(row, "upl", rate),
        # "Accumulated funding fee" of this position, signed from the account's view.
        funding_usd=_usd(row, "fundingFee", rate),
        closable=kind in CONTRACTS,
        updated_ms=row.moment_or_none("uTime"),
    )


def changed_ms(row: Row) -> int:
    """Return when a position last changed, 0 where the row does not say."""
    return int(row.decimal_or_none("uTime") or 0)


def open_order(row: Row) -> OpenOrder | None:
    """Return a working order, None for one that has ended or trades spot, which bastion leaves alone."""
    word, kind = row.text("state"), row.text("instType")
    if kind == SPOT or _STATES.get(word) in {OrderStatus.FILLED, OrderStatus.CANCELED}:
        return None
    left = row.decimal("sz") - (row.decimal_or_none("accFillSz") or ZERO)
    return _order(row, row.text("ordId"), row.text_or("clOrdId"), left, conditional=False)


def open_algo(row: Row) -> OpenOrder | None:
    """Return a pending algo order of any ordType, None for one that trades spot.

    One for a share of the position (closeFraction) names no size, and can only reduce.
    """
    if row.text("instType") == SPOT:
        return None
    size = row.decimal_or_none("sz") or ZERO
    return _order(row, row.text("algoId"), row.text_or("algoClOrdId"), size, conditional=True)


def order_state(row: Row) -> OrderState:
    """Return what order details say of an order; `reason` is cancelSource where it was canceled."""
    word = row.text("state")
    status = _STATES.get(word)
    if status is None:
        raise AnswerMalformed(f"{row.where}: the order state {word[:30]!r} is not documented")
    return OrderState(
        client_order_id=row.text_or("clOrdId"),
        order_id=row.text("ordId"),
        status=status,
        filled=Quantity(row.decimal_or_none("accFillSz") or ZERO),
        average_price=_price(row, "avgPx"),
        reason=row.text_or("cancelSource") if status is OrderStatus.CANCELED else "",
    )


def fill(row: Row, category: str, *, fee_rate: Decimal, pnl_rate: Decimal) -> Fill:
    """Return one execution; the rates are US dollars for one unit of the fee's and of the margin coin.

    fillPnl is price PnL without fees; fee is negative when paid.
    """
    name = row.text("instId")
    pnl = row.decimal_or_none("fillPnl")
    return Fill(
        instrument=name,
        category=category,
        symbol=pair(name),
        fill_id=row.text("tradeId"),
        order_id=row.text("ordId"),
        client_order_id=row.text_or("clOrdId"),
        direction=direction(row),
        quantity=Quantity(row.decimal("fillSz")),
        price=Price(row.decimal("fillPx")),
        fee_usd=Usd(-(row.decimal_or_none("fee") or ZERO) * fee_rate),
        at_ms=int(row.decimal_or_none("fillTime") or row.decimal("ts")),
        side=_leg(row),
        realized_pnl_usd=None if pnl is None else Usd(pnl * pnl_rate),
        cause=_CAUSES.get(row.text_or("subType")),
    )


def instrument(row: Row, mode: str) -> Instrument:
    """Return one contract of public/instruments with the limits of its market orders."""
    name, kind = row.text("instId"), row.text("instType")
    base = (row.text_or("uly") or name).split("-")[0]
    largest = row.positive_or_none("maxMktSz") or row.positive_or_none("maxLmtSz") or ZERO
    return Instrument(
        id=name,
        category=category_of(kind, mode),
        symbol=pair(name),
        base=base,
        settle=row.text("settleCcy"),
        inverse=row.text_or("ctType") == "inverse",
        contract_size=row.decimal("ctVal") * (row.positive_or_none("ctMult") or Decimal(1)),
        quantity_step=row.positive_or_none("lotSz") or ZERO,
        quantity_min=Quantity(row.positive_or_none("minSz") or ZERO),
        market_quantity_max=Quantity(largest),
        price_tick=row.positive_or_none("tickSz") or ZERO,
    )


def direction(row: Row) -> Direction:
    """Return the direction that a row names."""
    word = row.text("side")
    if word not in {"buy", "sell"}:
        raise AnswerMalformed(f"{row.where}: the side {word[:20]!r} is not documented")
    return Direction(word.upper())


def _order(row: Row, order_id: str, client_id: str, left: Decimal, *, conditional: bool) -> OpenOrder:
    towards, side = direction(row), _leg(row)
    implied = (side, towards) in {(Side.LONG, Direction.SELL), (Side.SHORT, Direction.BUY)}
    return OpenOrder(
        instrument=row.text("instId"),
        category=category_of(row.text("instType"), row.text_or("tdMode")),
        order_id=order_id,
        client_order_id=client_id,
        direction=towards,
        quantity=Quantity(left),
        reduce_only=row.flag("reduceOnly") or row.text_or("closeFraction") != "" or implied,
        conditional=conditional,
        side=side,
    )


def _leg(row: Row) -> Side | None:
    word = row.text_or("posSide")
    if word not in _LEGS:
        raise AnswerMalformed(f"{row.where}: the position side {word[:20]!r} is not documented")
    return _LEGS[word]


def _margin_rate(row: Row) -> Decimal | None:
    # What one unit of the margin coin is worth; usdPx is the venue's own word, and newer than some hosts.
    coin = row.text_or("ccy")
    if coin in STABLECOINS:
        return Decimal(1)
    return row.positive_or_none("usdPx") or (
        row.positive_or_none("markPx") if row.text("instId").startswith(f"{coin}-") else None
    )


def _price(row: Row, name: str) -> Price | None:
    value = row.positive_or_none(name)
    return None if value is None else Price(value)


def _dollars(row: Row, name: str, rate: Decimal | None) -> Usd | None:
    value = row.positive_or_none(name)
    return None if value is None or rate is None else Usd(value * rate)


def _usd(row: Row, name: str, rate: Decimal | None) -> Usd | None:
    value = row.decimal_or_none(name)
    return None if value is None or rate is None else Usd(value * rate)

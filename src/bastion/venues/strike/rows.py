"""Rows: the Strike API's items as positions and fills of the desk, and its formulas for a normal close."""

from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from bastion.domain.money import ZERO, Price, Quantity, Usd
from bastion.domain.order import Direction, Fill
from bastion.domain.position import MarginMode, Position, Side
from bastion.errors import AnswerMalformed
from bastion.venues.raw import Row

SIZE_LEAST = Decimal("0.000001")
MICRO = Decimal("0.000001")
LAST_MS_OF_A_SECOND = 999
FEE_RATE = Decimal("0.30")
FEE_HALF_MOVE = Decimal("0.10")
FEE_SHARE_MOVE = Decimal("0.01")


def position(row: Row, *, mark: Decimal | None = None) -> Position:
    """Return an item of /positions or /dashboard that is open.

    Each position of this venue closes alone and in full, so each is an instrument of its own, under its id.
    """
    position_id, symbol = str(row.integer("id")), row.text("symbol")
    entry, margin = row.decimal("entryPrice"), row.decimal("margin")
    liquidation = row.decimal("liquidationPrice")
    if entry <= ZERO or margin <= ZERO:
        raise AnswerMalformed(f"{row.where}: entryPrice and margin must be above zero")
    size, side = _size(row, entry=entry, liquidation=liquidation)
    value = row.decimal_or_none("position_value") or size * entry
    pnl = row.decimal_or_none("unrealized_pnl")
    funding = row.decimal_or_none("accumulatedFunding")
    if pnl is None and mark is not None:
        pnl = price_pnl(side, value, entry, mark) + row.decimal("accumulatedFunding")
    return Position(
        instrument=position_id,
        category=symbol,
        symbol=symbol,
        side=side,
        quantity=size,
        hedged=False,
        margin_mode=MarginMode.ISOLATED,
        entry_price=Price(entry),
        mark_price=None if mark is None else Price(mark),
        liquidation_price=Price(liquidation),
        leverage=row.decimal_or_none("leverage"),
        notional_usd=Usd(value if mark is None else value * mark / entry),
        margin_usd=Usd(margin),
        unrealized_pnl_usd=None if pnl is None else Usd(pnl),
        funding_usd=None if funding is None else Usd(funding),
        # This venue pays funding out with the close: its unrealised PnL contains what has accumulated.
        funding_settled=False,
        position_id=position_id,
    )


def fill(row: Row) -> Fill:
    """Return the one execution that ended a position, from a closed or settled item of /positions.

    `realizedPnl` is net; the price PnL is that plus the fee less the funding. The venue writes whole seconds;
    a position that was seen open ended afterwards, so the last millisecond of the second is taken.
    """
    entry = row.decimal("entryPrice")
    size, side = _size(row, entry=entry, liquidation=row.decimal("liquidationPrice"))
    fee, funding = row.decimal("pnlFee"), row.decimal("accumulatedFunding")
    position_id = str(row.integer("id"))
    return Fill(
        instrument=position_id,
        category=row.text("symbol"),
        symbol=row.text("symbol"),
        fill_id=f"close:{position_id}",
        order_id=f"close:{position_id}",
        client_order_id="",
        direction=Direction.SELL if side is Side.LONG else Direction.BUY,
        quantity=size,
        price=Price(row.decimal("exitPrice")),
        fee_usd=Usd(fee),
        at_ms=time_ms(row, "closedAt") + LAST_MS_OF_A_SECOND,
        side=side,
        realized_pnl_usd=Usd(row.decimal("realizedPnl") + fee - funding),
        funding_usd=Usd(funding),
    )


def price_pnl(side: Side, value: Decimal, entry: Decimal, mark: Decimal) -> Decimal:
    """Return the profit of `value` (margin times leverage) at the mark, floored to a micro-dollar."""
    move = mark - entry if side is Side.LONG else entry - mark
    return (value * move / entry).quantize(MICRO, ROUND_FLOOR)


def closing_fee(
    *, profit: Decimal, gross: Decimal, value: Decimal, move: Decimal, multiplier: Decimal
) -> Decimal:
    """Return the dynamic fee of a close: only on profit, a smaller share of it the farther the price moved.

    The share is 0.30 / (1 + move / 0.10), times the market's multiplier for a dollar of value where that is
    above one; never more than the gross profit. Fitted to the venue's published examples: an estimate.
    """
    if profit <= ZERO or gross <= ZERO:
        return ZERO
    fee = (profit * fee_share(move) * max(Decimal(1), multiplier * value)).quantize(MICRO, ROUND_CEILING)
    return min(gross, fee)


def fee_share(move: Decimal) -> Decimal:
    """Return the share of a profit that the venue takes after a move, both as fractions."""
    return FEE_RATE / (1 + move / FEE_HALF_MOVE)


def _size(row: Row, *, entry: Decimal, liquidation: Decimal) -> tuple[Quantity, Side]:
    size = row.decimal("szi")
    # The venue writes six decimals: a position smaller than that is shown as zero, and is there all the same.
    side = Side.LONG if size > ZERO or (size == ZERO and liquidation <= entry) else Side.SHORT
    return Quantity(max(abs(size), SIZE_LEAST)), side


def time_ms(row: Row, name: str) -> int:
    """Return a time, written as ISO-8601, in milliseconds since 1970."""
    text = row.text(name)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise AnswerMalformed(f"{row.where}: {name} is no time: {text[:40]!r}") from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return int(at.timestamp()) * 1000

"""Estimate: what closing a position now would give, by the live book; pure, and nothing is sent for it."""

from collections.abc import Sequence
from decimal import Decimal

from bastion.domain.book import Level, Quote, walk
from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO, Price, Quantity, Usd
from bastion.domain.order import Direction
from bastion.domain.position import Position, Side
from bastion.shape import dataclass

ONE = Decimal(1)
DECIMALS = 8
"""Averages of many levels have no end; estimates are told to so many decimals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What taking a size from the book would give now; None where that cannot be said.

    `slippage_usd` is the cost against the mark price (negative when better than it), `pnl_usd` the price PnL
    against the entry, before `fees_usd`. `missing` is the size for which the book shows nobody.
    """

    exit_price: Price | None
    slippage_usd: Usd | None
    fees_usd: Usd | None
    pnl_usd: Usd | None
    missing: Quantity


def closing(position: Position) -> Direction:
    """Return the direction that reduces a position."""
    return Direction.SELL if position.side is Side.LONG else Direction.BUY


def without(levels: Sequence[Level], taken: Decimal) -> tuple[Level, ...]:
    """Return what is left of the levels once `taken` is gone from the best ones."""
    left: list[Level] = []
    for level in levels:
        gone = min(taken, level.quantity)
        taken -= gone
        if level.quantity > gone:
            left.append(Level(price=level.price, quantity=Quantity(level.quantity - gone)))
    return tuple(left)


def estimate(
    position: Position,
    quantity: Decimal,
    quote: Quote,
    instrument: Instrument | None,
    *,
    taken: Decimal = ZERO,
) -> Estimate:
    """Return what closing `quantity` of the position at market would give, after others took `taken`.

    A book that does not hold the size gives no price: what the rest would fetch nobody knows. Figures in US
    dollars need a contract that is settled in dollars, or an inverse one, whose coin is worth the mark.
    """
    inverse = instrument is not None and instrument.inverse
    levels = without(quote.against(closing(position)), taken)
    found = walk(levels, quantity, inverse=inverse)
    if found.average_price is None or found.missing > ZERO:
        return Estimate(
            exit_price=None, slippage_usd=None, fees_usd=None, pnl_usd=None, missing=found.missing
        )
    price, mark, entry = found.average_price, position.mark_price, position.entry_price
    dollars = position.notional_usd is not None and (not inverse or mark is not None)
    size = quantity * (instrument.contract_size if instrument is not None else ONE)
    slippage = fees = pnl = None
    if dollars and mark is not None:
        slippage = _usd(-_gain(position.side, size, mark, price, rate=mark if inverse else None))
    if dollars and entry is not None:
        pnl = _usd(_gain(position.side, size, entry, price, rate=mark if inverse else None))
    if dollars and quote.taker_fee is not None:
        fees = _usd((size if inverse else size * price) * quote.taker_fee)
    return Estimate(
        exit_price=Price(round(price, DECIMALS)),
        slippage_usd=slippage,
        fees_usd=fees,
        pnl_usd=pnl,
        missing=Quantity(ZERO),
    )


def _usd(value: Decimal) -> Usd:
    return Usd(round(value, DECIMALS))


def _gain(side: Side, size: Decimal, start: Decimal, end: Decimal, *, rate: Decimal | None) -> Decimal:
    # A linear contract gains size x (end - start); an inverse one size x (1/start - 1/end) coins.
    move = end - start if rate is None else (ONE / start - ONE / end) * rate
    return size * (move if side is Side.LONG else -move)

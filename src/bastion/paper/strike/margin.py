"""Margin: entry, size, price PnL and liquidation of an isolated position. Whole micro-units in and out."""

from fractions import Fraction
from typing import Final

from bastion.paper.strike.money import MICRO, ceil_micro, floor_micro
from bastion.paper.strike.position import Position, Side

PNL_MICRO_MAX: Final = 10**18
"""What one position gains or loses ends here, so that every amount fits a 64-bit column."""


def entry_price(mark: int, side: Side, spread_rate: Fraction) -> int:
    """Move the mark against the trader by the spread, rounded against the trader as well."""
    moved = mark * (1 + side * spread_rate)
    return ceil_micro(moved) if side is Side.LONG else floor_micro(moved)


def size(position: Position) -> int:
    """Give the signed size, ``s * N / E``, in micro-coins, rounded towards zero."""
    return position.side * (position.notional * MICRO // position.entry_price)


def price_pnl(position: Position, mark: int) -> int:
    """Give ``s * N * (X - E) / E``, floored, within a trillion dollars either way."""
    return pnl_of(position.side, position.margin, position.leverage, position.entry_price, mark)


def pnl_of(side: Side, margin: int, leverage: int, entry: int, mark: int) -> int:
    """Give `price_pnl` from the terms alone; a run of refunds has them at hand."""
    pnl = side * margin * leverage * (mark - entry) // entry
    return pnl if -PNL_MICRO_MAX <= pnl <= PNL_MICRO_MAX else PNL_MICRO_MAX if pnl > 0 else -PNL_MICRO_MAX


def liquidation_price(position: Position, buffer: Fraction) -> int:
    """Give ``E * (1 - s * ((1 - b) / L + F / N))``, the mark at which the position is liquidated.

    Rounded away from the entry, so that the position is surely liquidated there; never below zero.
    """
    distance = (1 - buffer) / position.leverage + Fraction(position.funding, position.notional)
    price = position.entry_price * (1 - position.side * distance)
    return max(0, floor_micro(price) if position.side is Side.LONG else ceil_micro(price))


def is_liquidated(position: Position, mark: int, buffer: Fraction) -> bool:
    """Say whether ``M + price PnL + F <= b * M`` at this mark."""
    left = position.margin + price_pnl(position, mark) + position.funding
    return left * buffer.denominator <= buffer.numerator * position.margin

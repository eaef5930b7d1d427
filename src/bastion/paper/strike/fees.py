"""Fees: the dynamic fee on a profitable normal close. Losses, liquidations and exits pay none."""

from fractions import Fraction
from typing import Final

from bastion.paper.strike.money import MICRO, ceil_micro
from bastion.paper.strike.settings import FeeShape

_C1_RATE: Final = Fraction(30, 100)
_C1_HALF_MOVE: Final = Fraction(10, 100)
_C2_STEEPNESS: Final = 60


def closing_fee(
    *, price_pnl: int, gross: int, notional: int, move: Fraction, multiplier: Fraction, shape: FeeShape
) -> int:
    """Give the fee in micro-USD, ceiled, between zero and the gross profit.

    With ``x`` the move from entry as a fraction and ``m`` the market's multiplier for a dollar of notional
    N: C1 takes ``0.30 / (1 + x / 0.10) * max(1, m * N)`` of the price PnL, C2 keeps
    ``1 / (1 + 1 / (60 x) + m * N / x)`` of it. Both fall as the move grows; both charge 15 % (15.01 %) of a
    10 % move at N = 1000.
    """
    if price_pnl <= 0 or gross <= 0 or not move:
        return 0
    weight = multiplier * notional / MICRO
    if shape is FeeShape.C1:
        share = _C1_RATE / (1 + move / _C1_HALF_MOVE) * max(Fraction(1), weight)
    else:
        share = 1 - 1 / (1 + 1 / (_C2_STEEPNESS * move) + weight / move)
    return min(gross, ceil_micro(price_pnl * share))

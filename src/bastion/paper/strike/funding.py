"""Funding: rates from the skew, and one hour's accrual. Payers pay ceiled, receivers get floored amounts."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from bastion.paper.strike.money import ceil_micro, floor_micro
from bastion.paper.strike.position import Position, Side
from bastion.paper.strike.settings import HOUR_US

AGE_US_MIN: Final = 8 * HOUR_US
"""Funding touches only positions of at least this age."""

_PERCENT: Final = Fraction(1, 100)
_BASE_PERCENT: Final = Fraction(1, 100)
_CLAMP_PERCENT: Final = Fraction(5, 100)


def skew(long_oi: int, short_oi: int) -> Fraction:
    """Give ``(long - short) / (long + short)``; zero without open interest."""
    total = long_oi + short_oi
    return Fraction(long_oi - short_oi, total) if total else Fraction(0)


def rate_8h_percent(market_skew: Fraction) -> Fraction:
    """Give the rate of 8 hours in percent: ``premium + clamp(0.01 - premium, -0.05, 0.05)``.

    The premium is half the skew, in percent. A positive rate is paid by longs.
    """
    premium = market_skew / 2
    return premium + max(-_CLAMP_PERCENT, min(_CLAMP_PERCENT, _BASE_PERCENT - premium))


def rate_hourly(market_skew: Fraction) -> Fraction:
    """Give the hourly rate as a fraction of notional; positive is paid by longs."""
    return rate_8h_percent(market_skew) * _PERCENT / 8


def rates_by_side(long_oi: int, short_oi: int) -> tuple[Fraction, Fraction]:
    """Give what longs and shorts pay an hour (negative: receive), so that both totals match.

    The receiving side shares what the paying side pays: its rate is larger when it is smaller. Without a
    receiving side nobody pays.
    """
    rate = rate_hourly(skew(long_oi, short_oi))
    payer_oi, receiver_oi = (long_oi, short_oi) if rate > 0 else (short_oi, long_oi)
    if not payer_oi or not receiver_oi:
        return Fraction(0), Fraction(0)
    received = abs(rate) * payer_oi / receiver_oi
    return (rate, -received) if rate > 0 else (-received, -rate)


def hourly_accruals(
    positions: Iterable[Position], market_skew: Fraction, now_us: int
) -> tuple[tuple[Position, int], ...]:
    """Give each position's accrual for one hour, in micro-USD (negative: pays).

    Only positions of at least 8 hours take part, and the two sides are matched among them alone.
    """
    old = [position for position in positions if now_us - position.opened_at_us >= AGE_US_MIN]
    rate = rate_hourly(market_skew)
    payer = Side.LONG if rate > 0 else Side.SHORT
    payer_oi = sum(position.notional for position in old if position.side is payer)
    receiver_oi = sum(position.notional for position in old) - payer_oi
    if not rate or not payer_oi or not receiver_oi:
        return ()
    paid = abs(rate)
    received = paid * payer_oi / receiver_oi
    return tuple(
        (
            position,
            -ceil_micro(position.notional * paid)
            if position.side is payer
            else floor_micro(position.notional * received),
        )
        for position in old
    )

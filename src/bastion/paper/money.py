"""Money: amounts of a settle coin as integers of its smallest booked unit.

Dollar coins are booked in micro-units (1 unit = 0.000001). Coins worth far more than a dollar, such as BTC
for inverse contracts, are booked in billionths, so that a micro-dollar's worth of them is not rounded away.
"""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

Units = int

_MICRO_COINS = frozenset({"USDT", "USDC", "USD", "FDUSD", "BNFCR"})
_MICRO_DECIMALS = 6
_NANO_DECIMALS = 9


def decimals_of(coin: str) -> int:
    """Return how many decimals `coin` is booked with: 6 for dollar coins, 9 for all others."""
    return _MICRO_DECIMALS if coin in _MICRO_COINS else _NANO_DECIMALS


def to_units(coin: str, amount: Decimal) -> Units:
    """Return `amount` of `coin` in its booked units, rounded half to even."""
    with localcontext() as context:
        context.prec = 60
        return int(amount.scaleb(decimals_of(coin)).to_integral_value(rounding=ROUND_HALF_EVEN))


def from_units(coin: str, units: Units) -> Decimal:
    """Return booked `units` of `coin` as an exact decimal amount of the coin."""
    return Decimal(units).scaleb(-decimals_of(coin))

"""Figures.

Numbers as Binance writes them: strings, fixed notation, the instrument's own number of decimals.
"""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from bastion.paper.instrument import Instrument

_MONEY = Decimal("0.00000001")
_AVERAGE_DECIMALS = 5


def plain(value: Decimal) -> str:
    """Return `value` in fixed notation without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(value: Decimal) -> str:
    """Return an amount with eight decimals."""
    return f"{value.quantize(_MONEY, rounding=ROUND_HALF_EVEN):f}"


def decimals(step: Decimal) -> int:
    """Return how many decimals a tick or step has."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def price(value: Decimal, instrument: Instrument) -> str:
    """Return a price with the decimals of the instrument's tick."""
    return f"{value.quantize(Decimal(1).scaleb(-decimals(instrument.tick)), rounding=ROUND_HALF_EVEN):f}"


def quantity(value: Decimal, instrument: Instrument) -> str:
    """Return a quantity with the decimals of the instrument's step."""
    return f"{value.quantize(Decimal(1).scaleb(-decimals(instrument.step)), rounding=ROUND_DOWN):f}"


def average(value: Decimal, instrument: Instrument) -> str:
    """Return an average price, with at least five decimals and more where the tick is finer."""
    places = max(_AVERAGE_DECIMALS, decimals(instrument.tick) + 2)
    return f"{value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN):f}"

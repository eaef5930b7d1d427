"""Money: whole micro-USD inside, exact decimal text at the edge.

One micro-USD is a millionth of a US dollar. Prices and sizes use the same scale (a millionth of a
dollar, a millionth of a coin), so that no number in the venue is ever a float.
"""

import re
from fractions import Fraction
from typing import Final

MICRO: Final = 1_000_000
AMOUNT_MICRO_MAX: Final = 10**15
"""The largest amount that one command may name: a billion dollars."""

_PLAIN_DECIMAL: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)


def parse_micro(text: str) -> int:
    """Read a plain decimal such as ``"100.25"`` as micro-units, exactly.

    Signs, exponents, spaces and more than six fractional digits are refused: money is never rounded.

    Raises:
        ValueError: The text is no such number; the message says what is accepted.
    """
    if _PLAIN_DECIMAL.fullmatch(text) is None:
        raise ValueError("Write the amount as a plain decimal with at most 6 digits after the point.")
    whole, _, fraction = text.partition(".")
    return int(whole) * MICRO + int(fraction.ljust(6, "0"))


def exact_text(micro: int, *, digits_min: int) -> str:
    """Print micro-units exactly, with at least `digits_min` digits after the point (0 to 6)."""
    sign = "-" if micro < 0 else ""
    whole, rest = divmod(abs(micro), MICRO)
    fraction = f"{rest:06d}".rstrip("0").ljust(digits_min, "0") if rest else "0" * digits_min
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def margin_text(micro: int) -> str:
    """Print a margin, refund, deposit or withdrawal: ``"100.0"``."""
    return exact_text(micro, digits_min=1)


def usd_text(micro: int) -> str:
    """Print a balance, PnL, fee, price or spread: ``"750.25"``, ``"0.00"``."""
    return exact_text(micro, digits_min=2)


def size_text(micro: int) -> str:
    """Print a size in coins, trailing zeros trimmed: ``"-0.006667"``."""
    return exact_text(micro, digits_min=0)


def floor_micro(value: Fraction) -> int:
    """Round towards minus infinity: what a trader gains is floored."""
    return value.numerator // value.denominator


def ceil_micro(value: Fraction) -> int:
    """Round towards plus infinity: what a trader pays is ceiled."""
    return -(-value.numerator // value.denominator)


def round_half_up(value: Fraction, *, digits: int) -> str:
    """Print a rate with exactly `digits` digits after the point, halves away from zero."""
    scale = 10**digits
    scaled = abs(value) * scale
    units = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    whole, rest = divmod(units, scale)
    sign = "-" if value < 0 and units else ""
    return f"{sign}{whole}.{rest:0{digits}d}" if digits else f"{sign}{whole}"

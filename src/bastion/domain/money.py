"""Money: decimals with a name for what they measure; no float ever enters."""

from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import NewType

Price = NewType("Price", Decimal)
"""A price in quote currency per base unit (or per contract unit, as the venue quotes it)."""

Quantity = NewType("Quantity", Decimal)
"""A size in the unit in which the venue takes orders: base units or contracts."""

Usd = NewType("Usd", Decimal)
"""An amount of US dollars; USD stablecoins count 1:1."""

ZERO = Decimal(0)
USD_DIGITS = 8


def decimal(text: object) -> Decimal:
    """Return the finite decimal that a venue or a user wrote as text or integer.

    Raises:
        ValueError: `text` is no finite decimal number, or it is a float or a bool.
    """
    if isinstance(text, bool | float) or not isinstance(text, str | int | Decimal):
        message = f"not a decimal number: {type(text).__name__}"
        raise ValueError(message)  # noqa: TRY004 - callers treat every bad value alike
    try:
        value = Decimal(text)
    except InvalidOperation:
        message = f"not a decimal number: {str(text)[:40]!r}"
        raise ValueError(message) from None
    if not value.is_finite():
        message = f"not a finite number: {str(text)[:40]!r}"
        raise ValueError(message)
    return value


def round_usd(amount: Decimal) -> Decimal:
    """Return an amount with at most eight digits after the point, as answers show it."""
    exponent = amount.as_tuple().exponent
    return round(amount, USD_DIGITS) if isinstance(exponent, int) and exponent < -USD_DIGITS else amount


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Return the greatest multiple of `step` that is at most `value`; both are at least zero.

    A `step` of zero means that the venue states none, and gives `value` unchanged.
    """
    if step == ZERO:
        return value
    return (value / step).to_integral_value(ROUND_DOWN) * step


def written(value: Decimal) -> str:
    """Return a number for a sentence: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text

"""Book: what is offered in one contract now, and what taking a quantity from it would give."""

from collections.abc import Sequence
from decimal import Decimal

from bastion.domain.money import ZERO, Price, Quantity
from bastion.domain.order import Direction
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """All that rests at one price, in the unit in which the venue takes orders."""

    price: Price
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The best levels of one contract, best first, and the account's fee for taking from them.

    `taker_fee` is a fraction of the notional (0.0005 is 0.05 %); None where the venue does not say.
    """

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    taker_fee: Decimal | None = None

    def against(self, direction: Direction) -> tuple[Level, ...]:
        """Return the levels that an order in this direction takes from."""
        return self.bids if direction is Direction.SELL else self.asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What taking a quantity from the levels gives: `missing` is what they do not hold.

    `average_price` is that of what they do hold, None where they hold nothing.
    """

    average_price: Price | None
    missing: Quantity


def walk(levels: Sequence[Level], quantity: Decimal, *, inverse: bool = False) -> Walk:
    """Return what taking `quantity` from the levels, best first, would give now.

    The average is weighted by quantity; that of an inverse contract, whose quantity is in dollars, by coins.
    """
    left, spent, taken = quantity, ZERO, ZERO
    for level in levels:
        part = min(left, level.quantity)
        if part <= ZERO:
            continue
        taken += part
        spent += part / level.price if inverse else part * level.price
        left -= part
        if left <= ZERO:
            break
    if taken == ZERO:
        return Walk(average_price=None, missing=Quantity(left))
    average = taken / spent if inverse else spent / taken
    return Walk(average_price=Price(average), missing=Quantity(max(ZERO, left)))

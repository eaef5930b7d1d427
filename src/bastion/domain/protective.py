"""Protective orders: stop losses and take profits, which wait for a trigger and can only reduce."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from bastion.domain.money import ZERO, Price, Quantity, floor_to_step
from bastion.domain.order import Direction, OpenOrder
from bastion.domain.position import Position, Side
from bastion.shape import dataclass

HUNDRED = Decimal(100)
PERCENT = Decimal("0.01")


class Protection(StrEnum):
    """What a protective order is for."""

    STOP_LOSS = "stop_loss"
    """It fires when the mark price moves against the position."""
    TAKE_PROFIT = "take_profit"
    """It fires when the mark price moves in favour of the position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectiveRequest:
    """A trigger order that closes a position, or a part of it, at market once the mark price is reached.

    It names the position that it reduces and can express nothing else: there is no opening form and no
    reduce-only switch. `quantity` None means the whole position, whatever it is when the trigger fires; else
    it is at most the position's. `client_order_id` is ours, so that the order can be found again.
    """

    client_order_id: str
    position: Position
    kind: Protection
    trigger_price: Price
    quantity: Quantity | None = None

    def __post_init__(self) -> None:
        """Refuse a request that could not be one; a caller's mistake, never a venue's."""
        if self.trigger_price <= ZERO:
            raise ValueError("a trigger price is above zero")
        if self.quantity is not None and not ZERO < self.quantity <= self.position.quantity:
            raise ValueError("a protective order reduces its position, and by no more than it holds")

    @property
    def direction(self) -> Direction:
        """The direction that reduces the position."""
        return Direction.SELL if self.position.side is Side.LONG else Direction.BUY

    @property
    def rising(self) -> bool:
        """Whether it fires when the price rises to the trigger; else when it falls to it."""
        return fires_rising(self.kind, self.position.side)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectiveOrder:
    """A protective order that stands at a venue, whoever placed it.

    `whole` says that it closes the position whatever its size, by the venue's own form of that; `order` is
    what `Venue.cancel` takes. `quantity` is the venue's figure, zero where a whole one names none.
    """

    order: OpenOrder
    kind: Protection
    trigger_price: Price
    quantity: Quantity
    whole: bool

    def covers(self, position: Position) -> bool:
        """Return whether it closes all of the position as it is now."""
        return self.whole or self.quantity >= position.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """What came of a protective order: `order` stands; `replaced` are gone; `left` should be and are not.

    Each of `left` can only reduce; `note` says why it still stands, for a person to look at.
    """

    order: ProtectiveOrder
    replaced: tuple[ProtectiveOrder, ...] = ()
    left: tuple[ProtectiveOrder, ...] = ()
    note: str = ""


def fires_rising(kind: Protection, side: Side) -> bool:
    """Return whether an order of this kind fires when the price rises: a long's profit, a short's loss."""
    return (kind is Protection.TAKE_PROFIT) is (side is Side.LONG)


def fires_at_once(*, rising: bool, trigger: Decimal, mark: Decimal) -> bool:
    """Return whether a trigger would fire at this mark price; equality fires."""
    return mark >= trigger if rising else mark <= trigger


def safe_trigger(*, rising: bool, price: Decimal, tick: Decimal) -> Price:
    """Return the price on the tick at which the order fires rather sooner than later.

    That is the next tick towards the market: a long's stop is rounded up, its take profit down. A `tick` of
    zero means that the venue states none, and gives `price` unchanged.
    """
    below = floor_to_step(price, tick)
    return Price(below if rising or below == price else below + tick)


def distance_pct(trigger: Decimal, current: Decimal) -> Decimal:
    """Return |trigger - current| / current in percent, to two decimals (interface, section 5)."""
    return (abs(trigger - current) / current * HUNDRED).quantize(PERCENT, ROUND_HALF_EVEN)


def part_of(quantity: Quantity, percent: int, step: Decimal) -> Quantity:
    """Return that percentage of a quantity, rounded down to the lot step."""
    return Quantity(floor_to_step(quantity * percent / HUNDRED, step))


def replaced_by(
    request: ProtectiveRequest, standing: Sequence[ProtectiveOrder]
) -> tuple[ProtectiveOrder, ...]:
    """Return the standing orders that a new one takes the place of; the others stay.

    A whole one replaces those of its kind that close all of the position; a partial one replaces a partial
    one of its kind at the same price, so that several partial take profits can stand beside each other.
    """
    same = [each for each in standing if each.kind is request.kind]
    if request.quantity is None:
        return tuple(each for each in same if each.covers(request.position))
    return tuple(
        each
        for each in same
        if not each.covers(request.position) and each.trigger_price == request.trigger_price
    )


def first_to_fire(orders: Sequence[ProtectiveOrder], *, rising: bool) -> ProtectiveOrder | None:
    """Return the order that the market reaches first, None where there is none."""
    ordered = sorted(orders, key=lambda each: each.trigger_price, reverse=not rising)
    return ordered[0] if ordered else None

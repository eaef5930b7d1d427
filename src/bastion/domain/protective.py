"""Protective orders: stop losses and take profits, which wait for a trigger and can only reduce."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bastion.domain.money import ZERO, Price, Quantity
from bastion.domain.order import Direction, OpenOrder
from bastion.domain.position import Position, Side


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

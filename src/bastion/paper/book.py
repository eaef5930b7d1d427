"""Book: the synthetic depth of one instrument around its mark price."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from bastion.paper.order import Direction

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One price and the contracts offered there."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthShape:
    """Depth relative to the mark price: pairs of (ticks away from the mark, contracts), nearest first.

    `replenish_ms` is how long after it was taken a level is offered again; 0 means that it never runs dry
    between two orders.
    """

    bids: tuple[tuple[int, Decimal], ...]
    asks: tuple[tuple[int, Decimal], ...]
    replenish_ms: int = 0


class Book:
    """Synthetic levels that follow the mark price and remember what was taken from them."""

    def __init__(self, *, tick: Decimal, shape: DepthShape, centre: Decimal) -> None:
        self._tick = tick
        self._shape = shape
        self._centre = centre
        self._taken: dict[tuple[Direction, int], tuple[Decimal, int]] = {}

    @property
    def shape(self) -> DepthShape:
        """The depth as configured."""
        return self._shape

    def move(self, centre: Decimal) -> None:
        """Move all levels so that they surround `centre`; what was taken before is offered again."""
        self._centre = centre
        self._taken.clear()

    def reshape(self, shape: DepthShape) -> None:
        """Replace the depth."""
        self._shape = shape
        self._taken.clear()

    def levels(self, side: Direction, now_ms: int) -> Iterator[Level]:
        """Yield the levels of one side, best first: BUY are bids, SELL are asks.

        Empty levels are left out.
        """
        rows = self._shape.bids if side is Direction.BUY else self._shape.asks
        for offset_ticks, quantity in rows:
            price = self._centre - side.sign * offset_ticks * self._tick
            left = quantity - self._taken_at(side, offset_ticks, now_ms)
            if left > 0 and price > 0:
                yield Level(price=price, quantity=left)

    def take(self, side: Direction, price: Decimal, quantity: Decimal, now_ms: int) -> None:
        """Record that `quantity` was taken from the level at `price`."""
        if self._shape.replenish_ms == 0:
            return
        offset_ticks = int((self._centre - price) * side.sign / self._tick)
        taken = self._taken_at(side, offset_ticks, now_ms)
        self._taken[side, offset_ticks] = (taken + quantity, now_ms + self._shape.replenish_ms)

    def next_refill_ms(self) -> int | None:
        """Return when a level will be offered again, or None."""
        return min((until_ms for _, until_ms in self._taken.values()), default=None)

    def refill(self, now_ms: int) -> bool:
        """Offer again what is due; return whether anything was."""
        due = [level for level, (_, until_ms) in self._taken.items() if until_ms <= now_ms]
        for level in due:
            del self._taken[level]
        return bool(due)

    def _taken_at(self, side: Direction, offset_ticks: int, now_ms: int) -> Decimal:
        taken, until_ms = self._taken.get((side, offset_ticks), (ZERO, 0))
        return taken if now_ms < until_ms else ZERO

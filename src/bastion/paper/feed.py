"""Feed: price paths that play out over time."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePath:
    """A piecewise straight line of prices.

    `points` are (milliseconds since the epoch, price), in rising time order.
    """

    points: tuple[tuple[int, Decimal], ...]

    @property
    def ends_ms(self) -> int:
        """When the last point is reached."""
        return self.points[-1][0]

    def price_at(self, now_ms: int, tick: Decimal) -> Decimal:
        """Return the price at `now_ms`, rounded to `tick`; outside the path it is that of the nearest end."""
        before = self.points[0]
        for point in self.points:
            if point[0] > now_ms:
                return _between(before, point, now_ms, tick)
            before = point
        return _on_tick(before[1], tick)


def _between(start: tuple[int, Decimal], end: tuple[int, Decimal], now_ms: int, tick: Decimal) -> Decimal:
    if now_ms <= start[0] or end[0] == start[0]:
        return _on_tick(start[1], tick)
    share = Decimal(now_ms - start[0]) / Decimal(end[0] - start[0])
    return _on_tick(start[1] + (end[1] - start[1]) * share, tick)


def _on_tick(price: Decimal, tick: Decimal) -> Decimal:
    return (price / tick).to_integral_value(rounding=ROUND_HALF_EVEN) * tick

"""Tape: traded volume of one market, by the minute."""

from typing import Final

from bastion.paper.strike.money import MICRO

_MINUTE_US: Final = 60 * MICRO
_DAY_MINUTES: Final = 24 * 60
_HOUR_MINUTES: Final = 60


class Tape:
    """What was traded: micro-USD and counts, a bucket a minute for a day, and the total of all time."""

    __slots__ = ("_buckets", "total")

    def __init__(self) -> None:
        self._buckets: dict[int, tuple[int, int]] = {}
        self.total = 0

    def add(self, notional: int, at_us: int) -> None:
        """Record one trade."""
        self.total += notional
        minute = at_us // _MINUTE_US
        volume, trades = self._buckets.get(minute, (0, 0))
        self._buckets[minute] = (volume + notional, trades + 1)
        if len(self._buckets) > 2 * _DAY_MINUTES:
            newest = max(self._buckets)
            self._buckets = {
                minute: bucket for minute, bucket in self._buckets.items() if minute > newest - _DAY_MINUTES
            }

    def day(self, now_us: int) -> tuple[int, int]:
        """Give volume and number of trades of the last 24 hours."""
        return self._since(now_us, _DAY_MINUTES)

    def hour(self, now_us: int) -> int:
        """Give the volume of the last hour."""
        return self._since(now_us, _HOUR_MINUTES)[0]

    def _since(self, now_us: int, minutes: int) -> tuple[int, int]:
        first = now_us // _MINUTE_US - minutes
        recent = [bucket for minute, bucket in self._buckets.items() if minute > first]
        return sum(volume for volume, _ in recent), sum(trades for _, trades in recent)

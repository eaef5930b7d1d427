"""Market: one instrument's prices and depth."""

from dataclasses import dataclass
from decimal import Decimal

from bastion.paper.book import Book, DepthShape
from bastion.paper.feed import PricePath
from bastion.paper.instrument import Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What happened to an instrument since it was listed; `updates` counts changes of its book."""

    opening: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    turnover: Decimal
    updates: int


class Market:
    """An instrument that trades: its mark price, last price, synthetic book, and the path its price is on."""

    def __init__(
        self, *, instrument: Instrument, mark: Decimal, shape: DepthShape, funding_rate: Decimal = Decimal(0)
    ) -> None:
        self.instrument = instrument
        self.funding_rate = funding_rate
        self.mark = mark
        self.last = mark
        self.opening = mark
        self.high = mark
        self.low = mark
        self.volume = Decimal(0)
        self.turnover = Decimal(0)
        self.updates = 1
        self.path: PricePath | None = None
        self.book = Book(tick=instrument.tick, shape=shape, centre=mark)

    def move(self, price: Decimal) -> None:
        """Set the mark price; the synthetic market trades there too, so that the last price follows."""
        self.mark = price
        self.book.move(price)
        self.see(price)

    def see(self, price: Decimal) -> None:
        """Note a trade at `price`."""
        self.last = price
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.updates += 1

    def traded(self, price: Decimal, quantity: Decimal) -> None:
        """Note an execution for the day's figures."""
        self.see(price)
        self.volume += quantity
        self.turnover += quantity * price

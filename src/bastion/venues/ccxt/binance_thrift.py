"""Thrift: Binance's dear order lists give way to the positions while weight is short.

The two lists of all working orders weigh 40 each, the positions 5, an order nothing, and an address has 2400
a minute. An exit that needs many rounds, for a thin book or a contract that refuses, would else spend the
minute on the lists and then stand still with positions open.
"""

from collections.abc import Sequence

from bastion.domain.position import Position
from bastion.errors import Fault, VenueRejected
from bastion.ports import Clock
from bastion.venues.ccxt.venue import PartRead
from bastion.venues.deadline import Deadline
from bastion.venues.throttle import NS, Bucket

KEPT = 1600
"""Weight that only positions, questions and executions may use while a position is open."""
LEAST = 400
"""Weight below which the lists are not read at all while a position is open."""
GAP_S = 10.0
"""Between the two marks, the lists are read this often: an order can come to hold a position's size."""
PAIR_S = 1.0
"""So soon after such a reading a second one is let through: only two in a row prove that a part is closed
while other positions stay open."""


class Thrift:
    """Decides, look by look, whether the order lists are read."""

    def __init__(self, clock: Clock, weight: Bucket) -> None:
        self._clock = clock
        self._weight = weight
        self._held = False
        self._read_ns = 0
        self._paired = False

    def saw(self, positions: Sequence[Position]) -> None:
        """Hear what the latest reading of positions showed; without any, the lists are always read."""
        self._held = bool(positions)

    def doubted(self) -> None:
        """Hear that a reading without positions is not believed: they are taken to be there."""
        self._held = True

    def allows(self) -> bool:
        """Return whether the look that begins now reads the order lists."""
        now_ns = self._clock.monotonic_ns()
        free = self._weight.free()
        since_ns = now_ns - self._read_ns
        second = since_ns <= PAIR_S * NS and not self._paired
        due = since_ns >= GAP_S * NS or second
        if self._held and free < KEPT and (free < LEAST or not due):
            return False
        self._paired = second
        self._read_ns = now_ns
        return True


async def spared(_deadline: Deadline) -> PartRead:
    """Stand in for a list that is not read in this look, which therefore proves nothing.

    Raises:
        VenueRejected: always, as RATE_LIMIT; nothing was sent.
    """
    raise VenueRejected(
        "not sent: weight is short, and is kept for the open positions", fault=Fault.RATE_LIMIT
    )

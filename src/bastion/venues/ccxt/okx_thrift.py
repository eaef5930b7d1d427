"""OKX thrift: the many lists of algo orders give way to the positions while those are being closed.

Each ordType has a list of its own, and a user may read 20 lists in two seconds: three looks. Two of them are
kept for the proof that nothing is left; while a position is known to be open, no look can prove that. But two
looks in a row prove that a part is closed while other positions stay open, so that after looks without the
lists two with them follow each other, once the limit allows.
"""

from collections.abc import Sequence

from bastion.domain.order import OrderRequest, OrderState, OrderStatus
from bastion.domain.position import Position
from bastion.errors import Fault, VenueRejected
from bastion.venues.ccxt.okx_reads import ALGO_LISTS
from bastion.venues.ccxt.venue import PartRead
from bastion.venues.deadline import Deadline
from bastion.venues.throttle import Bucket

LOOKS_KEPT = 2


class AlgoThrift:
    """Decides, look by look, whether the lists of algo orders are read."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._open: set[tuple[str, str, str]] = set()
        self._wanted = False
        self._doubted = False
        self._spared = False
        self._second = False
        self._pressed = False

    def saw(self, positions: Sequence[Position]) -> None:
        """Hear what a reading of positions showed; without any, the lists are always read."""
        self._open = {position.key for position in positions if position.closable}
        self._doubted = False

    def doubted(self) -> None:
        """Hear that a reading without positions is not believed: some are taken to be there."""
        self._doubted = True

    def closed(self, request: OrderRequest, state: OrderState) -> None:
        """Hear what became of an order: one that filled a whole position leaves nothing open there."""
        whole = state.filled >= request.position.quantity
        if state.status is OrderStatus.FILLED and whole:
            self._open.discard(request.position.key)

    def blocked(self) -> None:
        """Hear that resting orders hold a position: the next look must show them."""
        self._wanted = True

    def pressed(self) -> None:
        """Hear that the next look is for a halt, or the proof of an exit: nothing but the lists ends it."""
        self._pressed = True

    def allows(self) -> bool:
        """Return whether the look that begins now reads the lists."""
        free = self._bucket.free()
        pressed, self._pressed = self._pressed, False
        if pressed:
            # The limit is one of two seconds: where too little is left, it is worth waiting for.
            self._spared = self._second = self._wanted = False
            return True
        second = self._second and free >= len(ALGO_LISTS)
        enough = second or free >= (LOOKS_KEPT + 1) * len(ALGO_LISTS)
        if (self._open or self._doubted) and not self._wanted and not enough:
            self._spared = True
            self._second = False
            return False
        self._second = self._spared and not second
        self._spared = False
        self._wanted = False
        return True


async def spared(_deadline: Deadline) -> PartRead:
    """Stand in for a list that is not read in this look, which therefore proves nothing.

    Raises:
        VenueRejected: always, as RATE_LIMIT; nothing was sent.
    """
    raise VenueRejected(
        "not sent: the venue's limit is kept for the looks that follow the open positions",
        fault=Fault.RATE_LIMIT,
    )

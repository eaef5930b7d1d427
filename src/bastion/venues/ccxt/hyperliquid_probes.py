"""Hyperliquid probes: how dear reads are asked of a host that fails, so that its minute outlasts the failure.

A request that fails weighs as much as one that is answered. A host that answers fast and badly is asked for
a whole minute's weight in two seconds, and once it is well again nothing can be read, proven or closed. So
what dear reads may weigh in vain is a part of the minute; beyond that they are sent one at a time.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bastion.errors import Fault, VenueError, VenueRejected
from bastion.venues.ccxt.hyperliquid_pace import DEAR, FOR_AN_ORDER, PROBES, URGENT_PROBES, VAIN, WEIGHT
from bastion.venues.throttle import Throttle

GOOD_FOR = 2
"""A good answer makes up for so many that were asked for in vain: a host that answers most is not spared."""
SPARED = "not sent: the venue fails, and weight is kept for when it answers again"


def was_not_sent(error: VenueError) -> bool:
    """Return whether the read only waits for its turn, which says nothing of the host."""
    return str(error) == SPARED


class Probes:
    """Lets dear reads pass, or one now and then; what failed counts for the address, whoever asked."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle

    @contextmanager
    def asking(self, what: Mapping[str, object], units: Mapping[str, int]) -> Iterator[None]:
        """Ask within.

        Raises:
            VenueRejected: RATE_LIMIT, not sent: the turn of the next probe has not come.
        """
        if units[WEIGHT] < DEAR:
            yield
            return
        vain, weight = self._throttle[VAIN], units[WEIGHT]
        if vain.free() < DEAR:
            # What an order needs has turns of its own: it does not wait for what only proves.
            turn = self._throttle[URGENT_PROBES if what["type"] in FOR_AN_ORDER else PROBES]
            if turn.free() == 0:
                raise VenueRejected(SPARED, fault=Fault.RATE_LIMIT)
            turn.charge(1)
        try:
            yield
        except VenueRejected as error:
            # What was not sent, or refused for a limit, says nothing of the host.
            if error.fault is not Fault.RATE_LIMIT:
                self._in_vain(weight)
            raise
        except VenueError:
            self._in_vain(weight)
            raise
        vain.refund(GOOD_FOR * weight)

    def _in_vain(self, weight: int) -> None:
        # Never more than is free: the first good answer is to open the way again, however much failed.
        vain = self._throttle[VAIN]
        vain.charge(min(weight, vain.free()))

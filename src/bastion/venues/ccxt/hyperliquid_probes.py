"""Hyperliquid probes: how dear reads are asked of a host that fails, so that its minute outlasts the failure.

A request that fails weighs as much as one that is answered. A host that answers fast and badly is asked for
a whole minute's weight in two seconds, and once it is well again nothing can be read, proven or closed. So
what dear reads may weigh in vain is a part of the minute; beyond that they are sent one at a time.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from bastion.errors import Fault, VenueError, VenueRejected, VenueUnreachable
from bastion.ports import Clock
from bastion.venues.ccxt.hyperliquid_pace import (
    DEAR,
    FAILED,
    FAILING,
    FOR_AN_ORDER,
    PROBES,
    PROOFS,
    READS,
    URGENT_PROBES,
    VAIN,
    WEIGHT,
)
from bastion.venues.ccxt.wire import when_leaving
from bastion.venues.throttle import NS, Throttle

GOOD_FOR = 1
"""A good answer makes up for so many that were asked for in vain: a host that answers most is not spared."""
KEPT_AN_ACCOUNT, KEPT_MOST = 240, 720
"""What is kept of the minute, while a host fails, for what proves an account once it is well: a look that
finds what rests, two that show nothing, and the executions; the second for all accounts of an address."""
GIVEN_UP_S = 1.0
"""A read that is given up so long after it left came to nothing; sooner, it says nothing of the host."""
NOT_REPEATED = "the connection ended without an answer; the venue fails, and was not asked once more"
SPARED = "not sent: the venue fails, and weight is kept for when it answers again"


def was_not_sent(error: VenueError) -> bool:
    """Return whether the read only waits for its turn, which says nothing of the host."""
    return str(error) == SPARED


class _Leaving:
    """When one read left; where `once` says so, it leaves no second time."""

    def __init__(self, clock: Clock, *, once: Callable[[], bool]) -> None:
        self._clock = clock
        self._once = once
        self.left_ns = 0
        self.refused = False
        """Whether it was to leave a second time, and did not."""

    @property
    def since_s(self) -> float:
        """For how many seconds it has been on its way; zero before it left."""
        return (self._clock.monotonic_ns() - self.left_ns) / NS if self.left_ns else 0.0

    def leave(self) -> None:
        """Hear that it is about to leave."""
        if self.left_ns and self._once():
            # It may have found a connection at its end; at a host that fails, it came to nothing.
            self.refused = True
            raise VenueUnreachable(NOT_REPEATED)
        self.left_ns = self._clock.monotonic_ns()


class Probes:
    """Lets dear reads pass, or one now and then; what failed counts for the address, whoever asked."""

    def __init__(self, throttle: Throttle, clock: Clock) -> None:
        self._throttle = throttle
        self._clock = clock
        self._answered_ns = 0

    @contextmanager
    def asking(
        self, what: Mapping[str, object], units: Mapping[str, int], *, due: bool = False
    ) -> Iterator[None]:
        """Ask within; what only proves, and is not `due`, leaves alone what is kept for a host that is well.

        Raises:
            VenueRejected: RATE_LIMIT, not sent: the turn of the next probe has not come.
        """
        vain, weight = self._throttle[VAIN], units[WEIGHT]
        dear = weight >= DEAR
        if PROOFS in units and not due and self._throttle[READS].free() - weight < self.kept:
            raise VenueRejected(SPARED, fault=Fault.RATE_LIMIT)
        if dear and vain.free() < DEAR:
            # What an order needs has turns of its own: it does not wait for what only proves.
            turn = self._throttle[URGENT_PROBES if what["type"] in FOR_AN_ORDER else PROBES]
            if turn.free() == 0:
                raise VenueRejected(SPARED, fault=Fault.RATE_LIMIT)
            turn.charge(1)
        leaving = _Leaving(self._clock, once=lambda: dear and self._repeats_nothing)
        try:
            with when_leaving(leaving.leave):
                yield
        except VenueRejected as error:
            # What was not sent, or refused for a limit, says nothing of the host.
            if error.fault is not Fault.RATE_LIMIT:
                self._in_vain(weight)
            raise
        except VenueError:
            self._in_vain(weight, lately=not leaving.refused)
            raise
        except asyncio.CancelledError:
            if leaving.since_s >= GIVEN_UP_S:
                self._in_vain(weight, fails=self._answered_ns < leaving.left_ns)
            raise
        self._answered_ns = self._clock.monotonic_ns()
        self._throttle[FAILING].refund(1)
        if dear:
            vain.refund(GOOD_FOR * weight)

    @property
    def fail(self) -> bool:
        """Whether the last read that the host could have answered came to nothing, a moment ago."""
        return self._throttle[FAILING].free() == 0

    @property
    def kept(self) -> int:
        """What is left to proofs for when the host is well: zero once all was answered for a while."""
        failed = self._throttle[FAILED]
        if failed.free() == failed.capacity:
            return 0
        return min(KEPT_AN_ACCOUNT * self._throttle.sharers, KEPT_MOST)

    @property
    def _repeats_nothing(self) -> bool:
        # Where all was answered for a while, an idle connection that ended says nothing of the host: were it
        # not asked once more, each probe could meet such an end, where their rhythm is that of the host.
        return self.fail or (self._throttle[VAIN].free() < self._throttle[VAIN].capacity and self.kept > 0)

    def _in_vain(self, weight: int, *, fails: bool = True, lately: bool = True) -> None:
        # Never more than is free: the first good answer is to open the way again, however much failed.
        vain, failing = self._throttle[VAIN], self._throttle[FAILING]
        failing.charge(failing.free() * fails)
        self._throttle[FAILED].charge(min(fails and lately, self._throttle[FAILED].free()))
        if weight >= DEAR:
            vain.charge(min(weight, vain.free()))

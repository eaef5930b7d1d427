"""Throttle: our own pacing, by a venue's published limits and by what its answers say.

Each limit is a `Bucket`. A request of which no byte left, since no connection came about, counts no longer
than it tried.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar

from bastion.errors import Fault, VenueRejected
from bastion.ports import Clock
from bastion.venues.bucket import ANYBODY, NS, Bucket, Claimant, Leaving, Limit, Remainder
from bastion.venues.calm import Calm

__all__ = ["ANYBODY", "NS", "Bucket", "Claimant", "Leaving", "Limit", "Throttle"]

_PAID: ContextVar[dict[Bucket, int] | None] = ContextVar("bastion_paid", default=None)


def _covered(bucket: Bucket | Remainder, units: int) -> int:
    """Return how many of these units are held already for whoever asks here, and count them as spent."""
    paid = _PAID.get()
    if paid is None or not isinstance(bucket, Bucket) or bucket not in paid:
        return 0
    covered = min(units, paid[bucket])
    paid[bucket] -= covered
    return covered


class Throttle:
    """The buckets of one account or address at one venue, and its silence after a ban.

    Buckets named in `shared` belong to the network address; accounts of one venue hand them to each other.
    """

    def __init__(
        self, clock: Clock, limits: Sequence[Limit | Leaving], *, shared: "Throttle | None" = None
    ) -> None:
        self._clock = clock
        self._own = {limit.name: Bucket(limit, clock) for limit in limits if isinstance(limit, Limit)}
        self._remainders = {
            limit.name: Remainder(self._own[limit.of], limit.kept, limit.level)
            for limit in limits
            if isinstance(limit, Leaving)
        }
        if shared is not None:
            self._remainders |= shared._remainders  # noqa: SLF001 - of the same class
        self._shared = shared
        self._calm = Calm()
        self._silent_until_ns = 0
        self._sharers = 0
        self._save: Callable[[], None] | None = None
        self._hushed: Callable[[float], None] | None = None
        if shared is not None:
            shared.joined()

    def __getitem__(self, name: str) -> Bucket:
        """Return a bucket by name."""
        bucket = self._own.get(name)
        if bucket is not None:
            return bucket
        if self._shared is None:
            raise KeyError(name)
        return self._shared[name]

    def __contains__(self, name: str) -> bool:
        """Return whether there is a bucket of that name."""
        return name in self._own or (self._shared is not None and name in self._shared)

    def way(self, name: str) -> Bucket | Remainder:
        """Return a bucket by name, or the second way of that name into one."""
        found = self._remainders.get(name)
        return found if found is not None else self[name]

    @property
    def sharers(self) -> int:
        """How many accounts share the limits of the address."""
        return max(1, self._sharers if self._shared is None else self._shared.sharers)

    @property
    def calm(self) -> Calm:
        """What is broken while one of the accounts that share the limits closes something."""
        return self._calm if self._shared is None else self._shared.calm

    def joined(self) -> None:
        """Hear that one more account shares these limits."""
        self._sharers += 1

    def saved_by(self, save: Callable[[], None]) -> None:
        """Call `save` whenever an account that shares these limits is closed."""
        self._save = save

    def closed(self) -> None:
        """Hear that an account is closed."""
        if self._save is not None:
            self._save()
        if self._shared is not None:
            self._shared.closed()

    @property
    def silent_s(self) -> float:
        """For how many seconds more nothing may be sent at all."""
        # Asked several times for each request: where there never was a silence, no clock is asked.
        until_ns = self._silent_until_ns
        left = max(0, until_ns - self._clock.monotonic_ns()) / NS if until_ns else 0.0
        return left if self._shared is None else max(left, self._shared.silent_s)

    def refuse_in_silence(self, deadline_s: float) -> None:
        """Return where a request of that deadline may be sent, or wait until it may.

        Raises:
            VenueRejected: RATE_LIMIT, not sent: the venue wants silence beyond the deadline.
        """
        silent = self.silent_s
        if silent >= deadline_s:
            raise VenueRejected(
                f"not sent: the venue wants silence for {silent:.0f} s more",
                fault=Fault.RATE_LIMIT,
                retry_after_s=silent,
            )

    def refuse_in_vain(self, units: Mapping[str, int], deadline_s: float) -> None:
        """Return where a request of these units may still be sent within that deadline.

        Raises:
            VenueRejected: RATE_LIMIT, not sent: what was spent gives back too little until then.
        """
        wait_s = max(self.way(name).wait_least_s(count) for name, count in units.items())
        if wait_s >= deadline_s:
            why = f"not sent within {deadline_s:.1f} s: the venue's limits are used up for now"
            raise VenueRejected(why, fault=Fault.RATE_LIMIT)

    def silence(self, seconds: float) -> None:
        """Send nothing for `seconds`: the venue has banned the address."""
        if self._shared is not None:
            self._shared.silence(seconds)
            return
        until = self._clock.monotonic_ns() + round(seconds * NS)
        # Each answer to what was on its way tells the same ban once more.
        news = until > self._silent_until_ns + NS
        self._silent_until_ns = max(self._silent_until_ns, until)
        if news and self._hushed is not None:
            self._hushed(seconds)

    def hushed_by(self, hushed: Callable[[float], None]) -> None:
        """Call `hushed` with the seconds of each silence that outlasts the one before it by a second."""
        self._hushed = hushed

    def charge(self, units: Mapping[str, int]) -> None:
        """Count units that left without having waited for their turn."""
        for name, count in units.items():
            self.way(name).charge(count)

    @asynccontextmanager
    async def reserved(
        self, name: str, units: int, *, within_s: float, claimant: Claimant = ANYBODY
    ) -> AsyncIterator[None]:
        """Hold units of a bucket for the requests made within, which then do not wait for theirs.

        Raises:
            TimeoutError: they were not free within that time; nothing is held.
        """
        bucket = self[name]
        units = min(units, bucket.capacity)
        async with asyncio.timeout(within_s):
            await bucket.reserve(units, claimant)
        paid = {bucket: units}
        token = _PAID.set(paid)
        try:
            yield
        finally:
            _PAID.reset(token)
            bucket.release(paid[bucket])

    @asynccontextmanager
    async def passage(
        self, units: Mapping[str, int], *, left: Callable[[], bool] = lambda: True
    ) -> AsyncIterator[None]:
        """Hold the units of these buckets while one request is on its way; the caller bounds the wait.

        The mapping's order is the order of waiting; callers name buckets in the same order everywhere. `left`
        tells in the end whether any byte of the request may have left: what did not, is not counted.
        """
        taken: list[tuple[Bucket | Remainder, int]] = []
        try:
            for name, count in units.items():
                bucket = self.way(name)
                covered = _covered(bucket, count)
                if covered:
                    taken.append((bucket, covered))
                if covered < count:
                    await bucket.take(count - covered)
                    taken.append((bucket, count - covered))
            while self.silent_s > 0:
                await self._clock.sleep(self.silent_s)
            yield
        finally:
            gone = left()
            for bucket, count in taken:
                if gone:
                    bucket.give_back(count)
                else:
                    bucket.release(count)

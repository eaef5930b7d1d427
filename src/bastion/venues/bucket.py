"""Bucket: the units of one published limit, and who is given them first where several wait.

A slot of a bucket counts from the moment it is taken until one window after its answer came. A venue counts
a request somewhere between those moments, so no window of the venue, rolling or fixed, can hold more than the
limit because of us. Waiting is first come, first served; who reserves waits behind that, by level.
"""

import asyncio
from bisect import insort
from collections import deque
from collections.abc import Sequence

from bastion.ports import Clock
from bastion.shape import dataclass

NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A published limit: at most `capacity` units within any `window_s` seconds."""

    name: str
    capacity: int
    window_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A second way into the limit `of`, behind everybody else: it leaves `kept` units of it untouched.

    `level` is how many of the needs that were announced are left to those who did, beside these.
    """

    name: str
    of: str
    kept: int
    level: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """Who reserves units; the lowest level comes first, then the lowest `since`.

    The level is also how many of the needs that each of the others announced are left to them.
    """

    who: object = None
    level: int = 0
    since: int = 0


ANYBODY = Claimant()


class _Place:
    """A place in the line of those who reserve; `first` is set when it comes to be the first one."""

    __slots__ = ("first", "key")

    def __init__(self, key: tuple[int, int, int]) -> None:
        self.key = key
        self.first = asyncio.Event()


class Bucket:
    """The units of one limit: taken in order, free again one window after they were given back."""

    def __init__(self, limit: Limit, clock: Clock) -> None:
        self._clock = clock
        self._capacity = limit.capacity
        self._window_ns = round(limit.window_s * NS)
        self._turn = asyncio.Lock()
        self._line: list[_Place] = []
        self._places = 0
        self._needs: dict[object, tuple[int, tuple[int, ...]]] = {}
        self._changed = asyncio.Event()
        self._flying = 0
        self._cooling: deque[tuple[int, int]] = deque()
        self._cool = 0
        self._foreign = (0, 0)
        self._spent = (0, 0)
        self._blocked_until_ns = 0
        self._refused_ns: int | None = None
        self._pause_ns = 0
        self._waiting = 0

    @property
    def capacity(self) -> int:
        """How many units one window holds."""
        return self._capacity

    @property
    def window_s(self) -> float:
        """After how many seconds a unit that was used is free again."""
        return self._window_ns / NS

    @property
    def backlog(self) -> int:
        """Units that are used or waited for now; below `capacity` means that one more would go at once."""
        return self._used(self._clock.monotonic_ns()) + self._waiting

    def resize(self, capacity: int) -> None:
        """Follow the venue's word about its present limit."""
        self._capacity = max(1, capacity)
        self._changed.set()

    def block(self, seconds: float) -> None:
        """Give out nothing for `seconds`: the venue said that this limit is exceeded."""
        until = self._clock.monotonic_ns() + round(seconds * NS)
        self._blocked_until_ns = max(self._blocked_until_ns, until)

    def exhausted(self, pause_s: float, *, most_s: float | None = None) -> float:
        """The venue says that the limit is used up, and not for how long; return the seconds of the pause.

        What we did not use ourselves, others of this address did, at times unknown: it is taken to come back
        evenly over one window. Nothing is given out for `pause_s` at first, and for twice as long each time
        that the venue says so again within a window, up to `most_s` or a whole one.
        """
        now = self._clock.monotonic_ns()
        if now >= self._blocked_until_ns:
            fresh = self._refused_ns is None or now - self._refused_ns > self._window_ns
            most_ns = self._window_ns if most_s is None else round(most_s * NS)
            self._pause_ns = min(round(pause_s * NS) if fresh else 2 * self._pause_ns, most_ns)
            self._refused_ns = now
            self._spent = (0, 0)
            self._spent = (max(0, self._capacity - self._used(now)), now)
            self._blocked_until_ns = now + self._pause_ns
        return (self._blocked_until_ns - now) / NS

    def answered(self, units: int) -> None:
        """Hear that a request of so many units was answered well: others left at least as much again."""
        spent = self._spent_now(self._clock.monotonic_ns())
        if spent:
            whole, since_ns = self._spent
            self._spent = (whole * max(0, spent - units) // spent, since_ns)
            self._changed.set()

    def observe(self, used: int, *, sent_ns: int, resets_in_s: float) -> None:
        """Follow the venue's own count: `used` units of the window, as the answer to a request says.

        `sent_ns` is when that request left. More than ours is what others spent. Less means that the venue's
        window has passed over our oldest units; those that were answered before the request left are the ones
        that its count must contain.
        """
        now = self._clock.monotonic_ns()
        self._foreign = (0, 0)
        self._used(now)
        settled = self._cool
        for free_ns, units in reversed(self._cooling):
            if free_ns - self._window_ns < sent_ns:
                break
            settled -= units
        while settled > used:
            free_ns, units = self._cooling.popleft()
            kept = max(0, units - (settled - used))
            if kept:
                self._cooling.appendleft((free_ns, kept))
            settled -= units - kept
            self._cool -= units - kept
        self._foreign = (max(0, used - self._used(now)), now + round(resets_in_s * NS))
        self._changed.set()

    def free(self) -> int:
        """How many units could be taken now without waiting."""
        now = self._clock.monotonic_ns()
        if now < self._blocked_until_ns:
            return 0
        return max(0, self._capacity - self._used(now))

    def wait_least_s(self, units: int) -> float:
        """Return the seconds before which so many units are certainly not free, whoever else gives back."""
        now = self._clock.monotonic_ns()
        self._used(now)
        missing, free_ns = self._cool + units - self._capacity, max(now, self._blocked_until_ns)
        for cool_ns, cooling in self._cooling:
            if missing <= 0:
                break
            missing, free_ns = missing - cooling, max(free_ns, cool_ns)
        return (free_ns - now) / NS

    async def take(self, units: int) -> None:
        """Wait for `units` of the limit, in order of arrival.

        Raises:
            ValueError: more units than one window holds.
        """
        if units > self._capacity:
            message = f"{units} units never fit into a window of {self._capacity}"
            raise ValueError(message)
        self._waiting += units
        try:
            async with self._turn:
                await self._until_free(units)
                self._flying += units
        finally:
            self._waiting -= units

    async def reserve(self, units: int, claimant: Claimant = ANYBODY, *, kept: int = 0) -> None:
        """Wait until `units` are free beside all that is waited for by `take`, and take them.

        Whoever takes in turn goes first; among those who reserve it goes by level, by since when, by arrival.
        `kept` are units that must be free beside them, and stay so.
        """
        wanted = min(units + kept, self._capacity)
        self._places += 1
        place = _Place(key=(claimant.level, claimant.since, self._places))
        insort(self._line, place, key=lambda one: one.key)
        self._changed.set()  # Who was the first until now may stand behind this one.
        try:
            while self._line[0] is not place or not await self._comes_free(wanted, claimant):
                if self._line[0] is not place:
                    await place.first.wait()
                    place.first.clear()
            self._flying += units
        finally:
            self._line.remove(place)
            if self._line:
                self._line[0].first.set()

    def announce(self, who: object, needs: Sequence[int], *, within_s: float) -> None:
        """Say what somebody will need within that time, the most urgent first; nothing ends it at once."""
        self._needs.pop(who, None)
        if any(needs):
            self._needs[who] = (self._clock.monotonic_ns() + round(within_s * NS), tuple(needs))
        self._changed.set()

    def promised(self, claimant: Claimant) -> int:
        """Return how many units that claimant leaves to what others have announced."""
        if not self._needs:
            return 0
        now = self._clock.monotonic_ns()
        for who in [who for who, (until_ns, _) in self._needs.items() if until_ns <= now]:
            del self._needs[who]
        return sum(
            sum(needs[: claimant.level])
            for who, (_, needs) in self._needs.items()
            if claimant.who is None or who is not claimant.who
        )

    async def ready(self) -> None:
        """Wait until one unit could be taken, in order of arrival, and take none."""
        async with self._turn:
            await self._until_free(1)

    def give_back(self, units: int) -> None:
        """The request of these units was answered or given up; they cool for one window."""
        self._flying -= units
        self.charge(units)
        self._changed.set()

    def release(self, units: int) -> None:
        """The request of these units never left: they are free at once."""
        self._flying -= units
        self._changed.set()

    def refund(self, units: int) -> None:
        """The newest request weighed that much less than was taken for it."""
        while units > 0 and self._cooling:
            free_ns, cooling = self._cooling.pop()
            if cooling > units:
                self._cooling.append((free_ns, cooling - units))
            self._cool -= min(units, cooling)
            units -= min(units, cooling)
        self._changed.set()

    def charge(self, units: int) -> None:
        """Count units that left without having waited for their turn."""
        self._cooling.append((self._clock.monotonic_ns() + self._window_ns, units))
        self._cool += units

    def charge_past(self, units: int, *, used_ns: int) -> int:
        """Count units that somebody else used at that monotonic moment; return it as `used` tells it."""
        insort(self._cooling, (used_ns + self._window_ns, units))
        self._cool += units
        return used_ns

    def used(self) -> Sequence[tuple[int, int]]:
        """Return when units were used that are not free again, and how many, the oldest first."""
        now = self._clock.monotonic_ns()
        self._used(now)
        flying = [(now, self._flying)] if self._flying else []
        return [*((free_ns - self._window_ns, units) for free_ns, units in self._cooling), *flying]

    async def _until_free(self, units: int) -> None:
        while (wait_ns := self._wait_ns(units)) != 0:
            await self._until_changed(wait_ns)

    async def _comes_free(self, units: int, claimant: Claimant) -> bool:
        """Return whether so many are free for that claimant now; if not, only once that may have changed."""
        wait_ns = self._wait_ns(units + self._waiting + self.promised(claimant))
        if wait_ns == 0:
            return True
        now = self._clock.monotonic_ns()
        lapses = [until_ns - now for until_ns, _ in self._needs.values()]
        await self._until_changed(min([*lapses, *([] if wait_ns is None else [wait_ns])], default=None))
        return False

    async def _until_changed(self, wait_ns: int | None) -> None:
        self._changed.clear()
        if wait_ns is None:
            # Every unit is in flight: nothing can become free before an answer comes.
            await self._changed.wait()
        else:
            await self._change(within_s=wait_ns / NS)

    async def _change(self, *, within_s: float) -> None:
        async with asyncio.TaskGroup() as group:
            waits = {
                group.create_task(self._clock.sleep(within_s)),
                group.create_task(self._changed.wait()),
            }
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    def _used(self, now: int) -> int:
        while self._cooling and self._cooling[0][0] <= now:
            self._cool -= self._cooling.popleft()[1]
        foreign = self._foreign[0] if now < self._foreign[1] else 0
        return self._flying + foreign + self._spent_now(now) + self._cool

    def _spent_now(self, now: int) -> int:
        units, since_ns = self._spent
        left_ns = since_ns + self._window_ns - now
        return -(-units * left_ns // self._window_ns) if left_ns > 0 else 0

    def _wait_ns(self, units: int) -> int | None:
        now = self._clock.monotonic_ns()
        if now < self._blocked_until_ns:
            return self._blocked_until_ns - now
        if self._used(now) + units <= self._capacity:
            return 0
        # The first to come free is the first that was used.
        moments = [self._cooling[0][0]] if self._cooling else []
        if now < self._foreign[1]:
            moments.append(self._foreign[1])
        spent = self._spent_now(now)
        if spent:
            # By then enough of it has come back, if nothing else is in the way.
            surplus = min(self._used(now) + units - self._capacity, spent)
            moments.append(now + -(-surplus * self._window_ns // self._spent[0]))
        return min(moments) - now if moments else None


class Remainder:
    """What a bucket has left beyond what is kept in it, behind all who take from the bucket itself."""

    def __init__(self, bucket: Bucket, kept: int, level: int = 0) -> None:
        self._bucket = bucket
        self._kept = kept
        self._claimant = Claimant(level=level)
        self.give_back, self.release, self.charge = bucket.give_back, bucket.release, bucket.charge
        self.promised = bucket.promised

    @property
    def capacity(self) -> int:
        """How many units one window holds, with what is kept."""
        return self._bucket.capacity

    @property
    def window_s(self) -> float:
        """After how many seconds a unit that was used is free again."""
        return self._bucket.window_s

    def free(self) -> int:
        """How many units could be taken now without waiting."""
        return max(0, self._bucket.free() - self._kept)

    def wait_least_s(self, units: int) -> float:
        """Return the seconds before which so many units are certainly not free."""
        return self._bucket.wait_least_s(units + self._kept)

    async def take(self, units: int) -> None:
        """Wait for `units` beyond what is kept."""
        await self._bucket.reserve(units, self._claimant, kept=self._kept)

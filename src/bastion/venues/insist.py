"""Insist: a read or cancel that fails or is late is asked for again, and the first good answer counts.

Reads change nothing at a venue, so asking twice costs weight and nothing else. One part that did not come
makes a whole look prove nothing; where a fifth of all calls fails and another fifth is late, a look of nine
parts hardly ever comes whole unless its parts are asked for again, each for itself, while the look lasts.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from math import inf
from statistics import median_low

from bastion.errors import Fault, OutcomeUnknown, VenueError, VenueRejected, VenueUnreachable
from bastion.ports import Clock
from bastion.venues.deadline import NS, Deadline
from bastion.venues.raw import Answer
from bastion.venues.throttle import Claimant, Throttle

ASKS_MAX, DEAR_ASKS_MAX = 5, 3
"""So often one read is asked for within its deadline; the second is for what is not cheap."""
LATE_OF_MEDIAN, LATE_IN_A_STORM = 1.5, 0.5
"""A read is late after so many times the median of what the venue's last answers took: where some answers
take much longer than most, the median tells of the most. The second is for cheap reads where many fail."""
STORM_SHARE, STORM_LEAST = 0.1, 3
"""Many fail where this share of the last asks did, and so many at least."""
CHEAP_OF_LIMIT = 200
"""Cheap is what a limit that comes back slowly allows so often."""
LATE_LEAST_S, DEAR_LATE_S, LATE_UNKNOWN_S = 0.25, 1.0, 1.0
"""A read is never late before the first, a dear one before the second; the third counts until the first
answers came."""
PAUSE_S = 0.05
"""How long after a failure the read is asked for again."""
TIMES_KEPT = 32
SHORT_WINDOW_S = 10.0
REPEATS_KEPT = 10
AGAIN_S, DEAR_AGAIN_S = 0.5, 2.0
"""So long after it was last asked for, at least, a read is asked for again: where a venue answers fast and
badly, asking at once would use up its limits in seconds. The second is for what is not cheap. Only what is
late for the first time is asked for sooner: one request may be lost where all others are answered."""

LAST = Claimant(level=9)
"""What the accounts of an address announced as needed is left to them."""

Ask = Callable[[], Awaitable[Answer]]


class Insistence:
    """Asks again for the reads of one account, as long as the venue's limits leave plenty.

    Of a limit that takes longer than `SHORT_WINDOW_S` to come back, what is asked once is left `REPEATS_KEPT`
    times what the read weighs, or half of the limit: dear lists are soon asked for once only, and the cheap
    list of positions nearly always again.
    """

    def __init__(self, clock: Clock, throttle: Throttle) -> None:
        self._clock = clock
        self._throttle = throttle
        self._took_ns: deque[int] = deque(maxlen=TIMES_KEPT)
        self._failed: deque[bool] = deque(maxlen=TIMES_KEPT)

    def late_s(self, units: Mapping[str, int]) -> float:
        """Return after how many seconds without an answer a read of that weight is asked for once more."""
        if not self._took_ns:
            return LATE_UNKNOWN_S
        failed = sum(self._failed)
        storm = failed >= STORM_LEAST and failed >= STORM_SHARE * len(self._failed)
        times = LATE_IN_A_STORM if storm and all(map(self._cheap, units, units.values())) else LATE_OF_MEDIAN
        return max(LATE_LEAST_S, times * median_low(self._took_ns) / NS)

    @property
    def took_s(self) -> float:
        """The median of what the last answers took; endless before there was any."""
        return median_low(self._took_ns) / NS if self._took_ns else inf

    async def read(self, ask: Ask, *, units: Mapping[str, int], deadline: Deadline) -> Answer:
        """Return the first good answer to `ask`, which ends by the deadline; the others are given up.

        Raises:
            VenueError: what asking last came to; at once where asking again would not help.
        """
        async with asyncio.TaskGroup() as group:
            result = await self._first(group, ask, units, deadline)
        if isinstance(result, VenueError):
            raise result
        return result

    async def _first(
        self, group: asyncio.TaskGroup, ask: Ask, units: Mapping[str, int], deadline: Deadline
    ) -> Answer | VenueError:
        flying = [group.create_task(self._asked(ask))]
        asked, asked_ns = 1, self._in(0)
        cheap = all(map(self._cheap, units, units.values()))
        least_ns = round((AGAIN_S if cheap else DEAR_AGAIN_S) * NS)
        again_ns = self._in(self.late_s(units) if cheap else max(DEAR_LATE_S, self.late_s(units)))
        result: Answer | VenueError = VenueUnreachable("not asked")
        try:
            while True:
                more = self._more(asked, units, deadline)
                done = await self._some(flying, again_ns if more else None)
                for task in done:
                    flying.remove(task)
                    result = task.result()
                    if isinstance(result, Answer) or not worth_asking_again(result):
                        return result
                    again_ns = max(self._in(PAUSE_S), asked_ns + least_ns)
                if not flying and not self._more(asked, units, deadline):
                    return result
                # Nothing came although it was waited for: then it is time, however clocks are rounded.
                if more and not done:
                    flying.append(group.create_task(self._asked(ask)))
                    asked, asked_ns = asked + 1, self._in(0)
                    again_ns = max(self._in(self.late_s(units)), asked_ns + least_ns)
        finally:
            for task in flying:
                task.cancel()

    def _in(self, seconds: float) -> int:
        return self._clock.monotonic_ns() + round(seconds * NS)

    async def _some(
        self, flying: list[asyncio.Task[Answer | VenueError]], until_ns: int | None
    ) -> list[asyncio.Task[Answer | VenueError]]:
        wait_s = None if until_ns is None else max(0, until_ns - self._clock.monotonic_ns()) / NS
        if not flying:
            await self._clock.sleep(wait_s or 0.0)
            return []
        done, _ = await asyncio.wait(flying, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        return [task for task in flying if task in done]

    async def _asked(self, ask: Ask) -> Answer | VenueError:
        begun_ns = self._clock.monotonic_ns()
        try:
            answer = await ask()
        except VenueError as error:
            self._failed.append(worth_asking_again(error))
            return error
        self._failed.append(False)
        self._took_ns.append(self._clock.monotonic_ns() - begun_ns)
        return answer

    def _more(self, asked: int, units: Mapping[str, int], deadline: Deadline) -> bool:
        most = ASKS_MAX if all(map(self._cheap, units, units.values())) else DEAR_ASKS_MAX
        return asked < most and not deadline.passed and all(map(self._plenty, units, units.values()))

    def _cheap(self, name: str, count: int) -> bool:
        bucket = self._throttle.way(name)
        return bucket.window_s <= SHORT_WINDOW_S or count * CHEAP_OF_LIMIT <= bucket.capacity

    def _plenty(self, name: str, count: int) -> bool:
        bucket = self._throttle.way(name)
        kept = min(bucket.capacity // 2, REPEATS_KEPT * count) if bucket.window_s > SHORT_WINDOW_S else 0
        return bucket.free() - bucket.promised(LAST) >= kept + count


def worth_asking_again(error: VenueError) -> bool:
    """Return whether the same request may be answered a moment later: nothing came, or a passing refusal.

    Where an answer came that cannot be believed, the next look asks again: such a venue answers fast, and
    would be asked until its limit is used up.
    """
    if isinstance(error, VenueRejected):
        return error.fault is Fault.RETRY
    return isinstance(error, VenueUnreachable | OutcomeUnknown)

"""Hyperliquid witness: the account's own executions beside its empty lists of positions.

Source: Hyperliquid docs, "Info endpoint" (Retrieve a user's fills, and by time): `startPosition` with the
execution's size is the position that it left, kept apart from the clearinghouse, which tells positions,
margin and account value on one page. Asked only where every list came empty: first the newest 2000, later
what came since.
"""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal

from bastion.domain.money import ZERO
from bastion.errors import Fault, VenueError, VenueRejected
from bastion.ports import Clock
from bastion.venues.ccxt import hyperliquid_rows as rows
from bastion.venues.ccxt.hyperliquid_dexes import Settled
from bastion.venues.ccxt.hyperliquid_fills import HyperliquidFills, left_by
from bastion.venues.ccxt.novelty import Novelty
from bastion.venues.ccxt.patience import Patience
from bastion.venues.ccxt.witness import Claim, size_claim
from bastion.venues.deadline import Deadline
from bastion.venues.throttle import NS

WAIT_S = 4.0
"""How long an empty look waits for nothing but the executions."""
CLOSED_S = 15.0
"""In a look that begins so soon after an order of ours closed something, an empty list is what is to be
expected."""
FRESH_S, HELD_FRESH_S = 5.0, 1.0
"""An answer that speaks against nothing stands for looks that begin so soon after it was asked for: both of a
proof may rest on it. The second is how long one stands that does."""

UNASKED = "the executions that could speak against it were not asked for, since this look proves nothing"


def positions_part(dex: str) -> str:
    """Return the name of the part that lists a dex's positions."""
    return f"positions {dex or 'main'}"


class HyperliquidWitness:
    """What the executions say is held, in coins whose closing was not our own doing."""

    def __init__(self, fills: HyperliquidFills, clock: Clock, settled: Settled) -> None:
        self._fills = fills
        self._settled = settled
        self._clock = clock
        self._left: dict[str, Decimal] = {}
        self._newest_ms: int | None = None
        self._read_ns: int | None = None
        self._patience = Patience(clock)
        self._failure, self._limited, self._failed_ns = "", False, -1
        self._novelty = Novelty()
        self._closed: set[str] = set()
        self._closed_ns: int | None = None
        self._look_ns = 0

    @property
    def contradicts(self) -> bool:
        """Whether executions that were read speak against the lists, not the want of them."""
        return not self._failure

    def look_begins(self) -> None:
        """Hear that the lists of a look are about to be asked for."""
        self._look_ns = self._clock.monotonic_ns()

    def closed(self, coin: str) -> None:
        """Hear that an order of ours took from a position: from then on the exit counts its executions."""
        self._closed.add(coin)
        self._closed_ns = self._clock.monotonic_ns()

    async def claims(
        self,
        dexes: Collection[str],
        listed: Callable[[str], bool],
        deadline: Deadline,
        *,
        asks: bool = True,
        wait_s: float = WAIT_S,
    ) -> tuple[Claim, ...]:
        """Return what speaks against the empty lists of these dexes; `listed` says which coins still trade.

        Executions that cannot be read speak against them as well, since nothing else could; so do those that
        are not asked for, unless `asks`, in a look that proves nothing in any case. They are waited for by
        `wait_s` at most.
        """
        if self._closed_ns is not None and self._look_ns - self._closed_ns < CLOSED_S * NS:
            return ()  # The account was shown whole, and the exit counts what it closed of it.
        self._overhear()
        held = {coin: size for coin, size in self._left.items() if size != ZERO}
        fresh, parts = self._is_fresh(held), frozenset(map(positions_part, dexes))
        if not fresh and not asks and not self._failed_now:
            return (Claim(words=UNASKED, parts=parts, limited=True),)
        if not fresh and self._patience.wait_s == 0:
            await self._ask(Deadline(self._clock, min(wait_s, deadline.left_s)))
        if self._failure:
            words = f"the executions that could speak against it were not read: {self._failure}"
            return (Claim(words=words, parts=parts, limited=self._limited),)
        found: list[Claim] = []
        for coin, size in sorted(self._left.items()):
            if size == ZERO or coin in self._closed or rows.is_spot(coin) or not listed(coin):
                continue
            if not await self._settled.has(coin, deadline):
                found.extend(size_claim(size, coin, (positions_part(rows.dex_of(coin)),)))
        return tuple(found)

    async def named(self, listed: Callable[[str], bool], deadline: Deadline) -> Mapping[str, Decimal]:
        """Return the signed size that the newest execution left in each perpetual, where it is not zero.

        Nothing where the host does not have the question. `listed` says which coins still trade.

        Raises:
            VenueError: they were not read.
        """
        begun_ns = self._clock.monotonic_ns()
        try:
            newest_ms, left = await self._fills.left_by_last(self._newest_ms, deadline)
        except VenueError as error:
            if self._novelty.refused(error):
                return {}
            raise
        self._novelty.answered()
        self._learn(begun_ns, newest_ms, left)
        return {
            coin: size
            for coin, size in sorted(self._left.items())
            if size != ZERO and not rows.is_spot(coin) and listed(coin)
        }

    def _is_fresh(self, held: Mapping[str, Decimal]) -> bool:
        if self._read_ns is None or self._failure:
            return False
        if held:
            # What speaks against the lists is asked again sooner: the position may be gone by now.
            return self._clock.monotonic_ns() - self._read_ns < HELD_FRESH_S * NS
        return self._look_ns - self._read_ns < FRESH_S * NS

    @property
    def _failed_now(self) -> bool:
        return bool(self._failure) and self._failed_ns >= self._look_ns

    def _overhear(self) -> None:
        # What others read of the executions tells the same; what speaks against the lists may be of before.
        told = self._fills.latest.since(self._newest_ms)
        if told is None or told[0] <= (self._read_ns or 0):
            return
        newest_ms, left = left_by(told[1], self._newest_ms)
        if not any({**self._left, **left}.values()):
            self._learn(told[0], newest_ms, left)

    def _learn(self, begun_ns: int, newest_ms: int, left: Mapping[str, Decimal]) -> None:
        self._left |= left
        self._newest_ms = newest_ms or None
        self._read_ns, self._failure = begun_ns, ""
        self._patience = Patience(self._clock)

    async def _ask(self, deadline: Deadline) -> None:
        begun_ns = self._clock.monotonic_ns()
        self._patience.failed()
        try:
            newest_ms, left = await self._fills.left_by_last(self._newest_ms, deadline)
        except VenueError as error:
            if not self._novelty.refused(error):
                self._failure, self._failed_ns = str(error), self._clock.monotonic_ns()
                self._limited = isinstance(error, VenueRejected) and error.fault is Fault.RATE_LIMIT
                return
            newest_ms, left = self._newest_ms or 0, {}
        else:
            self._novelty.answered()
        self._learn(begun_ns, newest_ms, left)

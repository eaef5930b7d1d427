"""Binance share: one account's part in the weight of an address that many accounts share.

A whole look weighs 85 and an address has 2400 a minute, so that a minute proves fourteen accounts, by two
looks each. Behind a crowd (more than eight accounts) weight is therefore spent in this order: what closes and
cancels, and the readings of positions that tell what is left to close (5); then the second whole look of
those that had one, then the first one of who waits longest; then figures; then whoever only watches. Each
account announces what it will need, and what comes later leaves that alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from enum import Enum

from bastion.errors import AnswerMalformed
from bastion.ports import Clock
from bastion.venues.calm import Calm
from bastion.venues.raw import Row
from bastion.venues.throttle import NS, Claimant, Throttle

FEW = 8
"""So many accounts are exited within a minute's weight without sparing: three whole looks of each and its
executions weigh 300."""
WHOLE, PAGE = 85, 5
"""What positions and both lists of orders weigh, and what the positions or the account's page do alone."""
CLOSING = 20
"""What is kept for an account whose positions are being closed: their reading, the page, and the sweep."""
WITHIN_S = 30.0
"""So long after it was announced last, nothing is kept for an account any more."""
KEPT_FOR_ACTS = 1200
"""Weight that watching leaves alone, beside all that was announced."""
AGAIN_S, VAIN_MOST = 30.0, 3
"""So often the lists are read of an account that is not proven, though nothing presses for them any more; and
after so many cheap looks."""
ANEW_S = 10.0
"""So long after two clean looks a third one is no longer taken for more of the same proof."""
CROWD_CALM_S = 1.0
"""For so long at most the first look behind an account's orders waits for orders of the crowd."""
PROVEN = 2
SECOND, FIRST, LATER = 1, 2, 3
"""Levels of claimants: the second whole look of a proof, the first one, and what is no proof."""
_ORDERS = ("bidNotional", "askNotional", "openOrderInitialMargin")


class Kind(Enum):
    """What a look reads: all; positions and the orders of their contracts; positions alone; nothing."""

    WHOLE = "whole"
    NEAR = "near"
    BARE = "bare"
    NOTHING = "nothing"


class Share:
    """What one account needs of the address's weight now, and what its next look reads."""

    def __init__(self, clock: Clock, throttle: Throttle, *, crowds: bool) -> None:
        self._clock = clock
        self._throttle = throttle
        self._weight = throttle["weight"]
        self._crowd_calm = throttle.calm
        self._crowds = crowds
        self._contracts: dict[str, bool] = {}
        self._listed: frozenset[str] = frozenset()
        self._held = True
        self._is_for_act = self._is_pressed = self._is_blocked = False
        self._calm = Calm()
        self._is_behind = False
        self._clean = self._vain = 0
        self._wanted_ns: int | None = None
        self._whole_ns = clock.monotonic_ns()
        self.moved_ns = 0
        """When our last order, or cancel of what could open, ended, or a position was shown last: what is to
        tell that none is there must be younger."""

    @property
    def is_crowd(self) -> bool:
        """Whether an exit of all accounts of the address takes more than a minute's weight."""
        return self._crowds and self._throttle.sharers > FEW

    @property
    def patience_s(self) -> float:
        """For how long what all accounts announced keeps the last of them waiting for its proof."""
        if not self.is_crowd:
            return 0.0
        owed = self._weight.promised(Claimant(level=LATER)) - self._weight.free()
        return self._weight.window_s * -(-owed // self._weight.capacity) if owed > 0 else 0.0

    @property
    def claimant(self) -> Claimant:
        """As whom the account waits for the weight of a whole look."""
        level = (FIRST, SECOND, LATER)[self._clean]
        return Claimant(who=self, level=level, since=self._wanted_ns or self._clock.monotonic_ns())

    def spare(self) -> int:
        """Return the weight that nobody has announced a need for."""
        return self._weight.free() - self._weight.promised(Claimant(level=LATER))

    def near(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the contracts in which to list the ordinary orders, and those for the conditional ones."""
        return (
            tuple(sorted(name for name, has_orders in self._contracts.items() if has_orders)),
            tuple(sorted(self._contracts)),
        )

    # What happens to the account.

    @contextmanager
    def acting(self, *, moves: bool) -> Iterator[None]:
        """Send something within that closes or cancels; `moves`: it can change what is held, or could be."""
        self._clean = 0
        crowd = self._crowd_calm if moves and self.is_crowd else None
        if crowd is not None:
            self._announce(closing=CLOSING)
            self._is_behind = True
        with self._calm, crowd if crowd is not None else nullcontext():
            try:
                yield
            finally:
                self._clean = 0
                if moves:
                    self.moved_ns = self._clock.monotonic_ns()

    async def calm(self, *, within_s: float) -> None:
        """Return once nothing that was sent waits for its answer, or after that long.

        The first look behind orders of this account waits for those of the whole crowd too, for a while:
        what the process and the venue compute for it would delay orders of others that are about to leave.
        """
        await self._calm.still(within_s=within_s)
        behind, self._is_behind = self._is_behind, False
        if behind:
            await self._crowd_calm.still(within_s=min(CROWD_CALM_S, within_s))

    def for_act(self) -> None:
        """Hear that the next look is for an act that has no good end yet."""
        self._is_for_act = True

    def pressed(self) -> None:
        """Hear that nothing but the lists of orders decides the next look."""
        self._is_pressed = True

    def blocked(self) -> None:
        """Hear that resting orders hold a position: the next look lists those of its contract."""
        self._is_blocked = True

    def doubted(self) -> None:
        """Hear that the positions were not read, or are not believed: they are taken to be there."""
        self._held = True

    def saw(self, rows: Sequence[Row], *, held: bool) -> None:
        """Hear what a reading of the positions listed, and whether any of it is a position."""
        if not self.is_crowd:
            return
        self._held = held
        if held:
            self.moved_ns = self._clock.monotonic_ns()
        for row in rows:
            self._contracts[row.text("symbol")] = _has_orders(row)
        for name in self._contracts.keys() - {row.text("symbol") for row in rows}:
            # Not listed any more: nothing is held there, and no ordinary order waits.
            self._contracts[name] = False

    def listed(self) -> None:
        """Hear that the orders of all contracts that were seen have been listed."""
        self._listed, self._is_blocked = frozenset(self._contracts), False

    # What its next look reads.

    def kind(self) -> Kind:
        """Return what the look that begins now reads."""
        pressed, self._is_pressed = self._is_pressed, False
        for_act, self._is_for_act = self._is_for_act, False
        now_ns = self._clock.monotonic_ns()
        self._vain = self._vain + 1 if for_act and not pressed else 0
        due = self._vain > VAIN_MOST and now_ns - self._whole_ns >= AGAIN_S * NS
        # While a position is open, lists are nothing to wait for.
        if pressed or (due and not (self._held and self.spare() < 2 * WHOLE)):
            if self._clean == PROVEN and now_ns - self._whole_ns >= ANEW_S * NS:
                self._clean = 0
            self._wanted_ns = self._wanted_ns or now_ns
            self._announce()
            return Kind.WHOLE
        if not for_act and not self._held and self.spare() < KEPT_FOR_ACTS:
            return Kind.NOTHING
        is_known = bool(self._contracts) and self._contracts.keys() <= self._listed
        return Kind.BARE if for_act and is_known and not self._is_blocked else Kind.NEAR

    def glancing(self) -> None:
        """Hear that the next look is a glance, which nothing decides but the positions."""
        self._is_for_act = self._is_pressed = False

    def granted(self) -> None:
        """Hear that the weight of a whole look was given: its second one is what is still needed."""
        self._weight.announce(self, (0, WHOLE if self._clean == 0 else 0), within_s=WITHIN_S)

    def looked(self, *, empty: bool) -> None:
        """Hear whether a whole look came complete and showed nothing to close or cancel."""
        self._whole_ns = self._clock.monotonic_ns()
        self._clean = min(self._clean + 1, PROVEN) if empty and self._calm.is_still else 0
        self._announce()
        if self._clean == PROVEN:
            self._wanted_ns = None
            self._contracts, self._listed = {}, frozenset()

    def _announce(self, *, closing: int = 0) -> None:
        needs = ((closing, 0, 2 * WHOLE), (0, WHOLE), ())[self._clean]
        self._weight.announce(self, needs, within_s=WITHIN_S)


def _has_orders(row: Row) -> bool:
    # Where it is not told, or not as documented, they are taken to be there.
    try:
        told = [row.decimal_or_none(name) for name in _ORDERS if name in row]
    except AnswerMalformed:
        return True
    return not told or any(told)

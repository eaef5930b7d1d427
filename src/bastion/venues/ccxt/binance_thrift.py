"""Thrift: Binance's dear order lists give way to the positions while weight is short.

The two lists of all working orders weigh 40 each, the positions 5, an order nothing, and an address has 2400
a minute. An exit that needs many rounds, for a thin book or a contract that refuses, would else spend the
minute on the lists and then stand still with positions open. A halt and the proof of an exit are about the
lists, and take them from what is kept.
"""

from collections.abc import Callable, Sequence

from bastion.domain.position import Position
from bastion.errors import Fault, VenueRejected
from bastion.ports import Clock
from bastion.venues.ccxt.in_turn import SPARED
from bastion.venues.ccxt.patience import Patience
from bastion.venues.ccxt.venue import PartRead
from bastion.venues.deadline import Deadline
from bastion.venues.throttle import NS, Bucket, Claimant

MINUTE = 2400
"""The weight of a minute of which these are shares: of Portfolio Margin's 6000 they are as much more."""
KEPT = 1600
"""Weight that only positions, questions and executions may use while a position is open."""
SCARCE = 1200
"""Weight below which the lists are read from time to time only, also where no position is open: answers that
come malformed for a while, or the watch after an exit, must not use up what the next act needs."""
LEAST = 400
"""Weight below which the lists are not read at all while a position is open."""
SPREAD = 1000.0
"""Weight that is spread over the minute: else a host that lies or fails for a while would use it up within
seconds, and what proves an account flat once the host is well would wait for the next minute."""
GAP_S = 10.0
"""While weight is short, the lists are read this often: an order can come to hold a position's size. While a
position is shown, executions and second sources too: a round in an empty book asks for both."""
ASKED_S = 2.0
"""The same while none is shown: then a verdict waits for what they tell."""
NEEDED_S = 15.0
"""So long after its last act or proof, the weight of an account's proof is left alone by the others."""
PROVEN = 2
"""After so many whole looks without a position that is no more so."""
WHOLE = 90
"""What a whole look weighs."""
BLOCKED_GAP_S = 3.0
"""So long after such a reading, being told that an order holds a position is reason enough for another."""
PAIR_S = 1.0
"""So soon after such a reading was asked for, or came, a second one is let through: only two in a row prove
that a part is closed while other positions stay open."""

QUICK_S = 0.5
"""A host that fails and answers faster than this is asked for one part of a look after the other."""

LISTS = frozenset({"orders", "conditional orders"})
LISTS_MOST_S = 4.0
"""So long, at most, lists that failed are not asked for again, where the host goes on to fail."""


class Thrift:
    """Decides, look by look, whether the order lists are read."""

    def __init__(self, clock: Clock, weight: Bucket, *, shares: Callable[[], bool] = lambda: False) -> None:
        self._clock = clock
        self._weight = weight
        self._shares = shares
        self._clean = 0
        self._held = True
        self._wanted = False
        self._refused: set[str] = set()
        self._pressed = 0
        self._paid = False
        self._came_ns = 0
        self._shown = self._moved = False
        self._ended = self._renewed = False
        self._asked_ns: dict[str, int] = {}
        self._patience = Patience(clock, most_s=LISTS_MOST_S)
        self.read = (0, False)
        """When the lists were read last, and whether that was the second of two in a row."""
        self.insists = False
        """Whether the lists of the look that begins now are wanted although a position is open."""
        self.failed: frozenset[str] = frozenset()
        """The parts of the last look that did not come, for want of an answer that can be believed."""

    def saw(self, positions: Sequence[Position]) -> None:
        """Hear what the latest reading of positions showed; without any, the lists are always read."""
        self._held = self._shown = bool(positions)
        self._moved = False
        refused, self._refused = self._refused, set()
        if any(position.instrument in refused for position in positions):
            self._wanted = True

    def filled(self) -> None:
        """Hear that an order of ours was filled: the next look may show nothing any more."""
        self._moved = True
        self._acted()

    def ends(self) -> None:
        """Hear that orders are cancelled: what was read before is no first look of a proof, the next one is.

        Once, until a reading comes by its own turn: whoever places orders anew must not use up the minute.
        """
        if not self._renewed:
            self._ended = self._renewed = True

    def refused(self, instrument: str) -> None:
        """Hear that a close found nothing to reduce: something may hold its position, if that is shown."""
        self._refused.add(instrument)
        self._acted()

    def ask(self, what: str) -> None:
        """Return where a question about what was done may be asked now; those of one moment are one question.

        Raises:
            VenueRejected: RATE_LIMIT; nothing was sent.
        """
        now_ns = self._clock.monotonic_ns()
        since_ns = now_ns - self._asked_ns.get(what, now_ns)
        if 0 < since_ns < (GAP_S if self._shown else ASKED_S) * NS and self._weight.free() < self._line():
            raise VenueRejected(SPARED, fault=Fault.RATE_LIMIT)
        self._asked_ns[what] = now_ns

    def closes(self) -> bool:
        """Return whether the look that begins now only has to find what is left of positions just shown."""
        return self._shown and not self._moved and self._free() < KEPT

    def goes_in_turn(self, took_s: float) -> bool:
        """Return whether the look that begins now asks for one part after the other: the host fails.

        Where its answers take long, `took_s` each, that would too; then only while weight is short.
        """
        return bool(self.failed) and (took_s < QUICK_S or self._free() < KEPT)

    def rests(self) -> bool:
        """Return whether the lists, which failed lately, are not to be asked for yet."""
        return self._patience.wait_s > 0

    def looked(self, *, came: frozenset[str], failed: frozenset[str]) -> None:
        """Hear which parts of a look came, and which were asked for and did not."""
        if failed & LISTS:
            self._patience.failed()
        elif came & LISTS:
            self._patience.answered()
        if came >= LISTS:
            self._came_ns = self._clock.monotonic_ns()
        self.failed = failed or self.failed - came
        clean = came >= LISTS and not (failed or self._shown)
        self._clean = min(self._clean + 1, PROVEN) if clean else 0
        if self._clean == PROVEN:
            self._weight.announce(self, (), within_s=NEEDED_S)

    def doubted(self) -> None:
        """Hear that the positions were not read, or are not believed: they are taken to be there."""
        self._held = True

    def blocked(self) -> None:
        """Hear that resting orders hold a position: nothing closes it before a look shows them."""
        self._wanted = True

    def pressed(self, *, halting: bool) -> None:
        """Hear that the next look is for a halt, or the proof of an exit: nothing but the lists ends it.

        An exit whose positions are closed leaves one whole look to a halt that may follow, unless only one
        is missing to its proof.
        """
        self._pressed = WHOLE if halting or self._clean else 2 * WHOLE
        self._needs()

    def owes(self) -> int:
        """Return what must be free before the look that begins now; 0 where it can begin at once.

        Where nothing but whole lists help, a look without them proves nothing, and many accounts behind one
        address would spend its minute on such looks.
        """
        if self._weight.free() >= self._pressed:
            return 0
        owed, self._pressed = self._pressed, 0
        return owed

    def paid(self) -> None:
        """Hear that the weight of the next look is held for it."""
        self._paid = True

    def allows(self, *, closing: bool = False) -> bool:
        """Return whether the look that begins now reads the order lists.

        `closing` says that it is only to find what is left of the positions that the last one showed. Where
        no order of ours was filled since, the lists would be read for nothing.
        """
        now_ns = self._clock.monotonic_ns()
        free = self._weight.free()
        read_ns, paired = self.read
        since_ns = now_ns - read_ns
        self.insists = self._wanted or since_ns >= GAP_S * NS
        pressed, self._pressed = self._pressed, 0
        paid, self._paid = self._paid, False
        spends = free >= self._line()
        others = self._others()
        # A proof that failed only might help now: what others need for theirs is not tried away on it.
        proves = pressed and free >= pressed + others and (spends or not (self.failed and others))
        if paid or proves:
            self._wanted = self._ended = self._renewed = False
            self.read = (now_ns, False)
            return True
        # Behind a look that failed there is no first one to which this would be the second.
        second = now_ns - max(read_ns, self._came_ns) <= PAIR_S * NS and not (paired or self.failed)
        # One look alone proves nothing, but the first one of a process finds what there is.
        helps = not read_ns or (not self._held and free >= 2 * WHOLE)
        due = since_ns >= GAP_S * NS and (spends or helps)
        if closing and not self._moved and not self._wanted and since_ns < GAP_S * NS:
            return False
        blocked = since_ns >= (BLOCKED_GAP_S if spends else GAP_S) * NS
        wanted = self._wanted and free >= WHOLE and blocked
        share = self._free()
        short = not spends or share < (KEPT if self._held else SCARCE)
        if short and not wanted and (not (due or second) or (self._held and share < LEAST)):
            return False
        self._wanted = False
        self.read = (now_ns, second and not self._ended)
        self._ended, self._renewed = False, self._renewed and second
        return True

    def _acted(self) -> None:
        self._clean = 0
        self._needs()

    def _needs(self) -> None:
        if self._shares():
            self._weight.announce(self, ((PROVEN - self._clean) * WHOLE,), within_s=NEEDED_S)

    def _others(self) -> int:
        return self._weight.promised(Claimant(who=self, level=1)) if self._shares() else 0

    def _line(self) -> float:
        # What is spent only while there is more: the proofs of all accounts, and what the minute still needs.
        proofs = self._others() + 2 * WHOLE
        wait_s = self._weight.wait_least_s(self._weight.free() + proofs)
        return proofs + SPREAD * self._scale() * min(wait_s / self._weight.window_s, 1.0)

    def _scale(self) -> float:
        return max(1.0, self._weight.capacity / MINUTE)

    def _free(self) -> float:
        return self._weight.free() / self._scale()


async def spared(_deadline: Deadline) -> PartRead:
    """Stand in for a list that is not read in this look, which therefore proves nothing.

    Raises:
        VenueRejected: always, as RATE_LIMIT; nothing was sent.
    """
    raise VenueRejected(SPARED, fault=Fault.RATE_LIMIT)

"""Hyperliquid pace: the published limits of an address, and which order lists a look can afford.

Source: Hyperliquid docs, "Rate limits and user limits": 1200 weight a minute for each IP address; an action
weighs 1 + floor(items / 40), `userRole` 60, light reads 2, all other reads 20 and one more for each 20 rows
of some lists. The answers carry no count, so only our own spending is known. Reads leave a part of the weight
to actions. HTTP 429 names no time: what others spent of the minute is then taken to come back evenly over it.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import inf

from bastion.errors import AnswerMalformed
from bastion.ports import Clock
from bastion.venues.ccxt.faults import Refusal
from bastion.venues.ccxt.patience import Patience
from bastion.venues.raw import Answer
from bastion.venues.throttle import NS, Bucket, Claimant, Leaving, Limit, Throttle

WEIGHT, READS, PROOFS = "weight", "reads", "proofs"
VAIN, PROBES, URGENT_PROBES, FAILING = "vain", "probes", "urgent probes", "failing"
FAILED = "failed"
_MINUTE_S = 60.0
_CAPACITY = 1200
FOR_ACTIONS, _FOR_FINDING, _FOR_CLOSING = 120, 20, 20
_FOR_CLOSES, _FOR_A_SECOND, _FOR_CANCELS = 20, 44, 4
"""So much of that is left while an account is seen to hold something; else what a second look takes after
the first, with what cancels need, and that alone after the second."""
HELD_S = 30.0
"""So long, without another look, what an account that was seen to hold something needs is left to it."""
ADDRESS_LIMITS = (
    Limit(name=WEIGHT, capacity=_CAPACITY, window_s=_MINUTE_S),
    Limit(name=READS, capacity=_CAPACITY - FOR_ACTIONS, window_s=_MINUTE_S),
    # What only proves leaves this much to what finds positions, and what was announced to what writes orders;
    # it queues apart.
    Leaving(name=PROOFS, of=READS, kept=_FOR_FINDING, level=1),
    # Not the venue's: what dear reads may weigh that fail, and how often they are tried beyond that.
    Limit(name=VAIN, capacity=180, window_s=_MINUTE_S),
    Limit(name=PROBES, capacity=1, window_s=5.0),
    Limit(name=URGENT_PROBES, capacity=1, window_s=2.5),
    # Taken by a read that came to nothing, given back by one that was answered: so a host is known to fail.
    Limit(name=FAILING, capacity=1, window_s=5.0),
    # Taken by each such read, and given back by none: what is free tells whether all was well for so long.
    Limit(name=FAILED, capacity=_CAPACITY, window_s=3.0),
)
KEPT_COUNTS = (WEIGHT,)
"""No answer tells what was used of it, so one process leaves its count to the next. What reads leave to
actions each counts for itself: an exit after commands that read much has that for its first reads."""
FORBIDDEN, FOUND = 403, 200
PAUSE_S, PAUSE_MOST_S = 2.0, 8.0
"""After the second, what comes back of a minute evenly is enough for the most urgent; a longer silence would
outlast the refusals of most outages."""
SILENCE_S = 30.0

WHOLE = 60
"""What a look with its lists weighs, where one dex is used beside the main one."""
_ITEMS_A_WEIGHT = 40
_LIGHT, _HEAVY, _ROLE = 2, 20, 60
DEAR = _HEAVY
_ROWS_MARGIN, _ROWS_MORE, _ROWS_A_WEIGHT = 20, 2, 20
_LIGHT_READS = frozenset(
    {"l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState", "exchangeStatus"}
)
FATE = "orderStatus"
_RECENT, _RECENT_ROWS = "userFillsByTime", 60
"""Asked for what came since an exit began, which is seldom more than that."""
ROW_READS = frozenset({"userFills", "userFillsByTime", "historicalOrders"})
FOR_AN_ORDER = frozenset({"metaAndAssetCtxs", "spotMeta", "userRole", "extraAgents"})
"""Dear reads without which no order can be written."""
_BEFORE_PROOFS = FOR_AN_ORDER | {"perpDexs"}
"""And with the one without which positions are not found: what only proves leaves weight to these."""


def read_units(kind: str, *, rows: int | None = None) -> Mapping[str, int]:
    """Return the weight of one read; of lists that weigh by their rows, with a margin for 400 of them.

    Where the same list had so many `rows` when it came last, for a few more than those; at first for few,
    where it tells of what came since an exit began.
    """
    weight = _LIGHT if kind in _LIGHT_READS else _ROLE if kind == "userRole" else _HEAVY
    if rows is None and kind == _RECENT:
        rows = _RECENT_ROWS
    if kind in ROW_READS:
        weight += _ROWS_MARGIN if rows is None else min(_ROWS_MARGIN, _weight_of(rows) + _ROWS_MORE)
    if kind in _LIGHT_READS or kind in _BEFORE_PROOFS:
        return {READS: weight, WEIGHT: weight}
    return {PROOFS: weight, WEIGHT: weight}


def drawn(throttle: Throttle, units: Mapping[str, int], *, last: bool = False) -> Mapping[str, int]:
    """Return what a read of an exit takes: where reads have no more, of what actions do not need any more.

    While an account of the address is seen to hold something, only what finds positions and writes orders
    takes of it: without that, no action would follow. `last` says that one look is missing to a proof: a
    first one without a second would be in vain, as are positions without lists.
    """
    weight, reads, lists = units[WEIGHT], throttle[READS], PROOFS in units
    enough = reads.free() >= weight + (_FOR_FINDING if lists else 0)
    held = reads.promised(Claimant(level=1)) > 0
    if enough or (held and lists):
        return units
    kept = _FOR_CLOSES if held else _FOR_CANCELS if last and lists else _FOR_A_SECOND
    return {WEIGHT: weight} if throttle[WEIGHT].free() >= weight + kept else units


def weigh_rows(throttle: Throttle, answer: Answer, units: Mapping[str, int]) -> None:
    """Count a list that weighs by its rows as what it weighed, once its rows are known; an error has none."""
    margin = units[WEIGHT] - _HEAVY
    if PROOFS not in units or margin <= 0:
        return
    listed: object = []
    if answer.status == FOUND:
        try:
            listed = answer.value
        except AnswerMalformed:
            return
    if not isinstance(listed, list):
        return
    weighed = _weight_of(len(listed))
    for name in (READS, WEIGHT):
        if weighed <= margin:
            throttle[name].refund(margin - weighed)
        else:
            throttle[name].charge(weighed - margin)


def _weight_of(rows: int) -> int:
    return -(-rows // _ROWS_A_WEIGHT)


def room_shown(throttle: Throttle, answer: Answer, units: Mapping[str, int]) -> None:
    """Hear of an answer: after a refusal for the limit, each good one shows that there is room again."""
    if answer.status == FOUND:
        for name in (READS, WEIGHT):
            throttle[name].answered(units[WEIGHT])


def action_units(items: int) -> Mapping[str, int]:
    """Return the weight of one action."""
    return {WEIGHT: 1 + items // _ITEMS_A_WEIGHT}


def slow_down(throttle: Throttle, refusal: Refusal, answer: Answer) -> Refusal:
    """Hold back what the refusal asks us to hold back; return it with the wait that it means."""
    if answer.status == FORBIDDEN:
        pause = refusal.retry_after_s or SILENCE_S
        throttle.silence(pause)
        return replace(refusal, retry_after_s=pause)
    if refusal.code == "AddressLimit":
        return refusal
    first_s = refusal.retry_after_s or PAUSE_S
    pauses = [
        throttle[name].exhausted(first_s, most_s=max(first_s, PAUSE_MOST_S)) for name in (READS, WEIGHT)
    ]
    return replace(refusal, retry_after_s=max(pauses))


class Thrift:
    """Decides which lists are read: one of orders weighs 20, one of executions 40, a dex's positions 2.

    As long as weight is plenty, all are read. Then a dex on which the account holds neither money nor
    positions, and on which no order stood, is read every 30 s only. While a position is open, orders are
    then read once a second at most, and when weight is short the lists give way to the positions for 10 s at
    a time; lists of executions do so sooner, to one each 2 s, as the fates of orders do. Orders and reads
    that fail or lag are repeated often, and would leave nothing for what proves an account flat once its
    positions are closed: three looks and a list of executions, for which a part is kept.
    """

    def __init__(self, clock: Clock, reads: Bucket) -> None:
        self._clock = clock
        self._reads = reads
        self._unused_ns: dict[str, int] = {}
        self._held = self._moved = self._doubted = False
        self._lists_ns = self._listed_ns = 0
        self._due = False
        self.sighted = False
        """Whether a position was shown, and no whole look since then showed none."""
        self.rows: dict[str, int] = {}
        """How many rows each list of executions had when it came last."""
        self._executions_ns: dict[str, int] = {}
        self._acted_ns = -1
        self._fates_ns = -round(self.FATES_GAP_S * NS)
        self._failing: dict[str, Patience] = {}
        self._pressed = 0
        self._lists = Patience(clock, most_s=self.LISTS_MOST_S)
        self._deferred = self._undecided = self._proof = False
        self.proves = self.half_proven = False
        """Whether the look that began last may be one of those that prove an exit, and whether a whole look
        has shown no position since the last action."""

    PLENTY = 700
    KEPT = 300
    GAP_S = 10.0
    UNUSED_S = 30.0
    EXECUTIONS_GAP_S = 1.0
    UNDECIDED_GAP_S = 5.0
    FATES_GAP_S = 2.0
    KEPT_FOR_PROOF = 240
    HELD_GAP_S = 1.0
    LISTS_MOST_S = 4.0

    def saw(self, *, held: bool, sighted: bool = False, empty: bool = False) -> None:
        """Hear whether the latest look showed a position, or could not tell; `sighted`, whether it did.

        `empty` says that every list came and showed none, and that only a witness was not asked.
        """
        self._held = held
        self.sighted = sighted or (held and self.sighted)
        self._reads.announce(self, (_FOR_CLOSING,) if held and not empty else (), within_s=HELD_S)
        self._moved = False

    def looked(self, *, whole: bool, held: bool) -> None:
        """Hear whether a look came whole, and whether it showed a position."""
        self.half_proven = not held and (whole or self.half_proven)

    def doubted(self) -> None:
        """Hear that an empty list of positions was not believed: those of orders prove nothing beside it."""
        self._held = self._doubted = True

    def listed(self, *, failed: bool, unasked: bool = False) -> None:
        """Hear whether a look that was to ask for the lists of orders got them all from the venue."""
        if failed:
            self._lists.failed()
        elif unasked:
            # They are due as long as before.
            self._lists_ns = self._listed_ns
        else:
            self._lists = Patience(self._clock, most_s=self.LISTS_MOST_S)

    def filled(self, *, wholly: bool = True) -> None:
        """Hear that an order of ours was filled: the next look may show nothing any more.

        What was filled in part leaves something; where weight is short, the lists wait until that is gone.
        """
        self._moved = self._moved or wholly or self.is_plenty

    def acted(self) -> None:
        """Hear that an action leaves, or was answered."""
        self._acted_ns = self._clock.monotonic_ns()
        self.half_proven = False

    @property
    def held(self) -> bool:
        """Whether the latest look showed a position, or could not read them."""
        return self._held

    def found(self, dex: str, *, empty: bool) -> None:
        """Hear whether a dex was just seen without money, positions and orders."""
        if empty:
            self._unused_ns[dex] = self._clock.monotonic_ns()
        else:
            self._unused_ns.pop(dex, None)

    def skips(self, dex: str) -> bool:
        """Return whether the orders of an unused dex are taken as seen a moment ago."""
        seen_ns = self._unused_ns.get(dex)
        if not dex or seen_ns is None or self.is_plenty:
            return False
        return self._clock.monotonic_ns() - seen_ns < self.UNUSED_S * NS

    @property
    def lists_due(self) -> bool:
        """Whether, as the look that is under way began, an order that could open might long stand unseen."""
        return self._due

    @property
    def is_plenty(self) -> bool:
        """Whether nothing needs to be spared."""
        return self._reads.free() >= self.PLENTY

    @property
    def suffices(self) -> bool:
        """Whether weight for a few whole looks is left."""
        return self._reads.free() >= self.KEPT

    def withholds(self, kind: str, *, failing: bool = False) -> bool:
        """Return whether a read of this kind is not sent, so that positions, contracts and orders can be.

        While the host is `failing`, weight is taken to be short of what closes nothing.
        """
        if kind == FATE:
            return self._held and not self.is_plenty and self._is_early()
        if kind not in ROW_READS:
            return False
        now_ns = self._clock.monotonic_ns()
        if self.rests(kind) or self._prove_nothing(kind, now_ns, failing=failing):
            return True
        self._executions_ns[kind] = now_ns
        return False

    def _prove_nothing(self, kind: str, now_ns: int, *, failing: bool) -> bool:
        """Return whether executions read now would close nothing, and be read again for the proof."""
        free, read_ns = self._reads.free(), self._executions_ns.get(kind)
        # Both lists tell the same.
        newest_ns = max(self._executions_ns.values(), default=None)
        since_s = inf if newest_ns is None else (now_ns - newest_ns) / NS
        closing = self._held and not self._moved
        if closing and (free < self.KEPT_FOR_PROOF or (failing and since_s < self.GAP_S)):
            return True
        if free >= self.PLENTY:
            return False
        if closing and since_s < self.GAP_S:
            return True
        # Before the fate of an order is known they prove nothing, and after that they are read anew.
        if (self._undecided or self._deferred) and since_s < self.UNDECIDED_GAP_S:
            return True
        # What was read before the last order or cancel proves nothing of what that one did.
        stale = read_ns is None or (not closing and read_ns <= self._acted_ns)
        return not stale and now_ns - (read_ns or 0) < self.EXECUTIONS_GAP_S * NS

    def rests(self, kind: str) -> bool:
        """Return whether a list of executions failed lately: the other one tells the same."""
        return kind in self._failing and self._failing[kind].wait_s > 0

    def _is_early(self) -> bool:
        # What is asked at one moment is one question: the fates of the orders of a round.
        now_ns = self._clock.monotonic_ns()
        if 0 < now_ns - self._fates_ns < self.FATES_GAP_S * NS:
            return True
        self._fates_ns = now_ns
        return False

    def heard(self, kind: str, *, failed: bool, sent: bool = True) -> None:
        """Hear whether a read was answered; lists of executions wait longer after each failure in a row.

        One that was not `sent`, or refused for a limit, says nothing of the venue.
        """
        if not failed:
            self._failing.pop(kind, None)
        elif kind in ROW_READS:
            self._executions_ns.pop(kind, None)
            if sent:
                self._failing.setdefault(kind, Patience(self._clock)).failed()

    def pressed(self, *, halting: bool) -> None:
        """Hear that the next look is for a halt, or the proof of an exit: nothing but the lists ends it."""
        self._pressed = WHOLE if halting else 2 * WHOLE

    def proof(self) -> None:
        """Hear that the next look may be one of those that prove an exit."""
        self._proof = True

    def deferred(self) -> None:
        """Hear that the next look can prove nothing: the fate of an order must be known first."""
        self._deferred = True

    def spares(self, *, closing: bool = False) -> bool:
        """Return whether the look that begins now reads no order lists at all.

        `closing` says that it is only to find what is left of the positions that the last one showed. Where
        no order of ours was filled since, the lists would be read for nothing.
        """
        now_ns = self._clock.monotonic_ns()
        free = self._reads.free()
        self._listed_ns, self._due = self._lists_ns, now_ns - self._lists_ns >= self.GAP_S * NS
        pressed, self._pressed = self._pressed, 0
        doubted, self._doubted = self._doubted, False
        deferred, self._deferred = self._deferred, False
        self._undecided, self.proves, self._proof = deferred, self._proof, False
        waits = self._lists.wait_s > 0 or (deferred and not self._due)
        if waits and free < self.PLENTY:
            return True
        denied = doubted and free < self.PLENTY and not self._due
        if pressed and free >= pressed and not denied:
            self._lists_ns = now_ns
            return False
        since_ns, due = now_ns - self._lists_ns, self._due
        # After an order of ours was filled, the next look may be the one that shows nothing any more.
        held = self._held and not self._moved
        if held and (closing or denied) and not due:
            return True
        if held and free < self.KEPT and (free < self.KEPT_FOR_PROOF or not due):
            return True
        if held and free < self.PLENTY and since_ns < self.HELD_GAP_S * NS:
            return True
        self._lists_ns = now_ns
        return False

"""Pace: when a leg may act again; times of this process only, in nanoseconds that never go back."""

from dataclasses import dataclass, field

from bastion.domain.look import Look
from bastion.domain.order import CancelAnswer, OrderStatus
from bastion.domain.records import OrderAnswered, Outcome
from bastion.errors import Fault
from bastion.exits.progress import OrderKey, PositionKey
from bastion.exits.settings import ExitSettings

SECOND_NS = 1_000_000_000
PROMPT = {
    Fault.MAYBE_FLAT: 1,
    Fault.BLOCKED: 1,
    Fault.MODE: 1,
    Fault.CLOCK: 1,
    Fault.BAND: 8,
    Fault.SIZE: 10,
}
"""So many refusals in a row are answered at once, since the next order is another one; then each waits."""

POSITIONS = "position"
"""What the name of every part of a look that lists positions contains."""

CANCELLING: PositionKey = ("", "", "")


def nanoseconds(seconds: float) -> int:
    """Return whole nanoseconds."""
    return int(seconds * SECOND_NS)


@dataclass(slots=True, kw_only=True)
class Pace:
    """When what was sent and answered, and what must wait until when.

    `last_act_ns` is the end of the last order or cancel, or the start of the run: looks begun earlier prove
    nothing. `key_act_ns` is the same for one position, `place_act_ns` for the cancels of orders that could
    open something, by instrument. `in_flight` names the orders that were not answered, `queued` those of them
    that are known to wait here for the venue's limits; `begun_ns` is when an order left, or was handed over.
    `trusted_round` is the round in which a position that our fills say is closed was closed again, since
    looks still showed it.
    `cancel_tries` counts the cancels of an order, `cancels_answered` those of which the venue said something.
    `taken_ns` is since when the venue is known to have an order, where that is known before its fate is.
    `executed_ns` is when an execution was last heard of for the first time, `broken_ns` when the last look
    began that failed in a part: what was asked before it says nothing of what came meanwhile. `unseen`: the
    last reading of the positions failed; `resumed_ns` is when the first look began that read them after that.
    """

    last_act_ns: int
    run_began_ns: int
    begun_anew_ns: int = 0
    whole_ns: int = 0
    broken_ns: int = 0
    resumed_ns: int = 0
    unseen: bool = False
    quiet_until_ns: int = 0
    retry_at_ns: dict[PositionKey, int] = field(default_factory=dict)
    failures: dict[PositionKey, int] = field(default_factory=dict)
    terminals: dict[PositionKey, int] = field(default_factory=dict)
    failed_round: dict[PositionKey, int] = field(default_factory=dict)
    key_act_ns: dict[PositionKey, int] = field(default_factory=dict)
    place_act_ns: dict[tuple[str, str], int] = field(default_factory=dict)
    acted_before_ns: dict[str, int] = field(default_factory=dict)
    in_flight: dict[str, PositionKey] = field(default_factory=dict)
    queued: set[str] = field(default_factory=set)
    begun_ns: dict[str, int] = field(default_factory=dict)
    taken_ns: dict[str, int] = field(default_factory=dict)
    ended_ns: dict[str, int] = field(default_factory=dict)
    cancel_tries: dict[OrderKey, int] = field(default_factory=dict)
    cancels_answered: dict[OrderKey, int] = field(default_factory=dict)
    cancel_at_ns: dict[OrderKey, int] = field(default_factory=dict)
    suspect_since_ns: dict[PositionKey, int] = field(default_factory=dict)
    trusted_round: dict[PositionKey, int] = field(default_factory=dict)
    executed_ns: int = 0
    clock_suspect: bool = False

    def looked(self, look: Look, *, now_ns: int) -> None:
        """Note that a look came; what a limit kept from being asked is no failure."""
        failed = [part.part for part in look.unread if not (part.limited or part.unsent)]
        if look.complete:
            self.whole_ns = now_ns
        elif failed:
            self.broken_ns = look.begun_ns
        if any(POSITIONS in part for part in failed):
            self.unseen = True
        elif self.unseen and all(POSITIONS not in part.part for part in look.unread):
            self.unseen, self.resumed_ns = False, look.begun_ns

    def sending(self, client_order_id: str, key: PositionKey, *, now_ns: int) -> None:
        """Note that an order leaves."""
        self.in_flight[client_order_id] = key
        self.begun_ns[client_order_id] = now_ns
        self.suspect_since_ns.pop(key, None)

    def left(self, client_order_id: str, *, now_ns: int) -> None:
        """Note that an order that waited here leaves now."""
        self.queued.discard(client_order_id)
        self.begun_ns[client_order_id] = now_ns

    def answered(
        self,
        record: OrderAnswered,
        key: PositionKey,
        *,
        round_number: int,
        now_ns: int,
        settings: ExitSettings,
    ) -> None:
        """Note what came of an order, and from when on its position may be acted on again.

        The slices of one round fail once, however many of them were refused.
        """
        self.in_flight.pop(record.client_order_id, None)
        self.queued.discard(record.client_order_id)
        self.ended_ns[record.client_order_id] = self.last_act_ns = now_ns
        if record.outcome is not Outcome.NOT_SENT and record.fault is not Fault.RETRY:
            # Else the position is what it was, and the next order need not wait for another look at it.
            self._acted(key, record.client_order_id, now_ns)
        state = record.state
        if record.outcome is Outcome.ANSWERED and state is not None:
            if state.filled > 0 or state.status is OrderStatus.FILLED:
                self._worked(key)
                return
            if not state.ended:
                # It stands in the book, or is being matched: what failed before it is not made good yet. Two
                # closes of a hedged instrument that rest can end each other by the venue's self-trade rule.
                self.terminals[key] = 0
                return
        again = self.failed_round.get(key) == round_number
        self.failed_round[key] = round_number
        failures = self.failures.get(key, 0) - again
        self.failures[key] = failures + 1
        unheard = record.outcome in {Outcome.ANSWERED, Outcome.UNKNOWN}
        prompt = PROMPT.get(record.fault, 0) if record.fault is not None else int(unheard)
        wait_s = 0.0 if failures < prompt else backoff_s(failures, settings)
        if record.fault is not Fault.TERMINAL:
            self.terminals[key] = 0
        elif not again:
            self.terminals[key] = self.terminals.get(key, 0) + 1
        if record.fault is Fault.RATE_LIMIT:
            asked_s = float(record.retry_after_s) if record.retry_after_s is not None else None
            wait_s = settings.rate_limit_wait_s if asked_s is None else asked_s
            wait_s = min(wait_s, settings.rate_limit_wait_max_s)
            self.quiet_until_ns = max(self.quiet_until_ns, now_ns + nanoseconds(wait_s))
        elif record.retry_after_s is not None:
            wait_s = max(wait_s, min(float(record.retry_after_s), settings.backoff_max_s))
        self.clock_suspect = self.clock_suspect or record.fault is Fault.CLOCK
        told = record.fault is Fault.RATE_LIMIT or record.retry_after_s is not None
        # An order that was long on its way has waited already.
        since_ns = now_ns if told else self.begun_ns.get(record.client_order_id, now_ns)
        self.retry_at_ns[key] = max(now_ns, since_ns + nanoseconds(wait_s))

    def held_by_what_was_read(self, client_order_id: str, key: PositionKey, *, since_ns: int) -> None:
        """Note that what was read from then on holds all of an order: it counts as read after that order.

        Looks do not: what proves must begin after the last answer (`last_act_ns`).
        """
        self.ended_ns[client_order_id] = min(self.ended_ns.get(client_order_id, since_ns), since_ns)
        self.key_act_ns[key] = min(self.key_act_ns.get(key, since_ns), since_ns)

    def _worked(self, key: PositionKey) -> None:
        self.failures[key] = self.terminals[key] = 0
        self.failed_round.pop(key, None)

    def _acted(self, key: PositionKey, client_order_id: str, now_ns: int) -> None:
        self.acted_before_ns[client_order_id] = self.key_act_ns.get(key, 0)
        self.key_act_ns[key] = now_ns

    def learn(self, other: "Pace") -> None:
        """Take over what another knows of the same account: what is under way, and what must wait."""
        self.quiet_until_ns = max(self.quiet_until_ns, other.quiet_until_ns)
        self.clock_suspect = self.clock_suspect or other.clock_suspect
        self.run_began_ns = min(self.run_began_ns, other.run_began_ns)
        self.in_flight |= other.in_flight
        self.queued |= other.queued
        self.begun_ns |= other.begun_ns
        self.taken_ns |= other.taken_ns
        self.ended_ns |= other.ended_ns
        self.retry_at_ns |= other.retry_at_ns
        self.failures |= other.failures
        self.terminals |= other.terminals
        self.failed_round |= other.failed_round
        self.key_act_ns |= other.key_act_ns
        self.place_act_ns |= other.place_act_ns
        self.acted_before_ns |= other.acted_before_ns
        self.begun_anew_ns = max(self.begun_anew_ns, other.begun_anew_ns)
        self.broken_ns = max(self.broken_ns, other.broken_ns)
        self.resumed_ns = max(self.resumed_ns, other.resumed_ns)
        self.unseen = self.unseen or other.unseen
        self.cancel_tries |= other.cancel_tries
        self.cancels_answered |= other.cancels_answered
        self.cancel_at_ns |= other.cancel_at_ns
        self.suspect_since_ns |= other.suspect_since_ns

    def cancelling(self, number: int, calls: int) -> None:
        """Note that so many calls that cancel leave in a round."""
        for call in range(calls):
            self.in_flight[f"cancels {number} {call}"] = CANCELLING

    def resolved(self, client_order_id: str, key: PositionKey, *, moved: bool, now_ns: int) -> None:
        """Note that the fate of an order was found out: looks begun before then prove nothing.

        Where nothing of it was executed (not `moved`), looks at its position are worth what they were before.
        """
        if moved:
            self._worked(key)
        if self.in_flight.pop(client_order_id, None) is not None or moved:
            self.key_act_ns[key] = now_ns
        elif self.key_act_ns.get(key) == self.ended_ns.get(client_order_id):
            self.key_act_ns[key] = self.acted_before_ns.get(client_order_id, self.key_act_ns.get(key, 0))
        self.ended_ns[client_order_id] = self.last_act_ns = now_ns

    def reopened(self, *, now_ns: int) -> None:
        """Begin anew after a verdict: what was waited for then says nothing about now."""
        self.last_act_ns = self.begun_anew_ns = now_ns
        for waits in (
            self.retry_at_ns,
            self.failures,
            self.terminals,
            self.failed_round,
            self.suspect_since_ns,
            self.trusted_round,
        ):
            waits.clear()
        self.cancel_tries.clear()
        self.cancels_answered.clear()
        self.cancel_at_ns.clear()

    def cancelled(
        self, answers: tuple[CancelAnswer, ...], *, number: int, now_ns: int, settings: ExitSettings
    ) -> None:
        """Note what came of one call that cancels; an order that must be tried again waits first."""
        self.last_act_ns = now_ns
        call = next((name for name in self.in_flight if name.startswith(f"cancels {number} ")), None)
        if call is not None:
            del self.in_flight[call]
        for answer in answers:
            key = answer.order.key
            tries = self.cancel_tries.get(key, 0)
            self.cancel_tries[key] = tries + 1
            self.cancels_answered[key] = self.cancels_answered.get(key, 0) + answer.answered
            wait_s = backoff_s(tries, settings, most_s=settings.cancel_backoff_max_s)
            self.cancel_at_ns[key] = now_ns + nanoseconds(wait_s)
            if not answer.order.reduce_only:
                self.place_act_ns[answer.order.category, answer.order.instrument] = now_ns

    def stands_since_ns(self, client_order_id: str) -> int:
        """Return since when an order that the venue took and did not end counts as standing there.

        That is its acknowledgement, else the end of its call; of an earlier run's, the start of this one.
        """
        ended_ns = self.ended_ns.get(client_order_id, self.run_began_ns)
        return self.taken_ns.get(client_order_id, ended_ns)

    def moved_ns(self, key: PositionKey) -> int:
        """Return since when nothing that we ended or sent can have changed a position.

        That is an order of ours for it, or one on its instrument that could open it and was cancelled.
        """
        own = max(self.key_act_ns.get(key, 0), self.place_act_ns.get(key[:2], 0))
        return max(own, self.run_began_ns, self.begun_anew_ns)


def backoff_s(failures: int, settings: ExitSettings, *, most_s: float | None = None) -> float:
    """Return how long to wait after that many failures: doubling, up to the limit."""
    limit_s = settings.backoff_max_s if most_s is None else most_s
    return min(settings.backoff_first_s * 2.0 ** min(failures, 16), limit_s)


def watch_gap_ns(settings: ExitSettings, *, calm: bool, since_ns: int) -> int:
    """Return how long to wait between two looks after the verdicts; `calm`: all of them are successes.

    What is not flat is tried again and again, after `chase_slow_after_s` less often.
    """
    if calm:
        return nanoseconds(settings.hold_look_gap_s)
    slow = since_ns >= nanoseconds(settings.chase_slow_after_s)
    return nanoseconds(settings.chase_slow_gap_s if slow else settings.chase_gap_s)

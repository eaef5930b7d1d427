"""Oracle: knows the truth of every venue, and checks what the exit does and says against it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from bastion.domain.look import Look
from bastion.domain.order import OpenOrder, OrderRequest, OrderState
from bastion.domain.records import (
    Entry,
    LegJudged,
    LegReopened,
    LegStarted,
    Looked,
    OrderAnswered,
    OrderResolved,
    Outcome,
    ResolvedBy,
    RoundIntended,
)
from bastion.domain.verdict import Verdict
from bastion.exits.report import ExitReport
from tests.simulation.exits.market import Market
from tests.simulation.exits.virtual_time import EPOCH_NS, VirtualClock
from tests.simulation.exits.world import World

CALM_FLAT_S = 2.0
BEGAN_S = 100.0
HEAL_GRACE_S = 16.0
DUST_USD = 5
SMALL = Decimal("0.1")
FIRST_WAVE_S = 0.05
LIVE_PATIENCE_S = 0.9
BAN_HEARD_S = 0.6
HOLD_SLACK_S = 0.5
STALE_S = 0.4
COMMITTED_NS = 10_000_000


@dataclass(slots=True, kw_only=True)
class Oracle:
    """Checks the invariants I1 to I9 and liveness; every breach becomes a sentence in `violations`."""

    world: World
    clock: VirtualClock
    violations: list[str] = field(default_factory=list)
    markets: dict[str, Market] = field(default_factory=dict)
    durable: Callable[[], set[str]] = set
    latched: Callable[[], bool] = lambda: True
    looks: dict[str, list[Look]] = field(default_factory=dict)
    placed: dict[str, tuple[str, OrderRequest, float]] = field(default_factory=dict)
    reported: dict[tuple[str, tuple[str, str, str]], Decimal] = field(default_factory=dict)
    judged_at_s: dict[str, float] = field(default_factory=dict)
    flat: dict[tuple[str, str], tuple[float, LegJudged]] = field(default_factory=dict)
    run_began_s: float = 0.0
    acknowledged: set[str] = field(default_factory=set)
    closed_s: dict[tuple[str, tuple[str, str, str]], float] = field(default_factory=dict)
    cancels_asked: set[tuple[str, str]] = field(default_factory=set)
    owed: dict[tuple[str, str], float] = field(default_factory=dict)
    cuts: int = 0
    banned: dict[str, tuple[float, float]] = field(default_factory=dict)
    limited: dict[str, tuple[float, float]] = field(default_factory=dict)

    def saw(self, venue: str, what: str, thing: object) -> None:
        """Hear of a call at a venue."""
        if isinstance(thing, Look):
            self.looks.setdefault(venue, []).append(thing)
            for position in thing.positions:
                name = (venue, position.key)
                if position.quantity > self.reported.get(name, Decimal(0)):
                    self.reported[name] = position.quantity
                    self.closed_s.pop(name, None)  # No longer was all closed that was ever shown.
        elif isinstance(thing, OrderRequest):
            self._placing(venue, thing)
        elif what == "banned" and isinstance(thing, float):
            self.banned.setdefault(venue, (self.clock.seconds, thing))
        elif what == "limited" and isinstance(thing, float):
            told_s, until_s = self.limited.get(venue, (0.0, 0.0))
            lasts = self.clock.seconds < until_s
            self.limited[venue] = (told_s, max(until_s, thing)) if lasts else (self.clock.seconds, thing)
        elif isinstance(thing, OrderState):
            self.acknowledged.add(thing.client_order_id)
            self._answered(thing)
        elif what == "cancel" and isinstance(thing, tuple):
            for order in thing:
                self._cancelling(venue, order)

    def run_began(self) -> None:
        self.run_began_s = self.clock.seconds

    def power_lost(self) -> None:
        self.cuts += 1
        self.banned.clear()
        self.limited.clear()

    def judged(self, record: LegJudged) -> None:
        """Hear a verdict at the moment when it is durable."""
        self.judged_at_s.setdefault(record.account, self.clock.seconds)
        name = (record.exit_id, record.account)
        if record.verdict.success:
            # Dust that is gone while it is held turns one success into another: the hold promised goes on.
            since_s, _ = self.flat.get(name, (self.clock.seconds, record))
            self.flat[name] = (since_s, record)
            self._must_be_flat(record)
        else:
            self.flat.pop(name, None)

    def reopened(self, record: LegReopened) -> None:
        """Hear that a verdict was taken back."""
        self.flat.pop((record.exit_id, record.account), None)

    def finish(self, report: ExitReport, *, seconds: float, runs: int) -> None:
        """Check what the exit says in the end against the truth, and that it came to it in time."""
        verdict = report.verdict
        if verdict is None:
            self._broken("the exit ended without a verdict (I8)")
            return
        if report.success != verdict.success or (report.errors and report.success):
            self._broken("success and verdict disagree")
        if not verdict.success and (report.next_step is None or not (report.residual or report.unread)):
            self._broken(f"{verdict} names nothing that is left or unread")
        self._live(report)
        if verdict.success and self.world.hold_s and not self.cuts:
            self._held(verdict)
        self._explained()
        limit_s = (self.world.deadline_s + self.world.hold_s + 80.0) * max(runs, 1) + 60.0
        if seconds > limit_s:
            self._broken(f"it took {seconds:.0f} s, more than {limit_s:.0f} s (I8)")

    def _placing(self, venue: str, request: OrderRequest) -> None:
        cid = request.client_order_id
        if cid in self.placed and not (self.world.dawdles and self.cuts):
            self._broken(f"the id {cid} was sent twice (I2)")
        if cid not in self.durable() and not self.world.dawdles:
            self._broken(f"order {cid} left without a journaled intent (I2)")
        if not self.latched():
            self._broken("an order left before the latch was tripped (I5)")
        self._banned(venue)
        self._stale(venue, request)
        most = self.reported.get((venue, request.position.key), Decimal(0))
        if request.quantity > most:
            self._broken(f"an order of {request.quantity} for a position of at most {most} (I1)")
        market = self.markets[venue]
        self._first_wave(venue)
        for other, (place, earlier, sent_s) in self.placed.items():
            state = market.states.get(other)
            live = state is not None and not state.ended and other in self.acknowledged
            same = place == venue and earlier.position.key == request.position.key
            if live and same and sent_s < self.clock.seconds - 0.05:
                age_s = self.clock.seconds - sent_s
                if age_s < LIVE_PATIENCE_S:
                    self._broken(f"a second live order for one residual after {age_s:.2f} s (I2)")
        self.placed[cid] = (venue, request, self.clock.seconds)

    def _answered(self, state: OrderState) -> None:
        venue, request, _ = self.placed[state.client_order_id]
        name = (venue, request.position.key)
        if state.filled >= self.reported[name]:
            self.closed_s[name] = self.clock.seconds

    def _stale(self, venue: str, request: OrderRequest) -> None:
        # One order closed all that was ever shown, and said so: a look that shows it still may trail.
        market, name = self.markets[venue], (venue, request.position.key)
        key = (request.position.instrument, request.position.side.value if market.plan.hedged else "")
        held = market.holdings.get(key)
        gone = held is not None and held.signed == 0 and key not in market.grown
        age_s = self.clock.seconds - self.closed_s.get(name, 0.0)
        if gone and not self.cuts and age_s < STALE_S:
            self._broken(f"an order for what was closed {age_s:.2f} s ago: it hammers (I1)")

    def _banned(self, venue: str) -> None:
        told_s, until_s = self.banned.get(venue, (0.0, 0.0))
        if told_s + BAN_HEARD_S < self.clock.seconds < until_s:
            self._broken(f"an order left for {venue} during the ban that it was told of (law 10)")
        told_s, until_s = self.limited.get(venue, (0.0, 0.0))
        if told_s + BAN_HEARD_S < self.clock.seconds < until_s:
            at_s = told_s - BEGAN_S
            self._broken(f"an order left for {venue}, which had asked for a pause at {at_s:.3f} s (law 10)")

    def _first_wave(self, venue: str) -> None:
        if not any(place == venue for place, _, _ in self.placed.values()) and self.looks.get(venue):
            for order in self.looks[venue][-1].orders:
                if not order.reduce_only and (venue, order.order_id) not in self.cancels_asked:
                    self.owed.setdefault((venue, order.order_id), self.clock.seconds)

    def _cancelling(self, venue: str, order: OpenOrder) -> None:
        self.cancels_asked.add((venue, order.order_id))
        owed_s = self.owed.pop((venue, order.order_id), self.clock.seconds)
        if self.clock.seconds - owed_s > FIRST_WAVE_S:
            self._broken(f"the entry order {order.order_id} was not cancelled in the first wave (law 8)")
        if not order.reduce_only or order.client_order_id in self.placed:
            return
        market = self.markets[venue]
        plan = market.plan
        key = market.key_of(order)
        held = market.holdings.get(key)
        whole = held is not None and held.signed != 0 and held.since_s < BEGAN_S
        closing = held is not None and (held.signed > 0) == (order.direction.value == "SELL")
        told = plan.blocking != "none" or {"maybe_flat"} & set(plan.troubles)
        # The venue's own word that our orders closed all that the last look showed counts as a look (a ghost
        # fill is a lie), and what somebody opened since that look is nobody's knowledge yet: unless an order
        # did that a look showed.
        looks = self.looks.get(venue, [])
        looked_s = looks[-1].begun_ns / 1e9 if looks else 0.0
        grown_s, grower = market.grown.get(key, (0.0, ""))
        announced = any(each.order_id == grower for look in looks for each in look.orders)
        lied = "ghost_fill" in plan.troubles or (grown_s >= looked_s and not announced)
        late = bool(plan.slow_match_s) or "late" in plan.troubles
        # Beside dust everything is swept: what is below a minimum, or refused for its size and worth little.
        small = held is not None and (
            abs(held.signed) < plan.minimum
            or ("size" in plan.troubles and abs(held.signed) * held.mark < DUST_USD)
        )
        if whole and closing and not small and not (told or lied or late) and not market.plan.terminal:
            self._broken(f"the stop {order.order_id} was cancelled before its position was closed (I7)")

    def _must_be_flat(self, record: LegJudged) -> None:
        market = self.markets[record.account]
        looks = [look for look in self.looks.get(record.account, []) if look.complete]
        since_s = looks[-2].begun_ns / 1e9 if len(looks) > 1 else 0.0
        # What is opened while the positions lag cannot be known, unless an order announced it to a look
        # of this run; all else can.
        lag_s = market.plan.lag_s if market.plan.lie in {"lag", "replica"} else 0.0
        # The four adapters have another page to ask; on the careful path an order that fills while the first
        # look is on its way was announced to nobody.
        ours = [
            (look.ended_ns if market.plan.style == "generic" else look.begun_ns) / 1e9
            for look in looks
            if look.begun_ns / 1e9 >= self.run_began_s
        ]
        first_s = ours[0] if ours else self.run_began_s
        dust = {(p.instrument, p.side.value if p.hedged else "") for p in record.dust}
        if dust and not market.plan.minimum and "size" not in market.plan.troubles:
            self._broken(f"{record.account} calls something dust that has no minimum (I3)")
        for key, held in market.holdings.items():
            if (
                held.signed != 0
                and key not in dust
                and held.since_s < since_s - (0.0 if held.announced and held.since_s > first_s else lag_s)
            ):
                self._broken(f"{record.verdict} while {record.account} holds {held.signed} of {key} (I3)")
            worth = abs(held.signed) * held.mark
            if key in dust and worth >= DUST_USD and abs(held.signed) >= max(market.plan.minimum, SMALL):
                self._broken(f"{record.account} calls {held.signed} of {key} dust (I3)")
        for order in market.orders.values():
            self._broken(f"{record.verdict} while the order {order.order_id} works (I3)")

    def told_in_order(self, entries: Iterable[Entry]) -> None:
        """Check in what order the journal tells it.

        Who is flat is acted on only once that is taken back, nobody is flat while the fate of an order is not
        known, and what the latest whole look showed is not unknown.
        """
        flat: set[str] = set()
        unheard: dict[str, str] = {}
        looks: dict[str, Look] = {}
        for record in (entry.record for entry in entries):
            match record:
                case Looked():
                    looks[record.account] = record.look
                case LegJudged():
                    lost = [cid for cid, account in unheard.items() if account == record.account]
                    self._judged_by(record, looks.get(record.account), lost)
                    flat.discard(record.account)
                    flat |= {record.account} if record.verdict.success else set()
                case LegReopened() | LegStarted():
                    flat.discard(record.account)
                case RoundIntended() if record.orders:
                    unheard.update((order.client_order_id, record.account) for order in record.orders)
                    if record.account in flat:
                        self._broken(f"{record.account} was told to be flat, and orders left for it (I3)")
                case OrderResolved():
                    unheard.pop(record.client_order_id, None)
                case OrderAnswered() if record.outcome is not Outcome.UNKNOWN:
                    unheard.pop(record.client_order_id, None)
                case _:
                    pass

    def settled_by_looks(self, entries: Iterable[Entry]) -> None:
        """Check that no look of before an order's answer settled its fate: it cannot know what it did.

        Where the journal is slow or the clock jumps, what it tells of times is worth nothing here.
        """
        vague = (
            self.world.dawdles
            or self.world.utc_jump_s
            or any(one.fault == "clock_jump" for venue in self.world.venues for one in venue.ambushes)
        )
        answered_ns: dict[str, int] = {}
        looked_ns: dict[str, int] = {}
        for entry in () if vague else entries:
            match entry.record:
                case Looked() as record:
                    looked_ns[record.account] = record.look.begun_ns
                case OrderAnswered() as record if record.outcome is Outcome.UNKNOWN:
                    answered_ns[record.client_order_id] = entry.at_ns - EPOCH_NS
                case OrderResolved(by=ResolvedBy.LOOK) as record:
                    cid = record.client_order_id
                    # It is in the journal later than it came, by less than the patience that follows it.
                    if looked_ns.get(record.account, 0) < answered_ns.get(cid, 0) - COMMITTED_NS:
                        self._broken(f"the order {cid} was settled by a look of before its answer (I2)")
                case _:
                    pass

    def _judged_by(self, record: LegJudged, look: Look | None, lost: list[str]) -> None:
        if record.verdict.success and lost:
            self._broken(f"{record.account} was told to be flat while {lost[0]} was on its way (I3)")
        if record.verdict is not Verdict.UNKNOWN or lost or look is None or not look.complete:
            return
        dust = {position.key for position in record.dust}
        shown = [p.symbol for p in look.positions if p.closable and p.key not in dust]
        if shown:
            self._broken(f"{record.account} is unknown, though its latest look showed {shown[0]} (I8)")

    def _held(self, verdict: str) -> None:
        # A hold closes again what is opened until it ends, where the venue's lists tell of it.
        ends_s = max(at_s for at_s, _ in self.flat.values()) + self.world.hold_s
        if self.clock.seconds < ends_s - HOLD_SLACK_S:
            self._broken(f"{verdict}, and {ends_s - self.clock.seconds:.1f} s of its hold were not held")
        known_s = ends_s - HOLD_SLACK_S - 3 * self.world.journal_slow_s
        for (_, name), (_, record) in self.flat.items():
            market = self.markets[name]
            dust = {(p.instrument, p.side.value if p.hedged else "") for p in record.dust}
            if market.plan.lie != "none" or market.healed_s > known_s:
                continue
            for key, held in market.holdings.items():
                if held.signed and key not in dust and held.since_s < known_s:
                    self._broken(f"{verdict} after its hold, but {name} holds {held.signed} of {key} (I3)")

    def _live(self, report: ExitReport) -> None:  # noqa: C901 - one place for all that is owed
        left = {row.account for row in report.residual if row.kind != "dust"}
        left |= {part.account for part in report.unread}
        for market in self.markets.values():
            plan = market.plan
            name = plan.name
            judged_s = self.judged_at_s.get(name)
            if plan.calm and self.cuts == 0 and judged_s is not None:
                took_s = judged_s - BEGAN_S
                limit_s = CALM_FLAT_S + 8 * (plan.latency_s + plan.jitter_s) + 3 * self.world.journal_slow_s
                if took_s > limit_s:
                    self._broken(f"calm {name} took {took_s:.2f} s, more than {limit_s:.2f} s (I4)")
            if plan.hopeless:
                if name not in left and (plan.dead_for_good or plan.holdings):
                    reopened = any(event.kind in {"reopen", "grow"} for event in plan.events)
                    truth = not reopened and any(held.signed for held in market.holdings.values())
                    if plan.dead_for_good or truth:
                        self._broken(f"{name} is beyond help, but the report does not name it")
                self._told_early(name, market)
                continue
            if name in left and ("revoked" in market.until or plan.terminal) and not self.world.hold_s:
                continue  # A credential that was refused thrice is a person's matter, and the report says so.
            if name in left and market.until.get("empty_book", 0.0) > self.clock.seconds:
                self._withdrawn(name, market)
                continue  # Nobody was there to trade with.
            if name in left:
                self._broken(f"{name} healed, but the verdict is {report.verdict}: {report.summary}")
            elif judged_s is not None:
                healed_s = max(market.healed_s, self.run_began_s, *market.until.values())
                if judged_s > healed_s + HEAL_GRACE_S + plan.lag_s and not plan.calm:
                    self._broken(
                        f"{name} was flat only {judged_s - healed_s:.1f} s after it healed (liveness)"
                    )
        if not left and report.verdict not in {Verdict.FLAT, Verdict.FLAT_WITH_DUST}:
            self._broken(f"nothing is left, but the verdict is {report.verdict}")

    def _told_early(self, name: str, market: Market) -> None:
        # What only a person can mend is told once it was tried, not at the deadline.
        plan, judged_s = market.plan, self.judged_at_s.get(name)
        refused = plan.terminal_for_good and not plan.dead
        moves = any(event.kind in {"reopen", "grow"} for event in plan.events)
        if judged_s is None or not refused or moves or not any(h.signed for h in market.holdings.values()):
            return
        healed_s = max(market.healed_s, self.run_began_s, *market.until.values())
        if judged_s > healed_s + HEAL_GRACE_S + plan.lag_s:
            late_s = judged_s - healed_s
            self._broken(f"that {name} refuses the credential was told {late_s:.1f} s after it healed (I8)")

    def _withdrawn(self, name: str, market: Market) -> None:
        # The exit is over, and nobody watches what it left in the book.
        for order in market.orders.values():
            if order.client_order_id in self.placed:
                self._broken(f"our close {order.order_id} of {name} was left in the book")

    def _explained(self) -> None:
        durable = self.durable()
        for name, market in self.markets.items():
            for fill in market.fills:
                ours = fill.client_order_id.startswith("bst") or fill.order_id.startswith(f"{name}-o")
                cid = next(
                    (cid for cid, state in market.states.items() if state.order_id == fill.order_id), ""
                )
                if ours and cid not in durable:
                    self._broken(f"the journal does not explain the fill {fill.fill_id} of {name} (I9)")

    def _broken(self, sentence: str) -> None:
        if sentence not in self.violations:
            self.violations.append(f"{self.clock.seconds - BEGAN_S:.3f} s: {sentence}")

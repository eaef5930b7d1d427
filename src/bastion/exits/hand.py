"""Hand: the one that acts on an account, for all exits that want something of it at the same time."""

import asyncio
from dataclasses import replace

from bastion.domain.look import Look
from bastion.domain.records import (
    FillsRead,
    LegJudged,
    Looked,
    LookPurpose,
    Record,
    SecondSourceRead,
)
from bastion.exits.allowance import Allowance
from bastion.exits.attest import asked_since
from bastion.exits.bulkhead import attempt
from bastion.exits.courier import Courier
from bastion.exits.explaining import Working
from bastion.exits.grouping import together
from bastion.exits.heed import heed
from bastion.exits.own_orders import resting
from bastion.exits.pace import Pace, nanoseconds, watch_gap_ns
from bastion.exits.part import Part
from bastion.exits.plan import dust_of, plan, tries_again
from bastion.exits.pressing import press
from bastion.exits.progress import Leg
from bastion.exits.resolve import questions, settle
from bastion.exits.settings import ExitSettings
from bastion.exits.sweeping import (
    nothing_to_close,
    positions_do,
    sweep_ahead,
    sweep_behind,
    worth_acting_on,
)
from bastion.exits.turns import look_again_ns, look_behind_ns, look_or_turn_ns, turns_ns
from bastion.exits.unshown import with_doubts
from bastion.exits.verdict import Standing, stand
from bastion.ports import Attesting, Clock, Glancing, Hastening, Patient, Sizing, Venue, offers

SECOND_NS = 1_000_000_000


class Hand:
    """Looks at one account and acts on it, so that however many exits run, nothing is sent twice.

    Each exit has a `Part` here, with its own leg, journal, deadline and verdict; all are told everything.
    What is to be done is planned on one leg: the part's own while there is one, else a leg folded from the
    records of all, which sees the union of what they cover. So a wider exit widens the work at once, and the
    end of one exit stops nothing that another still wants.
    """

    def __init__(
        self, *, venue: Venue, part: Part, clock: Clock, settings: ExitSettings, seen: Look | None = None
    ) -> None:
        self._venue = venue
        self._patient = offers(venue, Patient)
        self._overtakes = (hasty := offers(venue, Hastening)) is not None and hasty.repeats_safely
        self._attests = offers(venue, Attesting)
        self._glances = offers(venue, Glancing)
        self._sizing = offers(venue, Sizing)
        self._seen = seen if seen is not None and worth_acting_on(seen) else None
        self._clock = clock
        self._begun_ns = clock.monotonic_ns()
        self._settings = settings
        self._parts: list[Part] = []
        self._leg, self._pace = part.leg, part.pace
        self._courier: Courier | None = None
        self._next_look_ns = 0
        self._idle = 0
        self._pressed = 0
        self._allowance = Allowance(clock=clock, settings=settings)
        self.closed = False
        self.task: asyncio.Task[None] | None = None
        asked_since(self._attests, part.leg)
        self.join(part)

    def join(self, part: Part) -> None:
        """Take up the work for one more exit, at once."""
        part.begin(link=self._venue.link)
        self._parts.append(part)
        self._pressed = 0
        self._allowance.renew()
        self._regroup()
        part.course.when_judged(self._wake)
        self._wake()

    def _wake(self) -> None:
        if self._courier is not None:
            self._courier.wake.set()

    def leave(self, part: Part) -> None:
        """Work no more for that exit; without any exit left, nothing goes on."""
        if part not in self._parts:
            return
        self._parts.remove(part)
        if self._parts:
            self._regroup()
        elif self.task is not None:
            self.closed = True
            self.task.cancel()

    async def run(self) -> None:
        """Work until no exit wants anything of the account; no failure on the way raises."""
        for _ in range(self._settings.surprises_max):
            # It ends here whatever happened in it; the holds and the deadlines inside bound its time.
            result = await attempt(self._serve, seconds=self._settings.leg_s_max)
            if not isinstance(result, Exception) or not self._parts:
                break
            for part in tuple(self._parts):
                part.hear(part.surprise(type(result).__name__))
                part.begin(link=self._venue.link)
            self._regroup()
            await self._clock.sleep(self._settings.surprise_wait_s)
        self.closed = True
        for part in tuple(self._parts):
            part.give_up("the leg failed again and again")
            part.over.set()
        self._parts.clear()

    # What the courier brings.

    @property
    def leg(self) -> Leg:
        """The leg on which everything is planned."""
        return self._leg

    @property
    def pace(self) -> Pace:
        """When the account may be acted on again."""
        return self._pace

    def note(self, *records: Record) -> None:
        """Tell all exits, and the leg on which is planned, of something that happened on the account."""
        for record in records:
            for part in self._parts:
                part.hear(record)
            if not self.alone:
                self._heed(record)

    async def commit(self, record: Record) -> None:
        """As `note`, and wait within the budgets until it is durable for every exit."""
        self.note(record)
        until_ns = self._clock.monotonic_ns() + nanoseconds(self._settings.intent_wait_s)
        for part in tuple(self._parts):
            left_ns = max(until_ns - self._clock.monotonic_ns(), 0)
            await part.recorder.flush(seconds=left_ns / SECOND_NS)

    # How the leg on which is planned comes about.

    @property
    def alone(self) -> bool:
        """Whether one exit alone is at work here, by a leg of its own."""
        return len(self._parts) == 1 and self._leg is self._parts[0].leg

    def _regroup(self, *, kept: bool = False) -> None:
        # Who has its verdict leaves to the others what was seen: nothing happened on the account by that.
        parts = self._parts
        if not kept:
            self._next_look_ns = self._clock.monotonic_ns()
        if len(parts) == 1 and not parts[0].retired:
            self._leg, self._pace = parts[0].leg, parts[0].pace
            return
        now_ns, at_ns = self._clock.monotonic_ns(), self._clock.now_ns()
        before = (self._leg, self._pace) if kept else None
        self._leg, self._pace = together(parts, now_ns=now_ns, at_ns=at_ns, before=before)

    def _heed(self, record: Record) -> None:
        leg = self.leg
        if isinstance(record, Looked | FillsRead | SecondSourceRead):
            record = replace(record, run=leg.run)
        heed(
            leg,
            self._pace,
            record,
            at_ns=self._clock.now_ns(),
            now_ns=self._clock.monotonic_ns(),
            settings=self._settings,
        )

    # The work.

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._courier = Courier(
                venue=self._venue, worked=self, clock=self._clock, settings=self._settings, group=group
            )
            self._courier.fetch_instruments()
            await self._work(self._courier)
            self._courier.stop()

    async def _work(self, courier: Courier) -> None:
        while self._allowance.step():
            await self._withdraw(courier)
            now_ns = self._clock.monotonic_ns()
            self._release(courier, now_ns)
            if not self._parts:
                self.closed = True
                return
            await self._see(courier, now_ns)
            now_ns = self._clock.monotonic_ns()
            standing = self._weigh(courier, now_ns)
            if self._judge(courier, standing, now_ns):
                self._next_look_ns = self._schedule(standing, now_ns)
                continue
            if self._pace.clock_suspect:
                await courier.resynchronise()
            if standing.open and not courier.instruments:
                courier.fetch_instruments()
            act = None
            if any(part.acts(now_ns) for part in self._parts):
                known, own, again = courier.instruments, self._settings, self._overtakes
                all_told = with_doubts(standing, [p.standing for p in self._parts if not p.leg.sight.whole])
                act = sweep_behind(self.leg, all_told, self._pace) or plan(
                    self.leg, all_told, self._pace, known, now_ns=now_ns, settings=own, overtakes=again
                )
            if act is not None:
                self._idle *= tries_again(act, self._pace)
                await courier.act(act)
                now_ns = self._clock.monotonic_ns()
                self._next_look_ns = look_behind_ns(
                    self.leg, self._pace, now_ns=now_ns, since_ns=self._begun_ns, settings=self._settings
                )
                continue
            await self._bide(courier, standing)
        for part in tuple(self._parts):
            if part.judged is None:
                part.judge_now(self._stand(part, courier))
            part.over.set()
        self._parts.clear()

    async def _withdraw(self, courier: Courier) -> None:
        # A close that rests in the book is the executor's only while it watches.
        now_ns = self._clock.monotonic_ns()
        if any(part.wants(now_ns) for part in self._parts):
            return
        if orders := resting(self.leg, self._pace):
            await courier.withdraw(orders)

    def _release(self, courier: Courier, now_ns: int) -> None:
        over = [part for part in self._parts if self._is_over(part, courier, now_ns)]
        if not over:
            return
        if len(over) == len(self._parts):
            courier.stop()
        for part in over:
            self._parts.remove(part)
            part.over.set()
        if self._parts:
            self._regroup(kept=True)

    def _is_over(self, part: Part, courier: Courier, now_ns: int) -> bool:
        return part.is_over(now_ns) and now_ns >= self._told_ns(part, courier)

    def _told_ns(self, part: Part, courier: Courier) -> int:
        """Return until when a proven exit may go on (monotonic) for what its answer still lacks."""
        if part.holds or not courier.awaits_coins:
            return part.judged_ns
        return part.judged_ns + nanoseconds(self._settings.coins_patience_s)

    def _due(self, now_ns: int) -> bool:
        if not any(part.acts(now_ns) for part in self._parts):
            return False
        return now_ns >= self._next_look_ns and self._allowance.looks_left

    async def _see(self, courier: Courier, now_ns: int) -> None:
        acts = any(part.acts(now_ns) for part in self._parts)
        ahead = sweep_ahead(self.leg, self._pace, since_ns=self._begun_ns) if acts else None
        if ahead is not None:
            await courier.act(ahead)
            self._next_look_ns = now_ns = self._clock.monotonic_ns()
        if self._due(now_ns):
            await self._take_look(courier)
            if nothing_to_close(self.leg.look):
                # What rests is swept in one go, once the executions explain it all.
                await courier.explained(seconds=self._settings.fills_grace_ms / 1000)

    async def _take_look(self, courier: Courier) -> None:
        now_ns = self._clock.monotonic_ns()
        ends = [part.deadline_ns - now_ns for part in self._parts if part.leg.judged is None]
        seconds = min([self._settings.read_deadline_s, *(end_ns / SECOND_NS for end_ns in ends)])
        if any(part.wants_fills() for part in self._parts):
            works = [Working(leg=part.leg, pace=part.pace) for part in self._parts]
            courier.explain(works, self._sizing)
        self._pressed += press(self._venue, group := tuple(self._parts), pressed=self._pressed)
        # What was seen a moment ago is good enough to act on, since every order can only reduce.
        seen, self._seen = self._seen, None
        quick = self.alone and positions_do(self.leg, self._pace, now_ns=now_ns, settings=self._settings)
        glancing = self._glances if quick else None
        look = await courier.look(seconds=seconds, glancing=glancing) if seen is None else seen
        self._allowance.look()
        self._idle += 1
        for part in self._parts:
            # Who joined while it was on its way acts on it too; a proof begins after that, by its own pace.
            if part not in group:
                self._next_look_ns = self._clock.monotonic_ns()
            reopened = part.see(look, self._patient)
            if reopened is not None and not self.alone:
                self.leg.forget(reopened)
                self._pace.reopened(now_ns=self._clock.monotonic_ns())
        self.note(*asked_since(self._attests, self.leg))
        if not self.alone and group != tuple(self._parts):
            self._regroup()  # What only some of them saw is acted on at once, too.
        if not self.alone:
            self._heed(
                Looked(
                    exit_id=self.leg.exit_id,
                    account=self.leg.account.name,
                    run=self.leg.run,
                    purpose=LookPurpose.VERIFY,
                    look=look,
                )
            )

    def _weigh(self, courier: Courier, now_ns: int) -> Standing:
        leg, settings = self.leg, self._settings
        self.note(*settle(leg, self._pace, now_ns=now_ns, settings=settings))
        courier.ahead.hear_taken()
        if sum(part.clear_terminals(now_ns) for part in self._parts):
            self._pace.terminals.clear()
        if self.alone:
            return self._stand(self._parts[0], courier)
        return stand(leg, self._pace, dust=dust_of(leg, courier.instruments, settings), settings=settings)

    def _stand(self, part: Part, by: Courier, beside: Standing | None = None) -> Standing:
        return part.stand(by.instruments, beside=beside, listed=by.listed, elsewhere=by.elsewhere)

    def _judge(self, courier: Courier, standing: Standing, now_ns: int) -> bool:
        asked = courier.fills_asked_ns is not None
        for part in self._parts:
            part.standing = standing if self.alone else self._stand(part, courier, standing)
        judged = [part.judge(part.standing, now_ns, fills_asked=asked) for part in self._parts]
        if any(judged):
            self.note(*asked_since(self._attests, self.leg))
        if any(judged) and any(part.retired for part in self._parts) and len(self._parts) > 1:
            self._regroup(kept=True)
        return any(judged)

    async def _bide(self, courier: Courier, standing: Standing) -> None:
        settings = self._settings
        now_ns = self._clock.monotonic_ns()
        doubts = [(self.leg, standing, self._pace)]
        doubts += [(part.leg, part.standing, part.pace) for part in self._parts if not self.alone]
        fills_ns, one = courier.fills_asked_ns, self._sizing is not None
        for of_one in doubts:
            courier.ask(
                questions(*of_one, now_ns=now_ns, settings=settings, fills_asked_ns=fills_ns, one_page=one)
            )
        late_ns = self._pace.run_began_ns + nanoseconds(settings.collateral_after_s)
        if (standing.clean or now_ns >= late_ns) and any(part.exits for part in self._parts):
            # Beside the wait for the second look, or once nothing is quick any more: it delays no close.
            courier.ask_collateral()
        if owed := [part for part in self._parts if part.owed(now_ns)]:
            courier.ask_fills([part.leg for part in self._parts])
        self._next_look_ns = until_ns = self._allowance.at_ns(self._schedule(standing, now_ns))
        if self._overtakes:
            self._next_look_ns, until_ns = look_or_turn_ns(
                *doubts[0], look_ns=until_ns, now_ns=now_ns, settings=settings
            )
        grace_ns = settings.fills_grace_ms * 1_000_000
        asked_ns = [part.course.figures_ns(part.judged_ns) for part in owed]
        if any(now_ns < since_ns + nanoseconds(settings.fills_patience_s) for since_ns in asked_ns):
            # Somebody waits for the figures.
            until_ns = min(until_ns, now_ns + grace_ns)
        over = [part for part in self._parts if part.is_over(now_ns)]
        ends = [part.deadline_ns for part in self._parts if part.leg.judged is None]
        until_ns = min([until_ns, *ends, *(self._told_ns(part, courier) for part in over)])
        proven = all(part.judged is not None and part.judged.verdict.success for part in self._parts)
        if any(doubt.unexplained or (doubt.confirmed and not proven) for _, doubt, _ in doubts):
            # Evidence is on its way, or is to be asked for elsewhere when it is late.
            until_ns = min(until_ns, now_ns + grace_ns)
        await courier.wait((until_ns - now_ns) / SECOND_NS)

    def _schedule(self, standing: Standing, now_ns: int) -> int:
        settings, pace = self._settings, self._pace
        verdicts = [part.judged for part in self._parts if not part.retired]
        if not verdicts:
            # Nobody wants a look any more, not even where a new grouping has none yet.
            return now_ns + nanoseconds(settings.fills_patience_s)
        if (look := self.leg.look) is None:
            return now_ns
        known = [judged for judged in verdicts if isinstance(judged, LegJudged)]
        over, calm = len(known) == len(verdicts), all(judged.verdict.success for judged in known)
        gap_ns = settings.look_gap_ms * 1_000_000
        if standing.clean and not standing.confirmed and not (over and calm):
            # Only the second look is missing, whatever was told before.
            return max(look.begun_ns + gap_ns, pace.quiet_until_ns)
        if over:
            since_ns = now_ns - min(part.judged_ns for part in self._parts)
            again_ns = look.ended_ns + watch_gap_ns(settings, calm=calm, since_ns=since_ns)
            ends = [part.course.hold_ends_ns for part in self._parts if part.holds]
            return min([again_ns, *(end for end in ends if end is not None and end > look.begun_ns)])
        again_ns = look_again_ns(self.leg, standing, pace, idle=self._idle, settings=settings)
        if any(part.judged is None and part.half_proven for part in self._parts):
            again_ns = min(again_ns, look.begun_ns + gap_ns)
        again = self._overtakes
        waits = turns_ns(self.leg, standing, pace, now_ns=now_ns, settings=settings, overtakes=again)
        return max(min([again_ns, *waits]), pace.quiet_until_ns)

"""Part: one exit's share in the work on an account: what it saw, until when, and its verdict."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from bastion.domain.look import Look
from bastion.domain.mandate import ExitKind
from bastion.domain.records import (
    Entry,
    LegExtended,
    LegJudged,
    LegReopened,
    LegStarted,
    Looked,
    LookPurpose,
    Record,
    Troubled,
)
from bastion.domain.verdict import Verdict
from bastion.exits.closings import pending
from bastion.exits.course import Course
from bastion.exits.elsewhere import Elsewhere
from bastion.exits.heed import heed
from bastion.exits.own_orders import withdrawn
from bastion.exits.pace import Pace, nanoseconds
from bastion.exits.plan import Instruments, dust_of, expires_ns
from bastion.exits.progress import Leg
from bastion.exits.recorder import Recorder
from bastion.exits.settings import ExitSettings
from bastion.exits.share import own_share
from bastion.exits.unread_told import at_length, limits_alone
from bastion.exits.unshown import Unshown
from bastion.exits.verdict import Standing, at_deadline, free, leftovers, possible, stand, working
from bastion.ports import Clock, Patient


class Part:
    """One exit's leg in one run; it sends nothing itself.

    It is told all that happens on the account, keeps what is its business in its own leg and its own journal,
    and comes to its own verdict. `records` are all records of the leg, those of earlier runs included, with
    their UTC times. `over` is set once nothing is to be done or watched for this exit on this account.
    """

    def __init__(
        self,
        *,
        leg: Leg,
        course: Course,
        clock: Clock,
        settings: ExitSettings,
        recorder: Recorder,
        history: Sequence[Entry],
    ) -> None:
        self.leg = leg
        self.course = course
        self.recorder = recorder
        self.run = course.run
        self.holds = course.holds
        self.records: list[tuple[int, Record]] = [
            (entry.at_ns, entry.record)
            for entry in history
            if getattr(entry.record, "account", None) == leg.account.name
        ]
        self.over = asyncio.Event()
        self._clock = clock
        self._settings = settings
        self._judged_within_s = settings.judged_within_s(course.request.deadline_s)
        now_ns = clock.monotonic_ns()
        self.pace = Pace(last_act_ns=now_ns, run_began_ns=now_ns)
        self.deadline_ns = now_ns + nanoseconds(self._judged_within_s)
        self.judged_ns = now_ns
        self.standing = Standing()
        self._unshown = Unshown()
        self._extra_s = Decimal(0)
        self._terminal_looks = 0
        self._waited = False
        self._terminals_cleared_ns = now_ns

    @property
    def judged(self) -> LegJudged | None:
        """The verdict of this run, so far."""
        judged = self.leg.judged
        return judged if judged is not None and judged.run == self.run else None

    @property
    def exits(self) -> bool:
        """Whether it closes what an account holds, rather than a part or its orders alone."""
        return self.course.request.kind is ExitKind.EXIT

    @property
    def halts(self) -> bool:
        """Whether it is about orders alone."""
        return self.course.request.kind is ExitKind.HALT

    @property
    def retired(self) -> bool:
        """Whether nothing more is to be done for it: judged, and it does not hold."""
        return self.judged is not None and not self.holds

    @property
    def half_proven(self) -> bool:
        """Whether one look showed nothing of it, and another, late enough after that, would prove it."""
        return self.standing.clean and not self.standing.confirmed

    def acts(self, now_ns: int) -> bool:
        """Return whether orders and looks for it are wanted now."""
        return not self.retired and (self.leg.judged is not None or now_ns < self.deadline_ns)

    def wants(self, now_ns: int) -> bool:
        """Return whether what of ours still works at the venue is wanted there, for this exit."""
        return (self.holds or self.acts(now_ns)) and not self.is_over(now_ns)

    def is_over(self, now_ns: int) -> bool:
        """Return whether nothing is to be done or watched for it any more."""
        if self.judged is None:
            return False
        if self.holds:
            return self.course.over(now_ns) and self._looked_last(now_ns)
        patience_ns = nanoseconds(self._settings.fills_patience_s)
        return now_ns >= self.course.figures_ns(self.judged_ns) + patience_ns or not pending(self.leg)

    def _looked_last(self, now_ns: int) -> bool:
        # What is opened in the last moment of the hold is found by a look that begins when it has passed.
        ends_ns, look = self.course.hold_ends_ns, self.leg.look
        if ends_ns is None or look is None or look.begun_ns >= ends_ns:
            return True
        return now_ns >= ends_ns + nanoseconds(self._settings.read_deadline_s)

    def surprise(self, code: str) -> Troubled:
        """Return the record of a failure that nobody planned for."""
        return Troubled(
            exit_id=self.leg.exit_id,
            account=self.leg.account.name,
            part="leg",
            code=code,
            message="this leg failed in a way that nobody planned for, and was started again",
        )

    def begin(self, *, link: str) -> None:
        """Begin, or after a surprise begin anew: what was seen and waited for before proves nothing now."""
        now_ns = self._clock.monotonic_ns()
        self.pace = Pace(last_act_ns=now_ns, run_began_ns=now_ns)
        self.keep(
            LegStarted(exit_id=self.leg.exit_id, account=self.leg.account.name, run=self.run, link=link)
        )

    def keep(self, record: Record) -> None:
        """Take a record of this exit into the leg and hand it to the journal."""
        at_ns = self._clock.now_ns()
        heed(
            self.leg,
            self.pace,
            record,
            at_ns=at_ns,
            now_ns=self._clock.monotonic_ns(),
            settings=self._settings,
        )
        self.records.append((at_ns, record))
        self.recorder.note(record)

    def hear(self, record: Record) -> None:
        """Keep what of a record of the account is this exit's business."""
        own = own_share(record, self.leg, run=self.run)
        if own is not None:
            self.keep(own)

    def see(self, look: Look, patient: Patient | None) -> LegReopened | None:
        """Take a look at the account; return the reopening where it shows one.

        `patient` is the venue, where its limits make closing or proving take longer.
        """
        leg = self.leg
        purpose = LookPurpose.SNAPSHOT if leg.latest is None else LookPurpose.VERIFY
        reopened = None
        if leg.judged is not None:
            purpose = LookPurpose.HOLD
            reopened = self._reopen(look)
        self.keep(
            Looked(exit_id=leg.exit_id, account=leg.account.name, run=self.run, purpose=purpose, look=look)
        )
        self._extend(look, patient)
        unread = leg.look.unread if leg.look is not None else ()
        terminal = bool(unread) and all(part.terminal for part in unread)
        self._terminal_looks = self._terminal_looks + 1 if terminal else 0
        return reopened

    def wants_fills(self) -> bool:
        """Return whether executions are to be read beside the next look."""
        # Before anything was done nothing is to be explained; then what was done, until all is accounted for.
        leg, read = self.leg, self.leg.fills_read
        if not leg.books or leg.latest is None:
            return False
        read_ns = read.begun_ns if read is not None and read.run == leg.run else -1
        threatened = (book.position.key for book in leg.books.values() if book.threat)
        if any(read_ns < self.pace.moved_ns(key) for key in threatened):
            return True
        ended_ns = self.pace.ended_ns
        acted = any(not order.refused and ended_ns.get(cid, -1) > read_ns for cid, order in leg.sent.items())
        unexplained = any(book.key in leg.books for book in self.standing.unexplained)
        if acted or unexplained or pending(leg) or self._lost_a_part(read_ns):
            return True
        sent = any(not order.refused for order in leg.sent.values())
        since_ns = max(self.pace.broken_ns, self.pace.resumed_ns)
        return sent and leg.judged is None and not self.standing.open and read_ns < since_ns

    def _lost_a_part(self, read_ns: int) -> bool:
        # Of a part, a lost order is replaced by what the executions say once it has expired.
        now_ns = self._clock.monotonic_ns()
        return any(
            read_ns < expires_ns(order, self.pace, self._settings) <= now_ns
            for order in self.leg.sent.values()
            if order.state is None and not order.refused and self.leg.sight.exact(order.request.position)
        )

    def owed(self, now_ns: int) -> bool:
        """Return whether it is judged, and executions that the venue still owes are to be asked for now."""
        due_ns = self.course.figures_ns(self.judged_ns)
        return self.leg.judged is not None and now_ns >= due_ns and pending(self.leg)

    def stand(
        self,
        instruments: Instruments,
        *,
        elsewhere: Elsewhere | None = None,
        beside: Standing | None = None,
        listed: bool = True,
    ) -> Standing:
        """Return how the leg stands now; `beside` is how all exits together stand on the account.

        Unless `listed`, the venue was not heard yet about its contracts. `elsewhere` is what else it names.
        """
        leg, pace, heard = self.leg, self.pace, elsewhere
        own = stand(leg, pace, dust=dust_of(leg, instruments, self._settings), settings=self._settings)
        return self._unshown.told(own, leg, pace, instruments, beside=beside, listed=listed, elsewhere=heard)

    def clear_terminals(self, now_ns: int) -> bool:
        """Forget, from time to time, what only a person could mend: perhaps one did; return whether."""
        chasing = self.leg.judged is not None and not self.leg.judged.verdict.success
        gap_ns = nanoseconds(self._settings.chase_terminal_gap_s)
        if not chasing or now_ns < self._terminals_cleared_ns + gap_ns:
            return False
        self.pace.terminals.clear()
        self._terminals_cleared_ns = now_ns
        return True

    def judge(self, standing: Standing, now_ns: int, *, fills_asked: bool) -> bool:
        """Come to a verdict, where the evidence or the time says so; return whether there is a new one."""
        leg, told = self.leg, self.judged
        if standing.verdict is not None and (told is None or told.verdict is not standing.verdict):
            grace_ns = self._settings.fills_grace_ms * 1_000_000
            late = leg.look is not None and now_ns >= leg.look.ended_ns + grace_ns
            if told is None and fills_asked and not late and pending(leg):
                return False
            self._record(standing.verdict, standing, ())
            return True
        if told is not None:
            return False
        if now_ns >= self.deadline_ns and self._waits_for_reads(standing):
            return False
        if now_ns >= self.deadline_ns or self._hopeless(standing):
            self.judge_now(standing)
            return True
        return False

    def judge_now(self, standing: Standing) -> None:
        """Come to the verdict that the evidence so far allows."""
        verdict, unread = at_deadline(self.leg, standing)
        told = at_length(unread, self.records, self._settings, run=self.run, deadline_ns=self.deadline_ns)
        self._record(verdict, standing, told)

    def give_up(self, reason: str) -> None:
        """Come to the verdict that is left where nothing can be asked any more."""
        if self.judged is not None:
            return
        shown = tuple(self.leg.last_sighting.values())
        self.keep(
            LegJudged(
                exit_id=self.leg.exit_id,
                account=self.leg.account.name,
                run=self.run,
                verdict=Verdict.NOT_FLAT if shown else Verdict.UNKNOWN,
                residual=shown,
                unread=(("everything", reason),),
            )
        )
        self.course.judged()

    def _reopen(self, look: Look) -> LegReopened | None:
        leg = self.leg
        if leg.judged is None or not leg.judged.verdict.success:
            return None
        seen = leg.narrowed(look)
        known = {(position.key, position.quantity) for position in leg.judged.dust}
        positions = tuple(
            position
            for position in seen.positions
            if position.closable and (position.key, position.quantity) not in known
        )
        orders = tuple(order for order in seen.orders if order.closable)
        if not positions and not orders:
            return None
        record = LegReopened(
            exit_id=leg.exit_id,
            account=leg.account.name,
            run=self.run,
            positions=positions,
            orders=orders,
        )
        self.keep(record)
        now_ns = self._clock.monotonic_ns()
        self.pace.reopened(now_ns=now_ns)
        self.deadline_ns = now_ns + nanoseconds(self._judged_within_s)
        self.course.reopened()
        return record

    def _extend(self, look: Look, patient: Patient | None) -> None:
        # Where a venue takes few requests a minute, much takes longer, and that is no failure.
        leg = self.leg
        if leg.judged is not None or patient is None:
            return
        extra_s = Decimal(int(patient.patience_s(leg.narrowed(look))))
        if extra_s <= self._extra_s:
            return
        what, why = f"{len(look.positions)} positions need", "trading requests"
        if not look.positions:
            what, why = "the proof needs", "what the accounts of an address may ask in a minute"
        told = f"{what} up to {extra_s:f} s more than the deadline, since the venue limits {why}"
        self._grant(extra_s, told)

    def _waits_for_reads(self, standing: Standing) -> bool:
        # A limit gives back within its window what the proof needs; to end without it would be a false alarm.
        limits = limits_alone(self.records, self._settings, run=self.run, deadline_ns=self.deadline_ns)
        if self._waited or not limits:
            return False
        if leftovers(self.leg, standing) or working(self.leg, standing) or possible(self.leg, standing):
            return False
        self._waited = True
        extra_s = min(
            Decimal(int(self._settings.limit_window_s)), Decimal(int(self.course.request.deadline_s))
        )
        self._grant(
            self._extra_s + extra_s,
            f"nothing is seen to be open, and up to {extra_s:f} s more than the deadline are given to the "
            "reads that prove it, since the venue limits them",
        )
        return True

    def _grant(self, extra_s: Decimal, reason: str) -> None:
        self.deadline_ns += nanoseconds(float(extra_s - self._extra_s))
        self._extra_s = extra_s
        self.keep(
            LegExtended(
                exit_id=self.leg.exit_id,
                account=self.leg.account.name,
                run=self.run,
                extra_s=extra_s,
                reason=reason,
            )
        )

    def _hopeless(self, standing: Standing) -> bool:
        # Nothing but a person can help: every position left was refused for the credential's sake, or
        # every unread part was.
        pace, settings = self.pace, self._settings
        look = self.leg.look
        if look is None or pace.in_flight or look.begun_ns < pace.last_act_ns:
            return False
        most = settings.terminal_tries_max
        if look.unread and self._terminal_looks < most:
            return False
        if any(pace.terminals.get(position.key, 0) < most for position in standing.open):
            return False
        if any(pace.cancels_answered.get(order.key, 0) < most for order in free(standing)):
            return False
        return bool(look.unread or standing.open)

    def _record(self, verdict: Verdict, standing: Standing, unread: tuple[tuple[str, str], ...]) -> None:
        leg = self.leg
        look = leg.look
        flat_ms = None
        if verdict.success and look is not None:
            flat_ms = self.course.flat_after_ms(look.ended_ns)
        self.judged_ns = self._clock.monotonic_ns()
        self.keep(
            LegJudged(
                exit_id=leg.exit_id,
                account=leg.account.name,
                run=self.run,
                verdict=verdict,
                time_to_flat_ms=flat_ms,
                dust=standing.dust,
                residual=() if verdict.success else leftovers(leg, standing),
                orders=tuple(order for order in working(leg, standing) if not withdrawn(leg, order)),
                unread=unread,
                final=not self.holds,
            )
        )
        self.course.judged()

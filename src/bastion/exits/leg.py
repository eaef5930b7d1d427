"""Leg: one account's part of an exit, carried out; every decision is taken by the pure modules."""

import asyncio
from decimal import Decimal
from typing import Protocol

from bastion.domain.look import Look
from bastion.domain.records import LegExtended, LegJudged, LegReopened, LegStarted, Looked, LookPurpose
from bastion.domain.verdict import Verdict
from bastion.exits.closings import pending
from bastion.exits.courier import Courier
from bastion.exits.pace import Pace, backoff_s, nanoseconds
from bastion.exits.plan import dust_of, plan
from bastion.exits.progress import Leg
from bastion.exits.recorder import Recorder
from bastion.exits.resolve import questions, settle
from bastion.exits.settings import ExitSettings
from bastion.exits.verdict import Standing, at_deadline, leftovers, stand
from bastion.ports import Clock, Refunding, Venue

SECOND_NS = 1_000_000_000


class Course(Protocol):
    """The exit around a leg, as far as the leg must know it."""

    def flat_after_ms(self, ended_ns: int) -> int:
        """Return the milliseconds from the request to a monotonic time of this run."""
        ...

    def judged(self) -> None:
        """Hear that a leg has a verdict, or another one."""
        ...

    def reopened(self) -> None:
        """Hear that a leg went back to work."""
        ...

    def over(self, now_ns: int) -> bool:
        """Return whether nothing is left to watch for at that monotonic time."""
        ...


class LegRunner:
    """Carries out one leg in one run, until its verdict and, where the exit holds, to the end of the hold."""

    def __init__(
        self,
        *,
        venue: Venue,
        leg: Leg,
        course: Course,
        clock: Clock,
        settings: ExitSettings,
        recorder: Recorder,
        run: int,
        deadline_ns: int,
        deadline_s: float,
        holds: bool,
    ) -> None:
        self._venue = venue
        self._leg = leg
        self._course = course
        self._clock = clock
        self._settings = settings
        self._recorder = recorder
        self._run = run
        self._deadline_ns = deadline_ns
        self._deadline_s = deadline_s
        self._holds = holds
        now_ns = clock.monotonic_ns()
        self._pace = Pace(last_act_ns=now_ns, run_began_ns=now_ns)
        self._next_look_ns = now_ns
        self._judged_ns = now_ns
        self._idle = 0
        self._extra_s = Decimal(0)
        self._looks = 0
        self._terminal_looks = 0
        self._terminals_cleared_ns = now_ns

    async def run(self) -> None:
        """Work until the leg is judged and the exit is over; what is still on its way then is given up."""
        async with asyncio.TaskGroup() as group:
            courier = Courier(
                venue=self._venue,
                leg=self._leg,
                pace=self._pace,
                clock=self._clock,
                settings=self._settings,
                recorder=self._recorder,
                group=group,
            )
            courier.note(
                LegStarted(
                    exit_id=self._leg.exit_id,
                    account=self._leg.account.name,
                    run=self._run,
                    link=self._venue.link,
                )
            )
            courier.fetch_instruments()
            await self._work(courier)
            courier.stop()

    async def _work(self, courier: Courier) -> None:
        leg, pace, settings = self._leg, self._pace, self._settings
        for _ in range(settings.steps_max):
            now_ns = self._clock.monotonic_ns()
            if self._over(now_ns):
                return
            if self._due(now_ns):
                await self._take_look(courier)
            now_ns = self._clock.monotonic_ns()
            standing = self._weigh(courier, now_ns)
            if self._judge(courier, standing, now_ns):
                continue
            if pace.clock_suspect:
                await courier.resynchronise()
            act = None
            if now_ns < self._deadline_ns or leg.judged is not None:
                act = plan(leg, standing, pace, courier.instruments, now_ns=now_ns, settings=settings)
            if act is not None:
                await courier.act(act)
                self._idle = 0
                self._next_look_ns = self._clock.monotonic_ns()
                continue
            await self._bide(courier, standing)
        self._judge_now(courier, self._weigh(courier, self._clock.monotonic_ns()))

    def _due(self, now_ns: int) -> bool:
        if self._leg.judged is None and now_ns >= self._deadline_ns:
            return False
        return now_ns >= self._next_look_ns and self._looks < self._settings.looks_max

    def _over(self, now_ns: int) -> bool:
        if self._leg.judged is None or self._leg.judged.run != self._run:
            return False
        if self._holds:
            return self._course.over(now_ns)
        patience_ns = nanoseconds(self._settings.fills_patience_s)
        return now_ns >= self._judged_ns + patience_ns or not pending(self._leg)

    async def _take_look(self, courier: Courier) -> None:
        leg = self._leg
        seconds = self._settings.read_deadline_s
        if leg.judged is None:
            left_ns = self._deadline_ns - self._clock.monotonic_ns()
            seconds = min(seconds, left_ns / SECOND_NS)
        if self._wants_fills():
            courier.ask_fills()
        look = await courier.look(seconds=seconds)
        self._looks += 1
        self._idle += 1
        purpose = LookPurpose.SNAPSHOT if leg.latest is None else LookPurpose.VERIFY
        if leg.judged is not None:
            purpose = LookPurpose.HOLD
            self._reopen(courier, look)
        courier.note(
            Looked(exit_id=leg.exit_id, account=leg.account.name, run=self._run, purpose=purpose, look=look)
        )
        self._extend(courier, look)
        terminal = bool(look.unread) and all(part.terminal for part in look.unread)
        self._terminal_looks = self._terminal_looks + 1 if terminal else 0

    def _extend(self, courier: Courier, look: Look) -> None:
        # Where a venue takes few requests a minute, closing much takes longer, and that is no failure.
        venue, leg = self._venue, self._leg
        if leg.judged is not None or not isinstance(venue, Refunding):
            return
        extra_s = Decimal(int(venue.patience_s(look)))
        if extra_s <= self._extra_s:
            return
        self._deadline_ns += nanoseconds(float(extra_s - self._extra_s))
        self._extra_s = extra_s
        courier.note(
            LegExtended(
                exit_id=leg.exit_id,
                account=leg.account.name,
                run=self._run,
                extra_s=extra_s,
                reason=f"{len(look.positions)} positions need up to {extra_s:f} s more than the deadline, "
                "since the venue limits trading requests",
            )
        )

    def _wants_fills(self) -> bool:
        # Before anything was done there is nothing to explain; then until every close is accounted for.
        leg, read = self._leg, self._leg.fills_read
        if not leg.books or leg.latest is None:
            return False
        stale = read is None or read.run != leg.run or read.begun_ns < self._pace.last_act_ns
        return pending(leg) or (stale and any(book.threat for book in leg.books.values()))

    def _reopen(self, courier: Courier, look: Look) -> None:
        leg = self._leg
        if leg.judged is None or not leg.judged.verdict.success:
            return
        known = {(position.key, position.quantity) for position in leg.judged.dust}
        positions = tuple(
            position
            for position in look.positions
            if position.closable and (position.key, position.quantity) not in known
        )
        orders = tuple(order for order in look.orders if order.closable)
        if not positions and not orders:
            return
        courier.note(
            LegReopened(
                exit_id=leg.exit_id,
                account=leg.account.name,
                run=self._run,
                positions=positions,
                orders=orders,
            )
        )
        now_ns = self._clock.monotonic_ns()
        self._pace.reopened(now_ns=now_ns)
        self._deadline_ns = now_ns + nanoseconds(self._deadline_s)
        self._course.reopened()

    def _weigh(self, courier: Courier, now_ns: int) -> Standing:
        leg, pace, settings = self._leg, self._pace, self._settings
        courier.note(*settle(leg, pace, now_ns=now_ns, settings=settings))
        chasing = leg.judged is not None and not leg.judged.verdict.success
        if chasing and now_ns >= self._terminals_cleared_ns + nanoseconds(settings.chase_terminal_gap_s):
            pace.terminals.clear()
            self._terminals_cleared_ns = now_ns
        return stand(leg, pace, dust=dust_of(leg, courier.instruments, settings), settings=settings)

    def _judge(self, courier: Courier, standing: Standing, now_ns: int) -> bool:
        leg = self._leg
        told = leg.judged if leg.judged is not None and leg.judged.run == self._run else None
        if standing.verdict is not None and (told is None or told.verdict is not standing.verdict):
            look = leg.look
            grace_ns = self._settings.fills_grace_ms * 1_000_000
            late = look is not None and now_ns >= look.ended_ns + grace_ns
            if told is None and courier.fills_asked_ns is not None and not late and pending(leg):
                return False
            self._record(courier, standing.verdict, standing, ())
            return True
        if told is not None:
            return False
        if now_ns >= self._deadline_ns or self._hopeless(standing):
            self._judge_now(courier, standing)
            return True
        return False

    def _judge_now(self, courier: Courier, standing: Standing) -> None:
        verdict, unread = at_deadline(self._leg, standing)
        self._record(courier, verdict, standing, unread)

    def _hopeless(self, standing: Standing) -> bool:
        # Nothing but a person can help: every position left was refused for the credential's sake, or
        # every unread part was.
        leg, pace, settings = self._leg, self._pace, self._settings
        look = leg.look
        if look is None or pace.in_flight or look.begun_ns < pace.last_act_ns:
            return False
        most = settings.terminal_tries_max
        if look.unread and self._terminal_looks < most:
            return False
        if any(pace.terminals.get(position.key, 0) < most for position in standing.open):
            return False
        if any(pace.cancel_tries.get(order.key, 0) < most for order in standing.orders):
            return False
        return bool(look.unread or standing.open)

    def _record(
        self,
        courier: Courier,
        verdict: Verdict,
        standing: Standing,
        unread: tuple[tuple[str, str], ...],
    ) -> None:
        leg = self._leg
        look = leg.look
        flat_ms = None
        if verdict.success and look is not None:
            flat_ms = self._course.flat_after_ms(look.ended_ns)
        self._judged_ns = self._clock.monotonic_ns()
        courier.note(
            LegJudged(
                exit_id=leg.exit_id,
                account=leg.account.name,
                run=self._run,
                verdict=verdict,
                time_to_flat_ms=flat_ms,
                dust=standing.dust,
                residual=() if verdict.success else leftovers(leg, standing),
                orders=(*standing.orders, *standing.foreign_orders),
                unread=unread,
                final=not self._holds,
            )
        )
        self._course.judged()

    async def _bide(self, courier: Courier, standing: Standing) -> None:
        leg, pace, settings = self._leg, self._pace, self._settings
        now_ns = self._clock.monotonic_ns()
        courier.ask(
            questions(
                leg,
                standing,
                pace,
                now_ns=now_ns,
                settings=settings,
                fills_asked_ns=courier.fills_asked_ns,
            )
        )
        if standing.open and not courier.instruments:
            courier.fetch_instruments()
        owed = leg.judged is not None and pending(leg)
        if owed:
            courier.ask_fills()
        self._next_look_ns = self._schedule(standing, now_ns)
        until_ns = self._next_look_ns
        if owed and now_ns < self._judged_ns + nanoseconds(settings.fills_patience_s):
            # Somebody waits for the figures.
            until_ns = min(until_ns, now_ns + settings.fills_grace_ms * 1_000_000)
        if leg.judged is None:
            until_ns = min(until_ns, self._deadline_ns)
        if standing.confirmed or standing.unexplained:
            # Evidence is on its way, or is to be asked for elsewhere when it is late.
            until_ns = min(until_ns, now_ns + settings.fills_grace_ms * 1_000_000)
        await courier.wait((until_ns - now_ns) / SECOND_NS)

    def _schedule(self, standing: Standing, now_ns: int) -> int:
        leg, pace, settings = self._leg, self._pace, self._settings
        look = leg.look
        if look is None:
            return now_ns
        judged = leg.judged
        if judged is not None and judged.run == self._run:
            if not self._holds:
                return now_ns + nanoseconds(settings.fills_patience_s)
            gap_s = settings.hold_look_gap_s if judged.verdict.success else settings.chase_gap_s
            return look.ended_ns + nanoseconds(gap_s)
        gap_ns = settings.look_gap_ms * 1_000_000
        again_ns = look.ended_ns + nanoseconds(backoff_s(self._idle, settings))
        if standing.clean and not standing.confirmed:
            return max(look.begun_ns + gap_ns, pace.quiet_until_ns)
        waits = [
            pace.retry_at_ns[position.key]
            for position in standing.open
            if pace.retry_at_ns.get(position.key, 0) > now_ns
        ]
        if waits:
            again_ns = min(again_ns, *waits)
        return max(again_ns, pace.quiet_until_ns)

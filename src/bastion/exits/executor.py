"""Executor: carries out an exit, one leg an account, each behind a bulkhead."""

import asyncio
from collections.abc import Callable, Mapping

from bastion.domain.records import Entry, ExitEnded, ExitJudged, LegJudged, RunStarted, Troubled
from bastion.domain.verdict import Verdict
from bastion.errors import Refused
from bastion.exits.bulkhead import attempt
from bastion.exits.leg import LegRunner
from bastion.exits.pace import nanoseconds
from bastion.exits.progress import Leg, Progress, progress
from bastion.exits.recorder import Recorder
from bastion.exits.settings import ExitSettings
from bastion.exits.verdict import overall
from bastion.ports import Clock, Journal, Venue

Observer = Callable[[Entry], None]


class Executor:
    """Carries out exits on these venues (by account name), writing what it does to the journal.

    `observe` is called with each entry once it is durable; it must not block, and its errors are ignored.
    """

    def __init__(
        self,
        *,
        venues: Mapping[str, Venue],
        journal: Journal,
        clock: Clock,
        settings: ExitSettings,
        observe: Observer | None = None,
    ) -> None:
        self._venues = dict(venues)
        self._journal = journal
        self._clock = clock
        self._settings = settings
        self._observe = observe

    async def run(self, exit_id: str) -> None:
        """Start, or take up again, the exit of that id, and return when it is judged and its hold has passed.

        Starting and recovering are this one function: a fold over the journal, then one task an account. An
        exit that ended flat is left alone; one that ended otherwise goes on, with its deadline counted anew.
        It never raises for a venue's, an observer's or the journal's sake.

        Raises:
            Refused: the journal knows no exit of that id.
        """
        state = progress(self._journal.entries(exit_id))
        if state is None:
            message = f"no exit {exit_id} is known here; `bastion exit` starts one"
            raise Refused(message)
        if state.ended and state.judged is not None and state.judged.verdict.success:
            return
        recorder = Recorder(journal=self._journal, settings=self._settings, observe=self._observe)
        course = ExitCourse(state=state, clock=self._clock, settings=self._settings, recorder=recorder)
        async with asyncio.TaskGroup() as writers:
            writers.create_task(recorder.run(), name=f"{exit_id}: journal")
            recorder.note(
                RunStarted(exit_id=exit_id, run=course.run, monotonic_ns=self._clock.monotonic_ns())
            )
            async with asyncio.TaskGroup() as legs:
                for name, leg in state.legs.items():
                    legs.create_task(self._carry_out(leg, course, recorder), name=f"{exit_id}: {name}")
            course.finish()
            recorder.close()

    async def _carry_out(self, leg: Leg, course: "ExitCourse", recorder: Recorder) -> None:
        name = leg.account.name
        venue = self._venues.get(name)
        began_ns = self._clock.monotonic_ns()
        deadline_s = float(course.request.deadline_s)
        if venue is None:
            _give_up(leg, course, recorder, self._clock, reason="the account is no longer configured")
            return
        for _ in range(self._settings.surprises_max):
            runner = LegRunner(
                venue=venue,
                leg=leg,
                course=course,
                clock=self._clock,
                settings=self._settings,
                recorder=recorder,
                run=course.run,
                deadline_ns=began_ns + nanoseconds(deadline_s),
                deadline_s=deadline_s,
                holds=course.holds,
            )
            # A leg ends here whatever happened in it; the hold and the deadlines inside bound its time.
            result = await attempt(runner.run, seconds=self._settings.leg_s_max)
            if not isinstance(result, Exception):
                return
            trouble = Troubled(
                exit_id=leg.exit_id,
                account=name,
                part="leg",
                code=type(result).__name__,
                message="this leg failed in a way that nobody planned for, and was started again",
            )
            leg.apply(trouble, at_ns=self._clock.now_ns())
            recorder.note(trouble)
            await self._clock.sleep(self._settings.surprise_wait_s)
        if leg.judged is None or leg.judged.run != course.run:
            _give_up(leg, course, recorder, self._clock, reason="the leg failed again and again")


class ExitCourse:
    """The exit around its legs: when all are judged, and until when it holds."""

    def __init__(self, *, state: Progress, clock: Clock, settings: ExitSettings, recorder: Recorder) -> None:
        self.request = state.request
        self.run = state.runs + 1
        self.holds = state.request.hold_s > 0
        self._legs = state.legs
        self._requested_ns = state.requested_ns
        self._clock = clock
        self._settings = settings
        self._recorder = recorder
        self._verdict: Verdict | None = None
        self._held_until_ns = 0
        self._chased_until_ns: int | None = None

    def flat_after_ms(self, ended_ns: int) -> int:
        """Return the milliseconds from the request to a monotonic time of this run.

        In the first run both are monotonic times of one process; in a later one UTC stands in for the start.
        """
        if self.run == 1:
            return max(0, (ended_ns - self.request.monotonic_ns) // 1_000_000)
        since_ns = self._clock.monotonic_ns() - ended_ns
        return max(0, (self._clock.now_ns() - since_ns - self._requested_ns) // 1_000_000)

    def judged(self) -> None:
        """Judge the exit once every leg has a verdict of this run."""
        verdicts = [
            leg.judged.verdict
            for leg in self._legs.values()
            if leg.judged is not None and leg.judged.run == self.run
        ]
        if len(verdicts) < len(self._legs):
            return
        verdict = overall(verdicts)
        if verdict is self._verdict:
            return
        self._verdict = verdict
        now_ns = self._clock.monotonic_ns()
        hold_ns = nanoseconds(float(self.request.hold_s)) if verdict.success else 0
        self._held_until_ns = now_ns + hold_ns
        if self._chased_until_ns is None:
            self._chased_until_ns = now_ns + nanoseconds(self._settings.chase_s)
        self._recorder.note(
            ExitJudged(
                exit_id=self.request.exit_id,
                verdict=verdict,
                held_until_ns=self._clock.now_ns() + hold_ns,
                elapsed_ms=self.flat_after_ms(now_ns),
            )
        )

    def reopened(self) -> None:
        """Take the exit's verdict back: a leg works again."""
        self._verdict = None

    def over(self, now_ns: int) -> bool:
        """Return whether the hold has passed and nothing is chased any more."""
        if self._verdict is None or self._chased_until_ns is None:
            return False
        if now_ns >= self._chased_until_ns:
            return True
        return self._verdict.success and now_ns >= self._held_until_ns

    def finish(self) -> None:
        """Record that the work is over."""
        self.judged()
        self._recorder.note(ExitEnded(exit_id=self.request.exit_id))


def _give_up(leg: Leg, course: ExitCourse, recorder: Recorder, clock: Clock, *, reason: str) -> None:
    shown = tuple(leg.last_sighting.values())
    record = LegJudged(
        exit_id=leg.exit_id,
        account=leg.account.name,
        run=course.run,
        verdict=Verdict.NOT_FLAT if shown else Verdict.UNKNOWN,
        residual=shown,
        unread=(("everything", reason),),
    )
    leg.apply(record, at_ns=clock.now_ns())
    recorder.note(record)
    course.judged()

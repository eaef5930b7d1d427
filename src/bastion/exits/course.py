"""Course: an exit around its legs: when all are judged, and until when it holds."""

from collections.abc import Callable

from bastion.domain.records import ExitEnded, ExitJudged
from bastion.domain.verdict import Verdict
from bastion.exits.pace import nanoseconds
from bastion.exits.progress import Progress
from bastion.exits.recorder import Recorder
from bastion.exits.settings import ExitSettings
from bastion.exits.verdict import overall
from bastion.ports import Clock


class Course:
    """One exit in one run of it, as its legs know it."""

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
        self._waiting: list[Callable[[], None]] = []
        self.judged_ns: int | None = None

    def flat_after_ms(self, ended_ns: int) -> int:
        """Return the milliseconds from the request to a monotonic time of this run.

        In the first run both are monotonic times of one process; in a later one UTC stands in for the start.
        """
        if self.run == 1:
            return max(0, (ended_ns - self.request.monotonic_ns) // 1_000_000)
        since_ns = self._clock.monotonic_ns() - ended_ns
        return max(0, (self._clock.now_ns() - since_ns - self._requested_ns) // 1_000_000)

    def when_judged(self, heard: Callable[[], None]) -> None:
        """Call `heard` whenever every leg has its verdict; `judged_ns` is when that first was (monotonic)."""
        self._waiting.append(heard)

    def figures_ns(self, judged_ns: int) -> int:
        """Return from when on (monotonic) executions that only tell what was realised are asked for.

        `judged_ns` is when the account whose executions they are had its verdict.
        """
        late_ns = judged_ns + nanoseconds(self._settings.figures_wait_s)
        return max(judged_ns, min(late_ns, self.judged_ns or late_ns))

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
        self.judged_ns = now_ns if self.judged_ns is None else self.judged_ns
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
        for heard in self._waiting:
            heard()

    def reopened(self) -> None:
        """Take the exit's verdict back: a leg works again."""
        self._verdict = None

    @property
    def hold_ends_ns(self) -> int | None:
        """Until when (monotonic) it holds; None while no verdict is a success."""
        if self._verdict is None or not self._verdict.success:
            return None
        return self._held_until_ns

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

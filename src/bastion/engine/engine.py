"""Engine: the standing watch as the verbs steer it, over records that every process of the desk shares."""

from collections.abc import Mapping

from bastion.domain.engine import (
    ArmSettings,
    Day,
    DisarmCause,
    Disarmed,
    EngineState,
    Standing,
    Tally,
)
from bastion.domain.engine_records import (
    ActDropped,
    ActEnded,
    Advised,
    Alerted,
    EngineArmed,
    EngineDisarmed,
    EngineEntry,
    EngineRecord,
    EngineResumed,
    EngineStarted,
    GuardCleared,
    GuardTripped,
    account_of,
)
from bastion.domain.money import ZERO, Usd
from bastion.domain.principal import Principal, Scope
from bastion.engine.acting import Actor
from bastion.engine.day import DayReader
from bastion.engine.log import EngineLog
from bastion.engine.loss import LossWatch
from bastion.engine.register import Register
from bastion.engine.settings import EngineSettings
from bastion.engine.standing import DAY_NS
from bastion.engine.surroundings import Surroundings
from bastion.engine.watch import Watch
from bastion.errors import Conflict, EngineNotRunning, JournalUnusable
from bastion.ports import Clock, ExitLock, Journal, Venue

NS = 1_000_000_000
FILTERED_MAX = 2_000
"""Of so many newest entries a key that may see some accounts only is shown what is about these."""

ITSELF = Principal(id="engine", surface="engine", scope=Scope.ENGINE)

_CHANGES: tuple[type[EngineRecord], ...] = (EngineStarted, EngineArmed, EngineDisarmed, EngineResumed)
_HISTORY: tuple[type[EngineRecord], ...] = (Advised, GuardTripped, ActEnded)
_EVENTS: tuple[type[EngineRecord], ...] = (*_CHANGES, GuardCleared, ActDropped)


class Engine:
    """Implements `commands.steering.EngineControl`; `serving` says that this process will call `run`.

    Of all processes on one state, the one that holds `lock` evaluates and acts; the others read and write the
    same records, so that any of them can start, arm, disarm and tell.
    """

    def __init__(
        self,
        *,
        log: EngineLog,
        lock: ExitLock,
        venues: Mapping[str, Venue],
        journal: Journal,
        clock: Clock,
        settings: EngineSettings,
        surroundings: Surroundings,
        serving: bool,
    ) -> None:
        self._log = log
        self._lock = lock
        self._clock = clock
        self._settings = settings
        self._surroundings = surroundings
        self._serving = serving
        self._register = Register(log, deadline_s=settings.record_deadline_s)
        self._actor = Actor(register=self._register, surroundings=surroundings)
        self._day = DayReader(venues=venues, journal=journal, log=log, clock=clock, settings=settings)
        loss = LossWatch(register=self._register, reader=self._day, clock=clock, lost=self._lost)
        self._watch = Watch(
            register=self._register,
            log=log,
            lock=lock,
            surroundings=surroundings,
            actor=self._actor,
            loss=loss,
            clock=clock,
            settings=settings,
        )

    async def run(self) -> None:
        """Evaluate until cancelled, whenever the engine is started and no other process does."""
        await self._watch.run()

    def standing(self) -> Standing:
        """Return how the engine stands, whichever process runs it.

        Raises:
            JournalUnusable: its records cannot be read.
        """
        facts = self._register.facts()
        recorded = facts.recorded
        if self._register.held_back and recorded is EngineState.ARMED:
            recorded = EngineState.MONITORING
        hosted = recorded is not EngineState.STOPPED and self._hosted()
        armed = recorded is EngineState.ARMED
        return Standing(
            state=recorded if hosted else EngineState.STOPPED,
            recorded=recorded,
            hosted=hosted,
            settings=facts.settings if armed else None,
            started_ns=facts.started_ns,
            armed_ns=facts.armed_ns if armed else None,
            pulse=self._log.pulse(),
        )

    async def start(self, *, principal: Principal) -> Standing:
        """Start watching; when it runs already, nothing changes.

        Raises:
            Conflict: no standing process is there to run it.
            JournalUnusable: the start could not be made durable; it was not started.
        """
        if not self._hosted():
            raise Conflict(
                "No standing process is there to run the engine: start `bastion up` first, or start it from"
                " an assistant's `bastion mcp`. Nothing was done."
            )
        if self._register.facts().recorded is EngineState.STOPPED:
            await self._register.commit((EngineStarted(principal=principal.id, surface=principal.surface),))
            self._watch.wake()
        return self.standing()

    async def arm(self, settings: ArmSettings, *, principal: Principal) -> Standing:
        """Let the guards act, with these settings, which replace those of an earlier arming.

        Raises:
            EngineNotRunning: it is stopped.
            JournalUnusable: the arming could not be made durable; it was not armed.
        """
        if self.standing().state is EngineState.STOPPED:
            raise EngineNotRunning("The engine is stopped; start it first. Nothing was done.")
        armed = EngineArmed(settings=settings, principal=principal.id, surface=principal.surface)
        try:
            await self._register.commit((armed,))
        except JournalUnusable:
            # The record can have become durable in the moment in which it was given up: it must not count.
            self._register.held_back = True
            await self._register.note((_disarmed(ITSELF, DisarmCause.ASKED, "The arming failed."),))
            raise
        self._register.held_back = False
        self._watch.wake()
        return self.standing()

    async def disarm(self, *, principal: Principal, cause: DisarmCause) -> Disarmed:
        """Let nothing more be sent on the engine's own decision, from this moment on; then write it down.

        It waits for nothing but the record, and for that only a moment. An act that has begun goes on.
        """
        self._actor.hold_back()
        facts = self._register.last_known()
        was = self._register.armed()
        armed_ns = facts.armed_ns or 0
        executed, net = facts.done_since(armed_ns) if was else (0, Usd(ZERO))
        armed_s = max(self._clock.now_ns() - armed_ns, 0) // NS if was else 0
        written = True
        if was:
            # From here on it is not armed in this process, also while the record is being written.
            self._register.held_back = True
            why = "Today's realised loss reached the limit." if cause is DisarmCause.DAILY_LOSS else ""
            try:
                await self._register.commit((_disarmed(principal, cause, why),), lasting=True)
            except JournalUnusable:
                written = False
            else:
                self._register.held_back = False
        return Disarmed(
            was_armed=was,
            armed_s=armed_s,
            executed=executed,
            net_realized_usd=net,
            running=self._actor.under_way(),
            written=written,
        )

    def history(self, *, limit: int, accounts: frozenset[str] | None) -> tuple[EngineEntry, ...]:
        """Return the newest evaluations and acts, newest first.

        Raises:
            JournalUnusable: its records cannot be read.
        """
        return self._newest(_HISTORY, limit=limit, accounts=accounts)

    def events(self, *, limit: int, accounts: frozenset[str] | None) -> tuple[EngineEntry, ...]:
        """Return the newest changes of its state, and what it did not do after all, newest first.

        Raises:
            JournalUnusable: its records cannot be read.
        """
        return self._newest(_EVENTS, limit=limit, accounts=accounts)

    def _newest(
        self, kinds: tuple[type[EngineRecord], ...], *, limit: int, accounts: frozenset[str] | None
    ) -> tuple[EngineEntry, ...]:
        newest = limit if accounts is None else FILTERED_MAX
        entries = self._log.entries(kinds, newest=newest)
        return tuple(entry for entry in reversed(entries) if _visible(entry, accounts))[:limit]

    def alerts(self, *, limit: int, accounts: frozenset[str] | None) -> tuple[EngineEntry, ...]:
        """Return the alerts of the last 24 hours, newest first.

        Raises:
            JournalUnusable: its records cannot be read.
        """
        newest = limit if accounts is None else FILTERED_MAX
        since_ns = self._clock.now_ns() - DAY_NS
        entries = self._log.entries({Alerted}, since_ns=since_ns, newest=newest)
        return tuple(entry for entry in reversed(entries) if _visible(entry, accounts))[:limit]

    def tally(self, *, accounts: frozenset[str] | None) -> Tally:
        """Return the counts of everything that it ever evaluated and did.

        Raises:
            JournalUnusable: its records cannot be read.
        """
        ended = [entry for entry in self._log.entries({ActEnded}) if _visible(entry, accounts)]
        known = [
            entry.record.realized_pnl_usd
            for entry in ended
            if isinstance(entry.record, ActEnded) and entry.record.realized_pnl_usd is not None
        ]
        holds = self._log.count(Advised, accounts=accounts) + self._log.count(GuardTripped, accounts=accounts)
        return Tally(holds=holds, executed=len(ended), net_realized_usd=Usd(sum(known, ZERO)))

    async def day(self, *, accounts: frozenset[str] | None) -> Day:
        """Return what was closed since 00:00 UTC; what could not be read is named in it."""
        day = await self._day.read(await self._surroundings.observe(anew=False))
        if accounts is None:
            return day
        return Day(
            began_ns=day.began_ns,
            trades=tuple(one for one in day.trades if one.account in accounts),
            unread=tuple(one for one in day.unread if one[0] in accounts),
            pending=tuple(name for name in day.pending if name in accounts),
        )

    async def _lost(self) -> None:
        await self.disarm(principal=ITSELF, cause=DisarmCause.DAILY_LOSS)

    def _hosted(self) -> bool:
        if self._serving or self._watch.hosting:
            return True
        # The lock is free only where no process runs the engine; it is taken for a moment to find out.
        if not self._lock.acquire():
            return True
        self._lock.release()
        return False


def _disarmed(principal: Principal, cause: DisarmCause, why: str) -> EngineDisarmed:
    return EngineDisarmed(cause=cause, principal=principal.id, surface=principal.surface, why=why)


def _visible(entry: EngineEntry, accounts: frozenset[str] | None) -> bool:
    # What is about the whole desk holds figures of every account; a change of state holds none.
    if accounts is None or isinstance(entry.record, _CHANGES):
        return True
    return account_of(entry.record) in accounts

"""Watch: the evaluation loop of the one process that runs the engine."""

import asyncio
import logging
from collections.abc import Sequence
from decimal import Decimal

from bastion.domain.engine import (
    AccountView,
    AlertType,
    EngineState,
    Pulse,
    Severity,
    Target,
)
from bastion.domain.engine_records import (
    ActIntended,
    Advised,
    Alerted,
    EngineRecord,
    EngineResumed,
    GuardCleared,
    GuardTripped,
    HighWaterSet,
)
from bastion.domain.money import ZERO, Usd
from bastion.engine.acting import Actor, claim
from bastion.engine.advice import advise, circumstances, return_on_margin
from bastion.engine.day import watched
from bastion.engine.decide import AlertBook, acts_of, advice_acts, risks_of, trip_alert
from bastion.engine.guards import LIQUIDATION, evaluate
from bastion.engine.log import EngineLog
from bastion.engine.loss import LossWatch
from bastion.engine.memory import Worth, recalled, remember
from bastion.engine.register import Register
from bastion.engine.scene import Clear, Drawdown, Finding, Scene, Trip
from bastion.engine.seeing import positions_of, scene_of, settled, worth_of
from bastion.engine.settings import EngineSettings
from bastion.engine.standing import Facts, day_began
from bastion.engine.surroundings import Surroundings
from bastion.errors import JournalUnusable
from bastion.ports import Clock, ExitLock

NS = 1_000_000_000
MARK_STEP = 1000
"""The high-water mark is stored when it rose by one part in so many, and with every advice."""

_log = logging.getLogger(__name__)


class Watch:
    """Reads, evaluates, advises and decides; what is to be done goes to the `Actor`.

    Only the process that holds the engine's lock does this; another takes over when that one dies.
    """

    def __init__(
        self,
        *,
        register: Register,
        log: EngineLog,
        lock: ExitLock,
        surroundings: Surroundings,
        actor: Actor,
        loss: LossWatch,
        clock: Clock,
        settings: EngineSettings,
    ) -> None:
        self._register = register
        self._log = log
        self._lock = lock
        self._surroundings = surroundings
        self._actor = actor
        self._loss = loss
        self._clock = clock
        self._settings = settings
        self._wake = asyncio.Event()
        self.hosting = False
        self._forget()

    def wake(self) -> None:
        """Look at once: the engine was started or armed."""
        self._wake.set()

    async def run(self) -> None:
        """Run the engine until cancelled; nothing that happens in it ends it, or reaches the desk's exits."""
        try:
            while True:
                try:
                    await self._live()
                except* Exception:  # noqa: BLE001 - a bulkhead: the desk's exits run beside this task
                    _log.exception("The engine's watch failed and begins anew.")
                await self._clock.sleep(self._settings.host_retry_s)
        finally:
            self.hosting = False
            self._lock.release()

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                pause_s = self._settings.host_retry_s
                if self._lock.acquire():
                    self.hosting = True
                    try:
                        pause_s = await self._round(group)
                    except JournalUnusable as error:
                        _log.error("The engine could not evaluate: %s", error)
                    except Exception:  # noqa: BLE001 - a bulkhead: the next round may go well
                        _log.exception("A round of the engine failed.")
                await self._pause(pause_s)

    def _forget(self) -> None:
        self._since_ns = 0
        self._began_ns = 0
        self._resumed = False
        self._armed_seq = 0
        self._rounds = 0
        self._streaks: dict[str, int] = {}
        self._memory: Drawdown | None = None
        self._stored_mark: Usd | None = None
        self._worth: Worth | None = None
        self._best: dict[str, Decimal] = {}
        self._alerts = AlertBook(patience_s=self._settings.data_alert_s)
        self._advised_ns: int | None = None
        self._watched: set[tuple[str, ...]] = set()
        self._watched_day = 0
        self._told_held: set[tuple[str, str]] = set()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _round(self, group: asyncio.TaskGroup) -> float:
        facts = self._register.facts()
        if facts.recorded is EngineState.STOPPED:
            return self._settings.host_retry_s
        if self._surroundings.busy() is not None:
            # The exit has the venues' limits to itself; it ends by a look of its own.
            return self._settings.near_poll_s
        if not self._since_ns:
            self._since_ns, self._began_ns = self._clock.now_ns(), self._clock.monotonic_ns()
        views = await self._surroundings.observe()
        facts = self._register.facts()
        now_ns = self._clock.now_ns()
        records: list[EngineRecord] = []
        if not self._resumed and settled(views):
            self._resume(facts, records, group)
        self._note_arming(facts)
        self._remember(views, facts, records, now_ns)
        scene = scene_of(views, at_ns=now_ns, memory=self._memory)
        findings = evaluate(scene, self._settings.limits)
        self._rounds += 1
        self._episodes(findings, facts, views, records)
        records.extend(self._alerts.alerts(findings, at_ns=now_ns))
        advice = self._advise(scene, findings, records)
        self._note_positions(views, records, now_ns)
        await self._register.note(records)
        self._act(findings, advice, group)
        self._loss.refresh(views, group, due=bool(advice))
        await self._beat(scene, findings, views)
        near = any(isinstance(one, Trip) or getattr(one, "severity", None) for one in findings)
        return self._settings.near_poll_s if near else self._settings.poll_s

    def _resume(self, facts: Facts, records: list[EngineRecord], group: asyncio.TaskGroup) -> None:
        mark = self._register.high_water()
        if mark is not None:
            self._memory = recalled(mark, at_ns=self._clock.now_ns())
            self._stored_mark = mark
        if facts.open_acts:
            # Until such an act is settled, its episode counts as answered, and is not answered twice.
            group.create_task(self._actor.recover(tuple(facts.open_acts.values())))
        if facts.started_ns is not None and facts.started_ns < self._since_ns:
            records.append(EngineResumed(state=facts.recorded))
        self._resumed = True

    def _note_arming(self, facts: Facts) -> None:
        if facts.armed_seq == self._armed_seq:
            return
        self._armed_seq = facts.armed_seq
        # A guard acts on readings that were made after the arming, never on the first of them.
        self._streaks.clear()
        self._actor.begin_anew()
        self._told_held.clear()
        if facts.rebase_after and self._register.high_water() is None:
            self._memory, self._stored_mark = None, None

    def _remember(
        self, views: Sequence[AccountView], facts: Facts, records: list[EngineRecord], now_ns: int
    ) -> None:
        worth = worth_of(views, at_ns=now_ns)
        if worth is None or not self._resumed:
            return
        fresh = self._memory is None
        average_s = self._settings.limits.drawdown_average_s
        self._memory, self._worth, moved = remember(self._memory, self._worth, worth, average_s=average_s)
        mark, stored = self._memory.high_water_usd, self._stored_mark
        if moved:
            word = "deposit" if moved > ZERO else "withdrawal"
            why = f"a {word} of {abs(moved):,.2f} USD moved it"
            said = f"The cash changed by {moved:,.2f} USD with nothing traded: the high-water mark moves."
            records.append(
                Alerted(type=AlertType.ENGINE, severity=Severity.LOW, message=said, target=Target())
            )
        elif fresh:
            why = "the engine was armed again after it acted" if facts.rebase_after else "it began here"
        else:
            why = "the equity rose"
        if moved or stored is None or (mark > stored and mark - stored > stored / MARK_STEP):
            records.append(HighWaterSet(equity_usd=mark, why=why))
            self._stored_mark = mark

    def _episodes(
        self,
        findings: Sequence[Finding],
        facts: Facts,
        views: Sequence[AccountView],
        records: list[EngineRecord],
    ) -> None:
        armed = self._may_act()
        present = set()
        for finding in findings:
            key = finding.reading.key
            present.add(key)
            if isinstance(finding, Trip):
                self._streaks[key] = self._streaks.get(key, 0) + 1
                if self._streaks[key] >= self._settings.confirm_reads and key not in facts.episodes:
                    trip = GuardTripped(reading=finding.reading, act=finding.act, armed=armed)
                    records.extend((trip, trip_alert(trip)))
            else:
                self._streaks.pop(key, None)
                if isinstance(finding, Clear) and finding.settled and key in facts.episodes:
                    why = f"{finding.reading.value} {finding.reading.unit}"
                    records.append(GuardCleared(guard=finding.reading.guard, key=key, why=why))
        read = {view.account.name for view in views if view.look.complete}
        for key, episode in facts.episodes.items():
            reading = episode.tripped.reading
            if key not in present and reading.guard == LIQUIDATION and reading.target.account in read:
                self._streaks.pop(key, None)
                records.append(GuardCleared(guard=reading.guard, key=key, why="the position is gone"))

    def _advise(
        self, scene: Scene, findings: Sequence[Finding], records: list[EngineRecord]
    ) -> tuple[Advised, ...]:
        returns = {one.target.name: return_on_margin(one.position) for one in scene.held}
        self._best = {
            name: max(self._best.get(name, value), value)
            for name, value in returns.items()
            if value is not None
        }
        now_ns = self._clock.monotonic_ns()
        if self._advised_ns is not None and now_ns - self._advised_ns < self._settings.advice_s * NS:
            return ()
        self._advised_ns = now_ns
        distances = {
            one.reading.target.name: one.reading.value for one in findings if one.reading.guard == LIQUIDATION
        }
        held = tuple(one for one in scene.held if one.position.closable)
        advice = tuple(advise(one) for one in circumstances(held, best=self._best, distances=distances))
        records.extend(advice)
        if self._memory is not None and self._memory.high_water_usd != self._stored_mark:
            mark = self._memory.high_water_usd
            records.append(HighWaterSet(equity_usd=mark, why="the equity rose"))
            self._stored_mark = mark
        return advice

    def _note_positions(self, views: Sequence[AccountView], records: list[EngineRecord], now_ns: int) -> None:
        today = day_began(now_ns)
        if today != self._watched_day:
            self._watched, self._watched_day = set(), today
        for account, position in positions_of(views):
            name = (account.name, *position.key)
            if name not in self._watched:
                self._watched.add(name)
                records.append(watched(account, position))

    def _may_act(self) -> bool:
        warm = self._clock.monotonic_ns() - self._began_ns >= self._settings.warm_up_s * NS
        return self._resumed and warm and self._register.armed()

    def _act(self, findings: Sequence[Finding], advice: Sequence[Advised], group: asyncio.TaskGroup) -> None:
        if not self._may_act() or self._surroundings.busy() is not None:
            return
        facts = self._register.last_known()
        settings = facts.settings
        if settings is None:
            return
        today = day_began(self._clock.now_ns())
        tripped = [
            (one.reading.key, facts.episodes[one.reading.key], one.reading)
            for one in findings
            if isinstance(one, Trip)
            and self._streaks.get(one.reading.key, 0) >= self._settings.confirm_reads
            and one.reading.key in facts.episodes
            and facts.episodes[one.reading.key].acted is None
            and not self._actor.claims(one.reading.key)
        ]
        acts, capped = acts_of(tripped, settings)
        left = self._settings.acts_a_day_max - len(facts.acts_since(today, by_guards=True))
        for intent in acts[: max(left, 0)]:
            self._actor.begin(intent, group.create_task)
        self._tell_held(capped, acts[max(left, 0) :], group)
        if acts or not self._settings.act_advice:
            return
        done_today = {
            claim(entry.record)
            for entry in facts.acts_since(today, by_guards=False)
            if isinstance(entry.record, ActIntended)
        }
        intents = advice_acts(
            advice,
            settings,
            risks=risks_of(one.reading for one in findings),
            done=lambda intent: claim(intent) in done_today or self._actor.claims(claim(intent)),
        )
        room = max(self._settings.advice_acts_a_day_max - len(done_today), 0)
        for intent in intents[:room]:
            self._actor.begin(intent, group.create_task)

    def _tell_held(
        self, capped: Sequence[str], over: Sequence[ActIntended], group: asyncio.TaskGroup
    ) -> None:
        told = [(key, "max_action does not allow it") for key in capped]
        why = f"the engine has acted {self._settings.acts_a_day_max} times today, its most"
        told.extend((key, why) for intent in over for key in intent.keys)
        records = tuple(
            Alerted(
                type=AlertType.ENGINE,
                severity=Severity.CRITICAL,
                message=f"The guard {key} is at its limit and nothing is done: {reason}. Act by hand.",
                target=Target(),
            )
            for key, reason in told
            if (key, reason) not in self._told_held
        )
        self._told_held |= set(told)
        if records:
            group.create_task(self._register.note(records))

    async def _beat(self, scene: Scene, findings: Sequence[Finding], views: Sequence[AccountView]) -> None:
        day = self._loss.day
        if day is not None and day.began_ns != day_began(scene.at_ns):
            day = None  # Yesterday's figures are not today's.
        whys = [] if day is None else [f"{name} could not be read ({why})" for name, why in day.unread]
        pulse = Pulse(
            watching_since_ns=self._since_ns,
            acts_from_ns=self._since_ns + int(self._settings.warm_up_s * NS),
            evaluated_ns=scene.at_ns,
            resumed=self._resumed,
            evaluations=self._rounds,
            complete=all(view.look.complete for view in views),
            positions=tuple(one.target for one in scene.held),
            guards=tuple(one.reading for one in findings),
            equity_usd=scene.equity_usd,
            equity_why=scene.equity_why,
            high_water_usd=None if self._memory is None else self._memory.high_water_usd,
            realized_today_usd=None if day is None else day.realized_usd,
            realized_why="; ".join(whys),
        )
        try:
            async with asyncio.timeout(self._settings.record_deadline_s):
                await self._log.beat(pulse)
        except (JournalUnusable, TimeoutError) as error:
            _log.warning("The evaluation could not be stored: %s", error)

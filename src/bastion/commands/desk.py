"""Desk: the accounts, and the exits that this process carries out on them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from bastion.auth.keys import Keys
from bastion.commands.hearing import Ears
from bastion.commands.readings import Readings
from bastion.commands.right_of_way import RightOfWay
from bastion.commands.steering import EngineControl
from bastion.commands.wealth import Wealth
from bastion.domain.account import Account
from bastion.domain.audit import VerifiedChain
from bastion.domain.look import Look
from bastion.domain.mandate import ExitKind
from bastion.domain.records import (
    Entry,
    ExitJudged,
    ExitRequested,
    LegExtended,
    LegReopened,
    RunStarted,
)
from bastion.errors import JournalUnusable, Refused
from bastion.exits.executor import Executor
from bastion.exits.opening import Opening
from bastion.exits.progress import progress
from bastion.exits.settings import ExitSettings
from bastion.exits.unfinished import is_over, unjudged
from bastion.ports import Auditor, Clock, ExitLock, Journal, Notary, RepeatStore, Venue

RECENT_EXITS = 20
# An exit that was broken off longer ago than this is not taken up without being asked for by its id: what is
# open now may have been opened on purpose.
RESUME_AGE_MAX_S = 3_600
# How often a process that carries out an exit looks for requests that others wrote into the journal.
ADOPT_GAP_S = 0.2
FRESH_REQUEST_S = 10

_log = logging.getLogger(__name__)

Observer = Callable[[Entry], None]
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class RunningExit:
    """One exit at work in this process: `judged` is set while it has a verdict, `ended` when it is over.

    `flat` says that its latest verdict is a success, `seen` are the looks of a moment ago to act on.
    `extra_s` is what a venue's limit of trading requests adds to its deadline.
    """

    exit_id: str
    request: ExitRequested
    judged: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    seen: Mapping[str, Look] = field(default_factory=dict)
    flat: bool = False
    task: asyncio.Task[None] | None = None
    extra_s: float = 0.0


class Desk:
    """All that the verbs need; only the composition root builds one.

    Exits run as tasks of `tasks`, not of their callers, so that a caller who goes away stops nothing.
    `new_exit_id` mints ids; `notary` returns who signs, made when it is needed; `paper` says that every
    account is on the embedded paper exchange; `verify` checks every hash chain of this desk's state.
    """

    def __init__(
        self,
        *,
        accounts: tuple[Account, ...],
        venues: Mapping[str, Venue],
        journal: Journal,
        clock: Clock,
        settings: ExitSettings,
        keys: Keys,
        lock: ExitLock,
        new_exit_id: Callable[[], str],
        tasks: asyncio.TaskGroup,
        paper: bool,
        audit: Auditor,
        notary: Callable[[], Notary],
        verify: Callable[[], tuple[VerifiedChain, ...]],
    ) -> None:
        self.accounts = accounts
        self.venues = venues
        self.journal = journal
        self.clock = clock
        self.settings = settings
        self.keys = keys
        self.lock = lock
        self.new_exit_id = new_exit_id
        self.paper = paper
        self.audit = audit
        self.notary = notary
        self.verify = verify
        self.ears = Ears(clock)
        self.readings = Readings(venues=venues, clock=clock, ears=self.ears)
        self.wealth = Wealth(venues=venues, clock=clock)
        # Two who set stops on one account take turns, so that neither takes away the other's.
        self.turns = {name: asyncio.Lock() for name in venues}
        self.beginning = asyncio.Lock()
        self.right_of_way = RightOfWay(clock)
        # The composition root sets it; without one nothing is watched, and every exit works as ever.
        self.engine: EngineControl | None = None
        # As above; without one, whoever answers keeps what was answered in memory alone.
        self.repeats: RepeatStore | None = None
        # The exits that began under a caller's own name for the request; None until somebody asks.
        self.tagged: dict[str, str] | None = None
        self._tasks = tasks
        self._observers: list[Observer] = []
        self._running: dict[str, RunningExit] = {}
        self._settled: set[str] = set()
        self._begun: set[asyncio.Task[None]] = set()
        self._adopter: asyncio.Task[None] | None = None
        self._executor = Executor(
            venues=venues, journal=journal, clock=clock, settings=settings, tasks=tasks, observe=self._observe
        )

    def watch(self, observer: Observer) -> Callable[[], None]:
        """Call `observer` after each entry that an exit of this process makes; return what ends that.

        The observer must not block; what it raises is logged and harms no exit.
        """
        self._observers.append(observer)

        def unwatch() -> None:
            if observer in self._observers:
                self._observers.remove(observer)

        return unwatch

    def running(self) -> RunningExit | None:
        """Return the newest exit of this process that still works towards its verdict, if there is one."""
        working = self.working()
        return working[-1] if working else None

    def working(self) -> tuple[RunningExit, ...]:
        """Return all exits of this process that still work towards their verdicts, oldest first."""
        return tuple(running for running in self._running.values() if not running.judged.is_set())

    def busy(self) -> tuple[str, ...]:
        """Return the ids of all exits of this process that can still act, those that hold included."""
        return tuple(
            running.exit_id
            for running in self._running.values()
            if running.request.hold_s > 0 or not running.judged.is_set()
        )

    def let_go(self) -> None:
        """Free the lock once no exit of this process can act any more; nothing happens before.

        Who watches a flat account, or goes on with one that is not, can send an order in the next moment:
        what another process asks for meanwhile is carried out here as well, by the same hand. An embedded
        exchange is its process's own, so that there another process can only mean another world.
        """
        if not self._can_act():
            self.lock.release()

    def _can_act(self) -> bool:
        return bool(self.working() if self.paper else self.busy())

    def exit_of(self, exit_id: str) -> RunningExit | None:
        """Return the exit of that id while this process works on it, its hold included."""
        return self._running.get(exit_id)

    @property
    def idle(self) -> bool:
        """Whether no exit is at work in this process, one that holds included."""
        return not self._running

    def start(
        self, exit_id: str, *, entries: tuple[Entry, ...] = (), opening: Opening | None = None
    ) -> RunningExit:
        """Carry out the exit, whose request is in the journal, in a task of the desk's own.

        `entries` are those of the exit, where the caller has just written them; `opening` is its request,
        where it is to become durable with the exit's first intents.

        Raises:
            Refused: the journal knows no exit of that id.
        """
        present = self._running.get(exit_id)
        if present is not None:
            return present
        if opening is not None:
            entries = opening.provisional()
        state = progress(entries or self.journal.entries(exit_id))
        if state is None:
            raise Refused(f"There is no exit with the id {exit_id[:64]!r} in this journal.")
        # What closes a part, or only winners, chose its sizes by a look of its own.
        whole = state.request.kind is ExitKind.EXIT
        seen = self.readings.looks(within_s=self.settings.recent_look_s) if whole else {}
        running = RunningExit(exit_id=exit_id, request=state.request, seen=seen)
        self._running[exit_id] = running
        running.task = self._tasks.create_task(self._carry_out(running, opening), name=f"exit {exit_id}")
        if opening is not None:
            lost = JournalUnusable("the exit ended before its request was written down; nothing was done")
            running.task.add_done_callback(lambda _: opening.refused(lost))
        if self._adopter is None or self._adopter.done():
            self._adopter = self._tasks.create_task(self._adopting(), name="requests of other processes")
        return running

    async def outlive(self, work: Coroutine[object, object, T]) -> T:
        """Carry `work` to its end in a task of the desk's own, also when the caller is cancelled meanwhile.

        Raises:
            Exception: what `work` raised.
        """
        outcome: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        async def carry() -> None:
            try:
                outcome.set_result(await work)
            except Exception as error:  # noqa: BLE001 - handed to the caller; raised here it would end all tasks
                outcome.set_exception(error)

        task = self._tasks.create_task(carry())
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return await asyncio.shield(outcome)

    async def finish(self) -> None:
        """Wait until the running exits have their verdicts; their own deadlines bound that."""
        for task in tuple(self._begun):
            await asyncio.wait({task})
        for running in self.working():
            await running.judged.wait()

    async def stop(self) -> None:
        """End the tasks of this process; an exit without a verdict is left to the next start."""
        tasks = [running.task for running in self._running.values() if running.task is not None]
        if self._adopter is not None:
            self._adopter.cancel()
        for task in tasks:
            task.cancel()
        for running in tuple(self._running.values()):
            await running.ended.wait()
        self.right_of_way.end()

    def tell(self, entries: tuple[Entry, ...]) -> None:
        """Show entries to the watchers that were made beside the executor."""
        for entry in entries:
            self._show(entry)

    def unfinished(self) -> tuple[ExitRequested, ...]:
        """Return the requests of the recent exits that have no verdict, the newest first."""
        asked = (unjudged(entries) for entries in self.unsettled())
        return tuple(request for request in asked if request is not None)

    def unsettled(self) -> tuple[tuple[Entry, ...], ...]:
        """Return the entries of each recent exit to which more may be written, the newest exit first."""
        recent = reversed(self.journal.exit_ids()[-RECENT_EXITS:])
        # A finished one is read once: an exit that begins waits for this.
        found = [self.journal.entries(exit_id) for exit_id in recent if exit_id not in self._settled]
        self._settled |= {entries[0].exit_id for entries in found if is_over(entries)}
        return tuple(entries for entries in found if not is_over(entries))

    def is_recent(self, request: ExitRequested, *, seconds: int = RESUME_AGE_MAX_S) -> bool:
        """Return whether it was asked for within the last `seconds`, by UTC."""
        asked_ns = self.journal.entries(request.exit_id)[0].at_ns
        return self.clock.now_ns() - asked_ns < seconds * 1_000_000_000

    async def _adopt(self) -> None:
        # While this process holds the lock, what other processes ask for is carried out here. Its own orders
        # leave first: looking for more can wait.
        await self.clock.sleep(ADOPT_GAP_S)
        fresh = {request.exit_id for request in self.unfinished() if self._is_fresh(request)}
        known = set(self.journal.exit_ids()) - fresh
        while self._can_act():
            for exit_id in self.journal.exit_ids():
                if exit_id in known:
                    continue
                known.add(exit_id)
                entries = self.journal.entries(exit_id)
                if exit_id not in self._running and self._can_take_up(entries):
                    self.tell(entries)
                    self.start(exit_id)
            await self.clock.sleep(ADOPT_GAP_S)

    def _can_take_up(self, entries: tuple[Entry, ...]) -> bool:
        # Whoever asked goes on by himself with what nobody took up, such as accounts that are not known here.
        request = unjudged(entries)
        if request is None or any(isinstance(entry.record, RunStarted) for entry in entries):
            return False
        return all(account.name in self.venues for account in request.accounts)

    def _is_fresh(self, request: ExitRequested) -> bool:
        return self.is_recent(request, seconds=FRESH_REQUEST_S)

    async def _adopting(self) -> None:
        try:
            await self._adopt()
        except Exception:  # noqa: BLE001 - a bulkhead: who only looks for more work cannot harm the exit
            _log.exception("Requests of other processes cannot be looked for.")

    async def _carry_out(self, running: RunningExit, opening: Opening | None) -> None:
        try:
            await self._executor.run(running.exit_id, seen=running.seen, opening=opening)
            if running.flat:
                # Nothing is written to it any more: an exit that begins need not read it.
                self._settled.add(running.exit_id)
        except Exception:  # noqa: BLE001 - a bulkhead: one exit's surprise must not cancel its siblings
            _log.exception(
                "The exit %s stopped unexpectedly; its journal says how far it came.", running.exit_id
            )
        finally:
            self._running.pop(running.exit_id, None)
            running.judged.set()
            running.ended.set()
            self.let_go()

    def _observe(self, entry: Entry) -> None:
        self.readings.forget()
        self.wealth.forget()
        running = self._running.get(entry.exit_id)
        if running is not None:
            self._keep_state(running, entry)
        self._show(entry)

    def _show(self, entry: Entry) -> None:
        for observer in tuple(self._observers):
            try:
                observer(entry)
            except Exception:  # noqa: BLE001 - a bulkhead: who only watches cannot harm the exit
                _log.exception("A watcher of the exit %s failed.", entry.exit_id)

    def _keep_state(self, running: RunningExit, entry: Entry) -> None:
        if isinstance(entry.record, ExitJudged):
            running.flat = entry.record.verdict.success
            running.judged.set()
            self.let_go()
        elif isinstance(entry.record, LegExtended):
            running.extra_s = max(running.extra_s, float(entry.record.extra_s))
        elif isinstance(entry.record, LegReopened):
            running.flat = False
            running.judged.clear()
            self.lock.acquire()

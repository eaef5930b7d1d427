"""Arena: runs the real executor through one seed's world, with an oracle that knows the truth."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, cast

from bastion.domain.principal import Principal, Scope
from bastion.domain.records import Entry, LegJudged, LegReopened, RoundIntended
from bastion.exits.executor import Executor
from bastion.exits.report import ExitReport, fold
from bastion.exits.request import request_records
from bastion.exits.settings import ExitSettings
from bastion.storage.spool import SpooledJournal
from tests.simulation.exits.cells import Cell, Phase
from tests.simulation.exits.journals import EXIT_ID, MemoryShelf, PowerCut, SimulatedJournal
from tests.simulation.exits.lying_venue import LyingVenue
from tests.simulation.exits.market import Market
from tests.simulation.exits.oracle import Oracle
from tests.simulation.exits.virtual_time import Stepped, VirtualClock, VirtualLoop, run
from tests.simulation.exits.world import Ambush, World, draw

SECOND_ID = "xsimulation01"
RUNS_MAX = 8


def rungs(entries: Sequence[Entry]) -> dict[str, int]:
    """Return how many orders were sent on each rung of the ladder."""
    counts: Counter[str] = Counter()
    for entry in entries:
        if isinstance(entry.record, RoundIntended):
            parts = Counter(request.position.key for request in entry.record.orders)
            for request in entry.record.orders:
                split = ", split" if parts[request.position.key] > 1 else ""
                counts[f"{request.kind.value}{split}"] += 1
    return dict(counts)


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of one world."""

    seed: int
    violations: list[str]
    report: ExitReport | None = None
    runs: int = 0
    calls: int = 0
    digest: str = ""
    seconds: float = 0.0
    cells: frozenset[Cell] = frozenset()
    rungs: dict[str, int] = field(default_factory=dict)


def simulate(seed: int, *, settings: ExitSettings | None = None, world: World | None = None) -> Result:
    """Run one world to its end, and return what broke."""
    world = world if world is not None else draw(seed)
    clock = VirtualClock()
    arena = Arena(world, clock, settings or ExitSettings(chase_s=60.0))
    try:
        return run(clock, arena.play())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this seed's finding
        violation = f"{type(error).__name__}: {error}"
        return Result(seed=seed, violations=[*arena.oracle.violations, violation], digest="")


class Arena:
    """One world at play."""

    def __init__(self, world: World, clock: VirtualClock, settings: ExitSettings) -> None:
        self.world = world
        self.clock = clock
        self.settings = settings
        self.journal = SimulatedJournal(world, clock)
        self.journal.cuts = dict(world.cuts_at_append)
        self.shelf = MemoryShelf()
        self.oracle = Oracle(world=world, clock=clock)
        self.venues: dict[str, LyingVenue] = {}
        self.steps = 0
        self._sprung: set[tuple[str, int]] = set()
        self._task: asyncio.Task[None] | None = None
        self._executor: Executor | None = None
        self._tasks: asyncio.TaskGroup | None = None

    async def play(self) -> Result:
        loop = asyncio.get_running_loop()
        for venue in self.world.venues:
            market = Market(
                plan=venue,
                clock=self.clock,
                rng=Random(f"market {self.world.seed} {venue.name}"),
                later=lambda delay, action: cast("None", loop.call_later(max(delay, 0), action)),
            )
            watch: Callable[[str, object], None] = partial(self.oracle.saw, venue.name)
            lying = self.venues[venue.name] = LyingVenue(market, watch=watch)
            lying.whereabouts.entered = partial(self._lurk, lying)
            self.oracle.markets[venue.name] = market
        if self.world.cut_at_step:
            assert isinstance(loop, VirtualLoop)
            numbered = loop.numbered
            loop.set_task_factory(
                lambda its, coroutine, **rest: numbered(
                    its, Stepped(cast("Coroutine[Any, Any, Any]", coroutine), self._tick), **rest
                )
            )
        self.oracle.durable = self._durable_ids
        self.oracle.latched = lambda: self.journal.latched or self.shelf.latched
        self.journal.struck = self._journal_struck
        self.journal.intending = self._intending
        began_s = self.clock.seconds
        for venue_object in self.venues.values():
            venue_object.market.begin()
        if self.world.utc_jump_s:
            loop.call_later(1.0, self._jump)
        runs = await self._runs()
        entries = self._journal().entries(EXIT_ID)
        report = fold(entries)
        self.oracle.told_in_order(entries)
        self.oracle.settled_by_looks(entries)
        self.oracle.finish(report, seconds=self.clock.seconds - began_s, runs=runs)
        second = self._journal().entries(SECOND_ID)
        if second and fold(second).verdict is None:
            self.oracle.violations.append("the second operator's exit ended without a verdict (I8)")
        trace = "\n".join(f"{entry.at_ns} {entry.record!r}" for entry in entries)
        return Result(
            seed=self.world.seed,
            violations=self.oracle.violations,
            report=report,
            runs=runs,
            calls=sum(venue_object.calls for venue_object in self.venues.values()),
            digest=hashlib.sha256(trace.encode()).hexdigest(),
            seconds=self.clock.seconds - began_s,
            cells=frozenset().union(
                *(venue_object.whereabouts.hits for venue_object in self.venues.values())
            ),
            rungs=rungs(entries),
        )

    def _tick(self) -> None:
        self.steps += 1
        if self.steps == self.world.cut_at_step and self._task is not None:
            self._task.cancel()

    def _jump(self) -> None:
        self._struck_everywhere("clock_jump")
        self.clock.utc_shift_ns = round(self.world.utc_jump_s * 1e9)

    def _struck_everywhere(self, fault: str) -> None:
        for venue in self.venues.values():
            venue.whereabouts.struck(fault)

    def _journal_struck(self, fault: str, account: str) -> None:
        if account in self.venues:
            self.venues[account].whereabouts.struck(fault)

    def _intending(self, account: str, begins: bool) -> None:  # noqa: FBT001 - as the journal tells it
        whereabouts = self.venues[account].whereabouts
        (whereabouts.enter if begins else whereabouts.leave)(Phase.INTENT)

    def _lurk(self, venue: LyingVenue, phase: Phase) -> None:
        for number, ambush in enumerate(venue.plan.ambushes):
            if ambush.phase == phase and (venue.plan.name, number) not in self._sprung:
                self._sprung.add((venue.plan.name, number))
                strike = partial(self._strike, venue, ambush)
                asyncio.get_running_loop().call_later(ambush.delay_s, strike)

    def _strike(self, venue: LyingVenue, ambush: Ambush) -> None:
        now_s = self.clock.seconds
        match ambush.fault:
            case "power_cut":
                if self._task is not None and not self._task.done():
                    self._struck_everywhere("power_cut")
                    self._task.cancel()
            case "journal_full":
                self.journal.full_until_s = now_s + ambush.lasts_s
            case "journal_slow":
                self.journal.slow_until_s = now_s + ambush.lasts_s
            case "clock_jump":
                self._struck_everywhere("clock_jump")
                self.clock.utc_shift_ns += round(ambush.lasts_s * 1e9)
            case "second_operator":
                self._press()
            case "stop_fires" | "entry_fires":
                market = venue.market
                stops = ambush.fault == "stop_fires"
                resting = (order for order in market.orders.values() if order.reduce_only == stops)
                for order in tuple(resting)[:1]:
                    market.fire(order.order_id)
            case _:
                quantity = ambush.quantity or Decimal(str(ambush.lasts_s))
                venue.market.happen(ambush.fault, ambush.instrument, ambush.side, quantity)

    def _press(self) -> None:
        running = self._task is not None and not self._task.done()
        if running and self._tasks is not None and not self._journal().entries(SECOND_ID):
            self._struck_everywhere("second_operator")
            self._tasks.create_task(self._second())

    async def _second(self) -> None:
        journal = self._journal()
        if not journal.entries(SECOND_ID):
            await self._request(journal, SECOND_ID)
        assert self._executor is not None
        await self._executor.run(SECOND_ID)

    def _journal(self) -> SpooledJournal:
        return SpooledJournal(
            journal=self.journal, shelf=self.shelf, clock=self.clock, budget_ms=20, complain=lambda _: None
        )

    def _durable_ids(self) -> set[str]:
        return self.journal.intended | self.shelf.intended

    async def _runs(self) -> int:
        cuts_at_s = list(self.world.cuts_at_s)
        for number in range(1, RUNS_MAX + 1):
            task = self._task = asyncio.get_running_loop().create_task(self._one_run())
            cut_s = cuts_at_s.pop(0) if cuts_at_s else None
            done, _ = await asyncio.wait({task}, timeout=cut_s)
            if not done:
                self._struck_everywhere("power_cut")
                task.cancel()
                await asyncio.wait({task})
            if not done or _lost_power(task):
                self.oracle.power_lost()
                await asyncio.sleep(0.5)
                continue
            task.result()
            return number
        self.oracle.violations.append("the exit never came to its end")
        return RUNS_MAX

    async def _one_run(self) -> None:
        journal = self._journal()
        for venue in self.venues.values():
            venue.whereabouts.begin_run()
        if not journal.entries(EXIT_ID):
            await self._request(journal, EXIT_ID)
        async with asyncio.TaskGroup() as tasks:
            executor = Executor(
                venues=dict(self.venues),
                journal=journal,
                clock=self.clock,
                settings=self.settings,
                tasks=tasks,
                observe=self._observe,
            )
            self._executor, self._tasks = executor, tasks
            self.oracle.run_began()
            if journal.entries(SECOND_ID):
                tasks.create_task(self._second())
            await executor.run(EXIT_ID)

    async def _request(self, journal: SpooledJournal, exit_id: str) -> None:
        await journal.append(
            request_records(
                self.clock,
                exit_id=exit_id,
                accounts=tuple(venue.account for venue in self.venues.values()),
                principal=Principal(id="owner", surface="simulation", scope=Scope.TRADE),
                reason=None,
                deadline_s=Decimal(self.world.deadline_s),
                hold_s=Decimal(self.world.hold_s),
            )
        )

    def _observe(self, entry: Entry) -> None:
        if isinstance(entry.record, LegJudged):
            if entry.exit_id == EXIT_ID:
                self.venues[entry.record.account].whereabouts.judged = entry.record.verdict.success
            self.oracle.judged(entry.record)
        if isinstance(entry.record, LegReopened):
            self.venues[entry.record.account].whereabouts.judged = False
            self.oracle.reopened(entry.record)
        raise RuntimeError("an observer that fails harms nobody")


def _lost_power(task: "asyncio.Task[Any]") -> bool:
    if task.cancelled():
        return True
    error = task.exception()
    return error is not None and _holds_cut(error)


def _holds_cut(error: BaseException) -> bool:
    if isinstance(error, PowerCut):
        return True
    return isinstance(error, BaseExceptionGroup) and any(_holds_cut(one) for one in error.exceptions)

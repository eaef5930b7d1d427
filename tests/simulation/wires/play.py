"""Play: runs the real executor and the real adapters through one seed's world."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, cast

from bastion.domain.account import Account
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import EVERYTHING
from bastion.exits.executor import Executor
from bastion.exits.report import ExitReport, fold
from bastion.exits.request import Wish, request_records
from bastion.exits.settings import ExitSettings
from bastion.storage.codec import encode, kind_of
from bastion.storage.spool import SpooledJournal
from tests.simulation.exits.journals import MemoryShelf, PowerCut, SimulatedJournal
from tests.simulation.exits.virtual_time import VirtualClock, run
from tests.simulation.wires.happenings import Happenings
from tests.simulation.wires.host import Host
from tests.simulation.wires.judge import Judge
from tests.simulation.wires.scoped_judge import ScopedJudge
from tests.simulation.wires.stage import adapters, paper_world
from tests.simulation.wires.trace import Trace
from tests.simulation.wires.whereabouts import Cell
from tests.simulation.wires.worlds import World, draw

RUNS_MAX = 10
BAN_WORLD_S = 720.0
FIRST, SECOND = "xwires00000a", "xwires00000b"
OWNER = Principal(id="owner", surface="simulation", scope=Scope.TRADE)


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of one world."""

    seed: int
    violations: list[str]
    report: ExitReport | None = None
    verdicts: tuple[str, ...] = ()
    runs: int = 0
    requests: int = 0
    digest: str = ""
    seconds: float = 0.0
    starved: int = 0
    cells: list[Cell] = field(default_factory=list)
    rungs: Counter[str] = field(default_factory=Counter)
    lines: list[str] | None = None


def simulate(seed: int, *, world: World | None = None, keep: bool = False) -> Result:
    """Run one world to its end, and return what broke."""
    clock = VirtualClock()
    play = Play(world if world is not None else draw(seed), clock, keep=keep)
    try:
        return run(clock, play.run())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this seed's finding
        violations = [*play.judge.violations, f"{type(error).__name__}: {error}"]
        return Result(seed=seed, violations=violations, digest="", lines=play.trace.lines)


class Play:
    """One world at play."""

    def __init__(self, world: World, clock: VirtualClock, *, keep: bool) -> None:
        self.world = world
        self.clock = clock
        self.trace = Trace(keep=keep)
        scopes = dict(zip((FIRST, SECOND), world.scopes, strict=True))
        scoped = any(scope != EVERYTHING for scope in world.scopes)
        self._wishes = {name: Wish(selection=scope) for name, scope in scopes.items()}
        self.judge = (
            ScopedJudge(world=world, clock=clock, scopes=scopes)
            if scoped
            else Judge(world=world, clock=clock)
        )
        self.journal = SimulatedJournal(cast("Any", world), clock)
        self.journal.cuts = dict(world.cuts_at_append)
        self.shelf = MemoryShelf()
        self.hosts: dict[str, Host] = {}
        banned = any("banned" in plan.troubles for plan in world.hosts.values())
        self.settings = ExitSettings(chase_s=60.0 + (BAN_WORLD_S if banned else 0.0))
        self._cuts_at_step = list(world.cuts_at_step)
        self._steps = 0
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> Result:
        for venue, plan in self.world.hosts.items():
            accounts = [one for one in self.world.accounts if one.venue == venue]
            paper, wire = paper_world(plan, accounts, self.clock)
            self.hosts[venue] = Host(
                plan=plan,
                world=paper,
                wire=wire,
                clock=self.clock,
                seed=self.world.seed,
                trace=self.trace,
                watch=self.judge,
            )
        self.judge.hosts = self.hosts
        self.judge.intended = lambda: self.journal.intended | self.shelf.intended
        self.judge.step = self._step
        self.judge.begin()
        began_s = self.clock.seconds
        self._fix_what_happens()
        runs = await self._runs()
        journal = self._journal()
        reports = {name: fold(journal.entries(name)) for name in self._names() if journal.entries(name)}
        for report in reports.values():
            self.judge.finish(report)
        for name in reports:
            for entry in journal.entries(name):
                self.trace.note(entry.at_ns / 1e9, f"{kind_of(entry.record)} {encode(entry.record)}")
        self.trace.end()
        return Result(
            seed=self.world.seed,
            violations=self.judge.violations,
            report=reports[FIRST],
            verdicts=tuple(report.verdict.value for report in reports.values() if report.verdict),
            runs=runs,
            requests=sum(host.requests for host in self.hosts.values()),
            digest=self.trace.digest,
            seconds=self.clock.seconds - began_s,
            starved=self.judge.starved,
            cells=sorted(cell for where in self.judge.whereabouts.values() for cell in where.hits),
            rungs=self.judge.rungs,
            lines=self.trace.lines,
        )

    def _names(self) -> tuple[str, ...]:
        return (FIRST,) if self.world.second_at_s is None else (FIRST, SECOND)

    def _fix_what_happens(self) -> None:
        loop = asyncio.get_running_loop()
        for host in self.hosts.values():
            happenings = Happenings(host, hedged=self.judge.hedged, told=partial(self.judge.event, host))
            for event in host.plan.events:
                loop.call_later(event.at_s, happenings.happen, event)
            loop.call_later(host.plan.heals_at_s, happenings.mend)
        if self.world.utc_jump_s:
            loop.call_later(1.0, self._jump)

    def _jump(self) -> None:
        self.clock.utc_shift_ns = round(self.world.utc_jump_s * 1e9)

    def _step(self) -> None:
        # Something left or arrived: the power may go at this very moment.
        self._steps += 1
        if self._cuts_at_step and self._steps >= self._cuts_at_step[0] and self._task is not None:
            self._cuts_at_step.pop(0)
            self._task.cancel()

    def _journal(self) -> SpooledJournal:
        return SpooledJournal(
            journal=self.journal, shelf=self.shelf, clock=self.clock, budget_ms=20, complain=lambda _: None
        )

    async def _runs(self) -> int:
        for number in range(1, RUNS_MAX + 1):
            self._task = task = asyncio.get_running_loop().create_task(self._one_run())
            await asyncio.wait({task})
            if _lost_power(task):
                self.judge.power_lost()
                await asyncio.sleep(0.5)
                continue
            task.result()
            return number
        self.judge.broken("the exit never came to its end")
        return RUNS_MAX

    async def _one_run(self) -> None:
        journal = self._journal()
        venues = adapters(self.world, self.hosts, self.clock)
        self.judge.run_began_s = self.clock.seconds
        accounts = tuple(venue.account for venue in venues.values())
        try:
            if not journal.entries(FIRST):
                await self._request(journal, FIRST, accounts)
            async with asyncio.TaskGroup() as tasks:
                executor = Executor(
                    venues=venues,
                    journal=journal,
                    clock=self.clock,
                    settings=self.settings,
                    tasks=tasks,
                    observe=self.judge.hear,
                )
                async with asyncio.TaskGroup() as exits:
                    exits.create_task(executor.run(FIRST))
                    if self.world.second_at_s is not None:
                        exits.create_task(self._second(executor, journal, accounts))
        finally:
            for venue in venues.values():
                await venue.close()

    async def _second(
        self, executor: Executor, journal: SpooledJournal, accounts: tuple[Account, ...]
    ) -> None:
        at_s = self.judge.began_s + (self.world.second_at_s or 0.0)
        await asyncio.sleep(max(at_s - self.clock.seconds, 0.0))
        if not journal.entries(SECOND):
            await self._request(journal, SECOND, accounts)
        await executor.run(SECOND)

    async def _request(self, journal: SpooledJournal, name: str, accounts: tuple[Account, ...]) -> None:
        self.judge.requested.add(name)
        await journal.append(
            request_records(
                self.clock,
                exit_id=name,
                accounts=accounts,
                principal=OWNER,
                reason=None,
                deadline_s=Decimal(self.world.deadline_s),
                hold_s=Decimal(self.world.hold_s),
                wish=self._wishes[name],
            )
        )


def _lost_power(task: "asyncio.Task[Any]") -> bool:
    if task.cancelled():
        return True
    error = task.exception()
    return error is not None and _holds_cut(error)


def _holds_cut(error: BaseException) -> bool:
    if isinstance(error, PowerCut):
        return True
    return isinstance(error, BaseExceptionGroup) and any(_holds_cut(one) for one in error.exceptions)

"""Arena: runs the real executor through one seed's world, with an oracle that knows the truth."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, cast

from bastion.domain.principal import Principal, Scope
from bastion.domain.records import Entry, LegJudged, Record, RoundIntended
from bastion.errors import JournalUnusable
from bastion.exits.executor import Executor
from bastion.exits.report import ExitReport, fold
from bastion.exits.request import request_exit
from bastion.exits.settings import ExitSettings
from bastion.storage.codec import decode
from bastion.storage.spool import SpooledJournal
from tests.simulation.exits.lying_venue import LyingVenue
from tests.simulation.exits.market import Market
from tests.simulation.exits.oracle import Oracle
from tests.simulation.exits.virtual_time import VirtualClock, run
from tests.simulation.exits.world import World, draw

EXIT_ID = "xsimulation00"
RUNS_MAX = 8
COMMIT_S = 0.0005


def intended(record: Record) -> set[str]:
    """Return the client ids that a record announces."""
    if not isinstance(record, RoundIntended):
        return set()
    return {request.client_order_id for request in record.orders}


class PowerCut(BaseException):
    """The machine loses power here; what was not durable is gone."""


class SimulatedJournal:
    """A journal that keeps what is durable over power cuts, and fails and dawdles when the world says so."""

    def __init__(self, world: World, clock: VirtualClock) -> None:
        self.durable: list[Entry] = []
        self.intended: set[str] = set()
        self.appends = 0
        self.cuts: dict[int, bool] = {}
        self._world = world
        self._clock = clock
        self._began_s = clock.seconds
        self._rng = Random(f"journal {world.seed}")

    async def append(self, records: Sequence[Record]) -> tuple[Entry, ...]:
        self.appends += 1
        cut = self.cuts.pop(self.appends, None)
        if cut is False:
            raise PowerCut
        window = self._world.journal_fails
        if window is not None and window[0] <= self._clock.seconds - self._began_s < window[1]:
            raise JournalUnusable("disk full")
        await asyncio.sleep(COMMIT_S + self._rng.random() * self._world.journal_slow_s)
        made = []
        for record in records:
            entry = Entry(
                seq=len(self.durable) + 1,
                at_ns=self._clock.now_ns(),
                exit_id=record.exit_id,
                record=record,
                previous="",
                hash="",
            )
            self.durable.append(entry)
            made.append(entry)
            self.intended |= intended(record)
        if cut is True:
            raise PowerCut
        return tuple(made)

    def entries(self, exit_id: str) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.durable if entry.exit_id == exit_id)

    def exit_ids(self) -> tuple[str, ...]:
        return (EXIT_ID,)

    def latch_entries(self) -> tuple[Entry, ...]:
        return ()

    def close(self) -> None:
        return None


class MemoryShelf:
    """A spool that never fails and survives power cuts."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.intended: set[str] = set()

    async def put(self, lines: Sequence[str]) -> None:
        self._lines.extend(lines)
        for line in lines:
            row = json.loads(line)
            self.intended |= intended(decode(row["kind"], row["body"]))

    def chains(self) -> tuple[tuple[str, ...], ...]:
        return (tuple(self._lines),)


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
    faults: list[str] = field(default_factory=list)


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
            self.venues[venue.name] = LyingVenue(market, watch=watch)
            self.oracle.markets[venue.name] = market
        self.oracle.durable = self._durable_ids
        began_s = self.clock.seconds
        for venue_object in self.venues.values():
            venue_object.market.begin()
        if self.world.utc_jump_s:
            loop.call_later(1.0, self._jump)
        runs = await self._runs()
        report = fold(self._journal().entries(EXIT_ID))
        self.oracle.finish(report, seconds=self.clock.seconds - began_s, runs=runs)
        entries = self._journal().entries(EXIT_ID)
        trace = "\n".join(f"{entry.at_ns} {entry.record!r}" for entry in entries)
        return Result(
            seed=self.world.seed,
            violations=self.oracle.violations,
            report=report,
            runs=runs,
            calls=sum(venue_object.calls for venue_object in self.venues.values()),
            digest=hashlib.sha256(trace.encode()).hexdigest(),
            seconds=self.clock.seconds - began_s,
        )

    def _jump(self) -> None:
        self.clock.utc_shift_ns = round(self.world.utc_jump_s * 1e9)

    def _journal(self) -> SpooledJournal:
        return SpooledJournal(
            journal=self.journal, shelf=self.shelf, clock=self.clock, budget_ms=20, complain=lambda _: None
        )

    def _durable_ids(self) -> set[str]:
        return self.journal.intended | self.shelf.intended

    async def _runs(self) -> int:
        cuts_at_s = list(self.world.cuts_at_s)
        for number in range(1, RUNS_MAX + 1):
            task = asyncio.get_running_loop().create_task(self._one_run())
            cut_s = cuts_at_s.pop(0) if cuts_at_s else None
            done, _ = await asyncio.wait({task}, timeout=cut_s)
            if not done:
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
        if not journal.entries(EXIT_ID):
            await request_exit(
                journal,
                self.clock,
                exit_id=EXIT_ID,
                accounts=tuple(venue.account for venue in self.venues.values()),
                principal=Principal(id="owner", surface="simulation", scope=Scope.TRADE),
                reason=None,
                deadline_s=Decimal(self.world.deadline_s),
                hold_s=Decimal(self.world.hold_s),
            )
        async with asyncio.TaskGroup() as tasks:
            executor = Executor(
                venues=dict(self.venues),
                journal=journal,
                clock=self.clock,
                settings=self.settings,
                tasks=tasks,
                observe=self._observe,
            )
            self.oracle.run_began()
            await executor.run(EXIT_ID)

    def _observe(self, entry: Entry) -> None:
        if isinstance(entry.record, LegJudged):
            self.oracle.judged(entry.record)
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

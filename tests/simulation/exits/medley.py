"""Medley: several acts at once in one world: scoped exits, a full one, halts and partial closes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from random import Random
from typing import cast

from bastion.domain.look import Look
from bastion.domain.mandate import ExitKind, Target
from bastion.domain.money import Quantity
from bastion.domain.order import OpenOrder, OrderRequest
from bastion.domain.position import Position, Side
from bastion.domain.principal import Principal, Scope
from bastion.domain.records import Entry, LegJudged
from bastion.domain.selection import Selection
from bastion.exits import scope
from bastion.exits.executor import Executor
from bastion.exits.report import ExitReport, fold
from bastion.exits.request import Wish, request_records
from bastion.exits.settings import ExitSettings
from tests.simulation.exits.arena import Arena, Result
from tests.simulation.exits.lying_venue import LyingVenue
from tests.simulation.exits.market import CATEGORY, Market
from tests.simulation.exits.oracle import BEGAN_S, CALM_FLAT_S, Oracle
from tests.simulation.exits.virtual_time import VirtualClock, run
from tests.simulation.exits.world import VenueDraw, World, draw

OWNER = Principal(id="owner", surface="simulation", scope=Scope.TRADE)
CALM_EACH = 4
OVERLAP = "two looks at once: more than one hand"


@dataclass(slots=True, kw_only=True)
class ActDraw:
    """One thing that somebody asks for, `at_s` after the world's beginning."""

    exit_id: str
    at_s: float
    kind: ExitKind
    symbols: frozenset[str] = frozenset()
    sides: frozenset[Side] = frozenset()
    stops_too: bool = False
    percent: int = 50
    hold_s: int = 0
    wish: Wish | None = None


def calmed(world: World) -> World:
    """Return the world with nothing going wrong in it."""
    venues = [
        VenueDraw(
            name=venue.name,
            hedged=venue.hedged,
            latency_s=venue.latency_s,
            jitter_s=venue.jitter_s,
            heals_at_s=0.0,
            holdings=venue.holdings,
            orders=[replace(order, fires_at_s=None) for order in venue.orders],
        )
        for venue in world.venues
    ]
    return World(seed=world.seed, venues=venues)


def draw_acts(seed: int) -> list[ActDraw]:
    """Return what is asked for in the world of a seed."""
    rng = Random(f"acts {seed}")
    acts = []
    for number in range(rng.choice((1, 2, 2, 3))):
        kind = rng.choice(
            (ExitKind.EXIT, ExitKind.EXIT, ExitKind.EXIT, ExitKind.HALT, ExitKind.PARTIAL, ExitKind.PARTIAL)
        )
        act = ActDraw(
            exit_id=f"xact{number}",
            at_s=rng.choice((0.0, rng.uniform(0.0, 0.6), rng.uniform(0.0, 3.0))),
            kind=kind,
            stops_too=rng.random() < 0.3,
            percent=rng.choice((10, 25, 50, 75)),
        )
        if kind is ExitKind.PARTIAL or rng.random() < 0.7:
            names = [f"C{index}USDT" for index in range(6)]
            act.symbols = frozenset(rng.sample(names, rng.randint(1, 3)))
        if kind is ExitKind.EXIT and rng.random() < 0.2:
            act.sides = frozenset({rng.choice(list(Side))})
        act.hold_s = rng.choice((0, 0, 20)) if kind is ExitKind.EXIT else 0
        acts.append(act)
    return acts


@dataclass(slots=True, kw_only=True)
class MedleyOracle(Oracle):
    """Checks what concerns several acts: scope, sizes, one hand, and each act's own verdict."""

    acts: list[ActDraw] = field(default_factory=list)
    looking: dict[str, int] = field(default_factory=dict)
    judged_first: set[tuple[str, str]] = field(default_factory=set)

    def scopes(self, account: str) -> list[scope.Scope]:
        """Return what has been asked for so far on an account."""
        return [
            scope.Scope(
                kind=act.wish.kind,
                selection=act.wish.selection,
                stops_too=act.wish.stops_too,
                targets=tuple(target for target in act.wish.targets if target.account == account),
            )
            for act in self.acts
            if act.wish is not None
        ]

    def _placing(self, venue: str, request: OrderRequest) -> None:
        Oracle._placing(self, venue, request)
        self.owed.clear()
        if not any(_truly_means(asked, request.position) for asked in self.scopes(venue)):
            self._broken(f"an order for {request.position.key} of {venue}, which nobody selected")

    def _cancelling(self, venue: str, order: OpenOrder) -> None:
        ours = order.client_order_id in self.placed
        if not ours and not any(_truly_covers(asked, order) for asked in self.scopes(venue)):
            self._broken(f"a cancel of {order.order_id} of {venue}, which nobody selected")
        self.cancels_asked.add((venue, order.order_id))

    def looks_now(self, venue: str, step: int) -> None:
        """Hear that a look begins or ends."""
        self.looking[venue] = self.looking.get(venue, 0) + step
        if self.looking[venue] > 1:
            self._broken(OVERLAP)

    def told(self, record: LegJudged) -> None:
        """Hear a verdict at the moment when it is durable."""
        if not record.verdict.success:
            return
        act = next(act for act in self.acts if act.exit_id == record.exit_id)
        assert act.wish is not None
        asked = self.scopes(record.account)[[one for one in self.acts if one.wish is not None].index(act)]
        market = self.markets[record.account]
        if (record.exit_id, record.account) not in self.judged_first:
            self.judged_first.add((record.exit_id, record.account))
            plan = market.plan
            took_s = self.clock.seconds - BEGAN_S - act.at_s
            limit_s = 1 + CALM_FLAT_S + 8 * (plan.latency_s + plan.jitter_s) + 3 * self.world.journal_slow_s
            if plan.calm and self.cuts == 0 and took_s > limit_s:
                self._broken(f"{act.exit_id} took {took_s:.2f} s on the calm {plan.name}")
        if act.kind is ExitKind.EXIT and market.plan.lie in {"none", "fills_lag", "fills_missing"}:
            self._part_is_flat(record, asked, market)
        if act.kind in {ExitKind.EXIT, ExitKind.HALT}:
            for order in market.orders.values():
                if _truly_covers(asked, order) and market.plan.lie == "none":
                    self._broken(f"{record.verdict} while the selected order {order.order_id} works")

    def _part_is_flat(self, record: LegJudged, asked: scope.Scope, market: Market) -> None:
        looks = [look for look in self.looks.get(record.account, []) if look.complete]
        since_s = looks[-2].begun_ns / 1e9 if len(looks) > 1 else 0.0
        dust = {position.key[1] for position in record.dust}
        for key, held in market.holdings.items():
            if held.signed == 0 or key[0] in dust or held.since_s >= since_s:
                continue
            if _truly_means(asked, market.position(key, held.signed)):
                self._broken(f"{record.verdict} while {record.account} holds {held.signed} of {key}")

    def ended(self, reports: dict[str, ExitReport]) -> None:
        """Check what all acts say in the end, and that no partial close took more than it was asked for."""
        for exit_id, report in reports.items():
            if report.verdict is None:
                self._broken(f"{exit_id} ended without a verdict")
                continue
            calm = all(market.plan.calm for market in self.markets.values()) and not self.cuts
            if calm and not report.verdict.success:
                self._broken(f"{exit_id} is {report.verdict} in a calm world: {report.summary}")
        for name, market in self.markets.items():
            self._sizes(name, market)
        self._explained()

    def _sizes(self, name: str, market: Market) -> None:
        taken: dict[tuple[str, str, str], Decimal] = {}
        for fill in market.fills:
            if fill.order_id.startswith(f"{name}-o"):
                request = next(
                    request
                    for cid, request in market.requests.items()
                    if market.states[cid].order_id == fill.order_id
                )
                key = request.position.key
                taken[key] = taken.get(key, Decimal(0)) + fill.quantity
        scopes = self.scopes(name)
        for key, amount in taken.items():
            aims = [target.close for asked in scopes for target in asked.targets if target.key == key]
            position = Position(
                instrument=key[1],
                category=key[0],
                symbol=key[1],
                side=Side(key[2]),
                quantity=Quantity(Decimal(1)),
                hedged=market.plan.hedged,
            )
            whole = any(asked.kind is ExitKind.EXIT and _truly_means(asked, position) for asked in scopes)
            # Each of several partial closes, one after the other, may take its own part.
            if not whole and amount > sum(aims, Decimal(0)):
                self._broken(f"{amount} of {key} was closed, but at most {sum(aims)} was asked for")


# What the request says, told apart from the code under test.


def _truly_means(asked: scope.Scope, position: Position) -> bool:
    if asked.kind is ExitKind.HALT:
        return False
    if asked.kind is ExitKind.PARTIAL:
        return any(target.key == position.key for target in asked.targets)
    chosen = asked.selection
    return (not chosen.symbols or position.instrument in chosen.symbols) and (
        not chosen.sides or position.side in chosen.sides
    )


def _truly_covers(asked: scope.Scope, order: OpenOrder) -> bool:
    if asked.kind is ExitKind.PARTIAL:
        return False
    if asked.kind is ExitKind.HALT and order.reduce_only and order.conditional and not asked.stops_too:
        return False
    buys = order.direction.value == "BUY"
    side = order.side or (Side.LONG if buys != order.reduce_only else Side.SHORT)
    chosen = asked.selection
    return (not chosen.symbols or order.instrument in chosen.symbols) and (
        not chosen.sides or side in chosen.sides
    )


class WatchedVenue(LyingVenue):
    """A venue that tells when it is looked at."""

    looks_now: Callable[[int], None]

    async def look(self, *, deadline_s: float) -> Look:
        self.looks_now(1)
        try:
            return await super().look(deadline_s=deadline_s)
        finally:
            self.looks_now(-1)


class Medley(Arena):
    """One world in which several acts are asked for."""

    def __init__(
        self, world: World, clock: VirtualClock, settings: ExitSettings, acts: list[ActDraw]
    ) -> None:
        super().__init__(world, clock, settings)
        self.acts = acts
        self.medley_oracle = MedleyOracle(world=world, clock=clock, acts=acts)
        self.oracle = self.medley_oracle

    async def play(self) -> Result:
        loop = asyncio.get_running_loop()
        for drawn in self.world.venues:
            market = Market(
                plan=drawn,
                clock=self.clock,
                rng=Random(f"market {self.world.seed} {drawn.name}"),
                later=lambda delay, action: cast("None", loop.call_later(max(delay, 0), action)),
            )
            venue = WatchedVenue(market, watch=partial(self.oracle.saw, drawn.name))
            venue.looks_now = partial(self.medley_oracle.looks_now, drawn.name)
            self.venues[drawn.name] = venue
            self.oracle.markets[drawn.name] = market
        self.oracle.durable = self._durable_ids
        for one in self.venues.values():
            one.market.begin()
        self._began_s = self.clock.seconds
        runs = await self._runs()
        journal = self._journal()
        reports = {act.exit_id: fold(journal.entries(act.exit_id)) for act in self.acts}
        self.medley_oracle.ended(reports)
        return Result(seed=self.world.seed, violations=self.oracle.violations, runs=runs)

    async def _one_run(self) -> None:
        journal = self._journal()
        self.medley_oracle.looking.clear()
        async with asyncio.TaskGroup() as tasks:
            executor = Executor(
                venues=dict(self.venues),
                journal=journal,
                clock=self.clock,
                settings=self.settings,
                tasks=tasks,
                observe=self._hear,
            )
            self.oracle.run_began()
            async with asyncio.TaskGroup() as acts:
                for act in self.acts:
                    acts.create_task(self._act(executor, act))

    async def _act(self, executor: Executor, act: ActDraw) -> None:
        await asyncio.sleep(max(self._began_s + act.at_s - self.clock.seconds, 0))
        journal = self._journal()
        if not journal.entries(act.exit_id):
            wish = act.wish or self._wish(act)
            act.wish = wish
            await journal.append(
                request_records(
                    self.clock,
                    exit_id=act.exit_id,
                    accounts=tuple(venue.account for venue in self.venues.values()),
                    principal=OWNER,
                    reason=None,
                    deadline_s=Decimal(self.world.deadline_s),
                    hold_s=Decimal(act.hold_s),
                    wish=wish,
                )
            )
        await executor.run(act.exit_id)

    def _wish(self, act: ActDraw) -> Wish:
        targets = []
        for name, venue in self.venues.items():
            for key, held in venue.market.holdings.items():
                size = abs(held.signed)
                cut = (size * act.percent / 100).quantize(Decimal("0.01"))
                least = max(venue.plan.minimum, Decimal("0.01"))
                if act.kind is not ExitKind.PARTIAL or key[0] not in act.symbols or not least <= cut < size:
                    continue
                position = venue.market.position(key, held.signed)
                targets.append(
                    Target(
                        account=name,
                        category=CATEGORY,
                        instrument=key[0],
                        side=position.side,
                        keep=Quantity(size - cut),
                        close=Quantity(cut),
                    )
                )
        return Wish(
            kind=act.kind,
            selection=Selection(symbols=act.symbols, sides=act.sides),
            targets=tuple(targets),
            stops_too=act.stops_too,
        )

    def _hear(self, entry: Entry) -> None:
        if isinstance(entry.record, LegJudged):
            self.medley_oracle.told(entry.record)


def simulate_acts(seed: int, *, world: World | None = None, acts: list[ActDraw] | None = None) -> Result:
    """Run one world with its acts to its end, and return what broke."""
    if world is None:
        world = draw(seed) if seed % CALM_EACH else calmed(draw(seed))
    clock = VirtualClock()
    chosen = [replace(act) for act in (acts if acts is not None else draw_acts(seed))]
    medley = Medley(world, clock, ExitSettings(chase_s=60.0), chosen)
    try:
        return run(clock, medley.play())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this seed's finding
        violation = f"{type(error).__name__}: {error}"
        return Result(seed=seed, violations=[*medley.oracle.violations, violation])

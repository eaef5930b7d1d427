"""Calm: exits of many positions by the real adapters in virtual time, on venues where nothing goes wrong."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from bastion.domain.account import Account
from bastion.domain.records import Entry, LegJudged
from bastion.embedded import paper_credential
from bastion.exits.executor import Executor
from bastion.exits.request import request_records
from bastion.paper.scenario import parse_scenario
from bastion.paper.wire.protocol import WireAnswer
from bastion.paper.wire.registry import PLUGINS
from bastion.paper.world import World as PaperWorld
from bastion.ports import Venue
from bastion.venues.catalog import Catalog, default_key_space
from tests.benchmarks.exit.stage import ORDER_PATHS, document_of
from tests.simulation.exits.virtual_time import VirtualClock, run
from tests.simulation.wires.host import Asked, Host, VenueClock
from tests.simulation.wires.play import FIRST, OWNER, Play
from tests.simulation.wires.stage import RULES
from tests.simulation.wires.transport import in_memory
from tests.simulation.wires.weather import Fate
from tests.simulation.wires.worlds import HostDraw, World

ENTRIES = 3
ROUND_TRIP_MS = 50


@dataclass(slots=True)
class Calm:
    """What one calm exit came to: each account's verdict and when (seconds), and what the venues were asked.

    `orders` counts closing orders, those of Bybit's batches one by one; of OKX's, a batch counts once.
    """

    verdicts: dict[str, str] = field(default_factory=dict)
    judged_s: dict[str, float] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    orders: int = 0

    # What a host tells of its requests.

    def sent(self, _venue: str, asked: Asked, _fate: Fate) -> None:
        self.asked[f"{asked.request.method} {asked.request.path}"] += 1
        if asked.request.path == "/v5/order/create-batch":
            self.orders += len(json.loads(asked.request.body)["request"])
        else:
            self.orders += asked.request.method == "POST" and asked.request.path in ORDER_PATHS

    def before(self, _venue: str, _asked: Asked) -> None:
        """Nothing is to be noted."""

    def after(self, _venue: str, _asked: Asked, _answer: WireAnswer) -> None:
        """Nothing is to be noted."""

    def told(self, _venue: str, _asked: Asked, _status: int, *, banned: bool) -> None:
        """Nothing is to be noted."""


def calm_exit(positions: Mapping[str, int]) -> Calm:
    """Exit so many positions, each with a stop and a take-profit beside three entries, by a look of just now.

    Each way between the desk and a venue takes half of 50 ms; what the machine works takes no time.
    """
    clock = VirtualClock()
    return run(clock, _exit(clock, positions))


async def _exit(clock: VirtualClock, positions: Mapping[str, int]) -> Calm:
    calm = Calm()
    play = Play(World(seed=0, accounts=[], hosts={}, hold_s=0), clock, keep=False)
    hosts = {venue: _host(venue, count, play, calm) for venue, count in positions.items()}
    catalog = Catalog(clock=clock, shelf_dir=None, connect=in_memory(lambda name: hosts[name]))
    venues: dict[str, Venue] = {name: catalog.build(_account(name), paper_credential(name)) for name in hosts}
    seen = {}
    for name, venue in venues.items():
        await venue.open(deadline_s=30.0)
        seen[name] = await venue.look(deadline_s=10.0)
    await clock.sleep(3.0)  # What was read until now is no part of the limits any more.
    calm.asked.clear()
    journal = play._journal()
    began_s = clock.seconds
    await journal.append(
        request_records(
            clock,
            exit_id=FIRST,
            accounts=tuple(venue.account for venue in venues.values()),
            principal=OWNER,
            reason=None,
            deadline_s=Decimal(60),
            hold_s=Decimal(0),
        )
    )

    def hear(entry: Entry) -> None:
        record = entry.record
        if isinstance(record, LegJudged):
            calm.verdicts[record.account] = record.verdict.value
            calm.judged_s[record.account] = clock.seconds - began_s

    async with asyncio.TaskGroup() as tasks:
        executor = Executor(
            venues=venues, journal=journal, clock=clock, settings=play.settings, tasks=tasks, observe=hear
        )
        await executor.run(FIRST, seen=seen)
    for venue in venues.values():
        await venue.close()
    return calm


def _host(venue: str, count: int, play: Play, calm: Calm) -> Host:
    time = VenueClock(play.clock, 0.0)
    world = PaperWorld(parse_scenario(document_of(venue, count, ENTRIES, ROUND_TRIP_MS)), RULES, clock=time)
    return Host(
        plan=HostDraw(venue=venue, latency_s=ROUND_TRIP_MS / 1000, jitter_s=0.0),
        world=world,
        wire=PLUGINS[venue].build(world.exchange(venue), {}),
        clock=play.clock,
        seed=0,
        trace=play.trace,
        watch=calm,
    )


def _account(venue: str) -> Account:
    return Account(
        name=venue,
        venue=venue,
        key_space=default_key_space(venue),
        credential=venue,
        base_url=f"http://{venue}",
    )

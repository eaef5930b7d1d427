"""An opening: a request and its first intents in one commit, and nothing sent before they are durable."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.account import Account
from bastion.domain.look import Look
from bastion.domain.money import Usd
from bastion.domain.order import OrderRequest, OrderState
from bastion.domain.principal import Principal, Scope
from bastion.domain.records import Entry, ExitRequested, LatchTripped, Record, RoundIntended, RunStarted
from bastion.errors import JournalUnusable
from bastion.exits.executor import PLANNED, Executor
from bastion.exits.opening import Opening
from bastion.exits.request import request_records
from bastion.exits.unfinished import unjudged
from bastion.storage.memory import MemoryJournal
from tests.simulation.exits.virtual_time import VirtualClock, run
from tests.unit.exits.hand_rig import SETTINGS, Scripted
from tests.unit.exits.parts import position

EXIT_ID = "x1"
OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)
MAIN = Account(name="main", venue="binance", key_space="usdm", credential="none")


class Commits(MemoryJournal):
    """A journal that keeps what came together, takes its time, and refuses where it is told to."""

    def __init__(self, clock: VirtualClock, *, took_s: float = 0.005, refuses: bool = False) -> None:
        super().__init__(clock=clock)
        self.clock = clock
        self.took_s = took_s
        self.refuses = refuses
        self.commits: list[tuple[float, tuple[type[Record], ...]]] = []

    async def append(self, records: Sequence[Record]) -> tuple[Entry, ...]:
        await self.clock.sleep(self.took_s)
        if self.refuses:
            raise JournalUnusable("the disk is full")
        self.commits.append((self.clock.seconds, tuple(type(record) for record in records)))
        return self.keep(records)


class Prompt(MemoryJournal):
    """A journal that takes no time, and counts the rounds that were intended."""

    intended = 0

    async def append(self, records: Sequence[Record]) -> tuple[Entry, ...]:
        self.intended += sum(isinstance(record, RoundIntended) for record in records)
        return await super().append(records)


def asked_for(clock: VirtualClock, accounts: Sequence[Account]) -> tuple[Record, ...]:
    """Return the records of a request to close everything on these accounts."""
    return request_records(
        clock,
        exit_id=EXIT_ID,
        accounts=accounts,
        principal=OWNER,
        reason=None,
        deadline_s=Decimal(60),
        hold_s=Decimal(0),
    )


def pressed(journal: Commits, venue: Scripted) -> tuple[Entry, ...] | JournalUnusable:
    """Exit by a picture of a moment ago; return what the request's caller hears."""
    clock = journal.clock

    async def main() -> tuple[Entry, ...] | JournalUnusable:
        look = await venue.picture(("positions", "orders"))
        opening = Opening(asked_for(clock, (MAIN,)), clock=clock)
        async with asyncio.TaskGroup() as tasks:
            executor = Executor(
                venues={"main": venue}, journal=journal, clock=clock, settings=SETTINGS, tasks=tasks
            )
            tasks.create_task(executor.run(EXIT_ID, seen={"main": look}, opening=opening))
            try:
                return await opening.durable()
            except JournalUnusable as error:
                return error

    return run(clock, main())


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def test_a_request_and_what_is_first_intended_become_durable_in_one_commit(clock: VirtualClock) -> None:
    journal = Commits(clock)
    heard = pressed(journal, Scripted(clock, position(quantity="2")))
    assert isinstance(heard, tuple)
    assert [type(entry.record) for entry in heard] == [LatchTripped, ExitRequested]
    _, first = journal.commits[0]
    assert first[:3] == (LatchTripped, ExitRequested, RunStarted)
    assert RoundIntended in first
    assert unjudged(journal.entries(EXIT_ID)) is None


def test_no_order_leaves_before_the_request_is_durable_however_late_the_journal_is(
    clock: VirtualClock,
) -> None:
    late_s = SETTINGS.intent_commit_budget_ms / 1000 * 20
    journal = Commits(clock, took_s=late_s)
    venue = Scripted(clock, position(quantity="2"))
    began_s = clock.seconds
    assert isinstance(pressed(journal, venue), tuple)
    [placed_ms] = venue.times(f"place {position().instrument}")
    assert placed_ms >= round((journal.commits[0][0] - began_s) * 1000)


class Later(Scripted):
    """An account whose looks take longer: its intent comes while the first one's commit is on its way."""

    async def picture(self, parts: Sequence[str], *, unsent: bool = False) -> Look:
        await self.clock.sleep(0.015)
        return await super().picture(parts, unsent=unsent)


def test_no_order_leaves_before_its_intent_is_durable_where_another_commit_is_ahead_of_it(
    clock: VirtualClock,
) -> None:
    # Each commit is within its budget; the second account's waits for the one of the first.
    journal = Commits(clock, took_s=0.9 * SETTINGS.intent_commit_budget_ms / 1000)
    accounts = tuple(replace(MAIN, name=name) for name in ("a0", "a1"))
    venues = {"a0": Scripted(clock, position(quantity="2")), "a1": Later(clock, position(quantity="2"))}
    announced: dict[str, bool] = {}

    async def main() -> None:
        opening = Opening(asked_for(clock, accounts), clock=clock)
        for name, venue in venues.items():

            async def close(request: OrderRequest, name: str = name, venue: Scripted = venue) -> OrderState:
                announced[name] = any(
                    request.client_order_id in {order.client_order_id for order in record.orders}
                    for record in (entry.record for entry in journal.entries(EXIT_ID))
                    if isinstance(record, RoundIntended)
                )
                return await venue.executes(request)

            venue.fates.append(close)
        async with asyncio.TaskGroup() as tasks:
            executor = Executor(venues=venues, journal=journal, clock=clock, settings=SETTINGS, tasks=tasks)
            tasks.create_task(executor.run(EXIT_ID, opening=opening))

    run(clock, main())
    assert announced == {"a0": True, "a1": True}
    commits = [records for _, records in journal.commits if RoundIntended in records]
    assert [records.count(RoundIntended) for records in commits] == [1, 1]


def test_of_many_accounts_the_first_orders_leave_before_all_are_planned(clock: VirtualClock) -> None:
    journal = Prompt(clock=clock)
    names = [f"a{number:02d}" for number in range(2 * PLANNED + 3)]
    accounts = tuple(replace(MAIN, name=name) for name in names)
    venues = {
        name: Scripted(clock, replace(position(quantity="2"), notional_usd=Usd(Decimal(100 + number))))
        for number, name in enumerate(names)
    }
    planned: dict[str, int] = {}

    async def main() -> None:
        looks = {name: await venue.picture(("positions", "orders")) for name, venue in venues.items()}
        opening = Opening(asked_for(clock, accounts), clock=clock)
        for name, venue in venues.items():

            async def close(request: OrderRequest, name: str = name, venue: Scripted = venue) -> OrderState:
                planned[name] = journal.intended
                return await venue.executes(request)

            venue.fates.append(close)
        async with asyncio.TaskGroup() as tasks:
            executor = Executor(venues=venues, journal=journal, clock=clock, settings=SETTINGS, tasks=tasks)
            tasks.create_task(executor.run(EXIT_ID, seen=looks, opening=opening))

    run(clock, main())
    # Who has most at stake is first; accounts share a commit, and nobody waits for one of a later commit.
    assert list(planned) == list(reversed(names))
    waves = [PLANNED] * PLANNED + [2 * PLANNED] * PLANNED + [len(names)] * 3
    assert list(planned.values()) == waves
    assert not any(venue.held for venue in venues.values())


def test_a_refused_request_is_told_and_nothing_is_done(clock: VirtualClock) -> None:
    journal = Commits(clock, refuses=True)
    venue = Scripted(clock, position(quantity="2"))
    heard = pressed(journal, venue)
    assert isinstance(heard, JournalUnusable)
    assert not venue.requests
    assert not journal.all_entries()


def test_what_is_known_of_a_request_is_not_taken_back(clock: VirtualClock) -> None:
    async def main() -> tuple[Entry, ...]:
        opening = Opening((), clock=clock)
        opening.took(())
        opening.refused(JournalUnusable("too late to matter"))
        return await opening.durable()

    assert run(clock, main()) == ()

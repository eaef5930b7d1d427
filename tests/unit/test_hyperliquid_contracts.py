"""When Hyperliquid's contracts are asked for again, and whether any are known."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from bastion.errors import Fault, VenueError, VenueRejected, VenueUnreachable
from bastion.venues.ccxt.hyperliquid_dexes import (
    CONTRACTS,
    SETTLED_AGAIN_S,
    Contracts,
    Dexes,
    Settled,
)
from bastion.venues.ccxt.hyperliquid_probes import SPARED
from bastion.venues.ccxt.shelf import Shelf
from bastion.venues.deadline import Deadline
from bastion.venues.raw import Answer
from tests.simulation.exits.virtual_time import VirtualClock, run

GONE = '[{"universe": [{"name": "LTC", "szDecimals": 1, "isDelisted": true}]}, [{}]]'
META = '[{"universe": [{"name": "BTC", "szDecimals": 3, "maxLeverage": 40}]}, [{"markPx": "60000"}]]'


class Account:
    """One account's contracts, of a venue that answers as the test says."""

    def __init__(self, clock: VirtualClock, shelf: Shelf) -> None:
        self.clock = clock
        self.error: VenueError | None = None
        self.asked = 0
        self.text = META
        self.contracts = Contracts(Dexes(self._ask, clock, shelf), clock, shelf)
        self.settled = Settled(self._ask, clock, shelf)

    async def _ask(self, asked: Mapping[str, object], _deadline: Deadline) -> Answer:
        assert asked == {"type": "metaAndAssetCtxs", "dex": ""}
        self.asked += 1
        if self.error is not None:
            raise self.error
        return Answer(status=200, headers={}, text=self.text)

    async def find(self) -> float:
        """Ask for a contract; return after how many seconds that was over."""
        begun_s = self.clock.seconds
        try:
            await self.contracts.find("BTC", Deadline(self.clock, 60.0))
        except VenueError as error:
            if error is not self.error:
                raise
        return self.clock.seconds - begun_s


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (VenueUnreachable("no answer in time"), [0.0, 0.5, 1.0, 2.0]),
        (VenueRejected(SPARED, fault=Fault.RATE_LIMIT), [0.0, 0.0, 0.0, 0.0]),
    ],
    ids=["it was asked in vain", "it was not asked"],
)
def test_contracts_are_asked_for_later_each_time_that_they_were_asked_for_in_vain(
    error: VenueError, waits: list[float]
) -> None:
    clock = VirtualClock()
    account = Account(clock, Shelf(None, clock))

    async def play() -> list[float]:
        account.error = error
        return [await account.find() for _ in range(4)]

    assert [round(wait_s, 3) for wait_s in run(clock, play())] == waits


def test_contracts_are_known_once_they_were_read_here_or_beside_or_are_on_disk(tmp_path: Path) -> None:
    clock = VirtualClock()
    shelf = Shelf(tmp_path / "contracts.json", clock)
    one, beside = Account(clock, shelf), Account(clock, shelf)
    later = Account(clock, Shelf(tmp_path / "contracts.json", clock))
    every = (one, beside, later)
    known = [[account.contracts.any_known for account in every]]
    run(clock, one.find())
    known.append([account.contracts.any_known for account in every])
    shelf.save(shelf.learnt)
    known.append([account.contracts.any_known for account in every])
    assert known == [[False] * 3, [True, True, False], [True] * 3]
    assert shelf.patience(CONTRACTS).wait_s == 0


def test_what_is_settled_is_asked_once_for_all_accounts_and_not_where_contracts_were_just_read() -> None:
    clock = VirtualClock()
    shelf = Shelf(None, clock)
    one, beside = Account(clock, shelf), Account(clock, shelf)

    async def has(account: Account, coin: str) -> bool:
        return await account.settled.has(coin, Deadline(clock, 8.0))

    async def play() -> list[bool]:
        await one.contracts.find("BTC", Deadline(clock, 8.0))
        one.text = beside.text = GONE
        told = [await has(one, "LTC"), await has(beside, "LTC")]
        clock.seconds += SETTLED_AGAIN_S
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(has(account, "LTC")) for account in (one, beside)]
        told.extend(task.result() for task in asked)
        clock.seconds += SETTLED_AGAIN_S
        one.text = beside.text = META
        # What is settled stays so, also where a list does not say so any more.
        return [*told, await has(one, "LTC"), await has(beside, "BTC")]

    assert run(clock, play()) == [False, False, True, True, True, False]
    assert one.asked + beside.asked == 3


def test_a_list_that_cannot_be_read_settles_nothing_and_is_not_asked_again_at_once() -> None:
    clock = VirtualClock()
    account = Account(clock, Shelf(None, clock))
    account.error = VenueUnreachable("no answer in time")

    async def play() -> list[bool]:
        told = [await account.settled.has("LTC", Deadline(clock, 8.0))]
        account.error, account.text = None, GONE
        told.append(await account.settled.has("LTC", Deadline(clock, 8.0)))
        clock.seconds += SETTLED_AGAIN_S
        return [*told, await account.settled.has("LTC", Deadline(clock, 8.0))]

    assert run(clock, play()) == [False, False, True]
    assert account.asked == 2

"""What the accounts of one host share: a page asked for at one moment, contracts, and patience."""

import asyncio

import pytest

from bastion.domain.account import Account
from bastion.errors import VenueError, VenueUnreachable
from bastion.venues.catalog import Catalog
from bastion.venues.ccxt.gathered import Gathered
from bastion.venues.ccxt.shelf import PATIENCE_MOST_S, Shelf
from bastion.venues.ccxt.venue import CcxtVenue
from bastion.venues.deadline import Deadline
from tests.simulation.exits.virtual_time import VirtualClock


async def test_one_page_answers_all_who_ask_for_it_at_one_moment_and_later_ones_ask_anew() -> None:
    pages: Gathered[int] = Gathered()
    deadline = Deadline(VirtualClock(), 5)
    asked: list[str] = []

    async def read(_: Deadline) -> int:
        asked.append("page")
        await asyncio.sleep(0)
        return len(asked)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(pages.read(read, deadline)) for _ in range(5)]
    assert [task.result() for task in tasks] == [1] * 5
    assert await pages.read(read, deadline) == 2

    async def fail(_: Deadline) -> int:
        raise VenueUnreachable("gone")

    with pytest.raises(VenueError, match="gone"):
        await pages.read(fail, deadline)


def test_without_a_disk_a_shelf_keeps_in_memory_what_its_accounts_read() -> None:
    clock = VirtualClock()
    shelf = Shelf(None, clock)
    assert shelf.load() is None
    shelf.save({})
    shelf.note("perp dexes", "[]")
    assert shelf.load() == ({}, True)
    assert shelf.noted("perp dexes", within_ms=1000) == ("[]", 0)
    clock.seconds += 86_400
    assert shelf.load() == ({}, False)
    assert shelf.noted("perp dexes", within_ms=1000) is None
    assert shelf.beside("um") is shelf.beside("um") is not shelf.beside("cm")
    assert shelf.beside("um").load() is None


def test_patience_doubles_up_to_its_limit_and_takes_back_what_was_not_asked() -> None:
    clock = VirtualClock()
    patience = Shelf(None, clock).patience("contracts")
    waits = []
    for _ in range(6):
        patience.failed()
        waits.append(patience.wait_s)
        clock.seconds += waits[-1]
    assert waits == pytest.approx([0.5, 1.0, 2.0, 4.0, PATIENCE_MOST_S, PATIENCE_MOST_S])
    patience.failed()
    patience.unasked()
    assert patience.wait_s == 0
    patience.answered()
    patience.failed()
    assert patience.wait_s == pytest.approx(0.5)


def test_the_accounts_of_one_host_share_a_shelf_and_those_of_another_have_their_own() -> None:
    catalog = Catalog(clock=VirtualClock(), shelf_dir=None)
    hosts = ("http://127.0.0.1:1", "http://127.0.0.1:1", "http://127.0.0.1:2")
    built = [
        catalog.build(
            Account(name=f"a{number}", venue="binance", key_space="usdm", credential="a", base_url=host),
            {"apiKey": "k", "secret": "s"},
        )
        for number, host in enumerate(hosts)
    ]
    first, second, other = (venue._shelf for venue in built if isinstance(venue, CcxtVenue))
    assert first is second is not other

"""One reading answers all who ask at one moment, and nobody is told of a reading that began before."""

import asyncio

import pytest

from bastion.clock import SystemClock
from bastion.errors import VenueUnreachable
from bastion.venues.ccxt.gathered import Gathered
from bastion.venues.deadline import Deadline

CLOCK = SystemClock()


class Page:
    """Counts its readings, each of which ends when it is let go."""

    def __init__(self) -> None:
        self.readings = 0
        self.go = asyncio.Event()
        self.failing = False

    async def read(self, _deadline: Deadline) -> int:
        self.readings += 1
        number = self.readings
        await self.go.wait()
        if self.failing:
            raise VenueUnreachable("no answer")
        return number


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def deadline() -> Deadline:
    return Deadline(CLOCK, 5)


async def test_who_asks_at_one_moment_shares_a_reading_and_who_asks_later_begins_another() -> None:
    page = Page()
    gathered = Gathered[int]()
    async with asyncio.TaskGroup() as group:
        first = [group.create_task(gathered.read(page.read, deadline())) for _ in range(20)]
        await turns()
        later = group.create_task(gathered.read(page.read, deadline()))
        await turns()
        page.go.set()
    assert [task.result() for task in first] == [1] * 20
    assert later.result() == 2


async def test_one_who_gives_up_takes_the_answer_from_nobody() -> None:
    page = Page()
    gathered = Gathered[int]()
    async with asyncio.TaskGroup() as group:
        leader, follower, other = (group.create_task(gathered.read(page.read, deadline())) for _ in range(3))
        await turns()
        follower.cancel()
        leader.cancel()
        await turns()
        page.go.set()
    assert other.result() == 2, "the first reading ended with who began it"


async def test_a_reading_that_fails_fails_for_all_who_came_along() -> None:
    page = Page()
    page.failing = True
    page.go.set()
    gathered = Gathered[int]()
    told = await asyncio.gather(
        *(gathered.read(page.read, deadline()) for _ in range(3)), return_exceptions=True
    )
    assert page.readings == 1
    assert all(isinstance(one, VenueUnreachable) for one in told)
    with pytest.raises(VenueUnreachable):
        await gathered.read(page.read, deadline())

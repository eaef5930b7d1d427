"""The line of a bucket: who is given units first where several reserve, and what is left to whom."""

import asyncio
import contextlib

import pytest

from bastion.venues.throttle import Claimant, Limit, Throttle
from tests.stepped_clock import SteppedClock

WINDOW_S = 60.0
SECOND, FIRST, LATER = 1, 2, 3


def limited(clock: SteppedClock, capacity: int = 100) -> Throttle:
    return Throttle(clock, (Limit(name="weight", capacity=capacity, window_s=WINDOW_S),))


async def reserving(throttle: Throttle, served: list[str], claimant: Claimant, units: int = 40) -> None:
    async with throttle.reserved("weight", units, within_s=600, claimant=claimant):
        served.append(str(claimant.who))
        async with throttle.passage({"weight": units}):
            pass


async def test_a_level_comes_before_how_long_it_was_waited_for_and_that_before_arrival() -> None:
    clock, served = SteppedClock(), list[str]()
    throttle = limited(clock)
    throttle.charge({"weight": 100})
    waiting = (
        Claimant(who="new", level=FIRST, since=9),
        Claimant(who="old", level=FIRST, since=1),
        Claimant(who="half", level=SECOND, since=20),
        Claimant(who="as old", level=FIRST, since=1),
        Claimant(who="watch", level=LATER, since=0),
    )
    async with asyncio.TaskGroup() as group:
        for claimant in waiting:
            group.create_task(reserving(throttle, served, claimant))
            await clock.advance(0.1)
        await clock.advance(4 * WINDOW_S)
    assert served == ["half", "old", "as old", "new", "watch"]


async def test_who_comes_later_takes_nothing_of_what_was_announced_before_its_level() -> None:
    clock, served = SteppedClock(), list[str]()
    throttle = limited(clock)
    throttle["weight"].announce("other", (10, 30, 50), within_s=600)
    async with asyncio.TaskGroup() as group:
        # 100 are free: 90 leave the other's closing to it, 60 its second look as well, 10 all that it needs.
        group.create_task(reserving(throttle, served, Claimant(who="figures", level=LATER), 11))
        group.create_task(reserving(throttle, served, Claimant(who="first", level=FIRST), 60))
        await clock.advance(0.1)
        assert served == ["first"]
        group.create_task(reserving(throttle, served, Claimant(who="second", level=SECOND), 31))
        await clock.advance(0.1)
        assert served == ["first"]
        throttle["weight"].announce("other", (9, 30, 50), within_s=600)
        await clock.advance(0.1)
        assert served == ["first", "second"]
        throttle["weight"].announce("other", (), within_s=600)
        await clock.advance(WINDOW_S + 1)
    assert served == ["first", "second", "figures"]


async def test_what_was_announced_is_no_reason_for_whoever_announced_it_to_wait() -> None:
    clock, served = SteppedClock(), list[str]()
    throttle = limited(clock)
    throttle["weight"].announce("me", (10, 85, 0), within_s=600)
    await reserving(throttle, served, Claimant(who="me", level=FIRST), 85)
    assert served == ["me"]


async def test_what_was_announced_and_never_asked_for_is_kept_no_longer_than_was_said() -> None:
    clock, served = SteppedClock(), list[str]()
    throttle = limited(clock)
    throttle["weight"].announce("gone", (95,), within_s=30)
    async with asyncio.TaskGroup() as group:
        group.create_task(reserving(throttle, served, Claimant(who="me", level=FIRST)))
        await clock.advance(29)
        assert served == []
        await clock.advance(2)
        assert served == ["me"]


async def test_who_gives_up_waiting_leaves_its_place_to_the_next() -> None:
    clock, served = SteppedClock(), list[str]()
    throttle = limited(clock)
    throttle.charge({"weight": 50})

    async def impatient() -> None:
        with pytest.raises(TimeoutError):
            async with throttle.reserved("weight", 90, within_s=0.05, claimant=Claimant(who="first")):
                pytest.fail("it was not free")

    async with asyncio.TaskGroup() as group:
        first = group.create_task(impatient())
        await clock.advance(0.1)
        group.create_task(reserving(throttle, served, Claimant(who="next", level=SECOND)))
        await clock.advance(0.1)
        assert served == []
        await first
        await clock.advance(0.1)
        assert served == ["next"]


async def test_of_many_who_want_the_rest_at_once_only_as_many_have_it_as_it_is_enough_for() -> None:
    clock, served = SteppedClock(), list[int]()
    throttle = limited(clock)
    throttle["weight"].announce("proofs", (0, 0, 50), within_s=600)

    async def figures(number: int) -> None:
        with contextlib.suppress(TimeoutError):
            async with throttle.reserved("weight", 20, within_s=0, claimant=Claimant(level=LATER)):
                served.append(number)
                await clock.sleep(1)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(figures(number))
        await clock.advance(2)
    assert served == [0, 1]


def test_as_many_share_an_address_as_have_limits_of_their_own_beside_it() -> None:
    clock = SteppedClock()
    address = limited(clock)
    assert address.sharers == 1
    accounts = [Throttle(clock, (), shared=address) for _ in range(3)]
    assert [one.sharers for one in accounts] == [3, 3, 3]

"""Shared readings: one asks, the others share, and everyone is answered in bounded time."""

import asyncio

import pytest

from bastion.clock import SystemClock
from bastion.commands.sharing import NS, READ_DEADLINE_S, READ_LEAST_S, Shared


class Slow:
    """A reading that ends when it is told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.gate = asyncio.Event()

    async def read(self, deadline_s: float) -> int:
        self.asked.append(deadline_s)
        number = len(self.asked)
        await asyncio.wait_for(self.gate.wait(), 5)
        return number


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self) -> None:
        self.at_ns = NS

    def monotonic_ns(self) -> int:
        return self.at_ns

    def now_ns(self) -> int:
        return self.at_ns

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


@pytest.fixture
def slow() -> Slow:
    return Slow()


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_asks_while_a_reading_is_under_way_shares_it_however_long_it_takes(slow: Slow) -> None:
    hands = Hands()
    shared = Shared(slow.read, clock=hands)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(shared.recent())
        await _settle()
        later = [group.create_task(shared.recent()) for _ in range(20)]
        await _settle()
        hands.at_ns += 60 * NS
        slow.gate.set()
    assert first.result() == (NS, 1)
    assert {one.result() for one in later} == {(NS, 1)}
    assert slow.asked == [READ_DEADLINE_S]


async def test_who_insists_on_a_new_reading_gets_one_that_began_after_asking(slow: Slow) -> None:
    hands = Hands()
    shared = Shared(slow.read, clock=hands)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(shared.recent())
        await _settle()
        hands.at_ns += NS
        insisting = [group.create_task(shared.recent(within_s=0)) for _ in range(3)]
        await _settle()
        hands.at_ns += NS
        slow.gate.set()
    assert first.result() == (NS, 1)
    # The three share one, which began when the first reading had ended.
    assert {one.result() for one in insisting} == {(3 * NS, 2)}


async def test_the_time_spent_waiting_is_taken_from_the_next_reading(slow: Slow) -> None:
    hands = Hands()
    shared = Shared(slow.read, clock=hands)
    async with asyncio.TaskGroup() as group:
        group.create_task(shared.recent())
        await _settle()
        hands.at_ns += NS
        group.create_task(shared.recent(within_s=0))
        await _settle()
        hands.at_ns += 3 * NS
        slow.gate.set()
    assert slow.asked == [READ_DEADLINE_S, READ_DEADLINE_S - 3]


async def test_a_reading_is_left_a_least_time_however_long_one_waited(slow: Slow) -> None:
    hands = Hands()
    shared = Shared(slow.read, clock=hands)
    async with asyncio.TaskGroup() as group:
        group.create_task(shared.recent())
        await _settle()
        shared.forget()
        waiting = group.create_task(shared.recent())
        await _settle()
        hands.at_ns += 8 * NS
        slow.gate.set()
    assert slow.asked == [READ_DEADLINE_S, READ_LEAST_S]
    assert waiting.result() == (9 * NS, 2)


async def test_a_reading_is_given_again_while_it_is_fresh_and_not_afterwards(slow: Slow) -> None:
    hands = Hands()
    shared = Shared(slow.read, clock=hands)
    slow.gate.set()
    assert (await shared.recent())[1] == 1
    hands.at_ns += 4 * NS
    assert (await shared.recent())[1] == 1
    hands.at_ns += 1
    assert (await shared.recent())[1] == 2


async def test_the_system_clock_serves() -> None:
    slow = Slow()
    slow.gate.set()
    assert (await Shared(slow.read, clock=SystemClock()).recent())[1] == 1

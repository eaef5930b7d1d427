"""How long a thread is waited for: only while the loop could have heard of it."""

import asyncio
import threading

import pytest

from bastion.patience import TURNS_MAX, patience


def _compute(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds
    while loop.time() < until_s:
        pass


async def _computing_first(event: asyncio.Event) -> None:
    _compute(0.01)
    await event.wait()


def _heard_from_a_thread(after_s: float) -> asyncio.Future[str]:
    loop = asyncio.get_running_loop()
    heard: asyncio.Future[str] = loop.create_future()
    threading.Timer(after_s, lambda: loop.call_soon_threadsafe(heard.set_result, "durable")).start()
    return heard


async def test_what_never_comes_is_given_up_in_time() -> None:
    begun_s = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        async with patience(0.02):
            await asyncio.Event().wait()
    assert asyncio.get_running_loop().time() - begun_s >= 0.02


async def test_a_loop_that_computed_past_the_end_hears_what_came_meanwhile() -> None:
    heard = _heard_from_a_thread(0.001)
    asyncio.get_running_loop().call_soon(_compute, 0.06)
    async with patience(0.02):
        assert await heard == "durable"


async def test_a_loop_that_always_computes_waits_a_bounded_number_of_times() -> None:
    loop = asyncio.get_running_loop()
    computed = 0

    def compute() -> None:
        nonlocal computed
        computed += 1
        _compute(0.03)
        again.append(loop.call_soon(compute))

    again = [loop.call_soon(compute)]
    with pytest.raises(TimeoutError):
        async with patience(0.01):
            await asyncio.Event().wait()
    again[-1].cancel()
    assert TURNS_MAX <= computed <= 10 * TURNS_MAX


async def test_no_patience_at_all_is_over_at_the_next_turn_of_the_loop() -> None:
    with pytest.raises(TimeoutError):
        async with patience(0):
            await _computing_first(asyncio.Event())


async def test_a_cancellation_from_outside_stays_one() -> None:
    async def wait() -> None:
        async with patience(5):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await wait()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()

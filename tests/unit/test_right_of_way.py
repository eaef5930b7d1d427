"""Who waits for an exit that was just pressed, and for how long."""

import asyncio

from bastion.clock import SystemClock
from bastion.commands.right_of_way import FIRST_WAVE_S, RightOfWay


async def test_nobody_waits_where_nothing_was_pressed() -> None:
    way = RightOfWay(SystemClock())
    turns: list[str] = []
    asyncio.get_running_loop().call_soon(turns.append, "another")
    await way.give()
    assert turns == []


async def test_others_wait_for_the_first_moment_of_an_exit_and_no_longer() -> None:
    clock = SystemClock()
    way = RightOfWay(clock)
    way.take()
    begun_ns = clock.monotonic_ns()
    async with asyncio.timeout(FIRST_WAVE_S + 5):
        await way.give()
    assert clock.monotonic_ns() - begun_ns >= FIRST_WAVE_S * 1e9 * 0.9
    async with asyncio.timeout(0):
        await way.give()

"""Who waits for an exit that was just pressed, and for how long."""

import asyncio

import pytest

from bastion.clock import SystemClock
from bastion.commands.right_of_way import FIRST_WAVE_S, PRESSES, TURN_S, RightOfWay
from bastion.domain.act import Act
from bastion.domain.principal import Principal
from bastion.domain.principal import Scope as KeyScope
from bastion.surfaces.daemon.root import Root
from bastion.surfaces.rest.asgi import Message, Receive, Scope, Send


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


@pytest.mark.parametrize("act", sorted(PRESSES))
async def test_a_press_waits_for_no_other_and_lets_all_else_wait(act: Act) -> None:
    clock = SystemClock()
    way = RightOfWay(clock)
    way.take()
    turns: list[str] = []
    asyncio.get_running_loop().call_soon(turns.append, "another")
    await way.enter(act, Principal(id="key", surface="rest", scope=KeyScope.TRADE))
    assert turns == []
    begun_ns = clock.monotonic_ns()
    await way.enter(Act.POSITIONS, Principal(id="key", surface="rest", scope=KeyScope.TRADE))
    assert clock.monotonic_ns() - begun_ns >= FIRST_WAVE_S * 1e9 * 0.9


async def test_who_may_not_press_holds_nobody_up() -> None:
    way = RightOfWay(SystemClock())
    await way.enter(Act.EXIT, Principal(id="key", surface="rest", scope=KeyScope.READ))
    await way.enter(Act.EXIT, None)
    async with asyncio.timeout(0):
        await way.give()


async def test_what_is_no_press_is_let_in_one_after_the_other() -> None:
    way = RightOfWay(SystemClock())
    told: list[str] = []

    async def served(name: str) -> None:
        await way.line_up()
        told.append(f"{name} in")
        for _ in range(5):
            await asyncio.sleep(0)
        told.append(f"{name} out")

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(served(name))
    assert told == ["a in", "a out", "b in", "b out", "c in", "c out"]


async def test_who_takes_long_or_gives_up_holds_up_nobody_behind_for_long() -> None:
    clock = SystemClock()
    way = RightOfWay(clock)
    done = asyncio.Event()
    begun_ns = clock.monotonic_ns()

    async def waits() -> None:
        await way.line_up()
        await done.wait()

    async def comes() -> int:
        await way.line_up()
        return clock.monotonic_ns() - begun_ns

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(waits())
        await asyncio.sleep(0)
        leaves = group.create_task(comes())
        await asyncio.sleep(0)
        last = group.create_task(comes())
        await asyncio.sleep(0)
        leaves.cancel()
        waited_ns = await last
        done.set()
    assert leaves.cancelled()
    assert waited_ns < 200 * TURN_S * 1e9


async def test_a_press_does_not_stand_in_line() -> None:
    way = RightOfWay(SystemClock())
    done = asyncio.Event()

    async def reads() -> None:
        await way.enter(Act.POSITIONS, Principal(id="key", surface="rest", scope=KeyScope.TRADE))
        await done.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(100):
            group.create_task(reads())
        await asyncio.sleep(0)
        turns: list[str] = []
        asyncio.get_running_loop().call_soon(turns.append, "another")
        await way.enter(Act.EXIT, Principal(id="key", surface="rest", scope=KeyScope.TRADE))
        assert turns == []
        done.set()


@pytest.mark.parametrize("path", ["/v1/positions", "/mcp/stream"])
async def test_the_daemon_serves_nobody_in_the_first_moment_of_an_exit(path: str) -> None:
    clock = SystemClock()
    way, served_ns = RightOfWay(clock), []

    async def serve(_scope: Scope, _receive: Receive, _send: Send) -> None:
        served_ns.append(clock.monotonic_ns())

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        pass

    root = Root(mcp=serve, rest=serve, clock=clock, right_of_way=way, about={})
    way.take()
    begun_ns = clock.monotonic_ns()
    await root({"type": "http", "path": path, "headers": []}, receive, send)
    assert served_ns[0] - begun_ns >= FIRST_WAVE_S * 1e9 * 0.9

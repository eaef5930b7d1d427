"""Beside a press: what else the process has to do waits for a moment."""

import asyncio
import gc
import threading

from bastion.clock import SystemClock
from bastion.commands.right_of_way import FIRST_WAVE_S, RightOfWay
from bastion.storage.bell import Bell


async def test_a_writer_is_woken_a_moment_later_once_for_all_that_came() -> None:
    bell = Bell(clock=SystemClock(), after_s=0.05)
    woken = threading.Event()

    def wait() -> None:
        bell.wait()
        woken.set()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    for _ in range(3):
        bell.ring()
    assert not woken.is_set()
    assert await asyncio.to_thread(woken.wait, 10)
    thread.join()


def test_a_bell_without_an_event_loop_rings_at_once() -> None:
    bell = Bell(clock=SystemClock(), after_s=60)
    bell.ring()
    bell.wait()


async def test_a_bell_rings_again_after_its_loop_has_gone() -> None:
    class Later(SystemClock):
        add_ns = 0

        def monotonic_ns(self) -> int:
            return super().monotonic_ns() + self.add_ns

    clock = Later()
    bell = Bell(clock=clock, after_s=0.01)
    await asyncio.to_thread(lambda: asyncio.run(_ring(bell)))
    clock.add_ns = 2_000_000_000
    bell.ring()
    async with asyncio.timeout(10):
        await asyncio.to_thread(bell.wait)


async def test_a_press_lets_every_writer_sleep_on_for_its_first_moment() -> None:
    clock = SystemClock()
    bell, way, rung = Bell(clock=clock, after_s=0.0), RightOfWay(clock), asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait() -> None:
        bell.wait()
        loop.call_soon_threadsafe(rung.set)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    way.hush(bell.hush)
    begun_ns = clock.monotonic_ns()
    bell.ring()
    way.take()
    async with asyncio.timeout(10):
        await rung.wait()
    thread.join()
    assert clock.monotonic_ns() - begun_ns >= FIRST_WAVE_S * 1e9 * 0.9


async def _ring(bell: Bell) -> None:
    bell.ring()


async def test_the_collector_rests_in_the_first_moment_of_an_exit_and_is_itself_again_at_the_end() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    way = RightOfWay(SystemClock())
    way.take()
    assert gc.isenabled()
    way.settle()
    try:
        assert gc.get_freeze_count() > frozen
        way.take()
        assert not gc.isenabled()
        await way.give()
        # Its own timer comes first: it was set first.
        await asyncio.sleep(2 * FIRST_WAVE_S)
        assert gc.isenabled()
        way.take()
    finally:
        way.end()
    assert gc.isenabled()
    assert gc.get_threshold() == before

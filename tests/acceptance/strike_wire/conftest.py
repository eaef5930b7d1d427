"""The worlds that the margin venue's tests start in."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.strike_wire.world import World

ALICE = "0x" + "a1" * 20
BOB = "0x" + "b0" * 20

Build = Callable[..., Awaitable[World]]


@pytest.fixture
async def build(tmp_path: Path) -> AsyncIterator[Build]:
    started: list[World] = []

    async def build_world(**settings: Any) -> World:  # noqa: ANN401 - passed on to World
        folder = tmp_path / f"world-{len(started)}"
        folder.mkdir()
        world = World(folder=folder, **settings)
        await world.start()
        started.append(world)
        return world

    yield build_world
    for world in started:
        await world.stop()


@pytest.fixture
async def world(build: Build) -> World:
    return await build()

"""Adapters on scripted venues, each on a real socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bastion.app import PaperProcess
from tests.venue_paper import PaperRig, paper_process, paper_rig
from tests.venue_rig import BINANCE, BYBIT, Rig, rigged


@pytest.fixture(params=[BINANCE, BYBIT], ids=["binance", "bybit"])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    async for one in rigged(request.param, tmp_path):
        yield one


@pytest.fixture
async def binance(tmp_path: Path) -> AsyncIterator[Rig]:
    async for one in rigged(BINANCE, tmp_path):
        yield one


@pytest.fixture
async def bybit(tmp_path: Path) -> AsyncIterator[Rig]:
    async for one in rigged(BYBIT, tmp_path):
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def paper() -> AsyncIterator[PaperProcess]:
    async with paper_process() as process:
        yield process


@pytest.fixture(params=["binance", "bybit"])
async def exchange(request: pytest.FixtureRequest, paper: PaperProcess) -> AsyncIterator[PaperRig]:
    async with paper_rig(paper, request.param) as one:
        await one.heal()
        await one.load({"name": "seed"})
        await one.forget_requests()
        yield one

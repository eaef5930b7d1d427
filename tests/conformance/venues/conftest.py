"""Adapters on scripted venues, each on a real socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
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


@pytest.fixture(params=["binance", "bybit"])
async def exchange(request: pytest.FixtureRequest) -> AsyncIterator[PaperRig]:
    async with paper_process() as paper, paper_rig(paper, request.param) as one:
        yield one

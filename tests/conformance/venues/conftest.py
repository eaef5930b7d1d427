"""Adapters on scripted venues, each on a real socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bastion.app import PaperProcess
from tests.venue_paper import PaperRig, paper_process, prepared
from tests.venue_rig import BINANCE, BYBIT, OKX, Rig, rigged


@pytest.fixture(params=[BINANCE, BYBIT, OKX], ids=["binance", "bybit", "okx"])
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


@pytest.fixture
async def okx(tmp_path: Path) -> AsyncIterator[Rig]:
    async for one in rigged(OKX, tmp_path):
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def paper() -> AsyncIterator[PaperProcess]:
    async with paper_process() as process:
        yield process


@pytest.fixture(params=["binance", "bybit", "hyperliquid", "okx"])
async def exchange(request: pytest.FixtureRequest, paper: PaperProcess) -> AsyncIterator[PaperRig]:
    async for one in prepared(paper, request.param):
        yield one


@pytest.fixture(params=["binance", "bybit", "okx"])
async def hedging(request: pytest.FixtureRequest, paper: PaperProcess) -> AsyncIterator[PaperRig]:
    """A venue that has hedge mode; the others do not."""
    async for one in prepared(paper, request.param):
        yield one


@pytest.fixture(params=["binance", "bybit", "okx"])
async def keyed(request: pytest.FixtureRequest, paper: PaperProcess) -> AsyncIterator[PaperRig]:
    """A venue where reading needs a key as well, and sizes have a maximum of their own."""
    async for one in prepared(paper, request.param):
        yield one


@pytest.fixture
async def paper_binance(paper: PaperProcess) -> AsyncIterator[PaperRig]:
    async for one in prepared(paper, "binance"):
        yield one

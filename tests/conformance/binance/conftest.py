"""Clients on the session's paper exchange."""

from collections.abc import AsyncIterator

import ccxt.async_support as ccxt
import pytest

from tests.paper_clients import RawBinance, binance_client
from tests.paper_process import PaperProcess


@pytest.fixture
async def binance(paper: PaperProcess) -> AsyncIterator[ccxt.binanceusdm]:
    """Unmodified ccxt on the scenario `seed`."""
    client = binance_client(paper)
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
def raw(paper: PaperProcess) -> RawBinance:
    """Signed requests, byte by byte."""
    return RawBinance(paper)

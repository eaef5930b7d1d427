"""Shared parts of the tests of the how-to pages: one paper exchange, one desk on it, one daemon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.cli.rig import Paper, paper_exchange
from tests.acceptance.how_to.reader import Reader, document_of_all


@pytest.fixture(scope="session")
def market() -> Iterator[Paper]:
    """A paper exchange with Binance, Bybit and OKX."""
    with paper_exchange("seed") as first:
        wires = first.wires["binance"].rpartition("/")[0]
        first.ask("POST", "/scenario", document_of_all())
        yield Paper(
            wires={venue: f"{wires}/{venue}" for venue in ("binance", "bybit", "okx")},
            control_url=first.control_url,
        )


@pytest.fixture(scope="session")
def desk(market: Paper, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A person with three accounts and a running daemon."""
    reader = Reader(tmp_path_factory.mktemp("desk"), market)
    reader.settle()
    reader.shell("bastion up")
    yield reader
    reader.leave()


@pytest.fixture
def newcomer(market: Paper, tmp_path: Path) -> Iterator[Reader]:
    """A person who has nothing yet."""
    reader = Reader(tmp_path, market)
    reader.market.ask("POST", "/scenario", document_of_all())
    yield reader
    reader.leave()

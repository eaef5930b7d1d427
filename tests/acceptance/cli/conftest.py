"""Shared parts of the command line's acceptance tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.cli.rig import CANARIES, Paper, Trader, paper_exchange


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose vault the program filled with both paper credentials."""
    folder = tmp_path_factory.mktemp("filled")
    trader = Trader(folder)
    for venue, secret in CANARIES.items():
        trader.put(f"my-{venue}", f"paper-{venue}-key", secret)
    return folder


@pytest.fixture
def trader(tmp_path: Path, filled: Path) -> Iterator[Trader]:
    """A person with an empty state directory; whatever the program said to them held no secret."""
    trader = Trader(tmp_path, filled)
    yield trader
    for text in trader.outputs:
        for secret in CANARIES.values():
            assert secret not in text


@pytest.fixture(scope="module")
def quiet() -> Iterator[Paper]:
    """A paper exchange that nothing is to reach."""
    with paper_exchange("seed") as paper:
        yield paper
        assert paper.orders() == []

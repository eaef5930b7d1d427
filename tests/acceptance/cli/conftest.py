"""Shared parts of the command line's acceptance tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.cli.rig import CANARIES, Trader


@pytest.fixture
def trader(tmp_path: Path) -> Iterator[Trader]:
    """A person with an empty state directory; whatever the program said to them held no secret."""
    trader = Trader(tmp_path)
    yield trader
    for text in trader.outputs:
        for secret in CANARIES.values():
            assert secret not in text

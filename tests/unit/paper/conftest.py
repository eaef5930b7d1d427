"""A small exchange on a stepped clock."""

import pytest

from tests.paper_rig import Rig, rig


@pytest.fixture
def desk() -> Rig:
    """BTCUSDT at 50,000, deep books, one account of 1,000,000 USDT with the rules of Binance."""
    return rig()

"""Venues that speak OKX: with a clock that the test steps, and with the real one for ccxt."""

from collections.abc import AsyncIterator

import pytest

from bastion.paper.account import MarginMode, PositionMode
from tests.okx_rig import Venue, running, stepped, venue_on


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    """A net-mode account in cross margin; time stands still until the test lets it pass."""
    async with venue_on(stepped()) as served:
        yield served


@pytest.fixture
async def hedged() -> AsyncIterator[Venue]:
    """A long/short-mode account; time stands still until the test lets it pass."""
    async with venue_on(stepped(mode=PositionMode.HEDGE)) as served:
        yield served


@pytest.fixture
async def isolated() -> AsyncIterator[Venue]:
    """A net-mode account in isolated margin; time stands still until the test lets it pass."""
    async with venue_on(stepped(margin=MarginMode.ISOLATED)) as served:
        yield served


@pytest.fixture
async def live() -> AsyncIterator[Venue]:
    """A net-mode account on real time."""
    async with venue_on(running()) as served:
        yield served

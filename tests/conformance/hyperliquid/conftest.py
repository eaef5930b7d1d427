"""Venues that speak Hyperliquid: with a clock that the test steps, and with the real one for ccxt."""

from collections.abc import AsyncIterator

import pytest

from tests.hyperliquid_rig import Venue, running, stepped, venue_on


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    """Time stands still until the test lets it pass."""
    async with venue_on(stepped()) as served:
        yield served


@pytest.fixture
async def live() -> AsyncIterator[Venue]:
    """Time runs."""
    async with venue_on(running()) as served:
        yield served

"""Venues that speak Hyperliquid, one of them scripted, with the adapter on it."""

from collections.abc import AsyncIterator

import pytest

from tests.hyperliquid_rig import Venue, running, stepped, venue_on
from tests.hyperliquid_script import Scripted, scripted


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


@pytest.fixture
async def hl() -> AsyncIterator[Scripted]:
    """A scripted venue with an empty account, and the adapter on it."""
    async with scripted() as one:
        yield one

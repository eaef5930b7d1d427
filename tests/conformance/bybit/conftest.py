"""Venues that speak Bybit: with a clock that the test steps, and with the real one for ccxt."""

from collections.abc import AsyncIterator

import pytest

from bastion.paper.account import PositionMode
from tests.bybit_rig import Venue, running, stepped, venue_on


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    """A one-way account; time stands still until the test lets it pass."""
    async with venue_on(stepped()) as served:
        yield served


@pytest.fixture
async def hedged() -> AsyncIterator[Venue]:
    """A hedge-mode account; time stands still until the test lets it pass."""
    async with venue_on(stepped(mode=PositionMode.HEDGE)) as served:
        yield served


@pytest.fixture
async def live() -> AsyncIterator[Venue]:
    """A one-way account on real time, with 25 more instruments."""
    async with venue_on(running(extra=25)) as served:
        yield served

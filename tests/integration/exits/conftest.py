"""A desk and a paper exchange of its own for each test, with both ccxt wires in one small world."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.protection_rig import ProtectionRig, protection_desk


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncIterator[ProtectionRig]:
    async with protection_desk(tmp_path) as desk:
        await desk.load()
        yield desk

"""A desk of its own for each test, in a small world with both ccxt wires; all share one exchange process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.paper_process import PaperProcess
from tests.protection_rig import ProtectionRig, protection_desk_on


@pytest_asyncio.fixture
async def rig(tmp_path: Path, paper_process: PaperProcess) -> AsyncIterator[ProtectionRig]:
    async with protection_desk_on(tmp_path, paper_process) as desk:
        await desk.load()
        yield desk

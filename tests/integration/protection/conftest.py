"""One desk and one paper exchange for each file; each test begins with a fresh world."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.protection_rig import VENUES, ProtectionRig, protection_desk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk_process(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProtectionRig]:
    folder: Path = tmp_path_factory.mktemp("protection")
    async with protection_desk(folder) as rig:
        yield rig


@pytest_asyncio.fixture(params=VENUES, loop_scope="module")
async def rig(request: pytest.FixtureRequest, desk_process: ProtectionRig) -> ProtectionRig:
    desk_process.venue = request.param
    await desk_process.load()
    return desk_process

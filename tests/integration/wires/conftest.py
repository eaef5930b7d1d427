"""One desk and one paper exchange with four wires for the tests of a file; each test loads its own world."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.wires_rig import WiresRig, wires_desk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WiresRig]:
    async with wires_desk(tmp_path_factory.mktemp("wires")) as desk:
        yield desk


@pytest_asyncio.fixture(loop_scope="module")
async def wires(running: WiresRig) -> WiresRig:
    await running.load()
    return running

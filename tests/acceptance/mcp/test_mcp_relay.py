"""`bastion mcp` beside a daemon: the daemon acts, and where it is gone the server goes on alone."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError

from bastion.surfaces.mcp_server.tools import TOOLS
from tests.acceptance.mcp.exchange import Exchange, house_at, standing_exchange
from tests.acceptance.mcp.house import House, Served, serving
from tests.acceptance.mcp.talk import answer_of, error_of, over_stdio

EXIT = "bastion_emergency_exit"
POSITIONS = "bastion_get_positions"
ANSWER_MS = 250


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with standing_exchange() as standing:
        yield standing


@pytest.fixture(scope="module")
def beside(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Served]]:
    """Return a house and the daemon that serves in it; the last test of this file ends it."""
    house = house_at(exchange, tmp_path_factory.mktemp("beside"), hold_s=0)
    with serving(house) as served:
        yield house, served


def holders_of(house: House) -> int:
    """Return how many processes have the journal of this house open."""
    state = str(house.folder / "state")
    holders = 0
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                own = process.stat().st_uid == os.geteuid()
                names = [str(one.readlink()) for one in (process / "fd").iterdir()] if own else []
            except OSError:
                # It ended meanwhile, or does not let us look.
                continue
            holders += any(name.startswith(state) and "journal" in name for name in names)
    return holders


async def test_keys_count_beside_a_daemon_as_they_do_without_one(
    beside: tuple[House, Served], exchange: Exchange, tmp_path: Path
) -> None:
    house, _ = beside
    read = house.key("read")
    async with over_stdio(house, "auto", log=tmp_path / "log") as client:
        error = error_of(await client.call_tool(POSITIONS, {}))
        assert (error["code"], "is required" in str(error["message"])) == ("AUTH_REQUIRED", True)
        with pytest.raises(MCPError, match="is required"):
            await client.read_resource("bastion://positions")
        warnings = answer_of(await client.call_tool(POSITIONS, {"api_key": read}))["warnings"]
        assert "transcript" in str(warnings)
        assert error_of(await client.call_tool(EXIT, {"api_key": read}))["code"] == "SCOPE_DENIED"
    assert exchange.open_positions() == 4


async def test_the_daemon_acts_for_a_client_on_stdio_and_where_it_dies_the_server_goes_on(
    beside: tuple[House, Served], exchange: Exchange, tmp_path: Path
) -> None:
    house, daemon = beside
    exchange.fresh()
    told: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert (progress, total) == (len(told) + 1, None)
        told.append(message)

    key = {"BASTION_API_KEY": house.key("trade")}
    async with over_stdio(house, "legacy", log=tmp_path / "log", variables=key) as client:
        assert len((await client.list_tools()).tools) == len(TOOLS)
        assert (await client.read_resource("bastion://positions")).contents
        error = error_of(await client.call_tool(POSITIONS, {"api_key": house.key("read")}))
        assert "in `api_key` and in BASTION_API_KEY belong to different principals" in str(error["message"])
        answer = answer_of(await client.call_tool(EXIT, {}, progress_callback=hear))
        assert (answer["verdict"], exchange.open_positions(), len(told)) == ("FLAT", 0, 4)
        # No desk was opened beside the daemon's.
        assert holders_of(house) == 1
        exchange.fresh()
        exchange.slow_down(ANSWER_MS)
        begun = exchange.orders()
        async with asyncio.TaskGroup() as group:
            pressed = group.create_task(client.call_tool(EXIT, {}))
            await asyncio.to_thread(exchange.wait_for_orders, begun + 1)
            daemon.process.kill()
        answer = answer_of(pressed.result())
        assert (answer["verdict"], exchange.open_positions()) == ("FLAT", 0)
        exchange.mend()
        exchange.fresh()
        answer = answer_of(await client.call_tool(EXIT, {}))
        assert (answer["verdict"], exchange.open_positions()) == ("FLAT", 0)

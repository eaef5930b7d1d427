"""The printed block, used as a client does: its command, arguments and variables start the server."""

import json
from pathlib import Path

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from bastion.surfaces.mcp_server.tools import offered, toolsets_of
from tests.acceptance.mcp.house import House
from tests.acceptance.mcp.talk import answer_of


async def test_the_block_starts_a_server_with_a_key_and_the_chosen_toolsets(
    house: House, tmp_path: Path
) -> None:
    printed = house.run("mcp", "--print-config", "--client", "zed", "--tools", "exit,portfolio")
    assert printed.returncode == 0, printed.stderr
    entry = json.loads(printed.stdout)["context_servers"]["bastion"]
    key = entry["env"]["BASTION_API_KEY"]
    assert key not in printed.stderr
    variables = house.variables | entry["env"]
    parameters = StdioServerParameters(command=entry["command"], args=entry["args"], env=variables)
    with (tmp_path / "log").open("w", encoding="utf-8") as errors:
        async with Client(stdio_client(parameters, errlog=errors)) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            positions = answer_of(await client.call_tool("bastion_get_positions", {}))["positions"]
    assert tools == [tool.name for tool in offered(toolsets_of("exit,portfolio"))]
    assert "bastion_partial_close" not in tools
    assert isinstance(positions, list)
    assert len(positions) == 4

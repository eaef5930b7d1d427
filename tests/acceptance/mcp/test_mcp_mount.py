"""The exit in somebody else's MCP server: no key in any schema, and the daemon of the same user behind it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.server import MCPServer
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)
from mcp_types import Tool as ToolListing

import bastion.mcp
from bastion.errors import Refused
from tests.acceptance.mcp.house import House, serving
from tests.acceptance.mcp.seed import assert_is_the_example
from tests.acceptance.mcp.talk import answer_of, error_of, text_of

Anyone = MCPServer | Server
EXIT = "bastion_emergency_exit"


def high_level() -> MCPServer:
    server: MCPServer = MCPServer("somebody")

    @server.tool()
    def greet(name: str) -> str:
        """Greet."""
        return f"Hello, {name}."

    return server


def low_level() -> Server:
    async def listed(_: ServerRequestContext, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[ToolListing(name="greet", input_schema={"type": "object"})])

    async def called(_: ServerRequestContext, params: CallToolRequestParams) -> CallToolResult:
        words = f"Hello, {(params.arguments or {})['name']}."
        return CallToolResult(content=[TextContent(type="text", text=words)])

    return Server("somebody", on_list_tools=listed, on_call_tool=called)


def without_tools() -> Server:
    return Server("somebody")


SERVERS: dict[str, Callable[[], Anyone]] = {
    "high level": high_level,
    "low level": low_level,
    "without tools of its own": without_tools,
}


@pytest.mark.parametrize("kind", SERVERS)
async def test_exit_preview_and_status_answer_as_our_own_server_does(house: House, kind: str) -> None:
    server = SERVERS[kind]()
    bastion.mcp.mount(server, home=house.folder / "state")
    told: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert (progress, total) == (len(told) + 1, None)
        told.append(message)

    with serving(house) as _:
        async with Client(server) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            own = set() if kind == "without tools of its own" else {"greet"}
            assert set(tools) == own | set(bastion.mcp.MOUNTED)
            assert "api_key" not in json.dumps([tools[name].input_schema for name in bastion.mcp.MOUNTED])
            if own:
                greeted = await client.call_tool("greet", {"name": "Ada"})
                assert text_of(greeted) == "Hello, Ada."
            before = answer_of(await client.call_tool("bastion_preview", {}))
            assert before["sent"] is False
            given = {"reason": "the example"}
            answer = answer_of(await client.call_tool(EXIT, given, progress_callback=hear))
            assert_is_the_example(answer)
            status = await client.call_tool("bastion_exit_status", {"exit_id": answer["exit_id"]})
            assert answer_of(status)["verdict"] == "FLAT"
            for name, result in (("bastion_preview", before), ("bastion_emergency_exit", answer)):
                schema = tools[name].output_schema
                assert schema is not None
                Draft202012Validator(schema).validate(result)
    assert len(told) == 4


async def test_without_a_daemon_the_call_says_how_to_get_out_all_the_same(tmp_path: Path) -> None:
    server = high_level()
    bastion.mcp.mount(server, home=tmp_path)
    async with Client(server) as client:
        error = error_of(await client.call_tool("bastion_emergency_exit", {}))
    assert "`bastion exit`" in str(error["message"])


@pytest.mark.parametrize("given", [{"api_key": "bst_" + "a" * 40}, {"dry_run": True}])
async def test_a_key_or_a_misspelt_argument_is_refused(tmp_path: Path, given: dict[str, object]) -> None:
    server = low_level()
    bastion.mcp.mount(server, home=tmp_path)
    async with Client(server) as client:
        error = error_of(await client.call_tool("bastion_emergency_exit", given))
    assert error["code"] == "INVALID_ARGUMENT"


def test_it_is_mounted_once(tmp_path: Path) -> None:
    server = high_level()
    bastion.mcp.mount(server, home=tmp_path)
    with pytest.raises(Refused, match="mounted on this server already"):
        bastion.mcp.mount(server, home=tmp_path)

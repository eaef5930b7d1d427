"""MCP: puts the emergency exit into anyone's own MCP server, with no key in any schema.

    from mcp.server import MCPServer
    import bastion.mcp

    server = MCPServer("my-bot")
    bastion.mcp.mount(server)

The calls go to the `bastion up` of the same user, over its own socket: whoever runs as that user may exit.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)

from bastion.app import find_place
from bastion.errors import BastionError, Refused
from bastion.surfaces.daemon.sockets import SOCKET_NAME
from bastion.surfaces.mcp_server.parameters import check_arguments
from bastion.surfaces.mcp_server.refusals import refused
from bastion.surfaces.mcp_server.tools import TOOLS

__all__ = ["MOUNTED", "mount"]

MOUNTED = ("bastion_emergency_exit", "bastion_preview", "bastion_exit_status", "bastion_get_positions")
"""The tools that are mounted: exit, preview and status, and the list of what is open."""
ADDRESS = "http://localhost/mcp/stream"
CALL_S = 60.0

_BY_NAME = {tool.name: tool for tool in TOOLS if tool.name in MOUNTED}
_Context = ServerRequestContext[Any, Any]


class DaemonUnreachable(BastionError):  # noqa: N818 - named for what is known after it
    """No `bastion up` of this user answers; nothing is known to have been done."""


def mount(server: MCPServer[Any] | Server[Any], *, home: Path | None = None) -> None:
    """Add exit, preview and status to an MCP server of the official SDK, whatever else it offers.

    `home` is bastion's state directory (default: BASTION_HOME, else the platform's). The tools take no key
    and answer as `bastion mcp` does; an error is its JSON envelope. Nothing is asked of the daemon before a
    tool is called, and a client that goes away stops no exit. Mount once for each server.

    Raises:
        Refused: this server has a mounted bastion already.
    """
    if any(isinstance(layer, _Mounted) for layer in server.middleware):
        raise Refused("bastion is mounted on this server already.")
    if isinstance(server, Server) and server.get_request_handler("tools/list") is None:
        # A server without tools of its own must still say that it has some.
        server.add_request_handler("tools/list", PaginatedRequestParams, _no_tools)
        server.add_request_handler("tools/call", CallToolRequestParams, _unknown_tool)
    socket = (find_place(config=None).home if home is None else home) / SOCKET_NAME
    server.middleware.append(_Mounted(socket.expanduser().absolute()))


class _Mounted:
    """Answers for our tools before the server's own handlers are asked, and adds them to its list."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._tools = [tool.listing(keyless=True) for tool in _BY_NAME.values()]

    async def __call__(self, ctx: _Context, call_next: CallNext) -> HandlerResult:
        """Serve one message of the protocol."""
        name = str((ctx.params or {}).get("name", ""))
        if ctx.method == "tools/call" and name in _BY_NAME:
            return await self._call(ctx, name, (ctx.params or {}).get("arguments"))
        result = await call_next(ctx)
        return _joined(result, self._tools) if ctx.method == "tools/list" else result

    async def _call(self, ctx: _Context, name: str, arguments: object) -> CallToolResult:
        async def tell(progress: float, total: float | None, message: str | None) -> None:
            await ctx.session.report_progress(progress, total, message)

        try:
            given = arguments if isinstance(arguments, Mapping) else {}
            check_arguments(_BY_NAME[name].parameters, given)
            transport = httpx2.AsyncHTTPTransport(uds=str(self._socket))
            async with (
                httpx2.AsyncClient(transport=transport, timeout=CALL_S) as http,
                Client(streamable_http_client(ADDRESS, http_client=http)) as daemon,
            ):
                return await daemon.call_tool(name, dict(given), progress_callback=tell)
        except BastionError as error:
            return refused(error)
        except MCPError as error:
            return refused(Refused(f"`bastion up` refused the call: {error} Nothing was done."))
        except Exception:  # noqa: BLE001 - the boundary: whatever failed on the way, its text stays here
            return refused(self._unreachable())

    def _unreachable(self) -> DaemonUnreachable:
        return DaemonUnreachable(
            f"No `bastion up` answers at {self._socket}. Do not assume that anything was closed: start "
            "`bastion up`, or run `bastion exit` in a terminal, which needs no daemon."
        )


def _joined(result: HandlerResult, tools: list[Tool]) -> HandlerResult:
    """Return a list of tools with ours at the end of its last page."""
    if isinstance(result, ListToolsResult):
        result = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    if not isinstance(result, dict) or result.get("nextCursor"):
        return result
    own = result.get("tools")
    listed = [json.loads(tool.model_dump_json(by_alias=True, exclude_none=True)) for tool in tools]
    return result | {"tools": [*(own if isinstance(own, list) else ()), *listed]}


async def _no_tools(_: _Context, __: PaginatedRequestParams) -> ListToolsResult:
    return ListToolsResult(tools=[])


async def _unknown_tool(_: _Context, params: CallToolRequestParams) -> CallToolResult:
    text = f"There is no tool {params.name[:80]!r}."
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)

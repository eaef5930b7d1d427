"""What a server on stdio does with a call to a daemon that does not answer it as it should."""

import asyncio
import contextlib
import json
from pathlib import Path

import pytest
from mcp import Client
from mcp_types import TextContent

from bastion.app import find_place, open_keys
from bastion.auth.keys import parse_scope
from bastion.errors import Refused
from bastion.surfaces.mcp_server.relay import Found, Relay, Ways
from bastion.surfaces.mcp_server.server import Acting, Offered, bound
from bastion.surfaces.mcp_server.tools import ALL

EXIT, CLOSE, READ = "bastion_emergency_exit", "bastion_partial_close", "bastion_get_positions"
GIVEN: dict[str, dict[str, object]] = {CLOSE: {"symbol": "BTC", "exit_pct": 50}}
ALONE = "The own desk was asked for."
BAD_PARAMS = json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "No such tool."}})
LATE = "HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n"
JSON_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
TURNED = f"{JSON_HEAD}content-length: {len(BAD_PARAMS)}\r\n\r\n{BAD_PARAMS}"
HALF = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: message\r\n"


def no_desk() -> contextlib.AbstractAsyncContextManager[Acting]:
    raise Refused(ALONE)


async def said(
    folder: Path, tool: str, *, answer: str | None, found: Found, key: bool = True
) -> tuple[str, int]:
    """Return what the client is told, and how many requests came to the daemon; None is a silent one."""
    socket = folder / "d.sock"
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        if answer is None:
            await reader.read()
        else:
            writer.write(answer.encode())
            await writer.drain()
        writer.close()

    ways = Ways(
        socket=str(socket),
        find=lambda: found,
        answers=lambda: False,
        late=lambda: {"x-late": "1"},
        own=no_desk,
    )
    place = find_place(config=None, environment={"BASTION_HOME": str(folder / "state")})
    place.home.mkdir()
    offers = Offered(ALL)
    with open_keys(place) as keys:
        text = keys.create(scope=parse_scope("trade")).text
        relay = Relay(ways, offered=offers, keys=keys, environment={"BASTION_API_KEY": text} if key else {})
        listening = (
            contextlib.nullcontext() if answer == "" else await asyncio.start_unix_server(serve, socket)
        )
        async with listening, relay.working(), Client(bound(offers, relay, version="1")) as client:
            result = await client.call_tool(tool, GIVEN.get(tool, {}))
    assert result.is_error
    assert all(b"x-late: 1" in head and text.encode() in head for head in heads)
    block = result.content[0]
    assert isinstance(block, TextContent)
    return block.text, len(heads)


@pytest.mark.parametrize(
    ("tool", "answer", "text", "requests"),
    [
        (CLOSE, HALF, "is not known", 1),
        (CLOSE, None, "`bastion status`", 1),
        (EXIT, HALF, ALONE, 1),
        (READ, HALF, ALONE, 1),
        (CLOSE, LATE, ALONE, 1),
        (CLOSE, TURNED, ALONE, 1),
        (CLOSE, "", ALONE, 0),
    ],
)
async def test_only_what_is_safe_to_repeat_or_was_not_carried_out_is_done_here(
    tmp_path: Path, tool: str, answer: str | None, text: str, requests: int
) -> None:
    told, reached = await said(tmp_path, tool, answer=answer, found=Found(there=True))
    assert text in told
    assert reached == requests


async def test_an_exit_of_an_embedded_exchange_that_ended_is_not_done_in_another_one(tmp_path: Path) -> None:
    told, _ = await said(tmp_path, EXIT, answer=HALF, found=Found(there=True, paper=True))
    assert "that exchange with it" in told


async def test_beside_a_daemon_of_another_world_nothing_is_done(tmp_path: Path) -> None:
    told, reached = await said(
        tmp_path, EXIT, answer=HALF, found=Found(there=False, refusal="Another world.")
    )
    assert ("Another world." in told, reached) == (True, 0)


async def test_without_a_key_the_daemon_is_not_asked(tmp_path: Path) -> None:
    told, reached = await said(tmp_path, READ, answer=HALF, found=Found(there=True), key=False)
    assert ("AUTH_REQUIRED" in told, reached) == (True, 0)

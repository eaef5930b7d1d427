"""Chatty: sixteen callers with keys of their own who ask for positions and the like all the time.

Half of them over MCP, half over REST. Each asks as often as its key's tier allows in the long run: ten times
a second. Ends with its standard input, and says then how many answers came and how many calls were refused.

python -m tests.benchmarks.exit.chatty HOST PORT < keys, one a line
"""

import asyncio
import json
import sys
from dataclasses import dataclass

CALLERS = 16
PAUSE_S = 0.1
REVISION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": REVISION,
    "io.modelcontextprotocol/clientInfo": {"name": "caller", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
TOOLS = ("bastion_get_positions", "bastion_get_balance", "bastion_engine_status", "bastion_get_exchanges")
PATHS = ("/v1/positions", "/v1/balance", "/v1/status", "/v1/exchanges")
OK, LIMITED = 200, 429


@dataclass(slots=True)
class Heard:
    """What came back."""

    answered: int = 0
    refused: int = 0
    failed: int = 0


def tool_call(
    tool: str, host: str, key: str, arguments: dict[str, object] | None = None, *, number: int = 1
) -> bytes:
    """Return the HTTP request of one call of a tool."""
    params = {"name": tool, "arguments": arguments or {}, "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}).encode()
    head = [
        "POST /mcp/stream HTTP/1.1",
        f"Host: {host}",
        "Accept: application/json, text/event-stream",
        "Content-Type: application/json",
        f"MCP-Protocol-Version: {REVISION}",
        "Mcp-Method: tools/call",
        f"Mcp-Name: {tool}",
        f"X-API-Key: {key}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def read_call(path: str, host: str, key: str) -> bytes:
    """Return the HTTP request of one read over REST."""
    head = [f"GET {path} HTTP/1.1", f"Host: {host}", f"X-API-Key: {key}", "Content-Length: 0"]
    return "\r\n".join([*head, "", ""]).encode()


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return the status and the body of one answer, whole or in chunks."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split()[1])
    if b"content-length:" in head:
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        return status, await reader.readexactly(length)
    body = b""
    while True:
        size = int((await reader.readline()).split(b";")[0], 16)
        body += await reader.readexactly(size)
        await reader.readexactly(2)
        if size == 0:
            return status, body


async def _caller(number: int, host: str, port: int, key: str, heard: Heard) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    at = f"{host}:{port}"
    for turn in range(1_000_000):
        if number % 2:
            request = tool_call(TOOLS[(turn + number) % len(TOOLS)], at, key)
        else:
            request = read_call(PATHS[(turn + number) % len(PATHS)], at, key)
        writer.write(request)
        status, _ = await answer_of(reader)
        heard.answered += status == OK
        heard.refused += status == LIMITED
        heard.failed += status not in {OK, LIMITED}
        await asyncio.sleep(PAUSE_S)


async def _main(host: str, port: int, keys: list[str]) -> Heard:
    heard = Heard()
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    callers = [
        asyncio.ensure_future(_caller(number, host, port, key, heard)) for number, key in enumerate(keys)
    ]
    await ended
    for caller in callers:
        if caller.done():
            caller.result()
        caller.cancel()
    return heard


if __name__ == "__main__":
    given = [sys.stdin.readline().strip() for _ in range(CALLERS)]
    told = asyncio.run(_main(sys.argv[1], int(sys.argv[2]), given))
    sys.stdout.write(json.dumps({"answered": told.answered, "refused": told.refused, "failed": told.failed}))

"""Client: a script on the Python SDK 1.x, written as the documented samples are; run by that SDK alone.

Arguments: the transport (http or sse), the address, the key; the key goes as the tool argument. It prints
one JSON document.
"""

import asyncio
import json
import sys
from typing import Any

from mcp import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamablehttp_client  # type: ignore[attr-defined, unused-ignore]


async def talk(session: Any, key: str) -> dict[str, object]:  # noqa: ANN401 - the checker knows another SDK
    await session.initialize()
    tools = await session.list_tools()
    fills: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert total is None
        assert message
        fills.append(progress)

    async def ask(name: str, **arguments: object) -> object:
        result = await session.call_tool(name, {"api_key": key, **arguments}, progress_callback=hear)
        return json.loads(result.content[0].text)

    before = await ask("bastion_get_positions")
    refused = await ask("bastion_get_positions", dry_run=True)
    answer = await ask("bastion_emergency_exit", reason="the example")
    return {
        "tools": [tool.name for tool in tools.tools],
        "schemas": [tool.inputSchema["type"] for tool in tools.tools],
        "before": before,
        "refused": refused,
        "answer": answer,
        "fills": fills,
        "prompts": [prompt.name for prompt in (await session.list_prompts()).prompts],
    }


async def main(transport: str, address: str, key: str) -> None:
    if transport == "sse":
        async with sse_client(address) as (read, write), ClientSession(read, write) as session:
            said = await talk(session, key)
    else:
        async with (
            streamablehttp_client(address) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            said = await talk(session, key)
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))

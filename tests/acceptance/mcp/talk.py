"""Talk: the official Python client, over each transport and in each era of the protocol."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from tests.acceptance.mcp.house import PROGRAM, House

ERAS = ("legacy", "auto")
"""The handshake of 2025-11-25 and before, and the revision that both sides prefer (2026-07-28)."""
CALL_S = 60.0


@asynccontextmanager
async def over_http(url: str, era: str, *, headers: Mapping[str, str] | None = None) -> AsyncIterator[Client]:
    """Connect over Streamable HTTP."""
    async with (
        httpx2.AsyncClient(headers=dict(headers or {}), timeout=CALL_S, verify=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=era) as client,
    ):
        yield client


@asynccontextmanager
async def over_sse(url: str, *, headers: Mapping[str, str] | None = None) -> AsyncIterator[Client]:
    """Connect over the older HTTP+SSE form."""
    async with Client(sse_client(url, headers=dict(headers or {})), mode="legacy") as client:
        yield client


@asynccontextmanager
async def over_stdio(
    house: House, era: str, *, log: Path, variables: Mapping[str, str] | None = None
) -> AsyncIterator[Client]:
    """Start `bastion mcp` and connect to it; what it writes to standard error goes to `log`."""
    parameters = StdioServerParameters(
        command=PROGRAM, args=["mcp"], env=house.variables | dict(variables or {})
    )
    with log.open("w", encoding="utf-8") as errors:
        async with Client(stdio_client(parameters, errlog=errors), mode=era) as client:
            yield client


def text_of(result: CallToolResult) -> str:
    """Return the text of the first block."""
    block = result.content[0]
    assert isinstance(block, TextContent)
    return block.text


def answer_of(result: CallToolResult) -> dict[str, object]:
    """Return a good answer: bare JSON text, equal to the structured content."""
    assert not result.is_error, text_of(result)
    answer = json.loads(text_of(result))
    assert isinstance(answer, dict)
    assert result.structured_content == answer
    return answer


def error_of(result: CallToolResult) -> dict[str, object]:
    """Return the error of a refused call: bare JSON text and nothing beside it."""
    assert result.is_error
    assert result.structured_content is None
    document = json.loads(text_of(result))
    assert list(document) == ["error"]
    error = document["error"]
    assert isinstance(error, dict)
    return error

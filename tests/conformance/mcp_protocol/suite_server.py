"""Server: the suite's fixtures on our own HTTP application, as a process of its own.

Our factory, its door, its limits and its listener are what is tested; the fixtures are the suite's wishes.
"""

import asyncio
import sys
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.server.subscriptions import ListenHandler
from mcp_types import (
    CompleteRequestParams,
    CompleteResult,
    Completion,
    EmptyResult,
    GetPromptRequestParams,
    GetPromptResult,
    InputRequiredResult,
    JSONRPCMessage,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    RequestParams,
)

from bastion.auth.rates import Rates
from bastion.clock import SystemClock
from bastion.domain.principal import Principal
from bastion.errors import KeyRefused
from bastion.surfaces.daemon.serving import new_loop, serve
from bastion.surfaces.daemon.sockets import bind_loopback
from bastion.surfaces.mcp_server.admission import Gate
from bastion.surfaces.mcp_server.over_http import http_application
from tests.conformance.mcp_protocol import suite_content, suite_tools

RETRY_MS = 100

Context = ServerRequestContext[dict[str, Any]]


class NoKeys:
    """Knows no key at all: the suite has none."""

    def authenticate(self, text: str | None, *, surface: str) -> Principal:
        raise KeyRefused(f"There are no keys here, over {surface}{'' if text is None else ' or elsewhere'}.")


class Events(EventStore):
    """Keeps what was streamed, so that a client can come back to a stream that was closed."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self._kept.append((stream_id, message))
        return str(len(self._kept))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        last = int(last_event_id)
        if not 1 <= last <= len(self._kept):
            return None
        stream = self._kept[last - 1][0]
        later = enumerate(self._kept[last:], start=last + 1)
        for number, (of_stream, message) in later:
            if of_stream == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


async def list_tools(_: Context, __: PaginatedRequestParams | None) -> ListToolsResult:
    return ListToolsResult(tools=suite_tools.listing())


async def list_resources(_: Context, __: PaginatedRequestParams | None) -> ListResourcesResult:
    return ListResourcesResult(resources=list(suite_content.RESOURCES))


async def list_templates(_: Context, __: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
    return ListResourceTemplatesResult(resource_templates=list(suite_content.TEMPLATES))


async def read_resource(_: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
    return suite_content.read(str(params.uri))


async def list_prompts(_: Context, __: PaginatedRequestParams | None) -> ListPromptsResult:
    return ListPromptsResult(prompts=list(suite_content.PROMPTS))


async def get_prompt(_: Context, params: GetPromptRequestParams) -> GetPromptResult | InputRequiredResult:
    return suite_content.prompt(params)


async def complete(_: Context, __: CompleteRequestParams) -> CompleteResult:
    return CompleteResult(completion=Completion(values=[], total=0, has_more=False))


async def agree(_: Context, __: RequestParams) -> EmptyResult:
    return EmptyResult()


def build() -> Server:
    """Return the suite's server, on the same low-level server as ours."""
    server = Server(
        "bastion-conformance",
        version="1",
        get_tool_input_schema=lambda name: (
            suite_tools.FIXTURES[name].schema if name in suite_tools.FIXTURES else None
        ),
        on_list_tools=list_tools,
        on_call_tool=suite_tools.call,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_subscribe_resource=agree,
        on_unsubscribe_resource=agree,
        on_subscriptions_listen=ListenHandler(suite_tools.BUS),
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_completion=complete,
        on_set_logging_level=agree,
    )
    sealing = RequestStateSecurity(keys=[b"a key of this test, of at least 32 bytes"])
    server.middleware.append(RequestStateBoundary(sealing, default_audience=server.name))
    return server


async def run() -> None:
    listening = bind_loopback(0)
    gate = Gate(keys=NoKeys(), rates=Rates(clock=SystemClock()))
    application = http_application(build(), gate=gate, events=Events(), retry_ms=RETRY_MS)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}\n"

    def ready() -> None:
        print(address, end="", flush=True)  # noqa: T201 - whoever started this reads it

    await serve(application, [listening], ready=ready, ending=lambda: None)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        sys.exit(runner.run(run()))

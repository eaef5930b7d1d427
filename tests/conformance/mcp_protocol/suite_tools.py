"""Tools: the tools that the protocol's conformance suite calls, by the names that it calls them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import PromptsListChanged, ToolsListChanged
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    CreateMessageResult,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    TextContent,
    Tool,
)

from tests.conformance.mcp_protocol.suite_asking import (
    CHOICES,
    DEFAULTS,
    Schema,
    asking,
    form,
    object_of,
    said_by_user,
    sample,
)
from tests.conformance.mcp_protocol.suite_content import embedded, picture, sound, text

STEP_S = 0.05
RECONNECT_S = 0.2

Context = ServerRequestContext[dict[str, Any]]
Answer = str | tuple[ContentBlock, ...] | InputRequiredResult
Run = Callable[[Context, CallToolRequestParams], Awaitable[Answer]]

BUS = InMemorySubscriptionBus()
NOTHING: Schema = {"type": "object", "properties": {}, "additionalProperties": False}
WORDS: Schema = {"type": "string"}
EVERY_KEYWORD: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": WORDS, "city": WORDS},
        }
    },
    "properties": {
        "name": WORDS,
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": WORDS,
        "email": WORDS,
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixture:
    """One tool of the suite's."""

    run: Run
    schema: Schema = field(default_factory=lambda: NOTHING)


def _saying(*blocks: ContentBlock) -> Run:
    async def run(_: Context, __: CallToolRequestParams) -> Answer:
        return blocks

    return run


async def _log(context: Context, words: str) -> None:
    await context.session.send_log_message("info", words, related_request_id=context.request_id)


async def _logging(context: Context, _: CallToolRequestParams) -> Answer:
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await _log(context, words)
        await asyncio.sleep(STEP_S)
    return "The tool logged three times."


async def _progressing(context: Context, _: CallToolRequestParams) -> Answer:
    for done in (0, 50, 100):
        await context.session.report_progress(done, 100, f"{done} of 100 done")
        await asyncio.sleep(STEP_S)
    return str((context.meta or {}).get("progress_token"))


async def _failing(_: Context, __: CallToolRequestParams) -> Answer:
    raise RuntimeError("This tool intentionally returns an error for testing")


async def _reconnecting(context: Context, _: CallToolRequestParams) -> Answer:
    await _log(context, "Before the stream closes")
    if context.close_sse_stream is not None:
        await context.close_sse_stream()
    await asyncio.sleep(RECONNECT_S)
    await _log(context, "After the client came back")
    return "The client came back."


async def _sampling(context: Context, params: CallToolRequestParams) -> Answer:
    words = str((params.arguments or {})["prompt"])
    said = await context.session.create_message(
        messages=[said_by_user(words)], max_tokens=100, related_request_id=context.request_id
    )
    return f"LLM response: {said.content.text if isinstance(said.content, TextContent) else ''}"


def _eliciting(message: str, schema: Schema) -> Run:
    async def run(context: Context, params: CallToolRequestParams) -> Answer:
        asked = str((params.arguments or {}).get("message", message))
        answer = await context.session.elicit_form(asked, schema, context.request_id)
        return f"User response: action={answer.action}, content={json.dumps(answer.content or {})}"

    return run


async def _needing_sampling(context: Context, _: CallToolRequestParams) -> Answer:
    declared = context.session.client_capabilities
    if declared is None or declared.sampling is None:
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="This tool needs the client's `sampling` capability.",
            data={"requiredCapabilities": {"sampling": {}}},
        )
    return "The client declared it."


async def _changing_tools(_: Context, __: CallToolRequestParams) -> Answer:
    await BUS.publish(ToolsListChanged())
    return "Said that the list of tools changed."


async def _changing_prompts(_: Context, __: CallToolRequestParams) -> Answer:
    await BUS.publish(PromptsListChanged())
    return "Said that the list of prompts changed."


async def _mirrored(_: Context, params: CallToolRequestParams) -> Answer:
    return f"region={(params.arguments or {}).get('region')}"


def _value(params: CallToolRequestParams, request: str, name: str) -> object:
    answer = (params.input_responses or {}).get(request)
    return answer.content.get(name) if isinstance(answer, ElicitResult) and answer.content else None


async def _ask_name(_: Context, params: CallToolRequestParams) -> Answer:
    name = _value(params, "user_name", "name")
    return f"Hello, {name}!" if name else asking(user_name=form("What is your name?", "name"))


async def _ask_model(_: Context, params: CallToolRequestParams) -> Answer:
    answer = (params.input_responses or {}).get("capital_question")
    if not isinstance(answer, CreateMessageResult) or not isinstance(answer.content, TextContent):
        return asking(capital_question=sample("What is the capital of France?"))
    return f"The model said: {answer.content.text}"


async def _ask_roots(_: Context, params: CallToolRequestParams) -> Answer:
    answer = (params.input_responses or {}).get("client_roots")
    if not isinstance(answer, ListRootsResult):
        return asking(client_roots=ListRootsRequest())
    return f"{len(answer.roots)} roots"


async def _keep_state(_: Context, params: CallToolRequestParams) -> Answer:
    if params.request_state == "kept" and _value(params, "confirm", "ok") is not None:
        return "state-ok"
    return asking("kept", confirm=form("Please confirm.", "ok", "boolean"))


async def _guard_state(_: Context, params: CallToolRequestParams) -> Answer:
    if params.request_state is None:
        return asking("guarded", confirm=form("Please confirm.", "ok", "boolean"))
    return f"state-ok: {params.request_state}"


async def _ask_all(_: Context, params: CallToolRequestParams) -> Answer:
    if {"user_name", "greeting", "client_roots"} <= set(params.input_responses or {}):
        return "All of it came."
    return asking(
        "all",
        user_name=form("What is your name?", "name"),
        greeting=sample("Write a greeting."),
        client_roots=ListRootsRequest(),
    )


async def _ask_twice(_: Context, params: CallToolRequestParams) -> Answer:
    state = json.loads(params.request_state) if params.request_state else {"round": 0}
    name = _value(params, "step1", "name")
    if state["round"] == 1 and name is not None:
        kept = json.dumps({"round": 2, "name": name})
        return asking(kept, step2=form("Step 2: what is your favourite colour?", "color"))
    color = _value(params, "step2", "color")
    if state["round"] == 2 and color is not None:
        return f"{state['name']} likes {color}."
    return asking(json.dumps({"round": 1}), step1=form("Step 1: what is your name?", "name"))


async def _ask_what_can_be_answered(context: Context, _: CallToolRequestParams) -> Answer:
    declared = context.session.client_capabilities
    requests: dict[str, InputRequest] = {}
    if declared is None or declared.sampling is not None:
        requests["sample"] = sample("Say hello.")
    if declared is None or declared.elicitation is not None:
        requests["ask"] = form("What is your name?", "name")
    return asking("gated", **requests)


_JSON = '{"test": "data", "value": 123}'
_REGION: Schema = {"type": "string", "description": "A region.", "x-mcp-header": "Region"}

FIXTURES: Mapping[str, Fixture] = {
    "test_simple_text": Fixture(run=_saying(text("This is a simple text response for testing."))),
    "test_image_content": Fixture(run=_saying(picture())),
    "test_audio_content": Fixture(run=_saying(sound())),
    "test_embedded_resource": Fixture(
        run=_saying(embedded("test://embedded-resource", "This is an embedded resource content."))
    ),
    "test_multiple_content_types": Fixture(
        run=_saying(
            text("Multiple content types test:"),
            picture(),
            embedded("test://mixed-content-resource", _JSON, "application/json"),
        )
    ),
    "test_tool_with_logging": Fixture(run=_logging),
    "test_tool_with_progress": Fixture(run=_progressing),
    "test_error_handling": Fixture(run=_failing),
    "test_reconnection": Fixture(run=_reconnecting),
    "test_sampling": Fixture(run=_sampling, schema=object_of(prompt=WORDS)),
    "test_elicitation": Fixture(
        run=_eliciting("Please answer.", object_of(response=WORDS)), schema=object_of(message=WORDS)
    ),
    "test_elicitation_sep1034_defaults": Fixture(run=_eliciting("Please fill this in.", DEFAULTS)),
    "test_elicitation_sep1330_enums": Fixture(run=_eliciting("Please choose.", CHOICES)),
    "json_schema_2020_12_tool": Fixture(run=_saying(text("ok")), schema=EVERY_KEYWORD),
    "test_missing_capability": Fixture(run=_needing_sampling),
    "test_trigger_tool_change": Fixture(run=_changing_tools),
    "test_trigger_prompt_change": Fixture(run=_changing_prompts),
    "test_x_mcp_header": Fixture(run=_mirrored, schema={"type": "object", "properties": {"region": _REGION}}),
    "test_input_required_result_elicitation": Fixture(run=_ask_name),
    "test_input_required_result_sampling": Fixture(run=_ask_model),
    "test_input_required_result_list_roots": Fixture(run=_ask_roots),
    "test_input_required_result_request_state": Fixture(run=_keep_state),
    "test_input_required_result_tampered_state": Fixture(run=_guard_state),
    "test_input_required_result_multiple_inputs": Fixture(run=_ask_all),
    "test_input_required_result_multi_round": Fixture(run=_ask_twice),
    "test_input_required_result_capabilities": Fixture(run=_ask_what_can_be_answered),
}


def listing() -> list[Tool]:
    """Return the suite's tools as tools/list tells them."""
    return [
        Tool(name=name, description=f"A fixture of the suite: {name}.", input_schema=fixture.schema)
        for name, fixture in FIXTURES.items()
    ]


async def call(context: Context, params: CallToolRequestParams) -> CallToolResult | InputRequiredResult:
    """Run one of the suite's tools; what it raises is an error answer, but for the protocol's own errors."""
    try:
        answer = await FIXTURES[params.name].run(context, params)
    except MCPError:
        raise
    except Exception as error:  # noqa: BLE001 - the suite asks for an error answer of any failure
        return CallToolResult(content=[text(str(error))], is_error=True)
    if isinstance(answer, InputRequiredResult):
        return answer
    blocks = (text(answer),) if isinstance(answer, str) else answer
    return CallToolResult(content=list(blocks))

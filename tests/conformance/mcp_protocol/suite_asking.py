"""Asking: the questions that the suite's tools put to a client, in both eras of the protocol."""

from typing import Any

from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequest,
    InputRequiredResult,
    SamplingMessage,
    TextContent,
)

Schema = dict[str, Any]


def object_of(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def form(message: str, name: str, kind: str = "string") -> ElicitRequest:
    """Ask a person for one value."""
    schema = object_of(**{name: {"type": kind}})
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def said_by_user(words: str) -> SamplingMessage:
    return SamplingMessage(role="user", content=TextContent(type="text", text=words))


def sample(words: str) -> CreateMessageRequest:
    """Ask the client's model."""
    params = CreateMessageRequestParams(messages=[said_by_user(words)], max_tokens=100)
    return CreateMessageRequest(params=params)


def asking(state: str | None = None, /, **requests: InputRequest) -> InputRequiredResult:
    """Return the question instead of an answer, as the revision of 2026-07-28 has it."""
    return InputRequiredResult(input_requests=requests, request_state=state)


DEFAULTS: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "A name.", "default": "John Doe"},
        "age": {"type": "integer", "description": "An age.", "default": 30},
        "score": {"type": "number", "description": "A score.", "default": 95.5},
        "status": {
            "type": "string",
            "description": "A status.",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": {"type": "boolean", "description": "Whether it was verified.", "default": True},
    },
    "required": [],
}
"""A form with a default of each primitive type (SEP-1034)."""


def _titled(**titles: str) -> list[Schema]:
    return [{"const": value, "title": title} for value, title in titles.items()]


CHOICES: Schema = object_of(
    untitledSingle={"type": "string", "enum": ["option1", "option2", "option3"]},
    titledSingle={"type": "string", "oneOf": _titled(value1="First", value2="Second", value3="Third")},
    legacyEnum={
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    untitledMulti={"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
    titledMulti={
        "type": "array",
        "items": {"anyOf": _titled(value1="First", value2="Second", value3="Third")},
    },
)
"""A form with each way of writing a choice (SEP-1330)."""

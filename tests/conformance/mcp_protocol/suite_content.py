"""Content: the texts, pictures, resources and prompts that the protocol's conformance suite asks for."""

import base64
import json

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    AudioContent,
    BlobResourceContents,
    ContentBlock,
    ElicitResult,
    EmbeddedResource,
    GetPromptRequestParams,
    GetPromptResult,
    ImageContent,
    InputRequiredResult,
    Prompt,
    PromptArgument,
    PromptMessage,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
)

from tests.conformance.mcp_protocol.suite_asking import asking, form

# One red pixel, and a sound of no length.
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
SOUND = base64.b64encode(
    b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00@\x1f\x00\x00\x80>\x00\x00\x02\x00\x10\x00"
    b"data\x00\x00\x00\x00"
).decode("ascii")


def text(words: str) -> TextContent:
    return TextContent(type="text", text=words)


def picture() -> ImageContent:
    return ImageContent(type="image", data=PICTURE, mime_type="image/png")


def sound() -> AudioContent:
    return AudioContent(type="audio", data=SOUND, mime_type="audio/wav")


def embedded(uri: str, words: str, mime_type: str = "text/plain") -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type=mime_type, text=words)
    return EmbeddedResource(type="resource", resource=contents)


RESOURCES = (
    Resource(uri="test://static-text", name="static text", mime_type="text/plain"),
    Resource(uri="test://static-binary", name="static picture", mime_type="image/png"),
    Resource(uri="test://watched-resource", name="watched text", mime_type="text/plain"),
)
TEMPLATES = (
    ResourceTemplate(uri_template="test://template/{id}/data", name="data", mime_type="application/json"),
)


def read(uri: str) -> ReadResourceResult:
    """Return the contents of one of the suite's resources."""
    if uri == "test://static-binary":
        blob = BlobResourceContents(uri=uri, mime_type="image/png", blob=PICTURE)
        return ReadResourceResult(contents=[blob])
    found = {
        "test://static-text": "This is the content of the static text resource.",
        "test://watched-resource": "Watched resource content",
    }.get(uri)
    mime_type = "text/plain"
    if uri.startswith("test://template/") and uri.endswith("/data"):
        given = uri.removeprefix("test://template/").removesuffix("/data")
        found = json.dumps({"id": given, "templateTest": True, "data": f"Data for ID: {given}"})
        mime_type = "application/json"
    if found is None:
        raise MCPError(code=INVALID_PARAMS, message="Resource not found.", data={"uri": uri})
    contents = TextResourceContents(uri=uri, mime_type=mime_type, text=found)
    return ReadResourceResult(contents=[contents])


def _argument(name: str) -> PromptArgument:
    return PromptArgument(name=name, description="A word of the suite's.", required=True)


PROMPTS = (
    Prompt(name="test_simple_prompt", description="A prompt without arguments."),
    Prompt(
        name="test_prompt_with_arguments",
        description="A prompt of two arguments.",
        arguments=[_argument("arg1"), _argument("arg2")],
    ),
    Prompt(
        name="test_prompt_with_embedded_resource",
        description="A prompt with a resource in it.",
        arguments=[_argument("resourceUri")],
    ),
    Prompt(name="test_prompt_with_image", description="A prompt with a picture in it."),
    Prompt(name="test_input_required_result_prompt", description="A prompt that asks back first."),
)


def prompt(params: GetPromptRequestParams) -> GetPromptResult | InputRequiredResult:
    """Return one of the suite's prompts, or the question that stands before it."""
    given = params.arguments or {}
    if params.name == "test_input_required_result_prompt":
        answer = (params.input_responses or {}).get("user_context")
        if not isinstance(answer, ElicitResult) or not answer.content:
            return asking(user_context=form("Which context is meant?", "context"))
        return _said(text(f"Use this context: {answer.content.get('context')}"))
    blocks: dict[str, tuple[ContentBlock, ...]] = {
        "test_simple_prompt": (text("This is a simple prompt for testing."),),
        "test_prompt_with_arguments": (
            text(f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'"),
        ),
        "test_prompt_with_embedded_resource": (
            embedded(given.get("resourceUri", "test://none"), "Embedded resource content for testing."),
            text("Please process the embedded resource above."),
        ),
        "test_prompt_with_image": (picture(), text("Please analyze the image above.")),
    }
    if params.name not in blocks:
        raise MCPError(code=INVALID_PARAMS, message="Unknown prompt.")
    return _said(*blocks[params.name])


def _said(*blocks: ContentBlock) -> GetPromptResult:
    return GetPromptResult(messages=[PromptMessage(role="user", content=block) for block in blocks])

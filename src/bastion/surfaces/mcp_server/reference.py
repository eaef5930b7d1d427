"""Reference: the MCP reference page, made from what the server publishes; this module prints it."""

import sys
from collections.abc import Iterable, Mapping

from bastion.surfaces.mcp_server.parameters import Choice, Flag, Names, Number, Parameter, Text
from bastion.surfaces.mcp_server.prompts import PROMPTS
from bastion.surfaces.mcp_server.resources import EXIT_TEMPLATE, RESOURCES
from bastion.surfaces.mcp_server.shapes import Schema
from bastion.surfaces.mcp_server.tool import Tool, Toolset
from bastion.surfaces.mcp_server.tools import TOOLS

_HEAD = """# MCP reference

This page is made from the code: `python -m bastion.surfaces.mcp_server.reference` prints it.

bastion speaks the Model Context Protocol, revision 2026-07-28, and older revisions from the same
endpoints.

| transport | start | where | key |
|---|---|---|---|
| stdio | `bastion mcp` | the client starts it | `BASTION_API_KEY` in its environment, or `api_key` |
| Streamable HTTP | `bastion up` | `http://127.0.0.1:8737/mcp/stream` | header, `api_key`, or `?api_key=` |
| HTTP+SSE (older clients) | `bastion up` | `http://127.0.0.1:8737/mcp/sse` | header or `api_key` |

The servers listen on 127.0.0.1 and on a socket of the own user, and refuse a `Host` (421) or `Origin`
(403) that is not loopback's. On start, both take up an exit that a dead process left without a verdict.
The exit belongs to the server: a client that disconnects, or is closed, stops nothing.

Where a `bastion up` of the same user works with the same files, `bastion mcp` hands each call to it and opens
no desk of its own; keys, `--tools` and answers are the same either way. Where the daemon cannot be reached,
at the start or later, the server goes on alone. A read, and what only stops, is then done again; another call
that the daemon left without an answer is an error that says so, and is not repeated.

## Keys

`bastion keys create --scope trade` makes a key. `engine` contains `trade`, `trade` contains `read`. A key
can come as the argument `api_key`, as `Authorization: Bearer bst_...`, as `X-API-Key: bst_...`, in the
query of `/mcp/stream`, or, over stdio, in `BASTION_API_KEY`. Prefer a header or the environment: an
argument lands in transcripts, and the answer's `warnings` then say so. If several keys come, all must be
good and belong to one principal; otherwise the call is refused. bastion writes no access log, and takes a
key out of the query before anything else sees it. By the own user's socket (`bastion.sock` in the state
directory) no key is needed.

A key asks as often as its tier allows. Over HTTP, the answers tell the limit in `X-RateLimit-Limit`,
`X-RateLimit-Remaining` and `X-RateLimit-Reset`. A call too many is the error `RATE_LIMITED` with
`retry_after`, and the header `Retry-After`; a connection that shows too many bad keys gets status 429.
A key holds at most 50 sessions of the Streamable HTTP form and 20 streams of the older one at a time, all
keys together 200 of each; without a key there are 200 sessions and 50 streams. One more is refused with 429.
What stops (exit, kill switch, halt, disarm) has a bucket of its own and is never refused for its number.

## Toolsets

`--tools` of `bastion mcp` and `bastion up` takes a list with commas; without it, all are offered.
"""

_FOOT = """## Answers and errors

The text block is bare JSON, and `structuredContent` holds the same. Every field of an answer is always
there; what is not known is null. Arguments that a tool does not know are refused, and nothing is done. An
error has `isError: true`, no `structuredContent`, and this text:

```json
{"error": {"code": "SCOPE_DENIED", "message": "..."}}
```

| code | when |
|---|---|
| `AUTH_REQUIRED` | the key is missing, malformed, unknown, revoked or expired, or keys disagree |
| `SCOPE_DENIED` | the key's scope is too weak, or it may only stop; the message names what is needed |
| `RATE_LIMITED` | over the rate limit; `retry_after` in seconds |
| `INVALID_ARGUMENT` | an argument is unknown, missing or does not fit, or names nothing that exists |
| `INVALID_SYMBOL` | no connected exchange lists the symbol |
| `POSITION_NOT_FOUND` | nothing of that symbol is open |
| `WRONG_SIDE` | a stop or a take profit would fire at once |
| `ENGINE_NOT_RUNNING` | the engine must be started first |
| `CONFIRMATION_REQUIRED` | `confirm` was given, and was false |
| `CONFLICT` | it contradicts the present state, such as arming while the latch is tripped |
| `EXCHANGE_ERROR` | an exchange failed; `retry_after` (seconds) where waiting helps |
| `INTERNAL` | bastion failed; the log on standard error says why |

A failure of one position or one exchange during an exit is not an error of the call: it stands in
`errors[]`, `residual[]` and `unread[]`, the rest is closed, `success` tells the truth, `next_step` says
what a person does now and `next_tool` what an assistant calls.

## In a server of your own

`bastion.mcp.mount(server)` adds the exit, its preview, its status and the positions to any server of the
official Python SDK, high-level or low-level. The calls go to `bastion up` by the own user's socket; no
schema takes a key.

## What is not here

Adding an exchange or its credentials, making or changing bastion keys, and lifting the latch after an exit
are done by a person in a terminal; asked for them, an assistant gives the command.
"""


def page() -> str:
    """Return the whole page."""
    parts = [
        _HEAD,
        *_toolsets(),
        "## Tools\n",
        *(_tool(tool) for tool in TOOLS),
        _resources(),
        _prompts(),
        _FOOT,
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _toolsets() -> Iterable[str]:
    rows = [
        f"| `{toolset.value}` | {', '.join(f'`{tool.name}`' for tool in TOOLS if toolset in tool.toolsets)} |"
        for toolset in Toolset
    ]
    return ("\n".join(["| toolset | tools |", "|---|---|", *rows]),)


def _tool(tool: Tool) -> str:
    effect = "changes nothing" if tool.act.reads else "destructive" if tool.destructive else "changes state"
    lines = [f"### `{tool.name}` (scope `{tool.act.scope.word}`, {effect})", "", tool.description, ""]
    if tool.parameters:
        lines += ["| argument | type | default | meaning |", "|---|---|---|---|"]
        lines += [_argument(name, parameter) for name, parameter in tool.parameters.items()]
        lines.append("")
    lines += ["| field | type | meaning |", "|---|---|---|", *_fields(tool.answer)]
    return "\n".join([*lines, ""])


def _argument(name: str, parameter: Parameter) -> str:
    default = getattr(parameter, "default", None)
    told = "required" if parameter.required else "none" if default is None else f"`{str(default).lower()}`"
    return f"| `{name}` | {_type_of(parameter)} | {told} | {parameter.description} |"


def _type_of(parameter: Parameter) -> str:
    match parameter:
        case Text():
            return f"text, at most {parameter.length_max} characters"
        case Choice():
            return " or ".join(f"`{word}`" for word in parameter.words)
        case Names():
            return "list of names"
        case Number():
            kind = "whole number" if parameter.whole else "number"
            return f"{kind}, {parameter.minimum} to {parameter.maximum}"
        case Flag():
            return "true or false"


def _fields(schema: Schema) -> Iterable[str]:
    for name, shape in schema["properties"].items():
        yield f"| `{name}` | {_shape(shape)} | {shape.get('description', '')} |"


def _shape(shape: Mapping[str, object]) -> str:
    options = shape.get("anyOf")
    if isinstance(options, list):
        return " or ".join(_shape(option) for option in options)
    words = shape.get("enum")
    if isinstance(words, list):
        return ", ".join(f"`{word}`" for word in words)
    items, properties = shape.get("items"), shape.get("properties")
    if isinstance(items, dict):
        return f"list of {_shape(items)}"
    if isinstance(properties, dict):
        return "{ " + ", ".join(f"`{name}`" for name in properties) + " }"
    return str(shape.get("type", "any"))


def _resources() -> str:
    rows = [f"| `{one.uri}` | {one.description} |" for one in RESOURCES]
    rows.append(f"| `{EXIT_TEMPLATE.uri_template}` | How the exit of that id stands. |")
    note = "For clients whose key comes by header, query or environment; scope `read`."
    return "\n".join(["## Resources", "", note, "", "| address | content |", "|---|---|", *rows, ""])


def _prompts() -> str:
    rows = [
        f"| `{one.name}` | {', '.join(f'`{given.name}`' for given in one.arguments)} | {one.description} |"
        for one in PROMPTS
    ]
    return "\n".join(["## Prompts", "", "| prompt | arguments | what for |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    sys.stdout.write(page())

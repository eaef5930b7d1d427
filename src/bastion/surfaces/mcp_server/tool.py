"""Tool: one thing that a client can call: what is published of it, and what it does once that was checked."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from mcp_types import Tool as ToolListing
from mcp_types import ToolAnnotations

from bastion import commands
from bastion.domain.act import Act
from bastion.domain.principal import Principal
from bastion.shape import dataclass
from bastion.surfaces.mcp_server.parameters import Parameters, Text, Value, input_schema
from bastion.surfaces.mcp_server.progress import Progress
from bastion.surfaces.mcp_server.shapes import Schema, described, schema_of

API_KEY = Text(
    description=(
        "A bastion key (`bst_...`) of sufficient scope. Leave it empty when the client was configured with a "
        "key (a header, or the environment variable BASTION_API_KEY): what stands here lands in transcripts."
    ),
    length_max=200,
)
WARNINGS: Schema = {
    "type": "array",
    "items": {"type": "string"},
    "description": "What the user should know or mend; not an error.",
}
NEXT_TOOL: Schema = {
    "anyOf": [
        {
            "type": "object",
            "properties": {"name": {"type": "string"}, "arguments": {"type": "object"}},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        },
        {"type": "null"},
    ],
    "description": "The tool to call next and its arguments; null when nothing is left to do.",
}


class Toolset(StrEnum):
    """What a server can offer; `--tools` names some of them."""

    EXIT = "exit"
    PORTFOLIO = "portfolio"
    TRADING = "trading"
    ENGINE = "engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, its key and its arguments checked."""

    desk: commands.Desk
    principal: Principal
    arguments: Mapping[str, Value]
    progress: Progress

    def text(self, name: str) -> str | None:
        """Return an optional text argument."""
        value = self.arguments.get(name)
        return None if value is None else str(value)

    def flag(self, name: str) -> bool:
        """Return whether an optional flag was given as true."""
        return bool(self.arguments.get(name, False))

    def whole(self, name: str, default: int) -> int:
        """Return an optional whole number."""
        return int(str(self.arguments.get(name, default)))

    def number(self, name: str) -> Decimal:
        """Return a number that was given, as it was written: through its text, so that 0.1 stays 0.1.

        Raises:
            KeyError: it was not given.
        """
        return Decimal(str(self.arguments[name]))


Run = Callable[[Call], Awaitable[object]]
NextTool = Callable[[Any, commands.Desk], Mapping[str, object] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool. `act` is what its verb does: scope, hints and the bucket of requests follow from it.

    `report` is the class of its verb's answer. `next_tool` is given where an answer names the tool to call
    next. A tool can belong to several toolsets.
    """

    name: str
    title: str
    description: str
    act: Act
    toolsets: frozenset[Toolset]
    parameters: Parameters
    report: type
    run: Run
    notes: Mapping[str, str] = field(default_factory=dict)
    schema: Schema | None = None
    next_tool: NextTool | None = None
    destructive: bool = False
    idempotent: bool = True
    open_world: bool = True

    @property
    def answer(self) -> Schema:
        """The schema of the answer: the report's own fields and what this surface adds to them."""
        more: Schema = {"next_tool": NEXT_TOOL} if self.next_tool is not None else {}
        more["warnings"] = WARNINGS
        own = schema_of(self.report, notes=self.notes, more=more)
        return own if self.schema is None else described(own, self.schema)

    def listing(self, *, keyless: bool = False) -> ToolListing:
        """Return what tools/list says of this tool; all four hints are set, and true.

        With `keyless`, the schema takes no key: the server that lists it has another way to know who asks.
        """
        parameters = self.parameters if keyless else {"api_key": API_KEY, **self.parameters}
        return ToolListing(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=input_schema(parameters),
            output_schema=self.answer,
            annotations=ToolAnnotations(
                title=self.title,
                read_only_hint=self.act.reads,
                destructive_hint=self.destructive,
                idempotent_hint=self.idempotent,
                open_world_hint=self.open_world,
            ),
        )

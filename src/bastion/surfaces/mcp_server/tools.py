"""Tools: the names, words, parameters and answers that the server publishes, and the verbs behind them.

All text here is fixed: nothing that came from an exchange or a user ever stands in a description.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from mcp_types import Tool as ToolListing
from mcp_types import ToolAnnotations

from bastion import commands
from bastion.domain.principal import Principal
from bastion.surfaces.mcp_server.answers import answer_of
from bastion.surfaces.mcp_server.parameters import Number, Parameters, Text, Value, input_schema
from bastion.surfaces.mcp_server.progress import Progress
from bastion.surfaces.mcp_server.schemas import POSITIONS, Schema, portable
from bastion.surfaces.mcp_server.watch import exit_and_watch
from bastion.surfaces.schemas import exit_schema

Arguments = Mapping[str, Value]
Run = Callable[[commands.Desk, Principal, Arguments, Progress], Awaitable[dict[str, object]]]

_EXIT: Schema = portable(exit_schema())

_API_KEY = Text(
    description=(
        "A bastion key (`bst_...`) of sufficient scope. Leave it out where the client was configured "
        "with the key (a header, or the environment variable BASTION_API_KEY): what stands here lands in "
        "transcripts."
    ),
    length_max=200,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool: what is published of it, and what it does once key and arguments have been checked."""

    name: str
    title: str
    description: str
    parameters: Parameters
    answer: Schema
    read_only: bool
    open_world: bool
    run: Run

    def listing(self) -> ToolListing:
        """Return what tools/list says of this tool; all four hints are set, and true."""
        return ToolListing(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=input_schema(self.parameters),
            output_schema=self.answer,
            annotations=ToolAnnotations(
                title=self.title,
                read_only_hint=self.read_only,
                destructive_hint=not self.read_only,
                # A repeated exit joins the running one or finds nothing to do; reads change nothing.
                idempotent_hint=True,
                open_world_hint=self.open_world,
            ),
        )


async def _emergency_exit(
    desk: commands.Desk, principal: Principal, arguments: Arguments, progress: Progress
) -> dict[str, object]:
    reason = arguments.get("reason")
    deadline_s = arguments.get("deadline_s")
    report = await exit_and_watch(
        desk,
        principal,
        reason=None if reason is None else str(reason),
        # Through its text, so that 0.1 stays 0.1.
        deadline_s=None if deadline_s is None else Decimal(str(deadline_s)),
        progress=progress,
    )
    return answer_of(report)


async def _positions(
    desk: commands.Desk, principal: Principal, _: Arguments, __: Progress
) -> dict[str, object]:
    return answer_of(await commands.positions(desk, principal))


async def _exit_status(
    desk: commands.Desk, principal: Principal, arguments: Arguments, _: Progress
) -> dict[str, object]:
    return answer_of(await commands.exit_status(desk, principal, str(arguments["exit_id"])))


TOOLS: tuple[Tool, ...] = (
    Tool(
        name="bastion_emergency_exit",
        title="Emergency exit: close everything now",
        description=(
            "Closes ALL open positions and cancels all working orders on ALL connected exchanges at "
            "market price, winners and losers alike; this is final and cannot be undone, the read-only "
            "sibling `bastion_get_positions` shows first what would be closed, and a key with the "
            "`trade` scope is needed. Use it only when the user wants to be out of everything at once: a "
            "crash, an exchange in trouble, a loss limit reached, going offline, a margin call. Do not "
            "use it to close a single position, to take profit, or to look. Only reduce-only orders are "
            "sent, so it cannot open or grow a position. Calling it again while an exit runs joins that "
            "exit; when nothing is open it changes nothing. It answers within 25 seconds, once every "
            "exchange has been read as flat twice or the deadline has passed; if the exit still runs, "
            "the answer has the state EXITING and an `exit_id` for `bastion_exit_status`, and the exit "
            "goes on even if the client goes away. Tell the user the `summary`. Only `success: true` "
            "means flat; otherwise follow `next_step`. It does not keep other programs from opening new "
            "positions afterwards."
        ),
        parameters={
            "api_key": _API_KEY,
            "reason": Text(
                description="Why the user exits, in their words; kept with the record of the exit. Optional.",
                length_max=300,
            ),
            "deadline_s": Number(
                description=(
                    "Seconds after which the exit is judged at the latest. What is still open then is "
                    "named in the verdict. Leave it out unless the user asks for another deadline."
                ),
                minimum=1,
                maximum=3600,
                default=60,
            ),
        },
        answer=_EXIT,
        read_only=False,
        open_world=True,
        run=_emergency_exit,
    ),
    Tool(
        name="bastion_get_positions",
        title="Open positions",
        description=(
            "Lists every open position on every connected exchange as the exchanges report it now; it "
            "changes nothing and needs a key with the `read` scope. Use it to see what is open, also "
            "before `bastion_emergency_exit`, which closes all of it. `size_usd` is the margin of a "
            "position, `notional_usd` its full size. A figure that an exchange did not give is null. "
            "What could not be read is listed in `unread`: then an empty list does not mean flat."
        ),
        parameters={"api_key": _API_KEY},
        answer=POSITIONS,
        read_only=True,
        open_world=True,
        run=_positions,
    ),
    Tool(
        name="bastion_exit_status",
        title="State of an exit",
        description=(
            "Tells how an emergency exit stands, with the same fields as `bastion_emergency_exit` "
            "answers; it changes nothing and needs a key with the `read` scope. Use it after an answer "
            "with the state EXITING, or after a lost connection, until `verdict` is set. It starts no "
            "exit: that is `bastion_emergency_exit`. For what is open now use `bastion_get_positions`."
        ),
        parameters={
            "api_key": _API_KEY,
            "exit_id": Text(
                description="The `exit_id` of an exit, for example `x3kq7z2m5p4ab`.",
                length_max=40,
                required=True,
            ),
        },
        answer=_EXIT,
        read_only=True,
        open_world=False,
        run=_exit_status,
    ),
)

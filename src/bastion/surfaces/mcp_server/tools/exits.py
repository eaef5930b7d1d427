"""Exits: the tools that get out, and those that tell how it stands."""

from collections.abc import Mapping
from decimal import Decimal

from bastion import commands
from bastion.domain.act import Act
from bastion.exits.report import ExitReport
from bastion.surfaces.mcp_server.parameters import Number, Parameters, Text
from bastion.surfaces.mcp_server.tool import Call, Tool, Toolset
from bastion.surfaces.mcp_server.watch import ANSWER_S, watched
from bastion.surfaces.schemas import exit_schema

EXIT = frozenset({Toolset.EXIT})

REASON = Text(
    description="Why the user wants it, in their words; kept with the record of it. Optional.", length_max=300
)
EXIT_ID = Text(
    description="The `exit_id` of an exit, for example `x3kq7z2m5p4ab`.", length_max=40, required=True
)
DEADLINE: Parameters = {
    "reason": REASON,
    "deadline_s": Number(
        description=(
            "Seconds after which the exit is judged at the latest. What is still open then is named in the "
            "verdict. Leave it out unless the user asks for another deadline."
        ),
        minimum=1,
        maximum=3600,
        default=60,
    ),
}


def next_of_exit(report: ExitReport, _: commands.Desk) -> Mapping[str, object] | None:
    """Return the tool that goes on after an exit's answer; None once it is flat and over."""
    if report.verdict is not None and not report.success and report.state.value == "done":
        return {"name": "bastion_emergency_exit", "arguments": {}}
    if report.success and report.state.value == "done":
        return None
    return {"name": "bastion_exit_status", "arguments": {"exit_id": report.exit_id}}


async def _emergency_exit(call: Call) -> ExitReport:
    deadline_s = call.arguments.get("deadline_s")
    return await watched(
        call.desk,
        call.progress,
        lambda: commands.emergency_exit(
            call.desk,
            call.principal,
            reason=call.text("reason"),
            # Through its text, so that 0.1 stays 0.1.
            deadline_s=None if deadline_s is None else Decimal(str(deadline_s)),
            wait_s=ANSWER_S,
        ),
    )


async def _exit_status(call: Call) -> ExitReport:
    return await commands.exit_status(call.desk, call.principal, str(call.arguments["exit_id"]))


EMERGENCY_EXIT = Tool(
    name="bastion_emergency_exit",
    title="Emergency exit: close everything now",
    description=(
        "Closes ALL open positions and cancels all working orders on ALL connected exchanges at market "
        "price, winners and losers alike; this is final and cannot be undone, the read-only sibling "
        "`bastion_get_positions` shows first what would be closed, and a key with the `trade` scope is "
        "needed. Use it only when the user wants to be out of everything at once: a crash, an exchange in "
        "trouble, a loss limit reached, going offline, a margin call. Do not use it to close a single "
        "position, to take profit, or to look. Only reduce-only orders are sent, so it cannot open or grow a "
        "position. Calling it again while an exit runs joins that exit; when nothing is open it changes "
        "nothing. It answers within 25 seconds, once every exchange has been read as flat twice or the "
        "deadline has passed; if the exit still runs, the answer has the state EXITING and an `exit_id` for "
        "`bastion_exit_status`, and the exit goes on even if the client goes away. Tell the user the "
        "`summary`. Only `success: true` means flat; otherwise follow `next_step`. It does not keep other "
        "programs from opening new positions afterwards."
    ),
    act=Act.EXIT,
    toolsets=EXIT,
    parameters=DEADLINE,
    report=ExitReport,
    schema=exit_schema(),
    run=_emergency_exit,
    next_tool=next_of_exit,
    destructive=True,
)

EXIT_STATUS = Tool(
    name="bastion_exit_status",
    title="State of an exit",
    description=(
        "Tells how an emergency exit stands, with the same fields as `bastion_emergency_exit` answers; it "
        "changes nothing and needs a key with the `read` scope. Use it after an answer with the state "
        "EXITING, or after a lost connection, until `verdict` is set. It starts no exit: that is "
        "`bastion_emergency_exit`. For what is open now use `bastion_get_positions`."
    ),
    act=Act.EXIT_STATUS,
    toolsets=EXIT,
    parameters={"exit_id": EXIT_ID},
    report=ExitReport,
    schema=exit_schema(),
    run=_exit_status,
    next_tool=next_of_exit,
    open_world=False,
)

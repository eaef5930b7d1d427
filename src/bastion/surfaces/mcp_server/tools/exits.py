"""Exits: the tools that get out, and those that tell how it stands."""

from collections.abc import Mapping

from bastion import commands
from bastion.commands.engine_telling import KillSwitchReport
from bastion.commands.preview_telling import PreviewAction, PreviewReport
from bastion.domain.act import Act
from bastion.domain.mandate import ExitKind
from bastion.domain.verdict import ExitState
from bastion.exits.act_telling import HaltReport
from bastion.exits.report import ExitReport
from bastion.shape import dataclass
from bastion.surfaces.mcp_server.parameters import Choice, Flag, Number, Parameter, Text
from bastion.surfaces.mcp_server.selecting import EVERYWHERE, selection_of
from bastion.surfaces.mcp_server.tool import Call, Tool, Toolset
from bastion.surfaces.mcp_server.watch import ANSWER_S, watched
from bastion.surfaces.schemas import exit_schema, plain

EXIT = frozenset({Toolset.EXIT})

REASON = Text(
    description="Why the user wants it, in their words; kept with the record of it. Optional.", length_max=300
)
EXIT_ID = Text(
    description="The `exit_id` of an exit, for example `x3kq7z2m5p4ab`.", length_max=40, required=True
)
DEADLINE: dict[str, Parameter] = {
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


def next_of_act(report: object, _: commands.Desk) -> Mapping[str, object] | None:
    """Return the tool that goes on after an act that an exit carries out; None once it succeeded."""
    if getattr(report, "success", False):
        return None
    exit_id, state = getattr(report, "exit_id", None), getattr(report, "state", None)
    if exit_id is not None and state is ExitState.EXITING:
        return {"name": "bastion_exit_status", "arguments": {"exit_id": exit_id}}
    return {"name": "bastion_get_positions", "arguments": {}}


def next_of_exit(report: ExitReport, desk: commands.Desk) -> Mapping[str, object] | None:
    """Return the tool that goes on after an exit's answer; None once it is flat, over and disarmed."""
    if report.success and desk.engine is not None and desk.engine.standing().armed:
        # An exit does not disarm: what is armed may act on what is opened next.
        return {"name": "bastion_engine_disarm", "arguments": {}}
    if report.state is not ExitState.DONE:
        return {"name": "bastion_exit_status", "arguments": {"exit_id": report.exit_id}}
    if report.success:
        return None
    part = report.kind is not ExitKind.EXIT or any(plain(report.selection).values())
    # Who asked for a part must not be led to close everything.
    return {"name": "bastion_get_positions" if part else "bastion_emergency_exit", "arguments": {}}


async def _emergency_exit(call: Call) -> ExitReport:
    return await watched(
        call.desk,
        call.progress,
        lambda: commands.emergency_exit(
            call.desk,
            call.principal,
            selection=selection_of(call.arguments),
            reason=call.text("reason"),
            deadline_s=call.number("deadline_s") if "deadline_s" in call.arguments else None,
            wait_s=ANSWER_S,
        ),
    )


async def _kill_switch(call: Call) -> KillSwitchReport:
    return await watched(
        call.desk,
        call.progress,
        lambda: commands.kill_switch(call.desk, call.principal, reason=call.text("reason"), wait_s=ANSWER_S),
    )


async def _halt(call: Call) -> HaltReport:
    return await watched(
        call.desk,
        call.progress,
        lambda: commands.halt(
            call.desk,
            call.principal,
            selection=selection_of(call.arguments),
            stops_too=call.flag("stops_too"),
            reason=call.text("reason"),
            wait_s=ANSWER_S,
        ),
    )


async def _halt_status(call: Call) -> HaltReport:
    return await commands.halt_status(call.desk, call.principal, str(call.arguments["halt_id"]))


def _next_of_halt(report: HaltReport, _: commands.Desk) -> Mapping[str, object] | None:
    if report.success:
        return None
    if report.verdict is None:
        return {"name": "bastion_halt_status", "arguments": {"halt_id": report.halt_id}}
    # Asked for again, the same halt cancels what is left; nobody is led from a part to all.
    asked = {name: list(words) for name, words in plain(report.selection).items() if words}
    sides = asked.pop("sides", [])
    if len(sides) == 1:
        asked["side"] = sides[0]
    stops = {"stops_too": True} if report.stops_too else {}
    return {"name": "bastion_halt", "arguments": {**asked, **stops}}


async def _preview(call: Call) -> PreviewReport:
    exit_pct = call.arguments.get("exit_pct")
    return await commands.preview(
        call.desk,
        call.principal,
        selection=selection_of(call.arguments),
        action=call.text("action") or PreviewAction.EXIT.value,
        symbol=call.text("symbol"),
        exit_pct=None if exit_pct is None else int(str(exit_pct)),
        net=call.flag("net"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateTold:
    """A certificate without its document: an answer's texts are trimmed, and a signed one must not be."""

    summary: str
    exit_id: str
    verdict: str
    fingerprint: str
    head: str


async def _certificate(call: Call) -> CertificateTold:
    told = await commands.certificate(call.desk, call.principal, str(call.arguments["exit_id"]))
    return CertificateTold(
        summary=told.summary,
        exit_id=told.exit_id,
        verdict=told.verdict,
        fingerprint=told.fingerprint,
        head=told.head,
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
    parameters={**DEADLINE, **EVERYWHERE},
    report=ExitReport,
    schema=exit_schema(),
    run=_emergency_exit,
    next_tool=next_of_exit,
    destructive=True,
)

KILL_SWITCH = Tool(
    name="bastion_kill_switch",
    title="Kill switch: disarm and close everything",
    description=(
        "Disarms the engine, then closes ALL open positions and cancels all working orders on ALL connected "
        "exchanges at market price, and records what the market was; this is final and cannot be undone, "
        "and a key with the `trade` scope is needed. Use it instead of `bastion_emergency_exit` when nothing "
        "automatic may act afterwards either: the engine itself went wrong, or the user leaves for good. "
        "`bastion_emergency_exit` does not disarm; `bastion_engine_disarm` does not close; `bastion_halt` "
        "cancels orders and leaves the positions. Calling it while an exit runs disarms and joins that "
        "exit. It answers as `bastion_emergency_exit` does, within 25 seconds, and goes on without the "
        "client: only `success: true` means flat; otherwise follow `next_step`."
    ),
    act=Act.KILL_SWITCH,
    toolsets=EXIT,
    parameters={"reason": REASON},
    report=KillSwitchReport,
    schema=exit_schema(),
    run=_kill_switch,
    next_tool=next_of_exit,
    destructive=True,
)

EXIT_STATUS = Tool(
    name="bastion_exit_status",
    title="State of an exit",
    description=(
        "Tells how an emergency exit stands, with the same fields as `bastion_emergency_exit` answers; it "
        "changes nothing and needs a key with the `read` scope. Use it after an answer with the state "
        "EXITING, or after a lost connection, until `verdict` is set. Of a partial close or flatten-winners "
        "the verdict is REDUCED or CLOSED, never FLAT: the rest stays open. It starts no exit: that is "
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

PREVIEW = Tool(
    name="bastion_preview",
    title="What would be sent",
    description=(
        "Shows what an exit, a flatten-winners or a partial close would send now for each position, and "
        "what it is estimated to cost by the live order books; it sends nothing, changes nothing and needs "
        "a key with the `read` scope. Use it when the user asks what an exit would do or cost, or whether "
        "anything would hinder it. In an emergency do not wait for it: call `bastion_emergency_exit`. The "
        "figures are estimates and the market moves on; where a book does not hold the size, there is no "
        "estimate. What could not be read is in `unread`."
    ),
    act=Act.PREVIEW,
    toolsets=EXIT | {Toolset.TRADING},
    parameters={
        "action": Choice(
            description="Which action to look at: everything, what is in profit, or a part of one symbol.",
            words=tuple(action.value for action in PreviewAction),
            default=PreviewAction.EXIT.value,
        ),
        "symbol": Text(
            description="The symbol of a partial close, such as `BTCUSDT`; for the others it is left out.",
            length_max=40,
        ),
        "exit_pct": Number(
            description="The share of a partial close, in percent; 50 if left out.",
            minimum=1,
            maximum=100,
            whole=True,
        ),
        "net": Flag(
            description="For flatten_winners: profit after fees, funding and the estimated slippage."
        ),
        **EVERYWHERE,
    },
    report=PreviewReport,
    run=_preview,
)


HALT = Tool(
    name="bastion_halt",
    title="Halt: cancel every working order",
    description=(
        "Cancels every working order on ALL connected exchanges and blocks what bastion itself would open; "
        "positions stay open, and so do the stops that protect them unless `stops_too` is set; cancelled "
        "orders do not come back, and a key with the `trade` scope is needed. Use it to stop trading "
        "without closing: a bot runs wild, or no new position may be filled. It closes nothing: "
        "`bastion_emergency_exit` does, `bastion_kill_switch` also disarms the engine. Calling it again "
        "cancels what is new. Only a person lifts the block, with `bastion reset ID` in a terminal. It "
        "cannot keep other programs from placing new orders at the exchange."
    ),
    act=Act.HALT,
    toolsets=EXIT,
    parameters={
        "stops_too": Flag(
            description="Cancel protective stops as well; the positions are then without protection."
        ),
        "reason": REASON,
        **EVERYWHERE,
    },
    report=HaltReport,
    run=_halt,
    next_tool=_next_of_halt,
    destructive=True,
)

HALT_STATUS = Tool(
    name="bastion_halt_status",
    title="State of a halt",
    description=(
        "Tells how a halt stands, with the same fields as `bastion_halt` answers; it changes nothing and "
        "needs a key with the `read` scope. Use it after a halt whose `verdict` is null, or after a lost "
        "connection, until `verdict` is set: HALTED, NOT_HALTED or UNKNOWN. It cancels nothing: that is "
        "`bastion_halt`. For an exit, a partial close or flatten-winners use `bastion_exit_status`."
    ),
    act=Act.EXIT_STATUS,
    toolsets=EXIT,
    parameters={
        "halt_id": Text(
            description="The `halt_id` of a halt, for example `x3kq7z2m5p4ab`.", length_max=40, required=True
        )
    },
    report=HaltReport,
    run=_halt_status,
    next_tool=_next_of_halt,
    open_world=False,
)

CERTIFICATE = Tool(
    name="bastion_certificate",
    title="Certificate of an exit",
    description=(
        "Certifies how an exit ended: its verdict, the head of the journal's hash chain behind it, and the "
        "fingerprint of the key that signs it; it changes nothing at any exchange and needs a key with the "
        "`read` scope. Use it when the user wants proof of an exit that has its verdict; while it runs, use "
        "`bastion_exit_status`, which also has the details. The signed document itself is a file, which a "
        "person gets with `bastion certificate show EXIT_ID` in a terminal."
    ),
    act=Act.CERTIFICATE,
    toolsets=EXIT,
    parameters={"exit_id": EXIT_ID},
    report=CertificateTold,
    run=_certificate,
    open_world=False,
)

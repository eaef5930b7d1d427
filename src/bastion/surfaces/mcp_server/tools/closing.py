"""Closing: the tools that close some of what is open, and leave the rest."""

from bastion import commands
from bastion.domain.act import Act
from bastion.exits.act_telling import FlattenReport, PartialCloseReport
from bastion.surfaces.mcp_server.parameters import Flag, Number
from bastion.surfaces.mcp_server.selecting import EVERYWHERE, PLACES, SYMBOL, selection_of
from bastion.surfaces.mcp_server.tool import Call, Tool, Toolset
from bastion.surfaces.mcp_server.tools.exits import REASON, next_of_act
from bastion.surfaces.mcp_server.watch import ANSWER_S, watched

TRADING = frozenset({Toolset.TRADING})


async def _flatten_winners(call: Call) -> FlattenReport:
    return await watched(
        call.desk,
        call.progress,
        lambda: commands.flatten_winners(
            call.desk,
            call.principal,
            net=call.flag("net"),
            selection=selection_of(call.arguments),
            reason=call.text("reason"),
            wait_s=ANSWER_S,
        ),
    )


async def _partial_close(call: Call) -> PartialCloseReport:
    return await watched(
        call.desk,
        call.progress,
        lambda: commands.partial_close(
            call.desk,
            call.principal,
            symbol=str(call.arguments["symbol"]),
            exit_pct=call.whole("exit_pct", 50),
            selection=selection_of(call.arguments),
            reason=call.text("reason"),
            wait_s=ANSWER_S,
        ),
    )


FLATTEN_WINNERS = Tool(
    name="bastion_flatten_winners",
    title="Close what is in profit",
    description=(
        "Closes every position in profit at market price and leaves the others open; this is final and "
        "cannot be undone, and a key with the `trade` scope is needed. Use it when the user wants to take "
        "all gains and keep the rest. To be out of everything use `bastion_emergency_exit`; to take a part "
        "of one position use `bastion_partial_close`. In profit means above zero at the mark price; with "
        "`net` it means after fees, funding and the estimated slippage. `kept_open` lists what stayed, each "
        "with its reason. Prices move: a repeated call can close others, and a gain can shrink before the "
        "fill, so report `total_profit_locked_usd` as it is. It answers within 25 seconds and goes on "
        "without the client."
    ),
    act=Act.FLATTEN_WINNERS,
    toolsets=TRADING,
    parameters={
        "net": Flag(
            description="Count as profit only what is left after fees, funding and the estimated slippage."
        ),
        "reason": REASON,
        **EVERYWHERE,
    },
    report=FlattenReport,
    run=_flatten_winners,
    next_tool=next_of_act,
    destructive=True,
    idempotent=False,
)

PARTIAL_CLOSE = Tool(
    name="bastion_partial_close",
    title="Close a part of a position",
    description=(
        "Closes a percentage of the open positions of one symbol at market price, on every exchange that "
        "holds it; this is final and cannot be undone, and a key with the `trade` scope is needed. Use it "
        "to take profit or risk off one symbol. To be out of everything use `bastion_emergency_exit`, out "
        "of all gains `bastion_flatten_winners`. Sizes are rounded down to the exchange's step; a part "
        "below its minimum is refused, and the answer names the minimum. Calling it twice closes twice. The "
        "position cannot grow or flip."
    ),
    act=Act.PARTIAL_CLOSE,
    toolsets=TRADING,
    parameters={
        "symbol": SYMBOL,
        "exit_pct": Number(
            description="The share of each position to close, in percent.",
            minimum=1,
            maximum=100,
            default=50,
            whole=True,
        ),
        "reason": REASON,
        **PLACES,
    },
    report=PartialCloseReport,
    run=_partial_close,
    next_tool=next_of_act,
    destructive=True,
    idempotent=False,
)

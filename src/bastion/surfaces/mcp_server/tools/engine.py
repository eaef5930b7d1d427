"""Engine: the tools that show and steer the standing watch."""

from collections.abc import Mapping

from bastion import commands
from bastion.commands.engine_telling import (
    EngineArmReport,
    EngineDisarmReport,
    EngineHistoryReport,
    EngineStartReport,
    EngineStatusReport,
)
from bastion.domain.act import Act
from bastion.domain.engine import Reach
from bastion.surfaces.mcp_server.parameters import Choice, Flag, Number
from bastion.surfaces.mcp_server.tool import Call, Tool, Toolset

ENGINE = frozenset({Toolset.ENGINE})
SHOWN = ENGINE | {Toolset.PORTFOLIO}
LIMIT_USD_MAX = 1_000_000_000


def _next_of_start(_: object, __: commands.Desk) -> Mapping[str, object]:
    return {"name": "bastion_engine_status", "arguments": {}}


async def _status(call: Call) -> EngineStatusReport:
    return await commands.engine_status(call.desk, call.principal)


async def _history(call: Call) -> EngineHistoryReport:
    return await commands.engine_history(call.desk, call.principal, limit=call.whole("limit", 20))


async def _start(call: Call) -> EngineStartReport:
    return await commands.engine_start(call.desk, call.principal)


async def _arm(call: Call) -> EngineArmReport:
    given = {
        name: call.number(name)
        for name in ("confidence_threshold", "daily_loss_limit_usd", "risk_threshold")
        if name in call.arguments
    }
    confirm = call.arguments.get("confirm")
    return await commands.engine_arm(
        call.desk,
        call.principal,
        max_action=call.text("max_action"),
        confirm=None if confirm is None else bool(confirm),
        **given,
    )


async def _disarm(call: Call) -> EngineDisarmReport:
    return await commands.engine_disarm(call.desk, call.principal)


STATUS = Tool(
    name="bastion_engine_status",
    title="State of the engine",
    description=(
        "Shows whether the engine runs, whether it is armed to act without asking, its settings, and how far "
        "each guard is from acting; it changes nothing and needs a key with the `read` scope. Use it to "
        "answer whether anything watches the positions. What it did so far is in `bastion_engine_history`; "
        "`bastion_engine_arm` and `bastion_engine_disarm` change it. A figure that is not known is null."
    ),
    act=Act.ENGINE_STATUS,
    toolsets=SHOWN,
    parameters={},
    report=EngineStatusReport,
    notes={
        "state": "STOPPED, MONITORING (advises only) or ARMED (acts without asking).",
        "last_evaluation": "In words, such as minutes ago; `last_evaluation_at` is the time.",
    },
    run=_status,
    open_world=False,
)

HISTORY = Tool(
    name="bastion_engine_history",
    title="What the engine did",
    description=(
        "Lists the engine's newest evaluations and executions with their reasons, newest first; it changes "
        "nothing and needs a key with the `read` scope. Use it to explain what the engine advised or did. "
        "Its present state is in `bastion_engine_status`, an exit's details in `bastion_exit_status`. The "
        "reasons come from fixed rules; `confidence` is the share of a rule's conditions that held, no "
        "forecast."
    ),
    act=Act.ENGINE_HISTORY,
    toolsets=SHOWN,
    parameters={
        "limit": Number(
            description="How many entries to return, the newest first.",
            minimum=1,
            maximum=100,
            default=20,
            whole=True,
        )
    },
    report=EngineHistoryReport,
    notes={"summary": "Counts over everything that the engine ever did here, not only the entries shown."},
    run=_history,
    open_world=False,
)

START = Tool(
    name="bastion_engine_start",
    title="Start the engine",
    description=(
        "Starts the engine in advisory mode: it watches every position and advises, and sends no order until "
        "`bastion_engine_arm`; a key with the `engine` scope is needed. Use it when the user wants positions "
        "to be watched. Do not use it to let anything act: that is arming. Calling it while it runs changes "
        "nothing. There is no tool that stops it; disarmed, it only watches."
    ),
    act=Act.ENGINE_START,
    toolsets=ENGINE,
    parameters={},
    report=EngineStartReport,
    run=_start,
    next_tool=_next_of_start,
)

ARM = Tool(
    name="bastion_engine_arm",
    title="Arm the engine",
    description=(
        "Arms the engine: from then on it closes positions WITHOUT ASKING whenever one of its guards trips, "
        "at market and irreversibly, until `bastion_engine_disarm`; a key with the `engine` scope is "
        "needed. Use it only after the user has said, in their own words, that it may act alone. The engine "
        "must run (`bastion_engine_start`) and the latch of an earlier exit must be lifted, which only a "
        "person can do, with `bastion reset EXIT_ID` in a terminal. It only ever reduces positions. It "
        "disarms itself when today's realised loss reaches `daily_loss_limit_usd`. Calling it again "
        "replaces the settings."
    ),
    act=Act.ENGINE_ARM,
    toolsets=ENGINE,
    parameters={
        "confidence_threshold": Number(
            description="How large a share of a rule's conditions must hold before it acts, from 0 to 1.",
            minimum=0,
            maximum=1,
            default=0.7,
        ),
        "daily_loss_limit_usd": Number(
            description="The realised loss of a UTC day, in US dollars, at which the engine disarms itself.",
            minimum=0,
            maximum=LIMIT_USD_MAX,
            default=5000,
        ),
        "risk_threshold": Number(
            description="Act only at this risk or above, from 0 to 100; leave it out to restrict nothing.",
            minimum=0,
            maximum=100,
        ),
        "max_action": Choice(
            description="The furthest that the engine may go; the whole exit if left out.",
            words=tuple(reach.value for reach in Reach),
        ),
        "confirm": Flag(description="Not needed. Where it is given, it must be true.", default=True),
    },
    report=EngineArmReport,
    run=_arm,
    next_tool=_next_of_start,
    destructive=True,
)

DISARM = Tool(
    name="bastion_engine_disarm",
    title="Disarm the engine",
    description=(
        "Disarms the engine at once: it sends nothing more on its own decision, goes on watching, and no "
        "position or order is touched; a key with the `engine` scope is needed. Use it when the user wants "
        "no automatic action, also after an exit, so that nothing acts in their absence. It does not close "
        "anything (`bastion_emergency_exit` does) and does not break off an exit that has begun. Calling it "
        "while it is not armed changes nothing. `bastion_kill_switch` disarms and closes in one."
    ),
    act=Act.ENGINE_DISARM,
    toolsets=ENGINE,
    parameters={},
    report=EngineDisarmReport,
    run=_disarm,
    next_tool=_next_of_start,
    open_world=False,
)

"""Tools: everything that a client can call, in the order in which it is listed."""

from collections.abc import Collection

from bastion.errors import Refused
from bastion.surfaces.mcp_server.tool import Tool, Toolset
from bastion.surfaces.mcp_server.tools import engine
from bastion.surfaces.mcp_server.tools.closing import FLATTEN_WINNERS, PARTIAL_CLOSE
from bastion.surfaces.mcp_server.tools.exits import (
    CERTIFICATE,
    EMERGENCY_EXIT,
    EXIT_STATUS,
    HALT,
    HALT_STATUS,
    KILL_SWITCH,
    PREVIEW,
)
from bastion.surfaces.mcp_server.tools.portfolio import (
    ALERTS,
    BALANCE,
    EXCHANGES,
    POSITIONS,
    SESSION_STATS,
)
from bastion.surfaces.mcp_server.tools.protecting import BREAKEVEN, STOP_LOSS, TAKE_PROFIT

TOOLS: tuple[Tool, ...] = (
    EMERGENCY_EXIT,
    KILL_SWITCH,
    HALT,
    PREVIEW,
    EXIT_STATUS,
    HALT_STATUS,
    CERTIFICATE,
    POSITIONS,
    BALANCE,
    EXCHANGES,
    ALERTS,
    SESSION_STATS,
    FLATTEN_WINNERS,
    PARTIAL_CLOSE,
    TAKE_PROFIT,
    STOP_LOSS,
    BREAKEVEN,
    engine.STATUS,
    engine.HISTORY,
    engine.START,
    engine.ARM,
    engine.DISARM,
)

ALL = frozenset(Toolset)


def toolsets_of(words: str | None) -> frozenset[Toolset]:
    """Return the toolsets that a text such as `exit,portfolio` names; all of them for None.

    Raises:
        Refused: one of them does not exist, or none is named; the text says which exist.
    """
    if words is None:
        return ALL
    named = [word.strip().lower() for word in words.split(",") if word.strip()]
    known = {toolset.value: toolset for toolset in Toolset}
    strange = next((word for word in named if word not in known), None)
    if strange is not None or not named:
        which = "No toolset is named" if strange is None else f"There is no toolset {strange[:20]!r}"
        raise Refused(f"{which}; the toolsets are {', '.join(known)}.")
    return frozenset(known[word] for word in named)


def offered(toolsets: Collection[Toolset]) -> tuple[Tool, ...]:
    """Return the tools of these toolsets, in their order."""
    return tuple(tool for tool in TOOLS if tool.toolsets & frozenset(toolsets))

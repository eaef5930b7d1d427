"""Portfolio: the tools that show what is open and what it is worth; they change nothing."""

from bastion import commands
from bastion.domain.act import Act
from bastion.surfaces.mcp_server.tool import Call, Tool, Toolset

PORTFOLIO = frozenset({Toolset.PORTFOLIO})


async def _positions(call: Call) -> commands.PositionsReport:
    return await commands.positions(call.desk, call.principal)


POSITIONS = Tool(
    name="bastion_get_positions",
    title="Open positions",
    description=(
        "Lists every open position on every connected exchange as the exchanges report it now; it changes "
        "nothing and needs a key with the `read` scope. Use it to see what is open, also before "
        "`bastion_emergency_exit`, which closes all of it. `size_usd` is the margin of a position, "
        "`notional_usd` its full size. A figure that an exchange did not give is null. What could not be "
        "read is listed in `unread`: then an empty list does not mean flat."
    ),
    act=Act.POSITIONS,
    toolsets=PORTFOLIO | {Toolset.EXIT, Toolset.TRADING},
    parameters={},
    report=commands.PositionsReport,
    notes={
        "summary": "One sentence; it says when an account could not be read.",
        "positions": "One for each exchange, symbol and side; largest notional first. `size_usd` is the "
        "margin, `unrealized_pnl_pct` the return on it; `price_move_pct` is without leverage.",
        "unread": "What could not be read; an empty list of positions then proves nothing.",
        "warnings": "What would hinder an exit; mend it before the emergency.",
    },
    run=_positions,
)

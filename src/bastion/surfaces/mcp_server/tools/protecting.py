"""Protecting: the tools that set the orders by which an exchange closes a position at a price."""

from collections.abc import Mapping

from bastion import commands
from bastion.commands.protective_telling import BreakevenReport, StopLossReport, TakeProfitReport
from bastion.domain.act import Act
from bastion.surfaces.mcp_server.parameters import Number, Parameters, Text
from bastion.surfaces.mcp_server.selecting import PLACES, SYMBOL, selection_of
from bastion.surfaces.mcp_server.tool import Call, Tool, Toolset

TRADING = frozenset({Toolset.TRADING})
PRICE_MAX = 1_000_000_000
PRICE_MIN = 0.000000000001


async def _take_profit(call: Call) -> TakeProfitReport:
    return await commands.set_take_profit(
        call.desk,
        call.principal,
        symbol=str(call.arguments["symbol"]),
        tp_price=call.number("tp_price"),
        exit_pct=call.whole("exit_pct", 0),
        selection=selection_of(call.arguments),
    )


async def _stop_loss(call: Call) -> StopLossReport:
    return await commands.set_stop_loss(
        call.desk,
        call.principal,
        symbol=str(call.arguments["symbol"]),
        sl_price=call.number("sl_price"),
        selection=selection_of(call.arguments),
    )


async def _breakeven(call: Call) -> BreakevenReport:
    return await commands.move_to_breakeven(
        call.desk,
        call.principal,
        symbol=call.text("symbol") or None,
        selection=selection_of(call.arguments),
    )


def _next_of_protecting(report: object, _: commands.Desk) -> Mapping[str, object] | None:
    done = getattr(report, "success", False)
    return None if done else {"name": "bastion_get_positions", "arguments": {}}


def _price(name: str) -> Number:
    return Number(
        description=f"The price at which {name}, in the quote currency; it is put on the exchange's tick.",
        minimum=PRICE_MIN,
        maximum=PRICE_MAX,
        required=True,
    )


TAKE_PROFIT = Tool(
    name="bastion_set_take_profit",
    title="Set a take profit",
    description=(
        "Places a reduce-only order at the exchange that closes a symbol's positions at market once the "
        "price reaches `tp_price`; it closes nothing now, can be replaced by another call, and needs a key "
        "with the `trade` scope. Use it to take a gain at a price. For the other direction use "
        "`bastion_set_stop_loss`; to close now, `bastion_partial_close`. A price at which it would fire at "
        "once is refused (WRONG_SIDE). An order for the whole position replaces the earlier such order, "
        "which stays until the new one stands; orders for parts stand beside each other (`replaced`, `kept`)."
    ),
    act=Act.TAKE_PROFIT,
    toolsets=TRADING,
    parameters={
        "symbol": SYMBOL,
        "tp_price": _price("the gain is taken"),
        "exit_pct": Number(
            description="The share of the position that it closes, in percent; 0 closes all of it.",
            minimum=0,
            maximum=100,
            default=0,
            whole=True,
        ),
        **PLACES,
    },
    report=TakeProfitReport,
    run=_take_profit,
    next_tool=_next_of_protecting,
    destructive=True,
)

STOP_LOSS = Tool(
    name="bastion_set_stop_loss",
    title="Set a stop loss",
    description=(
        "Places a reduce-only order at the exchange that closes a symbol's positions at market once the "
        "price reaches `sl_price`; it closes nothing now, replaces the earlier stop of the whole position, "
        "and needs a key with the `trade` scope. Use it to bound a loss. For the entry price use "
        "`bastion_move_to_breakeven`; for gains `bastion_set_take_profit`; to close now, "
        "`bastion_partial_close`. A stop that would fire at once is refused (WRONG_SIDE) and changes "
        "nothing. The earlier stop stays until the new one stands. A stop does not bound the loss in a gap."
    ),
    act=Act.STOP_LOSS,
    toolsets=TRADING,
    parameters={"symbol": SYMBOL, "sl_price": _price("the loss is bounded"), **PLACES},
    report=StopLossReport,
    run=_stop_loss,
    next_tool=_next_of_protecting,
    destructive=True,
)

_BREAKEVEN: Parameters = {
    "symbol": Text(
        description="The symbol, such as `BTC` or `BTCUSDT`; every position in profit if left out.",
        length_max=40,
    ),
    **PLACES,
}

BREAKEVEN = Tool(
    name="bastion_move_to_breakeven",
    title="Move stops to the entry price",
    description=(
        "Moves the stop loss of positions in profit to their entry price; it closes nothing now, can be "
        "replaced by `bastion_set_stop_loss`, and needs a key with the `trade` scope. Use it to take the "
        "risk out of a winning position. A position not in profit, or whose stop is already better, is "
        "skipped with its reason and is no error. To take the gain itself use `bastion_partial_close` or "
        "`bastion_flatten_winners`."
    ),
    act=Act.BREAKEVEN,
    toolsets=TRADING,
    parameters=_BREAKEVEN,
    report=BreakevenReport,
    run=_breakeven,
    next_tool=_next_of_protecting,
    destructive=True,
)

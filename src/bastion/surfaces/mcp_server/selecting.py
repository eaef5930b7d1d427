"""Selecting: the arguments by which an action is narrowed, and the selection that they make."""

from collections.abc import Mapping
from typing import Final

from bastion.commands.symbols import pair_form
from bastion.domain.position import Side
from bastion.domain.selection import Selection
from bastion.surfaces.mcp_server.parameters import Choice, Names, Parameters, Text, Value

SIDE: Final = Choice(
    description="Only positions of this side; both if left out.", words=tuple(side.value for side in Side)
)
PLACES: Parameters = {
    "venues": Names(description="Only these exchanges, by id such as `binance`; all if left out."),
    "accounts": Names(
        description="Only these accounts, by the name in the `account` field of answers; all if left out."
    ),
    "side": SIDE,
}
"""Where a single symbol's action is narrowed to."""

EVERYWHERE: Parameters = {
    "venues": PLACES["venues"],
    "accounts": PLACES["accounts"],
    "symbols": Names(
        description="Only these symbols, such as `BTCUSDT`; all if left out. Given a symbol or a side, an "
        "account is not proven flat as a whole."
    ),
    "side": SIDE,
    "except_accounts": Names(description="All but these accounts."),
    "except_symbols": Names(description="All but these symbols."),
}
"""How an action on everything is narrowed; nothing given means everything."""

SYMBOL: Final = Text(
    description="The symbol, such as `BTC`, `BTCUSDT` or `BTC/USDT`; a bare base means its USDT perpetual.",
    length_max=40,
    required=True,
)


def selection_of(arguments: Mapping[str, Value]) -> Selection:
    """Return the selection that these checked arguments make.

    Raises:
        SymbolUnknown: a symbol is written in no form that is understood.
    """
    side = arguments.get("side")
    return Selection(
        venues=frozenset(name.lower() for name in _names(arguments, "venues")),
        accounts=_names(arguments, "accounts"),
        symbols=_symbols(arguments, "symbols"),
        sides=frozenset() if side is None else frozenset({Side(str(side))}),
        except_accounts=_names(arguments, "except_accounts"),
        except_symbols=_symbols(arguments, "except_symbols"),
    )


def _names(arguments: Mapping[str, Value], name: str) -> frozenset[str]:
    value = arguments.get(name, ())
    return frozenset(value) if isinstance(value, tuple) else frozenset()


def _symbols(arguments: Mapping[str, Value], name: str) -> frozenset[str]:
    return frozenset(pair_form(text) for text in _names(arguments, name))

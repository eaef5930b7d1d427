"""Symbols: what a caller named, and the right word where nothing of that name is open."""

import asyncio
from collections.abc import Collection, Sequence

from bastion.commands.desk import Desk
from bastion.domain.account import Account
from bastion.domain.naming import QUOTES, pair_form
from bastion.domain.position import Position
from bastion.domain.symbol import pair
from bastion.errors import PositionNotFound, Refused, SymbolUnknown, VenueError
from bastion.ports import Venue

INSTRUMENTS_S = 8.0
NAMED_MAX = 5

__all__ = ["nothing_open", "of_the_same_base", "pair_form"]


async def nothing_open(
    desk: Desk, accounts: Sequence[Account], symbol: str, *, seen: Sequence[Position] = ()
) -> Refused:
    """Return the error for a symbol in pair form of which no position is open on these accounts.

    It is `SymbolUnknown` only where every venue told its contracts and none lists the symbol; else
    `PositionNotFound`, which names what is open instead of the same base. `seen` are the open positions.
    """
    if not await _listed(desk, accounts, symbol):
        return SymbolUnknown(f"No venue here lists {symbol}. Nothing was done.")
    named = {pair(position.symbol) for position in seen}
    others = of_the_same_base(symbol, named)
    hint = f" Open of that base: {others}." if others else ""
    return PositionNotFound(f"No {symbol} position is open here.{hint} Nothing was done.")


def of_the_same_base(symbol: str, names: Collection[str]) -> str:
    """Return which of these symbols are contracts of the base of that one, as a text; empty for none."""
    return ", ".join(sorted(name for name in names if _base(name) == _base(symbol))[:NAMED_MAX])


def _base(symbol: str) -> str:
    plain = symbol.partition("_")[0].partition("-")[0]
    return next((plain.removesuffix(quote) for quote in QUOTES if plain.endswith(quote)), plain)


async def _listed(desk: Desk, accounts: Sequence[Account], symbol: str) -> bool:
    found: list[bool] = []

    async def ask(venue: Venue) -> None:
        known = await _symbols(venue)
        found.append(known is None or symbol in known)

    async with asyncio.TaskGroup() as group:
        for account in accounts:
            group.create_task(ask(desk.venues[account.name]))
    return any(found)


async def _symbols(venue: Venue) -> frozenset[str] | None:
    try:
        listed = await venue.instruments(deadline_s=INSTRUMENTS_S)
    except VenueError:
        return None
    # A venue that keeps no list of contracts can have any.
    return frozenset(pair(each.symbol) for each in listed.values()) or None

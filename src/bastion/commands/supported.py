"""Supported: the symbols that the connected venues list, as they told them last."""

import asyncio
import logging
from collections.abc import Mapping

from bastion.auth.permit import covered, permit
from bastion.commands.desk import Desk
from bastion.commands.positions import UnreadAccount
from bastion.domain.act import Act
from bastion.domain.instrument import Instrument
from bastion.domain.naming import DELISTED, RENAMED
from bastion.domain.principal import Principal
from bastion.domain.selection import EVERYTHING
from bastion.domain.symbol import pair
from bastion.errors import VenueError
from bastion.ports import Venue
from bastion.shape import dataclass

INSTRUMENTS_S = 8.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolNotes:
    """How symbols are written here: `renamed` maps a venue's base to the interface's."""

    symbol_format: str
    delisted: tuple[str, ...]
    renamed: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolsReport:
    """Every contract that a connected venue lists, in pair form, and how many each settle currency has.

    A venue that keeps no list of contracts, or did not give it, stands in `unread`: it can have others.
    """

    symbols: tuple[str, ...]
    count: int
    categories: Mapping[str, int]
    exchanges: Mapping[str, tuple[str, ...]]
    unread: tuple[UnreadAccount, ...]
    notes: SymbolNotes


async def supported_symbols(desk: Desk, principal: Principal) -> SymbolsReport:
    """Return the symbols of every venue at which the principal sees an account.

    Raises:
        ScopeDenied: the principal lacks the read scope, or may only stop.
    """
    permit(principal, Act.SUPPORTED_SYMBOLS)
    told: dict[str, Mapping[tuple[str, str], Instrument]] = {}
    unread: dict[str, UnreadAccount] = {}

    async def ask(venue: Venue) -> None:
        account = venue.account
        reason = "the venue keeps no list of contracts"
        try:
            found = await venue.instruments(deadline_s=INSTRUMENTS_S)
        except VenueError as error:
            found, reason = {}, str(error)
        except Exception as error:  # noqa: BLE001 - a bulkhead: one venue's surprise fails no other's list
            _log.exception("The contracts of %s could not be read.", account.name)
            found, reason = {}, f"unexpected {type(error).__name__}"
        if found:
            told[account.name] = found
            return
        unread[account.name] = UnreadAccount(
            exchange=account.venue, account=account.name, part="instruments", reason=reason
        )

    accounts = covered(principal, desk.accounts, EVERYTHING)
    async with asyncio.TaskGroup() as group:
        for account in accounts:
            group.create_task(ask(desk.venues[account.name]))
    return _report({account.name: account.venue for account in accounts}, told, unread)


def _report(
    venues: Mapping[str, str],
    told: Mapping[str, Mapping[tuple[str, str], Instrument]],
    unread: Mapping[str, UnreadAccount],
) -> SymbolsReport:
    settles: dict[str, str] = {}
    listed: dict[str, set[str]] = {}
    for name, venue in venues.items():
        for instrument in told.get(name, {}).values():
            symbol = pair(instrument.symbol)
            settles[symbol] = instrument.settle
            listed.setdefault(venue, set()).add(symbol)
    kinds = sorted(set(settles.values()))
    return SymbolsReport(
        symbols=tuple(sorted(settles)),
        count=len(settles),
        categories={kind: sum(settle == kind for settle in settles.values()) for kind in kinds},
        exchanges={venue: tuple(sorted(symbols)) for venue, symbols in sorted(listed.items())},
        unread=tuple(unread[name] for name in venues if name in unread),
        notes=SymbolNotes(
            symbol_format="Answers say BTCUSDT; BTC, BTC/USDT and BTC-USDT are understood too.",
            delisted=tuple(sorted(DELISTED)),
            renamed=dict(RENAMED),
        ),
    )

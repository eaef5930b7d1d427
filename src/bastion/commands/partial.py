"""Partial close: take the asked percentage off every open leg of one symbol, and leave the rest."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.auth.permit import covered, permit
from bastion.commands.asking import asked, carry_out
from bastion.commands.capped import check_cap, conflict_with
from bastion.commands.desk import Desk
from bastion.commands.exit import entries_of, named, with_fills
from bastion.commands.looks import Target, find_open
from bastion.commands.symbols import nothing_open
from bastion.domain.account import Account
from bastion.domain.act import Act
from bastion.domain.instrument import Instrument
from bastion.domain.mandate import ExitKind
from bastion.domain.mandate import Target as Aim
from bastion.domain.money import ZERO, Quantity, floor_to_step
from bastion.domain.naming import pair_form
from bastion.domain.principal import Principal
from bastion.domain.selection import EVERYTHING, Selection
from bastion.domain.symbol import pair
from bastion.errors import Refused, VenueError, VenueUnreachable
from bastion.exits.act_telling import PartialCloseReport
from bastion.exits.partial_report import fold_partial
from bastion.exits.request import Wish
from bastion.exits.telling import ExitError
from bastion.ports import Refunding
from bastion.shape import dataclass

EXIT_PCT_DEFAULT = 50
WHOLE_PCT = 100
INSTRUMENTS_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """One leg with what is to be taken off it, or why it cannot be."""

    target: Target
    quantity: Decimal
    why: str = ""


async def partial_close(
    desk: Desk,
    principal: Principal,
    *,
    symbol: str,
    exit_pct: int = EXIT_PCT_DEFAULT,
    selection: Selection = EVERYTHING,
    reason: str | None = None,
    wait_s: float | None = None,
) -> PartialCloseReport:
    """Close `exit_pct` percent (1 to 100) of every open leg of a symbol, at market and reduce-only.

    Each leg's part is rounded down to the lot step. What is to remain is fixed and journaled before anything
    is sent, so that neither a repetition nor the work after a crash ever takes more. Orders of the symbol
    stay as they are. The latch is not tripped.

    Raises:
        ScopeDenied: the principal lacks the trade scope; nothing was done.
        Refused: `exit_pct` is no whole number from 1 to 100, every part is below its venue's minimum (which
            the text names), or it is worth more than the key's cap; nothing was done.
        SymbolUnknown: no venue lists the symbol; nothing was done.
        PositionNotFound: no position of the symbol is open; nothing was done.
        Conflict: a running exit or partial close works on that position; nothing was done.
        VenueError: nothing was found, but not everything could be read; nothing was done.
        JournalUnusable: the request could not be written down anywhere; nothing was done.
    """
    permit(principal, Act.PARTIAL_CLOSE)
    if isinstance(exit_pct, bool) or not isinstance(exit_pct, int) or not 1 <= exit_pct <= WHOLE_PCT:
        raise Refused("exit_pct is a whole number from 1 to 100. Nothing was done.")
    name = pair_form(symbol)
    selection = replace(named(selection), symbols=frozenset({name}))
    accounts = covered(principal, desk.accounts, selection)
    draft = asked(desk, accounts, Wish(), reason=reason, hold_s=ZERO, wait_s=wait_s)
    targets = await _open(desk, accounts, selection, name)
    cuts = await _cuts(targets, exit_pct)
    wanted = [cut for cut in cuts if cut.quantity > ZERO]
    if not wanted:
        raise Refused(f"{cuts[0].why} Nothing was done.")
    check_cap(principal, Act.PARTIAL_CLOSE, [(cut.target, cut.quantity) for cut in wanted])
    conflict_with(desk, [cut.target for cut in wanted], partial=True)
    names = {cut.target.venue.account.name for cut in wanted}
    request = asked(
        desk,
        [account for account in accounts if account.name in names],
        Wish(kind=ExitKind.PARTIAL, selection=selection, targets=tuple(_aim(cut) for cut in wanted)),
        reason=draft.reason,
        hold_s=ZERO,
        wait_s=wait_s,
    )
    exit_id, until_ns = await carry_out(desk, principal, request)
    report = await with_fills(desk, principal, exit_id, until_ns=until_ns)
    told = fold_partial(entries_of(desk, principal, exit_id), report, exit_pct=exit_pct)
    return _with_left_out(told, [cut for cut in cuts if cut.quantity == ZERO])


async def _open(desk: Desk, accounts: Sequence[Account], selection: Selection, name: str) -> list[Target]:
    found = await find_open(desk, accounts, selection)
    targets = [target for target in found.targets if target.position.closable]
    if targets:
        return targets
    if found.unread:
        part = found.unread[0]
        raise VenueUnreachable(
            f"{part.account} ({part.exchange}) could not be read: {part.reason}. Nothing was done."
        )
    raise await nothing_open(desk, accounts, name, seen=found.seen)


async def _cuts(targets: Sequence[Target], exit_pct: int) -> list[_Cut]:
    cuts: dict[int, _Cut] = {}

    async def cut(number: int, target: Target) -> None:
        cuts[number] = await _cut(target, exit_pct)

    async with asyncio.TaskGroup() as group:
        for number, target in enumerate(targets):
            group.create_task(cut(number, target))
    return [cuts[number] for number in range(len(targets))]


async def _cut(target: Target, exit_pct: int) -> _Cut:
    position, venue = target.position, target.venue
    name = f"{pair(position.symbol)} on {venue.account.name}"
    if isinstance(venue, Refunding):
        return _Cut(
            target=target, quantity=ZERO, why=f"{name}: this venue closes a position only as a whole."
        )
    try:
        async with asyncio.timeout(INSTRUMENTS_S):
            known = await venue.instruments(deadline_s=INSTRUMENTS_S)
    except (VenueError, TimeoutError) as error:
        why = str(error) or "no answer came in time"
        return _Cut(target=target, quantity=ZERO, why=f"{name}: its lot step could not be read ({why}).")
    instrument = known.get((position.category, position.instrument))
    if instrument is None:
        return _Cut(target=target, quantity=ZERO, why=f"{name}: its lot step is not known.")
    return _sized(target, instrument, exit_pct, name)


def _sized(target: Target, instrument: Instrument, exit_pct: int, name: str) -> _Cut:
    position = target.position
    part = floor_to_step(position.quantity * exit_pct / WHOLE_PCT, instrument.quantity_step)
    least = max(instrument.quantity_min, instrument.quantity_step)
    if part <= ZERO or part < least:
        return _Cut(
            target=target,
            quantity=ZERO,
            why=f"{name}: {exit_pct} % of {position.quantity:f} is below the venue's minimum of {least:f}.",
        )
    return _Cut(target=target, quantity=part)


def _aim(cut: _Cut) -> Aim:
    position = cut.target.position
    return Aim(
        account=cut.target.venue.account.name,
        category=position.category,
        instrument=position.instrument,
        side=position.side,
        keep=Quantity(position.quantity - cut.quantity),
        close=Quantity(cut.quantity),
    )


def _with_left_out(report: PartialCloseReport, left_out: Sequence[_Cut]) -> PartialCloseReport:
    if not left_out:
        return report
    errors = tuple(
        ExitError(
            symbol=pair(cut.target.position.symbol),
            exchange=cut.target.venue.account.venue,
            account=cut.target.venue.account.name,
            code="LEFT_OUT",
            message=cut.why,
            remaining_qty=cut.target.position.quantity,
        )
        for cut in left_out
    )
    told = f"{report.summary} Left as they are: {' '.join(cut.why for cut in left_out)}"
    step = report.next_step or "Some legs were left as they are; `errors` says why."
    return replace(report, summary=told, success=False, errors=(*report.errors, *errors), next_step=step)

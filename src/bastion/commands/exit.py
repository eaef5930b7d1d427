"""Exit: close everything, or the selected part, on every account, prove it, and tell how it stands."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.auth.permit import covered, permit
from bastion.commands.asking import FOLLOW_GAP_S, SECOND_NS, VERDICT_GRACE_S, asked, attend, carry_out
from bastion.commands.desk import Desk
from bastion.commands.symbols import of_the_same_base
from bastion.commands.visible import visible
from bastion.domain.account import Account
from bastion.domain.act import Act
from bastion.domain.mandate import ExitKind
from bastion.domain.naming import pair_form
from bastion.domain.principal import Principal
from bastion.domain.records import Entry, ExitRequested
from bastion.domain.selection import EVERYTHING, Selection
from bastion.domain.symbol import pair
from bastion.errors import ExitUnknown, Refused, SymbolUnknown, VenueError
from bastion.exits.exposure import NOT_READ
from bastion.exits.report import ExitReport, fold
from bastion.exits.request import Wish
from bastion.ports.venue import Accounting

EXIT_ID_LENGTH_MAX = 64
# The verdict is proven in the same words for all; nobody must read it of more than was asked for.
PART_NOTES = {
    ExitKind.PARTIAL: "A part of a position was closed: the verdict is of it; what else is held is open.",
    ExitKind.WINNERS: "Positions in profit were closed: the verdict is of them; what else is held is open.",
}
PAPER_NOTE = "PAPER: no configuration is set; this was the embedded paper exchange, not a live account."
LISTED_S = 1.5
GUARDS = "engine"
"""The surface by which the engine's guards and its advice ask."""


async def emergency_exit(
    desk: Desk,
    principal: Principal,
    *,
    selection: Selection = EVERYTHING,
    reason: str | None = None,
    deadline_s: Decimal | None = None,
    hold_s: Decimal | None = None,
    wait_s: float | None = None,
) -> ExitReport:
    """Close every position and cancel every order that the selection covers, and report how it ended.

    Nothing said means everything that the principal may touch. What is not selected is neither closed nor
    cancelled nor counted, and the verdict does not speak of it. Answers at the verdict, at `deadline_s`
    (default: the configuration's), or after `wait_s` where that is sooner; the exit goes on without its
    caller. A request that a running exit covers, in this process or another, joins it; a wider one becomes an
    exit of its own at once and lists the others in `joined`. An exit that a dead process left without a
    verdict is taken up. After FLAT the desk keeps looking for `hold_s` seconds.

    Raises:
        ScopeDenied: the principal lacks the trade scope; nothing was done.
        Refused: a value cannot be used, or the selection covers no account; nothing was done.
        SymbolUnknown: see `check_symbols`; nothing was done.
        JournalUnusable: the request could not be written down anywhere; nothing was done.
    """
    permit(principal, Act.EXIT)
    selection = named(selection)
    accounts = covered(principal, desk.accounts, selection)
    await check_symbols(desk, accounts, selection)
    wish = Wish(
        selection=effective(principal, desk, accounts, selection),
        # A guard acts without a person who weighs the price: it tries a bounded order first.
        first_bound=desk.settings.guard_bound if principal.surface == GUARDS else None,
    )
    request = asked(desk, accounts, wish, reason=reason, deadline_s=deadline_s, hold_s=hold_s, wait_s=wait_s)
    exit_id, until_ns = await carry_out(desk, principal, request)
    return await with_fills(desk, principal, exit_id, until_ns=until_ns)


async def exit_status(desk: Desk, principal: Principal, exit_id: str) -> ExitReport:
    """Return what the journal says of the exit, now, as far as the principal may see its accounts.

    Raises:
        ScopeDenied: the principal lacks the read scope.
        ExitUnknown: there is no exit of that id; a halt has `halt_status`.
    """
    report = report_of(desk, principal, exit_id)
    if report.kind is ExitKind.HALT:
        # Its proof is that no order works; "flat" would be read as more than that.
        raise ExitUnknown(
            f"{exit_id} is a halt, not an exit: bastion_halt_status, GET /v1/halts/{exit_id} and "
            f"`bastion watch {exit_id}` tell how it stands."
        )
    return report


def report_of(desk: Desk, principal: Principal, exit_id: str) -> ExitReport:
    """Return the fold of whatever the exit's machinery did under that id, as `exit_status` has it.

    Raises:
        ScopeDenied: the principal lacks the read scope.
        ExitUnknown: there is nothing of that id.
    """
    permit(principal, Act.EXIT_STATUS)
    report = fold(entries_of(desk, principal, exit_id))
    beside = _beside(desk, principal, report)
    if beside:
        report = replace(report, warnings=(*beside, *report.warnings))
    if report.kind in PART_NOTES:
        report = replace(report, warnings=(PART_NOTES[report.kind], *report.warnings))
    if desk.paper:
        # Nobody must take the practice for the real thing in the very moment in which it counts.
        return replace(report, warnings=(PAPER_NOTE, *report.warnings))
    return report


def _beside(desk: Desk, principal: Principal, report: ExitReport) -> tuple[str, ...]:
    # Whoever presses again wants to know what had become of the first press, also where both are flat by now.
    told = []
    own = desk.journal.entries(report.exit_id) if report.joined else ()
    begun_ns = next((entry.at_ns for entry in own if isinstance(entry.record, ExitRequested)), 0)
    for exit_id in report.joined:
        before = [entry for entry in desk.journal.entries(exit_id) if entry.at_ns <= begun_ns]
        seen = visible(before, principal)
        if not any(isinstance(entry.record, ExitRequested) for entry in seen):
            continue
        earlier = fold(seen)
        if earlier.verdict is not None and not earlier.success:
            told.append(
                f"{exit_id} ended {earlier.verdict.value} and was still being tried; this one began at once, "
                "beside it."
            )
    return tuple(told)


def entries_of(desk: Desk, principal: Principal, exit_id: str) -> Sequence[Entry]:
    """Return the entries of an exit that the principal may see.

    Raises:
        ExitUnknown: there are none of that id.
    """
    entries = desk.journal.entries(exit_id) if 0 < len(exit_id) <= EXIT_ID_LENGTH_MAX else ()
    seen = visible(entries, principal)
    if not any(isinstance(entry.record, ExitRequested) for entry in seen):
        raise ExitUnknown(f"There is no exit with the id {exit_id[:EXIT_ID_LENGTH_MAX]!r} in this journal.")
    return seen


async def resume_exit(desk: Desk, principal: Principal, exit_id: str | None) -> ExitReport:
    """Take up an exit that has no verdict, by its id or (None) the newest, and report how it ended.

    An exit that ended flat is not repeated: its report is the answer. One that ended NOT_FLAT or UNKNOWN goes
    on, with its deadline counted anew.

    Raises:
        ScopeDenied: the principal lacks the trade scope; nothing was done.
        Refused: there is no such exit, or it covers accounts that the principal may not move.
    """
    permit(principal, Act.EXIT)
    unfinished = [request for request in desk.unfinished() if request.kind is not ExitKind.HALT]
    if exit_id is None:
        if not unfinished:
            raise Refused("No exit waits to be resumed: each one in this journal has its verdict.")
        exit_id = unfinished[0].exit_id
    report = await exit_status(desk, principal, exit_id)
    request = next(
        entry.record for entry in desk.journal.entries(exit_id) if isinstance(entry.record, ExitRequested)
    )
    names = {account.name for account in request.accounts}
    if principal.accounts is not None and not names <= principal.accounts:
        raise Refused(f"The exit {exit_id} covers accounts that this key may not move. Nothing was done.")
    if report.success and desk.exit_of(exit_id) is None:
        return report
    until_ns = desk.clock.monotonic_ns() + int((float(request.deadline_s) + VERDICT_GRACE_S) * SECOND_NS)
    if desk.exit_of(exit_id) is None and desk.lock.acquire():
        desk.tell(desk.journal.entries(exit_id))
        desk.start(exit_id)
    await attend(desk, exit_id, until_ns=until_ns)
    return await with_fills(desk, principal, exit_id, until_ns=until_ns)


def recover(desk: Desk) -> tuple[str, ...]:
    """Take up, in the background, the recent exits that a dead process left without a verdict; return them.

    Oldest first. Nothing is taken up while another process carries out an exit.
    """
    waiting = [request for request in reversed(desk.unfinished()) if desk.is_recent(request)]
    if not waiting or not desk.lock.acquire():
        return ()
    for request in waiting:
        desk.start(request.exit_id)
    return tuple(request.exit_id for request in waiting)


def named(selection: Selection) -> Selection:
    """Return the selection with its symbols in pair form.

    Raises:
        SymbolUnknown: one has no accepted form.
    """
    return replace(
        selection,
        symbols=frozenset(pair_form(symbol) for symbol in selection.symbols),
        except_symbols=frozenset(pair_form(symbol) for symbol in selection.except_symbols),
    )


def effective(
    principal: Principal, desk: Desk, accounts: Sequence[Account], selection: Selection
) -> Selection:
    """Return the selection as it is carried out: where a key sees only some accounts, it names them."""
    if principal.accounts is None or selection.accounts or len(accounts) == len(desk.accounts):
        return selection
    return replace(selection, accounts=frozenset(account.name for account in accounts))


async def check_symbols(desk: Desk, accounts: Sequence[Account], selection: Selection) -> None:
    """Return when each selected symbol is listed at one of the accounts' venues, or some venue did not tell.

    Raises:
        SymbolUnknown: none of the venues lists one of them, or one that is to be left alone, but another
            contract of its base: what is to be left would be closed.
    """
    if not (selection.symbols or selection.except_symbols):
        return
    listed: list[frozenset[str]] = []

    async def ask(account: Account) -> None:
        try:
            async with asyncio.timeout(LISTED_S):
                known = await desk.venues[account.name].instruments(deadline_s=LISTED_S)
        except (VenueError, TimeoutError):
            listed.append(frozenset())
        else:
            listed.append(frozenset(pair(each.symbol) for each in known.values()))

    async with asyncio.TaskGroup() as group:
        for account in accounts:
            group.create_task(ask(account))
    if all(listed):
        names = frozenset[str]().union(*listed)
        for symbol in sorted(selection.symbols - names):
            raise SymbolUnknown(f"No venue here lists {symbol}. Nothing was done.")
        for symbol in sorted(selection.except_symbols - names):
            if same := of_the_same_base(symbol, names):
                raise SymbolUnknown(
                    f"No venue here lists {symbol}, which was to be left alone, but {same}. Nothing was done."
                )


async def with_fills(desk: Desk, principal: Principal, exit_id: str, *, until_ns: int) -> ExitReport:
    """Return the exit's report; once flat, give the venue a moment for the figures that it still owes."""
    # Executions can be listed a moment after they happened. Once flat, nothing is at stake but the figures.
    now_ns = desk.clock.monotonic_ns()
    fills_ns = min(until_ns, now_ns + int(desk.settings.fills_patience_s * SECOND_NS))
    coins_ns = min(until_ns, now_ns + int(desk.settings.coins_patience_s * SECOND_NS))
    report = await exit_status(desk, principal, exit_id)
    while report.success:
        now_ns = desk.clock.monotonic_ns()
        owed = (report.pnl_pending, fills_ns), (owes_coins(desk, report), coins_ns)
        if not any(due and now_ns < patience_ns for due, patience_ns in owed):
            break
        await desk.clock.sleep(FOLLOW_GAP_S)
        report = await exit_status(desk, principal, exit_id)
    return report


def owes_coins(desk: Desk, report: ExitReport) -> bool:
    """Return whether a venue that can tell which coins are left did not answer that yet, well or badly."""
    if report.kind is not ExitKind.EXIT:
        return False
    unread = [part for part in report.exposure.collateral_unread if part.reason == NOT_READ]
    return any(isinstance(desk.venues.get(part.account), Accounting) for part in unread)

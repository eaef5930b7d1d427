"""Halt: cancel every working order, keep the positions and their stops, and latch."""

from bastion.auth.permit import covered, permit
from bastion.commands.asking import asked, carry_out
from bastion.commands.desk import Desk
from bastion.commands.exit import check_symbols, effective, entries_of, named, report_of
from bastion.domain.act import Act
from bastion.domain.mandate import ExitKind
from bastion.domain.money import ZERO
from bastion.domain.principal import Principal
from bastion.domain.selection import EVERYTHING, Selection
from bastion.errors import ExitUnknown
from bastion.exits.act_telling import HaltReport
from bastion.exits.halt_report import fold_halt
from bastion.exits.request import Wish


async def halt(
    desk: Desk,
    principal: Principal,
    *,
    selection: Selection = EVERYTHING,
    stops_too: bool = False,
    reason: str | None = None,
    wait_s: float | None = None,
) -> HaltReport:
    """Cancel every working order that the selection covers, on all accounts at once, and prove it.

    Positions stay, and so do the stops that protect them (conditional orders that can only reduce), unless
    `stops_too`. The latch is tripped first. Ends when two looks show no other order, or at the configured
    deadline; a dead process's halt is resumed like an exit. One account's failure delays no other.

    Raises:
        ScopeDenied: the principal lacks the trade scope; nothing was done.
        Refused: a value cannot be used, or the selection covers no account; nothing was done.
        SymbolUnknown: no venue lists a selected symbol; nothing was done.
        JournalUnusable: the request could not be written down anywhere; nothing was done.
    """
    permit(principal, Act.HALT)
    selection = named(selection)
    accounts = covered(principal, desk.accounts, selection)
    await check_symbols(desk, accounts, selection)
    wish = Wish(
        kind=ExitKind.HALT,
        selection=effective(principal, desk, accounts, selection),
        stops_too=stops_too,
    )
    request = asked(desk, accounts, wish, reason=reason, hold_s=ZERO, wait_s=wait_s)
    halt_id, _ = await carry_out(desk, principal, request)
    return await halt_status(desk, principal, halt_id)


async def halt_status(desk: Desk, principal: Principal, halt_id: str) -> HaltReport:
    """Return what the journal says of a halt, now, as far as the principal may see its accounts.

    Raises:
        ScopeDenied: the principal lacks the read scope.
        ExitUnknown: there is no halt of that id.
    """
    report = report_of(desk, principal, halt_id)
    if report.kind is not ExitKind.HALT:
        raise ExitUnknown(
            f"{halt_id} is no halt; bastion_exit_status and GET /v1/exits/{halt_id} tell how it stands."
        )
    return fold_halt(entries_of(desk, principal, halt_id), report)

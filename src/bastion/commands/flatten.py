"""Flatten: close exactly the positions in profit, and leave the others as they are."""

from bastion.auth.permit import covered, permit
from bastion.commands.asking import asked, carry_out
from bastion.commands.capped import check_cap, conflict_with
from bastion.commands.desk import Desk
from bastion.commands.exit import check_symbols, named, with_fills
from bastion.commands.looks import Found, find_open
from bastion.commands.winners import Weighed, weigh
from bastion.domain.act import Act
from bastion.domain.mandate import ExitKind
from bastion.domain.mandate import Target as Aim
from bastion.domain.money import ZERO, Quantity, Usd
from bastion.domain.principal import Principal
from bastion.domain.selection import EVERYTHING, Selection
from bastion.domain.symbol import pair
from bastion.exits.act_telling import FlattenReport, KeptPosition
from bastion.exits.report import ExitReport
from bastion.exits.request import Wish
from bastion.exits.telling import UnreadPart, shown


async def flatten_winners(
    desk: Desk,
    principal: Principal,
    *,
    net: bool = False,
    selection: Selection = EVERYTHING,
    reason: str | None = None,
    wait_s: float | None = None,
) -> FlattenReport:
    """Close exactly the positions in profit that the selection covers, through an exit of these alone.

    In profit means: the unrealised PnL at the mark is above zero, fees excluded (interface, section 5). With
    `net`, the whole trade must be above zero as well: that PnL, plus the funding received and less the
    funding paid since the position was opened, less the taker fee and the slippage that the order book shows
    now (`commands.winners` gives the definition). Where a venue does not tell one of them, that position
    stays open and its reason says so. What was realised is told by fills. The latch is not tripped: taking a
    profit is no emergency.

    Raises:
        ScopeDenied: the principal lacks the trade scope; nothing was done.
        Refused: a value cannot be used, or the positions are worth more than the key's cap; nothing was done.
        Conflict: a running exit closes one of these positions already; nothing was done.
        JournalUnusable: the request could not be written down anywhere; nothing was done.
    """
    permit(principal, Act.FLATTEN_WINNERS)
    selection = named(selection)
    accounts = covered(principal, desk.accounts, selection)
    await check_symbols(desk, accounts, selection)
    draft = asked(desk, accounts, Wish(), reason=reason, hold_s=ZERO, wait_s=wait_s)
    found = await find_open(desk, accounts, selection)
    weighed = await weigh(found.targets, net=net)
    winners = [one for one in weighed if one.wins(net=net)]
    kept = tuple(_kept(one, net=net) for one in weighed if not one.wins(net=net))
    if not winners:
        return _nothing_won(kept, found, selection, net=net)
    check_cap(principal, Act.FLATTEN_WINNERS, [(one.target, one.target.position.quantity) for one in winners])
    conflict_with(desk, [one.target for one in winners])
    aims = tuple(
        Aim(
            account=one.target.venue.account.name,
            category=one.target.position.category,
            instrument=one.target.position.instrument,
            side=one.target.position.side,
            keep=Quantity(ZERO),
            close=one.target.position.quantity,
        )
        for one in winners
    )
    names = {aim.account for aim in aims}
    request = asked(
        desk,
        [account for account in accounts if account.name in names],
        Wish(kind=ExitKind.WINNERS, selection=selection, targets=aims),
        reason=draft.reason,
        hold_s=ZERO,
        wait_s=wait_s,
    )
    exit_id, until_ns = await carry_out(desk, principal, request)
    report = await with_fills(desk, principal, exit_id, until_ns=until_ns)
    return _told(report, kept, found, net=net)


def _kept(one: Weighed, *, net: bool) -> KeptPosition:
    position = one.target.position
    return KeptPosition(
        symbol=pair(position.symbol),
        direction=position.side,
        unrealized_pnl_usd=position.unrealized_pnl_usd,
        reason=one.kept_because(net=net),
        exchange=one.target.venue.account.venue,
        account=one.target.venue.account.name,
        quantity=position.quantity,
        net_pnl_usd=None if one.net_usd is None else Usd(one.net_usd),
        funding_usd=None if one.funding_usd is None else Usd(one.funding_usd),
    )


def _unread(found: Found) -> tuple[UnreadPart, ...]:
    return tuple(
        UnreadPart(exchange=part.exchange, account=part.account, part=part.part, reason=part.reason)
        for part in found.unread
    )


def _nothing_won(
    kept: tuple[KeptPosition, ...], found: Found, selection: Selection, *, net: bool
) -> FlattenReport:
    unread = _unread(found)
    blind = f" NOT READ: {', '.join(sorted({part.account for part in unread}))}." if unread else ""
    return FlattenReport(
        summary=f"No position is in profit; {len(kept)} kept open, nothing was sent.{blind}",
        success=not unread,
        exit_id=None,
        positions_closed=0,
        total_profit_locked_usd=Usd(ZERO),
        closed=(),
        kept_open=kept,
        errors=(),
        unread=unread,
        state=None,
        verdict=None,
        next_step="Look by hand what is open where it could not be read." if unread else None,
        warnings=(),
        fees_usd=Usd(ZERO),
        pnl_pending=False,
        net=net,
        selection=shown(selection),
    )


def _told(report: ExitReport, kept: tuple[KeptPosition, ...], found: Found, *, net: bool) -> FlattenReport:
    unread = (*_unread(found), *report.unread)
    success = report.success and not unread
    closed = report.closed_positions
    names = ", ".join(f"{row.symbol} {row.direction.value}" for row in closed[:4])
    more = f" and {len(closed) - 4} more" if len(closed) > 4 else ""  # noqa: PLR2004 - as many as are named
    what = f"{len(closed)} position{'' if len(closed) == 1 else 's'} in profit closed"
    what += f" ({names}{more})" if closed else ""
    money = f"realized {report.total_realized_pnl_usd:,.2f} USD"
    money += " so far (the venue still owes fills)" if report.pnl_pending else ""
    told = f"{what}, {money}; {len(kept)} kept open."
    return FlattenReport(
        summary=told if success else f"{told} {report.summary}",
        success=success,
        exit_id=report.exit_id,
        positions_closed=report.positions_closed,
        total_profit_locked_usd=report.total_realized_pnl_usd,
        closed=closed,
        kept_open=kept,
        errors=report.errors,
        unread=unread,
        state=report.state,
        verdict=report.verdict,
        next_step=report.next_step
        or (None if success else "Look by hand what is open where it could not be read."),
        warnings=report.warnings,
        fees_usd=report.fees_usd,
        pnl_pending=report.pnl_pending,
        net=net,
        selection=report.selection,
    )

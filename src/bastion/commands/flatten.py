"""Flatten: close exactly the positions in profit, and leave the others as they are."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bastion.auth.permit import covered, permit
from bastion.commands.asking import asked, carry_out
from bastion.commands.capped import check_cap, conflict_with
from bastion.commands.desk import Desk
from bastion.commands.exit import check_symbols, named, with_fills
from bastion.commands.looks import Found, Target, find_open
from bastion.domain.act import Act
from bastion.domain.book import walk
from bastion.domain.instrument import Instrument
from bastion.domain.mandate import ExitKind
from bastion.domain.mandate import Target as Aim
from bastion.domain.money import ZERO, Quantity, Usd, round_usd
from bastion.domain.order import Direction
from bastion.domain.position import Side
from bastion.domain.principal import Principal
from bastion.domain.selection import EVERYTHING, Selection
from bastion.domain.symbol import pair
from bastion.errors import VenueError
from bastion.exits.act_telling import FlattenReport, KeptPosition
from bastion.exits.report import ExitReport
from bastion.exits.request import Wish
from bastion.exits.telling import UnreadPart, shown
from bastion.ports import Quoting

QUOTE_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighed:
    """One position with its profit: `net_usd` is what closing it is estimated to leave, where asked for."""

    target: Target
    profit_usd: Decimal | None
    net_usd: Decimal | None = None
    doubt: str = ""

    def wins(self, *, net: bool) -> bool:
        """Return whether it is in profit; what is not known is not."""
        figure = self.net_usd if net else self.profit_usd
        return self.target.position.closable and figure is not None and figure > ZERO


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
    `net`, it must still be above zero after the taker fee and the slippage that the order book shows now;
    where a venue gives neither, that position stays open and the answer says so. What was realised is told
    by fills. The latch is not tripped: taking a profit is no emergency.

    Raises:
        ScopeDenied: the principal lacks the trade scope; nothing was done.
        Refused: a value cannot be used, or the positions are worth more than the key's cap; nothing was done.
        Conflict: a running exit closes one of these positions already; nothing was done.
        JournalUnusable: the request could not be written down anywhere; nothing was done.
    """
    permit(principal, Act.FLATTEN_WINNERS)
    selection = named(selection)
    accounts = covered(principal, desk.accounts, selection)
    await check_symbols(desk, accounts, selection.symbols)
    draft = asked(desk, accounts, Wish(), reason=reason, hold_s=ZERO, wait_s=wait_s)
    found = await find_open(desk, accounts, selection)
    weighed = await _weigh(found.targets, net=net)
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


async def _weigh(targets: Sequence[Target], *, net: bool) -> list[_Weighed]:
    weighed: dict[int, _Weighed] = {}

    async def weigh(number: int, target: Target) -> None:
        weighed[number] = await _net(target) if net else _gross(target)

    async with asyncio.TaskGroup() as group:
        for number, target in enumerate(targets):
            group.create_task(weigh(number, target))
    return [weighed[number] for number in range(len(targets))]


def _gross(target: Target) -> _Weighed:
    return _Weighed(target=target, profit_usd=target.position.unrealized_pnl_usd)


async def _net(target: Target) -> _Weighed:
    position, venue = target.position, target.venue
    profit = position.unrealized_pnl_usd
    if profit is None or profit <= ZERO:
        return _gross(target)
    mark = position.mark_price
    if not isinstance(venue, Quoting) or mark is None or not position.notional_usd:
        return _Weighed(target=target, profit_usd=profit, doubt="the venue tells no cost of closing it")
    try:
        async with asyncio.timeout(QUOTE_S):
            quote = await venue.quote(position, deadline_s=QUOTE_S)
            known: Mapping[tuple[str, str], Instrument] = await venue.instruments(deadline_s=QUOTE_S)
    except (VenueError, TimeoutError) as error:
        why = str(error) or "no answer came in time"
        return _Weighed(target=target, profit_usd=profit, doubt=f"the cost of closing is not known: {why}")
    instrument = known.get((position.category, position.instrument))
    inverse = instrument is not None and instrument.inverse
    direction = Direction.SELL if position.side is Side.LONG else Direction.BUY
    walked = walk(quote.against(direction), position.quantity, inverse=inverse)
    if walked.average_price is None or walked.missing or quote.taker_fee is None:
        return _Weighed(
            target=target, profit_usd=profit, doubt="the order book or the fee that it needs is not known"
        )
    moved = (walked.average_price - mark) / mark
    slippage = position.notional_usd * (moved if position.side is Side.LONG else -moved)
    fee = position.notional_usd * quote.taker_fee
    return _Weighed(target=target, profit_usd=profit, net_usd=round_usd(profit + slippage - fee))


def _kept(one: _Weighed, *, net: bool) -> KeptPosition:
    position = one.target.position
    if not position.closable:
        reason = "bastion reports it and does not close it"
    elif one.profit_usd is None:
        reason = "the venue does not tell its profit"
    elif one.profit_usd <= ZERO:
        reason = "not in profit"
    elif net and one.net_usd is not None:
        reason = "not in profit after fees and slippage"
    else:
        reason = one.doubt or "not in profit"
    return KeptPosition(
        symbol=pair(position.symbol),
        direction=position.side,
        unrealized_pnl_usd=position.unrealized_pnl_usd,
        reason=reason,
        exchange=one.target.venue.account.venue,
        account=one.target.venue.account.name,
        quantity=position.quantity,
        net_pnl_usd=None if one.net_usd is None else Usd(one.net_usd),
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

"""Preview: what an exit, a flatten-winners or a partial close would send and cost now; it sends nothing."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.auth.permit import covered, permit
from bastion.commands.desk import Desk
from bastion.commands.looks import Target
from bastion.commands.positions import UnreadAccount, moment
from bastion.commands.practice import said
from bastion.commands.preview_rules import Meant, Place, hindrances_of, kept_because, order_form, scope_for
from bastion.commands.preview_telling import (
    PreviewAction,
    PreviewKept,
    PreviewLeg,
    PreviewOrder,
    PreviewReport,
    PreviewTotals,
)
from bastion.commands.protective import only
from bastion.commands.readings import AccountReading
from bastion.commands.symbols import nothing_open
from bastion.commands.winners import Weighed, weigh
from bastion.domain.account import Account
from bastion.domain.act import Act
from bastion.domain.book import Quote
from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO, written
from bastion.domain.naming import pair_form
from bastion.domain.order import Direction
from bastion.domain.position import Position
from bastion.domain.principal import Principal
from bastion.domain.protective import HUNDRED, part_of
from bastion.domain.selection import EVERYTHING, Selection
from bastion.domain.symbol import pair, symbol_of
from bastion.errors import Refused, VenueError
from bastion.exits.estimate import Estimate, closing, estimate
from bastion.exits.plan import risk
from bastion.exits.scope import Scope
from bastion.exits.settings import ExitSettings
from bastion.ports import Quoting, Venue

QUOTE_S = 8.0
INSTRUMENTS_S = 5.0
EXIT_PCT_DEFAULT = 50
AT_ONCE, ONCE_GONE = "at once", "once its position is gone"

_log = logging.getLogger(__name__)


async def preview(
    desk: Desk,
    principal: Principal,
    *,
    selection: Selection = EVERYTHING,
    action: str = PreviewAction.EXIT,
    symbol: str | None = None,
    exit_pct: int | None = None,
    net: bool = False,
) -> PreviewReport:
    """Return what the action would send now for each position, and what it is estimated to give.

    The exit price is estimated by walking the live book; where that does not hold the size, there is none.
    Positions that close the same contract in the same direction at one venue share its depth. With `net`,
    winners are those that `flatten_winners` closes with `net`. Nothing is sent but reads.

    Raises:
        ScopeDenied: the principal lacks the read scope, or may only stop.
        SymbolUnknown: a symbol was named that no venue knows.
        PositionNotFound: a partial close was asked for, and nothing of its symbol is open.
        Refused: a value cannot be used, or nothing is covered.
    """
    permit(principal, Act.PREVIEW)
    wanted = _action(action, net=net)
    percent = _percent(wanted, symbol, exit_pct)
    name = pair_form(symbol) if symbol else None
    accounts = covered(principal, desk.accounts, selection)
    narrowed = selection if name is None else only(selection, name)
    names = {account.name for account in accounts}
    at_ns, everything = await desk.readings.recent()
    readings = [reading for reading in everything if reading.venue.account.name in names]
    unread = _unread(readings)
    meant, kept = _meant(readings, await _contracts(readings), narrowed, wanted, percent)
    if name is not None and wanted is PreviewAction.PARTIAL_CLOSE and not meant and not unread:
        seen = [position for reading in readings for position in reading.look.positions]
        raise await nothing_open(desk, accounts, name, seen=seen)
    weighed: Mapping[int, Weighed] = {}
    if net:
        meant, losing, weighed = await _winning(meant)
        kept = (*kept, *losing)
    legs = _with_net(_legs(meant, await _quotes(meant), desk.settings, wanted), weighed)
    cancels = tuple(
        each
        for reading in readings
        for each in _cancels(reading, scope_for(wanted, narrowed, meant, reading.venue.account.name))
    )
    totals = _totals(legs, cancels)
    return PreviewReport(
        summary=said(desk, _summary(wanted, totals, unread)),
        action=wanted,
        sent=False,
        legs=legs,
        cancels=cancels,
        kept=kept,
        totals=totals,
        unread=unread,
        warnings=tuple(warning for reading in readings for warning in reading.warnings),
        read_at=moment(at_ns),
        net=net,
    )


def _action(text: str, *, net: bool) -> PreviewAction:
    try:
        action = PreviewAction(text)
    except ValueError:
        known = ", ".join(PreviewAction)
        raise Refused(f"There is no action {text[:32]!r} to preview; there are {known}.") from None
    if net and action is not PreviewAction.FLATTEN_WINNERS:
        raise Refused("net belongs to the preview of flatten_winners only.")
    return action


def _percent(action: PreviewAction, symbol: str | None, exit_pct: int | None) -> int:
    if action is not PreviewAction.PARTIAL_CLOSE:
        if exit_pct is not None:
            raise Refused("exit_pct belongs to the preview of a partial_close only.")
        return int(HUNDRED)
    if not symbol:
        raise Refused("The preview of a partial_close needs a symbol.")
    percent = EXIT_PCT_DEFAULT if exit_pct is None else exit_pct
    if isinstance(percent, bool) or not 1 <= percent <= HUNDRED:
        raise Refused("exit_pct must be 1 to 100.")
    return percent


def _meant(
    readings: Sequence[AccountReading],
    contracts: Mapping[str, Mapping[tuple[str, str], Instrument]],
    selection: Selection,
    action: PreviewAction,
    percent: int,
) -> tuple[list[Meant], tuple[PreviewKept, ...]]:
    meant: list[Meant] = []
    kept: list[PreviewKept] = []
    for reading in readings:
        account = reading.venue.account
        for position in reading.look.positions:
            if not selection.covers_position(symbol=pair(position.symbol), side=position.side):
                continue
            reason = kept_because(position, action)
            if reason:
                kept.append(_kept(account, position, reason))
                continue
            known = contracts[account.name].get((position.category, position.instrument))
            step = known.quantity_step if known is not None else ZERO
            quantity = position.quantity if percent == HUNDRED else part_of(position.quantity, percent, step)
            meant.append(Meant(reading=reading, position=position, quantity=quantity, instrument=known))
    meant.sort(key=lambda each: risk(each.position))
    return meant, tuple(kept)


def _kept(account: Account, position: Position, reason: str, weighed: Weighed | None = None) -> PreviewKept:
    return PreviewKept(
        symbol=pair(position.symbol),
        direction=position.side,
        exchange=account.venue,
        account=account.name,
        unrealized_pnl_usd=position.unrealized_pnl_usd,
        reason=reason,
        funding_usd=position.funding_usd if weighed is None else weighed.funding_usd,
        net_pnl_usd=None if weighed is None else weighed.net_usd,
    )


async def _winning(
    meant: Sequence[Meant],
) -> tuple[list[Meant], tuple[PreviewKept, ...], Mapping[int, Weighed]]:
    """Return what is in profit net, what is kept, and the reckoning by the place in the first of them."""
    targets = [Target(venue=each.venue, position=each.position) for each in meant]
    weighed = await weigh(targets, net=True)
    pairs = list(zip(meant, weighed, strict=True))
    kept = tuple(
        _kept(each.venue.account, each.position, one.kept_because(net=True), one)
        for each, one in pairs
        if not one.wins(net=True)
    )
    winning = [(each, one) for each, one in pairs if one.wins(net=True)]
    return [each for each, _ in winning], kept, {number: one for number, (_, one) in enumerate(winning)}


def _with_net(legs: Sequence[PreviewLeg], weighed: Mapping[int, Weighed]) -> tuple[PreviewLeg, ...]:
    return tuple(
        replace(leg, funding_usd=weighed[number].funding_usd, net_pnl_usd=weighed[number].net_usd)
        if number in weighed
        else leg
        for number, leg in enumerate(legs)
    )


async def _contracts(
    readings: Sequence[AccountReading],
) -> Mapping[str, Mapping[tuple[str, str], Instrument]]:
    found: dict[str, Mapping[tuple[str, str], Instrument]] = {}

    async def read(venue: Venue) -> None:
        try:
            found[venue.account.name] = await venue.instruments(deadline_s=INSTRUMENTS_S)
        except VenueError:
            found[venue.account.name] = {}

    async with asyncio.TaskGroup() as group:
        for reading in readings:
            group.create_task(read(reading.venue))
    return found


async def _quotes(meant: Sequence[Meant]) -> Mapping[Place, Quote | str]:
    quotes: dict[Place, Quote | str] = {}

    async def ask(each: Meant) -> None:
        quotes[each.place] = await _quote(each)

    async with asyncio.TaskGroup() as group:
        for each in {each.place: each for each in meant}.values():
            group.create_task(ask(each))
    return quotes


async def _quote(each: Meant) -> Quote | str:
    if not isinstance(each.venue, Quoting):
        return f"no estimate: bastion does not read the book at {each.venue.account.venue}"
    try:
        return await each.venue.quote(each.position, deadline_s=QUOTE_S)
    except VenueError as error:
        return f"no estimate: the book could not be read ({error})"
    except Exception as error:  # noqa: BLE001 - a bulkhead: one book's surprise fails no other's estimate
        _log.exception("Reading a book of %s failed.", each.venue.account.name)
        return f"no estimate: unexpected {type(error).__name__}"


def _legs(
    meant: Sequence[Meant],
    quotes: Mapping[Place, Quote | str],
    settings: ExitSettings,
    action: PreviewAction,
) -> tuple[PreviewLeg, ...]:
    taken: dict[tuple[str, str, str, str, Direction], Decimal] = {}
    legs: list[PreviewLeg] = []
    for each in meant:
        account, position = each.venue.account, each.position
        quote = quotes[each.place]
        found: Estimate | None = None
        if isinstance(quote, Quote):
            # Accounts of one venue meet the same book.
            book = (
                account.venue,
                account.base_url or "",
                position.category,
                position.instrument,
                closing(position),
            )
            before = taken.get(book, ZERO)
            found = estimate(position, each.quantity, quote, each.instrument, taken=before)
            taken[book] = before + each.quantity
        legs.append(_leg(each, quote, found, settings, action))
    return tuple(legs)


def _leg(
    each: Meant, quote: Quote | str, found: Estimate | None, settings: ExitSettings, action: PreviewAction
) -> PreviewLeg:
    position, account = each.position, each.venue.account
    form, sizes = order_form(each, settings, action)
    sent = sum(sizes, ZERO)
    hindrances = list(hindrances_of(each, action))
    if isinstance(quote, str):
        hindrances.append(quote)
    elif found is not None and found.missing > ZERO:
        hindrances.append(
            f"the book does not hold the size: {written(found.missing)} of {written(each.quantity)} "
            "find nobody"
        )
    part = each.quantity / position.quantity
    return PreviewLeg(
        symbol=pair(position.symbol),
        direction=position.side,
        exchange=account.venue,
        account=account.name,
        order_form=form,
        orders=len(sizes),
        quantity=sent,
        remaining_qty=position.quantity - sent,
        current_price=position.mark_price,
        estimated_exit_price=found.exit_price if found is not None else None,
        unfilled_qty=found.missing if found is not None else None,
        slippage_usd=found.slippage_usd if found is not None else None,
        fees_usd=found.fees_usd if found is not None else None,
        estimated_realized_pnl_usd=found.pnl_usd if found is not None else None,
        notional_usd=None if position.notional_usd is None else position.notional_usd * part,
        hindrances=tuple(hindrances),
        funding_usd=position.funding_usd,
    )


def _cancels(reading: AccountReading, scope: Scope) -> tuple[PreviewOrder, ...]:
    account = reading.venue.account
    return tuple(
        PreviewOrder(
            symbol=symbol_of(order),
            exchange=account.venue,
            account=account.name,
            order_id=order.order_id,
            order_direction=order.direction,
            quantity=order.quantity,
            conditional=order.conditional,
            reduce_only=order.reduce_only,
            when=AT_ONCE if scope.at_once(order) else ONCE_GONE,
        )
        for order in reading.look.orders
        if order.closable and scope.covers(order)
    )


def _unread(readings: Sequence[AccountReading]) -> tuple[UnreadAccount, ...]:
    return tuple(
        UnreadAccount(
            exchange=reading.venue.account.venue,
            account=reading.venue.account.name,
            part=part.part,
            reason=part.reason,
        )
        for reading in readings
        for part in reading.look.unread
    )


def _totals(legs: Sequence[PreviewLeg], cancels: Sequence[PreviewOrder]) -> PreviewTotals:
    def total(figures: Iterable[Decimal | None]) -> Decimal:
        return sum((figure for figure in figures if figure is not None), ZERO)

    return PreviewTotals(
        positions=len(legs),
        orders_to_send=sum(leg.orders for leg in legs),
        orders_to_cancel=len(cancels),
        not_estimated=sum(leg.estimated_realized_pnl_usd is None for leg in legs),
        notional_usd=total(leg.notional_usd for leg in legs),
        slippage_usd=total(leg.slippage_usd for leg in legs),
        fees_usd=total(leg.fees_usd for leg in legs),
        estimated_realized_pnl_usd=total(leg.estimated_realized_pnl_usd for leg in legs),
    )


def _summary(action: PreviewAction, totals: PreviewTotals, unread: Sequence[UnreadAccount]) -> str:
    noun = "position" if totals.positions == 1 else "positions"
    sentence = (
        f"PREVIEW, nothing sent: {action.value} would close {totals.positions} {noun} with "
        f"{totals.orders_to_send} order(s) and cancel {totals.orders_to_cancel}; estimated PnL "
        f"{totals.estimated_realized_pnl_usd:,.2f} USD, slippage {totals.slippage_usd:,.2f}, fees "
        f"{totals.fees_usd:,.2f}"
    )
    if totals.not_estimated:
        sentence += f"; {totals.not_estimated} NOT estimated"
    if unread:
        sentence += f"; NOT READ: {', '.join(sorted({part.account for part in unread}))}"
    return sentence + "."

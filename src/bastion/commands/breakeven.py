"""Breakeven: move the stops of profitable positions to their entry, and say which were left and why."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from bastion.auth.permit import covered, permit, within_cap
from bastion.commands.desk import Desk
from bastion.commands.looks import Target, find_open
from bastion.commands.protective import exit_warnings, notes, only, place_all, total_notional
from bastion.commands.protective_telling import (
    BreakevenReport,
    MovedStop,
    ProtectiveError,
    ProtectiveLeg,
    SkippedStop,
    next_step,
)
from bastion.commands.protective_work import (
    READ_S,
    Instruments,
    Prepared,
    failure,
    instruments_of,
    prepare,
    previous_of,
)
from bastion.commands.symbols import nothing_open
from bastion.domain.act import Act
from bastion.domain.money import ZERO, written
from bastion.domain.naming import pair_form
from bastion.domain.position import Position, Side
from bastion.domain.principal import Principal
from bastion.domain.protective import HUNDRED, PERCENT, Protection
from bastion.domain.selection import EVERYTHING, Selection
from bastion.domain.symbol import pair
from bastion.errors import Refused, VenueError
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Left:
    """A position whose stop is left as it is; `error` where that is for a failure."""

    target: Target
    reason: str
    error: ProtectiveError | None = None


async def move_to_breakeven(
    desk: Desk, principal: Principal, *, symbol: str | None = None, selection: Selection = EVERYTHING
) -> BreakevenReport:
    """Put the stop of every covered position that is in profit at its entry price, fees not counted.

    A position is in profit when its unrealised PnL at the mark is above zero. One that is not, or whose stop
    is at entry or better already, is skipped with the reason; that is no error. `symbol` None or empty means
    all. The entry is rounded to the venue's tick, towards the market. The earlier stop stays until the new
    one stands.

    Raises:
        ScopeDenied: the principal may not; nothing was done.
        SymbolUnknown: a symbol was named that no venue knows.
        PositionNotFound: a symbol was named of which nothing is open where this covers.
        Refused: a value cannot be used; nothing was done.
    """
    permit(principal, Act.BREAKEVEN)
    name = pair_form(symbol) if symbol else None
    accounts = covered(principal, desk.accounts, selection)
    wanted = selection if name is None else only(selection, name)
    found = await find_open(desk, accounts, wanted)
    if name is not None and not found.targets and not found.unread:
        raise await nothing_open(desk, accounts, name, seen=found.seen)
    instruments = await instruments_of(found.targets)
    act_id = desk.new_exit_id()
    ready: list[Prepared] = []
    left: list[_Left] = []
    for judged in await _judge_all(found.targets, instruments, act_id):
        if isinstance(judged, Prepared):
            ready.append(judged)
        else:
            left.append(judged)
    within_cap(principal, Act.BREAKEVEN, total_notional(ready))
    legs, errors = await place_all(desk, principal, ready, act_id)
    failures = (*(each.error for each in left if each.error is not None), *errors)
    moved = tuple(_moved(leg, ready) for leg in legs)
    skipped = (*(_skipped(each) for each in left), *(_failed(error) for error in errors))
    return BreakevenReport(
        summary=_summary(moved, skipped, failures),
        success=not failures and not found.unread,
        moved=moved,
        skipped=skipped,
        total_moved=len(moved),
        total_skipped=len(skipped),
        errors=failures,
        unread=found.unread,
        next_step=next_step(failures, found.unread),
        warnings=(*exit_warnings(desk), *notes(legs)),
    )


async def _judge_all(
    targets: Sequence[Target], instruments: Mapping[str, Instruments], act_id: str
) -> list[Prepared | _Left]:
    judged: dict[int, Prepared | _Left] = {}

    async def one(number: int, target: Target) -> None:
        judged[number] = await _judge(target, instruments, act_id)

    async with asyncio.TaskGroup() as group:
        for number, target in enumerate(targets):
            group.create_task(one(number, target))
    return [judged[number] for number in range(len(targets))]


async def _judge(target: Target, instruments: Mapping[str, Instruments], act_id: str) -> Prepared | _Left:
    position = target.position
    if position.entry_price is None or position.mark_price is None:
        return _Left(target=target, reason="the venue gives no entry price or no mark price")
    if not _in_profit(position):
        return _Left(target=target, reason="not in profit")
    try:
        ready = prepare(
            target,
            instruments[target.venue.account.name],
            kind=Protection.STOP_LOSS,
            price=position.entry_price,
            exit_pct=0,
            act_id=act_id,
        )
    except Refused as error:
        return _Left(target=target, reason=str(error))
    try:
        standing = await ready.protecting.protections(position, deadline_s=READ_S)
    except VenueError as error:
        told = failure(target, code=error.code or "EXCHANGE_ERROR", message=str(error))
        return _Left(target=target, reason=f"its stops could not be read: {error}", error=told)
    stop = previous_of(ready.request, standing)
    if stop is not None:
        gain = stop.trigger_price - ready.request.trigger_price
        if (gain if position.side is Side.LONG else -gain) >= ZERO:
            return _Left(
                target=target,
                reason=f"the stop at {written(stop.trigger_price)} is at entry or better already",
            )
    return ready


def _in_profit(position: Position) -> bool:
    if position.unrealized_pnl_usd is not None:
        return position.unrealized_pnl_usd > ZERO
    return _move_pct(position) > ZERO


def _move_pct(position: Position) -> Decimal:
    entry, mark = position.entry_price, position.mark_price
    if not entry or mark is None:
        return ZERO
    move = mark - entry if position.side is Side.LONG else entry - mark
    return (move / entry * HUNDRED).quantize(PERCENT, ROUND_HALF_EVEN)


def _moved(leg: ProtectiveLeg, ready: Sequence[Prepared]) -> MovedStop:
    position = next(
        each.request.position
        for each in ready
        if (each.target.venue.account.name, pair(each.request.position.symbol), each.request.position.side)
        == (leg.account, leg.symbol, leg.direction)
    )
    return MovedStop(
        symbol=leg.symbol,
        direction=leg.direction,
        previous_stop=leg.previous_price,
        new_stop=leg.trigger_price,
        unrealized_pnl_pct=_move_pct(position),
        exchange=leg.exchange,
        account=leg.account,
        order_id=leg.order_id,
    )


def _skipped(left: _Left) -> SkippedStop:
    return SkippedStop(
        symbol=pair(left.target.position.symbol),
        reason=left.reason,
        direction=left.target.position.side,
        exchange=left.target.venue.account.venue,
        account=left.target.venue.account.name,
    )


def _failed(error: ProtectiveError) -> SkippedStop:
    return SkippedStop(
        symbol=error.symbol,
        reason=f"the venue did not take it: {error.message}",
        direction=error.direction,
        exchange=error.exchange,
        account=error.account,
    )


def _summary(
    moved: Sequence[MovedStop], skipped: Sequence[SkippedStop], failures: Sequence[ProtectiveError]
) -> str:
    noun = "stop" if len(moved) == 1 else "stops"
    sentence = f"{len(moved)} {noun} moved to entry, {len(skipped)} left as they are"
    if failures:
        sentence += f", {len(failures)} of them since a venue failed"
    return sentence + "."

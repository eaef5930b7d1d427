"""Protective: set a stop loss or a take profit, and move stops to entry. Nothing here can open a position."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.auth.permit import covered, permit, within_cap
from bastion.commands.desk import Desk
from bastion.commands.looks import find_open
from bastion.commands.positions import UnreadAccount
from bastion.commands.protective_telling import (
    ProtectiveError,
    ProtectiveLeg,
    StopLossReport,
    TakeProfitReport,
    next_step,
)
from bastion.commands.protective_work import (
    Prepared,
    answered,
    failure,
    first_refusal,
    instruments_of,
    intents,
    place,
    prepare,
)
from bastion.commands.symbols import nothing_open
from bastion.domain.act import Act
from bastion.domain.money import ZERO, written
from bastion.domain.naming import pair_form
from bastion.domain.principal import Principal
from bastion.domain.protective import Protection
from bastion.domain.selection import EVERYTHING, Selection
from bastion.errors import JournalUnusable, Refused
from bastion.shape import dataclass

PERCENT_MAX = 100

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    symbol: str
    price: Decimal
    legs: tuple[ProtectiveLeg, ...]
    errors: tuple[ProtectiveError, ...]
    unread: tuple[UnreadAccount, ...]
    warnings: tuple[str, ...]

    @property
    def success(self) -> bool:
        return bool(self.legs) and not self.errors and not self.unread


async def set_take_profit(
    desk: Desk,
    principal: Principal,
    *,
    symbol: str,
    tp_price: Decimal,
    exit_pct: int = 0,
    selection: Selection = EVERYTHING,
) -> TakeProfitReport:
    """Close the symbol's positions at market once the mark price reaches `tp_price` in their favour.

    `exit_pct` 0 (or 100) closes all of each position and replaces an earlier take profit that does; 1 to 99
    closes that part, rounded down to the lot step, beside other parts; only one at the same price is
    replaced. The earlier order stays until the new one stands.

    Raises:
        ScopeDenied: the principal may not; nothing was done.
        SymbolUnknown: no venue knows the symbol.
        PositionNotFound: no position of it is open where this covers.
        WrongSide: it would fire at once for every position; nothing was changed.
        Refused: a value cannot be used; nothing was done.
    """
    permit(principal, Act.TAKE_PROFIT)
    if isinstance(exit_pct, bool) or not 0 <= exit_pct <= PERCENT_MAX:
        raise Refused("exit_pct must be 0 (the whole position) or 1 to 100. Nothing was done.")
    done = await _protect(
        desk,
        principal,
        Act.TAKE_PROFIT,
        symbol=symbol,
        price=tp_price,
        exit_pct=exit_pct,
        selection=selection,
    )
    first = done.legs[0] if done.legs else None
    return TakeProfitReport(
        summary=_summary(done, "take profit"),
        success=done.success,
        symbol=done.symbol,
        tp_price=first.trigger_price if first else done.price,
        exit_pct=exit_pct,
        current_price=first.current_price if first else None,
        distance_pct=first.distance_pct if first else None,
        order_id=first.order_id if first else None,
        replaced=tuple(each for leg in done.legs for each in leg.replaced),
        kept=tuple(each for leg in done.legs for each in leg.kept),
        legs=done.legs,
        errors=done.errors,
        unread=done.unread,
        next_step=next_step(done.errors, done.unread),
        warnings=done.warnings,
    )


async def set_stop_loss(
    desk: Desk,
    principal: Principal,
    *,
    symbol: str,
    sl_price: Decimal,
    selection: Selection = EVERYTHING,
) -> StopLossReport:
    """Close the symbol's positions at market once the mark price reaches `sl_price` against them.

    It closes all of each position and replaces an earlier stop that does; stops for a part stay. The earlier
    stop stays until the new one stands.

    Raises:
        ScopeDenied: the principal may not; nothing was done.
        SymbolUnknown: no venue knows the symbol.
        PositionNotFound: no position of it is open where this covers.
        WrongSide: it would fire at once for every position; nothing was changed.
        Refused: a value cannot be used; nothing was done.
    """
    permit(principal, Act.STOP_LOSS)
    done = await _protect(
        desk, principal, Act.STOP_LOSS, symbol=symbol, price=sl_price, exit_pct=0, selection=selection
    )
    first = done.legs[0] if done.legs else None
    return StopLossReport(
        summary=_summary(done, "stop loss"),
        success=done.success,
        symbol=done.symbol,
        sl_price=first.trigger_price if first else done.price,
        previous_sl=first.previous_price if first else None,
        current_price=first.current_price if first else None,
        distance_pct=first.distance_pct if first else None,
        order_id=first.order_id if first else None,
        replaced=tuple(each for leg in done.legs for each in leg.replaced),
        kept=tuple(each for leg in done.legs for each in leg.kept),
        legs=done.legs,
        errors=done.errors,
        unread=done.unread,
        next_step=next_step(done.errors, done.unread),
        warnings=done.warnings,
    )


async def place_all(
    desk: Desk, principal: Principal, prepared: Sequence[Prepared], act_id: str
) -> tuple[tuple[ProtectiveLeg, ...], tuple[ProtectiveError, ...]]:
    """Write all legs down, then place them at once, to their end even when the caller goes away meanwhile.

    Raises:
        JournalUnusable: they could not be written down anywhere; nothing was sent.
    """
    if not prepared:
        return (), ()
    ordered = await desk.outlive(_place_all(desk, principal, prepared, act_id))
    return (
        tuple(each for each in ordered if isinstance(each, ProtectiveLeg)),
        tuple(each for each in ordered if isinstance(each, ProtectiveError)),
    )


async def _place_all(
    desk: Desk, principal: Principal, prepared: Sequence[Prepared], act_id: str
) -> list[ProtectiveLeg | ProtectiveError]:
    results: dict[int, ProtectiveLeg | ProtectiveError] = {}

    async def one(number: int, each: Prepared) -> None:
        results[number] = await place(desk, each)

    await desk.journal.append(intents(prepared, principal, act_id))
    async with asyncio.TaskGroup() as group:
        for number, each in enumerate(prepared):
            group.create_task(one(number, each))
    desk.readings.forget()
    ordered = [results[number] for number in range(len(prepared))]
    told = [answered(each, result, act_id) for each, result in zip(prepared, ordered, strict=True)]
    try:
        await desk.journal.append(told)
    except JournalUnusable:
        # The orders stand; that their answers are not written down changes nothing about them.
        _log.exception("The answers to protective orders could not be written down.")
    return ordered


def exit_warnings(desk: Desk) -> tuple[str, ...]:
    """Return what is to be said while an exit is at work: it sweeps protective orders at its end."""
    running = desk.running()
    if running is None:
        return ()
    text = (
        f"The exit {running.exit_id} is at work; it takes away what protects a position once that is closed."
    )
    return (text,)


async def _protect(
    desk: Desk,
    principal: Principal,
    act: Act,
    *,
    symbol: str,
    price: Decimal,
    exit_pct: int,
    selection: Selection,
) -> _Outcome:
    name = pair_form(symbol)
    if not price.is_finite() or price <= ZERO:
        raise Refused("The trigger price must be a number above zero. Nothing was done.")
    accounts = covered(principal, desk.accounts, selection)
    found = await find_open(desk, accounts, only(selection, name))
    if not found.targets and not found.unread:
        raise await nothing_open(desk, accounts, name, seen=found.seen)
    kind = Protection.TAKE_PROFIT if act is Act.TAKE_PROFIT else Protection.STOP_LOSS
    instruments = await instruments_of(found.targets)
    act_id = desk.new_exit_id()
    prepared: list[Prepared] = []
    refused: list[tuple[Refused, ProtectiveError]] = []
    for target in found.targets:
        try:
            leg = prepare(
                target,
                instruments[target.venue.account.name],
                kind=kind,
                price=price,
                exit_pct=exit_pct,
                act_id=act_id,
            )
        except Refused as error:
            refused.append((error, failure(target, code=error.code, message=str(error))))
        else:
            prepared.append(leg)
    if found.targets and not prepared:
        raise first_refusal([error for error, _ in refused])
    within_cap(principal, act, total_notional(prepared))
    legs, errors = await place_all(desk, principal, prepared, act_id)
    return _Outcome(
        symbol=name,
        price=price,
        legs=legs,
        errors=(*(each for _, each in refused), *errors),
        unread=found.unread,
        warnings=(*exit_warnings(desk), *notes(legs)),
    )


def total_notional(prepared: Sequence[Prepared]) -> Decimal | None:
    """Return what all of these would close together, None where one of them is not known."""
    figures = [each.notional_usd for each in prepared]
    known = [figure for figure in figures if figure is not None]
    return sum(known, ZERO) if len(known) == len(figures) else None


def only(selection: Selection, symbol: str) -> Selection:
    """Return the selection narrowed to one symbol; what it leaves out stays left out.

    Raises:
        Refused: the selection names symbols, and this is none of them.
    """
    if selection.symbols and symbol not in selection.symbols:
        raise Refused(f"The selection names other symbols than {symbol}. Nothing was done.")
    return replace(selection, symbols=frozenset({symbol}))


def notes(legs: Sequence[ProtectiveLeg]) -> tuple[str, ...]:
    """Return the legs' notes, each with its position's name."""
    return tuple(
        f"{leg.symbol} {leg.direction.value} on {leg.account}: {leg.note}." for leg in legs if leg.note
    )


def _summary(done: _Outcome, word: str) -> str:
    if not done.legs:
        sentence = f"NO {word} was set for {done.symbol}"
    else:
        first = done.legs[0]
        where = ", ".join(f"{leg.direction.value} on {leg.account}" for leg in done.legs)
        sentence = f"The {word} of {done.symbol} ({where}) stands at {written(first.trigger_price)}"
    if done.errors:
        sentence += f"; {len(done.errors)} NOT set"
    if done.unread:
        sentence += f"; NOT READ: {', '.join(sorted({part.account for part in done.unread}))}"
    return sentence + "."

"""Protective work: one position's stop loss or take profit, checked, placed and told."""

import asyncio
import base64
import hashlib
import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal

from bastion.commands.desk import Desk
from bastion.commands.looks import Target
from bastion.commands.protective_telling import (
    ProtectiveError,
    ProtectiveLeg,
    shown,
    shown_id,
)
from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO, written
from bastion.domain.position import Position
from bastion.domain.principal import Principal
from bastion.domain.protective import (
    HUNDRED,
    Protection,
    ProtectiveOrder,
    ProtectiveRequest,
    distance_pct,
    fires_at_once,
    fires_rising,
    first_to_fire,
    part_of,
    replaced_by,
    safe_trigger,
)
from bastion.domain.records import ProtectionAnswered, ProtectionIntended
from bastion.domain.symbol import pair
from bastion.errors import PositionNotFound, Refused, VenueError, WrongSide
from bastion.ports import Protecting, Venue
from bastion.shape import dataclass

INSTRUMENTS_S = 5.0
READ_S = 5.0
PLACE_S = 15.0
ID_PREFIX = "bsp"
ID_LENGTH = 24

_log = logging.getLogger(__name__)
_WORDS = {Protection.STOP_LOSS: "stop", Protection.TAKE_PROFIT: "take profit"}

Instruments = Mapping[tuple[str, str], Instrument]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One leg that may be placed."""

    target: Target
    protecting: Protecting
    request: ProtectiveRequest

    @property
    def notional_usd(self) -> Decimal | None:
        """What the order would close at the mark, None where the venue did not say."""
        position = self.target.position
        if position.notional_usd is None or self.request.quantity is None:
            return position.notional_usd
        return position.notional_usd * self.request.quantity / position.quantity


async def instruments_of(targets: Sequence[Target]) -> Mapping[str, Instruments]:
    """Return each account's contracts, by account name; empty where the venue did not give them."""
    venues = {target.venue.account.name: target.venue for target in targets}
    found: dict[str, Instruments] = {}

    async def read(name: str, venue: Venue) -> None:
        try:
            found[name] = await venue.instruments(deadline_s=INSTRUMENTS_S)
        except VenueError:
            found[name] = {}

    async with asyncio.TaskGroup() as group:
        for name, venue in venues.items():
            group.create_task(read(name, venue))
    return found


def client_id(act_id: str, account: str, position: Position, kind: Protection) -> str:
    """Return the id of one protective order: 24 characters, alphanumeric, derived from the act."""
    name = "|".join((act_id, account, *position.key, position.position_id, kind.value))
    digest = hashlib.sha256(name.encode()).digest()
    return (ID_PREFIX + base64.b32encode(digest).decode("ascii").lower())[:ID_LENGTH]


def prepare(
    target: Target,
    instruments: Instruments,
    *,
    kind: Protection,
    price: Decimal,
    exit_pct: int,
    act_id: str,
) -> Prepared:
    """Return the order to place for one position; nothing is sent.

    Raises:
        WrongSide: it would fire at once.
        Refused: the venue has no such orders, or the part is below its minimum.
    """
    position, account = target.position, target.venue.account
    name = f"{pair(position.symbol)} {position.side.value} on {account.name}"
    if not isinstance(target.venue, Protecting):
        raise Refused(
            f"{name}: bastion places no {_WORDS[kind]} orders at {account.venue}. Nothing was done there."
        )
    if not position.closable:
        raise Refused(f"{name}: bastion reports this position and places no orders for it.")
    known = instruments.get((position.category, position.instrument))
    rising = fires_rising(kind, position.side)
    trigger = safe_trigger(rising=rising, price=price, tick=known.price_tick if known is not None else ZERO)
    mark = position.mark_price
    if trigger <= ZERO:
        raise Refused(f"{name}: a trigger price must be above zero.")
    if mark is not None and fires_at_once(rising=rising, trigger=trigger, mark=mark):
        relation = "above" if rising else "below"
        raise WrongSide(
            f"{name}: a {_WORDS[kind]} must be {relation} the mark price of {written(mark)}; "
            f"{written(trigger)} would fire at once. Nothing was changed."
        )
    quantity = None
    if 0 < exit_pct < HUNDRED:
        quantity = part_of(position.quantity, exit_pct, known.quantity_step if known is not None else ZERO)
        least = known.quantity_min if known is not None else ZERO
        if quantity == ZERO or quantity < least:
            raise Refused(
                f"{name}: {exit_pct} % of {written(position.quantity)} is below the venue's minimum of "
                f"{written(least)}. Name a larger part. Nothing was done there."
            )
    request = ProtectiveRequest(
        client_order_id=client_id(act_id, account.name, position, kind),
        position=position,
        kind=kind,
        trigger_price=trigger,
        quantity=quantity,
    )
    return Prepared(target=target, protecting=target.venue, request=request)


async def place(desk: Desk, prepared: Prepared) -> ProtectiveLeg | ProtectiveError:
    """Place one leg, behind a bulkhead: whatever goes wrong there is that leg's own error."""
    account = prepared.target.venue.account
    try:
        async with desk.turns[account.name]:
            return await _place(prepared)
    except WrongSide as error:
        return failure(prepared.target, code=error.code, message=f"{error} Nothing was changed.")
    except Refused as error:
        return failure(prepared.target, code=error.code, message=str(error))
    except VenueError as error:
        return failure(prepared.target, code=error.code or "EXCHANGE_ERROR", message=str(error))
    except Exception as error:  # noqa: BLE001 - a bulkhead: one leg's surprise stops no other leg
        _log.exception("Protecting a position of %s failed.", account.name)
        return failure(prepared.target, code="INTERNAL", message=f"unexpected {type(error).__name__}")


def failure(target: Target, *, code: str, message: str) -> ProtectiveError:
    """Return what is told of a leg that did not come about."""
    return ProtectiveError(
        symbol=pair(target.position.symbol),
        direction=target.position.side,
        exchange=target.venue.account.venue,
        account=target.venue.account.name,
        code=code,
        message=message,
    )


async def _place(prepared: Prepared) -> ProtectiveLeg:
    request = prepared.request
    position, account = request.position, prepared.target.venue.account
    standing = await prepared.protecting.protections(position, deadline_s=READ_S)
    replaces = replaced_by(request, standing)
    done = await prepared.protecting.protect(request, replaces=replaces, deadline_s=PLACE_S)
    kept = (
        *(each for each in standing if each.kind is request.kind and each not in replaces),
        *done.left,
    )
    mark = position.mark_price
    previous = previous_of(request, standing)
    return ProtectiveLeg(
        exchange=account.venue,
        account=account.name,
        symbol=pair(position.symbol),
        direction=position.side,
        trigger_price=done.order.trigger_price,
        previous_price=previous.trigger_price if previous is not None else None,
        quantity=None if done.order.whole else done.order.quantity,
        current_price=mark,
        distance_pct=None if mark is None else distance_pct(done.order.trigger_price, mark),
        order_id=shown_id(done.order),
        replaced=shown(done.replaced),
        kept=shown(kept),
        note=done.note,
    )


def previous_of(request: ProtectiveRequest, standing: Sequence[ProtectiveOrder]) -> ProtectiveOrder | None:
    """Return the standing order of that kind that closes all of the position and that fires first."""
    whole = [each for each in standing if each.kind is request.kind and each.covers(request.position)]
    return first_to_fire(whole, rising=request.rising)


def intents(
    prepared: Sequence[Prepared], principal: Principal, act_id: str
) -> tuple[ProtectionIntended, ...]:
    """Return what is written down before the first of these orders leaves."""
    return tuple(
        ProtectionIntended(
            exit_id=act_id,
            account=each.target.venue.account.name,
            client_order_id=each.request.client_order_id,
            position=each.request.position,
            kind=each.request.kind,
            trigger_price=each.request.trigger_price,
            quantity=each.request.quantity,
            principal=principal.id,
            surface=principal.surface,
        )
        for each in prepared
    )


def answered(each: Prepared, result: ProtectiveLeg | ProtectiveError, act_id: str) -> ProtectionAnswered:
    """Return what is written down of one leg's outcome."""
    leg = result if isinstance(result, ProtectiveLeg) else None
    error = result if isinstance(result, ProtectiveError) else None
    return ProtectionAnswered(
        exit_id=act_id,
        account=result.account,
        client_order_id=each.request.client_order_id,
        order_id=leg.order_id if leg is not None else "",
        replaced=tuple(old.order_id for old in leg.replaced) if leg is not None else (),
        code=error.code if error is not None else "",
        message=error.message if error is not None else leg.note if leg is not None else "",
    )


def first_refusal(refusals: Sequence[Refused]) -> Refused:
    """Return the refusal to raise where no position can be protected as asked: a wrong side before others."""
    for refusal in refusals:
        if isinstance(refusal, WrongSide):
            return refusal
    return refusals[0] if refusals else PositionNotFound("No such position is open here. Nothing was done.")

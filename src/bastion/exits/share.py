"""Share: what of a record about an account is one exit's business, in that exit's own words; pure."""

from dataclasses import replace

from bastion.domain.asked import VenueAsked
from bastion.domain.balance import CollateralRead
from bastion.domain.order import OpenOrder
from bastion.domain.position import Position
from bastion.domain.records import (
    CancelsAnswered,
    FillsRead,
    OrderAnswered,
    OrderResolved,
    Record,
    RoundIntended,
    SecondSourceRead,
    Troubled,
)
from bastion.exits.progress import Leg


def own_share(record: Record, leg: Leg, *, run: int) -> Record | None:
    """Return the record as the leg's exit keeps it, or None where nothing of it is its business."""
    exit_id = leg.exit_id
    own: Record | None = None
    match record:
        case RoundIntended():
            own = _intended(record, leg, run=run)
        case OrderAnswered() | OrderResolved() if record.client_order_id in leg.sent:
            own = replace(record, exit_id=exit_id)
        case CancelsAnswered():
            answers = tuple(one for one in record.answers if _covers(leg, one.order))
            own = replace(record, exit_id=exit_id, answers=answers) if answers else None
        case FillsRead() if leg.books or leg.epochs:
            new = tuple(
                fill
                for fill in record.fills
                if (fill.category, fill.instrument, fill.fill_id) not in leg.fills
            )
            own = replace(record, exit_id=exit_id, run=run, fills=new)
        case CollateralRead() | VenueAsked():
            own = replace(record, exit_id=exit_id, run=run)
        case SecondSourceRead() if _asked_for(leg, record.position):
            own = replace(record, exit_id=exit_id, run=run)
        case Troubled():
            own = replace(record, exit_id=exit_id)
        case _:
            pass
    return own


def _asked_for(leg: Leg, told: Position) -> bool:
    # Of a contract that is netted, what is held the other way round answers who asked for this side.
    other = replace(told, side=told.side.other)
    return leg.sight.means(told) or (not told.hedged and leg.sight.means(other))


def _intended(record: RoundIntended, leg: Leg, *, run: int) -> RoundIntended | None:
    own = replace(
        record,
        exit_id=leg.exit_id,
        run=run,
        orders=tuple(request for request in record.orders if leg.sight.means(request.position)),
        cancels=tuple(order for order in record.cancels if _covers(leg, order)),
        clears=tuple(order for order in record.clears if _covers(leg, order)),
    )
    if own.orders or own.cancels or own.clears:
        return own
    # The ids of its orders bear this exit's name: it keeps the round's number, so that none is used again.
    named = record.orders and record.exit_id == leg.exit_id
    return replace(own, why=()) if named else None


def _covers(leg: Leg, order: OpenOrder) -> bool:
    return leg.sight.covers(order) or order.client_order_id in leg.sent

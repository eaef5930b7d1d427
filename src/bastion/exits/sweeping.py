"""Sweeping: what can be done before the next look, from what the venue has already said; pure."""

from bastion.domain.look import Look
from bastion.domain.money import ZERO
from bastion.domain.order import OrderStatus
from bastion.domain.position import Position
from bastion.domain.records import RoundIntended
from bastion.exits.books import Sent, book_key
from bastion.exits.pace import Pace
from bastion.exits.plan import Act
from bastion.exits.progress import Leg
from bastion.exits.resolve import by_position


def worth_acting_on(look: Look) -> bool:
    """Return whether a look of a moment ago shows what can be closed, and says of when it is."""
    return look.venue_time_ms is not None and any(position.closable for position in look.positions)


def nothing_to_close(look: Look | None) -> bool:
    """Return whether a look shows no position that an order of ours could close."""
    return look is not None and not any(position.closable for position in look.positions)


def sweep_ahead(leg: Leg, pace: Pace, *, since_ns: int) -> Act | None:
    """Return the sweep of what rests where the venue has just said that our orders closed everything.

    The venue's own answers (filled, for the whole size) stand for a look here: stops stay until their
    position is closed (law 8), and then no longer. None while anything is open, under way, refused or not
    known, where an order was seen that could have grown one of the positions, where what was seen was tried
    to be cancelled already, and where the look began before `since_ns` (monotonic): a position may have grown
    since, and the orders closed what it was. The next look decides.
    """
    look = leg.look
    if look is None or look.begun_ns < since_ns:
        return None
    if pace.in_flight or not leg.sight.whole or not look.positions:
        return None
    orders = by_position(leg)
    if not all(
        _closed(leg, position, orders.get(position.key, []), pace, look) for position in look.positions
    ):
        return None
    left = tuple(order for order in look.orders if order.key not in leg.cancelled)
    if not left or any(not order.closable or order.key in pace.cancel_tries for order in left):
        return None
    return Act(
        intent=RoundIntended(
            exit_id=leg.exit_id,
            account=leg.account.name,
            run=leg.run,
            round=leg.rounds + 1,
            cancels=left,
        ),
        sweep=True,
    )


def _closed(leg: Leg, position: Position, sent: list[Sent], pace: Pace, look: Look) -> bool:
    book = leg.books.get(book_key(position))
    if not position.closable or not sent or book is None or book.threat:
        return False
    newest = max(order.round for order in sent)
    # What an order filled before the look is not in it; only what left after it counts.
    latest = [order for order in sent if order.round == newest]
    if any(pace.begun_ns.get(order.request.client_order_id, 0) < look.ended_ns for order in latest):
        return False
    if any(order.state is None or order.state.status is not OrderStatus.FILLED for order in latest):
        return False
    return sum((order.filled for order in latest), ZERO) >= position.quantity

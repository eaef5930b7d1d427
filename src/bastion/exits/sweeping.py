"""Sweeping: what can be done before the next look, from what the venue has already said; pure."""

from bastion.domain.look import Look
from bastion.domain.money import ZERO
from bastion.domain.order import OpenOrder, OrderStatus
from bastion.domain.position import Position
from bastion.domain.records import Outcome, RoundIntended
from bastion.errors import Fault
from bastion.exits.books import Sent, book_key, signed, tally
from bastion.exits.pace import CANCELLING, Pace, nanoseconds
from bastion.exits.plan import Act
from bastion.exits.progress import Leg
from bastion.exits.resolve import by_position
from bastion.exits.settings import ExitSettings
from bastion.exits.verdict import ORDERS, Standing


def worth_acting_on(look: Look) -> bool:
    """Return whether a look of a moment ago shows what can be closed, and says of when it is."""
    return look.venue_time_ms is not None and any(position.closable for position in look.positions)


def nothing_to_close(look: Look | None) -> bool:
    """Return whether a look shows no position that an order of ours could close."""
    return look is not None and not any(position.closable for position in look.positions)


def worth_waiting_s(intent: RoundIntended, look: Look | None, settings: ExitSettings) -> float:
    """Return how long, at most, the answers to a round are waited for before the next look.

    Where nothing is left to close, a look proves nothing before the cancels are answered.
    """
    alone = not intent.orders and nothing_to_close(look)
    return settings.cancels_alone_s if alone else settings.straggler_s


def sweep_ahead(leg: Leg, pace: Pace, *, since_ns: int) -> Act | None:
    """Return the sweep of what rests where the venue has just said that our orders closed everything.

    The venue's own answers (filled, for the whole size) stand for a look here: stops stay until their
    position is closed (law 8), and then no longer. None while anything is open, under way, refused or not
    known, where an order was seen that could have grown one of the positions, or an execution was read that
    did, where what was seen was tried to be cancelled already, where the look began before `since_ns`
    (monotonic), and where earlier orders came to nothing: a position may have grown since, and the orders
    closed what a list that trails shows of it. The next look decides.
    """
    look = leg.look
    if look is None or look.begun_ns < since_ns or _tried_before(leg):
        return None
    left = _left(leg, pace, look)
    return _sweep(leg, left) if left and not _threatened(leg, look) and not _outgrown(leg, look) else None


def glance_is_enough(leg: Leg, pace: Pace) -> bool:
    """Return whether the next look need only tell what is held: the sweep of what rests will come first.

    So it is where the venue said that our orders closed all that the latest look showed, and that look read
    the orders as well, or those beside the positions. A look that finds them resting proves nothing, and
    their lists are what a look costs.
    """
    look = leg.look
    return look is not None and _read_orders(look) and bool(_left(leg, pace, look))


def sweep_may_follow(leg: Leg) -> bool:
    """Return whether a glance will be enough if every order of the newest round fills whole.

    As `glance_is_enough`, before the answers are there: the latest look read the orders as well, each
    position that it showed has orders for all of it, none of them refused, and something rests to be swept.
    """
    look = leg.look
    if look is None or not leg.sight.whole or not look.positions or not _read_orders(look):
        return False
    orders = by_position(leg)
    for position in look.positions:
        latest = [one for one in orders.get(position.key, ()) if one.round == leg.rounds]
        if not position.closable or any(one.refused for one in latest):
            return False
        if sum((one.request.quantity for one in latest), ZERO) < position.quantity:
            return False
    return any(order.key not in leg.cancelled for order in look.orders)


def positions_do(leg: Leg, pace: Pace, *, now_ns: int, settings: ExitSettings) -> bool:
    """Return whether the next look need not read the orders: a glance before the sweep, or during a wave."""
    return glance_is_enough(leg, pace) or wave_is_closing(leg, pace, now_ns=now_ns, settings=settings)


def wave_is_closing(leg: Leg, pace: Pace, *, now_ns: int, settings: ExitSettings) -> bool:
    """Return whether the next look need only tell what is held, since closes of a wave are on their way.

    So it is once more when the last of them is answered, and something is left to be swept. Such a look
    proves nothing. What rests is known from a whole look of a moment ago, what could open was cancelled, and
    no refusal, but for want of what the venue's limits leave, says that something resting is in the way; else
    the orders are read as well.
    """
    if not leg.sight.whole or now_ns >= pace.whole_ns + nanoseconds(settings.wave_orders_s):
        return False
    over = wave_is_over(leg, pace) and bool(_resting(leg))
    if all(key == CANCELLING for key in pace.in_flight.values()) and not over:
        return False
    if any(key not in leg.cancelled for key in leg.openers):
        return False
    answers = [sent.answer for sent in leg.sent.values() if sent.answer is not None]
    refused = [answer.fault for answer in answers if answer.outcome is Outcome.REJECTED]
    return all(fault is Fault.RATE_LIMIT for fault in refused)


def wave_is_over(leg: Leg, pace: Pace) -> bool:
    """Return whether the last order of a wave was answered since the latest look, a glance beside it."""
    look = leg.look
    if look is None or pace.in_flight or max(pace.ended_ns.values(), default=0) <= look.ended_ns:
        return False
    return bool(look.unread) and bool(look.parts) and all(part.unsent for part in look.unread)


def sweep_behind(leg: Leg, standing: Standing, pace: Pace) -> Act | None:
    """Return the sweep of what rested at the last reading of the orders, where a glance shows nothing held.

    As for every sweep, what closed the positions must be explained. What came to rest since then is found by
    the looks that follow, which are whole. None where the latest look is no glance, or shows anything.
    """
    look = leg.look
    if look is None or not look.parts or look.complete or not all(part.unsent for part in look.unread):
        return None
    if look.positions or standing.unexplained or pace.in_flight or not leg.sight.whole:
        return None
    left = _resting(leg)
    if not left or not all(_can_go(order, pace) for order in left):
        return None
    return _sweep(leg, left)


def _left(leg: Leg, pace: Pace, look: Look) -> tuple[OpenOrder, ...]:
    # What rests beside positions that our orders closed, all of them; nothing where any of that is in doubt.
    if pace.in_flight or not leg.sight.whole or not look.positions:
        return ()
    orders = by_position(leg)
    if not all(_closed(position, orders.get(position.key, []), pace, look) for position in look.positions):
        return ()
    left = tuple(order for order in look.orders if order.key not in leg.cancelled)
    return left if all(_can_go(order, pace) for order in left) else ()


def _resting(leg: Leg) -> tuple[OpenOrder, ...]:
    # What rested at the last reading of the orders, and was not cancelled since.
    resting = (*leg.reducers.values(), *leg.working.values())
    return tuple(order for order in resting if order.key not in leg.cancelled)


def _read_orders(look: Look) -> bool:
    # What was left out on purpose is found by the whole looks that follow the sweep.
    if look.complete:
        return True
    return any(ORDERS in part for part in look.parts) and all(part.unsent for part in look.unread)


def _can_go(order: OpenOrder, pace: Pace) -> bool:
    return order.closable and order.key not in pace.cancel_tries


def _sweep(leg: Leg, orders: tuple[OpenOrder, ...]) -> Act:
    return Act(
        intent=RoundIntended(
            exit_id=leg.exit_id,
            account=leg.account.name,
            run=leg.run,
            round=leg.rounds + 1,
            cancels=orders,
        ),
        sweep=True,
    )


def _threatened(leg: Leg, look: Look) -> bool:
    books = [leg.books.get(book_key(position)) for position in look.positions]
    return any(book is None or book.threat for book in books)


def _tried_before(leg: Leg) -> bool:
    return len({order.round for order in leg.sent.values() if order.run == leg.run}) > 1


def _outgrown(leg: Leg, look: Look) -> bool:
    # A list that trails does not contain what an execution that was read has added: our orders left that.
    tallies = tally(leg.books, leg.sent, leg.fills.values())
    for position in look.positions:
        book, moved = leg.books.get(book_key(position)), tallies.get(book_key(position))
        if book is None or moved is None:
            continue
        side = signed(position)
        if moved.others * side > ZERO and (book.baseline + moved.own + moved.others) * side > ZERO:
            return True
    return False


def _closed(position: Position, sent: list[Sent], pace: Pace, look: Look) -> bool:
    if not position.closable or not sent:
        return False
    newest = max(order.round for order in sent)
    # What an order filled before the look is not in it; only what left after it counts.
    latest = [order for order in sent if order.round == newest]
    if any(pace.begun_ns.get(order.request.client_order_id, 0) < look.ended_ns for order in latest):
        return False
    if any(order.state is None or order.state.status is not OrderStatus.FILLED for order in latest):
        return False
    return sum((order.filled for order in latest), ZERO) >= position.quantity

"""Resolve: what to ask the venue next, and when an order's fate counts as known."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.domain.look import Look
from bastion.domain.money import ZERO, Quantity
from bastion.domain.order import OrderRequest, OrderState
from bastion.domain.position import Position
from bastion.domain.records import OrderAnswered, OrderResolved, Outcome, ResolvedBy, SecondSourceRead
from bastion.errors import Fault, VenueError, VenueRejected, VenueUnreachable
from bastion.exits.books import Sent, book_key
from bastion.exits.pace import CANCELLING, Pace, nanoseconds
from bastion.exits.progress import Leg
from bastion.exits.settings import ExitSettings
from bastion.exits.verdict import Standing, stops_alone
from bastion.shape import dataclass

MAYBE_EXECUTED = frozenset({Fault.RESOLVE, Fault.DUPLICATE})
"""Refusals after which the order may nevertheless exist."""

SECONDS_MOST = 8
"""So many books are asked for at a time where each of them costs a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What to ask the venue beside the next look; `elsewhere`: what another page than the looks names."""

    orders: tuple[OrderRequest, ...] = ()
    seconds: tuple[Position, ...] = ()
    elsewhere: bool = False


def answer(
    leg: Leg, request: OrderRequest, result: OrderState | Exception, *, private: str = ""
) -> OrderAnswered:
    """Return the record of what sending an order came to; what is not certainly a no is unknown.

    `private` replaces the text of an error that is not ours, which could quote what must not be shown.
    """
    if isinstance(result, OrderState):
        return OrderAnswered(
            exit_id=leg.exit_id,
            account=leg.account.name,
            client_order_id=request.client_order_id,
            outcome=Outcome.ANSWERED,
            state=result,
        )
    code = result.code if isinstance(result, VenueError) else type(result).__name__
    message = str(result) if isinstance(result, VenueError) else private
    retry_after_s = result.retry_after_s if isinstance(result, VenueError) else None
    outcome, fault = Outcome.UNKNOWN, None
    if isinstance(result, VenueRejected):
        fault = result.fault
        outcome = Outcome.UNKNOWN if fault in MAYBE_EXECUTED else Outcome.REJECTED
    elif isinstance(result, VenueUnreachable):
        outcome = Outcome.NOT_SENT
    return OrderAnswered(
        exit_id=leg.exit_id,
        account=leg.account.name,
        client_order_id=request.client_order_id,
        outcome=outcome,
        fault=fault,
        code=code,
        message=message,
        retry_after_s=None if retry_after_s is None else Decimal(str(retry_after_s)),
    )


def second_told(leg: Leg, position: Position, size: Decimal, *, begun_ns: int) -> SecondSourceRead:
    """Return the record of what a second source said of a position; below zero, it is held the other way."""
    return SecondSourceRead(
        exit_id=leg.exit_id,
        account=leg.account.name,
        run=leg.run,
        begun_ns=begun_ns,
        position=position if size >= ZERO else replace(position, side=position.side.other),
        quantity=Quantity(abs(size)),
    )


def questions(
    leg: Leg,
    standing: Standing,
    pace: Pace,
    *,
    now_ns: int,
    settings: ExitSettings,
    fills_asked_ns: int | None,
    one_page: bool = False,
) -> Questions:
    """Return what to ask: the fate of unsettled orders, and a second source where the looks need one.

    `fills_asked_ns` is when the executions, not yet answered, were asked for: they explain most books, so a
    second source is asked only where they are late or came and did not explain. Where it costs a request for
    each of many books (not `one_page`), they are given longer, and then a few books are asked for at a time.
    """
    orders = tuple(
        order.request
        for order in standing.unsettled
        if _worth_asking(order, leg, standing, pace, now_ns=now_ns, settings=settings)
    )
    late_ns = settings.fills_grace_ms * 1_000_000
    waiting = fills_asked_ns is not None and now_ns < fills_asked_ns + late_ns
    # While a wave is on its way, a few books at a time are gone before their executions are read.
    wave = any(key != CANCELLING for key in pace.in_flight.values())
    many = not one_page and len(leg.books if wave else standing.unexplained) > SECONDS_MOST
    if many and now_ns < pace.last_act_ns + nanoseconds(settings.many_seconds_s):
        waiting = True
    doubted: dict[tuple[str, str, str], Position] = {}
    if standing.clean and not waiting:
        doubted.update((book.key, book.position) for book in standing.unexplained)
    sent = by_position(leg) if standing.open else {}
    for position in standing.open:
        # A look of before the order for it was answered is no reason: the next one tells.
        trails = leg.look is not None and leg.look.begun_ns >= pace.key_act_ns.get(position.key, 0)
        if (trails and position.key in standing.suspects) or _maybe_flat(sent.get(position.key, ())):
            doubted[book_key(position)] = position
    elsewhere = tuple(
        book.position
        for book in standing.unexplained
        if not standing.clean and not waiting and book.key not in doubted
    )
    seconds = (*doubted.values(), *elsewhere)
    seconds = seconds[:SECONDS_MOST] if many else seconds
    elsewhere_too = standing.unheard and stops_alone(leg, standing)
    return Questions(orders=orders, seconds=seconds, elsewhere=elsewhere_too)


def settle(leg: Leg, pace: Pace, *, now_ns: int, settings: ExitSettings) -> tuple[OrderResolved, ...]:
    """Return the orders whose fate is known without the venue's word on the order itself.

    Executions that fill an order wholly settle it. An order of unknown outcome of which the venue says
    nothing settles by the first look at the positions that began `resolve_patience_s` after its call ended:
    whatever the look shows is what is left to do, and the order can only reduce. One of an earlier run has
    twice as long from the start of this one: that the venue took it may have been lost with the process.
    """
    filled: dict[str, Decimal] = {}
    for fill in leg.fills.values():
        filled[fill.client_order_id] = filled.get(fill.client_order_id, ZERO) + fill.quantity
    settled = []
    look = leg.look
    patience_ns = nanoseconds(settings.resolve_patience_s)
    for cid, order in leg.sent.items():
        if order.settled:
            continue
        by = None
        ended_ns = pace.ended_ns.get(cid, pace.run_began_ns + patience_ns)
        if filled.get(cid, ZERO) >= order.request.quantity:
            by = ResolvedBy.FILLS
        elif (
            order.unknown
            and cid not in pace.in_flight
            and look is not None
            and (_shows_positions(look) or any(position.key == order.key for position in look.positions))
            and look.begun_ns >= ended_ns + patience_ns
            and now_ns >= ended_ns + patience_ns
        ):
            by = ResolvedBy.LOOK
        if by is not None:
            settled.append(
                OrderResolved(exit_id=leg.exit_id, account=leg.account.name, client_order_id=cid, by=by)
            )
    return tuple(settled)


def by_position(leg: Leg) -> Mapping[tuple[str, str, str], list[Sent]]:
    """Return the orders of the present epoch by position, in the order of their rounds."""
    groups: dict[tuple[str, str, str], list[Sent]] = {}
    for order in leg.sent.values():
        book = leg.books.get(order.place)
        if book is not None and order.round > book.after_round:
            groups.setdefault(order.key, []).append(order)
    return groups


def overtaken(
    sent: Sequence[Sent], pace: Pace, look: Look, settings: ExitSettings
) -> tuple[int, frozenset[str]] | None:
    """Return from when on, by this look, orders that count as lost may be followed by another, and which.

    Those are orders of which nothing is known, while no more than one round of them is on its way; of what is
    no longer, nothing more can be heard, and the look is all that is waited for. It must have begun when they
    could have been executed: else it shows what everybody knows. What the venue took is not lost: it stands
    there, and is given the time of its rung.
    """
    lost = [order for order in sent if order.unknown and order.request.client_order_id not in pace.taken_ns]
    names = frozenset(order.request.client_order_id for order in lost)
    # One that waits here for the venue's limits waits as another one would behind it.
    if not lost or names & pace.queued or not names <= pace.begun_ns.keys():
        return None
    flying = {order.round for order in lost if order.request.client_order_id in pace.in_flight}
    begun_ns = max(pace.begun_ns[cid] for cid in names)
    if len(flying) > 1 or look.begun_ns < begun_ns + nanoseconds(settings.resolve_patience_s):
        return None
    return begun_ns + nanoseconds(settings.overdue_s if flying else settings.resolve_patience_s), names


def _shows_positions(look: Look) -> bool:
    # A look that could not read them is no word on what an order did.
    return bool(look.parts) and not any("position" in part.part for part in look.unread)


def _maybe_flat(orders: Sequence[Sent]) -> bool:
    last = orders[-1].answer if orders else None
    return last is not None and last.fault is Fault.MAYBE_FLAT


def _worth_asking(
    order: Sent, leg: Leg, standing: Standing, pace: Pace, *, now_ns: int, settings: ExitSettings
) -> bool:
    cid = order.request.client_order_id
    if cid in pace.in_flight:
        # One that still waits here cannot be known there.
        return cid not in pace.queued and now_ns >= pace.begun_ns[cid] + nanoseconds(settings.resolve_after_s)
    if order.unknown:
        return True
    # A working order matters only while its position is still shown, or is not accounted for.
    key = order.request.position.key
    book = book_key(order.request.position)
    return any(position.key == key for position in standing.open) or (
        leg.look is not None and any(doubt.key == book for doubt in standing.unexplained)
    )

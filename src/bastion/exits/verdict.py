"""Verdict: what a leg's evidence is worth, and which of the four words it earns."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from bastion.domain.look import Look
from bastion.domain.money import ZERO
from bastion.domain.order import OpenOrder
from bastion.domain.position import Position
from bastion.domain.verdict import Verdict
from bastion.exits.books import (
    Book,
    BookKey,
    Sent,
    Tally,
    book_key,
    found_nothing,
    last_own_fill_ms,
    last_round_closed,
    signed,
    tally,
)
from bastion.exits.pace import Pace
from bastion.exits.progress import Leg, PositionKey
from bastion.exits.settings import ExitSettings
from bastion.shape import dataclass

CANCEL_ANSWERS_ENOUGH = 3
"""After so many explicit cancels that the venue answered, an order that no look shows is taken as gone."""
VANISHED = "the position is no longer shown, and neither fills nor a second source explain it"
NEVER_SHOWN = "no look shows it, and no second source of the venue was heard to say that nothing is held"
DOUBTED_DUST = "neither fills nor a second source confirm that no more is left than what is shown"
UNHEARD = "no other page of the venue was heard to name what is held; a list may leave something out"
ORDERS = "orders"
"""What the name of every part of a look that lists orders contains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the latest look and the arithmetic say of a leg.

    `open` are the positions to close, `suspects` those among them that our fills say are closed already;
    `foreign` and `foreign_orders` are what bastion reports but does not touch. `unexplained` are books that
    no longer show what their fills should have left. `lingering` are orders that could open a position, of
    which no look shows anything any more, and whose end the venue has not confirmed. `unheard` says that a
    page is owed which names what the looks may leave out. `verdict` is set once the evidence is complete.
    """

    open: tuple[Position, ...] = ()
    suspects: frozenset[PositionKey] = frozenset()
    dust: tuple[Position, ...] = ()
    foreign: tuple[Position, ...] = ()
    orders: tuple[OpenOrder, ...] = ()
    foreign_orders: tuple[OpenOrder, ...] = ()
    unexplained: tuple[Book, ...] = ()
    lingering: tuple[OpenOrder, ...] = ()
    unsettled: tuple[Sent, ...] = ()
    clean: bool = False
    confirmed: bool = False
    unheard: bool = False
    verdict: Verdict | None = None


def stand(leg: Leg, pace: Pace, *, dust: frozenset[PositionKey], settings: ExitSettings) -> Standing:
    """Return how a leg stands; `dust` names the positions that the venue refuses to close for their size."""
    look = leg.look
    if look is None:
        return Standing()
    tallies = tally(leg.books, leg.sent, leg.fills.values())
    present = {book_key(position): signed(position) for position in look.positions if position.closable}
    open_ = tuple(p for p in look.positions if p.closable and p.key not in dust)
    small = tuple(p for p in look.positions if p.closable and p.key in dust)
    orders = tuple(order for order in look.orders if order.closable)
    still_open = {book_key(position) for position in open_}
    unexplained = tuple(
        book
        for key, book in leg.books.items()
        if key not in still_open
        and not explained(leg, book, tallies[key], pace, target=present.get(key, ZERO))
    )
    clean = look.complete and not open_ and not orders
    confirmed = clean and _confirms(leg, pace, dust=dust, settings=settings)
    lingering = _lingering(leg, pace, look)
    unsettled = tuple(order for order in leg.sent.values() if not order.settled)
    waiting = any(order.unknown for order in unsettled) or bool(pace.in_flight)
    verdict = None
    if confirmed and not unexplained and not lingering and not waiting:
        verdict = Verdict.FLAT_WITH_DUST if small else Verdict.FLAT
        if any(not p.closable for p in look.positions) or any(not o.closable for o in look.orders):
            verdict = Verdict.NOT_FLAT
    return Standing(
        open=open_,
        suspects=frozenset(
            p.key for p in open_ if _suspect(leg, p, leg.books.get(book_key(p)), tallies, pace)
        ),
        dust=small,
        foreign=tuple(position for position in look.positions if not position.closable),
        orders=orders,
        foreign_orders=tuple(order for order in look.orders if not order.closable),
        unexplained=unexplained,
        lingering=lingering,
        unsettled=unsettled,
        clean=clean,
        confirmed=confirmed,
        verdict=verdict,
    )


def explained(leg: Leg, book: Book, moved: Tally, pace: Pace, *, target: Decimal) -> bool:
    """Return whether what a look shows of a book (`target`, signed) is what should be there.

    Either the arithmetic of the first sighting and all fills says so, every fill is certain, and the fills
    were read after the last order for it: the position may have grown before that order, and a list that
    shows nothing, or no more than dust, may lie. For a book that a resting order threatened, they must
    have been read after the last cancel of such an order too. Or a second source of the venue, asked after
    both, shows the same size. Where it shows another one, only our own executions outweigh it. What was done
    elsewhere on the account says nothing about a book. Nothing that was asked before a look failed explains a
    whole look after it, and where the positions were not read, nothing before the next look that read them:
    something may have been opened while no list came.
    """
    begun_ns = _begun_ns(leg, pace)
    read, since_ns = leg.fills_read, evidence_ns(leg, book.position.key, pace)
    second = second_quantity(leg, book.key, since_ns=since_ns)
    if second is not None and second != target and moved.own == ZERO:
        return False
    if moved.certain and book.baseline + moved.own + moved.others == target:
        after_ns = since_ns if book.threat else max(pace.key_act_ns.get(book.position.key, 0), begun_ns)
        if read is not None and read.run == leg.run and read.begun_ns >= after_ns:
            return True
    return second == target


def evidence_ns(leg: Leg, key: PositionKey, pace: Pace) -> int:
    """Return since when what is asked of a position tells how it is now."""
    return max(pace.moved_ns(key), _begun_ns(leg, pace))


def second_quantity(leg: Leg, key: BookKey, *, since_ns: int) -> Decimal | None:
    """Return what a second source, asked at or after then in this run, said of a book; longs positive."""
    second = leg.seconds.get(key)
    if second is None or second.run != leg.run or second.begun_ns < since_ns:
        return None
    return signed(replace(second.position, quantity=second.quantity))


def leftovers(leg: Leg, standing: Standing) -> tuple[Position, ...]:
    """Return the positions known or believed to be left: seen in the latest look, or never seen gone since.

    A position that only an incomplete look fails to show is believed to be there while the fills do not
    account for it; not so where an order of unknown outcome may have closed it (`possible` names those).
    """
    shown = {position.key: position for position in (*standing.open, *standing.foreign)}
    dusty = {position.key for position in standing.dust}
    tallies = tally(leg.books, leg.sent, leg.fills.values())
    for key, position in leg.last_sighting.items():
        if key in shown or key in dusty:
            continue
        book = leg.books.get(book_key(position))
        moved = tallies[book.key] if book is not None else Tally()
        if book is None or book.baseline + moved.own + moved.others != ZERO:
            shown[key] = position
    for position in possible(leg, standing):
        shown.pop(position.key, None)
    return tuple(shown.values())


def free(standing: Standing) -> tuple[OpenOrder, ...]:
    """Return the orders shown that wait for no position: what only reduces stays until that is closed."""
    held = {position.key[:2] for position in standing.open}
    return tuple(one for one in standing.orders if not one.reduce_only or one.key[:2] not in held)


def working(leg: Leg, standing: Standing) -> tuple[OpenOrder, ...]:
    """Return the orders known or believed to work: seen in the latest look, or never seen gone since.

    One that could open a position, and that a look showed after its last cancel was sent, is believed to be
    there until a look that read the orders does not show it.
    """
    shown = {order.key: order for order in (*standing.orders, *standing.foreign_orders)}
    unread = leg.look.unread if leg.look is not None else ()
    if any(ORDERS in part.part for part in unread):
        shown = leg.working | shown
    return tuple(shown.values())


def possible(leg: Leg, standing: Standing) -> tuple[Position, ...]:
    """Return the positions of which nothing is known since an order of unknown outcome was sent for them.

    They were open before it, and no look has shown positions since: to call them left would be as untrue as
    to call them closed.
    """
    shown = {position.key for position in (*standing.open, *standing.foreign, *standing.dust)}
    lost = {
        order.request.position.key
        for order in leg.sent.values()
        if order.unknown and order.run == leg.run and order.answer is not None
    }
    return tuple(position for key, position in leg.last_sighting.items() if key in lost and key not in shown)


def stops_alone(leg: Leg, standing: Standing) -> bool:
    """Return whether a whole look shows no more than orders that only reduce, where it shows anything.

    Those stay until it is heard that no position is left behind them (law 8): that page is asked for by now.
    """
    whole = leg.look is not None and leg.look.complete and not standing.open
    return standing.clean or (whole and all(order.reduce_only for order in standing.orders))


def at_deadline(leg: Leg, standing: Standing) -> tuple[Verdict, tuple[tuple[str, str], ...]]:
    """Return the verdict of a leg whose time is up, and the parts that could not be read or explained."""
    unread: list[tuple[str, str]] = []
    look = leg.look
    if look is None:
        unread.append(("everything", "no answer came"))
    else:
        unread.extend((part.part, part.reason) for part in look.unread)
        dust = {book_key(position) for position in standing.dust}
        for book in standing.unexplained:
            # Of what was seen once, the looks that failed are reason enough.
            if look.complete or book.key not in leg.books:
                why = DOUBTED_DUST if book.key in dust else _gone_how(leg, book)
                unread.append((book.position.symbol, why))
    unread.extend(
        (position.symbol, "an order was sent whose outcome is not known, and nothing could be read since")
        for position in possible(leg, standing)
    )
    if standing.unheard and stops_alone(leg, standing):
        unread.append(("positions elsewhere", UNHEARD))
    if leftovers(leg, standing) or working(leg, standing):
        return Verdict.NOT_FLAT, tuple(unread)
    if not unread:
        unread.append(("confirmation", "two looks in a row that show nothing did not come in time"))
    return Verdict.UNKNOWN, tuple(unread)


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of an exit from those of its legs: a known residual outweighs an unread part."""
    worst = Verdict.FLAT
    rank = (Verdict.FLAT, Verdict.FLAT_WITH_DUST, Verdict.UNKNOWN, Verdict.NOT_FLAT)
    for verdict in verdicts:
        worst = max(worst, verdict, key=rank.index)
    return worst


def _gone_how(leg: Leg, book: Book) -> str:
    if book.key in leg.books:
        return VANISHED
    told = leg.seconds.get(book.key)
    if told is None or not told.quantity:
        return NEVER_SHOWN
    return f"no look shows it, but a second source of the venue says that {told.quantity:f} is held"


def _begun_ns(leg: Leg, pace: Pace) -> int:
    return max(pace.broken_ns, pace.resumed_ns) if leg.look is not None and leg.look.complete else 0


def _confirms(leg: Leg, pace: Pace, *, dust: frozenset[PositionKey], settings: ExitSettings) -> bool:
    if leg.before is None or leg.latest is None:
        return False
    first, second = leg.before.look, leg.latest.look
    gap_ns = settings.look_gap_ms * 1_000_000
    return (
        _clean(first, dust)
        and _clean(second, dust)
        and first.begun_ns >= pace.last_act_ns
        and second.begun_ns >= first.begun_ns + gap_ns
    )


def _clean(look: Look, dust: frozenset[PositionKey]) -> bool:
    return (
        look.complete
        and all(not position.closable or position.key in dust for position in look.positions)
        and all(not order.closable for order in look.orders)
    )


def lacks_orders_alone(look: Look) -> bool:
    """Return whether a look told of all positions: nothing but lists of orders is missing in it.

    One that left them out on purpose is not meant: it was in haste, and asked no other page whether it lies.
    """
    return all(ORDERS in part.part and not part.unsent for part in look.unread)


def _lingering(leg: Leg, pace: Pace, look: Look) -> tuple[OpenOrder, ...]:
    shown = {order.key for order in look.orders}
    return tuple(
        order
        for key, order in leg.openers.items()
        if key not in shown
        and key not in leg.cancelled
        and pace.cancels_answered.get(key, 0) < CANCEL_ANSWERS_ENOUGH
    )


def _suspect(
    leg: Leg, position: Position, book: Book | None, tallies: Mapping[BookKey, Tally], pace: Pace
) -> bool:
    # The look shows it, but the fills say that it is closed, or a second source does not know it.
    if book is None:
        return False
    since_ns = pace.key_act_ns.get(position.key)
    if since_ns is None:
        return False
    second = second_quantity(leg, book.key, since_ns=since_ns)
    if second is not None and second * signed(position) <= ZERO:
        return True
    # One that shows it as well may trail like the look: only a change later than our fills contains them.
    moved = tallies[book.key]
    closed = moved.own != ZERO and book.baseline + moved.own + moved.others == ZERO
    # What rests there can be why an order found nothing to reduce.
    refused = not leg.reducers and found_nothing(leg.sent, book, position)
    gone = closed or refused or last_round_closed(leg.sent, book, position)
    return gone and not _changed_since(leg, position)


def _changed_since(leg: Leg, position: Position) -> bool:
    sizes = [
        one.request.position.quantity for one in leg.sent.values() if one.request.position.key == position.key
    ]
    if position.quantity > max(sizes, default=ZERO):
        return True  # No reading of before our orders showed so much.
    if position.updated_ms is None:
        return False
    last_ms = last_own_fill_ms(leg.sent, leg.fills.values(), position)
    return last_ms is not None and position.updated_ms > last_ms

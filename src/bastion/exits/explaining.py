"""Explaining: by what the books are explained beside the next look, executions or sizes; pure."""

from collections.abc import Iterable

from bastion.domain.order import OrderStatus
from bastion.domain.position import Position
from bastion.domain.records import Outcome
from bastion.exits.books import Book, Sent, book_key
from bastion.exits.pace import Pace
from bastion.exits.progress import Leg
from bastion.exits.resolve import by_position
from bastion.exits.verdict import second_quantity
from bastion.ports import Sizing
from bastion.shape import dataclass

SECOND = "second "
"""What the names of questions to a second source begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """One exit's leg, and the times of what was done in it."""

    leg: Leg
    pace: Pace


def sizes_to_ask(works: Iterable[Working], sizing: Sizing | None) -> tuple[Position, ...] | None:
    """Return of which positions a second source is asked instead of the executions; None: executions are due.

    Where executions cost a request a contract, and one page tells the size of every position, that page alone
    explains what is gone (`verdict.explained`), as long as nothing else is in question: the venue said of
    every order that it filled whole, no look shows anything of it since, and no size contradicts. What was
    traded is read after the verdict then, for its cost is not known from sizes. What is still shown, and of
    which every order was refused or never left, is not in question.
    """
    if sizing is None:
        return None
    asked: dict[tuple[str, str, str], Position] = {}
    touched: list[Position] = []
    for work in works:
        leg, pace = work.leg, work.pace
        if leg.judged is not None:
            return None
        sent = by_position(leg)
        under_way = set(pace.in_flight.values())
        shown = {book_key(position) for position in leg.look.positions} if leg.look is not None else set()
        for book in leg.books.values():
            key = book.position.key
            if key in under_way:
                touched.append(book.position)
                continue
            orders = sent.get(key, [])
            if orders and book.key in shown and all(order.refused for order in orders):
                continue  # It is there, and nothing of ours was executed: nothing is in question.
            if not _is_calm(leg, book, [order for order in orders if _left(order)], pace):
                return None
            touched.append(book.position)
            if second_quantity(leg, book.key, since_ns=pace.moved_ns(key)) is None:
                asked[book.key] = book.position
    return tuple(asked.values()) if touched and sizing.sizes_first(touched) else None


def executions_of(legs: Iterable[Leg]) -> tuple[tuple[Position, ...], int]:
    """Return the positions of all books of these legs, and since when (venue ms) they may have moved."""
    books = [book for leg in legs for epoch in (*leg.epochs, leg.books) for book in epoch.values()]
    positions = tuple({book.key: book.position for book in books}.values())
    return positions, min((book.watched_ms for book in books), default=0)


def _left(order: Sent) -> bool:
    return order.answer is None or order.answer.outcome is not Outcome.NOT_SENT


def _is_calm(leg: Leg, book: Book, sent: list[Sent], pace: Pace) -> bool:
    told = second_quantity(leg, book.key, since_ns=pace.moved_ns(book.position.key))
    if told:
        return False
    if book.seen and not sent:
        return False  # It went without an order of ours: only executions tell how.
    if any(order.state is None or order.state.status is not OrderStatus.FILLED for order in sent):
        return False
    look = leg.look
    since_ns = pace.key_act_ns.get(book.position.key, 0)
    return (
        look is None
        or look.begun_ns < since_ns
        or all(book_key(position) != book.key for position in look.positions)
    )

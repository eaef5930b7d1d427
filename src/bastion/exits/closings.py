"""Closings: what became of each position, and what it realised, from fills alone."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

from bastion.domain.money import ZERO, Price, Quantity, Usd
from bastion.domain.order import Direction, Fill, OrderKind
from bastion.domain.position import Position, Side
from bastion.exits.books import Book, BookKey, Sent, book_key
from bastion.exits.doubtful import counted
from bastion.exits.progress import Leg
from bastion.shape import dataclass

PRICE_DIGITS = 12
"""Digits after the point of an average price; no venue's tick is finer, and an average has no end."""


class Closer(StrEnum):
    """Whose order took something off a position."""

    BASTION = "bastion"
    LIQUIDATION = "liquidation"
    ADL = "adl"
    STOP = "stop"
    OTHER = "other_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """One position that was seen in an exit, and the fills that reduced it.

    `reduced` is how much fills took off, `accounted` whether they take off all that was seen, and
    `realized_pnl_usd` their price PnL; None while any of it is missing. `refunded` is how much of it was
    given up for its margin, which realises nothing; `refunded_usd` is that margin. `closed_by` says how much
    of `reduced` was whose.
    """

    position: Position
    peak: Quantity
    reduced: Quantity
    exit_price: Price | None
    realized_pnl_usd: Usd | None
    fees_usd: Usd
    accounted: bool
    funding_usd: Usd | None = None
    refunded: Quantity = Quantity(ZERO)
    refunded_usd: Usd | None = None
    closed_by: tuple[tuple[Closer, Quantity], ...] = ()


def closings(leg: Leg) -> tuple[tuple[int, Closing], ...]:
    """Return every position that the leg ever saw, each with its epoch; the present epoch comes last."""
    ours = _ours(leg)
    return tuple(
        (number, _closing(leg, ours, book, books, after)) for number, book, books, after in _seen(leg)
    )


def pending(leg: Leg) -> bool:
    """Return whether the venue still owes fills, or their PnL, of a position that is no longer shown."""
    look = leg.look
    shown = {book_key(position) for position in look.positions} if look is not None else set()
    # Asked at every step of an exit, so that nothing is worked out of what is still shown.
    closed = [(book, books, after) for _, book, books, after in _seen(leg) if book.key not in shown]
    if not closed:
        return False
    ours = _ours(leg)
    return any(_owed(leg, _counted(leg, ours, *one), *one) for one in closed)


def _owed(leg: Leg, fills: Sequence[Fill], book: Book, _: Mapping[BookKey, Book], after: Book | None) -> bool:
    # Fewer fills than the position was large, or one that does not say what it realised.
    left = abs(book.baseline)
    for fill in fills:
        if fill.direction is not _reducing(book):
            left += fill.quantity
        elif fill.realized_pnl_usd is None:
            return True
        else:
            left -= fill.quantity
    return left > ZERO and left > _refunded(_refunds(leg, book, after))


def _seen(leg: Leg) -> Iterator[tuple[int, Book, Mapping[BookKey, Book], Book | None]]:
    # Each book that was seen: its epoch's number, itself, its epoch, and what became of it in the next one.
    epochs = [*leg.epochs, leg.books]
    for number, books in enumerate(epochs):
        following = epochs[number + 1] if number + 1 < len(epochs) else {}
        for key, book in books.items():
            if book.seen:
                yield number, book, books, following.get(key)


def _ours(leg: Leg) -> Mapping[str, Sent]:
    return {
        order.state.order_id: order for order in leg.sent.values() if order.state and order.state.order_id
    }


def _closing(
    leg: Leg, ours: Mapping[str, Sent], book: Book, books: Mapping[BookKey, Book], after: Book | None
) -> Closing:
    reducing = _reducing(book)
    fills = _counted(leg, ours, book, books, after)
    cut = [fill for fill in fills if fill.direction is reducing]
    added = sum((fill.quantity for fill in fills if fill.direction is not reducing), ZERO)
    reduced = sum((fill.quantity for fill in cut), ZERO)
    value = sum((fill.quantity * fill.price for fill in cut), ZERO)
    money = [fill.realized_pnl_usd for fill in cut]
    whole = abs(book.baseline) + added
    refunds = _refunds(leg, book, after)
    refunded = _refunded(refunds)
    complete = reduced + refunded >= whole and all(amount is not None for amount in money)
    return Closing(
        position=book.position,
        peak=book.peak,
        reduced=Quantity(reduced),
        exit_price=Price(round(value / reduced, PRICE_DIGITS)) if reduced else _told_price(leg, book),
        realized_pnl_usd=Usd(sum((m for m in money if m is not None), ZERO)) if complete else None,
        fees_usd=Usd(sum((fill.fee_usd for fill in cut), ZERO)),
        accounted=reduced + refunded >= whole,
        funding_usd=_funding(cut),
        refunded=Quantity(refunded),
        refunded_usd=_margin(refunds),
        closed_by=_closers(leg, cut, ours),
    )


def _reducing(book: Book) -> Direction:
    return Direction.SELL if book.position.side is Side.LONG else Direction.BUY


def _fills(
    leg: Leg, ours: Mapping[str, Sent], book: Book, books: Mapping[BookKey, Book], after: Book | None
) -> list[Fill]:
    place = book.key[:2]
    return [
        fill
        for fill in leg.fills.values()
        if (fill.category, fill.instrument) == place and _belongs(fill, book, books, leg.sent, ours, after)
    ]


def _counted(
    leg: Leg, ours: Mapping[str, Sent], book: Book, books: Mapping[BookKey, Book], after: Book | None
) -> list[Fill]:
    # Of what others executed while the first look was under way, only what came after its sighting.
    fills = _fills(leg, ours, book, books, after)
    doubtful = [
        fill
        for fill in fills
        if fill.at_ms <= book.until_ms and fill.client_order_id not in leg.sent and fill.order_id not in ours
    ]
    if not doubtful or not _is_gone(leg, book, after) or not _own_are_read(leg, book, fills, after):
        return fills
    held = abs(book.baseline) - _refunded(_refunds(leg, book, after))
    return counted(fills, doubtful, held=held, reducing=_reducing(book))


def _is_gone(leg: Leg, book: Book, after: Book | None) -> bool:
    look = leg.look
    if after is not None or look is None:
        return after is not None
    return look.complete and all(book_key(position) != book.key for position in look.positions)


def _own_are_read(leg: Leg, book: Book, fills: Sequence[Fill], after: Book | None) -> bool:
    for cid, order in leg.sent.items():
        if order.place != book.key or order.request.kind is OrderKind.REFUND:
            continue
        if not _in_epoch(order, book, after):
            continue
        name = order.state.order_id if order.state is not None else ""
        mine = (fill for fill in fills if fill.client_order_id == cid or (name and fill.order_id == name))
        if sum((fill.quantity for fill in mine), ZERO) < order.filled:
            return False
    return True


def _refunds(leg: Leg, book: Book, after: Book | None) -> list[Sent]:
    return [
        order
        for order in leg.sent.values()
        if order.request.kind is OrderKind.REFUND and _is_refund(order, book, after)
    ]


def _refunded(refunds: Sequence[Sent]) -> Decimal:
    return sum((order.filled for order in refunds), ZERO)


def _closers(
    leg: Leg, fills: Sequence[Fill], ours: Mapping[str, Sent]
) -> tuple[tuple[Closer, Quantity], ...]:
    stops = {order_id for _, _, order_id, conditional in leg.stops if conditional}
    found: dict[Closer, Decimal] = {}
    for fill in fills:
        if fill.client_order_id in leg.sent or fill.order_id in ours:
            who = Closer.BASTION
        elif fill.cause is not None:
            who = Closer(fill.cause.value)
        else:
            who = Closer.STOP if fill.order_id in stops else Closer.OTHER
        found[who] = found.get(who, ZERO) + fill.quantity
    return tuple((who, Quantity(quantity)) for who, quantity in found.items())


def refund_of(leg: Leg, closing: Closing) -> Sent | None:
    """Return the refund that ended a position; None where there was none."""
    key = book_key(closing.position)
    done = [
        order
        for order in leg.sent.values()
        if order.request.kind is OrderKind.REFUND and order.filled and order.place == key
    ]
    return done[-1] if done else None


def _is_refund(order: Sent, book: Book, after: Book | None) -> bool:
    return order.filled != ZERO and order.place == book.key and _in_epoch(order, book, after)


def _margin(refunds: Sequence[Sent]) -> Usd | None:
    told = [order.state.refunded_usd for order in refunds if order.state is not None]
    known = [amount for amount in told if amount is not None]
    return Usd(sum(known, ZERO)) if known else None


def _funding(fills: Sequence[Fill]) -> Usd | None:
    known = [fill.funding_usd for fill in fills if fill.funding_usd is not None]
    return Usd(sum(known, ZERO)) if known else None


def _belongs(
    fill: Fill,
    book: Book,
    books: Mapping[BookKey, Book],
    sent: Mapping[str, Sent],
    ours: Mapping[str, Sent],
    after: Book | None,
) -> bool:
    side = book.key[2]
    order = sent.get(fill.client_order_id) or ours.get(fill.order_id)
    if order is not None:
        return order.place == book.key and _in_epoch(order, book, after)
    if side and fill.side is not None and fill.side.value != side:
        return False
    if side and fill.side is None and _other_side(books, book) is not None:
        return False
    return fill.at_ms >= book.since_ms and (after is None or fill.at_ms < after.since_ms)


def _in_epoch(order: Sent, book: Book, after: Book | None) -> bool:
    return order.round > book.after_round and (after is None or order.round <= after.after_round)


def _other_side(books: Mapping[BookKey, Book], book: Book) -> Book | None:
    category, instrument, side = book.key
    return books.get((category, instrument, "SHORT" if side == "LONG" else "LONG"))


def _told_price(leg: Leg, book: Book) -> Price | None:
    # Before the fills come, the venue's average price of our order is its word on the price.
    value = quantity = Decimal(0)
    for order in leg.sent.values():
        state = order.state
        if order.place != book.key or order.round <= book.after_round:
            continue
        if state is not None and state.average_price is not None and state.filled > ZERO:
            value += state.filled * state.average_price
            quantity += state.filled
    return Price(value / quantity) if quantity else None

"""Books: the arithmetic of snapshot and fills, one book for each position that can be open at once."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from decimal import Decimal

from bastion.domain.look import Look
from bastion.domain.money import ZERO, Quantity
from bastion.domain.order import Direction, Fill, OpenOrder, OrderRequest, OrderState
from bastion.domain.position import Position, Side
from bastion.domain.records import OrderAnswered, Outcome, ResolvedBy
from bastion.domain.symbol import symbol_of
from bastion.errors import Fault
from bastion.shape import dataclass

BookKey = tuple[str, str, str]
"""Category, instrument, and the side where the account runs hedge mode there (else empty)."""

AMBIGUITY_MS = 1000
"""How far a fill's time and a look's time may be apart before their order is certain."""

UNDATED_MS = 2000
"""How far our clock may be from the venue's, where a look carries no venue time."""

TRAIL_MS = 60_000
"""How far a list of positions may trail where it shows nothing of what an order could have opened."""


def book_key(position: Position) -> BookKey:
    """Return the key of the book that a position belongs to."""
    return (position.category, position.instrument, str(position.side) if position.hedged else "")


def mute(look: Look) -> bool:
    """Return whether a look says nothing against the one before it.

    It shows nothing, and what it lacks was not asked for, since a limit was in the way. What failed or is not
    believed may be a contradiction.
    """
    lacks = bool(look.unread) and all(part.limited or part.unsent for part in look.unread)
    return lacks and not look.positions and not look.orders


def signed(position: Position) -> Decimal:
    """Return the quantity, negative for a short position."""
    return position.quantity if position.side is Side.LONG else -position.quantity


@dataclass(slots=True, kw_only=True)
class Sent:
    """One order of ours, from its intent on.

    `state` is the latest word of the venue; its `filled` never falls. Without an `answer` the order may be on
    its way, or have died with the process that sent it. `key` is its position's, `place` its book's.
    """

    request: OrderRequest
    round: int
    run: int
    answer: OrderAnswered | None = None
    state: OrderState | None = None
    resolved: ResolvedBy | None = None
    key: tuple[str, str, str] = field(init=False)
    place: BookKey = field(init=False)

    def __post_init__(self) -> None:
        """Name its position and its book once: both are asked for at every step of an exit."""
        self.key, self.place = self.request.position.key, book_key(self.request.position)

    @property
    def filled(self) -> Quantity:
        """What the venue said was executed of it, so far."""
        return self.state.filled if self.state is not None else Quantity(ZERO)

    @property
    def refused(self) -> bool:
        """Whether nothing of it can have been executed, by the venue's word or since it never left."""
        answer = self.answer
        # Asked of every order at every step: no set is made for it.
        return answer is not None and (
            answer.outcome is Outcome.REJECTED or answer.outcome is Outcome.NOT_SENT
        )

    @property
    def settled(self) -> bool:
        """Whether its fate is known."""
        return self.refused or self.resolved is not None or (self.state is not None and self.state.ended)

    @property
    def unknown(self) -> bool:
        """Whether it may or may not have been executed, and the venue was not yet heard about it."""
        return not self.settled and self.state is None

    def hear(self, state: OrderState) -> None:
        """Take the venue's word on it; what was once filled or ended stays so."""
        old = self.state
        if old is not None and (old.ended and not state.ended):
            return
        if old is not None and old.filled > state.filled:
            state = replace(state, filled=old.filled, average_price=old.average_price)
        self.state = state


@dataclass(slots=True, kw_only=True)
class Book:
    """What was seen in one book first, and what must be accounted for until it is empty.

    `baseline` is the signed quantity of the first sighting, `position` the latest one. Fills before
    `since_ms` are contained in the baseline; whether those up to `until_ms` are is uncertain, and so it is
    from `watched_ms` on, where the looks before the first sighting had read no positions. Our orders count
    from the round after `after_round`. `threat` says that an order was seen that could open or grow it;
    `blind`, that this was known before any position was read, so that the first sighting is the baseline.
    """

    key: BookKey
    position: Position
    baseline: Decimal
    peak: Quantity
    since_ms: int
    until_ms: int
    after_round: int
    watched_ms: int
    threat: bool = False
    seen: bool = True
    blind: bool = False

    def sight(self, position: Position, *, since_ms: int, until_ms: int) -> None:
        """Take a position as a look shows it; the times are those of `window_ms`."""
        if self.blind and not self.seen:
            self.baseline, self.since_ms, self.until_ms = signed(position), since_ms, until_ms
        self.position, self.seen = position, True
        self.peak = max(self.peak, position.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What moved in a book since its baseline: our fills, others' fills, and whether that is certain."""

    own: Decimal = ZERO
    others: Decimal = ZERO
    certain: bool = True


def window_ms(look: Look, *, at_ns: int) -> tuple[int, int]:
    """Return since when fills may, and from when on they must, be missing in a look taken before `at_ns`."""
    length_ms = (look.ended_ns - look.begun_ns) // 1_000_000
    if look.venue_time_ms is not None:
        return look.venue_time_ms, look.venue_time_ms + length_ms + AMBIGUITY_MS
    at_ms = at_ns // 1_000_000
    return at_ms - length_ms - UNDATED_MS, at_ms + UNDATED_MS


def threatened_position(order: OpenOrder) -> Position:
    """Return the position that a resting order would open, to name its book when asking for fills."""
    side = order.side or (Side.LONG if order.direction is Direction.BUY else Side.SHORT)
    return Position(
        instrument=order.instrument,
        category=order.category,
        symbol=symbol_of(order),
        side=side,
        quantity=order.quantity,
        hedged=order.side is not None,
    )


def tally(
    books: Mapping[BookKey, Book],
    sent: Mapping[str, Sent],
    fills: Iterable[Fill],
) -> dict[BookKey, Tally]:
    """Return what moved in each book: signed, longs positive.

    An order of ours counts with the larger of what its state and what its fills say. Where a look showed more
    than the first sighting and the executions of others that were read account for, the sum is not certain:
    the first sighting was wrong, or executions are missing.
    """
    ours = {order.state.order_id: cid for cid, order in sent.items() if order.state and order.state.order_id}
    by_fills: dict[str, Decimal] = {}
    own: dict[BookKey, Decimal] = {}
    others: dict[BookKey, Decimal] = {}
    bought: dict[BookKey, Decimal] = {}
    sold: dict[BookKey, Decimal] = {}
    doubtful: set[BookKey] = set()
    for fill in fills:
        cid = fill.client_order_id if fill.client_order_id in sent else ours.get(fill.order_id)
        if cid is not None:
            by_fills[cid] = by_fills.get(cid, ZERO) + fill.quantity
            continue
        book = _book_of_fill(books, fill)
        if book is None:
            continue
        if fill.at_ms < book.since_ms:
            if fill.at_ms >= (book.since_ms - TRAIL_MS if _unseen(book) else book.watched_ms):
                doubtful.add(book.key)
            continue
        amount = fill.quantity if fill.direction is Direction.BUY else -fill.quantity
        others[book.key] = others.get(book.key, ZERO) + amount
        grown = bought if amount > ZERO else sold
        grown[book.key] = grown.get(book.key, ZERO) + fill.quantity
        if fill.at_ms <= book.until_ms:
            doubtful.add(book.key)
    for cid, order in sent.items():
        book = books.get(order.place)
        if book is None or order.round <= book.after_round:
            continue
        most = max(order.filled, by_fills.get(cid, ZERO))
        moved = most if order.request.direction is Direction.BUY else -most
        own[book.key] = own.get(book.key, ZERO) + moved
    doubtful |= {
        key
        for key, book in books.items()
        if book.peak > max(book.baseline + bought.get(key, ZERO), sold.get(key, ZERO) - book.baseline)
    }
    return {
        key: Tally(own=own.get(key, ZERO), others=others.get(key, ZERO), certain=key not in doubtful)
        for key in books
    }


def taken(sent: Mapping[str, Sent], fills: Iterable[Fill], position: Position) -> Decimal:
    """Return how much orders of ours took off a position, by the venue's answers and by its fills.

    Executions that close it and name no order that is known count up to what orders of ours of unknown fate
    could have had: where fills tell only the venue's ids, those are all that is ever heard of such an order.
    Where one of ours was named, what is nameless is somebody else's.
    """
    ids = {order.state.order_id for order in sent.values() if order.state is not None}
    mine = {cid: order for cid, order in sent.items() if order.key == position.key}
    closing = Direction.SELL if position.side is Side.LONG else Direction.BUY
    by_fills: dict[str, Decimal] = {}
    nameless = ZERO
    for fill in fills:
        if fill.client_order_id:
            by_fills[fill.client_order_id] = by_fills.get(fill.client_order_id, ZERO) + fill.quantity
        elif (fill.category, fill.instrument, fill.direction) == (*position.key[:2], closing):
            known = fill.order_id in ids or fill.side not in {None, position.side}
            nameless += ZERO if known else fill.quantity
    certain = possible = ZERO
    for cid, order in mine.items():
        most = max(order.filled, by_fills.get(cid, ZERO))
        certain += most
        if order.state is None and not order.refused:
            possible += order.request.quantity - most
    return certain if by_fills.keys() & sent.keys() else certain + min(nameless, possible)


def last_own_fill_ms(sent: Mapping[str, Sent], fills: Iterable[Fill], position: Position) -> int | None:
    """Return the venue's time of the last execution of our orders for a position.

    None where not every execution that our orders are known to have had was read.
    """
    mine = {cid: order for cid, order in sent.items() if order.request.position.key == position.key}
    ids = {order.state.order_id for order in mine.values() if order.state and order.state.order_id}
    read = [fill for fill in fills if fill.client_order_id in mine or fill.order_id in ids]
    told = sum((order.filled for order in mine.values()), ZERO)
    if not read or sum((fill.quantity for fill in read), ZERO) < told:
        return None
    return max(fill.at_ms for fill in read)


def last_round_closed(sent: Mapping[str, Sent], book: Book, position: Position) -> bool:
    """Return whether our last orders for a position filled the whole of it, and what is shown is no more."""
    mine = [order for order in sent.values() if order.request.position.key == position.key]
    newest = max((order.round for order in mine), default=0)
    last = [order for order in mine if order.round == newest]
    if newest <= book.after_round:
        return False
    whole = max(order.request.position.quantity for order in last)
    return position.quantity <= whole <= sum((order.filled for order in last), ZERO)


def found_nothing(sent: Mapping[str, Sent], book: Book, position: Position) -> bool:
    """Return whether the venue took an order of ours, and then refused another for want of a position."""
    mine = [
        order
        for order in sent.values()
        if order.request.position.key == position.key and order.round > book.after_round
    ]
    last = mine[-1].answer if mine else None
    refused = last is not None and last.fault is Fault.MAYBE_FLAT
    return refused and any(order.state is not None for order in mine)


def _unseen(book: Book) -> bool:
    # An order was seen, and no position: a list that trails does not contain what was executed just before.
    return book.threat and book.baseline == ZERO


def _book_of_fill(books: Mapping[BookKey, Book], fill: Fill) -> Book | None:
    if fill.side is not None:
        book = books.get((fill.category, fill.instrument, fill.side.value))
        if book is not None:
            return book
    return books.get((fill.category, fill.instrument, ""))

"""Progress: where an exit stands, folded from the records; starting and recovering are this fold."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bastion.domain.balance import CollateralRead
from bastion.domain.look import Look
from bastion.domain.money import ZERO, Quantity
from bastion.domain.order import Fill, OpenOrder
from bastion.domain.position import Position
from bastion.domain.records import (
    CancelsAnswered,
    CoveredAccount,
    Entry,
    ExitEnded,
    ExitJudged,
    ExitRequested,
    FillsRead,
    LegExtended,
    LegJudged,
    LegReopened,
    LegStarted,
    Looked,
    LookPurpose,
    OrderAnswered,
    OrderResolved,
    Outcome,
    Record,
    RoundIntended,
    RunStarted,
    SecondSourceRead,
    Troubled,
)
from bastion.exits.books import (
    Book,
    BookKey,
    Sent,
    book_key,
    mute,
    signed,
    taken,
    threatened_position,
    window_ms,
)
from bastion.exits.scope import WHOLE, Sight, narrow, scope_of

PositionKey = tuple[str, str, str]
OrderKey = tuple[str, str, str, bool]
FillKey = tuple[str, str, str]


@dataclass(slots=True, kw_only=True)
class Leg:
    """One account's part of an exit, as its records tell it; `apply` is the only way to change it.

    `sight` is what of the account the leg covers: the looks that it keeps show nothing else. `first_bound` is
    how far from the mark its first orders may go, None for any price. `latest` is this run's last look and
    `before` the one before it, past what is `mute`. `books` are those of the present epoch: a reopening
    starts a new one; the old go to `epochs`. `reducers` are orders of others that only reduce, as last shown,
    `working` those that can open, since their last cancel. `blind`: no look has read the positions yet, the
    first of them at `blind_ms`.
    """

    exit_id: str
    account: CoveredAccount
    sight: Sight = WHOLE
    first_bound: Decimal | None = None
    link: str = ""
    run: int = 0
    rounds: int = 0
    books: dict[BookKey, Book] = field(default_factory=dict)
    epochs: list[dict[BookKey, Book]] = field(default_factory=list)
    sent: dict[str, Sent] = field(default_factory=dict)
    fills: dict[FillKey, Fill] = field(default_factory=dict)
    fills_read: FillsRead | None = None
    seconds: dict[BookKey, SecondSourceRead] = field(default_factory=dict)
    collateral: CollateralRead | None = None
    snapshot: Looked | None = None
    before: Looked | None = None
    latest: Looked | None = None
    last_sighting: dict[PositionKey, Position] = field(default_factory=dict)
    openers: dict[OrderKey, OpenOrder] = field(default_factory=dict)
    working: dict[OrderKey, OpenOrder] = field(default_factory=dict)
    reducers: dict[OrderKey, OpenOrder] = field(default_factory=dict)
    stops: set[OrderKey] = field(default_factory=set)
    cancelled: dict[OrderKey, OpenOrder] = field(default_factory=dict)
    troubles: list[Troubled] = field(default_factory=list)
    whys: list[str] = field(default_factory=list)
    extra_s: Decimal = ZERO
    judged: LegJudged | None = None
    proofs: tuple[Looked, ...] = ()
    blind: bool = True
    blind_ms: int = 0
    reopened: list[tuple[int, LegReopened]] = field(default_factory=list)

    def apply(self, record: Record, *, at_ns: int) -> None:
        """Take one record of this leg into account; `at_ns` is UTC nanoseconds of its writing."""
        match record:
            case Looked():
                self._look(record, at_ns=at_ns)
            case RoundIntended():
                self._intend(record)
            case OrderAnswered():
                self._answer(record)
            case OrderResolved():
                self._resolve(record)
            case CancelsAnswered():
                self._cancel(record)
            case FillsRead():
                self.fills_read = record
                self.fills.update({(f.category, f.instrument, f.fill_id): f for f in record.fills})
            case SecondSourceRead():
                self._second(record)
            case CollateralRead():
                self.collateral = record
            case Troubled():
                self.troubles.append(record)
            case _:
                self._turn(record, at_ns=at_ns)

    @property
    def look(self) -> Look | None:
        """The latest look of the present run."""
        return self.latest.look if self.latest is not None else None

    def closed(self, position: Position) -> Decimal:
        """Return how much orders of ours took off a position, or may have taken: see `taken`."""
        return taken(self.sent, self.fills.values(), position)

    def _cancel(self, record: CancelsAnswered) -> None:
        gone = {answer.order.key: answer.order for answer in record.answers if answer.gone}
        self.cancelled.update(gone)
        for answer in record.answers:
            self.working.pop(answer.order.key, None)
        self.reducers = {key: order for key, order in self.reducers.items() if key not in gone}

    def _second(self, record: SecondSourceRead) -> None:
        # The venue tells the whole size; here, what is covered of it counts, as with the looks.
        whole = replace(record.position, quantity=record.quantity)
        amount = Quantity(self.sight.amount(whole, self.closed))
        self.seconds[book_key(record.position)] = replace(record, quantity=amount)

    def narrowed(self, look: Look) -> Look:
        """Return what a look shows of what the leg covers."""
        return narrow(look, self.sight, self.closed)

    def _look(self, record: Looked, *, at_ns: int) -> None:
        whole = record.look
        record = record if self.sight.whole else replace(record, look=self.narrowed(whole))
        if self.latest is not None and self.latest.look.begun_ns == record.look.begun_ns:
            return  # The journal and its spool may both hold it.
        self.before = self.before if self.latest is not None and mute(self.latest.look) else self.latest
        self.latest = record
        self.blind = self.blind and not (whole.parts and all("pos" not in part.part for part in whole.unread))
        if record.purpose is LookPurpose.SNAPSHOT and self.snapshot is None:
            self.snapshot = record
        look = record.look
        since_ms, until_ms = window_ms(look, at_ns=at_ns)
        window = (min(self.blind_ms or since_ms, since_ms), since_ms, until_ms)
        self.blind_ms = window[0] if self.blind else 0
        for position in look.positions:
            self.last_sighting[position.key] = position
            if not position.closable:
                continue
            self._book(position, window, baseline=True).sight(position, since_ms=since_ms, until_ms=until_ms)
        self.stops.update(order.key for order in look.orders if order.conditional)
        for order in look.orders:
            if order.reduce_only or not order.closable:
                continue
            self.openers[order.key] = order
            position = threatened_position(order)
            if not self.sight.amount(position, self.closed) or self._spent_on_others(order, whole):
                continue  # What it could open is not the leg's business, such as a halt's.
            self._book(position, window, baseline=False).threat = True
        self._forget_gone(look)
        self.reducers.update({order.key: order for order in look.orders if order.reduce_only})
        self.working.update({order.key: order for order in look.orders if not order.reduce_only})

    def _spent_on_others(self, order: OpenOrder, look: Look) -> bool:
        # In one-way mode it would first reduce a position on the other side that nobody asked to be closed.
        return any(
            (held.category, held.instrument) == (order.category, order.instrument)
            and not held.hedged
            and held.quantity >= order.quantity
            and held.side is not threatened_position(order).side
            and not self.sight.means(held)
            for held in look.positions
        )

    def _forget_gone(self, look: Look) -> None:
        # A look that left a list out tells nothing of what that list would have shown.
        if not look.complete:
            return
        present = {position.key for position in look.positions}
        self.last_sighting = {key: held for key, held in self.last_sighting.items() if key in present}
        self.reducers.clear()
        self.working.clear()

    def _book(self, position: Position, window: tuple[int, int, int], *, baseline: bool) -> Book:
        key = book_key(position)
        if not baseline and key not in self.books and not position.hedged:
            # A one-way order on an instrument whose account turns out to be hedged threatens both sides.
            for side in ("LONG", "SHORT"):
                hedged = self.books.get((key[0], key[1], side))
                if hedged is not None:
                    hedged.threat = True
        book = self.books.get(key)
        if book is None:
            book = Book(
                key=key,
                position=position,
                baseline=signed(position) if baseline else ZERO,
                peak=position.quantity if baseline else Quantity(ZERO),
                watched_ms=window[0],
                since_ms=window[1],
                until_ms=window[2],
                after_round=self.rounds,
                seen=baseline,
                blind=self.blind,
            )
            self.books[key] = book
        return book

    def _turn(self, record: Record, *, at_ns: int) -> None:
        match record:
            case LegStarted():
                self.run, self.link = record.run, record.link or self.link
                self.before = self.latest = None
            case LegExtended():
                self.extra_s = record.extra_s
                if record.reason not in self.whys:
                    self.whys.append(record.reason)
            case LegJudged():
                self.judged = record
                self.proofs = tuple(look for look in (self.before, self.latest) if look is not None)
            case LegReopened():
                self.reopened.append((at_ns, record))
                self._reopen(record)
            case _:
                pass

    def _intend(self, record: RoundIntended) -> None:
        self.rounds = max(self.rounds, record.round)
        self.whys.extend(why for why in record.why if why not in self.whys)
        gone = {order.key for order in (*record.cancels, *record.clears)}
        self.working = {key: order for key, order in self.working.items() if key not in gone}
        for request in record.orders:
            order = Sent(request=request, round=record.round, run=record.run)
            self.sent.setdefault(request.client_order_id, order)

    def _answer(self, record: OrderAnswered) -> None:
        order = self.sent.get(record.client_order_id)
        if order is None:
            return
        if order.answer is None or order.answer.outcome is Outcome.UNKNOWN:
            order.answer = record
        if record.state is not None:
            order.hear(record.state)

    def _resolve(self, record: OrderResolved) -> None:
        order = self.sent.get(record.client_order_id)
        if order is None:
            return
        if record.state is not None:
            order.hear(record.state)
        if record.state is None or record.state.ended:
            order.resolved = record.by

    def forget(self, reopened: LegReopened) -> None:
        """Begin a new epoch for what was opened again, and for nothing else."""
        keys = {book_key(position) for position in reopened.positions}
        ended = {key: self.books.pop(key) for key in keys & self.books.keys()}
        if ended:
            self.epochs.append(ended)
        for key in keys:
            self.seconds.pop(key, None)
        for order in reopened.orders:
            self.openers.pop(order.key, None)

    def _reopen(self, record: LegReopened) -> None:
        # What was too small to be closed still is, and whoever works beside this exit knows it as that.
        small = {book_key(position) for position in (self.judged.dust if self.judged is not None else ())}
        small -= {book_key(position) for position in record.positions}
        self.epochs.append({key: book for key, book in self.books.items() if key not in small})
        self.books = {key: book for key, book in self.books.items() if key in small}
        self.seconds, self.openers = {}, {}
        self.judged = None


@dataclass(slots=True, kw_only=True)
class Progress:
    """One exit, as its records tell it."""

    request: ExitRequested
    requested_ns: int
    legs: dict[str, Leg]
    runs: int = 0
    judged: ExitJudged | None = None
    judged_ns: int = 0
    judged_first_ns: int = 0
    ended: bool = False
    spooled: int = 0
    last_ns: int = 0
    troubles: list[Troubled] = field(default_factory=list)


def progress(entries: Iterable[Entry]) -> Progress | None:
    """Return where the exit of these entries (oldest first) stands; None when it was never requested."""
    entries = tuple(entries)
    asked = next((entry for entry in entries if isinstance(entry.record, ExitRequested)), None)
    if asked is None or not isinstance(asked.record, ExitRequested):
        return None
    request = asked.record
    state = Progress(
        request=request,
        requested_ns=asked.at_ns,
        legs={
            account.name: Leg(
                exit_id=request.exit_id,
                account=account,
                sight=scope_of(request, account.name),
                first_bound=request.first_bound,
            )
            for account in request.accounts
        },
        spooled=sum(entry.spooled for entry in entries),
    )
    for entry in entries:
        state.last_ns = max(state.last_ns, entry.at_ns)
        _advance(state, entry.record, at_ns=entry.at_ns)
    return state


def _advance(state: Progress, record: Record, *, at_ns: int) -> None:
    match record:
        case RunStarted():
            state.runs = max(state.runs, record.run)
            state.ended = False
        case ExitJudged():
            state.judged, state.judged_ns = record, at_ns
            state.judged_first_ns = state.judged_first_ns or at_ns
        case ExitEnded():
            state.ended = True
        case LegReopened():
            state.judged = None
            state.legs[record.account].apply(record, at_ns=at_ns)
        case Troubled(account=""):
            state.troubles.append(record)
        case (
            LegStarted()
            | LegExtended()
            | Looked()
            | RoundIntended()
            | OrderAnswered()
            | OrderResolved()
            | CancelsAnswered()
            | FillsRead()
            | SecondSourceRead()
            | CollateralRead()
            | Troubled()
            | LegJudged()
        ):
            leg = state.legs.get(record.account)
            if leg is not None:
                leg.apply(record, at_ns=at_ns)
        case _:
            pass

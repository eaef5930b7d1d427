"""The fold over an exit's records: the same evidence in whatever order it was taken up again."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bastion.domain.balance import CollateralRead
from bastion.domain.money import Quantity
from bastion.domain.order import CancelAnswer, Direction, OrderState, OrderStatus
from bastion.domain.position import Position, Side
from bastion.domain.records import (
    CancelsAnswered,
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
    ResolvedBy,
    RoundIntended,
    RunStarted,
    SecondSourceRead,
    Troubled,
)
from bastion.domain.selection import Selection
from bastion.domain.verdict import Verdict
from bastion.exits.books import book_key
from bastion.exits.progress import Leg, progress
from bastion.exits.scope import Scope
from bastion.exits.unfinished import is_over, unjudged
from tests.unit.exits.parts import (
    ACCOUNT,
    MS,
    UTC_NS,
    answered,
    fill,
    intend,
    leg,
    look,
    order,
    position,
    request,
    see,
)

X: dict[str, Any] = {"exit_id": "xtest", "account": "main"}
REQUESTED = ExitRequested(
    exit_id="xtest",
    accounts=(ACCOUNT, replace(ACCOUNT, name="other")),
    principal="owner",
    surface="test",
    deadline_s=Decimal(60),
    hold_s=Decimal(60),
    monotonic_ns=1,
)
JUDGED = ExitJudged(exit_id="xtest", verdict=Verdict.FLAT, held_until_ns=0)
LEFT = replace(JUDGED, verdict=Verdict.NOT_FLAT)
REOPENED = LegReopened(exit_id="xtest", account="main", run=1, positions=(position(),), orders=())
ENDED = ExitEnded(exit_id="xtest")
RUN_1, RUN_2 = (RunStarted(exit_id="xtest", run=run, monotonic_ns=0) for run in (1, 2))


def entries(*records: Record, spooled: Iterable[int] = ()) -> tuple[Entry, ...]:
    late = set(spooled)
    return tuple(
        Entry(
            seq=number,
            at_ns=UTC_NS + number,
            exit_id="xtest",
            record=record,
            previous="",
            hash="",
            spooled=number in late,
        )
        for number, record in enumerate(records, start=1)
    )


def resolved(by: ResolvedBy, state: OrderState | None = None, cid: str = "bst1") -> OrderResolved:
    return OrderResolved(exit_id="xtest", account="main", client_order_id=cid, by=by, state=state)


def unknown(cid: str = "bst1") -> OrderAnswered:
    return OrderAnswered(exit_id="xtest", account="main", client_order_id=cid, outcome=Outcome.UNKNOWN)


def reopened(one: Leg) -> None:
    one.apply(REOPENED, at_ns=UTC_NS + 7)


def test_the_first_sighting_is_the_baseline_and_the_latest_one_the_position() -> None:
    one = leg()
    see(one, look(0, [position(quantity="2")]))
    see(one, look(100, [position(quantity="3")]))
    see(one, look(200, [position(quantity="1")]))
    book = one.books[book_key(position())]
    assert (book.baseline, book.peak, book.position.quantity) == (Decimal(2), Decimal(3), Decimal(1))
    assert (book.seen, book.threat, book.after_round) == (True, False, 0)
    assert (book.since_ms, book.until_ms) == (UTC_NS // MS, UTC_NS // MS + 1_010)


def test_a_book_that_is_seen_later_counts_orders_from_the_next_round() -> None:
    one = leg()
    intend(one, request(position("ETHUSDT")), number=4)
    intend(one, request(position("ETHUSDT"), "bst2"), number=2)
    see(one, look(0, [position()]))
    assert one.books[book_key(position())].after_round == 4


def test_the_same_look_from_the_journal_and_its_spool_counts_once() -> None:
    one = leg()
    see(one, look(100))
    see(one, look(100))
    assert [proof for proof in (one.before, one.latest) if proof] == [one.latest]
    see(one, look(350))
    assert one.before is not None
    assert [proof.look.begun_ns for proof in (one.before, one.latest) if proof] == [100 * MS, 350 * MS]


def test_looks_of_an_earlier_run_prove_nothing() -> None:
    one = leg()
    see(one, look(100))
    see(one, look(350))
    one.apply(LegStarted(**X, run=2, link="here"), at_ns=UTC_NS)
    left = (one.before, one.latest, one.look)
    assert left == (None, None, None)
    assert (one.run, one.link) == (2, "here")
    one.apply(LegStarted(**X, run=3), at_ns=UTC_NS)
    assert (one.run, one.link) == (3, "here"), "a run that names no link keeps the one before"


def test_the_snapshot_is_the_first_look_of_that_purpose() -> None:
    one = leg()
    purposes = (LookPurpose.VERIFY, LookPurpose.HOLD, LookPurpose.SNAPSHOT, LookPurpose.SNAPSHOT)
    looks = ((100 * number, purpose) for number, purpose in enumerate(purposes))
    for at_ms, purpose in looks:
        one.apply(Looked(**X, run=1, purpose=purpose, look=look(at_ms)), at_ns=UTC_NS + at_ms * MS)
    assert one.snapshot is not None
    assert one.snapshot.look.begun_ns == 200 * MS


def test_what_bastion_does_not_close_is_seen_and_has_no_book() -> None:
    one = leg()
    option = replace(position("BTCOPT"), closable=False)
    see(one, look(0, [option, position()]))
    assert set(one.books) == {book_key(position())}
    assert set(one.last_sighting) == {option.key, position().key}


def test_a_complete_look_forgets_what_it_does_not_show_and_an_incomplete_one_nothing() -> None:
    one = leg()
    see(one, look(0, [position(), position("ETHUSDT")], [order()]))
    see(one, look(100, [], unread=["positions"]))
    assert set(one.last_sighting) == {position().key, position("ETHUSDT").key}
    assert set(one.reducers) == {order().key}
    see(one, look(200, [position()]))
    assert set(one.last_sighting) == {position().key}
    assert one.reducers == {}


def test_orders_are_kept_by_what_they_could_do() -> None:
    one = leg()
    stop = replace(order(name="stop"), conditional=True)
    foreign = replace(order(name="foreign", reduce_only=False), closable=False)
    entry = order(name="entry", reduce_only=False, direction=Direction.BUY)
    see(one, look(0, orders=[stop, order(), foreign, entry]))
    assert one.stops == {stop.key}
    assert set(one.reducers) == {stop.key, order().key}
    assert one.openers == {entry.key: entry}
    (book,) = one.books.values()
    assert (book.threat, book.seen, book.baseline, book.peak) == (True, False, Decimal(0), Decimal(0))


def test_a_position_that_a_threat_opened_is_seen_and_keeps_its_empty_baseline() -> None:
    one = leg()
    see(one, look(0, orders=[order(reduce_only=False, direction=Direction.BUY)]))
    see(one, look(100, [position(quantity="2")]))
    book = one.books[book_key(position())]
    assert (book.threat, book.seen, book.baseline, book.peak) == (True, True, Decimal(0), Decimal(2))


def test_a_one_way_order_threatens_both_sides_of_a_hedged_account() -> None:
    one = leg()
    long, short = (position(side=side, hedged=True) for side in (Side.LONG, Side.SHORT))
    see(one, look(0, [long, short], [order(reduce_only=False, direction=Direction.BUY)]))
    assert one.books[book_key(long)].threat
    assert one.books[book_key(short)].threat


def test_a_sided_order_threatens_its_own_side_alone() -> None:
    one = leg()
    long, short = (position(side=side, hedged=True) for side in (Side.LONG, Side.SHORT))
    sided = replace(order(reduce_only=False, direction=Direction.BUY), side=Side.LONG)
    see(one, look(0, [long, short], [sided]))
    assert one.books[book_key(long)].threat
    assert not one.books[book_key(short)].threat


def test_an_order_of_one_instrument_threatens_no_other() -> None:
    one = leg()
    eth = position("ETHUSDT", side=Side.LONG, hedged=True)
    see(one, look(0, [eth], [order(reduce_only=False, direction=Direction.BUY)]))
    assert not one.books[book_key(eth)].threat


def test_an_intent_that_stands_twice_is_one_order_and_its_reasons_are_told_once() -> None:
    one = leg()
    record = RoundIntended(**X, run=1, round=3, orders=(request(position()),), why=("a", "b"))
    one.apply(record, at_ns=0)
    one.apply(answered(), at_ns=0)
    one.apply(replace(record, round=2, why=("b", "c")), at_ns=0)
    assert (one.rounds, one.whys) == (3, ["a", "b", "c"])
    assert one.sent["bst1"].settled, "the answer was not lost"
    assert (one.sent["bst1"].round, one.sent["bst1"].run) == (3, 1)


def test_the_first_certain_answer_stands_and_an_unknown_one_gives_way() -> None:
    one = leg()
    intend(one, request(position()))
    one.apply(unknown(), at_ns=0)
    assert one.sent["bst1"].unknown
    one.apply(answered(filled="0.5", status=OrderStatus.PARTIAL), at_ns=0)
    first = one.sent["bst1"].answer
    assert first is not None
    assert first.outcome is Outcome.ANSWERED
    one.apply(replace(answered(), outcome=Outcome.REJECTED, state=None), at_ns=0)
    assert one.sent["bst1"].answer is first
    one.apply(answered(), at_ns=0)
    assert one.sent["bst1"].filled == 1, "what the venue says of it is heard all the same"


def test_an_answer_to_an_order_of_somebody_else_changes_nothing() -> None:
    one = leg()
    one.apply(answered("other"), at_ns=0)
    one.apply(resolved(ResolvedBy.ORDER, cid="other"), at_ns=0)
    assert one.sent == {}


@pytest.mark.parametrize(
    ("status", "by"),
    [
        (None, ResolvedBy.ABSENT),
        (OrderStatus.CANCELED, ResolvedBy.ORDER),
        (OrderStatus.PARTIAL, None),
    ],
)
def test_an_order_is_resolved_by_its_end_or_by_there_being_none(
    status: OrderStatus | None, by: ResolvedBy | None
) -> None:
    one = leg()
    intend(one, request(position()))
    state = None if status is None else answered(filled="0.25", status=status).state
    one.apply(resolved(by or ResolvedBy.ORDER, state), at_ns=0)
    assert one.sent["bst1"].resolved is by
    assert one.sent["bst1"].filled == (0 if status is None else Decimal("0.25"))


def test_a_cancel_that_is_confirmed_takes_the_order_away_and_no_other() -> None:
    one = leg()
    first, second = order(name="a"), order(name="b")
    see(one, look(0, orders=[first, second]))
    answers = (CancelAnswer(order=first, gone=True), CancelAnswer(order=second, gone=False))
    one.apply(CancelsAnswered(**X, round=1, answers=answers), at_ns=0)
    assert one.cancelled == {first.key: first}
    assert set(one.reducers) == {second.key}


def test_executions_are_kept_by_their_names_and_the_last_reading_is_known() -> None:
    one = leg()
    for begun_ns, fills in ((1, (fill(name="a"),)), (2, (fill("2", name="a"), fill(name="b")))):
        one.apply(FillsRead(**X, run=1, begun_ns=begun_ns, fills=fills), at_ns=0)
    assert [one.fills["linear", "BTCUSDT", name].quantity for name in "ab"] == [2, 1]
    assert one.fills_read is not None
    assert one.fills_read.begun_ns == 2


def test_what_our_orders_took_off_a_position_is_the_larger_of_states_and_fills() -> None:
    one = leg()
    intend(one, request(position()), request(position(), "bst2"), request(position("ETHUSDT"), "bst3"))
    one.apply(answered(filled="0.3", status=OrderStatus.PARTIAL), at_ns=0)
    one.apply(answered("bst3", filled="0.9"), at_ns=0)
    some = (fill("0.2", cid="bst1", name="a"), fill("0.05", cid="bst1", name="b"))
    more = (fill("0.25", cid="bst2", name="c"), fill("0.25", cid="bst2", name="d"), fill("9", name="e"))
    one.apply(FillsRead(**X, run=1, begun_ns=1, fills=some + more), at_ns=0)
    assert one.closed(position()) == Decimal("0.3") + Decimal("0.5")
    assert one.closed(position("SOLUSDT")) == 0


def test_a_second_source_is_kept_by_the_book_it_speaks_of() -> None:
    one = leg()
    second = SecondSourceRead(**X, run=1, begun_ns=4, position=position(), quantity=Quantity(Decimal("0.5")))
    one.apply(second, at_ns=0)
    assert one.seconds[book_key(position())].quantity == Decimal("0.5")


def test_what_went_wrong_and_what_was_given_is_kept() -> None:
    one = leg()
    trouble = Troubled(**X, part="orders", code="-1", message="no")
    one.apply(trouble, at_ns=0)
    assert one.troubles == [trouble]
    collateral = CollateralRead(**X, run=1, begun_ns=1)
    one.apply(collateral, at_ns=0)
    assert one.collateral is collateral
    for extra, why in ((5, "a"), (9, "a"), (11, "b")):
        one.apply(LegExtended(**X, run=1, extra_s=Decimal(extra), reason=why), at_ns=0)
    assert (one.extra_s, one.whys) == (Decimal(11), ["a", "b"])


def test_a_verdict_keeps_the_looks_that_prove_it() -> None:
    one = leg()
    see(one, look(100))
    one.apply(LegJudged(**X, run=1, verdict=Verdict.UNKNOWN), at_ns=0)
    assert [proof.look.begun_ns for proof in one.proofs] == [100 * MS]
    see(one, look(350))
    one.apply(LegJudged(**X, run=1, verdict=Verdict.FLAT), at_ns=0)
    assert [proof.look.begun_ns for proof in one.proofs] == [100 * MS, 350 * MS]
    assert one.judged is not None


def test_a_reopening_begins_a_new_epoch_of_books() -> None:
    one = leg()
    see(one, look(0, [position()], [order(reduce_only=False)]))
    one.apply(
        SecondSourceRead(**X, run=1, begun_ns=4, position=position(), quantity=Quantity(Decimal(0))), at_ns=0
    )
    one.apply(LegJudged(**X, run=1, verdict=Verdict.FLAT), at_ns=0)
    old = one.books
    reopened(one)
    assert (one.books, one.seconds, one.openers, one.judged) == ({}, {}, {}, None)
    assert one.epochs == [old]
    assert one.reopened == [(UTC_NS + 7, REOPENED)]


def test_what_another_exit_reopened_is_forgotten_and_nothing_else() -> None:
    one = leg()
    bought = order(reduce_only=False, direction=Direction.BUY)
    see(one, look(0, [position(), position("ETHUSDT")], [bought, order("ETHUSDT", reduce_only=False)]))
    for instrument in ("BTCUSDT", "ETHUSDT"):
        told = SecondSourceRead(
            **X, run=1, begun_ns=4, position=position(instrument), quantity=Quantity(Decimal(0))
        )
        one.apply(told, at_ns=0)
    one.forget(replace(REOPENED, orders=(bought,)))
    assert set(one.books) == set(one.seconds) == {book_key(position("ETHUSDT"))}
    assert [set(epoch) for epoch in one.epochs] == [{book_key(position())}]
    assert set(one.openers) == {order("ETHUSDT", reduce_only=False).key}
    one.forget(REOPENED)
    assert len(one.epochs) == 1, "what has no book leaves no epoch"


def test_an_exit_is_folded_from_its_request_on() -> None:
    assert progress(entries(RUN_1)) is None
    state = progress(entries(REQUESTED, RUN_2, RUN_1, spooled=[2, 3]))
    assert state is not None
    assert set(state.legs) == {"main", "other"}
    assert (state.requested_ns, state.last_ns) == (UTC_NS + 1, UTC_NS + 3)
    assert (state.runs, state.spooled, state.ended, state.judged) == (2, 2, False, None)


def test_a_verdict_is_taken_back_by_a_reopening_and_the_first_time_stays() -> None:
    state = progress(entries(REQUESTED, RUN_1, JUDGED, REOPENED, LEFT, ENDED))
    assert state is not None
    assert (state.judged, state.judged_ns, state.judged_first_ns) == (LEFT, UTC_NS + 5, UTC_NS + 3)
    assert state.ended
    assert len(state.legs["main"].reopened) == 1
    again = progress(entries(REQUESTED, RUN_1, JUDGED, ENDED, REOPENED, RUN_2))
    assert again is not None
    assert (again.judged, again.ended) == (None, False)


def test_each_record_reaches_the_leg_that_it_names() -> None:
    trouble = Troubled(exit_id="xtest", account="other", part="x", code="", message="")
    whole = replace(trouble, account="")
    strange = replace(trouble, account="nobody")
    state = progress(entries(REQUESTED, trouble, whole, strange))
    assert state is not None
    assert state.legs["other"].troubles == [trouble]
    assert state.legs["main"].troubles == []
    assert state.troubles == [whole]


def test_the_first_bound_of_a_guard_reaches_every_leg() -> None:
    state = progress(entries(replace(REQUESTED, first_bound=Decimal("0.05"))))
    assert state is not None
    assert {one.first_bound for one in state.legs.values()} == {Decimal("0.05")}


@pytest.mark.parametrize(
    ("records", "open_", "over"),
    [
        ((RUN_1,), True, False),
        ((RUN_1, JUDGED), False, False),
        ((RUN_1, JUDGED, ENDED), False, True),
        ((RUN_1, LEFT, ENDED), False, False),
        ((RUN_1, LEFT, JUDGED, ENDED), False, True),
        ((RUN_1, JUDGED, LEFT, ENDED), False, False),
        ((RUN_1, JUDGED, REOPENED), True, False),
        ((RUN_1, JUDGED, REOPENED, ENDED), False, False),
        ((RUN_1, JUDGED, REOPENED, JUDGED, ENDED), False, True),
        ((RUN_1, JUDGED, ENDED, RUN_2), False, False),
        ((RUN_1, ENDED), False, False),
    ],
)
def test_an_exit_is_taken_up_until_it_is_judged_and_held_until_it_ended_flat(
    records: tuple[Record, ...],
    open_: bool,  # noqa: FBT001 - a case of the table
    over: bool,  # noqa: FBT001 - a case of the table
) -> None:
    told = entries(REQUESTED, *records)
    assert unjudged(told) == (REQUESTED if open_ else None)
    assert is_over(told) is over


def test_what_was_never_asked_for_is_not_taken_up() -> None:
    assert unjudged(entries(RUN_1)) is None
    assert not is_over(entries(RUN_1))


@pytest.mark.parametrize(
    ("held", "sides", "threat"),
    [
        (position(), {Side.SHORT}, False),
        (position(quantity="2"), {Side.SHORT}, False),
        (position(quantity="0.9"), {Side.SHORT}, True),
        (position(hedged=True), {Side.SHORT}, True),
        (position("AAAUSDT", "2"), {Side.SHORT}, True),
        (position("ZZZUSDT", "2"), {Side.SHORT}, True),
        (replace(position(), category="inverse"), {Side.SHORT}, True),
        (position(), set(), True),
        (position(), {Side.LONG, Side.SHORT}, True),
        (position(), {Side.LONG}, False),
    ],
    ids=[
        *("as much", "more", "less than the order", "hedged", "another, before", "another, after"),
        *("another category", "everything is closed", "both sides are closed", "the order is not covered"),
    ],
)
@pytest.mark.parametrize("mirrored", [False, True])
def test_an_order_that_a_position_which_stays_would_swallow_threatens_nothing(
    held: Position,
    sides: set[Side],
    threat: bool,  # noqa: FBT001 - a case of the table
    mirrored: bool,  # noqa: FBT001 - a case of the table
) -> None:
    other = {Side.LONG: Side.SHORT, Side.SHORT: Side.LONG}
    towards = Direction.SELL
    if mirrored:
        held, sides, towards = replace(held, side=Side.SHORT), {other[side] for side in sides}, Direction.BUY
    one = leg()
    one.sight = Scope(selection=Selection(sides=frozenset(sides)))
    see(one, look(0, [held], [order(reduce_only=False, direction=towards)]))
    assert any(book.threat for book in one.books.values()) is threat

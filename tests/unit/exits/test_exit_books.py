"""The arithmetic of one book: which fills count, which orders count, and from when on."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.money import Price, Quantity
from bastion.domain.order import Direction, Fill, OrderState, OrderStatus
from bastion.domain.position import Side
from bastion.domain.records import Outcome, ResolvedBy
from bastion.errors import Fault
from bastion.exits.books import (
    Book,
    BookKey,
    Sent,
    Tally,
    book_key,
    last_own_fill_ms,
    last_round_closed,
    signed,
    tally,
    threatened_position,
    window_ms,
)
from tests.unit.exits.parts import MS, UTC_NS, answered, fill, look, order, position, refused, request

SINCE_MS = UTC_NS // MS
FAR = 1_000


def book(
    *, hedged: bool = False, side: Side = Side.LONG, until_ms: int = 1_000, after_round: int = 0
) -> Book:
    held = position(side=side, hedged=hedged)
    return Book(
        key=book_key(held),
        position=held,
        baseline=signed(held),
        peak=held.quantity,
        since_ms=SINCE_MS,
        watched_ms=SINCE_MS,
        until_ms=SINCE_MS + until_ms,
        after_round=after_round,
    )


def books(*some: Book) -> dict[BookKey, Book]:
    return {one.key: one for one in some}


def sent(
    cid: str = "bst1",
    *,
    filled: str | None = None,
    side: Side = Side.LONG,
    number: int = 1,
    hedged: bool = False,
) -> Sent:
    one = Sent(request=request(position(side=side, hedged=hedged), cid), round=number, run=1)
    if filled is not None:
        one.hear(state(filled, cid=cid))
    return one


def state(
    filled: str, status: OrderStatus = OrderStatus.PARTIAL, *, price: str = "101", cid: str = "bst1"
) -> OrderState:
    return OrderState(
        client_order_id=cid,
        order_id=f"o-{cid}",
        status=status,
        filled=Quantity(Decimal(filled)),
        average_price=Price(Decimal(price)),
    )


def test_a_short_counts_negative_and_a_hedged_side_has_a_book_of_its_own() -> None:
    assert signed(position(quantity="3")) == 3
    assert signed(position(quantity="3", side=Side.SHORT)) == -3
    assert book_key(position()) == ("linear", "BTCUSDT", "")
    assert book_key(position(side=Side.SHORT, hedged=True)) == ("linear", "BTCUSDT", "SHORT")


@pytest.mark.parametrize(("direction", "moved"), [(Direction.BUY, Decimal(1)), (Direction.SELL, Decimal(-1))])
def test_a_fill_of_somebody_else_moves_the_book_by_its_direction(
    direction: Direction, moved: Decimal
) -> None:
    one = book()
    assert tally(books(one), {}, [fill(direction=direction)]) == {one.key: Tally(others=moved)}


def test_fills_of_others_add_up_and_one_uncertain_among_them_makes_all_uncertain() -> None:
    one = book()
    some = [
        fill("2", direction=Direction.BUY, name="a"),
        fill("0.5", name="b", at_ms=900),
        fill("0.25", name="c"),
    ]
    assert tally(books(one), {}, some)[one.key] == Tally(others=Decimal("1.25"), certain=False)


@pytest.mark.parametrize(
    ("at_ms", "others", "certain"),
    [
        (-1, "0", True),
        (0, "-1", False),
        (1_000, "-1", False),
        (1_001, "-1", True),
    ],
    ids=["before the window", "at its start", "at its end", "after it"],
)
def test_a_fill_in_the_window_of_the_first_look_counts_and_is_uncertain(
    at_ms: int,
    others: str,
    certain: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = book()
    moved = tally(books(one), {}, [fill(at_ms=at_ms)])[one.key]
    assert moved == Tally(others=Decimal(others), certain=certain)


def test_a_fill_before_the_window_does_not_hide_the_ones_after_it() -> None:
    one = book()
    some = [fill(at_ms=-1, name="a"), fill(name="b")]
    assert tally(books(one), {}, some)[one.key].others == -1


@pytest.mark.parametrize(
    ("by_state", "by_fills", "own"),
    [
        ("0", ["0.4", "0.2"], "-0.6"),
        ("0.7", ["0.4", "0.2"], "-0.7"),
        ("0.5", [], "-0.5"),
        (None, ["0.3"], "-0.3"),
    ],
)
def test_an_order_of_ours_counts_with_the_larger_of_its_state_and_its_fills(
    by_state: str | None, by_fills: list[str], own: str
) -> None:
    one = book()
    some = [fill(size, cid="bst1", name=str(number)) for number, size in enumerate(by_fills)]
    moved = tally(books(one), {"bst1": sent(filled=by_state)}, some)[one.key]
    assert moved == Tally(own=Decimal(own))


def test_a_fill_that_names_only_the_venues_id_of_our_order_is_ours() -> None:
    one = book()
    named = replace(fill("0.5"), order_id="o-bst1")
    assert tally(books(one), {"bst1": sent(filled="0")}, [named])[one.key] == Tally(own=Decimal("-0.5"))
    assert tally(books(one), {"bst1": sent()}, [named])[one.key] == Tally(others=Decimal("-0.5"))


def test_an_order_without_an_id_of_the_venue_owns_no_fill_without_one() -> None:
    one = book()
    mine = sent()
    mine.hear(replace(state("0"), order_id=""))
    assert tally(books(one), {"bst1": mine}, [fill("0.5")])[one.key] == Tally(others=Decimal("-0.5"))


def test_closing_a_short_buys() -> None:
    one = book(side=Side.SHORT)
    moved = tally(books(one), {"bst1": sent(filled="0.5", side=Side.SHORT)}, [])[one.key]
    assert moved == Tally(own=Decimal("0.5"))


def test_orders_of_one_book_add_up_and_keep_what_others_did() -> None:
    one = book()
    mine = {"bst1": sent("bst1", filled="0.25"), "bst2": sent("bst2", filled="0.5")}
    moved = tally(books(one), mine, [fill("0.1", at_ms=500)])[one.key]
    assert moved == Tally(own=Decimal("-0.75"), others=Decimal("-0.1"), certain=False)


@pytest.mark.parametrize(("number", "own"), [(1, "0"), (2, "0"), (3, "-0.5")])
def test_orders_of_the_rounds_before_the_book_are_contained_in_it(number: int, own: str) -> None:
    one = book(after_round=2)
    old = {"bst0": sent("bst0", filled="0.5", number=number), "bst1": sent(filled=None, number=9)}
    assert tally(books(one), old, [])[one.key].own == Decimal(own)


def test_an_order_whose_book_is_gone_does_not_hide_the_next_ones() -> None:
    one = book()
    elsewhere = Sent(request=request(position("ETHUSDT"), "bst0"), round=1, run=1)
    elsewhere.hear(state("1", cid="bst0"))
    assert tally(books(one), {"bst0": elsewhere, "bst1": sent(filled="0.5")}, [])[one.key].own == Decimal(
        "-0.5"
    )


def test_a_fill_goes_to_the_book_of_its_side_and_else_to_the_one_of_the_instrument() -> None:
    long, short = book(hedged=True), book(hedged=True, side=Side.SHORT)
    sided: Fill = replace(fill(direction=Direction.BUY), side=Side.SHORT)
    moved = tally(books(long, short), {}, [sided])
    assert (moved[long.key], moved[short.key]) == (Tally(), Tally(others=Decimal(1)))
    net = book()
    assert tally(books(net), {}, [sided])[net.key] == Tally(others=Decimal(1))
    assert tally(books(long), {}, [fill()])[long.key] == Tally()


def test_a_look_with_the_venues_time_has_a_window_of_its_length_and_a_second() -> None:
    seen = look(0)
    assert seen.venue_time_ms is not None
    assert window_ms(seen, at_ns=0) == (seen.venue_time_ms, seen.venue_time_ms + 10 + 1_000)
    later = replace(look(70_000), ended_ns=70_000 * MS + 9_999_999)
    assert later.venue_time_ms is not None
    assert window_ms(later, at_ns=0) == (later.venue_time_ms, later.venue_time_ms + 9 + 1_000)


def test_a_look_without_the_venues_time_has_two_seconds_of_doubt_on_either_side() -> None:
    seen = replace(look(0), venue_time_ms=None)
    assert window_ms(seen, at_ns=50_000 * MS + 999_999) == (50_000 - 10 - 2_000, 52_000)


def test_an_order_that_would_open_names_the_position_that_it_would_open() -> None:
    buys, sells = order(direction=Direction.BUY), order(direction=Direction.SELL)
    assert threatened_position(buys).side is Side.LONG
    assert threatened_position(sells).side is Side.SHORT
    assert not threatened_position(sells).hedged
    sided = replace(sells, side=Side.LONG)
    assert (threatened_position(sided).side, threatened_position(sided).hedged) == (Side.LONG, True)


def test_what_was_once_filled_or_ended_stays_so() -> None:
    one = sent(filled="0.5")
    one.hear(state("0.3", OrderStatus.CANCELED, price="99"))
    assert one.state is not None
    assert (one.filled, one.state.average_price) == (Decimal("0.5"), Decimal(101))
    assert one.settled
    one.hear(state("0.9"))
    assert one.filled == Decimal("0.5"), "it had ended"
    one.hear(state("0.8", OrderStatus.FILLED))
    assert one.filled == Decimal("0.8"), "a later word on its end is taken"


def test_the_latest_word_of_as_much_is_taken_with_its_price() -> None:
    one = sent(filled="0.5")
    one.hear(state("0.5", price="99"))
    assert one.state is not None
    assert one.state.average_price == 99


def test_an_order_is_unknown_until_anything_is_heard_of_it() -> None:
    one = sent()
    assert one.filled == 0
    assert (one.refused, one.settled, one.unknown) == (False, False, True)
    one.hear(state("0"))
    assert (one.settled, one.unknown) == (False, False)
    one.resolved = ResolvedBy.LOOK
    assert one.settled


@pytest.mark.parametrize(
    ("outcome", "is_refused"),
    [(Outcome.REJECTED, True), (Outcome.NOT_SENT, True), (Outcome.UNKNOWN, False), (Outcome.ANSWERED, False)],
)
def test_a_refused_order_is_settled(outcome: Outcome, is_refused: bool) -> None:  # noqa: FBT001 - a case of the table
    one = sent()
    one.answer = replace(refused(Fault.SIZE), outcome=outcome)
    assert (one.refused, one.settled, one.unknown) == (is_refused, is_refused, not is_refused)


def test_an_answered_order_is_settled_once_it_ended() -> None:
    one = sent()
    one.answer = answered()
    assert not one.settled
    one.hear(state("1", OrderStatus.FILLED))
    assert one.settled


def filled_by(*orders: tuple[str, int, str]) -> dict[str, Sent]:
    """Return orders of ours for one position of size 1, each by its id, its round and what it filled."""
    # Far into a long exit; a number that was read from a record is equal to another, not one object.
    return {cid: sent(cid, filled=size, number=int(f"{FAR + number}")) for cid, number, size in orders}


@pytest.mark.parametrize(
    ("orders", "shown", "after_round", "closed"),
    [
        ((("a", 1, "1"),), "1", 0, True),
        ((("a", 1, "1"),), "0.4", 0, True),
        ((("a", 1, "1"),), "1.1", 0, False),
        ((("a", 1, "0.9"),), "1", 0, False),
        ((("a", 1, "0.4"), ("b", 1, "0.6")), "1", 0, True),
        ((("a", 1, "0.4"), ("b", 2, "0.6")), "1", 0, False),
        ((("a", 2, "1"), ("b", 1, "0")), "1", 0, True),
        ((("a", 1, "0.6"), ("b", 1, "0.6")), "1", 0, True),
        ((("a", 1, "1"),), "1", 1, False),
        ((("a", 1, "1"),), "1", 2, False),
        ((("a", 2, "1"),), "1", 1, True),
        ((), "1", 0, False),
    ],
    ids=[
        "whole",
        "a rest is shown",
        "more is shown",
        "not wholly filled",
        "two slices of one round",
        "two rounds, the last one in part",
        "the last round is not the last order",
        "more than the whole",
        "a round before the book",
        "a round long before the book",
        "a round after its beginning",
        "nothing sent",
    ],
)
def test_the_last_round_closed_a_position_where_it_filled_the_whole_of_it(
    orders: tuple[tuple[str, int, str], ...],
    shown: str,
    after_round: int,
    closed: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = book(after_round=FAR + after_round)
    mine = filled_by(*orders)
    elsewhere = Sent(request=request(position("ETHUSDT"), "x"), round=FAR + 9, run=1)
    assert last_round_closed({**mine, "x": elsewhere}, one, position(quantity=shown)) is closed


@pytest.mark.parametrize(
    ("fills", "last_ms"),
    [
        ([fill("0.4", cid="a", at_ms=10, name="1"), fill("0.6", cid="a", at_ms=30, name="2")], 30),
        ([fill("0.6", cid="a", at_ms=30, name="1"), fill("0.4", cid="a", at_ms=10, name="2")], 30),
        ([fill("0.9", cid="a", at_ms=10, name="1")], None),
        ([fill("1.5", cid="a", at_ms=10, name="1")], 10),
        ([replace(fill("1", at_ms=40), order_id="o-a")], 40),
        ([fill("1", cid="a", at_ms=10, name="1"), fill("1", cid="b", at_ms=90, name="2")], 10),
        ([fill("1", at_ms=10)], None),
        ([], None),
    ],
)
def test_the_time_of_our_last_execution_is_known_once_all_of_them_were_read(
    fills: list[Fill], last_ms: int | None
) -> None:
    told = last_own_fill_ms(filled_by(("a", 1, "1")), fills, position())
    assert told == (None if last_ms is None else SINCE_MS + last_ms)


def test_the_executions_of_orders_that_the_venue_gave_no_id_are_not_ours_by_an_empty_one() -> None:
    mine = filled_by(("a", 1, "0"))
    mine["a"].hear(replace(state("0", cid="a"), order_id=""))
    assert last_own_fill_ms(mine, [fill("1", at_ms=10)], position()) is None

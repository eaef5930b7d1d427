"""What a leg's evidence is worth: two looks, the arithmetic of fills, second sources."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.money import Quantity
from bastion.domain.order import CancelAnswer, Direction, OrderStatus
from bastion.domain.position import Side
from bastion.domain.records import (
    CancelsAnswered,
    FillsRead,
    OrderAnswered,
    Outcome,
    RoundIntended,
    SecondSourceRead,
)
from bastion.domain.verdict import Verdict
from bastion.errors import Fault
from bastion.exits.pace import Pace
from bastion.exits.plan import plan
from bastion.exits.progress import Leg
from bastion.exits.settings import ExitSettings
from bastion.exits.verdict import Standing, at_deadline, leftovers, overall, stand, working
from tests.unit.exits.parts import (
    MS,
    UTC_NS,
    answered,
    fill,
    intend,
    leg,
    look,
    order,
    pace,
    position,
    refused,
    request,
    see,
)

SETTINGS = ExitSettings()


def judge(one: Leg, beat: Pace) -> Standing:
    return stand(one, beat, dust=frozenset(), settings=SETTINGS)


def closed_leg() -> Leg:
    one = leg()
    held = position()
    see(one, look(0, [held]))
    intend(one, request(held))
    one.apply(answered(), at_ns=0)
    one.apply(executions_read(60), at_ns=UTC_NS + 60 * MS)
    return one


def executions_read(at_ms: int) -> FillsRead:
    return FillsRead(exit_id="xtest", account="main", run=1, begun_ns=at_ms * MS, fills=())


def test_without_the_executions_after_an_order_only_a_second_source_makes_its_position_flat() -> None:
    # It may have grown between the look and the order, and a list that shows nothing may lie.
    one = leg()
    held = position()
    see(one, look(0, [held]))
    intend(one, request(held))
    one.apply(answered(), at_ns=0)
    for at_ms in (100, 350):
        see(one, look(at_ms))
    beat = pace(60)
    beat.key_act_ns[held.key] = 60 * MS
    assert judge(one, beat).verdict is None
    one.apply(executions_read(59), at_ns=UTC_NS)
    assert [book.key[1] for book in judge(one, beat).unexplained] == ["BTCUSDT"]
    one.apply(executions_read(60), at_ns=UTC_NS)
    assert judge(one, beat).verdict is Verdict.FLAT
    beat.key_act_ns[held.key] = beat.last_act_ns = 61 * MS
    assert judge(one, beat).verdict is None
    second = SecondSourceRead(
        exit_id="xtest",
        account="main",
        run=1,
        begun_ns=61 * MS,
        position=held,
        quantity=Quantity(Decimal(0)),
    )
    one.apply(second, at_ns=UTC_NS)
    assert judge(one, beat).verdict is Verdict.FLAT


def test_two_empty_looks_250_ms_apart_after_the_last_answer_are_flat() -> None:
    one = closed_leg()
    see(one, look(100))
    assert judge(one, pace(60)).verdict is None
    see(one, look(350))
    assert judge(one, pace(60)).verdict is Verdict.FLAT


@pytest.mark.parametrize(
    ("first_ms", "second_ms", "last_act_ms"),
    [(100, 349, 60), (100, 350, 101), (100, 350, 200)],
    ids=["too close", "first look before the last answer", "second look alone after the last answer"],
)
def test_looks_too_close_or_too_early_prove_nothing(first_ms: int, second_ms: int, last_act_ms: int) -> None:
    one = closed_leg()
    see(one, look(first_ms))
    see(one, look(second_ms))
    assert judge(one, pace(last_act_ms)).verdict is None


def test_an_incomplete_look_between_two_empty_ones_breaks_their_row() -> None:
    one = closed_leg()
    see(one, look(100))
    see(one, look(400, unread=["positions"]))
    assert judge(one, pace(60)).verdict is None
    see(one, look(700))
    assert judge(one, pace(60)).verdict is None
    see(one, look(950))
    assert judge(one, pace(60)).verdict is Verdict.FLAT


def test_a_position_that_vanishes_without_a_fill_is_not_flat_until_a_second_source_agrees() -> None:
    one = leg()
    see(one, look(0, [position()]))
    see(one, look(100))
    see(one, look(350))
    standing = judge(one, pace(60))
    assert standing.confirmed
    assert standing.verdict is None
    assert [book.position.instrument for book in standing.unexplained] == ["BTCUSDT"]
    second = SecondSourceRead(
        exit_id="xtest",
        account="main",
        run=1,
        begun_ns=400 * MS,
        position=position(),
        quantity=Quantity(Decimal(0)),
    )
    one.apply(second, at_ns=0)
    assert judge(one, pace(60)).verdict is Verdict.FLAT


def test_a_second_source_asked_before_the_last_answer_does_not_count() -> None:
    one = leg()
    see(one, look(0, [position()]))
    one.apply(
        SecondSourceRead(
            exit_id="xtest",
            account="main",
            run=1,
            begun_ns=20 * MS,
            position=position(),
            quantity=Quantity(Decimal(0)),
        ),
        at_ns=0,
    )
    see(one, look(100))
    see(one, look(350))
    beat = pace(60)
    beat.key_act_ns[position().key] = 60 * MS
    assert judge(one, beat).verdict is None
    # What was answered elsewhere on the account moved nothing here.
    assert judge(one, pace(60)).verdict is Verdict.FLAT


def test_another_ones_fill_explains_a_position_that_vanished() -> None:
    one = leg()
    see(one, look(0, [position()]))
    one.apply(FillsRead(exit_id="xtest", account="main", run=1, begun_ns=100 * MS, fills=(fill(),)), at_ns=0)
    see(one, look(6_000))
    see(one, look(6_250))
    assert judge(one, pace(60)).verdict is Verdict.FLAT


def test_a_fill_so_near_to_the_snapshot_that_it_may_be_contained_in_it_explains_nothing_alone() -> None:
    one = leg()
    see(one, look(0, [position()]))
    near = FillsRead(exit_id="xtest", account="main", run=1, begun_ns=100 * MS, fills=(fill(at_ms=500),))
    one.apply(near, at_ns=0)
    see(one, look(6_000))
    see(one, look(6_250))
    assert judge(one, pace(60)).verdict is None


def test_an_order_that_could_open_must_be_confirmed_gone_and_its_fills_read() -> None:
    one = leg()
    entry = order(reduce_only=False, direction=Direction.BUY)
    see(one, look(0, orders=[entry]))
    see(one, look(100))
    see(one, look(350))
    assert judge(one, pace(60)).lingering == (entry,)
    gone = CancelsAnswered(
        exit_id="xtest", account="main", round=1, answers=(CancelAnswer(order=entry, gone=True),)
    )
    one.apply(gone, at_ns=0)
    assert judge(one, pace(60)).verdict is None, "its fills were not read after the cancel"
    one.apply(FillsRead(exit_id="xtest", account="main", run=1, begun_ns=100 * MS, fills=()), at_ns=0)
    assert judge(one, pace(60)).verdict is Verdict.FLAT


def test_an_entry_that_filled_while_its_cancel_travelled_is_not_flat_whatever_the_looks_say() -> None:
    one = leg()
    entry = order(reduce_only=False, direction=Direction.BUY)
    see(one, look(0, orders=[entry]))
    gone = CancelsAnswered(
        exit_id="xtest", account="main", round=1, answers=(CancelAnswer(order=entry, gone=True),)
    )
    one.apply(gone, at_ns=0)
    bought = fill(direction=Direction.BUY, at_ms=2_000)
    one.apply(FillsRead(exit_id="xtest", account="main", run=1, begun_ns=100 * MS, fills=(bought,)), at_ns=0)
    see(one, look(3_000))
    see(one, look(3_250))
    assert judge(one, pace(60)).verdict is None


def test_what_bastion_does_not_close_makes_the_verdict_not_flat_by_name() -> None:
    one = leg()
    option = replace(position("BTC-OPTION1"), closable=False)
    see(one, look(0, [option]))
    see(one, look(250, [option]))
    standing = judge(one, pace(0))
    assert standing.verdict is Verdict.NOT_FLAT
    assert leftovers(one, standing) == (option,)


def test_a_position_that_an_incomplete_look_does_not_show_is_believed_to_be_left() -> None:
    one = leg()
    held = position()
    see(one, look(0, [held]))
    see(one, look(300, unread=["positions"]))
    standing = judge(one, pace(0))
    assert leftovers(one, standing) == (held,)
    assert at_deadline(one, standing)[0] is Verdict.NOT_FLAT


def test_an_order_that_an_incomplete_look_does_not_show_is_believed_to_work_until_the_orders_are_read() -> (
    None
):
    one = leg()
    opener = order(reduce_only=False)
    see(one, look(0, orders=[opener, order(name="stop")]))
    see(one, look(300, unread=["orders"]))
    standing = judge(one, pace(0))
    assert working(one, standing) == (opener,)
    assert at_deadline(one, standing) == (Verdict.NOT_FLAT, (("orders", "no answer"),))
    see(one, look(600, unread=["positions"]))
    assert at_deadline(one, judge(one, pace(0)))[0] is Verdict.UNKNOWN


@pytest.mark.parametrize("answered", [False, True])
def test_an_order_is_not_called_left_where_nothing_was_read_since_its_cancel_was_sent(answered: bool) -> None:  # noqa: FBT001 - a case
    one = leg()
    opener = order(reduce_only=False)
    see(one, look(0, orders=[opener]))
    if answered:
        lost = CancelAnswer(order=opener, gone=False, code="unknown")
        one.apply(CancelsAnswered(exit_id="xtest", account="main", round=1, answers=(lost,)), at_ns=0)
    else:
        sent = RoundIntended(exit_id="xtest", account="main", run=1, round=1, cancels=(opener,))
        one.apply(sent, at_ns=0)
    see(one, look(300, unread=["orders"]))
    assert at_deadline(one, judge(one, pace(60)))[0] is Verdict.UNKNOWN
    see(one, look(600, orders=[opener]))
    see(one, look(900, unread=["orders"]))
    assert at_deadline(one, judge(one, pace(60)))[0] is Verdict.NOT_FLAT


def test_a_leg_that_never_answered_is_unknown_and_says_what_was_unread() -> None:
    one = leg()
    see(one, look(0, unread=["positions", "orders"]))
    verdict, unread = at_deadline(one, judge(one, pace(0)))
    assert verdict is Verdict.UNKNOWN
    assert [part for part, _ in unread] == ["positions", "orders"]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], Verdict.FLAT),
        ([Verdict.FLAT, Verdict.FLAT_WITH_DUST], Verdict.FLAT_WITH_DUST),
        ([Verdict.FLAT, Verdict.UNKNOWN], Verdict.UNKNOWN),
        ([Verdict.UNKNOWN, Verdict.NOT_FLAT, Verdict.FLAT], Verdict.NOT_FLAT),
    ],
)
def test_a_known_residual_outweighs_an_unread_part(verdicts: list[Verdict], expected: Verdict) -> None:
    assert overall(verdicts) is expected


def test_what_an_order_of_unknown_outcome_may_have_closed_is_unknown_and_not_left() -> None:
    one = leg()
    held = position()
    see(one, look(0, [held]))
    intend(one, request(held))
    one.apply(
        OrderAnswered(exit_id="xtest", account="main", client_order_id="bst1", outcome=Outcome.UNKNOWN),
        at_ns=0,
    )
    see(one, look(500, unread=["positions"]))
    standing = judge(one, pace(60))
    assert leftovers(one, standing) == ()
    verdict, unread = at_deadline(one, standing)
    assert verdict is Verdict.UNKNOWN
    assert (
        "BTC/USDT:USDT",
        "an order was sent whose outcome is not known, and nothing could be read since",
    ) in (unread)


def test_what_was_refused_for_certain_is_left_also_where_nothing_is_read_any_more() -> None:
    one = leg()
    held = position()
    see(one, look(0, [held]))
    intend(one, request(held))
    one.apply(refused(Fault.RETRY), at_ns=0)
    see(one, look(500, unread=["positions"]))
    assert at_deadline(one, judge(one, pace(60)))[0] is Verdict.NOT_FLAT


def _told_by_a_second_source(one: Leg, quantity: str) -> None:
    record = SecondSourceRead(
        exit_id="xtest",
        account="main",
        run=1,
        begun_ns=90 * MS,
        position=position(),
        quantity=Quantity(Decimal(quantity)),
    )
    one.apply(record, at_ns=0)


def test_what_our_fills_closed_is_not_left_where_a_look_could_not_read_it() -> None:
    one = closed_leg()
    see(one, look(100, unread=["positions"]))
    assert leftovers(one, judge(one, pace(60))) == ()


@pytest.mark.parametrize(
    ("closed", "second", "suspected"),
    [(True, None, True), (False, None, False), (True, "1", True), (True, "0", True), (False, "0", True)],
)
def test_a_shown_position_is_suspect_where_our_fills_or_else_a_second_source_say_that_it_is_closed(
    closed: bool,  # noqa: FBT001 - a case of the table
    second: str | None,
    suspected: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = leg()
    see(one, look(0, [position()]))
    if closed:
        intend(one, request(position()))
        one.apply(answered(), at_ns=0)
    beat = pace(60)
    beat.key_act_ns[position().key] = 60 * MS
    see(one, look(100, [position()]))
    if second is not None:
        _told_by_a_second_source(one, second)
    assert judge(one, beat).suspects == ({position().key} if suspected else set())


@pytest.mark.parametrize(
    ("updated_ms", "quantity", "suspected"),
    [
        (None, "1", True),
        (4_999, "1", True),
        (5_000, "1", True),
        (5_001, "1", False),
        (4_999, "1.1", False),
    ],
    ids=["untold", "before our fill", "at our fill", "after our fill", "more than ever was"],
)
def test_a_shown_position_that_changed_after_our_fill_is_really_there(
    updated_ms: int | None,
    quantity: str,
    suspected: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = closed_leg()
    read = FillsRead(
        exit_id="xtest", account="main", run=1, begun_ns=70 * MS, fills=(fill(cid="bst1", at_ms=5_000),)
    )
    one.apply(read, at_ns=0)
    beat = pace(60)
    beat.key_act_ns[position().key] = 60 * MS
    changed = None if updated_ms is None else UTC_NS // MS + updated_ms
    see(one, look(100, [replace(position(quantity=quantity), updated_ms=changed)]))
    assert judge(one, beat).suspects == ({position().key} if suspected else set())


def test_a_second_close_that_filled_whole_is_believed_as_the_first_was() -> None:
    one, beat = closed_leg(), pace(60)
    beat.key_act_ns[position().key] = 60 * MS
    # What came back came without an execution that could be read, so the sum does not tell.
    intend(one, request(position(), "bst2"), number=2)
    one.apply(answered("bst2"), at_ns=0)
    see(one, look(100, [position()]))
    assert judge(one, beat).suspects == {position().key}


def test_the_rest_of_a_close_that_took_only_a_part_is_no_trailing_look() -> None:
    one, beat = leg(), pace(60)
    see(one, look(0, [position(quantity="2")]))
    intend(one, request(position(quantity="2")))
    one.apply(answered(filled="1", status=OrderStatus.CANCELED), at_ns=0)
    beat.key_act_ns[position().key] = 60 * MS
    see(one, look(100, [position(quantity="1")]))
    assert judge(one, beat).suspects == set()


@pytest.mark.parametrize(
    ("took", "rests", "suspect"), [(True, False, True), (False, False, False), (True, True, False)]
)
def test_an_order_that_found_nothing_after_one_that_was_taken_is_a_trailing_look_unless_something_rests(
    took: bool,  # noqa: FBT001 - a case
    rests: bool,  # noqa: FBT001 - a case
    suspect: bool,  # noqa: FBT001 - a case
) -> None:
    one, beat = leg(), pace(60)
    see(one, look(0, [position()]))
    intend(one, request(position()))
    first = answered(filled="0", status=OrderStatus.ACCEPTED) if took else refused(Fault.RETRY)
    one.apply(first, at_ns=0)
    intend(one, request(position(), "bst2"), number=2)
    one.apply(refused(Fault.MAYBE_FLAT, "bst2"), at_ns=0)
    beat.key_act_ns[position().key] = 60 * MS
    see(one, look(100, [position()], [order()] if rests else []))
    assert judge(one, beat).suspects == ({position().key} if suspect else set())


def test_a_change_after_only_a_part_of_our_fills_proves_nothing() -> None:
    one = closed_leg()
    part = fill("0.4", cid="bst1", at_ms=5_000)
    one.apply(FillsRead(exit_id="xtest", account="main", run=1, begun_ns=70 * MS, fills=(part,)), at_ns=0)
    beat = pace(60)
    beat.key_act_ns[position().key] = 60 * MS
    see(one, look(100, [replace(position(), updated_ms=UTC_NS // MS + 5_001)]))
    assert judge(one, beat).suspects == {position().key}


@pytest.mark.parametrize(
    ("begun_ms", "closes_again"),
    [(100, False), (2_599, False), (2_600, True)],
    ids=["at once", "late", "due"],
)
def test_what_our_fills_closed_is_closed_again_by_a_look_that_began_after_the_venue_had_its_time(
    begun_ms: int,
    closes_again: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat = closed_leg(), pace(60)
    beat.key_act_ns[position().key] = 60 * MS
    beat.ended_ns["bst1"] = 60 * MS
    see(one, look(90, [position()]))
    acts = [
        plan(one, judge(one, beat), beat, {}, now_ns=now_ms * MS, settings=SETTINGS)
        for now_ms in (100, 60_000)
    ]
    assert acts == [None, None], "the time is counted to the look's beginning, not to now"
    see(one, look(begun_ms, [position()]))
    act = plan(one, judge(one, beat), beat, {}, now_ns=60_000 * MS, settings=SETTINGS)
    assert (act is not None) is closes_again


@pytest.mark.parametrize(("answered", "lingers"), [(0, True), (2, True), (3, False), (4, False)])
def test_an_order_that_no_look_shows_lingers_until_it_was_cancelled_often_enough(
    answered: int,
    lingers: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = leg()
    opener = order(reduce_only=False)
    see(one, look(0, orders=[opener]))
    see(one, look(100))
    beat = pace(60)
    beat.cancel_tries[opener.key], beat.cancels_answered[opener.key] = 9, answered
    assert judge(one, beat).lingering == ((opener,) if lingers else ())


@pytest.mark.parametrize(
    ("side", "took", "others", "suspected"),
    [
        (Side.LONG, ("0.4", "0.6"), None, True),
        (Side.SHORT, ("0.4", "0.6"), None, True),
        (Side.LONG, ("0.4", "0.3"), "0.3", True),
        (Side.SHORT, ("0.4", "0.3"), "0.3", True),
        (Side.SHORT, ("0.4", "0.3"), None, False),
        (Side.LONG, ("0.4", "0.3"), None, False),
        (Side.LONG, ("0.4", "0.3"), "0.6", False),
        (Side.LONG, ("0", "0"), "1", False),
        (Side.SHORT, ("0", "0"), "1", False),
    ],
    ids=[
        "a long in two rounds",
        "a short in two rounds",
        "a long with somebody else",
        "a short with somebody else",
        "a part of a short",
        "a part of a long",
        "somebody else sold more than there was",
        "somebody else alone closed a long",
        "somebody else alone closed a short",
    ],
)
def test_what_several_rounds_closed_together_is_suspect_where_the_sum_says_so(
    side: Side,
    took: tuple[str, str],
    others: str | None,
    suspected: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat, held = leg(), pace(60), position(side=side)
    see(one, look(0, [held]))
    for number, filled in enumerate(took, 1):
        intend(one, request(held, f"bst{number}"), number=number)
        one.apply(answered(f"bst{number}", filled=filled, status=OrderStatus.CANCELED), at_ns=0)
    if others is not None:
        closing = Direction.SELL if side is Side.LONG else Direction.BUY
        read = replace(executions_read(70), fills=(fill(others, direction=closing),))
        one.apply(read, at_ns=0)
    beat.key_act_ns[held.key] = 60 * MS
    see(one, look(100, [held]))
    assert judge(one, beat).suspects == ({held.key} if suspected else set())


@pytest.mark.parametrize("larger", ["AAAUSDT", "ZZZUSDT"])
def test_a_position_that_grew_is_really_there_however_large_another_one_was(larger: str) -> None:
    one, beat, other = closed_leg(), pace(60), position(larger, "5")
    intend(one, request(other, "bst2"), number=2)
    beat.key_act_ns[position().key] = 60 * MS
    see(one, look(100, [position(quantity="1.1")]))
    assert judge(one, beat).suspects == set()
    see(one, look(200, [position()]))
    assert judge(one, beat).suspects == {position().key}

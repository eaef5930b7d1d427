"""The edges of the evidence: whose look, which run, which moment, and what is not ours to close."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.money import Quantity
from bastion.domain.order import CancelAnswer, Direction, OpenOrder, OrderStatus
from bastion.domain.position import Position, Side
from bastion.domain.records import (
    CancelsAnswered,
    FillsRead,
    LegReopened,
    LegStarted,
    OrderAnswered,
    Outcome,
    SecondSourceRead,
)
from bastion.domain.verdict import Verdict
from bastion.exits.books import book_key, tally
from bastion.exits.pace import Pace
from bastion.exits.progress import Leg
from bastion.exits.settings import ExitSettings
from bastion.exits.verdict import (
    DOUBTED_DUST,
    Standing,
    at_deadline,
    leftovers,
    possible,
    second_quantity,
    stand,
)
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
    request,
    see,
)

SETTINGS = ExitSettings()
ETH = position("ETHUSDT")
ENTRY = order(reduce_only=False, direction=Direction.BUY, name="entry")
FOREIGN_ORDER = replace(order(name="foreign"), closable=False)
OPTION = replace(position("BTCOPT"), closable=False)
UNKNOWN = OrderAnswered(exit_id="xtest", account="main", client_order_id="bst1", outcome=Outcome.UNKNOWN)


def judge(one: Leg, beat: Pace | None = None, dust: Iterable[Position] = ()) -> Standing:
    keys = frozenset(held.key for held in dust)
    return stand(one, beat or pace(), dust=keys, settings=SETTINGS)


def read(begun_ms: int, *, run: int = 1, fills: Iterable[object] = ()) -> FillsRead:
    return FillsRead(
        exit_id="xtest",
        account="main",
        run=run,
        begun_ns=begun_ms * MS,
        fills=tuple(fills),  # type: ignore[arg-type]
    )


def second(begun_ms: int, *, run: int = 1, quantity: str = "0") -> SecondSourceRead:
    return SecondSourceRead(
        exit_id="xtest",
        account="main",
        run=run,
        begun_ns=begun_ms * MS,
        position=position(),
        quantity=Quantity(Decimal(quantity)),
    )


def twice(
    one: Leg, positions: Iterable[Position] = (), orders: Iterable[OpenOrder] = (), *, at_ms: int = 100
) -> Leg:
    for number in range(2):
        see(one, look(at_ms + 250 * number, tuple(positions), tuple(orders)))
    return one


def with_fills_read(one: Leg) -> Leg:
    one.apply(read(500), at_ns=0)
    return one


def test_positions_are_told_apart_by_what_can_be_done_about_them() -> None:
    dusty = position("SOLUSDT", "0.001")
    one = twice(leg(), [position(), dusty, OPTION], [order(), FOREIGN_ORDER])
    standing = judge(one, dust=[dusty, OPTION])
    assert standing.open == (position(),)
    assert standing.dust == (dusty,)
    assert standing.foreign == (OPTION,)
    assert (standing.orders, standing.foreign_orders) == ((order(),), (FOREIGN_ORDER,))


@pytest.mark.parametrize(
    ("positions", "orders", "unread", "clean"),
    [
        ((), (), (), True),
        ((OPTION,), (FOREIGN_ORDER,), (), True),
        ((position(),), (), (), False),
        ((), (order(),), (), False),
        ((), (), ("orders",), False),
        ((position(),), (), ("orders",), False),
    ],
)
def test_a_look_is_clean_where_all_was_read_and_nothing_of_ours_is_there(
    positions: tuple[Position, ...],
    orders: tuple[OpenOrder, ...],
    unread: tuple[str, ...],
    clean: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = leg()
    see(one, look(0, positions, orders, unread))
    assert judge(one).clean is clean


def test_dust_alone_is_flat_with_dust_and_what_is_not_ours_makes_it_not_flat() -> None:
    dusty = position("SOLUSDT", "0.001")
    seen = twice(leg(), [dusty])
    unproven = judge(seen, dust=[dusty])
    assert unproven.verdict is None
    assert at_deadline(seen, unproven) == (Verdict.UNKNOWN, ((dusty.symbol, DOUBTED_DUST),))
    assert judge(with_fills_read(seen), dust=[dusty]).verdict is Verdict.FLAT_WITH_DUST
    assert judge(twice(leg())).verdict is Verdict.FLAT
    both = with_fills_read(twice(leg(), [dusty, OPTION]))
    assert judge(both, dust=[dusty]).verdict is Verdict.NOT_FLAT


def test_an_order_that_is_not_ours_to_cancel_makes_the_verdict_not_flat_by_itself() -> None:
    standing = judge(twice(leg(), orders=[FOREIGN_ORDER]))
    assert standing.confirmed
    assert standing.verdict is Verdict.NOT_FLAT
    assert at_deadline(leg(), standing)[0] is Verdict.NOT_FLAT


def test_an_order_or_a_position_in_the_first_of_the_two_looks_breaks_their_row() -> None:
    for positions, orders in (((position(),), ()), ((), (order(),))):
        one = leg()
        see(one, look(100, positions, orders))
        see(one, look(350))
        standing = judge(one)
        assert standing.clean
        assert not standing.confirmed


@pytest.mark.parametrize(("short_ns", "confirmed"), [(1, False), (0, True), (-1, True)])
def test_two_looks_are_a_quarter_of_a_second_apart_to_the_nanosecond(
    short_ns: int,
    confirmed: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = leg()
    see(one, look(100))
    later = look(350)
    see(one, replace(later, begun_ns=later.begun_ns - short_ns))
    assert judge(one).confirmed is confirmed


def test_the_first_look_may_begin_at_the_very_moment_of_the_last_answer() -> None:
    one = twice(leg())
    assert judge(one, pace(100)).confirmed
    assert not judge(one, pace(101)).confirmed


def test_nothing_is_flat_while_anything_of_ours_is_on_its_way_or_unknown() -> None:
    quiet, flying = pace(), pace()
    flying.in_flight["cancels 1 0"] = ("", "", "")
    assert judge(twice(leg()), flying).verdict is None
    lost = leg()
    see(lost, look(0, [position()]))
    intend(lost, request(position()))
    lost.apply(UNKNOWN, at_ns=0)
    lost.apply(second(400), at_ns=0)
    assert judge(twice(lost), quiet).verdict is None


def test_orders_whose_fate_is_known_are_not_unsettled() -> None:
    one = leg()
    see(one, look(0, [position()]))
    intend(one, request(position()), request(position(), "bst2"))
    one.apply(answered(), at_ns=0)
    one.apply(answered("bst2", "0.5", OrderStatus.PARTIAL), at_ns=0)
    assert [held.request.client_order_id for held in judge(one).unsettled] == ["bst2"]


# Well above the numbers of which Python keeps one object each.
RUN = 1_000


@pytest.mark.parametrize(
    ("run", "begun_ms", "fresh"),
    [
        (RUN, 60, True),
        (RUN, 61, True),
        (RUN, 59, False),
        (RUN - 1, 100, False),
        (RUN + 1, 100, False),
    ],
    ids=["at the last act", "after it", "before it", "of an earlier run", "of another run"],
)
def test_a_threatened_book_needs_executions_read_in_this_run_after_the_last_act_there(
    run: int,
    begun_ms: int,
    fresh: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = leg()
    one.apply(LegStarted(exit_id="xtest", account="main", run=int(str(RUN))), at_ns=0)
    see(one, look(0, orders=[ENTRY]))
    gone = CancelsAnswered(
        exit_id="xtest", account="main", round=1, answers=(CancelAnswer(order=ENTRY, gone=True),)
    )
    one.apply(gone, at_ns=0)
    one.apply(read(begun_ms, run=int(str(run))), at_ns=0)
    beat = pace(60)
    beat.place_act_ns[ENTRY.category, ENTRY.instrument] = 60 * MS
    assert (judge(twice(one), beat).verdict is Verdict.FLAT) is fresh


@pytest.mark.parametrize(
    ("run", "begun_ms", "known"),
    [(RUN, 60, True), (RUN, 61, True), (RUN, 59, False), (RUN - 1, 100, False), (RUN + 1, 100, False)],
)
def test_a_second_source_counts_in_its_run_from_the_moment_that_it_was_asked_for(
    run: int,
    begun_ms: int,
    known: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = leg()
    one.apply(LegStarted(exit_id="xtest", account="main", run=int(str(RUN))), at_ns=0)
    one.apply(second(begun_ms, run=int(str(run)), quantity="0.5"), at_ns=0)
    told = second_quantity(one, book_key(position()), since_ns=60 * MS)
    assert told == (Decimal("0.5") if known else None)


def test_a_second_source_explains_the_size_that_a_look_shows_of_a_short_too() -> None:
    short = position(side=Side.SHORT, quantity="0.5")
    one = leg()
    see(one, look(0, [position(side=Side.SHORT, quantity="2")]))
    told = replace(second(400, quantity="0.5"), position=short)
    one.apply(told, at_ns=0)
    twice(one, [short])
    standing = judge(one, dust=[short])
    assert standing.unexplained == ()
    assert standing.verdict is Verdict.FLAT_WITH_DUST


def test_a_position_that_was_turned_is_not_explained_by_the_side_that_is_gone() -> None:
    one = leg()
    see(one, look(0, [position(side=Side.SHORT, quantity="2")]))
    turned = replace(second(400, quantity="0.5"), position=position(side=Side.LONG))
    one.apply(turned, at_ns=0)
    twice(one, [])
    assert judge(one).unexplained != ()
    see(one, look(2_000, [position(side=Side.LONG, quantity="0.5")]))
    assert judge(one).unexplained == ()


@pytest.mark.parametrize("side", Side)
def test_dust_is_explained_by_what_is_left_of_it_and_by_nothing_else(side: Side) -> None:
    one, whole, left = leg(), position(quantity="2", side=side), position(quantity="0.5", side=side)
    see(one, look(0, [whole]))
    twice(one, [left])
    assert judge(one, dust=[left]).verdict is None
    intend(one, request(whole))
    one.apply(answered(filled="1.5", status=OrderStatus.CANCELED), at_ns=0)
    # What is shown is what should be left, unless it grew before our order; a list that trails would hide it.
    assert judge(one, dust=[left]).verdict is None
    assert judge(with_fills_read(one), dust=[left]).verdict is Verdict.FLAT_WITH_DUST


@pytest.mark.parametrize(("sold", "flat"), [("0.4", False), ("0.5", True), ("0.6", False)])
def test_what_is_gone_is_explained_by_exactly_what_was_executed(sold: str, flat: bool) -> None:  # noqa: FBT001 - a case of the table
    one = leg()
    see(one, look(0, [position()]))
    intend(one, request(position()))
    one.apply(answered(filled="0.5", status=OrderStatus.CANCELED), at_ns=0)
    one.apply(read(500, fills=(fill(sold),)), at_ns=0)
    twice(one, at_ms=6_000)
    assert judge(one).verdict is (Verdict.FLAT if flat else None)


@pytest.mark.parametrize(("act_ms", "flat"), [(499, True), (500, True), (501, False)])
def test_what_is_gone_needs_executions_read_after_the_last_order_for_it(act_ms: int, flat: bool) -> None:  # noqa: FBT001 - a case of the table
    one, beat = leg(), pace()
    see(one, look(0, [position()]))
    intend(one, request(position()))
    one.apply(answered(), at_ns=0)
    twice(one)
    beat.key_act_ns[position().key] = act_ms * MS
    assert judge(one, beat).verdict is None, "no executions were read"
    assert (judge(with_fills_read(one), beat).verdict is Verdict.FLAT) is flat


@pytest.mark.parametrize(
    ("failed_ms", "part", "read_ms", "flat"),
    [
        (500, "orders", 600, True),
        (501, "orders", 600, False),
        (400, "positions", 500, True),
        (400, "positions", 501, False),
        (500, "positions USDT", 501, False),
    ],
)
def test_nothing_asked_before_a_look_failed_or_before_the_positions_were_read_again_explains_a_whole_look(
    failed_ms: int,
    part: str,
    read_ms: int,
    flat: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat = leg(), pace()
    see(one, look(0, [position()]))
    intend(one, request(position()))
    one.apply(answered(), at_ns=0)
    with_fills_read(one)
    beat.looked(look(failed_ms, unread=[part]), now_ns=0)
    for begun_ms in (read_ms, read_ms + 300):
        beat.looked(look(begun_ms), now_ns=0)
    assert (judge(twice(one), beat).verdict is Verdict.FLAT) is flat
    one.apply(second(max(failed_ms, read_ms)), at_ns=0)
    assert judge(one, beat).verdict is Verdict.FLAT


@pytest.mark.parametrize(("first_unread", "certain"), [(["positions"], False), ([], True)])
def test_an_execution_between_a_look_that_read_no_positions_and_the_first_sighting_is_in_doubt(
    first_unread: list[str],
    certain: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = leg()
    see(one, look(0, unread=first_unread))
    see(one, look(300, [position()]))
    intend(one, request(position()))
    one.apply(answered(), at_ns=0)
    grew = fill("0.5", direction=Direction.BUY, at_ms=100)
    one.apply(read(2_000, fills=(grew,)), at_ns=0)
    tallies = tally(one.books, one.sent, one.fills.values())
    assert [moved.certain for moved in tallies.values()] == [certain]


def test_what_a_limit_kept_from_being_asked_breaks_no_proof() -> None:
    beat, seen = pace(), look(7, unread=["positions", "orders"])
    first, other = seen.unread
    beat.looked(replace(seen, unread=(replace(first, limited=True), replace(other, unsent=True))), now_ns=1)
    beat.looked(look(8), now_ns=2)
    assert (beat.broken_ns, beat.whole_ns) == (0, 2)
    beat.looked(replace(seen, unread=(replace(first, limited=True), other)), now_ns=3)
    assert (beat.broken_ns, beat.whole_ns) == (7 * MS, 2)


def unseen(*positions: Position) -> Leg:
    one = leg()
    see(one, look(0, positions))
    see(one, look(300, unread=["positions"]))
    return one


@pytest.mark.parametrize("side", [Side.LONG, Side.SHORT])
def test_what_an_incomplete_look_does_not_show_is_left_whichever_side_it_is_on(side: Side) -> None:
    one = unseen(position(side=side))
    assert leftovers(one, judge(one)) == (position(side=side),)


@pytest.mark.parametrize(("side", "direction"), [(Side.LONG, Direction.SELL), (Side.SHORT, Direction.BUY)])
def test_what_others_closed_is_not_left(side: Side, direction: Direction) -> None:
    one = unseen(position(side=side))
    one.apply(read(100, fills=[fill(direction=direction)]), at_ns=0)
    assert leftovers(one, judge(one)) == ()
    assert at_deadline(one, judge(one))[0] is Verdict.UNKNOWN


def test_what_is_shown_or_dust_is_passed_over_and_what_comes_after_it_is_not() -> None:
    dusty = position("SOLUSDT", "0.001")
    one = leg()
    see(one, look(0, [position(), dusty, ETH]))
    see(one, look(300, [position()], unread=["positions"]))
    assert leftovers(one, judge(one, dust=[dusty])) == (position(), dusty, ETH)
    see(one, look(600, [position(), dusty], unread=["positions"]))
    assert leftovers(one, judge(one, dust=[dusty])) == (position(), ETH)


def test_what_is_not_ours_to_close_is_left_where_no_look_shows_it() -> None:
    one = unseen(OPTION)
    assert leftovers(one, judge(one)) == (OPTION,)


@pytest.mark.parametrize(("run", "lost"), [(RUN, True), (RUN - 1, False)])
def test_only_an_order_of_this_run_leaves_its_position_unknown(run: int, lost: bool) -> None:  # noqa: FBT001 - a case of the table
    one = leg()
    one.apply(LegStarted(exit_id="xtest", account="main", run=int(str(run))), at_ns=0)
    see(one, look(0, [position()]))
    intend(one, request(position()))
    one.sent["bst1"].run = int(str(run))
    one.apply(UNKNOWN, at_ns=0)
    one.apply(LegStarted(exit_id="xtest", account="main", run=int(str(RUN))), at_ns=0)
    see(one, look(300, unread=["positions"]))
    standing = judge(one)
    assert possible(one, standing) == ((position(),) if lost else ())
    assert leftovers(one, standing) == (() if lost else (position(),))


def test_an_order_that_no_answer_came_of_does_not_make_its_position_unknown() -> None:
    one = leg()
    see(one, look(0, [position()]))
    intend(one, request(position()))
    see(one, look(300, unread=["positions"]))
    assert possible(one, judge(one)) == ()


def test_what_a_look_shows_again_is_known() -> None:
    one = leg()
    see(one, look(0, [position()]))
    intend(one, request(position()))
    one.apply(UNKNOWN, at_ns=0)
    see(one, look(300, [position()], unread=["orders"]))
    assert possible(one, judge(one)) == ()


def test_at_the_deadline_what_vanished_is_named_where_all_was_read_and_only_there() -> None:
    one = leg()
    see(one, look(0, [position()]))
    see(one, look(100))
    verdict, unread = at_deadline(one, judge(one))
    assert verdict is Verdict.UNKNOWN
    ((symbol, why),) = unread
    assert symbol == "BTC/USDT:USDT"
    assert "no longer shown" in why
    hidden = unseen(position())
    assert [part for part, _ in at_deadline(hidden, judge(hidden))[1]] == ["positions"]


@pytest.mark.parametrize("orders", [(order(),), (FOREIGN_ORDER,)], ids=["ours", "not ours"])
def test_at_the_deadline_an_order_that_rests_is_left(orders: tuple[OpenOrder, ...]) -> None:
    one = leg()
    see(one, look(0, orders=orders))
    assert at_deadline(one, judge(one)) == (Verdict.NOT_FLAT, ())


def test_at_the_deadline_one_empty_look_is_not_two() -> None:
    one = leg()
    see(one, look(0))
    assert (judge(one).clean, judge(one).confirmed, judge(one).verdict) == (True, False, None)
    verdict, unread = at_deadline(one, judge(one))
    assert verdict is Verdict.UNKNOWN
    assert unread == (("confirmation", "two looks in a row that show nothing did not come in time"),)
    assert at_deadline(leg(), Standing()) == (Verdict.UNKNOWN, (("everything", "no answer came"),))


def test_a_cancelled_or_shown_order_does_not_linger() -> None:
    one = leg()
    see(one, look(0, orders=[ENTRY]))
    assert judge(one).lingering == ()
    see(one, look(100))
    assert judge(one).lingering == (ENTRY,)
    answers = (CancelAnswer(order=ENTRY, gone=True),)
    one.apply(CancelsAnswered(exit_id="xtest", account="main", round=1, answers=answers), at_ns=0)
    assert judge(one).lingering == ()


def test_a_position_that_was_never_acted_on_is_not_suspect() -> None:
    one = leg()
    see(one, look(0, [position()]))
    one.apply(second(90), at_ns=0)
    assert judge(one).suspects == frozenset()
    beat = pace()
    beat.key_act_ns[position().key] = 91 * MS
    assert judge(one, beat).suspects == frozenset(), "the second source was asked before the act"
    beat.key_act_ns[position().key] = 90 * MS
    assert judge(one, beat).suspects == {position().key}


def closed_by_us(*, shown: Position) -> frozenset[tuple[str, str, str]]:
    """Return what is suspect where our order filled wholly and a look goes on to show that."""
    one, beat = leg(), pace()
    see(one, look(0, [position()]))
    intend(one, request(position()))
    one.apply(answered(), at_ns=0)
    # Larger orders for what stands before and after it in any order say nothing of it.
    for number, instrument in enumerate(("AAAUSDT", "ZZZUSDT"), start=2):
        intend(one, request(position(instrument, "9"), f"bst{number}"))
    ours = fill(cid="bst1", at_ms=2_000)
    one.apply(read(100, fills=[ours]), at_ns=0)
    see(one, look(200, [shown]))
    beat.key_act_ns[position().key] = 60 * MS
    return judge(one, beat).suspects


@pytest.mark.parametrize(
    ("quantity", "updated_ms", "suspect"),
    [
        ("1", None, True),
        ("0.5", None, True),
        ("1.1", None, False),
        ("1", 1_999, True),
        ("1", 2_000, True),
        ("1", 2_001, False),
    ],
)
def test_what_we_closed_is_suspect_until_it_is_larger_or_changed_after_our_last_fill(
    quantity: str,
    updated_ms: int | None,
    suspect: bool,  # noqa: FBT001 - a case of the table
) -> None:
    at_ms = None if updated_ms is None else UTC_NS // MS + updated_ms
    shown = replace(position(quantity=quantity), updated_ms=at_ms)
    assert closed_by_us(shown=shown) == ({position().key} if suspect else frozenset())


@pytest.mark.parametrize("side", [Side.LONG, Side.SHORT])
@pytest.mark.parametrize(
    ("ours", "others", "suspect"),
    [
        (("0.4", "0.6"), "0", True),
        (("0.4", "0.1"), "0.5", True),
        (("0.4", "0.6"), "0.1", False),
        (("0.4", "0.6"), "-0.1", False),
        (("0.4", "0.5"), "0", False),
        (("0", "0"), "1", False),
    ],
    ids=["by us", "by us and others", "more than all", "less than all", "a rest", "by others alone"],
)
def test_what_is_shown_is_suspect_where_our_rounds_and_others_closed_exactly_all_of_it(
    side: Side,
    ours: tuple[str, str],
    others: str,
    suspect: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat = leg(), pace()
    whole, rest = position(side=side), position(side=side, quantity="0.6")
    see(one, look(0, [whole]))
    for number, (held, size) in enumerate(zip((whole, rest), ours, strict=True), start=1):
        cid = f"bst{number}"
        intend(one, request(held, cid), number=number)
        one.apply(answered(cid, size, OrderStatus.CANCELED), at_ns=0)
    closing, growing = Direction.SELL, Direction.BUY
    if side is Side.SHORT:
        closing, growing = growing, closing
    direction = closing if Decimal(others) > 0 else growing
    if Decimal(others):
        moved = fill(str(abs(Decimal(others))), direction=direction)
        one.apply(read(100, fills=[moved]), at_ns=0)
    # The list trails, and still shows what was there before our first order.
    see(one, look(200, [whole]))
    beat.key_act_ns[whole.key] = 60 * MS
    assert judge(one, beat).suspects == ({whole.key} if suspect else frozenset())


def test_after_a_reopening_nothing_is_suspect_until_a_look_began_a_book() -> None:
    one, beat = leg(), pace()
    see(one, look(0, [position()]))
    beat.key_act_ns[position().key] = 60 * MS
    opened = LegReopened(exit_id="xtest", account="main", run=1, positions=(position(),), orders=())
    one.apply(opened, at_ns=0)
    assert judge(one, beat).open == (position(),)
    assert judge(one, beat).suspects == frozenset()


def threatened(*, executed_ms: int | None = None) -> Leg:
    """A leg that saw an entry rest, nothing open, and cancelled it; its execution is told with its time."""
    one = leg()
    see(one, look(0, orders=[ENTRY]))
    gone = CancelsAnswered(
        exit_id="xtest", account="main", round=1, answers=(CancelAnswer(order=ENTRY, gone=True),)
    )
    one.apply(gone, at_ns=0)
    fills = () if executed_ms is None else (fill(direction=Direction.BUY, at_ms=executed_ms),)
    one.apply(read(500, fills=fills), at_ns=0)
    return twice(one)


@pytest.mark.parametrize(
    ("executed_ms", "verdict"),
    [(None, Verdict.FLAT), (-60_001, Verdict.FLAT), (-60_000, None), (-1, None), (0, None)],
    ids=["never", "long before", "a minute before", "just before", "after"],
)
def test_what_an_entry_executed_shortly_before_it_was_seen_to_rest_is_in_no_list_for_certain(
    executed_ms: int | None, verdict: Verdict | None
) -> None:
    assert judge(threatened(executed_ms=executed_ms)).verdict is verdict


@pytest.mark.parametrize(("quantity", "verdict"), [("0", Verdict.FLAT), ("1", None)])
def test_a_second_source_that_shows_what_an_entry_opened_outweighs_two_empty_looks(
    quantity: str, verdict: Verdict | None
) -> None:
    one = threatened()
    one.apply(second(500, quantity=quantity), at_ns=0)
    assert judge(one).verdict is verdict


def test_our_own_executions_outweigh_a_second_source_that_trails() -> None:
    one = leg()
    see(one, look(0, [position(quantity="1")]))
    intend(one, request(position(quantity="1")))
    one.apply(answered(), at_ns=0)
    one.apply(second(500, quantity="1"), at_ns=0)
    assert judge(with_fills_read(twice(one))).verdict is Verdict.FLAT

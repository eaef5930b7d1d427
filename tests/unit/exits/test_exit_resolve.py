"""What is asked of the venue next, what its answer to an order means, and when an order counts as settled."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.look import Look
from bastion.domain.order import OrderStatus
from bastion.domain.position import Position, Side
from bastion.domain.records import FillsRead, OrderAnswered, Outcome, ResolvedBy
from bastion.errors import Fault, VenueError, VenueRejected, VenueUnreachable
from bastion.exits.books import book_key
from bastion.exits.pace import Pace
from bastion.exits.progress import Leg
from bastion.exits.resolve import Questions, answer, by_position, questions, settle
from bastion.exits.settings import ExitSettings
from bastion.exits.verdict import Standing, stand
from tests.unit.exits.parts import (
    MS,
    answered,
    fill,
    intend,
    leg,
    look,
    pace,
    position,
    refused,
    request,
    see,
)

SETTINGS = ExitSettings()
LONG_AFTER_MS = 60_000
UNKNOWN = OrderAnswered(
    exit_id="xtest", account="main", client_order_id="bst1", outcome=Outcome.UNKNOWN, message="reset"
)


def lost() -> Leg:
    """Return a leg whose one order was sent, and of which nothing was heard."""
    one = leg()
    see(one, look(0, [position()]))
    intend(one, request(position()))
    one.apply(UNKNOWN, at_ns=0)
    return one


def settled(one: Leg, beat: Pace, *, now_ms: int = LONG_AFTER_MS + 10) -> list[ResolvedBy]:
    return [record.by for record in settle(one, beat, now_ns=now_ms * MS, settings=SETTINGS)]


@pytest.mark.parametrize(
    ("unread", "by"),
    [((), [ResolvedBy.LOOK]), (("orders",), [ResolvedBy.LOOK]), (("positions",), [])],
    ids=["all read", "orders unread", "positions unread"],
)
def test_only_a_look_at_the_positions_settles_an_order_of_unknown_outcome(
    unread: tuple[str, ...], by: list[ResolvedBy]
) -> None:
    one = lost()
    see(one, look(LONG_AFTER_MS, unread=unread))
    assert settled(one, pace()) == by


def test_a_look_that_read_nothing_at_all_settles_nothing() -> None:
    one = lost()
    nothing: Look = replace(look(LONG_AFTER_MS), parts=())
    see(one, nothing)
    assert settled(one, pace()) == []


@pytest.mark.parametrize(
    ("look_ms", "now_ms", "is_settled"),
    [(750, 750, True), (749, 9_000, False), (9_000, 749, False), (9_000, 751, True)],
    ids=["both a quarter of a second after", "the look began too early", "it is too early", "later"],
)
def test_a_look_settles_an_order_a_quarter_of_a_second_after_its_call_ended(
    look_ms: int,
    now_ms: int,
    is_settled: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat = lost(), pace()
    beat.ended_ns["bst1"] = 500 * MS
    see(one, look(look_ms))
    assert settled(one, beat, now_ms=now_ms) == ([ResolvedBy.LOOK] if is_settled else [])


def test_an_order_of_an_earlier_run_is_settled_half_a_second_after_this_one_began() -> None:
    one, beat = lost(), replace(pace(), run_began_ns=400 * MS)
    see(one, look(899))
    assert settled(one, beat) == []
    see(one, look(900))
    assert settled(one, beat) == [ResolvedBy.LOOK]


def test_no_look_settles_an_order_that_is_on_its_way() -> None:
    one, beat = lost(), pace()
    beat.in_flight["bst1"] = position().key
    see(one, look(LONG_AFTER_MS))
    assert settled(one, beat) == []


def test_no_look_settles_an_order_of_which_the_venue_spoke() -> None:
    one = leg()
    see(one, look(0, [position()]))
    intend(one, request(position()))
    one.apply(answered(filled="0.5", status=OrderStatus.PARTIAL), at_ns=0)
    see(one, look(LONG_AFTER_MS))
    assert settled(one, pace()) == []


@pytest.mark.parametrize(
    ("sizes", "by"),
    [(["0.5", "0.4"], []), (["0.5", "0.5"], [ResolvedBy.FILLS]), (["0.6", "0.5"], [ResolvedBy.FILLS])],
)
def test_executions_that_fill_an_order_wholly_settle_it(sizes: list[str], by: list[ResolvedBy]) -> None:
    one = lost()
    fills = tuple(fill(size, cid="bst1", name=size + str(number)) for number, size in enumerate(sizes))
    others = (fill("9", cid="", name="other"),)
    one.apply(FillsRead(exit_id="xtest", account="main", run=1, begun_ns=1, fills=fills + others), at_ns=0)
    assert settled(one, pace(), now_ms=1) == by


def test_what_is_settled_is_passed_over_and_the_next_one_is_not() -> None:
    one = leg()
    see(one, look(0, [position()]))
    intend(one, request(position()), request(position(), "bst2"))
    one.apply(answered(), at_ns=0)
    one.apply(replace(UNKNOWN, client_order_id="bst2"), at_ns=0)
    see(one, look(LONG_AFTER_MS))
    (record,) = settle(one, pace(), now_ns=LONG_AFTER_MS * MS, settings=SETTINGS)
    assert (record.exit_id, record.account, record.client_order_id) == ("xtest", "main", "bst2")


def test_an_answer_keeps_what_the_venue_said() -> None:
    state = answered().state
    assert state is not None
    record = answer(leg(), request(position()), state)
    assert (record.outcome, record.state, record.fault, record.code) == (Outcome.ANSWERED, state, None, "")
    assert (record.exit_id, record.account, record.client_order_id) == ("xtest", "main", "bst1")


@pytest.mark.parametrize(
    ("error", "outcome", "fault"),
    [
        (VenueRejected("no", fault=Fault.SIZE, code="-7"), Outcome.REJECTED, Fault.SIZE),
        (VenueRejected("no", fault=Fault.RESOLVE, code="-7"), Outcome.UNKNOWN, Fault.RESOLVE),
        (VenueRejected("no", fault=Fault.DUPLICATE, code="-7"), Outcome.UNKNOWN, Fault.DUPLICATE),
        (VenueUnreachable("no", code="-7"), Outcome.NOT_SENT, None),
        (VenueError("no", code="-7"), Outcome.UNKNOWN, None),
    ],
)
def test_only_a_certain_no_is_a_refusal(error: VenueError, outcome: Outcome, fault: Fault | None) -> None:
    record = answer(leg(), request(position()), error, private="hidden")
    assert (record.outcome, record.fault, record.code, record.message) == (outcome, fault, "-7", "no")
    assert record.retry_after_s is None
    assert (record.exit_id, record.account, record.client_order_id) == ("xtest", "main", "bst1")


def test_the_text_of_an_error_that_is_not_ours_is_not_told() -> None:
    record = answer(leg(), request(position()), KeyError("apikey"), private="an error of the client")
    assert (record.outcome, record.code, record.message) == (
        Outcome.UNKNOWN,
        "KeyError",
        "an error of the client",
    )


def test_how_long_the_venue_asks_to_wait_is_kept_exactly() -> None:
    error = VenueRejected("no", fault=Fault.RATE_LIMIT, code="429", retry_after_s=0.1)
    assert answer(leg(), request(position()), error).retry_after_s == Decimal("0.1")


def ask(
    one: Leg,
    standing: Standing,
    beat: Pace | None = None,
    *,
    now_ms: int = 5_000,
    fills_ms: float | None = None,
) -> Questions:
    return questions(
        one,
        standing,
        beat or pace(),
        now_ns=now_ms * MS,
        settings=SETTINGS,
        fills_asked_ns=None if fills_ms is None else round(fills_ms * MS),
    )


def vanished() -> tuple[Leg, Standing]:
    one = leg()
    see(one, look(0, [position()]))
    see(one, look(1_000))
    return one, stand(one, pace(), dust=frozenset(), settings=SETTINGS)


@pytest.mark.parametrize(
    ("fills_ms", "asked"),
    [(None, True), (4_750, True), (4_750.0001, False), (4_751, False), (4_000, True)],
    ids=["no executions are waited for", "just late", "a hair too early", "not late yet", "late"],
)
def test_a_second_source_is_asked_of_what_vanished_once_the_executions_are_late(
    fills_ms: float | None,
    asked: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, standing = vanished()
    assert ask(one, standing, fills_ms=fills_ms).seconds == ((position(),) if asked else ())


def test_what_vanished_is_asked_for_where_another_position_is_still_shown() -> None:
    one = leg()
    eth = position("ETHUSDT")
    see(one, look(0, [position(), eth]))
    see(one, look(1_000, [eth]))
    standing = stand(one, pace(), dust=frozenset(), settings=SETTINGS)
    assert ask(one, standing).seconds == (position(),)
    assert ask(one, standing, fills_ms=4_900).seconds == ()


def test_a_shown_position_is_doubted_where_it_is_suspect_and_only_there() -> None:
    one = leg()
    see(one, look(0, [position(), position("ETHUSDT")]))
    standing = stand(one, pace(), dust=frozenset(), settings=SETTINGS)
    assert ask(one, standing).seconds == ()
    doubted = replace(standing, suspects=frozenset({position("ETHUSDT").key}))
    assert ask(one, doubted).seconds == (position("ETHUSDT"),)


def test_a_shown_position_is_doubted_where_the_last_refusal_said_that_nothing_is_there() -> None:
    one = leg()
    see(one, look(0, [position()]))
    intend(one, request(position()))
    one.apply(refused(Fault.MAYBE_FLAT), at_ns=0)
    standing = stand(one, pace(), dust=frozenset(), settings=SETTINGS)
    assert ask(one, standing).seconds == (position(),)
    intend(one, request(position(), "bst2"), number=2)
    one.apply(refused(Fault.SIZE, "bst2"), at_ns=0)
    assert ask(one, standing).seconds == (), "a later order was refused for another reason"
    intend(one, request(position(), "bst3"), number=3)
    assert ask(one, standing).seconds == (), "nothing was said of the last one"


def test_what_is_doubted_twice_is_asked_once() -> None:
    one, standing = vanished()
    both = replace(standing, clean=False, open=(position(),), suspects=frozenset({position().key}))
    assert ask(one, both).seconds == (position(),)


@pytest.mark.parametrize(("now_ms", "asked"), [(1_999, False), (2_000, True), (2_001, True)])
def test_an_order_on_its_way_is_asked_for_a_second_after_it_left(
    now_ms: int,
    asked: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat = lost(), pace()
    beat.sending("bst1", position().key, now_ns=1_000 * MS)
    standing = stand(one, beat, dust=frozenset(), settings=SETTINGS)
    assert ask(one, standing, beat, now_ms=now_ms).orders == ((request(position()),) if asked else ())


def working(shown: Sequence[Position], *, unread: Sequence[str] = ()) -> tuple[Leg, Standing]:
    one = leg()
    see(one, look(0, [position()]))
    intend(one, request(position()))
    one.apply(answered(filled="0", status=OrderStatus.ACCEPTED), at_ns=0)
    see(one, look(1_000, shown, unread=unread))
    return one, stand(one, pace(), dust=frozenset(), settings=SETTINGS)


def test_a_working_order_is_asked_for_while_its_position_is_shown() -> None:
    one, standing = working([position()])
    assert ask(one, standing).orders == (request(position()),)


def test_a_working_order_is_asked_for_while_its_position_is_not_accounted_for() -> None:
    one, standing = working([])
    assert [book.key for book in standing.unexplained] == [book_key(position())]
    assert ask(one, standing).orders == (request(position()),)


@pytest.mark.parametrize("name", ["AAAUSDT", "ETHUSDT"])
def test_a_working_order_of_what_is_gone_and_explained_is_not_asked_for(name: str) -> None:
    one, standing = working([position(name)])
    explained = replace(standing, unexplained=())
    assert ask(one, explained).orders == ()
    other = replace(standing, unexplained=(replace(standing.unexplained[0], key=("linear", name, "")),))
    assert ask(one, other).orders == ()


def test_an_order_of_unknown_outcome_is_asked_for_whatever_is_shown() -> None:
    one = lost()
    see(one, look(1_000))
    standing = replace(stand(one, pace(), dust=frozenset(), settings=SETTINGS), unexplained=())
    assert ask(one, standing).orders == (request(position()),)


def test_orders_are_told_by_position_and_only_those_of_the_present_epoch() -> None:
    one = leg()
    intend(one, request(position(), "bst0"), number=1)
    long, short = position(hedged=True), position(side=Side.SHORT, hedged=True)
    see(one, look(0, [long, short]))
    intend(one, request(long, "bst1"), request(short, "bst2"), request(position("X"), "bst9"), number=2)
    intend(one, request(long, "bst3", quantity="0.5"), number=3)
    groups = {
        key: [order.request.client_order_id for order in group] for key, group in by_position(one).items()
    }
    assert groups == {long.key: ["bst1", "bst3"], short.key: ["bst2"]}


def test_orders_of_the_round_at_which_a_book_began_are_of_the_epoch_before() -> None:
    one = leg()
    intend(one, request(position(), "bst1"), number=1)
    intend(one, request(position(), "bst2"), number=2)
    see(one, look(0, [position()]))
    assert by_position(one) == {}


def test_no_question_is_asked_where_nothing_is_in_doubt() -> None:
    assert ask(leg(), Standing()) == Questions()


@pytest.mark.parametrize(
    ("since_act_ms", "one_page", "count"), [(1_499, False, 0), (1_500, False, 8), (0, True, 9)]
)
def test_of_many_books_a_few_are_asked_for_at_a_time_and_later_unless_one_page_tells_all(
    since_act_ms: int,
    one_page: bool,  # noqa: FBT001 - a case of the table
    count: int,
) -> None:
    one, beat = leg(), pace(last_act_ms=1_000)
    see(one, look(0, [position(f"C{number}USDT") for number in range(9)]))
    see(one, look(1_000))
    standing = stand(one, beat, dust=frozenset(), settings=SETTINGS)
    told = questions(
        one,
        standing,
        beat,
        now_ns=(1_000 + since_act_ms) * MS,
        settings=SETTINGS,
        fills_asked_ns=None,
        one_page=one_page,
    )
    assert len(told.seconds) == count


def test_an_order_that_waits_here_for_its_turn_is_asked_for_only_once_it_left() -> None:
    one, beat = leg(), pace()
    see(one, look(0, [position()]))
    intend(one, request(position()))
    beat.sending("bst1", position().key, now_ns=0)
    beat.queued.add("bst1")
    standing = stand(one, beat, dust=frozenset(), settings=SETTINGS)
    assert ask(one, standing, beat).orders == ()
    beat.left("bst1", now_ns=4_000 * MS)
    assert ask(one, standing, beat, now_ms=4_000).orders == ()
    assert [asked.client_order_id for asked in ask(one, standing, beat, now_ms=6_000).orders] == ["bst1"]

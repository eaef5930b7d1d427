"""When a leg may act again: who waits after which answer, how long, and what ends the waiting."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.order import CancelAnswer, OrderStatus
from bastion.domain.records import OrderAnswered, Outcome
from bastion.errors import Fault
from bastion.exits.pace import CANCELLING, Pace, backoff_s, nanoseconds, watch_gap_ns
from bastion.exits.settings import ExitSettings
from tests.unit.exits.parts import MS, answered, order, refused

SETTINGS = ExitSettings()
KEY = ("linear", "BTCUSDT", "LONG")
OTHER = ("linear", "ETHUSDT", "LONG")
NOW = 1_000 * MS


def beat() -> Pace:
    return Pace(last_act_ns=0, run_began_ns=0)


def hear(one: Pace, record: OrderAnswered, *, number: int = 1, now_ns: int = NOW) -> int:
    """Let one answer come and return how many milliseconds its position waits."""
    one.answered(record, KEY, round_number=number, now_ns=now_ns, settings=SETTINGS)
    return (one.retry_at_ns.get(KEY, now_ns) - now_ns) // MS


def waits(record: OrderAnswered, count: int) -> list[int]:
    one = beat()
    return [hear(one, record, number=number) for number in range(1, count + 1)]


def test_waits_double_from_a_tenth_of_a_second_to_two_seconds() -> None:
    assert [backoff_s(number, SETTINGS) for number in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0]
    assert backoff_s(10_000, SETTINGS) == 2.0
    patient = replace(SETTINGS, backoff_max_s=1e9)
    assert backoff_s(16, patient) == backoff_s(17, patient) == 0.1 * 65_536
    assert backoff_s(15, patient) == 0.1 * 32_768


def test_nanoseconds_are_whole() -> None:
    assert nanoseconds(0.25) == 250_000_000
    assert isinstance(nanoseconds(0.25), int)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.RETRY, [100, 200, 400]),
        (Fault.MAYBE_FLAT, [0, 200, 400]),
        (Fault.BLOCKED, [0, 200, 400]),
        (Fault.MODE, [0, 200, 400]),
        (Fault.CLOCK, [0, 200, 400]),
        (Fault.BAND, [0] * 8 + [2_000]),
        (Fault.SIZE, [0] * 10 + [2_000]),
        (Fault.TERMINAL, [100, 200, 400]),
    ],
)
def test_a_refusal_is_answered_at_once_where_the_next_order_is_another_one(
    fault: Fault, expected: list[int]
) -> None:
    assert waits(refused(fault), len(expected)) == expected


def test_an_order_of_which_nothing_was_heard_is_looked_for_at_once_and_then_waited_for() -> None:
    unheard = OrderAnswered(exit_id="x", account="main", client_order_id="bst1", outcome=Outcome.UNKNOWN)
    assert waits(unheard, 3) == [0, 200, 400]
    not_sent = replace(unheard, outcome=Outcome.NOT_SENT)
    assert waits(not_sent, 3) == [100, 200, 400]


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.REJECTED])
def test_an_order_that_ended_without_a_fill_counts_as_a_failure(status: OrderStatus) -> None:
    assert waits(answered(filled="0", status=status), 3) == [0, 200, 400]


def test_an_answer_that_tells_no_state_is_as_none() -> None:
    assert waits(replace(answered(), state=None), 3) == [0, 200, 400]


@pytest.mark.parametrize(
    "good",
    [
        answered(filled="0.1", status=OrderStatus.CANCELED),
        answered(filled="0", status=OrderStatus.FILLED),
        answered(),
    ],
    ids=["partly filled", "filled without a size", "filled"],
)
def test_an_order_that_was_filled_ends_the_row_of_failures(good: OrderAnswered) -> None:
    one = beat()
    hear(one, refused(Fault.TERMINAL))
    hear(one, refused(Fault.TERMINAL), number=2)
    assert (one.failures[KEY], one.terminals[KEY], one.failed_round[KEY]) == (2, 2, 2)
    hear(one, good, number=2)
    assert (one.failures[KEY], one.terminals[KEY]) == (0, 0)
    assert hear(one, refused(Fault.TERMINAL), number=2) == 100
    assert (one.failures[KEY], one.terminals[KEY]) == (1, 1)


def test_an_order_that_only_stands_in_the_book_makes_no_failure_good_before_it_is_filled() -> None:
    one = beat()
    hear(one, refused(Fault.TERMINAL))
    hear(one, answered(filled="0", status=OrderStatus.CANCELED), number=2)
    standing = answered(filled="0", status=OrderStatus.ACCEPTED)
    hear(one, standing, number=3)
    assert (one.failures[KEY], one.terminals[KEY]) == (2, 0)
    assert hear(one, answered(filled="0", status=OrderStatus.CANCELED), number=4) == 400
    one.resolved(standing.client_order_id, KEY, moved=False, now_ns=5)
    assert one.failures[KEY] == 3
    one.resolved(standing.client_order_id, KEY, moved=True, now_ns=6)
    assert one.failures[KEY] == 0
    assert KEY not in one.failed_round


def test_the_slices_of_one_round_fail_once() -> None:
    one = beat()
    assert [hear(one, refused(Fault.TERMINAL), number=4) for _ in range(3)] == [100, 100, 100]
    assert (one.failures[KEY], one.terminals[KEY]) == (1, 1)
    assert hear(one, refused(Fault.TERMINAL), number=5) == 200
    assert one.terminals[KEY] == 2


@pytest.mark.parametrize(
    ("rounds", "failures"), [((1, 2, 2), 2), ((1, 2, 3, 3), 3), ((1, 2, 3, 4, 4, 4), 4), ((1_000, 1_000), 1)]
)
def test_a_round_fails_once_whichever_it_is(rounds: tuple[int, ...], failures: int) -> None:
    one = beat()
    for number in rounds:
        # Rounds are counted anew from the records: a number is equal to itself, not one object.
        hear(one, refused(Fault.TERMINAL), number=int(str(number)))
    assert (one.failures[KEY], one.terminals[KEY]) == (failures, failures)


def test_another_fault_ends_the_row_of_final_refusals() -> None:
    one = beat()
    hear(one, refused(Fault.TERMINAL), number=1)
    hear(one, refused(Fault.RETRY), number=2)
    assert one.terminals[KEY] == 0


@pytest.mark.parametrize(("asked", "quiet_ms"), [(None, 1_000), ("7", 7_000), ("0.5", 500), ("3600", 30_000)])
def test_a_rate_limit_silences_the_whole_leg_for_as_long_as_the_venue_asks(
    asked: str | None, quiet_ms: int
) -> None:
    one = beat()
    assert hear(one, refused(Fault.RATE_LIMIT, retry_after_s=asked)) == quiet_ms
    assert one.quiet_until_ns == NOW + quiet_ms * MS


def test_a_shorter_silence_does_not_end_a_longer_one() -> None:
    one = beat()
    hear(one, refused(Fault.RATE_LIMIT, retry_after_s="7"))
    hear(one, refused(Fault.RATE_LIMIT, retry_after_s="1"), number=2)
    assert one.quiet_until_ns == NOW + 7_000 * MS


@pytest.mark.parametrize(("asked", "waited_ms"), [("0.05", 100), ("0.7", 700), ("60", 2_000)])
def test_what_a_venue_asks_for_elsewhere_is_waited_up_to_the_limit(asked: str, waited_ms: int) -> None:
    one = beat()
    assert hear(one, refused(Fault.RETRY, retry_after_s=asked)) == waited_ms
    assert one.quiet_until_ns == 0


def test_a_refusal_for_the_clock_is_remembered() -> None:
    one = beat()
    hear(one, refused(Fault.RETRY))
    assert not one.clock_suspect
    hear(one, refused(Fault.CLOCK), number=2)
    hear(one, refused(Fault.RETRY), number=3)
    assert one.clock_suspect


def test_an_order_is_in_flight_from_its_sending_to_its_answer() -> None:
    one = beat()
    one.suspect_since_ns[KEY] = 1
    one.sending("bst1", KEY, now_ns=5)
    assert (one.in_flight, one.begun_ns, one.suspect_since_ns) == ({"bst1": KEY}, {"bst1": 5}, {})
    hear(one, answered(), now_ns=9)
    assert one.in_flight == {}
    assert (one.ended_ns, one.key_act_ns, one.last_act_ns) == ({"bst1": 9}, {KEY: 9}, 9)


def test_an_order_that_is_resolved_makes_earlier_looks_worthless() -> None:
    one = beat()
    one.sending("bst1", KEY, now_ns=5)
    one.resolved("bst1", KEY, moved=True, now_ns=8)
    assert (one.in_flight, one.ended_ns, one.key_act_ns, one.last_act_ns) == ({}, {"bst1": 8}, {KEY: 8}, 8)
    # Of one that moved nothing, only what was not yet answered makes looks at the position worthless.
    one.resolved("bst1", KEY, moved=False, now_ns=9)
    assert (one.ended_ns, one.key_act_ns, one.last_act_ns) == ({"bst1": 9}, {KEY: 8}, 9)
    one.sending("bst2", KEY, now_ns=10)
    one.resolved("bst2", KEY, moved=False, now_ns=11)
    assert one.key_act_ns == {KEY: 11}


def test_the_calls_that_cancel_are_in_flight_one_by_one() -> None:
    one = beat()
    one.cancelling(3, 2)
    one.cancelling(31, 1)
    assert one.in_flight == {
        "cancels 3 0": CANCELLING,
        "cancels 3 1": CANCELLING,
        "cancels 31 0": CANCELLING,
    }
    for left in (2, 1, 1):
        one.cancelled((), number=3, now_ns=4, settings=SETTINGS)
        assert len(one.in_flight) == left
    assert one.last_act_ns == 4
    assert "cancels 31 0" in one.in_flight


def test_each_try_to_cancel_an_order_waits_longer() -> None:
    one, resting = beat(), order()
    for tries, waited_ms, said in ((1, 100, 1), (2, 200, 1), (3, 400, 2)):
        answers = (CancelAnswer(order=resting, gone=False, answered=tries != 2),)
        one.cancelled(answers, number=1, now_ns=NOW, settings=SETTINGS)
        assert one.cancel_tries[resting.key] == tries
        assert one.cancels_answered[resting.key] == said, "one that nobody answered decides nothing"
        assert one.cancel_at_ns[resting.key] == NOW + waited_ms * MS


def test_after_a_reopening_nothing_waits_for_what_was_before() -> None:
    one = beat()
    hear(one, refused(Fault.TERMINAL))
    one.suspect_since_ns[KEY] = 1
    one.cancelled((CancelAnswer(order=order(), gone=False),), number=1, now_ns=NOW, settings=SETTINGS)
    one.reopened(now_ns=NOW + 1)
    assert one.last_act_ns == NOW + 1
    left = (one.retry_at_ns, one.failures, one.terminals, one.failed_round, one.suspect_since_ns)
    assert left == ({}, {}, {}, {}, {})
    assert (one.cancel_tries, one.cancels_answered, one.cancel_at_ns) == ({}, {}, {})


def test_one_leg_learns_from_another_of_the_same_account() -> None:
    mine, theirs = Pace(last_act_ns=3, run_began_ns=5), Pace(last_act_ns=9, run_began_ns=4)
    mine.quiet_until_ns, theirs.quiet_until_ns = 7, 6
    mine.sending("bst0", OTHER, now_ns=1)
    theirs.sending("bst1", KEY, now_ns=2)
    theirs.answered(refused(Fault.CLOCK, "bst2"), KEY, round_number=2, now_ns=8, settings=SETTINGS)
    theirs.cancelled((CancelAnswer(order=order(), gone=False),), number=1, now_ns=8, settings=SETTINGS)
    theirs.suspect_since_ns[KEY] = 2
    theirs.taken_ns["bst1"] = 3
    mine.retry_at_ns[OTHER] = mine.failures[OTHER] = mine.terminals[OTHER] = 1
    mine.failed_round[OTHER] = mine.key_act_ns[OTHER] = mine.suspect_since_ns[OTHER] = 1
    mine.ended_ns["bst0"] = mine.cancel_tries[order(name="a").key] = 1
    mine.cancel_at_ns[order(name="a").key] = 1
    mine.learn(theirs)
    assert (mine.last_act_ns, mine.run_began_ns, mine.quiet_until_ns, mine.clock_suspect) == (3, 4, 7, True)
    assert mine.in_flight == {"bst0": OTHER, "bst1": KEY}
    assert mine.begun_ns == {"bst0": 1, "bst1": 2}
    assert mine.taken_ns == {"bst1": 3}
    assert mine.ended_ns == {"bst0": 1, "bst2": 8}
    assert mine.retry_at_ns == {OTHER: 1, KEY: 8}
    assert mine.failures == {OTHER: 1, KEY: 1}
    assert mine.terminals == {OTHER: 1, KEY: 0}
    assert mine.failed_round == {OTHER: 1, KEY: 2}
    assert mine.key_act_ns == {OTHER: 1, KEY: 8}
    assert mine.suspect_since_ns == {OTHER: 1, KEY: 2}
    assert mine.cancel_tries == {order(name="a").key: 1, order().key: 1}
    assert mine.cancels_answered == {order().key: 1}
    assert mine.cancel_at_ns == {order(name="a").key: 1, order().key: 8 + 100 * MS}


def test_a_doubt_about_the_clock_stays_when_another_leg_has_none() -> None:
    mine = Pace(last_act_ns=0, run_began_ns=0, clock_suspect=True)
    mine.learn(beat())
    assert mine.clock_suspect
    calm = beat()
    calm.learn(beat())
    assert not calm.clock_suspect


@pytest.mark.parametrize(
    ("calm", "since_s", "gap_s"),
    [(True, 0, 2), (True, 10_000, 2), (False, 0, 5), (False, 899.9, 5), (False, 900, 60), (False, 901, 60)],
)
def test_what_is_not_flat_is_looked_at_less_often_after_a_quarter_of_an_hour(
    calm: bool,  # noqa: FBT001 - a case of the table
    since_s: float,
    gap_s: int,
) -> None:
    gap_ns = watch_gap_ns(SETTINGS, calm=calm, since_ns=nanoseconds(since_s))
    assert gap_ns == gap_s * 1_000 * MS


def test_the_waits_asked_for_in_decimals_are_kept_exactly() -> None:
    one = beat()
    hear(one, replace(refused(Fault.RATE_LIMIT), retry_after_s=Decimal("1.5")))
    assert one.quiet_until_ns == NOW + 1_500 * MS

"""What Binance's weight of a minute is spent on while a position is shown and little is left."""

from decimal import Decimal

import pytest

from bastion.domain.money import Quantity
from bastion.domain.position import Position, Side
from bastion.errors import Fault, VenueRejected, VenueUnreachable
from bastion.venues.ccxt.binance_crowd import PARTS
from bastion.venues.ccxt.binance_thrift import (
    ASKED_S,
    BLOCKED_GAP_S,
    GAP_S,
    KEPT,
    NEEDED_S,
    PAIR_S,
    PROVEN,
    QUICK_S,
    SCARCE,
    WHOLE,
    Thrift,
)
from bastion.venues.ccxt.in_turn import in_turn
from bastion.venues.ccxt.venue import Part, PartRead
from bastion.venues.deadline import Deadline, settled
from bastion.venues.throttle import Bucket, Limit
from tests.simulation.exits.virtual_time import VirtualClock

HELD = Position(
    instrument="BTCUSDT",
    category="linear",
    symbol="BTC/USDT:USDT",
    side=Side.LONG,
    quantity=Quantity(Decimal(1)),
    hedged=False,
)


def test_questions_about_what_was_done_give_way_to_the_positions_while_one_is_shown() -> None:
    clock = VirtualClock()
    weight = Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock)
    thrift = Thrift(clock, weight)
    thrift.saw([HELD])
    thrift.ask("executions")
    clock.seconds += 0.5
    thrift.ask("executions")
    weight.charge(2400 - 1000)
    # Those of one moment are one question.
    thrift.ask("executions")
    clock.seconds += 0.5
    with pytest.raises(VenueRejected) as refused:
        thrift.ask("executions")
    assert refused.value.fault is Fault.RATE_LIMIT
    thrift.ask("second source")
    clock.seconds += GAP_S
    thrift.ask("executions")
    clock.seconds += 0.5
    thrift.saw([])
    thrift.ask("executions")


def test_questions_wait_less_where_no_position_is_shown_and_a_verdict_waits_for_them() -> None:
    clock = VirtualClock()
    weight = Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock)
    thrift = Thrift(clock, weight)
    thrift.saw([])
    thrift.ask("executions")
    weight.charge(1500)
    clock.seconds += ASKED_S / 2
    with pytest.raises(VenueRejected):
        thrift.ask("executions")
    clock.seconds += ASKED_S / 2
    thrift.ask("executions")


def test_what_is_left_of_the_minute_is_spread_over_it() -> None:
    clock = VirtualClock()
    weight = Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock)
    thrift = Thrift(clock, weight)
    thrift.saw([HELD])
    weight.charge(1)
    read_s: list[float] = []
    while clock.seconds < 159:
        clock.seconds += 0.5
        weight.charge(5)
        if thrift.allows():
            weight.charge(80)
            read_s.append(clock.seconds - 100)
    assert read_s[-1] > 45, "the weight was spent long before the minute was over"
    early = [moment for moment in read_s if moment < 5]
    assert 5 <= len(early) <= 9, "while there is plenty, every look reads them"
    assert weight.free() >= 2 * WHOLE, "a proof is left at the end"


def test_an_account_leaves_the_others_of_its_address_the_weight_of_their_proofs() -> None:
    clock = VirtualClock()
    weight = Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock)
    mine, other = (Thrift(clock, weight, shares=lambda: True) for _ in range(2))
    for thrift in (mine, other):
        thrift.allows()
        thrift.saw([])
    weight.charge(2400 - 3 * WHOLE)
    clock.seconds += 2
    mine.pressed(halting=False)
    other.pressed(halting=False)
    assert not mine.allows(), "one proof would be left for two"
    for _ in range(PROVEN):
        other.looked(came=frozenset(PARTS), failed=frozenset())
    mine.pressed(halting=False)
    assert mine.allows(), "who is proven needs none"
    clock.seconds += 2 * PAIR_S
    other.refused("BTCUSDT")
    mine.pressed(halting=False)
    assert not mine.allows()
    clock.seconds += NEEDED_S
    mine.pressed(halting=False)
    assert mine.allows()


@pytest.mark.parametrize("alone", [True, False])
def test_a_proof_that_failed_is_tried_again_by_the_line_where_others_of_the_address_need_theirs(
    alone: bool,  # noqa: FBT001 - a case of the table
) -> None:
    clock = VirtualClock()
    weight = Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock)
    mine, other = (Thrift(clock, weight, shares=lambda: True) for _ in range(2))
    weight.charge(1400)
    for thrift in (mine,) if alone else (mine, other):
        thrift.saw([])
        thrift.pressed(halting=False)
    assert mine.allows(), "the first try of a proof waits for nothing but what it weighs"
    mine.looked(came=frozenset(PARTS[:2]), failed=frozenset(PARTS[2:]))
    clock.seconds += PAIR_S / 2
    mine.pressed(halting=False)
    assert mine.allows() is alone
    clock.seconds += GAP_S
    mine.pressed(halting=False)
    assert mine.allows(), "it is due"
    mine.looked(came=frozenset(PARTS), failed=frozenset())
    clock.seconds += PAIR_S / 2
    mine.pressed(halting=False)
    assert mine.allows(), "and once the host is well, the second look follows"


def test_behind_a_look_that_failed_no_other_one_is_the_second_of_a_proof() -> None:
    clock = VirtualClock()
    weight = Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock)
    thrift = Thrift(clock, weight)
    thrift.saw([])
    thrift.allows()
    weight.charge(1300)
    clock.seconds += PAIR_S / 4
    thrift.looked(came=frozenset(PARTS[:2]), failed=frozenset(PARTS[2:]))
    clock.seconds += PAIR_S / 4
    assert not thrift.allows()
    clock.seconds += GAP_S
    assert thrift.allows()
    thrift.looked(came=frozenset(PARTS), failed=frozenset())
    clock.seconds += PAIR_S / 4
    assert thrift.allows()


def test_a_look_behind_a_cancel_is_the_first_of_a_proof_once_until_lists_come_by_their_own_turn() -> None:
    clock = VirtualClock()
    weight = Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock)
    thrift = Thrift(clock, weight)
    thrift.saw([])
    thrift.allows()
    weight.charge(1900)
    clock.seconds += GAP_S
    for _ in range(2):
        # The lists are due and show orders, which are cancelled; the third look proves, and no fourth comes.
        assert thrift.allows()
        told = []
        for _ in range(3):
            thrift.looked(came=frozenset(PARTS), failed=frozenset())
            thrift.ends()
            thrift.ends()
            clock.seconds += PAIR_S / 2
            told.append(thrift.allows())
        assert told == [True, True, False]
        clock.seconds += GAP_S


def test_where_one_look_is_missing_to_a_proof_nothing_is_left_for_a_halt() -> None:
    clock = VirtualClock()
    weight = Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock)
    thrift = Thrift(clock, weight)
    weight.charge(2400 - WHOLE)
    thrift.pressed(halting=False)
    assert thrift.owes() == 2 * WHOLE
    thrift.looked(came=frozenset(PARTS), failed=frozenset())
    thrift.pressed(halting=False)
    assert thrift.owes() == 0
    thrift.filled()
    thrift.pressed(halting=False)
    assert thrift.owes() == 2 * WHOLE


@pytest.mark.parametrize(("took_s", "reads"), [(0.2, True), (6.0, True), (0.0, False)])
def test_the_second_look_of_a_proof_follows_the_first_however_long_that_one_took(
    took_s: float,
    reads: bool,  # noqa: FBT001 - a case of the table
) -> None:
    clock = VirtualClock()
    weight = Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock)
    thrift = Thrift(clock, weight)
    thrift.saw(())
    thrift.allows()
    weight.charge(1300)
    clock.seconds += took_s or 6.0
    if took_s:
        thrift.looked(came=frozenset(PARTS), failed=frozenset())
    clock.seconds += 0.25
    assert thrift.allows() is reads, "what did not come is no first one"
    thrift.looked(came=frozenset(PARTS), failed=frozenset())
    assert thrift.allows() is not reads, "two in a row, and no third"


def test_a_look_that_only_closes_reads_no_lists_before_an_order_was_filled_or_held_back() -> None:
    clock = VirtualClock()
    thrift = Thrift(clock, Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock))
    assert thrift.allows()
    thrift.saw([HELD])
    clock.seconds += BLOCKED_GAP_S
    assert not thrift.allows(closing=True)
    thrift.blocked()
    assert thrift.allows(closing=True), "an order that holds the position must be seen"
    clock.seconds += 1.5
    assert not thrift.allows(closing=True)
    thrift.filled()
    assert thrift.allows(closing=True), "this one may show that nothing is left"
    thrift.saw([HELD])
    assert not thrift.allows(closing=True)
    clock.seconds += GAP_S
    assert thrift.allows(closing=True)


def test_lists_that_are_due_or_tell_what_holds_a_position_are_waited_for() -> None:
    clock = VirtualClock()
    thrift = Thrift(clock, Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock))
    thrift.allows()
    thrift.saw([HELD])
    thrift.filled()
    assert (thrift.allows(closing=True), thrift.insists) == (True, False)
    thrift.refused("ETHUSDT")
    thrift.saw([HELD])
    assert not thrift.allows(closing=True), "what found nothing to reduce is gone"
    thrift.refused(HELD.instrument)
    thrift.saw([HELD])
    assert (thrift.allows(closing=True), thrift.insists) == (True, True)
    assert not thrift.allows(closing=True)
    clock.seconds += GAP_S
    assert (thrift.allows(closing=True), thrift.insists) == (True, True)


async def test_of_parts_in_turn_nothing_is_asked_for_behind_an_open_position_where_that_ends_the_look() -> (
    None
):
    clock = VirtualClock()
    asked: list[str] = []

    def part(name: str, *positions: Position) -> Part:
        async def read(_: Deadline) -> PartRead:
            asked.append(name)
            return PartRead(positions=positions)

        return Part(name=name, read=read)

    for ends in (False, True):
        parts = in_turn((part("positions", HELD), part("orders")), frozenset(), ends=ends)
        await settled([one.read(Deadline(clock, 5.0)) for one in parts])
    assert asked == ["positions", "orders", "positions"]


def test_lists_that_failed_are_asked_for_one_by_one_and_less_and_less_often_until_one_comes() -> None:
    clock = VirtualClock()
    weight = Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock)
    thrift = Thrift(clock, weight)
    lists, positions = frozenset(PARTS[1:]), frozenset(PARTS[:1])
    thrift.looked(came=lists | positions, failed=frozenset())
    assert not thrift.goes_in_turn(QUICK_S / 2)
    rests = []
    for _ in range(5):
        thrift.looked(came=positions, failed=frozenset(PARTS[2:]))
        began_s = clock.seconds
        while thrift.rests():
            clock.seconds += 0.1
        rests.append(round(clock.seconds - began_s, 1))
    assert rests == [0.5, 1.0, 2.0, 4.0, 4.0]
    assert (thrift.failed, thrift.goes_in_turn(QUICK_S / 2)) == (frozenset(PARTS[2:]), True)
    # A look without lists says nothing of them.
    thrift.looked(came=positions, failed=frozenset())
    assert thrift.goes_in_turn(QUICK_S / 2)
    assert not thrift.goes_in_turn(2 * QUICK_S), "where answers take long, one after the other takes longer"
    weight.charge(2400 - KEPT + 1)
    assert thrift.goes_in_turn(2 * QUICK_S)
    thrift.looked(came=positions | lists, failed=frozenset())
    assert not thrift.goes_in_turn(QUICK_S / 2)
    thrift.looked(came=positions, failed=lists)
    began_s = clock.seconds
    while thrift.rests():
        clock.seconds += 0.1
    assert clock.seconds - began_s < 0.7


async def test_of_parts_in_turn_what_failed_last_comes_second_and_what_follows_a_failure_is_not_asked() -> (
    None
):
    clock = VirtualClock()
    asked: list[str] = []

    def part(name: str, *, comes: bool) -> Part:
        async def read(_: Deadline) -> PartRead:
            asked.append(name)
            if not comes:
                raise VenueUnreachable("lost")
            return PartRead()

        return Part(name=name, read=read)

    parts = in_turn(
        (
            part("positions", comes=True),
            part("orders", comes=True),
            part("conditional orders", comes=False),
        ),
        frozenset({"conditional orders"}),
    )
    assert [one.name for one in parts] == ["positions", "orders", "conditional orders"]
    answers = await settled([one.read(Deadline(clock, 5.0)) for one in parts])
    assert asked == ["positions", "conditional orders"]
    assert isinstance(answers[1], VenueRejected)
    assert answers[1].fault is Fault.RATE_LIMIT


def test_two_sides_of_one_account_read_their_lists_in_the_same_looks_where_weight_is_short() -> None:
    clock = VirtualClock()
    weight = Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock)
    linear, inverse = Thrift(clock, weight), Thrift(clock, weight)
    weight.charge(2400 - SCARCE + 1)
    assert linear.allows()
    read: list[tuple[bool, bool]] = []
    for _ in range(20):
        clock.seconds += GAP_S / 4
        if not read:
            inverse.allows()  # By itself, its turns would come between those of the other.
        linear.read = inverse.read = max(linear.read, inverse.read)
        read.append((linear.allows(), inverse.allows()))
    assert set(read) == {(True, True), (False, False)}
    assert 4 <= read.count((True, True)) <= 6

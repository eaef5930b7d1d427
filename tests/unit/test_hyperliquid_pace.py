"""What Hyperliquid's weight of a minute is spent on where it is short."""

from bastion.errors import Fault
from bastion.venues.ccxt.faults import Refusal
from bastion.venues.ccxt.hyperliquid_pace import (
    ADDRESS_LIMITS,
    READS,
    WEIGHT,
    Thrift,
    drawn,
    read_units,
    room_shown,
    slow_down,
    weigh_rows,
)
from bastion.venues.raw import Answer
from bastion.venues.throttle import Claimant, Throttle
from tests.simulation.exits.virtual_time import VirtualClock

EXECUTIONS, FATE = "userFills", "orderStatus"


def _short(clock: VirtualClock, *, free: int) -> tuple[Throttle, Thrift]:
    throttle = Throttle(clock, ADDRESS_LIMITS)
    throttle.charge({READS: throttle[READS].capacity - free})
    return throttle, Thrift(clock, throttle[READS])


def _after_reading_executions(status: int) -> int:
    throttle = Throttle(VirtualClock(), ADDRESS_LIMITS)
    units, before = read_units(EXECUTIONS), throttle[READS].free()
    throttle.charge(units)
    weigh_rows(throttle, Answer(status=status, headers={}, text="[]"), units)
    return before - throttle[READS].free()


def test_a_list_of_executions_is_taken_to_weigh_little_more_than_when_it_came_last() -> None:
    weights = [read_units("userFills", rows=rows)[WEIGHT] for rows in (None, 0, 41, 2000)]
    assert weights == [40, 22, 25, 40]
    assert read_units("userFillsByTime")[WEIGHT] == 25, "few were executed since an exit began"


def test_an_error_has_no_rows_that_could_weigh() -> None:
    assert _after_reading_executions(503) == 20
    assert _after_reading_executions(200) == 20


def test_the_fates_of_orders_are_asked_rarely_where_weight_is_short_and_a_position_open() -> None:
    clock = VirtualClock()
    _, thrift = _short(clock, free=200)
    thrift.saw(held=True)
    # What is asked at one moment is one question.
    assert [thrift.withholds(FATE) for _ in range(3)] == [False, False, False]
    clock.seconds += 1.9
    assert thrift.withholds(FATE)
    clock.seconds += 0.2
    assert not thrift.withholds(FATE)
    thrift.saw(held=False)
    clock.seconds += 0.5
    assert not thrift.withholds(FATE)


def test_executions_read_before_the_last_action_are_read_again_at_once_where_nothing_is_held() -> None:
    clock = VirtualClock()
    _, thrift = _short(clock, free=300)
    assert not thrift.withholds(EXECUTIONS)
    clock.seconds += 0.5
    assert thrift.withholds(EXECUTIONS)
    thrift.acted()
    clock.seconds += 0.1
    assert not thrift.withholds(EXECUTIONS)
    clock.seconds += 0.5
    assert thrift.withholds(EXECUTIONS)


def test_a_look_that_only_closes_reads_no_lists_before_an_order_was_filled() -> None:
    clock = VirtualClock()
    _, thrift = _short(clock, free=1000)
    clock.seconds += thrift.GAP_S
    assert not thrift.spares()
    thrift.saw(held=True)
    clock.seconds += 1.5
    assert not thrift.spares(closing=False), "who reads the account without closing it sees its orders"
    clock.seconds += 1.5
    assert thrift.spares(closing=True)
    thrift.filled()
    assert not thrift.spares(closing=True), "this one may show that nothing is left"
    thrift.saw(held=True)
    assert thrift.spares(closing=True)
    clock.seconds += thrift.GAP_S
    assert not thrift.spares(closing=True), "an order that could open is to be seen from time to time"


def test_lists_that_fail_are_asked_for_again_later_each_time_where_weight_is_not_plenty() -> None:
    clock = VirtualClock()
    _, thrift = _short(clock, free=600)
    waits = []
    for _ in range(5):
        thrift.listed(failed=True)
        begun_s = clock.seconds
        while thrift.spares():
            clock.seconds += 0.25
        waits.append(clock.seconds - begun_s)
    assert waits == [0.5, 1.0, 2.0, 4.0, 4.0]
    thrift.listed(failed=False)
    assert not thrift.spares()


def test_executions_close_nothing_and_are_read_rarely_while_a_position_is_held() -> None:
    clock = VirtualClock()
    _, thrift = _short(clock, free=600)
    thrift.saw(held=True)
    assert not thrift.withholds(EXECUTIONS)
    clock.seconds += 3
    thrift.acted()
    assert thrift.withholds("userFillsByTime"), "either list tells the same"
    thrift.filled()
    assert not thrift.withholds("userFillsByTime"), "the position may be gone: then they are what proves it"


def test_lists_wait_for_the_fate_of_an_order_where_weight_is_not_plenty_until_they_are_due() -> None:
    clock = VirtualClock()
    _, thrift = _short(clock, free=600)
    thrift.saw(held=False)
    assert not thrift.spares()
    clock.seconds += 1
    thrift.deferred()
    assert thrift.spares()
    assert not thrift.spares(), "it is asked anew before each look"
    clock.seconds += thrift.GAP_S
    thrift.deferred()
    assert not thrift.spares(), "an order that could open is to be seen from time to time"


def test_lists_that_a_look_did_not_come_to_ask_for_are_due_as_long_as_before() -> None:
    clock = VirtualClock()
    _, thrift = _short(clock, free=600)
    clock.seconds += thrift.GAP_S
    assert not thrift.spares()
    assert thrift.lists_due
    thrift.listed(failed=False, unasked=True)
    assert not thrift.spares()
    assert thrift.lists_due
    thrift.listed(failed=False)
    thrift.spares()
    assert not thrift.lists_due


def test_what_was_filled_in_part_leaves_something_for_which_lists_wait_where_weight_is_not_plenty() -> None:
    clock = VirtualClock()
    _, thrift = _short(clock, free=600)
    thrift.spares()
    thrift.saw(held=True)
    clock.seconds += 1.5
    thrift.filled(wholly=False)
    assert thrift.spares(closing=True)
    thrift.filled()
    assert not thrift.spares(closing=True)


def test_what_was_held_back_says_nothing_of_how_the_venue_answers_executions() -> None:
    clock = VirtualClock()
    _, thrift = _short(clock, free=600)
    assert not thrift.withholds(EXECUTIONS)
    thrift.heard(EXECUTIONS, failed=True, sent=False)
    assert not thrift.withholds(EXECUTIONS)
    thrift.heard(EXECUTIONS, failed=True)
    assert thrift.withholds(EXECUTIONS)
    assert not thrift.withholds("userFillsByTime"), "where one list fails, the other is asked"


def test_pauses_after_a_refusal_without_a_time_end_after_eight_seconds_and_good_answers_show_room() -> None:
    clock = VirtualClock()
    throttle = Throttle(clock, ADDRESS_LIMITS)
    refused = Answer(status=429, headers={}, text="null")
    refusal = Refusal(fault=Fault.RATE_LIMIT, code="HTTP 429", message="too many")
    pauses = []
    for _ in range(5):
        pauses.append(slow_down(throttle, refusal, refused).retry_after_s)
        clock.seconds += (pauses[-1] or 0.0) + 0.01
    assert pauses == [2.0, 4.0, 8.0, 8.0, 8.0]
    came_back = throttle[READS].free()
    assert came_back < 200
    room_shown(throttle, Answer(status=200, headers={}, text="[]"), {READS: 20, WEIGHT: 20})
    assert throttle[READS].free() == came_back + 20


def _weight_left(throttle: Throttle, *, reads: int, weight: int) -> None:
    throttle.charge({READS: throttle[READS].free() - reads, WEIGHT: throttle[WEIGHT].free() - weight})


def test_a_proof_draws_on_what_is_kept_for_actions_once_nothing_is_held_and_reads_have_no_more() -> None:
    clock = VirtualClock()
    throttle = Throttle(clock, ADDRESS_LIMITS)
    thrift, orders = Thrift(clock, throttle[READS]), read_units("frontendOpenOrders")
    _weight_left(throttle, reads=40, weight=160)
    assert drawn(throttle, orders) == orders, "reads have room"
    _weight_left(throttle, reads=39, weight=64)
    assert drawn(throttle, orders) == {WEIGHT: 20}
    positions = read_units("clearinghouseState")
    assert drawn(throttle, positions) == positions, "what finds positions has its own part"
    thrift.saw(held=True)
    assert drawn(throttle, orders) == orders, "actions may be needed"
    thrift.saw(held=False)
    _weight_left(throttle, reads=39, weight=63)
    assert drawn(throttle, orders) == orders, "so much is left to a second look, and to cancels"


def test_the_last_look_of_a_proof_draws_on_all_of_it_but_what_cancels_need() -> None:
    throttle = Throttle(VirtualClock(), ADDRESS_LIMITS)
    orders, positions = read_units("frontendOpenOrders"), read_units("clearinghouseState")
    _weight_left(throttle, reads=1, weight=46)
    assert drawn(throttle, positions, last=True) == {WEIGHT: 2}
    _weight_left(throttle, reads=1, weight=45)
    assert drawn(throttle, positions, last=True) == positions, "without the lists they would prove nothing"
    _weight_left(throttle, reads=1, weight=24)
    assert drawn(throttle, orders) == orders
    assert drawn(throttle, orders, last=True) == {WEIGHT: 20}
    _weight_left(throttle, reads=1, weight=23)
    assert drawn(throttle, orders, last=True) == orders


def test_a_proof_lacks_only_its_last_look_between_a_whole_one_without_positions_and_the_next_action() -> None:
    thrift = _short(VirtualClock(), free=600)[1]
    told = []
    for whole, held in ((False, False), (True, False), (False, False), (False, True), (True, False)):
        thrift.looked(whole=whole, held=held)
        told.append(thrift.half_proven)
    assert told == [False, True, True, False, True]
    thrift.acted()
    assert not thrift.half_proven


def test_nothing_is_left_for_the_close_of_what_no_list_shows_although_its_witness_was_not_asked() -> None:
    throttle, thrift = _short(VirtualClock(), free=600)
    promised = []
    for held, empty in ((True, False), (True, True), (False, False)):
        thrift.saw(held=held, empty=empty)
        promised.append(throttle[READS].promised(Claimant(level=1)))
    assert promised == [20, 0, 0]


def test_only_a_look_that_may_prove_an_exit_draws_on_it() -> None:
    thrift = _short(VirtualClock(), free=600)[1]
    proves = []
    for wanted in (False, True, False):
        if wanted:
            thrift.proof()
        thrift.spares()
        proves.append(thrift.proves)
    assert proves == [False, True, False]


def test_executions_are_not_read_again_and_again_before_the_fate_of_an_order_is_known() -> None:
    clock = VirtualClock()
    _, thrift = _short(clock, free=600)
    thrift.deferred()
    assert not thrift.withholds(EXECUTIONS), "they may tell that fate"
    thrift.spares()
    thrift.acted()
    clock.seconds += thrift.UNDECIDED_GAP_S - 0.1
    assert thrift.withholds("userFillsByTime"), "either list tells the same"
    clock.seconds += 0.2
    assert not thrift.withholds("userFillsByTime")
    thrift.acted()
    clock.seconds += 0.1
    assert thrift.withholds("userFillsByTime")
    thrift.spares()
    assert not thrift.withholds("userFillsByTime"), "now they are what proves it"


def test_at_a_host_that_fails_executions_are_read_rarely_while_a_position_is_held() -> None:
    clock = VirtualClock()
    _, thrift = _short(clock, free=1000)
    thrift.saw(held=True)
    assert not thrift.withholds(EXECUTIONS, failing=True)
    clock.seconds += 3
    assert thrift.withholds(EXECUTIONS, failing=True)
    assert not thrift.withholds(EXECUTIONS)


def test_what_was_shown_is_taken_to_be_held_until_a_whole_look_shows_none() -> None:
    thrift = _short(VirtualClock(), free=600)[1]
    told = []
    for held, sighted in ((True, False), (True, True), (True, False), (False, False), (True, False)):
        thrift.saw(held=held, sighted=sighted)
        told.append(thrift.sighted)
    assert told == [False, True, True, False, False]


def test_lists_wait_for_one_look_where_a_second_source_has_just_said_that_something_is_held() -> None:
    clock = VirtualClock()
    throttle, thrift = _short(clock, free=600)
    clock.seconds += thrift.GAP_S
    assert not thrift.spares()
    told = []
    for _ in range(2):
        thrift.saw(held=False)
        thrift.doubted()
        thrift.pressed(halting=False)
        told.append(thrift.spares())
        thrift.saw(held=False)
        thrift.pressed(halting=False)
        told.append(thrift.spares())
        clock.seconds += thrift.GAP_S
    assert told == [True, False, False, False], "an order that could open is to be seen from time to time"
    thrift.spares()
    throttle[READS].refund(200)
    thrift.doubted()
    thrift.pressed(halting=False)
    assert not thrift.spares(), "weight is plenty"


def test_what_finds_positions_draws_on_what_is_kept_for_actions_also_while_something_is_held() -> None:
    clock = VirtualClock()
    throttle = Throttle(clock, ADDRESS_LIMITS)
    Thrift(clock, throttle[READS]).saw(held=True)
    orders, positions = read_units("frontendOpenOrders"), read_units("clearinghouseState")
    _weight_left(throttle, reads=1, weight=22)
    assert drawn(throttle, positions) == {WEIGHT: 2}
    assert drawn(throttle, orders, last=True) == orders
    _weight_left(throttle, reads=1, weight=21)
    assert drawn(throttle, positions) == positions, "so much is left to the orders"

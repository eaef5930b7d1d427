"""What Hyperliquid's weight of a minute is spent on where it is short."""

from bastion.venues.ccxt.hyperliquid_pace import (
    ADDRESS_LIMITS,
    READS,
    Thrift,
    read_units,
    weigh_rows,
)
from bastion.venues.raw import Answer
from bastion.venues.throttle import Throttle
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

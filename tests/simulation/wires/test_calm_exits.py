"""Calm exits by the real adapters: how many round trips and requests they take, counted in virtual time."""

import pytest

from tests.simulation.wires.calm import calm_exit
from tests.simulation.wires.calm_mutants import BOUNDS, MUTANTS, broken, exceeded

SWEPT_AND_PROVEN_S = 0.49
"""Orders, a glance with the executions, the sweep, two looks 0.25 s apart: 0.45 s, and a dial of 25 ms."""


def test_an_exit_takes_one_round_trip_for_what_became_of_its_orders_and_for_what_is_held() -> None:
    calm = calm_exit({"binance": 4, "bybit": 5, "okx": 5})
    assert set(calm.verdicts.values()) == {"FLAT"}
    assert max(calm.judged_s.values()) < SWEPT_AND_PROVEN_S, calm.judged_s
    assert calm.orders == 4 + 5 + 5


def test_a_close_that_waits_for_the_limit_is_sent_once_and_asked_for_by_no_name() -> None:
    calm = calm_exit({"bybit": 60})
    assert calm.verdicts == {"bybit": "FLAT"}
    assert calm.orders == 60
    # Ten single and ten batched orders a second; then the sweep and its proof.
    assert calm.judged_s["bybit"] < 2.9, calm.judged_s
    assert sum(calm.asked.values()) < 120, calm.asked


def test_while_a_wave_waits_for_the_limit_the_account_is_looked_at_seldom() -> None:
    calm = calm_exit({"bybit": 60})
    looks = calm.asked["GET /v5/position/list"] / 4
    # One behind the first orders, one when the last is answered, and the two that prove.
    assert looks == 4, calm.asked
    assert sum(calm.asked.values()) < 80, calm.asked


def test_more_than_a_venue_takes_in_ten_seconds_are_sent_once_each() -> None:
    calm = calm_exit({"binance": 310})
    assert calm.verdicts == {"binance": "FLAT"}
    assert calm.orders == 310
    # Three hundred at once, the others once ten seconds are over; then the sweep and its proof.
    assert calm.judged_s["binance"] < 10.7, calm.judged_s


@pytest.mark.parametrize("name", MUTANTS)
def test_a_rule_that_spares_time_or_requests_is_missed_by_calm_exits(name: str) -> None:
    numbers = range(len(BOUNDS))
    assert [exceeded(number) for number in numbers] == [""] * len(BOUNDS)
    with broken(name):
        assert any(exceeded(number) for number in numbers)

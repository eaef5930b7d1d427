"""Several acts at once in seeded worlds: scope, widening, halts and partial closes keep their rules."""

import pytest

from tests.simulation.exits.act_mutants import MUTANTS, broken
from tests.simulation.exits.medley import simulate_acts

BATCHES = 4
SEEDS_PER_BATCH = 10
SEARCH = 20
# The first seed at which each broken rule was noticed; the search starts there and goes on a little.
NOTICED_AT = {
    "a_halt_takes_the_stops": 12,
    "a_halt_cancels_nothing_at_once": 8,
    "a_wider_exit_widens_nothing": 16,
    "a_lost_part_is_sent_again_at_once": 30,
    "a_part_is_taken_again_and_again": 5,
    "a_part_is_closed_as_a_whole": 5,
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_rule_breaks_where_several_act_at_once(batch: int) -> None:
    for seed in range(batch * SEEDS_PER_BATCH, (batch + 1) * SEEDS_PER_BATCH):
        result = simulate_acts(seed)
        assert not result.violations, (seed, result.violations)


@pytest.mark.timeout(300)
def test_an_order_that_another_exit_s_position_would_swallow_keeps_no_exit_from_flat() -> None:
    # Seed 5120: longs only, a short that a partial close was reducing, and a buy order smaller than it.
    assert not simulate_acts(5120).violations


@pytest.mark.timeout(300)
def test_an_id_that_one_exit_lent_to_the_orders_of_another_is_used_once() -> None:
    # Seed 602910: a watching exit has the name of a partial close's orders, and a third exit joins it later.
    assert not simulate_acts(602910).violations


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_rule_of_several_acts_is_noticed(name: str) -> None:
    start = NOTICED_AT.get(name, 0)
    with broken(name):
        assert any(simulate_acts(seed).violations for seed in range(start, start + SEARCH))

"""Each world of a kept sweep that broke a rule when it ran, and breaks none since, goes on breaking none."""

import pytest

from tests.simulation.exits.sweep import breaks
from tests.simulation.kept import DEPTH_A, DEPTH_B, Kept
from tests.simulation.wires.play import simulate


@pytest.mark.parametrize("seed", sorted(Kept.load(DEPTH_A).mended), ids=str)
def test_a_mended_world_of_the_executor_stays_mended(seed: int) -> None:
    assert not breaks(seed), f"python -m tests.simulation.exits --seed {seed} replays"


@pytest.mark.parametrize("seed", sorted(Kept.load(DEPTH_B).mended), ids=str)
def test_a_mended_world_on_real_wires_stays_mended(seed: int) -> None:
    violations = simulate(seed).violations
    assert not violations, f"make simulate DEPTH=b SEEDS={seed}:{seed + 1} replays: {violations}"

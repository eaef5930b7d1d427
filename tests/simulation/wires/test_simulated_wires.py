"""The real adapters on the paper wires in seeded worlds: no rule breaks, and one seed is one world."""

import os
import subprocess
import sys
import time

import pytest
from aiohttp import connector

from tests.simulation.wires.play import simulate

# Each of these once broke a rule; what it taught stands beside it.
REGRESSIONS = {
    3: "two exits on one account, one judged and one still owed its fills: the hand span without a pause",
}
BATCHES = 4
SEEDS_PER_BATCH = 4
DIGESTS = """
import sys
from tests.simulation.wires.play import simulate
print(*(simulate(int(seed)).digest for seed in sys.argv[1:]))
"""


def _seeds() -> list[range]:
    chosen = os.environ.get("SEEDS", "")
    if chosen:
        first, last = (int(part) for part in chosen.split(":"))
        return [range(first, last)]
    return [range(b * SEEDS_PER_BATCH, (b + 1) * SEEDS_PER_BATCH) for b in range(BATCHES)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seeds", _seeds(), ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_no_rule_breaks_in_any_world_on_real_wires(seeds: range) -> None:
    for seed in seeds:
        result = simulate(seed)
        replay = f"make simulate DEPTH=b SEEDS={seed}:{seed + 1} replays"
        assert not result.violations, f"{replay}: {result.violations}"


@pytest.mark.parametrize("seed", REGRESSIONS, ids=str)
def test_a_world_on_real_wires_that_once_broke_a_rule_breaks_none(seed: int) -> None:
    assert not simulate(seed).violations, REGRESSIONS[seed]


def test_one_seed_is_one_world_whatever_hash_seed_a_process_has() -> None:
    seeds = [1, 9, 14]
    here = [simulate(seed).digest for seed in seeds]
    assert all(here)
    assert here == [simulate(seed).digest for seed in seeds]
    for hash_seed in ("1", "2"):
        told = subprocess.run(
            [sys.executable, "-c", DIGESTS, *map(str, seeds)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        assert told.stdout.split() == here


def test_nothing_in_a_world_on_real_wires_reads_the_machines_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = (1, 2, 14)
    before = [simulate(seed).digest for seed in seeds]
    wall, steady = time.time, time.monotonic
    with monkeypatch.context() as elsewhen:
        elsewhen.setattr(time, "time", lambda: wall() * 1.5 - 3e8)
        elsewhen.setattr(time, "time_ns", lambda: int((wall() * 1.5 - 3e8) * 1e9))
        elsewhen.setattr(time, "monotonic", lambda: steady() * 7 + 1e6)
        elsewhen.setattr(time, "monotonic_ns", lambda: int((steady() * 7 + 1e6) * 1e9))
        elsewhen.setattr(connector, "monotonic", lambda: steady() * 7 + 1e6)
        assert [simulate(seed).digest for seed in seeds] == before

"""The real adapters on the paper wires in seeded worlds: no rule breaks, and one seed is one world."""

import os
import subprocess
import sys
import time

import pytest

from tests.simulation.wires.play import simulate

# Each of these once broke a rule; what it taught stands beside it.
REGRESSIONS = {
    3: "two exits on one account, one judged and one still owed its fills: the hand span without a pause",
    2005: "every second look met connections that the host had just ended, and no two in a row were clean",
    4043: "what never left was counted, and an account starved on the weight that it had not used",
    79: "a resting order held the size, and was forgotten when a look had spared the lists",
}
SEEDS_FEW = range(16)
ALIKE = (5, 12, 18, 19, 40)
DIGESTS = """
import sys
from tests.simulation.wires.play import simulate
print(*(simulate(int(seed)).digest for seed in sys.argv[1:]))
"""


def _seeds() -> range:
    chosen = os.environ.get("SEEDS", "")
    if chosen:
        first, last = (int(part) for part in chosen.split(":"))
        return range(first, last)
    return SEEDS_FEW


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", _seeds())
def test_no_rule_breaks_in_any_world_on_real_wires(seed: int) -> None:
    violations = simulate(seed).violations
    assert not violations, f"make simulate DEPTH=b SEEDS={seed}:{seed + 1} replays: {violations}"


@pytest.mark.parametrize("seed", REGRESSIONS, ids=str)
def test_a_world_on_real_wires_that_once_broke_a_rule_breaks_none(seed: int) -> None:
    assert not simulate(seed).violations, REGRESSIONS[seed]


def test_one_seed_is_one_world_whatever_hash_seed_a_process_has() -> None:
    here = [simulate(seed).digest for seed in ALIKE]
    assert all(here)
    assert here == [simulate(seed).digest for seed in ALIKE]
    # Both begin as new processes: what else ran in this one before may have left its traces in the libraries.
    told = [
        subprocess.run(
            [sys.executable, "-c", DIGESTS, *map(str, ALIKE)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout.split()
        for hash_seed in ("1", "2")
    ]
    assert all(told[0])
    assert told[0] == told[1]


def test_nothing_in_a_world_on_real_wires_reads_the_machines_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [simulate(seed).digest for seed in ALIKE]
    wall, steady = time.time, time.monotonic
    with monkeypatch.context() as elsewhen:
        elsewhen.setattr(time, "time", lambda: wall() * 1.5 - 3e8)
        elsewhen.setattr(time, "time_ns", lambda: int((wall() * 1.5 - 3e8) * 1e9))
        elsewhen.setattr(time, "monotonic", lambda: steady() * 7 + 1e6)
        elsewhen.setattr(time, "monotonic_ns", lambda: int((steady() * 7 + 1e6) * 1e9))
        assert [simulate(seed).digest for seed in ALIKE] == before

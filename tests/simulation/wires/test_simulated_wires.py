"""The real adapters on the paper wires in seeded worlds: no rule breaks, and one seed is one world."""

import os
import subprocess
import sys
import time

import pytest

from tests.simulation.wires.play import simulate
from tests.simulation.wires.wire_mutants import broken

# Each of these once broke a rule; what it taught stands beside it.
REGRESSIONS = {
    3: "two exits on one account, one judged and one still owed its fills: the hand span without a pause",
    2005: "every second look met connections that the host had just ended, and no two in a row were clean",
    4043: "what never left was counted, and an account starved on the weight that it had not used",
    990: "what an exit asked while nothing worked had used up the weight that its proof needed",
    2454: "the judge knew OKX's stop by the books' name only, and an exit that had to clear it was blamed",
    79: "a resting order held the size, and was forgotten when a look had spared the lists",
}
# Of the broken rules of `make mutants` one of each kind; where the search for a world that notices it begins.
NOTICED_AT = {
    "sides_are_read_the_wrong_way_round": 0,
    "stops_are_read_as_orders_that_open": 3,
    "a_ban_is_not_heard": 8,
    "limits_are_not_kept": 7,
    "the_gate_stops_what_reduces": 2,
    "orders_are_not_bound_and_no_gate_stands_there": 1,
}
SEARCH = 20
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


@pytest.mark.parametrize("name", NOTICED_AT)
def test_a_broken_rule_of_gate_parsers_or_pacing_is_noticed_on_real_wires(name: str) -> None:
    start = NOTICED_AT[name]
    with broken(name):
        assert any(simulate(seed).violations for seed in range(start, start + SEARCH))


def test_one_seed_is_one_world_whatever_hash_seed_a_process_has() -> None:
    here = [simulate(seed).digest for seed in ALIKE]
    assert all(here)
    assert here == [simulate(seed).digest for seed in ALIKE]
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
    assert here == told[0] == told[1], "not what else ran in this process before counts, nor the hash seed"


def test_nothing_in_a_world_on_real_wires_reads_the_machines_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [simulate(seed).digest for seed in ALIKE]
    wall, steady = time.time, time.monotonic
    with monkeypatch.context() as elsewhen:
        elsewhen.setattr(time, "time", lambda: wall() * 1.5 - 3e8)
        elsewhen.setattr(time, "time_ns", lambda: int((wall() * 1.5 - 3e8) * 1e9))
        elsewhen.setattr(time, "monotonic", lambda: steady() * 7 + 1e6)
        elsewhen.setattr(time, "monotonic_ns", lambda: int((steady() * 7 + 1e6) * 1e9))
        assert [simulate(seed).digest for seed in ALIKE] == before

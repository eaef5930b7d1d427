"""Hunt: is every broken rule noticed? `python -m tests.simulation.exits.hunt [NAME ...]`; bars come last.

Each rule is broken on purpose, and worlds are run until one notices. Of the pairs it is shown too that either
fault alone shows nothing.
"""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.simulation.exits import act_mutants, mutants, pair_mutants
from tests.simulation.exits.arena import simulate
from tests.simulation.exits.deeper import deeper
from tests.simulation.exits.medley import simulate_acts
from tests.simulation.wires import play, wire_mutants

SEEDS_MAX = 5000
PAIR_SEEDS = 60


def hunt(name: str) -> tuple[str, int | None, bool]:
    """Return a rule's name, the first seed that noticed its breaking, and whether it took two faults."""
    if name in act_mutants.MUTANTS:
        with act_mutants.broken(name):
            found = (seed for seed in range(SEEDS_MAX) if simulate_acts(seed).violations)
            return name, next(found, None), False
    if name in pair_mutants.PAIRS:
        alone, together = pair_mutants.noticed(name, range(PAIR_SEEDS))
        return name, PAIR_SEEDS if together else None, together and not alone
    if name in wire_mutants.MUTANTS:
        return name, next(filter(partial(_shows, name), range(SEEDS_MAX)), None), False
    with mutants.broken(name):
        for seed in range(SEEDS_MAX):
            if simulate(seed, world=deeper(seed)).violations or simulate(seed).violations:
                return name, seed, False
    return name, None, False


def _shows(name: str, seed: int) -> bool:
    # A world that breaks a rule without the broken one shows nothing of it.
    with wire_mutants.broken(name):
        breaks = bool(play.simulate(seed).violations)
    return breaks and not play.simulate(seed).violations


def main() -> int:
    """Hunt for what the command line names, or for everything; 1 when a bar is short."""
    every = {*mutants.MUTANTS, *act_mutants.MUTANTS, *pair_mutants.PAIRS, *wire_mutants.MUTANTS}
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.exits.hunt", description=__doc__)
    parser.add_argument("names", nargs="*", help="rules to break (all)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    names = chosen.names or sorted(every)
    missed = paired = 0
    with ProcessPoolExecutor(max_workers=chosen.processes) as pool:
        for name, seed, pair in pool.map(hunt, names):
            how = "never noticed" if seed is None else f"noticed within {seed + 1} worlds"
            print(f"{name}: {how}{', by two faults together only' if pair else ''}", flush=True)  # noqa: T201 - a program
            missed += seed is None
            paired += pair
    checks = (
        ("sim_rules_broken", len(names), ">=30", len(names) >= 30),
        ("sim_rules_missed", missed, "<=0", not missed),
        ("sim_rules_paired", paired, ">=10", paired >= 10),
    )
    for name, value, limit, good in checks:
        print(f"bar {name} {value} {limit} {'ok' if good else 'short'}")  # noqa: T201 - a program
    return 0 if all(good for *_, good in checks) else 1


if __name__ == "__main__":
    sys.exit(main())

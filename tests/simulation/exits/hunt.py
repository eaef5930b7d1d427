"""Hunt: is every broken rule noticed? `python -m tests.simulation.exits.hunt [NAME ...]`; bars come last.

Each rule is broken on purpose, and worlds are run until one notices: one that breaks no rule as the program
is. Of the pairs it is shown too that either fault alone shows nothing. `--keep` keeps what came of it, rule
by rule, for docs/reference/mutation.md; `--missing` hunts for those of which nothing is kept.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from tests.simulation.exits import act_mutants, later_mutants, mutants, pair_mutants
from tests.simulation.exits.arena import simulate
from tests.simulation.exits.deeper import deeper
from tests.simulation.exits.medley import simulate_acts
from tests.simulation.kept import HERE, commit, today
from tests.simulation.wires import calm_mutants, play, wire_mutants

SEEDS_MAX = 5000
PAIR_SEEDS = 60
RULES = HERE / "rules.json"

EXITS, LATER, ACTS = "exits", "exits, holds and waits", "several acts"
PAIRS, WIRES, CALM = "two faults", "real wires", "calm exits"
WORDS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunted:
    """One broken rule: the worlds it was hunted in, in how many it was noticed, and what the first one said.

    `worlds` counts up to the one that noticed, and is None where none did; `pair` says that either fault
    alone was shown to notice nothing.
    """

    name: str
    where: str
    worlds: int | None
    pair: bool
    said: str


def every() -> dict[str, str]:
    """Return the names of all broken rules, and the worlds in which each is hunted."""
    return {
        **dict.fromkeys(mutants.MUTANTS, EXITS),
        **dict.fromkeys(later_mutants.MUTANTS, LATER),
        **dict.fromkeys(act_mutants.MUTANTS, ACTS),
        **dict.fromkeys(pair_mutants.PAIRS, PAIRS),
        **dict.fromkeys(wire_mutants.MUTANTS, WIRES),
        **dict.fromkeys(calm_mutants.MUTANTS, CALM),
    }


def hunt(name: str) -> Hunted:
    """Break a rule and return which world noticed first."""
    where = every()[name]
    if where == PAIRS:
        alone, together = pair_mutants.noticed(name, range(PAIR_SEEDS))
        found = PAIR_SEEDS if together else None
        return Hunted(name=name, where=where, worlds=found, pair=together and not alone, said="")
    for seed in range(SEEDS_MAX):
        said = _shows(name, where, seed)
        if said:
            return Hunted(name=name, where=where, worlds=seed + 1, pair=False, said=said)
    return Hunted(name=name, where=where, worlds=None, pair=False, said="")


def _shows(name: str, where: str, seed: int) -> str:
    # A world that breaks a rule without the broken one shows nothing of it.
    for world in _worlds(where):
        with _broken(name, where):
            said = world(seed)
        if said and not world(seed):
            return said[:WORDS]
    return ""


def _worlds(where: str) -> tuple[Callable[[int], str], ...]:
    if where == ACTS:
        return (lambda seed: "".join(simulate_acts(seed).violations[:1]),)
    if where == CALM:
        return (calm_mutants.exceeded,)
    if where == WIRES:
        return (lambda seed: "".join(play.simulate(seed).violations[:1]),)
    return (
        lambda seed: "".join(simulate(seed, world=deeper(seed)).violations[:1]),
        lambda seed: "".join(simulate(seed).violations[:1]),
    )


def _broken(name: str, where: str) -> ExitStack:
    if where == ACTS:
        return act_mutants.broken(name)
    if where == LATER:
        return later_mutants.broken(name)
    if where == CALM:
        return calm_mutants.broken(name)
    return wire_mutants.broken(name) if where == WIRES else mutants.broken(name)


def kept() -> dict[str, dict[str, object]]:
    """Return what is kept of each rule, with the date and the commit it was hunted on."""
    raw: dict[str, dict[str, object]] = json.loads(RULES.read_text()) if RULES.exists() else {}
    return raw


def keep(one: Hunted, state: str) -> None:
    """Keep what came of one rule, in place of what was kept before."""
    rules = kept() | {one.name: {"date": today(), "commit": state, **asdict(one)}}
    fresh = RULES.with_suffix(".new")
    fresh.write_text(json.dumps(dict(sorted(rules.items())), indent=1) + "\n")
    fresh.replace(RULES)


def main() -> int:
    """Hunt for what the command line names, or for everything; 1 when a bar is short."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.exits.hunt", description=__doc__)
    parser.add_argument("names", nargs="*", help="rules to break (all)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", action="store_true", help="keep what came of each, for the page")
    parser.add_argument("--missing", action="store_true", help="only those of which nothing is kept")
    chosen = parser.parse_args()
    names = chosen.names or sorted(every())
    names = [name for name in names if not (chosen.missing and name in kept())]
    missed = paired = 0
    state = commit()
    with ProcessPoolExecutor(max_workers=chosen.processes) as pool:
        for one in pool.map(hunt, names):
            how = "never noticed" if one.worlds is None else f"noticed within {one.worlds} worlds"
            two = ", by two faults together only" if one.pair else ""
            print(f"{one.name}: {how}{two}; {one.said}", flush=True)  # noqa: T201 - a program
            missed += one.worlds is None
            paired += one.pair
            if chosen.keep:
                keep(one, state)
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

"""Simulate many worlds over processes, and count the cells that they hit.

`python -m tests.simulation.exits N` runs N worlds; `--keep` adds what came of them to the kept summary, and
goes on after the last seed kept. `--seed S` replays one world, `--first-edition` one of the older worlds.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator

from tests.simulation.exits.aims import aim_anew, seeds_left
from tests.simulation.exits.arena import simulate
from tests.simulation.exits.deeper import deeper
from tests.simulation.exits.sweep import HITS, Tally, bars, breaks, shown, sweep
from tests.simulation.exits.world import draw
from tests.simulation.kept import DEPTH_A, Kept, Run, commit, machine, today


def main() -> int:
    """Run what the command line asks for; 1 when a rule broke or a bar is short."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.exits", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=1000, help="how many seeds")
    parser.add_argument("--first", type=int, help="the first seed (0; with --keep: the first not yet kept)")
    parser.add_argument("--seed", type=int, help="replay this one seed and print what it did")
    parser.add_argument("--first-edition", action="store_true", help="the worlds before the cells")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", action="store_true", help="add the outcome to the kept summary")
    parser.add_argument("--again", action="store_true", help="run what broke a rule anew, and keep that")
    parser.add_argument("--minutes", type=float, help="stop after so many minutes")
    chosen = parser.parse_args()
    if chosen.seed is not None:
        return _replay(chosen.seed, first_edition=chosen.first_edition)
    kept = Kept.load(DEPTH_A)
    if chosen.again:
        kept.again(breaks)
        kept.save(DEPTH_A)
        return 1 if kept.tally.broken else 0
    first = chosen.first if chosen.first is not None else kept.next_seed if chosen.keep else 0
    begin = time.monotonic()
    until = begin + chosen.minutes * 60 if chosen.minutes else None
    tally, state = Tally(), commit()
    for begins, count in _stretches(first, chosen.count, kept, aims=chosen.keep):
        for part in sweep(begins, count, chosen.processes, until=until):
            tally.add(part)
            if chosen.keep:
                kept.add(part, _run(part, chosen.processes, state))
                kept.save(DEPTH_A)
        if until is not None and time.monotonic() >= until:
            break
    took_s = time.monotonic() - begin
    print(f"\n{tally.worlds} worlds in {took_s:.0f} s: {shown(tally.verdicts)}")  # noqa: T201 - a program
    print(f"orders: {shown(tally.rungs)}")  # noqa: T201 - a program
    whole = kept.tally if chosen.keep else tally
    lines, good = bars(whole)
    for line in lines:
        print(line)  # noqa: T201 - a program
    return 0 if good else 1


def _stretches(first: int, count: int, kept: Kept, *, aims: bool) -> Iterator[tuple[int, int]]:
    # A sweep that is kept is aimed anew, now and then, at the cells that all runs have hit least.
    end = first + count
    while first < end:
        length = end - first
        if aims and not seeds_left(first):
            aim_anew(first, kept.tally.cells, enough=HITS)
        if aims:
            length = min(length, seeds_left(first))
        yield first, length
        first += length


def _run(part: Tally, processes: int, state: str) -> Run:
    return Run(
        first=part.first,
        count=part.worlds,
        seconds=round(part.seconds),
        processes=processes,
        machine=machine(),
        date=today(),
        digest=part.digest,
        commit=state,
    )


def _replay(seed: int, *, first_edition: bool) -> int:
    result = simulate(seed, world=draw(seed) if first_edition else deeper(seed))
    print(result.report.summary if result.report is not None else "no report")  # noqa: T201 - a program
    for violation in result.violations:
        print(f"BROKEN {violation}")  # noqa: T201 - a program
    print(f"digest {result.digest}")  # noqa: T201 - a program
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main())

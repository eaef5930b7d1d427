"""Simulate many worlds on real wires over processes; `SEEDS=A:B` of the environment chooses which.

Each world's outcome can be kept as a line of JSON (`--summary FILE`): seed, verdicts, cells that were hit,
orders sent by rung, requests, virtual seconds, and what broke. With `--scoped` the exits of the same worlds
mean some symbols, one side, or all but some; that is a variant of its own, and not kept.
"""

import argparse
import gc
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.simulation.exits.sweep import Tally, shown
from tests.simulation.kept import DEPTH_B, Kept, Run, commit, machine, today
from tests.simulation.wires.play import Result, simulate
from tests.simulation.wires.scopes import simulate_scoped

CHUNK = 10


def row_of(result: Result) -> dict[str, object]:
    """Return what is kept of one world."""
    return {
        "depth": "b",
        "seed": result.seed,
        "verdicts": list(result.verdicts),
        "cells": ["|".join(cell) for cell in result.cells],
        "rungs": dict(sorted(result.rungs.items())),
        "requests": result.requests,
        "seconds": round(result.seconds, 3),
        "runs": result.runs,
        "starved": result.starved,
        "violations": result.violations,
        "digest": result.digest,
    }


def run_chunk(first: int, last: int, one: Callable[[int], Result]) -> list[Result]:
    """Run the seeds of one chunk."""
    # Garbage is swept up after the chunk: during it, that takes a tenth of the time.
    gc.disable()
    results = [one(seed) for seed in range(first, last)]
    gc.enable()
    gc.collect()
    return results


def main() -> int:
    """Run what the command line asks for; 1 when a rule broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.wires", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=200, help="how many seeds")
    parser.add_argument("--first", type=int, help="the first seed (0; with --keep: the first not yet kept)")
    parser.add_argument("--keep", action="store_true", help="add the outcome to the kept summary")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--summary", type=Path, help="a file that gets a line of JSON for each world")
    parser.add_argument("--again", action="store_true", help="run what broke a rule anew, and keep that")
    parser.add_argument("--minutes", type=float, help="stop after so many minutes")
    parser.add_argument("--trace", action="store_true", help="print everything that happened")
    parser.add_argument("--scoped", action="store_true", help="exits that mean a part of their accounts")
    chosen = parser.parse_args()
    if chosen.scoped and (chosen.keep or chosen.again):
        parser.error("scoped worlds are not kept")
    first = chosen.first
    if first is None:
        first = Kept.load(DEPTH_B).next_seed if chosen.keep else 0
    last = first + chosen.count
    given = os.environ.get("SEEDS", "")
    if given:
        first, last = (int(part) for part in given.split(":"))
    if chosen.again:
        kept = Kept.load(DEPTH_B)
        kept.again(lambda seed: "; ".join(simulate(seed).violations[:1]))
        kept.save(DEPTH_B)
        return 1 if kept.tally.broken else 0
    if chosen.trace:
        return _told(first, last, scoped=chosen.scoped)
    until = time.monotonic() + chosen.minutes * 60 if chosen.minutes else None
    one = simulate_scoped if chosen.scoped else simulate
    parts = _parts(first, last, chosen.processes, until, one)
    return _many(parts, last - first, chosen, commit())


def _told(first: int, last: int, *, scoped: bool) -> int:
    broken = 0
    for seed in range(first, last):
        result = simulate_scoped(seed, keep=True) if scoped else simulate(seed, keep=True)
        print("\n".join(result.lines or []))  # noqa: T201 - a program
        for violation in result.violations:
            print(f"BROKEN {violation}")  # noqa: T201 - a program
        print(f"seed {seed}: {', '.join(result.verdicts)}, digest {result.digest}")  # noqa: T201 - a program
        broken += bool(result.violations)
    return 1 if broken else 0


def _parts(
    first: int, last: int, processes: int, until: float | None, one: Callable[[int], Result]
) -> Iterator[list[Result]]:
    step = CHUNK * processes
    with ProcessPoolExecutor(max_workers=processes) as pool:
        for begin in range(first, last, step):
            if until is not None and time.monotonic() >= until:
                return
            starts = range(begin, min(begin + step, last), CHUNK)
            ends = [min(start + CHUNK, last) for start in starts]
            yield from pool.map(run_chunk, starts, ends, [one] * len(ends))


def _many(parts: Iterator[list[Result]], count: int, chosen: argparse.Namespace, state: str) -> int:
    begin = mark = time.monotonic()
    kept, whole = Kept.load(DEPTH_B), Tally()
    more, bar = (" ARGS=--scoped", "sim_scoped_broken") if chosen.scoped else ("", "sim_wires_broken")
    for rows in parts:
        part = _tally(rows)
        part.seconds, mark = time.monotonic() - mark, time.monotonic()
        for seed, violation in part.broken.items():
            print(f"\nseed {seed}: {violation}")  # noqa: T201 - a program
            print(f"  replay: make simulate DEPTH=b SEEDS={seed}:{seed + 1}{more}")  # noqa: T201 - a program
        if chosen.summary is not None:
            with chosen.summary.open("a", encoding="utf-8") as lines:
                lines.writelines(json.dumps(row_of(result)) + "\n" for result in rows)
        whole.add(part)
        if chosen.keep:
            kept.add(part, _run(part, chosen.processes, state))
            kept.save(DEPTH_B)
        rate = whole.worlds / max(time.monotonic() - begin, 0.001)
        sys.stderr.write(
            f"\r{whole.worlds} of {count} worlds, {len(whole.broken)} broken, {rate:.1f} a second"
        )
        sys.stderr.flush()
    took_s = whole.seconds
    speed = f"{whole.worlds} worlds in {took_s:.0f} s ({whole.worlds / took_s:.1f} a second)"
    print(f"\n{speed}, {whole.calls} requests, {len(whole.cells)} cells: {shown(whole.verdicts)}")  # noqa: T201 - a program
    print(f"orders: {shown(whole.rungs)}")  # noqa: T201 - a program
    good = not whole.broken
    print(f"bar {bar} {len(whole.broken)} <=0 {'ok' if good else 'short'}")  # noqa: T201 - a program
    return 0 if good else 1


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


def _tally(results: list[Result]) -> Tally:
    tally = Tally(first=results[0].seed)
    chain = hashlib.sha256()
    for result in results:
        tally.worlds += 1
        tally.calls += result.requests
        tally.verdicts.update(result.verdicts)
        tally.rungs.update(result.rungs)
        tally.cells.update(result.cells)
        chain.update(result.digest.encode())
        if result.violations:
            tally.broken[result.seed] = result.violations[0]
    tally.digest = chain.hexdigest()
    return tally


if __name__ == "__main__":
    sys.exit(main())

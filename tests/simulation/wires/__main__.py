"""Simulate many worlds on real wires over processes; `SEEDS=A:B` of the environment chooses which.

Each world's outcome can be kept as a line of JSON (`--summary FILE`): seed, verdicts, cells that were hit,
orders sent by rung, requests, virtual seconds, and what broke.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.simulation.wires.play import Result, simulate

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


def run_chunk(first: int, last: int) -> list[dict[str, object]]:
    """Run the seeds of one chunk."""
    return [row_of(simulate(seed)) for seed in range(first, last)]


def main() -> int:
    """Run what the command line asks for; 1 when a rule broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.wires", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=200, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--summary", type=Path, help="a file that gets a line of JSON for each world")
    parser.add_argument("--trace", action="store_true", help="print everything that happened")
    chosen = parser.parse_args()
    first, last = chosen.first, chosen.first + chosen.count
    given = os.environ.get("SEEDS", "")
    if given:
        first, last = (int(part) for part in given.split(":"))
    if chosen.trace:
        return _told(first, last)
    return _many(first, last, chosen.processes, chosen.summary)


def _told(first: int, last: int) -> int:
    broken = 0
    for seed in range(first, last):
        result = simulate(seed, keep=True)
        print("\n".join(result.lines or []))  # noqa: T201 - a program
        for violation in result.violations:
            print(f"BROKEN {violation}")  # noqa: T201 - a program
        print(f"seed {seed}: {', '.join(result.verdicts)}, digest {result.digest}")  # noqa: T201 - a program
        broken += bool(result.violations)
    return 1 if broken else 0


def _many(first: int, last: int, processes: int, summary: Path | None) -> int:
    begin = time.monotonic()
    verdicts: Counter[str] = Counter()
    cells: set[str] = set()
    failing: list[int] = []
    requests = done = 0
    starts = range(first, last, CHUNK)
    ends = [min(start + CHUNK, last) for start in starts]
    with ProcessPoolExecutor(max_workers=processes) as pool:
        for rows in pool.map(run_chunk, starts, ends):
            for row in rows:
                result = json.loads(json.dumps(row))
                verdicts.update(result["verdicts"])
                cells.update(result["cells"])
                requests += result["requests"]
                if result["violations"]:
                    failing.append(result["seed"])
                    print(f"\nseed {result['seed']}: {result['violations'][0]}")  # noqa: T201 - a program
                    seed = result["seed"]
                    print(f"  replay: make simulate DEPTH=b SEEDS={seed}:{seed + 1}")  # noqa: T201 - a program
            if summary is not None:
                with summary.open("a", encoding="utf-8") as lines:
                    lines.writelines(json.dumps(row) + "\n" for row in rows)
            done += len(rows)
            rate = done / max(time.monotonic() - begin, 0.001)
            sys.stderr.write(f"\r{done} of {last - first} worlds, {len(failing)} broken, {rate:.1f} a second")
            sys.stderr.flush()
    took = time.monotonic() - begin
    shown = ", ".join(f"{name} {number}" for name, number in sorted(verdicts.items()))
    speed = f"{done} worlds in {took:.0f} s ({done / took:.1f} a second)"
    reach = f"{requests} requests, {len(cells)} cells"
    print(f"\n{speed}, {reach}: {shown}; {len(failing)} broke a rule")  # noqa: T201 - a program
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())

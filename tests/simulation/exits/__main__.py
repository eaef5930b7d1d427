"""Simulate many worlds over processes: `python -m tests.simulation.exits N`, or `--seed S` to replay one."""

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.exits.arena import simulate

CHUNK = 25


def run_chunk(first: int, last: int) -> tuple[Counter[str], list[tuple[int, str]]]:
    """Run the seeds of one chunk; return the verdicts and what broke."""
    verdicts: Counter[str] = Counter()
    broken: list[tuple[int, str]] = []
    for seed in range(first, last):
        result = simulate(seed)
        verdict = result.report.verdict if result.report is not None else None
        verdicts[verdict.value if verdict is not None else "none"] += 1
        broken.extend((seed, violation) for violation in result.violations)
    return verdicts, broken


def main() -> int:
    """Run what the command line asks for; 1 when a rule broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.exits", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=1000, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="replay this one seed and print what it did")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    if chosen.seed is not None:
        result = simulate(chosen.seed)
        print(result.report.summary if result.report is not None else "no report")  # noqa: T201 - a program
        for violation in result.violations:
            print(f"BROKEN {violation}")  # noqa: T201 - a program
        print(f"digest {result.digest}")  # noqa: T201 - a program
        return 1 if result.violations else 0
    return _many(chosen.first, chosen.count, chosen.processes)


def _many(first: int, count: int, processes: int) -> int:
    begin = time.monotonic()
    verdicts: Counter[str] = Counter()
    failing: set[int] = set()
    done = 0
    starts = range(first, first + count, CHUNK)
    with ProcessPoolExecutor(max_workers=processes) as pool:
        ends = [min(start + CHUNK, first + count) for start in starts]
        for (some, broken), start, end in zip(pool.map(run_chunk, starts, ends), starts, ends, strict=True):
            verdicts += some
            done += end - start
            for seed, violation in broken:
                if seed not in failing:
                    print(f"\nseed {seed}: {violation}")  # noqa: T201 - a program
                    print(f"  replay: python -m tests.simulation.exits --seed {seed}")  # noqa: T201 - a program
                failing.add(seed)
            sys.stderr.write(f"\r{done} of {count} worlds, {len(failing)} broken")
            sys.stderr.flush()
    took = time.monotonic() - begin
    shown = ", ".join(f"{name} {number}" for name, number in sorted(verdicts.items()))
    print(f"\n{count} worlds in {took:.0f} s: {shown}; {len(failing)} broke a rule")  # noqa: T201 - a program
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())

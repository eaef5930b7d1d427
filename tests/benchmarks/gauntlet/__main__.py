"""Main: `make gauntlet` runs the traders' loops and our own exit through every scenario, and writes the page.

The figures go to docs/reference/gauntlet.jsonl, the page that is made from them beside it. The last lines are
the bars that our own exit is held to; the exit code is 1 when one is short.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.acceptance.cli.rig import PROGRAM
from tests.benchmarks.exit.figures import machine
from tests.benchmarks.gauntlet.page import FIGURES, OURS, PAGE, page_of, read

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
PROGRAMS = {
    "sequential ccxt": (sys.executable, str(EXAMPLES / "sequential_ccxt.py")),
    "gathered ccxt": (sys.executable, str(EXAMPLES / "gathered_ccxt.py")),
    OURS: (PROGRAM, "exit", "--now", "--json", "--standalone"),
}
KEPT = (
    "scenario",
    "venue",
    "best",
    "flat",
    "claimed_flat",
    "falsely_flat",
    "grown",
    "orders_left",
    "unsafe",
    "reached_best",
    "requests",
    "requests_while_banned",
    "time_ms",
    "first_request_ms",
    "flat_after_ms",
    "open_dollar_seconds",
    "timed_out",
    "said",
)


def main() -> int:
    """Run, write, and return 1 when a bar is short."""
    parser = argparse.ArgumentParser(prog="make gauntlet ARGS=...", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--by-turns", action="store_true", help="each scenario at one venue only")
    parser.add_argument("--only", choices=sorted(PROGRAMS), help="this program alone; writes no page")
    parser.add_argument(
        "--page", action="store_true", help="write the page anew from the figures; run nothing"
    )
    given = parser.parse_args()
    if given.page:
        PAGE.write_text(page_of(read()), encoding="utf-8")
        return 0
    head = {**machine(), "seed": given.seed, "jobs": given.jobs, "by_turns": given.by_turns}
    rows: list[dict[str, Any]] = [head]
    for name in [given.only] if given.only else PROGRAMS:
        rows += [{"program": name, **run} for run in runs_of(name, given)]
    if not given.only:
        lines = [json.dumps(row) for row in rows]
        FIGURES.write_text("\n".join([*lines, ""]), encoding="utf-8")
        PAGE.write_text(page_of(read()), encoding="utf-8")
    ours = [row for row in rows if row.get("program") == OURS]
    return bars(ours) if ours else 0


def runs_of(name: str, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Run one program through the scenarios, show how it went, and return its runs."""
    arguments = ["--json", "--seed", str(given.seed), "--jobs", str(given.jobs)]
    turns = ["--by-turns"] if given.by_turns else []
    done = subprocess.run(
        [PROGRAM, "gauntlet", *arguments, *turns, "--", *PROGRAMS[name]],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode not in {0, 12}:
        raise SystemExit(f"{name}: {done.stdout}")
    document = json.loads(done.stdout)
    sys.stdout.write(f"{name}: {document['summary']}\n")
    sys.stdout.flush()
    for run in document["runs"]:
        if not run["reached_best"] and name == OURS:
            sys.stdout.write(f"  short of the best: {run['replay']}\n{run['last_words'][-600:]}\n")
    return [{field: run[field] for field in KEPT} for run in document["runs"]]


def bars(ours: list[dict[str, Any]]) -> int:
    """Write what our own exit is held to, and return 1 when a bar is short."""
    found = {
        "gauntlet_false_flat": sum(run["falsely_flat"] for run in ours),
        "gauntlet_flipped_or_opened": sum(run["grown"] > 0 for run in ours),
        "gauntlet_flat_with_orders_left": sum(run["claimed_flat"] and run["orders_left"] > 0 for run in ours),
        "gauntlet_short_of_the_best": sum(not run["reached_best"] for run in ours),
        "gauntlet_stopped_at_the_deadline": sum(run["timed_out"] for run in ours),
    }
    for name, value in found.items():
        sys.stdout.write(f"bar {name} {value} <=0 {'ok' if value == 0 else 'short'}\n")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

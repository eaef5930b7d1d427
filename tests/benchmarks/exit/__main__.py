"""How fast an exit is, against what the venues and the wire allow in the same run.

Each row runs in a process of its own; one that fails says so, and its bars are short. The last lines are the
bars. Exit code 1 when one is short.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.benchmarks.exit.bars import GRID_ROWS, ROWS, Row
from tests.benchmarks.exit.figures import bar_line, machine, percentile, synced
from tests.benchmarks.exit.figures import median as middle

RUNS = 200
QUICK_RUNS = 5
MINUTES = 20.0
GRACE_S = 600.0
SYNCS = 200


def main() -> int:
    """Run the chosen rows; return 1 when a bar is short."""
    given = _parser().parse_args()
    all_rows = GRID_ROWS if given.grid else ROWS
    names = [name for name in given.rows.replace(",", " ").split() if name]
    unknown = [name for name in names if name not in all_rows]
    if unknown:
        sys.stderr.write(f"No row is called {', '.join(unknown)}. There are: {', '.join(all_rows)}.\n")
        return 2
    rows = [all_rows[name] for name in names or all_rows]
    begun = time.monotonic()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text("", encoding="utf-8")
    _begin(given.out, given.state)
    whole_s = sum(row.seconds for row in all_rows.values())
    waiting = []
    with ThreadPoolExecutor() as beside:
        for row in rows:
            seconds = given.minutes * 60 * row.seconds / whole_s
            if row.patient:
                waiting.append(beside.submit(_row, row, given, seconds))
            else:
                _row(row, given, seconds)
    for done in waiting:
        done.result()
    bars = [line for line in _lines(given.out) if "bar" in line]
    minutes = (time.monotonic() - begun) / 60
    sys.stdout.write(f"{minutes:.1f} minutes; the figures stand in {given.out}.\n")
    for line in bars:
        sys.stdout.write(bar_line(line) + "\n")
    return 0 if all(line["ok"] for line in bars) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rows", default="", help=f"these rows alone, of {', '.join(ROWS)}")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"most runs a figure (default {RUNS})")
    parser.add_argument(
        "--minutes",
        type=float,
        default=MINUTES,
        help=f"time for all rows, each has its share (default {MINUTES:g}; 0: all runs)",
    )
    parser.add_argument("--grid", action="store_true", help="positions by venues by round trips instead")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} runs a figure, to develop by")
    parser.add_argument("--out", type=Path, default=Path("build/bench/exit.jsonl"), help="the figures' file")
    parser.add_argument(
        "--state", type=Path, help="where the desk keeps its files (default: a temporary folder)"
    )
    parser.add_argument("--flame", action="store_true", help="a flame graph of our own runs, row by row")
    parser.add_argument("--profile", action="store_true", help="a cProfile of our own runs, row by row")
    return parser


def _begin(out: Path, state: Path | None) -> None:
    sync_ms = synced(state, times=SYNCS)
    told = {"p50": round(middle(sync_ms), 2), "p99": round(percentile(sync_ms, 0.99), 2)}
    line = {"figure": "machine", **machine(), "fdatasync_ms": told}
    sys.stdout.write("machine: " + "  ".join(f"{key} {value}" for key, value in line.items()) + "\n")
    _keep(out, [line])


def _row(row: Row, given: argparse.Namespace, seconds: float) -> None:
    """Run one row in a process of its own, and keep its lines, a missing bar as a short one."""
    name = row.name
    log = given.out.parent / f"{name}.log"
    with (
        tempfile.TemporaryDirectory(prefix="bench-row-") as folder,
        log.open("w", encoding="utf-8") as errors,
    ):
        lines = Path(folder) / "lines.jsonl"
        command = [sys.executable, "-m", "tests.benchmarks.exit.row", name, "--out", str(lines)]
        command += ["--runs", str(QUICK_RUNS if given.quick else given.runs), "--seconds", f"{seconds:.0f}"]
        command += ["--state", str(given.state)] if given.state else []
        command += ["--flame", str(given.out.parent / f"{name}.svg")] if given.flame else []
        command += ["--profile", str(given.out.parent / f"{name}.prof")] if given.profile else []
        why = _run(command, errors, seconds * 3 + GRACE_S if seconds else None)
        found = _lines(lines) if lines.exists() else []
    if why:
        why = f"{why}; see {log}"
        sys.stdout.write(f"{name}: FAILED: {why}\n")
        found.append({"figure": name, "failed": why})
    _keep(given.out, found + missing(row, found, why or "the row told no figure"))


def missing(row: Row, found: Sequence[Mapping[str, Any]], why: str) -> list[dict[str, Any]]:
    """Return a short bar, without a value, for each of the row's bars that nothing was found for."""
    told = {line.get("bar") for line in found}
    return [
        {"bar": bar.name, "value": None, "limit": bar.limit, "ok": False, "why": why}
        for bar in row.bars
        if bar.name not in told
    ]


def _run(command: Sequence[str], errors: Any, limit_s: float | None) -> str:  # noqa: ANN401 - a text file
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=errors)
    try:
        code = process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()
        return f"it was not done after {limit_s:.0f} s"
    return f"it ended with exit code {code}" if code else ""


def _keep(out: Path, lines: Sequence[dict[str, Any]]) -> None:
    with out.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    sys.exit(main())

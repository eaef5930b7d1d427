"""Page: docs/reference/speed.md and the figures in README.md, written from a benchmark's output file.

python -m tests.benchmarks.exit.page build/bench/exit.jsonl docs/reference/speed.md README.md
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.exit.bars import GRID, ROWS

BEGIN, END = "<!-- speed: written by `make bench-page` -->", "<!-- /speed -->"
RUNS_WANTED = 200
HIDDEN = {"figure", "runs", "load_1m", "parts_p50_ms"}
HEAD = """# Speed

Written by `make bench-page` from the output of `make bench`; nothing here is typed by hand. Paper venues
run in processes of their own, with a round trip of 50 ms; every position carries a stop and a take-profit,
and ten entries rest beside them. The bound is what a null client needs in the same run: it replays signed
bytes on warm sockets, within the venues' published limits. A bar that is not met says so, and one whose row
did not end has no figure. What each row is, and is not:
[decision 38](../decisions/0038-every-bar-a-row.md).
"""
SHOWN = (
    "warm20_fill_ratio_p50",
    "warm20_verdict_ratio_p50",
    "ccxt_loop20_fill_ratio_p50",
    "nautilus20_fill_ratio_p50",
    "press_unix_socket_ms_p99",
    "cold_cpu_s_p50",
)

Rows = Sequence[Mapping[str, Any]]


def page(rows: Rows, grid: Rows = ()) -> str:
    """Return the page of a benchmark's rows, with the grid's where it was run."""
    parts = [HEAD, *_machine(rows), "", *_bars(rows), "", *_figures(rows), "", *_parts(rows), ""]
    if grid:
        parts += [*_grid(grid), ""]
    return "\n".join(parts)


def excerpt(rows: Rows) -> str:
    """Return the block of the README: a few bars, short ones as well, with the machine and the date."""
    told = _row(rows, "machine")
    lines = [BEGIN, "| speed | measured | bar | |", "|---|---|---|---|"]
    lines += [_bar(row) for row in rows if row.get("bar") in SHOWN]
    lines += [
        "",
        f"{told['date'][:10]}, {told['cores']} cores ({told['processor']}), Python {told['python']}.",
        "All figures: [speed](docs/reference/speed.md).",
        END,
    ]
    return "\n".join(lines)


def put(text: str, block: str) -> str:
    """Return a document with the block between its marks; raises `ValueError` where they are missing."""
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise ValueError(f"The document has no place for the figures: {BEGIN} ... {END}.")
    return before + block + after


def _row(rows: Rows, figure: str) -> Mapping[str, Any]:
    return next((row for row in rows if row.get("figure") == figure), {})


def _machine(rows: Rows) -> Iterator[str]:
    told = _row(rows, "machine")
    sync = told["fdatasync_ms"]
    yield (
        f"Measured {told['date']} on {told['cores']} cores ({told['processor']}), {told['system']}, Python"
        f" {told['python']}."
    )
    yield (
        f"The machine's load was {told['load_1m']} at the beginning; one fdatasync took {sync['p50']} ms"
        f" (p50), {sync['p99']} ms (p99)."
    )


def _bars(rows: Rows) -> Iterator[str]:
    yield "| what | measured | bar | |"
    yield "|---|---|---|---|"
    for row in rows:
        if "bar" in row:
            yield _bar(row)


def _bar(row: Mapping[str, Any]) -> str:
    names = {bar.name: bar.what for known in ROWS.values() for bar in known.bars}
    value = "none" if row["value"] is None else f"{row['value']:g}"
    met = "ok" if row["ok"] else "**short**"
    floor = f" by the null client's floor; {row['asked']:g} is asked" if "asked" in row else ""
    return f"| {names.get(row['bar'], row['bar'])} | {value} | <= {row['limit']:g}{floor} | {met} |"


def _figures(rows: Rows) -> Iterator[str]:
    yield "## Figures"
    yield ""
    yield f"Fewer than {RUNS_WANTED} runs are marked: their p99 says little."
    yield ""
    for name in ROWS:
        row = _row(rows, name)
        if "failed" in row:
            yield f"- {name}: it failed: {row['failed']}."
        elif row:
            few = " (few)" if row["runs"] < RUNS_WANTED else ""
            told = "; ".join(f"{_words(key)} {_text(row[key])}" for key in row if key not in HIDDEN)
            load = f", load {row['load_1m']:g}" if "load_1m" in row else ""
            yield f"- {name}: {row['runs']} runs{few}{load}: {told}"


def _parts(rows: Rows) -> Iterator[str]:
    yield "## Where the time went"
    yield ""
    yield "Milliseconds from the press, p50."
    yield ""
    for row in rows:
        parts = row.get("parts_p50_ms")
        if parts:
            yield f"- {row['figure']}: " + ", ".join(
                f"{_words(key)} {value:g}" for key, value in parts.items()
            )


def _grid(rows: Rows) -> Iterator[str]:
    told = _row(rows, "machine")
    yield "## The grid"
    yield ""
    yield f"Milliseconds, p50, measured {told['date']}, load {told['load_1m']}."
    yield ""
    yield "| positions | venues | round trip, ms | runs | last fill | / bound | verdict | / bound |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, (count, venues, round_trip_ms) in GRID.items():
        row = _row(rows, name)
        if "failed" in row:
            yield f"| {count} | {venues} | {round_trip_ms} | it failed | | | | |"
        elif row:
            yield (
                f"| {count} | {venues} | {round_trip_ms} | {row['runs']} | {row['fill_ms']['p50']:g} |"
                f" {row['fill_ratio']:g} | {row['verdict_ms']['p50']:g} | {row['verdict_ratio']:g} |"
            )


def _words(key: str) -> str:
    return key.replace("_", " ")


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(str(key))} {_text(item)}" for key, item in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main() -> int:
    """Write the page; return 1 when the output file holds no figures."""
    parser = argparse.ArgumentParser(prog="make bench-page", description=__doc__)
    parser.add_argument("figures", type=Path)
    parser.add_argument("page", type=Path)
    parser.add_argument("readme", type=Path, nargs="?")
    given = parser.parse_args()
    rows = _lines(given.figures) if given.figures.exists() else []
    if not any("bar" in row for row in rows):
        sys.stderr.write(f"{given.figures} holds no figures; run `make bench` first.\n")
        return 1
    grid = given.figures.with_name("grid.jsonl")
    given.page.write_text(page(rows, _lines(grid) if grid.exists() else ()), encoding="utf-8")
    if given.readme is not None:
        text = given.readme.read_text(encoding="utf-8")
        given.readme.write_text(put(text, excerpt(rows)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

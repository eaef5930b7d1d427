"""Page: docs/reference/gauntlet.md, made from the figures of the runs and from the scenarios themselves."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bastion.gauntlet.rows import ROWS
from bastion.gauntlet.tongue import VENUES

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference"
FIGURES, PAGE = REFERENCE / "gauntlet.jsonl", REFERENCE / "gauntlet.md"
OURS = "bastion exit"
_HEAD = Path(__file__).with_name("head.md")


def read() -> list[dict[str, Any]]:
    """Return the figures: first what they were measured on, then the runs."""
    return [json.loads(line) for line in FIGURES.read_text(encoding="utf-8").splitlines()]


def page_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the page's text."""
    head, runs = rows[0], rows[1:]
    programs = list(dict.fromkeys(run["program"] for run in runs))
    where = (
        "each scenario at one venue, by turns" if head["by_turns"] else "each scenario at every venue it can"
    )
    measured = (
        f"Measured {head['date'][:10]} on {head['processor']}, {head['cores']} cores, "
        f"Python {head['python']}, {head['jobs']} at a time, load {head['load_1m']}; seed {head['seed']}; "
        f"{where}. Times are from the start of the program's process, with all that it loads."
    )
    lines = [
        _HEAD.read_text(encoding="utf-8"),
        "## Figures\n",
        f"{measured}\n",
        *_summary(programs, runs),
        "",
        *_by_scenario(programs, runs),
    ]
    return "\n".join([*lines, "", *_scenarios(), ""])


def _summary(programs: Sequence[str], runs: Sequence[Mapping[str, Any]]) -> list[str]:
    words = (
        "program",
        "runs",
        "flat",
        "falsely flat",
        "flipped or opened",
        "said flat with orders left",
        "best",
        "requests",
        "middle time",
        "open dollar-seconds",
    )
    lines = [f"| {' | '.join(words)} |", f"|{'---|' * len(words)}"]
    for program in programs:
        mine = [run for run in runs if run["program"] == program]
        left = sum(run["claimed_flat"] and run["orders_left"] > 0 for run in mine)
        cells = [
            program,
            len(mine),
            sum(run["flat"] for run in mine),
            sum(run["falsely_flat"] for run in mine),
            sum(run["grown"] > 0 for run in mine),
            left,
            sum(run["reached_best"] for run in mine),
            sum(run["requests"] for run in mine),
            f"{median(run['time_ms'] for run in mine) / 1_000:.1f} s",
            f"{sum(run['open_dollar_seconds'] for run in mine):,.0f}",
        ]
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return lines


def _by_scenario(programs: Sequence[str], runs: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "Of so many runs so many came to the best; what else was seen stands beside it.\n",
        f"| scenario | {' | '.join(programs)} |",
        f"|---|{'---|' * len(programs)}",
    ]
    for row in ROWS:
        cells = [
            _cell([run for run in runs if (run["program"], run["scenario"]) == (program, row.name)])
            for program in programs
        ]
        lines.append(f"| `{row.name}` | {' | '.join(cells)} |")
    return lines


def _cell(runs: Sequence[Mapping[str, Any]]) -> str:
    if not runs:
        return "not run"
    words = [f"{sum(run['reached_best'] for run in runs)} of {len(runs)}"]
    seen = {
        "falsely flat": sum(run["falsely_flat"] for run in runs),
        "flipped or opened": sum(run["grown"] > 0 for run in runs),
        "said flat with orders left": sum(run["claimed_flat"] and run["orders_left"] > 0 for run in runs),
    }
    words += [f"**{count} {word}**" for word, count in seen.items() if count]
    open_still = sum(not run["flat"] and not run["falsely_flat"] and not run["reached_best"] for run in runs)
    return ", ".join([*words, *([f"{open_still} not closed"] if open_still else [])])


def _scenarios() -> list[str]:
    lines = ["## The scenarios\n", "| scenario | what happens | where |", "|---|---|---|"]
    for row in ROWS:
        where = "everywhere" if row.venues == VENUES else ", ".join(row.venues)
        lines.append(f"| `{row.name}` | {row.told} | {where} |")
    return lines

"""Page: writes docs/reference/simulation.md from what the sweeps kept: `python -m tests.simulation.page`."""

import sys
from pathlib import Path
from statistics import median

from tests.simulation.exits.aims import FAULT_HITS
from tests.simulation.exits.cells import FAULTS, applicable, left_out
from tests.simulation.exits.deeper import deeper
from tests.simulation.exits.sweep import GOAL_SEEDS, HITS, fault_hits
from tests.simulation.kept import DEPTH_A, DEPTH_B, Kept

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "simulation.md"
GOAL_B = 20_000

HEAD = """# What is simulated, and how far

This page is written by `python -m tests.simulation.page` from what the sweeps kept (`make simulate N=...
KEEP=1`, and DEPTH=b for depth (b)). Nothing in it is typed by hand. A run counts although later commits
follow; it says on which one it ran.

One seed is one world: venues with their holdings and orders, faults that strike while they are sick, a
journal that fails or dawdles, a machine that loses power, a second operator. Time is virtual. At depth (a)
the real executor, planner, resolver and spool run against venues behind the Venue port; at depth (b) the
real adapters too, on the paper exchange's wires. At each step the invariants are checked, and in the end
that a world which healed is flat in time: 16 virtual seconds after the last fault of a venue, and its lag.

A cell is one fault striking in one phase of the executor, on one venue in one position mode. Each world is
aimed at one cell a venue, beside what it draws by chance: in turn up to seed 8799, then at the third of the
rare cells that all runs had hit least, and from seed 204000 on at the faults hit least. It counts once for
each cell that it hit.
"""
DRAWN = 4000
"""So many worlds, the first ones, are drawn anew to say how much is in one."""


def page() -> str:
    """Return the page."""
    kept = Kept.load(DEPTH_A)
    return "\n".join([HEAD, *_depth_a(kept), *_runs(kept), *_cells(kept), *_left_out(), *_depth_b()]) + "\n"


def _depth_a(kept: Kept) -> list[str]:
    tally = kept.tally
    rare = sum(tally.cells[cell] < HITS for cell in applicable())
    met = sum(tally.cells[cell] > 0 for cell in applicable())
    seldom = sum(fault_hits(kept.tally, fault) < FAULT_HITS for fault in FAULTS)
    known = set(applicable())
    alien = sorted(cell for cell in tally.cells if cell not in known)
    strange = "; ".join(f"{', '.join(cell)}: {tally.cells[cell]}" for cell in alien) or "none"
    return [
        "## Depth (a), all runs together",
        "",
        "| what | so far | goal |",
        "|---|---|---|",
        f"| worlds | {tally.worlds:,} | {GOAL_SEEDS:,} |",
        f"| worlds that break a rule | {len(tally.broken)} | 0 |",
        f"| worlds with several acts at once, beside them | {tally.medleys:,} | |",
        f"| requests to venues | {tally.calls:,} | |",
        *_medians(),
        f"| cells that apply | {len(applicable()):,} | |",
        f"| of these hit at all | {met:,} | {len(applicable()):,} |",
        f"| hit less than {HITS} times | {rare:,} | 0 |",
        f"| faults hit less than {FAULT_HITS:,} times | {seldom:,} | 0 |",
        "",
        f"Broken rules: {_told(tally.broken)}.",
        "",
        f"Broken when they ran, and no more: {_told(kept.mended)}.",
        "",
        f"Hit, though said to be no cell: {strange}.",
        "",
        "| verdict | worlds |",
        "|---|---|",
        *(f"| {name} | {count:,} |" for name, count in sorted(tally.verdicts.items())),
        "",
        "| order | sent |",
        "|---|---|",
        *(f"| {name} | {count:,} |" for name, count in sorted(tally.rungs.items())),
        "",
    ]


def _medians() -> list[str]:
    worlds = [deeper(seed) for seed in range(DRAWN)]
    each: dict[str, tuple[list[int], int]] = {
        "venues": ([len(world.venues) for world in worlds], 3),
        "positions": ([sum(len(venue.holdings) for venue in world.venues) for world in worlds], 8),
        "faults drawn": ([sum(venue.faults for venue in world.venues) for world in worlds], 3),
    }
    return [
        f"| {name} in a world, median | {median(counts):g} | {goal} |"
        for name, (counts, goal) in each.items()
    ]


def _cells(kept: Kept) -> list[str]:
    lines = [
        "## The mix: each fault",
        "",
        "| fault | cells that apply | worlds x cells hit | least hits of a cell |",
        "|---|---|---|---|",
    ]
    for fault in FAULTS:
        cells = [cell for cell in applicable() if cell[0] == fault]
        hits = [kept.tally.cells[cell] for cell in cells]
        lines.append(
            f"| {fault} | {len(cells)} | {fault_hits(kept.tally, fault):,} | {min(hits, default=0):,} |"
        )
    return [*lines, ""]


def _left_out() -> list[str]:
    lines = ["## Combinations that are no cells", ""]
    lines.extend(f"- {number}: {reason}." for reason, number in left_out())
    return [*lines, ""]


def _runs(kept: Kept) -> list[str]:
    lines = [
        "The runs:",
        "",
        "| date | seeds | seconds | processes | machine | commit | digest |",
        "|---|---|---|---|---|---|---|",
    ]
    for run in kept.runs:
        seeds = f"{run.first} to {run.first + run.count - 1}"
        state = run.commit or "not noted"
        told = (run.date, seeds, f"{run.seconds:,}", str(run.processes), run.machine, state, run.digest[:16])
        lines.append(f"| {' | '.join(told)} |")
    return [*lines, ""]


def _depth_b() -> list[str]:
    kept = Kept.load(DEPTH_B)
    tally = kept.tally
    often = sum(count >= HITS for count in tally.cells.values())
    return [
        "## Depth (b)",
        "",
        "| what | so far | goal |",
        "|---|---|---|",
        f"| worlds | {tally.worlds:,} | {GOAL_B:,} |",
        f"| worlds that break a rule | {len(tally.broken)} | 0 |",
        f"| requests over the wires | {tally.calls:,} | |",
        f"| cells hit | {len(tally.cells):,} | |",
        f"| of these at least {HITS} times | {often:,} | |",
        *(f"| verdict {name} | {count:,} | |" for name, count in sorted(tally.verdicts.items())),
        "",
        f"Broken rules: {_told(tally.broken)}.",
        "",
        f"Broken when they ran, and no more: {_told(kept.mended)}.",
        "",
        *_runs(kept),
    ]


def _told(broken: dict[int, str]) -> str:
    return "; ".join(f"seed {seed}: {text}" for seed, text in sorted(broken.items())) or "none"


def main() -> int:
    """Write the page."""
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Sweep: many worlds over processes, in the order of their seeds, summed up."""

import gc
import hashlib
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.simulation.exits.aims import FAULT_HITS
from tests.simulation.exits.arena import simulate
from tests.simulation.exits.cells import FAULTS, Cell, applicable, left_out
from tests.simulation.exits.deeper import deeper
from tests.simulation.exits.medley import simulate_acts

CHUNK = 20
PART = 400
"""So many worlds are summed up before they are handed on, so that a sweep that is broken off loses few."""

ACTS_EACH = 10
"""With each tenth world comes one in which several act at once; it has no cells of its own."""

HITS = 100
GOAL_SEEDS = 200_000


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came of worlds: each counts once for each cell that it hit."""

    first: int = 0
    worlds: int = 0
    medleys: int = 0
    calls: int = 0
    seconds: float = 0.0
    digest: str = ""
    verdicts: Counter[str] = field(default_factory=Counter)
    rungs: Counter[str] = field(default_factory=Counter)
    cells: Counter[Cell] = field(default_factory=Counter)
    broken: dict[int, str] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Add the worlds that came after these."""
        self.worlds += other.worlds
        self.medleys += other.medleys
        self.calls += other.calls
        self.seconds += other.seconds
        self.digest = hashlib.sha256(f"{self.digest}{other.digest}".encode()).hexdigest()
        self.verdicts.update(other.verdicts)
        self.rungs.update(other.rungs)
        self.cells.update(other.cells)
        self.broken |= other.broken


def run_chunk(first: int, last: int) -> Tally:
    """Run the worlds of one chunk."""
    tally = Tally(first=first)
    chain = hashlib.sha256()
    # A world's garbage is swept up after the chunk: during it, that takes a tenth of the time.
    gc.disable()
    began = time.monotonic()
    for seed in range(first, last):
        result = simulate(seed, world=deeper(seed))
        verdict = result.report.verdict if result.report is not None else None
        tally.worlds += 1
        tally.calls += result.calls
        tally.verdicts[verdict.value if verdict is not None else "none"] += 1
        tally.rungs.update(result.rungs)
        tally.cells.update(result.cells)
        chain.update(result.digest.encode())
        if result.violations:
            tally.broken[seed] = result.violations[0]
        if seed % ACTS_EACH == 0:
            acts = simulate_acts(seed)
            tally.medleys += 1
            if acts.violations:
                tally.broken[seed] = f"several acts: {acts.violations[0]}"
    tally.seconds = time.monotonic() - began
    tally.digest = chain.hexdigest()
    gc.enable()
    gc.collect()
    return tally


def breaks(seed: int) -> str:
    """Return what the world of a seed, and the one with several acts beside it, breaks; nothing is best."""
    tally = run_chunk(seed, seed + 1)
    return tally.broken.get(seed, "")


def sweep(first: int, count: int, processes: int, *, until: float | None = None) -> Iterator[Tally]:
    """Run the worlds, and hand them on in parts; `until` is a monotonic time after which no part begins."""
    done = broken = 0
    with ProcessPoolExecutor(max_workers=processes) as pool:
        for begin in range(first, first + count, PART):
            if until is not None and time.monotonic() >= until:
                return
            end = min(begin + PART, first + count)
            starts = range(begin, end, CHUNK)
            part = Tally(first=begin)
            started = time.monotonic()
            for one in pool.map(run_chunk, starts, [min(start + CHUNK, end) for start in starts]):
                part.add(one)
                done += one.worlds
                broken += len(one.broken)
                for seed, violation in one.broken.items():
                    print(f"\nseed {seed}: {violation}")  # noqa: T201 - a program
                    print(f"  replay: python -m tests.simulation.exits --seed {seed}")  # noqa: T201 - a program
                sys.stderr.write(f"\r{done} of {count} worlds, {broken} broken")
                sys.stderr.flush()
            part.seconds = time.monotonic() - started
            yield part


def bars(tally: Tally) -> tuple[list[str], bool]:
    """Return what is to be said of the cells and the bars, and whether none is short."""
    cells = applicable()
    known = set(cells)
    rare = [cell for cell in cells if tally.cells[cell] < HITS]
    strange = [cell for cell in tally.cells if cell not in known]
    lines = [f"{len(cells)} cells apply; {len(cells) - len(rare)} were hit at least {HITS} times"]
    lines.extend(f"{number} combinations are none: {reason}" for reason, number in left_out())
    lines.extend(f"hit {tally.cells[cell]} times: {' | '.join(cell)}" for cell in rare[:20])
    if len(rare) > 20:
        lines.append(f"... and {len(rare) - 20} more cells that were hit less than {HITS} times")
    lines.extend(f"hit though it cannot apply: {' | '.join(cell)}" for cell in strange)
    seldom = [fault for fault in FAULTS if fault_hits(tally, fault) < FAULT_HITS]
    lines.extend(f"hit {fault_hits(tally, fault)} times in all: {fault}" for fault in seldom)
    checks = (
        ("sim_worlds_broken", len(tally.broken), "<=0", not tally.broken),
        ("sim_cells_strange", len(strange), "<=0", not strange),
        ("sim_cells_rare", len(rare), "<=0", not rare),
        ("sim_faults_rare", len(seldom), "<=0", not seldom),
        ("sim_worlds", tally.worlds, f">={GOAL_SEEDS}", tally.worlds >= GOAL_SEEDS),
    )
    lines.extend(
        f"bar {name} {value} {limit} {'ok' if good else 'short'}" for name, value, limit, good in checks
    )
    return lines, all(good for *_, good in checks)


def fault_hits(tally: Tally, fault: str) -> int:
    """Return how often all cells of a fault were hit."""
    return sum(tally.cells[cell] for cell in applicable() if cell[0] == fault)


def shown(counts: Counter[str]) -> str:
    """Return counts as text."""
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))

"""Kept: the outcome of every sweep so far, from which the reference page is written."""

import datetime as dt
import json
import os
import platform
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.simulation.exits.sweep import Tally

HERE = Path(__file__).parent / "kept"
ROOT = Path(__file__).parents[2]
DEPTH_A = HERE / "depth_a.json"
DEPTH_B = HERE / "depth_b.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Worlds of consecutive seeds that ran together: when, where, on what, and the digest of what they did.

    `commit` is the state of the tree; a plus sign says that it was changed, beside what the sweep keeps.
    """

    first: int
    count: int
    seconds: int
    processes: int
    machine: str
    date: str
    digest: str
    commit: str = ""


def commit() -> str:
    """Return the commit that is checked out; nothing where there is none."""
    if not (ROOT / ".git").exists():
        return ""
    head = _git("rev-parse", "--short=10", "HEAD")
    changed = _git("status", "--porcelain", "--", ".", f":!{HERE.relative_to(ROOT)}", ":!docs")
    return head + ("+" if changed else "")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def machine() -> str:
    """Return what the worlds ran on, without its name."""
    return f"{os.cpu_count()} x {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


@dataclass(slots=True, kw_only=True)
class Kept:
    """All runs kept, and their sum; `mended` are worlds that broke a rule when they ran, and none since."""

    runs: list[Run] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    mended: dict[int, str] = field(default_factory=dict)

    @property
    def next_seed(self) -> int:
        """The first seed that no run has had."""
        return max((run.first + run.count for run in self.runs), default=0)

    @classmethod
    def load(cls, path: Path) -> "Kept":
        """Return what a file keeps; nothing where there is none yet."""
        kept = cls()
        if not path.exists():
            return kept
        raw = json.loads(path.read_text())
        kept.runs = [Run(**run) for run in raw["runs"]]
        tally = kept.tally
        tally.worlds, tally.medleys, tally.calls = raw["worlds"], raw["medleys"], raw["calls"]
        tally.digest, tally.seconds = raw["digest"], float(raw["seconds"])
        tally.verdicts, tally.rungs = Counter(raw["verdicts"]), Counter(raw["rungs"])
        for name, hits in raw["cells"].items():
            fault, phase, venue, mode = name.split(" | ")
            tally.cells[(fault, phase, venue, mode)] = hits
        tally.broken = {int(seed): text for seed, text in raw["broken"].items()}
        kept.mended = {int(seed): text for seed, text in raw.get("mended", {}).items()}
        return kept

    def add(self, part: Tally, run: Run) -> None:
        """Add a run; one that goes on where the last of the same day and machine ended becomes part of it."""
        self.tally.add(part)
        last = self.runs[-1] if self.runs else None
        if (
            last is not None
            and last.first + last.count == run.first
            and (last.date, last.machine, last.processes, last.commit)
            == (run.date, run.machine, run.processes, run.commit)
        ):
            self.runs[-1] = Run(
                first=last.first,
                count=last.count + run.count,
                seconds=last.seconds + run.seconds,
                processes=run.processes,
                machine=run.machine,
                date=run.date,
                digest=self.tally.digest,
                commit=run.commit,
            )
            return
        self.runs.append(run)

    def again(self, breaks: Callable[[int], str]) -> None:
        """Run anew what ever broke a rule: what breaks none now is mended, what does again is broken."""
        once = self.mended | self.tally.broken
        self.mended, self.tally.broken = {}, {}
        for seed in sorted(once):
            now = breaks(seed)
            if now:
                self.tally.broken[seed] = now
            else:
                self.mended[seed] = once[seed]
            print(f"seed {seed}: {now or 'mended'}")  # noqa: T201 - for programs

    def save(self, path: Path) -> None:
        """Write the file anew, whole or not at all."""
        tally = self.tally
        raw = {
            "runs": [asdict(run) for run in self.runs],
            "worlds": tally.worlds,
            "medleys": tally.medleys,
            "calls": tally.calls,
            "seconds": round(tally.seconds),
            "digest": tally.digest,
            "verdicts": dict(sorted(tally.verdicts.items())),
            "rungs": dict(sorted(tally.rungs.items())),
            "cells": {" | ".join(cell): hits for cell, hits in sorted(tally.cells.items())},
            "broken": {str(seed): text for seed, text in sorted(tally.broken.items())},
            "mended": {str(seed): text for seed, text in sorted(self.mended.items())},
        }
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(raw, indent=1) + "\n")
        fresh.replace(path)


def today() -> str:
    """Return the date of a sweep."""
    return dt.datetime.now(dt.UTC).date().isoformat()

"""Figures: what a run measured, as JSON lines with the machine beside them, and the bars they are held to."""

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.exit.bars import ROWS

BARS = {bar.name: bar for row in ROWS.values() for bar in row.bars}


def percentile(sample: Sequence[float], share: float) -> float:
    """Return the value at that share of the ranked sample."""
    ranked = sorted(sample)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def median(sample: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(sample)


def machine() -> dict[str, Any]:
    """Return what the figures were measured on, and when."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "python": platform.python_version(),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def synced(folder: Path | None, *, times: int = 100) -> list[float]:
    """Return the milliseconds that appends of a record's size took to be on the disk, one after the other."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            begun_ns = time.monotonic_ns()
            os.write(file.fileno(), b"x" * 4096)
            os.fdatasync(file.fileno())
            taken.append((time.monotonic_ns() - begun_ns) / 1e6)
    return taken


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


class Book:
    """Takes a row's figures and bars: shows the former, and writes both to a file of JSON lines."""

    def __init__(self, path: Path, *, sync_ms: Sequence[float] = ()) -> None:
        self._path = path
        self.sync_ms = list(sync_ms)
        path.parent.mkdir(parents=True, exist_ok=True)

    def note(self, name: str, values: Mapping[str, Any]) -> None:
        """Keep one row of figures and show it."""
        shown = "  ".join(f"{key} {_short(value)}" for key, value in values.items())
        sys.stdout.write(f"{name}: {shown}\n")
        sys.stdout.flush()
        self._append({"figure": name, **values})

    def bar(self, name: str, value: float, *, floor: float = 0.0) -> None:
        """Keep a value that is held to the bar of that name, or to its floor where that is higher.

        The floor is what a null client's figure of the same run allows; the line then tells both.
        """
        bar = BARS[name]
        asked = bar.limit + (percentile(self.sync_ms, 0.99) if bar.synced else 0.0)
        limit = max(asked, floor)
        line = {"bar": name, "value": round(value, 3), "limit": round(limit, 3), "ok": value <= limit}
        self._append(line | ({"asked": round(asked, 3)} if limit > asked else {}))

    def _append(self, line: Mapping[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def told(sample: Sequence[float], digits: int = 1) -> dict[str, float]:
    """Return the median and the 99th percentile of a sample, to be shown."""
    return {"p50": round(median(sample), digits), "p99": round(percentile(sample, 0.99), digits)}


def ratio(ours: Sequence[float], others: Sequence[float]) -> float:
    """Return the median over pairs that ran one after the other: a slow spell hits both alike."""
    return median([mine / theirs for mine, theirs in zip(ours, others, strict=True)])


def bar_line(row: Mapping[str, Any]) -> str:
    """Return the line of one bar as it closes a run."""
    value = "none" if row["value"] is None else f"{row['value']:.3f}"
    floor = f" (the null client's floor; {row['asked']:g} is asked)" if "asked" in row else ""
    return f"bar {row['bar']} {value} <={row['limit']:g} {'ok' if row['ok'] else 'short'}{floor}"


def _short(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)

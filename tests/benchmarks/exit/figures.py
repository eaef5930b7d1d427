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
    """Collects a run's figures and bars; writes the former to a file of JSON lines as they come."""

    def __init__(self, path: Path | None, *, state: Path | None = None) -> None:
        self._path = path
        self._bars: list[tuple[str, float, float]] = []
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("", encoding="utf-8")
        self.sync_ms = synced(state)
        told = {"p50": round(median(self.sync_ms), 2), "p99": round(percentile(self.sync_ms, 0.99), 2)}
        self.note("machine", {**machine(), "fdatasync_ms": told})

    def note(self, name: str, values: Mapping[str, Any]) -> None:
        """Keep one row of figures and show it."""
        line = {"figure": name, **values}
        shown = "  ".join(f"{key} {_short(value)}" for key, value in values.items())
        sys.stdout.write(f"{name}: {shown}\n")
        sys.stdout.flush()
        self._append(line)

    def bar(self, name: str, value: float, limit: float) -> None:
        """Hold a value to its bar, to be told at the end."""
        self._bars.append((name, value, limit))
        self._append({"bar": name, "value": round(value, 3), "limit": limit, "ok": value <= limit})

    def close(self) -> bool:
        """Tell all bars, and return whether all are met."""
        for name, value, limit in self._bars:
            word = "ok" if value <= limit else "short"
            sys.stdout.write(f"bar {name} {value:.3f} <={limit:g} {word}\n")
        return all(value <= limit for _, value, limit in self._bars)

    def _append(self, line: Mapping[str, Any]) -> None:
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def _short(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def pause(seconds: float) -> None:
    """Let a moment pass between runs."""
    time.sleep(seconds)

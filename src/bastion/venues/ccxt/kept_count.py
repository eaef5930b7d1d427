"""Kept count: what the processes of one machine used of a limit that no answer of the venue tells.

Each command is a process of its own, and each would begin with the whole of a minute that the commands before
it have used already. What a process used is therefore noted on disk when it ends, by the second, and counted
by those that begin within the window. The file is read when the adapter is built, before anything is asked,
and never later. Two that end in the same moment may lose the note of one.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from bastion.ports import Clock
from bastion.venues.ccxt.shelf import replace_file
from bastion.venues.throttle import Bucket, Throttle

NS_PER_MS = 1_000_000
SECOND_MS = 1_000
VERSION = 1
WRITERS_MAX, ROWS_MAX = 64, 128
"""A file with more was not written by us."""

Rows = list[tuple[int, int]]
"""When, in UTC milliseconds, and how many units, the oldest first."""


class KeptCount:
    """The counts of some buckets of a throttle, as the processes before this one left them."""

    def __init__(self, path: Path, throttle: Throttle, clock: Clock, names: Sequence[str]) -> None:
        self._path = path
        self._throttle = throttle
        self._clock = clock
        self._names = tuple(names)
        self._who = f"{clock.now_ns()}-{id(self)}"
        self._loaded: dict[str, Counter[int]] = {name: Counter() for name in self._names}

    def load(self) -> None:
        """Count what others used within the window; a file that is missing or odd counts as nothing."""
        now_ms, now_ns = self._clock.now_ns() // NS_PER_MS, self._clock.monotonic_ns()
        for used in self._others(now_ms).values():
            for name, rows in used.items():
                bucket = self._throttle[name]
                for at_ms, units in rows:
                    used_ns = now_ns - min(now_ms - at_ms, round(bucket.window_s * SECOND_MS)) * NS_PER_MS
                    self._loaded[name][bucket.charge_past(units, used_ns=used_ns)] += units

    def save(self) -> None:
        """Note what this process used beside what others did; a full or read-only disk is no error here."""
        now_ms, now_ns = self._clock.now_ns() // NS_PER_MS, self._clock.monotonic_ns()
        own = {name: self._own(name, self._throttle[name], now_ms, now_ns) for name in self._names}
        if not any(own.values()):
            return
        kept = {
            who: {n: [*map(list, rows)] for n, rows in used.items()}
            for who, used in self._others(now_ms).items()
        }
        replace_file(self._path, {"version": VERSION, "used": {**kept, self._who: own}})

    def _own(self, name: str, bucket: Bucket, now_ms: int, now_ns: int) -> list[list[int]]:
        theirs, used = self._loaded[name].copy(), Rows()
        for used_ns, units in bucket.used():
            loaded = min(units, theirs[used_ns])
            theirs[used_ns] -= loaded
            if units > loaded:
                used.append((now_ms - (now_ns - used_ns) // NS_PER_MS, units - loaded))
        # By the second, and as of its last moment: no more than a second longer than it counts at the venue.
        seconds = groupby(used, key=lambda row: row[0] // SECOND_MS)
        return [
            [min(now_ms, second * SECOND_MS + SECOND_MS - 1), sum(units for _, units in rows)]
            for second, rows in seconds
        ]

    def _others(self, now_ms: int) -> Mapping[str, Mapping[str, Rows]]:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        used = kept.get("used") if isinstance(kept, dict) and kept.get("version") == VERSION else None
        if not isinstance(used, dict) or len(used) > WRITERS_MAX:
            return {}
        found = {who: self._rows_of(told, now_ms) for who, told in used.items() if who != self._who}
        return {who: rows for who, rows in found.items() if any(rows.values())}

    def _rows_of(self, told: object, now_ms: int) -> Mapping[str, Rows]:
        if not isinstance(told, dict):
            return {}
        return {name: _young(told.get(name), now_ms, self._throttle[name]) for name in self._names}


def _young(told: object, now_ms: int, bucket: Bucket) -> Rows:
    rows: Rows = []
    for row in told[:ROWS_MAX] if isinstance(told, list) else ():
        match row:
            case [int(at_ms), int(units)] if 0 < units <= bucket.capacity:
                if now_ms - bucket.window_s * SECOND_MS < at_ms <= now_ms:
                    rows.append((at_ms, units))
            case _:
                return []
    return sorted(rows)

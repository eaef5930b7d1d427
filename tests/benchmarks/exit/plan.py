"""Plan: how long a row may go on, where the desk keeps its files, and what is to be recorded beside."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

LEAST_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One row's orders: at most `runs` rounds, and but for the first few none begins after `ends_s`
    (monotonic).

    `state` is where the desk keeps its files (a temporary folder of the system by default); `flame` and
    `profile` name files for the stacks and the profile of our own runs.
    """

    runs: int
    ends_s: float = float("inf")
    state: Path | None = None
    flame: Path | None = None
    profile: Path | None = None

    def rounds(self, *, least: int = LEAST_ROUNDS, warm_up: bool = True) -> Iterator[int]:
        """Return the number of each round: -1, which warms up and does not count, then 0, 1, and so on."""
        if warm_up:
            yield -1
        for number in range(self.runs):
            if number >= least and time.monotonic() >= self.ends_s:
                return
            yield number

    def part(self, share: float) -> "Plan":
        """Return a plan for that share of the time that is left."""
        now_s = time.monotonic()
        return replace(self, ends_s=now_s + (self.ends_s - now_s) * share)

"""Aims: at which cells a world is aimed: first all in turn, then those hit least, then the rarest faults.

Rows are only ever added, each for the seeds from its first one on: a seed keeps its world.
"""

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from functools import cache
from math import gcd
from pathlib import Path

from tests.simulation.exits.cells import Cell, applicable

FILE = Path(__file__).parents[1] / "kept" / "aims.json"
STRIDE = 7919
EACH = 2000
"""So many seeds are aimed alike, before the cells are counted anew."""

SHARE = 3
LEAST = 60
"""A third of the cells that are not hit often enough is aimed at, and no fewer than these."""

FAULT_HITS = 10_000
"""Once all cells are hit often enough, the cells of faults hit less often than this are aimed at."""


def aim(seed: int, number: int) -> Cell:
    """Return the cell that is the aim of that number in that seed's world; aims next to each other differ."""
    cells = _cells(seed)
    return cells[number * _stride(len(cells)) % len(cells)]


def seeds_left(first: int) -> int:
    """Return how many seeds from `first` on are aimed as it is, before the cells are to be counted anew."""
    begins = [row[0] for row in _rows()]
    return EACH - (first - begins[-1]) if begins and first < begins[-1] + EACH else 0


def aim_anew(first: int, hits: Mapping[Cell, int], *, enough: int) -> None:
    """Aim the seeds from `first` on at the cells hit least, of those hit less than `enough` times.

    Where there are none, at all cells of the faults hit less than `FAULT_HITS` times; else at every cell.
    """
    every = applicable()
    counts = [hits.get(cell, 0) for cell in every]
    rare = sorted((index for index in range(len(every)) if counts[index] < enough), key=counts.__getitem__)
    sums = Counter[str]()
    for cell, count in zip(every, counts, strict=True):
        sums[cell[0]] += count
    seldom = [index for index, cell in enumerate(every) if sums[cell[0]] < FAULT_HITS]
    chosen = rare[: max(len(rare) // SHARE, LEAST)] or seldom or range(len(every))
    bits = sum(1 << index for index in chosen)
    rows = [*_rows(), (first, bits)]
    raw = {"of": len(every), "rows": [{"first": one, "cells": f"{mask:x}"} for one, mask in rows]}
    FILE.write_text(json.dumps(raw, indent=1) + "\n")
    _rows.cache_clear()
    _of_bits.cache_clear()


def _cells(seed: int) -> tuple[Cell, ...]:
    rows = _rows()
    place = bisect_right(rows, seed, key=lambda row: row[0])
    return _of_bits(rows[place - 1][1]) if place else applicable()


@cache
def _rows() -> tuple[tuple[int, int], ...]:
    if not FILE.exists():
        return ()
    raw = json.loads(FILE.read_text())
    if raw["of"] != len(applicable()):
        message = (
            f"{FILE} is of {raw['of']} cells, and there are {len(applicable())}: start it and the sweep anew"
        )
        raise ValueError(message)
    return tuple((row["first"], int(row["cells"], 16)) for row in raw["rows"])


@cache
def _of_bits(bits: int) -> tuple[Cell, ...]:
    return tuple(cell for index, cell in enumerate(applicable()) if bits >> index & 1)


@cache
def _stride(count: int) -> int:
    return next(step for step in range(STRIDE, STRIDE + count) if gcd(step, count) == 1)

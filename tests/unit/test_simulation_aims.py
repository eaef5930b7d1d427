"""Aims: a sweep that is kept looks for the cells that it hit least, and a seed keeps its world."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.exits import aims
from tests.simulation.exits.cells import applicable

HITS = 100


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(aims, "FILE", tmp_path / "aims.json")
    aims._rows.cache_clear()
    yield
    aims._rows.cache_clear()


@pytest.mark.usefixtures("elsewhere")
def test_later_seeds_are_aimed_at_what_was_hit_least_and_earlier_ones_keep_their_aims() -> None:
    every = applicable()
    before = [aims.aim(seed, seed * 4) for seed in range(200)]
    assert aims.seeds_left(100) == 0
    hits = {cell: 5 if index % 2 else 200 for index, cell in enumerate(every)}
    hits[every[7]] = 0
    aims.aim_anew(100, hits, enough=HITS)
    aims._rows.cache_clear()
    assert [aims.aim(seed, seed * 4) for seed in range(100)] == before[:100]
    later = {aims.aim(seed, seed * 4 + number) for seed in range(100, 700) for number in range(4)}
    assert every[7] in later
    assert all(hits[cell] < HITS for cell in later)
    assert len(later) == len(every) // 2 // aims.SHARE
    assert aims.seeds_left(100) == aims.EACH
    assert aims.seeds_left(100 + aims.EACH) == 0


@pytest.mark.usefixtures("elsewhere")
def test_where_all_cells_were_hit_often_enough_the_rarest_faults_are_aimed_at() -> None:
    hits = dict.fromkeys(applicable(), aims.FAULT_HITS)
    hits |= {cell: HITS for cell in applicable() if cell[0] in {"ghost_fill", "lookup_lag"}}
    aims.aim_anew(0, hits, enough=HITS)
    aimed = {aims.aim(seed, seed * 4 + number) for seed in range(100) for number in range(4)}
    assert aimed == {cell for cell in applicable() if cell[0] in {"ghost_fill", "lookup_lag"}}


@pytest.mark.usefixtures("elsewhere")
def test_where_all_faults_were_hit_often_enough_all_cells_are_aimed_at_again() -> None:
    aims.aim_anew(0, dict.fromkeys(applicable(), aims.FAULT_HITS), enough=HITS)
    assert len({aims.aim(seed, seed) for seed in range(len(applicable()))}) == len(applicable())

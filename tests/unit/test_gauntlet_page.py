"""The page of the gauntlet says what its figures and the scenarios say."""

import re

from bastion.gauntlet.program import told
from bastion.gauntlet.rows import ROWS
from tests.benchmarks.gauntlet.page import OURS, PAGE, page_of, read


def test_the_page_is_the_one_that_the_figures_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == page_of(read()), "`make gauntlet ARGS=--page` writes it"


def test_every_scenario_was_run_by_every_program() -> None:
    runs = read()[1:]
    programs = {run["program"] for run in runs}
    assert OURS in programs
    assert len(programs) == 3
    assert {(run["program"], run["scenario"]) for run in runs} == {
        (program, row.name) for program in programs for row in ROWS
    }


def test_the_page_tells_every_field_that_a_program_is_told() -> None:
    text = PAGE.read_text(encoding="utf-8")
    config = told(ROWS[0].stage("binance", seed=1), base="http://127.0.0.1:1")
    accounts = config["accounts"]
    assert isinstance(accounts, list)
    for name in ["deadline_s", *accounts[0]]:
        assert re.search(rf'"{name}":', text), name

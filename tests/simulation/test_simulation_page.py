"""The page on the simulation says what the sweeps kept, and nothing else."""

from tests.simulation.kept import DEPTH_A, Kept
from tests.simulation.page import PAGE, page


def test_the_page_is_what_the_command_writes_from_what_was_kept() -> None:
    assert PAGE.read_text() == page(), "python -m tests.simulation.page writes it anew"


def test_the_kept_runs_follow_each_other_without_a_gap() -> None:
    kept = Kept.load(DEPTH_A)
    assert kept.tally.worlds == sum(run.count for run in kept.runs)
    ends = [0, *(run.first + run.count for run in kept.runs)]
    assert [run.first for run in kept.runs] == ends[:-1]

"""An exit killed at a journal write is ended by the next start; `make kills` takes every write."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SWEEP = [sys.executable, "-m", "tests.integration.kills.sweep"]
# The intents of the first orders.
WRITES = ["3"]


@pytest.mark.timeout(240)
def test_an_exit_killed_before_and_after_a_write_ends_flat_with_the_next_press() -> None:
    done = subprocess.run(
        [*SWEEP, *WRITES], cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[0] == "calm: 2 kills, 0 ended otherwise"
    assert done.stdout.splitlines()[-1] == "bar kills_ended_otherwise_count 0 <=0 ok"

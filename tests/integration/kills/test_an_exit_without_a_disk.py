"""An exit whose disk is full, or whose journal is locked or broken, ends flat all the same and says so."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.timeout(240)
def test_an_exit_goes_on_without_its_journal_and_tells_that_the_spool_keeps_the_records() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.kills.troubled"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["trouble"] for row in rows] == ["full", "locked", "corrupt"]
    for row in rows:
        assert (row["verdict"], row["left"]) == ("FLAT", [0]), row
        assert any("the spool keeps them" in line for line in row["warnings"]), row

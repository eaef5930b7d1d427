"""The protocol's official suite passes in both revisions, on our application and on our own server."""

from pathlib import Path

import pytest

from tests.acceptance.mcp.house import House, serving
from tests.conformance.mcp_protocol.suite import EXPECTED_FAILURES, REVISIONS, fixture_server, run_suite

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_scenario_passes_on_our_application(revision: str, tmp_path: Path) -> None:
    with fixture_server() as address:
        outcome = run_suite(address, revision, tmp_path)
    assert outcome.code == 0, outcome.output
    assert outcome.passed == REVISIONS[revision], outcome.output


def test_the_shipped_server_fails_only_what_is_written_down(tmp_path: Path) -> None:
    with serving(House(folder=tmp_path, more={})) as served:
        for revision in REVISIONS:
            outcome = run_suite(served.stream, revision, tmp_path / revision, expected=EXPECTED_FAILURES)
            assert outcome.code == 0, outcome.output
            assert len(outcome.scenarios) == REVISIONS[revision]


def test_every_expected_failure_has_its_reason() -> None:
    entries = [
        line
        for line in EXPECTED_FAILURES.read_text(encoding="utf-8").splitlines()
        if line.lstrip().startswith("- ")
    ]
    assert entries
    for entry in entries:
        reason = entry.partition(" # ")[2]
        assert len(reason.split()) > 3, f"{entry}: say why"

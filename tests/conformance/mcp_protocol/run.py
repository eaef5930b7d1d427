"""Run: `make conformance`, the whole official suite, with its bars as the last lines."""

import sys
import tempfile
from pathlib import Path

from tests.acceptance.mcp.house import House, serving
from tests.conformance.mcp_protocol.suite import (
    EXPECTED_FAILURES,
    REVISIONS,
    Outcome,
    fixture_server,
    run_suite,
)


def main() -> int:
    """Return 0 when every bar is met and every run of the suite ended with code 0."""
    bars: list[tuple[str, int, str, bool]] = []
    codes: list[int] = []

    def keep(outcome: Outcome) -> Outcome:
        codes.append(outcome.code)
        if outcome.code != 0:
            sys.stdout.write(outcome.output)
        return outcome

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with fixture_server() as address:
            for revision, scenarios in REVISIONS.items():
                passed = keep(run_suite(address, revision, place / f"fixtures-{revision}")).passed
                name = f"fixtures_{revision.replace('-', '_')}_scenarios"
                bars.append((name, passed, f">={scenarios}", passed >= scenarios))
        with serving(House(folder=place, more={})) as served:
            for revision in REVISIONS:
                told = keep(
                    run_suite(
                        served.stream, revision, place / f"shipped-{revision}", expected=EXPECTED_FAILURES
                    )
                )
                name = f"shipped_{revision.replace('-', '_')}_exit_code"
                sys.stdout.write(f"shipped server, {revision}: {told.passed} scenarios passed in full\n")
                bars.append((name, told.code, "<=0", told.code == 0))
    for name, value, limit, good in bars:
        sys.stdout.write(f"bar {name} {value} {limit} {'ok' if good else 'short'}\n")
    return 0 if all(good for *_, good in bars) and not any(codes) else 1


if __name__ == "__main__":
    sys.exit(main())

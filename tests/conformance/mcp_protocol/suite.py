"""Suite: the protocol's official conformance suite, run as it is published, against one server."""

import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clients.install import ensure_clients, environment, node

HERE = Path(__file__).parent
PROGRAM = Path("@modelcontextprotocol/conformance/dist/index.js")
REVISIONS = {"2025-11-25": 33, "2026-07-28": 40}
"""The revisions, and how many scenarios of the suite a server has in each."""
EXPECTED_FAILURES = HERE / "shipped-server.expected-failures.yml"
"""What the shipped server cannot pass, each entry with its reason."""
RUN_S = 300
START_S = 60
STOP_S = 30
_SUMMARY = re.compile(r"^(?P<mark>\S) (?P<name>[a-z0-9-]+): (?P<passed>\d+) passed, (?P<failed>\d+) failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run came to: the suite's own exit code, and its scenarios by name with their checks."""

    code: int
    scenarios: dict[str, tuple[int, int]]
    output: str

    @property
    def passed(self) -> int:
        """How many scenarios have passed checks and no failed one."""
        return sum(passed > 0 and failed == 0 for passed, failed in self.scenarios.values())


def run_suite(address: str, revision: str, results: Path, *, expected: Path | None = None) -> Outcome:
    """Run every scenario of that revision against the server at the address of its HTTP transport.

    With `expected`, the suite's code is 0 exactly when those entries fail and nothing else does.
    """
    # The suite wants the name: one of its scenarios sends hosts of its own.
    named = address.replace("127.0.0.1", "localhost")
    options = ["--suite", "all", "--spec-version", revision, "-o", str(results)]
    if expected is not None:
        options += ["--expected-failures", str(expected)]
    done = subprocess.run(
        [node(), str(ensure_clients() / PROGRAM), "server", "--url", named, *options],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    told = done.stdout.partition("=== SUMMARY ===")[2]
    found = [match for line in told.splitlines() if (match := _SUMMARY.match(line.strip())) is not None]
    return Outcome(
        code=done.returncode,
        scenarios={match["name"]: (int(match["passed"]), int(match["failed"])) for match in found},
        output=done.stdout[-6000:] + done.stderr[-2000:],
    )


@contextmanager
def fixture_server() -> Iterator[str]:
    """Serve the suite's fixtures on our own application until the block ends; yield the address."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.conformance.mcp_protocol.suite_server"]
    lines: queue.Queue[str] = queue.Queue()
    with subprocess.Popen(
        command, cwd=HERE.parents[2], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=lambda out: lines.put(out.readline()), args=(process.stdout,))
        reader.start()
        try:
            address = lines.get(timeout=START_S).strip()
            assert address, "the fixtures' server did not start"
            yield f"{address}/mcp/stream"
        finally:
            process.terminate()
            process.wait(timeout=STOP_S)
            reader.join(timeout=STOP_S)

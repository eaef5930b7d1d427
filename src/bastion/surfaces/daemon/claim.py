"""Claim: one `bastion up` for each state directory; the system frees a dead one's claim."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bastion.errors import ConfigInvalid, Conflict

FILE_NAME = "up.lock"
_SAID_MAX = 300


class Claim:
    """The held claim; `say` writes down where this process serves, for whoever comes second."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def say(self, where: str) -> None:
        """Write down the process and where it serves."""
        told = f"process {os.getpid()}, {where}".encode()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, told, 0)


@contextmanager
def claimed(home: Path) -> Iterator[Claim]:
    """Hold the claim of this state directory, which is made where it is missing.

    Raises:
        Conflict: another process holds it; the text says which and where it serves.
        ConfigInvalid: the directory or the file cannot be used.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(home / FILE_NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigInvalid(f"The state directory {home} cannot be used: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told = os.pread(descriptor, _SAID_MAX, 0).decode("utf-8", errors="replace").strip()
            who = told or "a process that is just starting"
            raise Conflict(f"`bastion up` runs already on {home}: {who}. Nothing was started.") from None
        claim = Claim(descriptor)
        claim.say("starting")
        yield claim
    finally:
        os.close(descriptor)


def claimed_by(home: Path) -> str | None:
    """Return what the process that holds the claim wrote down, None where nobody holds it."""
    try:
        descriptor = os.open(home / FILE_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        told = os.pread(descriptor, _SAID_MAX, 0).decode("utf-8", errors="replace").strip()
        return told or "a process that is just starting"
    else:
        return None
    finally:
        os.close(descriptor)

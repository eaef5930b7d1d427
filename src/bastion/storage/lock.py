"""The exit lock: an advisory file lock that the operating system frees when its process dies."""

import fcntl
import logging
import os
from pathlib import Path

_log = logging.getLogger(__name__)


class FileLock:
    """Implements the ExitLock port with `flock` on one file of the state directory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock without waiting; False when another process holds it. Safe to repeat while held.

        Where the file cannot be opened at all the answer is True: an exit is never refused for want of a lock
        file, since reduce-only orders of two processes cannot flip a position.
        """
        if self._descriptor is not None:
            return True
        try:
            descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            _log.warning("The lock file %s cannot be opened (%s); going on without it.", self._path, error)
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError as error:
            _log.warning("The file system does not lock %s (%s); going on without it.", self._path, error)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

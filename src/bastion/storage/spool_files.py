"""Spool files: the places of last resort for lines of text, one file for each process that needed one."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from bastion.ports import Clock

PREFIX, SUFFIX = "spool-", ".jsonl"


class Shelf(Protocol):
    """A place of last resort for lines of text, one entry each."""

    async def put(self, lines: Sequence[str]) -> None:
        """Make the lines durable, in order.

        Raises:
            OSError: they are not durable.
        """
        ...

    def chains(self) -> tuple[tuple[str, ...], ...]:
        """Return all lines that were put and are still there, one tuple for each process that put some."""
        ...

    def let_go(self, needed: Callable[[Sequence[str]], bool]) -> bool:
        """Remove what this process put, unless it is `needed`; return whether it is gone.

        Nothing is removed while any of it may still be on its way, or where it cannot be read.
        """
        ...


class FileShelf:
    """Files in a directory, one for each process that needed it, made when first needed."""

    def __init__(self, directory: Path, *, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._path: Path | None = None
        self._under_way = 0
        self._known: dict[Path, tuple[tuple[int, int, int], tuple[str, ...]]] = {}

    async def put(self, lines: Sequence[str]) -> None:
        """Append the lines and wait until they are on the disk; the waiting may be given up at any time.

        Raises:
            OSError: they are not durable.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        if self._path is None:
            self._path = self._directory / f"{PREFIX}{self._clock.now_ns()}-{os.getpid()}{SUFFIX}"
        path = self._path
        text = "".join(line + "\n" for line in lines).encode("ascii")

        def deliver(error: OSError | None) -> None:
            self._under_way -= 1
            if not done.done():
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(error)

        def work() -> None:
            error = _write(path, text)
            try:
                loop.call_soon_threadsafe(deliver, error)
            except RuntimeError:
                return  # The loop is gone; the lines are where they are.

        self._under_way += 1
        # A thread of its own, that nobody waits for at the end: a disk that hangs must not hold the process.
        threading.Thread(target=work, name="spool", daemon=True).start()
        await done

    def chains(self) -> tuple[tuple[str, ...], ...]:
        """Return the lines of every spool file that can be read, oldest file first."""
        return tuple(lines for _, lines in self._files())

    def let_go(self, needed: Callable[[Sequence[str]], bool]) -> bool:
        """Remove this process's file, unless its lines are `needed`; return whether it is gone.

        Nothing is removed while a line may still be on its way, or where the file cannot be read or removed.
        """
        path = self._path
        if path is None:
            return True
        if self._under_way:
            return False
        try:
            if needed(self._lines(path)):
                return False
            path.unlink()
        except FileNotFoundError:
            # No line of it ever reached the disk.
            pass
        except OSError:
            return False
        self._path = None
        self._known.pop(path, None)
        return True

    def tidy(self, needed: Callable[[Sequence[str]], bool]) -> int:
        """Remove the files of dead processes whose lines are not needed any more; return how many."""
        removed = 0
        for path, lines in self._files():
            if _is_alive(path) or needed(lines):
                continue
            with contextlib.suppress(OSError):
                path.unlink()
                removed += 1
        return removed

    def _files(self) -> list[tuple[Path, tuple[str, ...]]]:
        found = []
        try:
            names = os.listdir(self._directory)  # noqa: PTH208 - each read of the journal asks this
        except OSError:
            return []
        for name in sorted(names):
            if not (name.startswith(PREFIX) and name.endswith(SUFFIX)):
                continue
            path = self._directory / name
            try:
                found.append((path, self._lines(path)))
            except OSError:
                continue
        return found

    def _lines(self, path: Path) -> tuple[str, ...]:
        # Every read of the journal asks, also while an exit runs: what did not change is not read again.
        told = path.stat()
        state = (told.st_ino, told.st_size, told.st_mtime_ns)
        known = self._known.get(path)
        if known is None or known[0] != state:
            lines = tuple(path.read_text(encoding="ascii", errors="replace").splitlines())
            known = self._known[path] = (state, lines)
        return known[1]


def _is_alive(path: Path) -> bool:
    # The name ends with the id of the process that writes to it; what cannot be told counts as alive.
    try:
        os.kill(int(path.stem.rsplit("-", 1)[1]), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except (ValueError, IndexError, OSError):
        return True
    return True


def _write(path: Path, text: bytes) -> OSError | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, text)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        return error
    return None

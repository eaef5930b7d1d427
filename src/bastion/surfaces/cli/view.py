"""View: where the lines of a command go; a closed terminal or pipe never harms what runs."""

import contextlib
import importlib
import os
import sys
from types import TracebackType
from typing import Protocol, Self

from bastion.domain.records import Entry
from bastion.surfaces.cli.board import Board


def version() -> str:
    """Return the installed version of bastion."""
    # Told only where it is asked for: the library reads packages, and loads much for that.
    return str(importlib.import_module("importlib.metadata").version("bastion"))


def emit(text: str) -> None:
    """Write one line to standard output; who stopped reading is no reason to stop working."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        # Whoever read us is gone. Later writes, and Python's own flush at exit, must not fail either.
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, sys.stdout.fileno())
            os.close(null)


def complain(text: str) -> None:
    """Write one line for the person to standard error."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


class View(Protocol):
    """Shows a running exit while it is entered as a context."""

    def take(self, entry: Entry) -> None:
        """Show what the entry changed."""
        ...

    def say(self, text: str) -> None:
        """Write one line beside the rows."""
        ...

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave what was shown as it stands."""
        ...


class Silent:
    """Shows nothing: for programs, which get one document at the end."""

    def take(self, entry: Entry) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Write nothing."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""


class PlainLines:
    """Writes a line for each change: for pipes, logs and screen readers."""

    def __init__(self) -> None:
        self.board = Board()

    def take(self, entry: Entry) -> None:
        """Write what the entry changed."""
        for line in self.board.take(entry):
            emit(line.text)

    def say(self, text: str) -> None:
        """Write one line."""
        emit(text)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""


def is_terminal() -> bool:
    """Whether a person looks at standard output."""
    try:
        return sys.stdout.isatty() and os.environ.get("TERM", "") != "dumb"
    except ValueError:
        return False


def choose_view(*, json: bool) -> View:
    """Return the view that fits: nothing for JSON, live rows on a terminal, plain lines otherwise."""
    if json:
        return Silent()
    if is_terminal():
        # Drawing is loaded only where there is a terminal, so that the exit starts sooner everywhere else.
        view: View = importlib.import_module("bastion.surfaces.cli.live").LiveRows()
        return view
    return PlainLines()

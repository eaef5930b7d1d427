"""Trace: everything that happened in one world, in order, as one hash."""

import hashlib


class Trace:
    """Hashes each line as it comes; keeps the lines where somebody wants to read them."""

    def __init__(self, *, keep: bool = False) -> None:
        self._hash = hashlib.sha256()
        self._seconds = -1.0
        self._at = ""
        self._moment: list[str] = []
        self.lines: list[str] | None = [] if keep else None

    def note(self, seconds: float, line: str) -> None:
        """Add a line of the virtual time `seconds`."""
        if seconds != self._seconds:
            self._seconds = seconds
            at = f"{seconds:.9f}"
            if at != self._at:
                self._end_moment()
                self._at = at
        self._moment.append(f"{self._at} {line}")

    def end(self) -> None:
        """Take in what came last."""
        self._end_moment()

    def _end_moment(self) -> None:
        # What happens at one moment, at several venues say, has no order of its own.
        for whole in sorted(self._moment):
            self._hash.update(whole.encode())
            self._hash.update(b"\n")
            if self.lines is not None:
                self.lines.append(whole)
        self._moment.clear()

    @property
    def digest(self) -> str:
        """The hash of all lines so far."""
        return self._hash.hexdigest()

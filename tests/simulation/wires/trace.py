"""Trace: everything that happened in one world, in order, as one hash."""

import hashlib


class Trace:
    """Hashes each line as it comes; keeps the lines where somebody wants to read them."""

    def __init__(self, *, keep: bool = False) -> None:
        self._hash = hashlib.sha256()
        self.lines: list[str] | None = [] if keep else None

    def note(self, seconds: float, line: str) -> None:
        """Add a line of the virtual time `seconds`."""
        whole = f"{seconds:.9f} {line}"
        self._hash.update(whole.encode())
        self._hash.update(b"\n")
        if self.lines is not None:
            self.lines.append(whole)

    @property
    def digest(self) -> str:
        """The hash of all lines so far."""
        return self._hash.hexdigest()

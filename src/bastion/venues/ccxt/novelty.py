"""Novelty: a question that a host may not have, told apart from a question that failed."""

from bastion.errors import Fault, VenueError, VenueRejected

UNKNOWN_QUESTION = frozenset({"HTTP 404", "HTTP 405", "HTTP 422", "HTTP 501"})
"""How a host answers that does not have a read."""
_FELL_OVER = frozenset({"HTTP 400", "HTTP 500"})
FAILURES_MAX = 3


class Novelty:
    """Hears how one question fares.

    A host does not have it where it refuses the question itself, or falls over it again and again and has
    never answered it. A ban, a limit, a refused key, a gateway's 502 and silence are failures, never that.
    """

    def __init__(self) -> None:
        self._known = False
        self._failures = 0

    def answered(self) -> None:
        """Hear that the host has the question."""
        self._known = True

    def refused(self, error: VenueError) -> bool:
        """Return whether this failure says that the host does not have the question."""
        if self._known:
            return False
        if error.code in _FELL_OVER:
            self._failures += 1
            return self._failures >= FAILURES_MAX
        unheard = not error.code.startswith("HTTP") or error.code in UNKNOWN_QUESTION
        return isinstance(error, VenueRejected) and error.fault is Fault.RESOLVE and unheard

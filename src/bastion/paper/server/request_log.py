"""Request log: every request that reached a wire's prefix, with times that other processes can compare."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

_KEPT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One request and its answer.

    `received_ns`, `handled_ns` and `answered_ns` are readings of the machine's monotonic clock: when the
    request was read whole, when the venue began to act on it (0 if it never did), when the answer was handed
    to the socket (0 if there was none). `status` is 0 where the client got no answer. `parameters` lack the
    signature.
    """

    number: int
    venue: str
    account: str
    method: str
    path: str
    parameters: Mapping[str, object]
    status: int
    code: str
    faults: tuple[str, ...]
    executed: tuple[str, ...]
    received_ns: int
    handled_ns: int
    answered_ns: int
    received_ms: int


class RequestLog:
    """The latest 100,000 requests, in the order in which their answers ended."""

    def __init__(self) -> None:
        self._rows: deque[LoggedRequest] = deque(maxlen=_KEPT)
        self._count = 0
        self._under_way: set[int] = set()

    @property
    def under_way(self) -> int:
        """How many requests have arrived and are not finished; a late one is still to be carried out."""
        return len(self._under_way)

    def next_number(self) -> int:
        """Return the number of a request that has just arrived; numbers rise with arrival."""
        self._count += 1
        self._under_way.add(self._count)
        return self._count

    def end(self, number: int) -> None:
        """Take a request as finished, whatever became of it."""
        self._under_way.discard(number)

    def add(self, row: LoggedRequest) -> None:
        """Keep a finished request."""
        self._rows.append(row)

    def clear(self) -> None:
        """Forget all requests; numbers go on rising."""
        self._rows.clear()

    def rows(self, *, venue: str = "", path: str = "", after: int = 0) -> list[LoggedRequest]:
        """Return finished requests by rising arrival number, of one venue or path where they are given."""
        found = [
            row
            for row in self._rows
            if row.number > after and venue in {"", row.venue} and path in {"", row.path}
        ]
        return sorted(found, key=lambda row: row.number)

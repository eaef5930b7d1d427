"""Asked: what a venue was asked lately and what it answered, kept until whoever proves something takes it."""

from collections import deque

from bastion.domain.asked import AskedCall
from bastion.ports import Clock
from bastion.venues.raw import Answer

KEPT_MAX = 2_000
LISTENS_NS = 120_000_000_000
NS_PER_MS = 1_000_000


class AskedLog:
    """The last `KEPT_MAX` requests of one account, while somebody takes them; hashed when they are taken.

    It listens from a taking until `LISTENS_NS` after it: a desk that stands idle keeps nothing here.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: deque[tuple[str, int, int, Answer | None]] = deque(maxlen=KEPT_MAX)
        self._listens_until_ns = 0

    @property
    def listens(self) -> bool:
        """Whether somebody takes what is noted here: an exit, a halt or another act is at work."""
        return self._clock.monotonic_ns() < self._listens_until_ns

    def begin(self) -> tuple[int, int]:
        """Return the moment in which a request sets out: UTC and monotonic nanoseconds."""
        return self._clock.now_ns(), self._clock.monotonic_ns()

    def end(self, call: str, begun: tuple[int, int], answer: Answer | None) -> None:
        """Note the request that began then; `answer` is None where none came."""
        at_ns, began_ns = begun
        now_ns = self._clock.monotonic_ns()
        if not self.listens:
            self._calls.clear()
            return
        self._calls.append((call, at_ns, (now_ns - began_ns) // NS_PER_MS, answer))

    def take(self) -> tuple[AskedCall, ...]:
        """Return what was asked since the last taking, in the order in which it ended; it is told once."""
        self._listens_until_ns = self._clock.monotonic_ns() + LISTENS_NS
        calls = tuple(self._calls)
        self._calls.clear()
        return tuple(
            AskedCall(
                call=call,
                sent_at_ns=at_ns,
                took_ms=took_ms,
                status=answer.status if answer is not None else 0,
                digest=answer.digest if answer is not None else "",
            )
            for call, at_ns, took_ms, answer in calls
        )

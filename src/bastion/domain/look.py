"""Look: one reading of everything that an account could hold, with what could not be read."""

from bastion.domain.order import OpenOrder
from bastion.domain.position import Position
from bastion.shape import dataclass

NO_ANSWER = "no answer"
"""What the reason of a part begins with for which nothing but the time was heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A part of the account that could not be read, and why."""

    part: str
    reason: str
    terminal: bool = False
    """No retry can help: a person must change the credential or its rights."""
    limited: bool = False
    """The venue refused it for a limit of requests: soon it can be read."""
    unsent: bool = False
    """It was not asked for, since the venue's limits are used up for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadsLeft:
    """What is left now of a limit that all reads of an address share.

    `free` of `capacity` units can be used at once; below `kept`, what is no exit gives way. A unit comes back
    `window_s` seconds after its use. `what` names the limit.
    """

    free: int
    capacity: int
    kept: int
    what: str
    window_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One reading of an account: every settle coin, category and order kind of its key space.

    `begun_ns` and `ended_ns` are monotonic times of the Clock port, taken before the first request left and
    after the last answer came. `parts` names what was read and believed, `unread` what was not. `digests` are
    SHA-256 hashes of the raw answers. `notes` tell what was shown that is no exposure, such as a claim on a
    payout. A look is evidence of flatness only when `complete`.
    """

    begun_ns: int
    ended_ns: int
    positions: tuple[Position, ...]
    orders: tuple[OpenOrder, ...]
    parts: tuple[str, ...]
    unread: tuple[Unread, ...] = ()
    digests: tuple[str, ...] = ()
    venue_time_ms: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every part was read."""
        return not self.unread

    @property
    def unsent(self) -> bool:
        """Whether nothing was asked at all, since the venue's limits are used up for now."""
        return not self.parts and bool(self.unread) and all(part.unsent for part in self.unread)

    @property
    def missed(self) -> tuple[Unread, ...]:
        """What was to be read and was not: without what a cheaper reading left out on purpose."""
        return tuple(part for part in self.unread if not (part.unsent and self.parts))

    @property
    def empty(self) -> bool:
        """Whether everything was read, and no position and no order was there."""
        return self.complete and not self.positions and not self.orders

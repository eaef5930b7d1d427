"""Audit: who asked what of the desk, by which surface and with which key, and what came of it."""

from enum import StrEnum

from bastion.shape import dataclass


class Outcome(StrEnum):
    """What came of a call."""

    ASKED = "asked"
    """It was asked for; no answer is recorded. Written before an act that changes something begins."""
    ANSWERED = "answered"
    """It was carried out and reported on; `result` holds the verdict, where it has one."""
    REFUSED = "refused"
    """It was refused, and nothing was changed; `result` holds the error's code."""
    FAILED = "failed"
    """It failed on the way; `result` holds the error's code."""
    CALLER_GONE = "caller_gone"
    """Whoever asked went away before the answer; an exit goes on without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCall:
    """One thing told of one call of one verb; `call` is the same for all that is told of it.

    `principal` is a key's id or the local owner, never a key; `arguments` is canonical JSON without secrets.
    `at_ns` is when this was told (UTC nanoseconds), `duration_ms` how long the call took, None before its
    end. `paper` says that the embedded paper exchange was meant.
    """

    call: str
    at_ns: int
    principal: str
    surface: str
    verb: str
    act: str
    arguments: str
    outcome: Outcome
    result: str | None = None
    exit_id: str | None = None
    duration_ms: int | None = None
    paper: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One row of the audit journal: what was told of a call, or that `lost` such rows could not be kept.

    `hash` is the SHA-256 in hexadecimal of the rest and of `previous`, the hash of the row before.
    """

    seq: int
    at_ns: int
    previous: str
    hash: str
    call: AuditCall | None
    lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditStanding:
    """How this process's part of the audit journal stands: rows kept, waiting, lost, and what hinders it."""

    kept: int
    waiting: int
    lost: int
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which calls are wanted; None restricts nothing. Times are UTC nanoseconds, `until_ns` excluded."""

    act: str | None = None
    principal: str | None = None
    exit_id: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedChain:
    """What a check of one hash chain found: `broken_at` is the first row that does not fit, None for none.

    `head` is the hash of the last row: whoever noted an earlier one elsewhere can see by it whether rows were
    cut off at the end, which no chain shows by itself.
    """

    name: str
    path: str
    rows: int
    head: str
    broken_at: int | None = None
    trouble: str = ""

    @property
    def sound(self) -> bool:
        """Whether every row fits."""
        return self.broken_at is None and not self.trouble

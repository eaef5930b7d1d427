"""Asked: the requests that one account's venue was sent, each with the hash of what came back."""

from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedCall:
    """One request and its answer: `call` is the venue's endpoint, without parameters, keys or signatures.

    `sent_at_ns` is UTC, `took_ms` the time until the answer was whole or was given up. `status` is the
    answer's HTTP status and `digest` the SHA-256 of its body in hexadecimal; 0 and empty where none came.
    """

    call: str
    sent_at_ns: int
    took_ms: int
    status: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueAsked:
    """A record: what the venue of an account was asked since the last record of this kind.

    In the order in which the answers came, or were given up; the last 2,000 where there were more.
    """

    exit_id: str
    account: str
    run: int
    calls: tuple[AskedCall, ...]

"""Repeats: what is kept of requests that may come again under the same key."""

from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRequest:
    """One request: whose it is, under which key (the digest of it), and what was asked (a digest).

    `at_ms` is UTC milliseconds of its coming. Without `answered`, nobody knows from here how it ended.
    """

    owner: str
    key: str
    digest: str
    at_ms: int
    answered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReply:
    """What a request was answered with, as it was sent."""

    status: int
    media_type: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

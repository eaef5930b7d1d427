"""Principal: who asks, with which scope, and what is kept of a key."""

from dataclasses import dataclass
from enum import IntEnum


class Scope(IntEnum):
    """The three scopes of a key; a higher one contains the lower ones."""

    READ = 1
    TRADE = 2
    ENGINE = 3

    @property
    def word(self) -> str:
        """The scope as it is written on every surface."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: a key's id (never the key) or the local owner, the surface, and the scope."""

    id: str
    surface: str
    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What is kept of a `bst_` key: never the key itself, only its SHA-256 in hexadecimal.

    Times are UTC milliseconds since the epoch; None means that the key never expires, or is not revoked.
    """

    id: str
    digest: str
    scope: Scope
    label: str
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None

"""Principal: who asks, with which scope."""

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

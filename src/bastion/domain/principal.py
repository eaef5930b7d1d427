"""Principal: who asks, with which scope, and what is kept of a key."""

from decimal import Decimal
from enum import IntEnum, StrEnum

from bastion.shape import dataclass


class Scope(IntEnum):
    """The three scopes of a key; a higher one contains the lower ones."""

    READ = 1
    TRADE = 2
    ENGINE = 3

    @property
    def word(self) -> str:
        """The scope as it is written on every surface."""
        return self.name.lower()


class Tier(StrEnum):
    """How many requests a key may make; the figures stand where they are counted."""

    FREE = "free"
    BASIC = "basic"
    PRO = "pro"
    UNLIMITED = "unlimited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: a key's id (never the key) or the local owner, the surface, and the scope.

    `accounts` are the only accounts that the key reads or moves; None means all of the desk. `only_stops`
    says that the key may stop and see how it stands, and nothing else. `notional_cap_usd` bounds each
    action that is not an exit; None means no bound. `asked_as` tells this request from every other where
    the caller named it, so that it can come again; empty where not.
    """

    id: str
    surface: str
    scope: Scope
    accounts: frozenset[str] | None = None
    only_stops: bool = False
    notional_cap_usd: Decimal | None = None
    tier: Tier = Tier.UNLIMITED
    asked_as: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What is kept of a `bst_` key: never the key itself, only its SHA-256 in hexadecimal.

    Times are UTC milliseconds since the epoch; None means that the key never expires, is not revoked, or was
    not used yet. `accounts`, `only_stops`, `notional_cap_usd` and `tier` are those of its `Principal`;
    `replaces` is the id of the key that this one took over from; `uses` counts the acts asked for with it.
    """

    id: str
    digest: str
    scope: Scope
    label: str
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None
    accounts: frozenset[str] | None = None
    only_stops: bool = False
    notional_cap_usd: Decimal | None = None
    tier: Tier = Tier.PRO
    replaces: str | None = None
    uses: int = 0
    last_used_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """How often a key was used since it was last noted, and when last (UTC milliseconds)."""

    key_id: str
    uses: int
    last_used_ms: int

"""Stock: how much of what is held open a key may hold, and all together; whoever is over it is told.

Who shows no key draws on a stock of its own, so that it uses up nothing of those who do.
"""

from collections import Counter
from collections.abc import MutableMapping
from dataclasses import dataclass, field

from bastion.surfaces.rest.asgi import LOCAL, Scope

NOBODY = ""
OWN_USER = "owner"
RETRY_AFTER_S = 5


def owner_of(scope: Scope) -> str:
    """Return whose a connection is: a key's id, the own user by the own socket, or nobody's."""
    user = scope.get("user")
    if user is not None:
        return str(user.access_token.client_id)
    return OWN_USER if scope.get(LOCAL, False) else NOBODY


@dataclass(slots=True, kw_only=True)
class Stock:
    """What of one kind is held open now. `noun` is what it is called in a refusal, in the plural."""

    noun: str
    each_max: int
    keyed_max: int
    keyless_max: int
    held: Counter[str] = field(default_factory=Counter)

    def refusal(self, owner: str) -> str | None:
        """Return why nothing more may be opened for this owner now; None where it may."""
        if owner == NOBODY:
            if self.held[NOBODY] < self.keyless_max:
                return None
            return self._told(f"{self.keyless_max} {self.noun} are open without a key")
        if self.held[owner] >= self.each_max:
            return self._told(f"This key has {self.each_max} {self.noun} open")
        if self.held.total() - self.held[NOBODY] >= self.keyed_max:
            return self._told(f"{self.keyed_max} {self.noun} are open")
        return None

    def take(self, owner: str) -> None:
        """Count one more."""
        self.held[owner] += 1

    def give(self, owner: str) -> None:
        """Count one less."""
        self.held[owner] -= 1
        if self.held[owner] <= 0:
            del self.held[owner]

    def _told(self, what: str) -> str:
        return (
            f"{what}: over the rate limit (429). Close one, or wait. An exit needs none: POST /v1/exits with "
            "a key, or `bastion exit` in a terminal."
        )


@dataclass(slots=True, kw_only=True)
class _Session:
    owner: str
    used_s: float
    busy: int = 0


class OpenSessions:
    """The sessions of Streamable HTTP, as their requests and answers tell them; `idle_s` ends one."""

    def __init__(self, stock: Stock, *, idle_s: float) -> None:
        self._stock = stock
        self._idle_s = idle_s
        self._sessions: MutableMapping[str, _Session] = {}

    def refusal(self, owner: str, *, now_s: float) -> str | None:
        """Return why this owner may not open one more now; None where it may."""
        for session_id, session in list(self._sessions.items()):
            if not session.busy and now_s - session.used_s > self._idle_s:
                self.ended(session_id)
        return self._stock.refusal(owner)

    def opened(self, session_id: str, owner: str, *, now_s: float) -> None:
        """Note that a session was opened."""
        if session_id not in self._sessions:
            self._sessions[session_id] = _Session(owner=owner, used_s=now_s)
            self._stock.take(owner)

    def busy(self, session_id: str, change: int, *, now_s: float) -> None:
        """Note that a request of a session begins (1) or is over (-1)."""
        session = self._sessions.get(session_id)
        if session is not None:
            session.busy += change
            session.used_s = now_s

    def ended(self, session_id: str) -> None:
        """Note that a session is over."""
        session = self._sessions.pop(session_id, None)
        if session is not None:
            self._stock.give(session.owner)

"""Listen keys: the credentials of Binance's user data streams.

Documentation, "User Data Streams: Connect"
(https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams): a key is valid for
60 minutes; POST returns the key that is valid, extended, or a new one; PUT extends it, and answers -1125
where there is none; DELETE ends it.
"""

import hashlib
from dataclasses import dataclass

from bastion.paper.instrument import ContractKind


@dataclass(slots=True, kw_only=True)
class ListenKey:
    """One key: whose changes it shows, in which family of contracts, and until when."""

    text: str
    account: str
    kind: ContractKind
    expires_ms: int


class ListenKeys:
    """The keys in force. They follow from account and number, so that two runs see the same ones."""

    def __init__(self, lifetime_ms: int) -> None:
        self._lifetime_ms = lifetime_ms
        self._keys: dict[str, ListenKey] = {}
        self._made = 0

    def valid(self, text: str, now_ms: int) -> ListenKey | None:
        """Return the key of that text, or None where there is none or its time is over."""
        key = self._keys.get(text)
        return key if key is not None and key.expires_ms > now_ms else None

    def of(self, account: str, kind: ContractKind, now_ms: int) -> ListenKey | None:
        """Return the valid key of an account in a family."""
        for key in self._keys.values():
            if (key.account, key.kind) == (account, kind) and key.expires_ms > now_ms:
                return key
        return None

    def create(self, account: str, kind: ContractKind, now_ms: int) -> ListenKey:
        """Return the account's valid key, extended, or a new one."""
        key = self.of(account, kind, now_ms)
        if key is None:
            self._made += 1
            text = hashlib.sha256(f"{account} {kind.value} {self._made} {now_ms}".encode()).hexdigest()
            key = ListenKey(text=text, account=account, kind=kind, expires_ms=0)
            self._keys[text] = key
        key.expires_ms = now_ms + self._lifetime_ms
        return key

    def extend(self, account: str, kind: ContractKind, now_ms: int) -> ListenKey | None:
        """Extend the account's valid key and return it, or None where there is none."""
        key = self.of(account, kind, now_ms)
        if key is not None:
            key.expires_ms = now_ms + self._lifetime_ms
        return key

    def end(self, text: str) -> None:
        """Make a key invalid at once."""
        self._keys.pop(text, None)

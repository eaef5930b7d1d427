"""Directory: whose address is whose, and who may sign for which account.

Source: Hyperliquid docs, "Nonces and API wallets" (an agent signs for its master and the master's
sub-accounts; reading with an agent's own address gives an empty result), "Exchange endpoint" (`vaultAddress`)
and "Info endpoint", "Query a user's role". A key of the scenario that may trade is an approved agent; its
`api_key` is the agent's address. The key whose address is the account's own is the master's.
"""

from collections.abc import Iterator, Mapping, Sequence

from bastion.paper.account import ApiKey, Permission
from bastion.paper.exchange.venue import Exchange
from bastion.paper.wire.hyperliquid.signing import ADDRESS_BYTES, keccak256


class Directory:
    """Reads the exchange's accounts; `masters` names the account that each sub-account belongs to."""

    def __init__(self, exchange: Exchange, masters: Mapping[str, str]) -> None:
        self._exchange = exchange
        self._masters = masters

    def address(self, account: str) -> str:
        """Return the address of an account."""
        return self._exchange.spec(account).address.lower() or self._derived(account)

    def account_at(self, address: str) -> str | None:
        """Return the account at an address, None where there is none: an agent's address holds nothing."""
        wanted = address.lower()
        names = self._exchange.account_names()
        return next((name for name in names if self.address(name) == wanted), None)

    def owner_of(self, signer: str) -> str | None:
        """Return the account for which a signer may act of itself: its own, or the one that approved it."""
        own = self.account_at(signer)
        if own is not None:
            return own if own not in self._masters else None
        return next((account for account, key in self._agents() if key.key.lower() == signer.lower()), None)

    def may_act_for(self, owner: str, account: str) -> bool:
        """Whether what `owner` signed may act on `account`: itself, or one of its sub-accounts."""
        return account == owner or self._masters.get(account) == owner

    def agents(self, account: str) -> Sequence[str]:
        """Return the addresses of the approved agents of an account."""
        return [key.key.lower() for name, key in self._agents() if name == account]

    def sub_accounts(self, master: str) -> Sequence[str]:
        """Return the sub-accounts of an account."""
        return [name for name in self._exchange.account_names() if self._masters.get(name) == master]

    def role(self, address: str) -> dict[str, object]:
        """Return what `userRole` says of an address."""
        account = self.account_at(address)
        if account is not None:
            master = self._masters.get(account)
            if master is None:
                return {"role": "user"}
            return {"role": "subAccount", "data": {"master": self.address(master)}}
        owner = self.owner_of(address)
        return (
            {"role": "missing"} if owner is None else {"role": "agent", "data": {"user": self.address(owner)}}
        )

    def _agents(self) -> Iterator[tuple[str, ApiKey]]:
        for account in self._exchange.account_names():
            for key in self._exchange.spec(account).keys:
                if Permission.TRADE in key.permissions and key.key.lower() != self.address(account):
                    yield account, key

    def _derived(self, account: str) -> str:
        return "0x" + keccak256(f"paper account {account}".encode())[-ADDRESS_BYTES:].hex()

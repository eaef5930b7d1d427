"""Door: who sent an action, on whose behalf, and whether it comes in time.

Source: Hyperliquid docs, "Nonces and API wallets": the 100 highest nonces of each signer are kept; a new one
must be larger than the smallest of them, was never used, and lies within (T - 2 days, T + 1 day).
"Exchange endpoint": `vaultAddress`, `expiresAfter`. The sender is whoever made the signature: a wrong one
belongs to a wallet that does not exist.
"""

import bisect

from bastion.paper.wire.hyperliquid.answers import Denied, Unreadable
from bastion.paper.wire.hyperliquid.directory import Directory
from bastion.paper.wire.hyperliquid.fields import Fields, is_address
from bastion.paper.wire.hyperliquid.signing import (
    APPROVE_BUILDER_FEE,
    Unsigned,
    account_digest,
    action_hash,
    agent_digest,
    signer_of,
)

KEPT_NONCES = 100
DAY_MS = 86_400_000
_USER_SIGNED = {"approveBuilderFee": APPROVE_BUILDER_FEE}


class Door:
    """Knows the nonces that each signer has used."""

    def __init__(self, directory: Directory, *, is_testnet: bool) -> None:
        self._directory = directory
        self._is_testnet = is_testnet
        self._nonces: dict[str, list[int]] = {}

    def sender(self, fields: Fields) -> str:
        """Return the address that signed an action; raises `Unreadable` or `Denied`."""
        action = fields.inner("action")
        kind = action.text("type")
        try:
            if kind in _USER_SIGNED:
                name, form = _USER_SIGNED[kind]
                digest = account_digest(action.values, name, form, chain=_chain(action))
            else:
                connection = action_hash(
                    action.values,
                    nonce=fields.whole("nonce"),
                    vault=vault_of(fields),
                    expires_after=fields.whole("expiresAfter") if fields.has("expiresAfter") else None,
                )
                digest = agent_digest(connection, is_testnet=self._is_testnet)
            return signer_of(digest, fields.values.get("signature"))
        except Unsigned:
            raise Unreadable from None

    def admit(self, fields: Fields, signer: str) -> str:
        """Return the account that an action may act on.

        Raises:
            Denied: the signer is nobody's wallet or may not act there.
        """
        owner = self._directory.owner_of(signer)
        if owner is None:
            raise Denied(f"User or API Wallet {signer} does not exist.")
        kind = fields.inner("action").text("type")
        if kind in _USER_SIGNED and signer != self._directory.address(owner):
            raise Denied("Only the master account may sign this action.")
        vault = vault_of(fields)
        if vault is None:
            return owner
        account = self._directory.account_at(vault)
        if account is None or not self._directory.may_act_for(owner, account) or account == owner:
            raise Denied(f"Vault not registered: {vault}")
        return account

    def spend_nonce(self, signer: str, nonce: int, now_ms: int) -> None:
        """Keep a nonce; raises `Denied` for one that was used, is too small or out of time."""
        if not now_ms - 2 * DAY_MS < nonce < now_ms + DAY_MS:
            raise Denied(f"Invalid nonce: {nonce} is out of range, current time is {now_ms}")
        kept = self._nonces.setdefault(signer, [])
        place = bisect.bisect_left(kept, nonce)
        if place < len(kept) and kept[place] == nonce:
            raise Denied(f"Invalid nonce: duplicate nonce {nonce}")
        if len(kept) >= KEPT_NONCES and place == 0:
            raise Denied(f"Invalid nonce: {nonce} is below the smallest of the last {KEPT_NONCES}")
        kept.insert(place, nonce)
        del kept[:-KEPT_NONCES]


def vault_of(fields: Fields) -> str | None:
    """Return the address on whose behalf an action is sent, None for the signer's own account."""
    if not fields.has("vaultAddress"):
        return None
    text = fields.text("vaultAddress")
    address = text if text.startswith("0x") else f"0x{text}"
    if not is_address(address):
        raise Unreadable
    return address.lower()


def _chain(action: Fields) -> int:
    try:
        return int(action.text("signatureChainId"), 16)
    except ValueError:
        raise Unreadable from None

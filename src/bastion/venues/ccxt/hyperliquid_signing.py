"""Hyperliquid signing: what an action is signed with.

Source: Hyperliquid docs, "Signing", and its note on common mistakes: the order of an action's fields matters,
addresses are in lower case, numbers carry no trailing zeros. The hash is of the action in MessagePack, the
nonce, a zero byte or a one and the vault's address, and the expiry where there is one; what is signed is
EIP-712 data of an agent whose `connectionId` it is. ccxt computes the same hash in Python; this takes a
hundredth of the time.
"""

import re
from collections.abc import Mapping
from dataclasses import field

import msgpack
from coincurve import PrivateKey
from Crypto.Hash import keccak

from bastion.shape import dataclass

_KEY_FORM = re.compile(r"(0x)?[0-9a-fA-F]{64}", re.ASCII)
_ADDRESS_BYTES = 20
_WORD = 32
_RECOVERY_BASE = 27
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def _keccak(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()


# EIP-712: the domain `Exchange`, version 1, chain 1337, verified by the zero address.
_DOMAIN = _keccak(
    _keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    + _keccak(b"Exchange")
    + _keccak(b"1")
    + (1337).to_bytes(_WORD, "big")
    + bytes(_WORD)
)
_AGENT = _keccak(b"Agent(string source,bytes32 connectionId)")
_SOURCES = {False: _keccak(b"a"), True: _keccak(b"b")}


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletKey:
    """The credential of one account: its own address, and the key of the wallet that signs for it."""

    wallet: str
    private_key: str = field(repr=False)


class Signer:
    """Holds one private key; its repr shows the address only."""

    __slots__ = ("_key", "address")

    def __init__(self, private_key: str) -> None:
        if not is_private_key(private_key):
            raise ValueError("a private key is 64 hex digits, with or without 0x before them")
        self._key = PrivateKey(bytes.fromhex(private_key[-2 * _WORD :]))
        public = self._key.public_key.format(compressed=False)[1:]
        self.address = "0x" + _keccak(public)[-_ADDRESS_BYTES:].hex()

    def __repr__(self) -> str:
        """Name the address, never the key."""
        return f"Signer({self.address})"

    def sign(
        self,
        action: Mapping[str, object],
        *,
        nonce: int,
        vault: str | None,
        expires_after: int | None,
        testnet: bool,
    ) -> dict[str, object]:
        """Return the signature of an action of the first layer, as the request carries it."""
        digest = _keccak(
            b"\x19\x01"
            + _DOMAIN
            + _keccak(_AGENT + _SOURCES[testnet] + action_hash(action, nonce, vault, expires_after))
        )
        signature = self._key.sign_recoverable(digest, hasher=None)
        return {
            "r": f"0x{signature[:_WORD].hex()}",
            "s": f"0x{signature[_WORD : 2 * _WORD].hex()}",
            "v": signature[2 * _WORD] + _RECOVERY_BASE,
        }


def action_hash(
    action: Mapping[str, object], nonce: int, vault: str | None, expires_after: int | None
) -> bytes:
    """Return the hash that stands for an action, its nonce, its vault and its expiry."""
    data = bytes(msgpack.packb(action)) + nonce.to_bytes(8, "big")
    data += b"\x00" if vault is None else b"\x01" + bytes.fromhex(vault.removeprefix("0x"))
    if expires_after is not None:
        data += b"\x00" + expires_after.to_bytes(8, "big")
    return _keccak(data)


def is_private_key(text: str) -> bool:
    """Return whether a text is a private key: 64 hex digits that name a number of the curve."""
    if not _KEY_FORM.fullmatch(text):
        return False
    return 0 < int(text[-2 * _WORD :], 16) < _ORDER

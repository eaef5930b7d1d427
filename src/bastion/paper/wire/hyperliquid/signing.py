"""Signing: who signed an action.

Source: Hyperliquid docs, "Signing", "Exchange endpoint" and "Nonces and API wallets". An action of the first
layer is packed by MessagePack in the order of its fields, followed by the nonce (8 bytes, big endian), a
zero byte or a one and the vault's address, and, where the request carries `expiresAfter`, a zero byte and
that number (8 bytes). Its Keccak-256 hash is the `connectionId` of an agent that exists only as EIP-712 data;
what is signed is that. Actions that touch the account itself are EIP-712 data of their own.
"""

from collections.abc import Mapping, Sequence

import msgpack
from coincurve import PublicKey
from Crypto.Hash import keccak

ADDRESS_BYTES = 20
_WORD = 32
_RECOVERY_BASE = 27
_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_AGENT_TYPE = b"Agent(string source,bytes32 connectionId)"
_L1_CHAIN = 1337

APPROVE_BUILDER_FEE = (
    "HyperliquidTransaction:ApproveBuilderFee",
    (("hyperliquidChain", "string"), ("maxFeeRate", "string"), ("builder", "address"), ("nonce", "uint64")),
)


class Unsigned(Exception):  # noqa: N818 - a state of the request
    """No key can have made this signature."""


def keccak256(data: bytes) -> bytes:
    """Return the Keccak-256 hash, which is not SHA3-256."""
    return keccak.new(digest_bits=256, data=data).digest()


def action_hash(
    action: Mapping[str, object], *, nonce: int, vault: str | None, expires_after: int | None
) -> bytes:
    """Return the hash of an action of the first layer; raises `Unsigned` for what cannot be packed."""
    try:
        packed = bytes(msgpack.packb(action))
        packed += nonce.to_bytes(8, "big")
        packed += b"\x00" if vault is None else b"\x01" + bytes.fromhex(vault.removeprefix("0x"))
        if expires_after is not None:
            packed += b"\x00" + expires_after.to_bytes(8, "big")
    except (OverflowError, ValueError, TypeError) as error:
        raise Unsigned(str(error)) from None
    return keccak256(packed)


def agent_digest(connection: bytes, *, is_testnet: bool) -> bytes:
    """Return what a signer of an action signs: source `a` on the main network, `b` on the test network."""
    source = b"b" if is_testnet else b"a"
    struct = keccak256(keccak256(_AGENT_TYPE) + keccak256(source) + connection)
    return keccak256(b"\x19\x01" + _domain("Exchange", _L1_CHAIN) + struct)


def account_digest(
    action: Mapping[str, object], kind: str, fields: Sequence[tuple[str, str]], *, chain: int
) -> bytes:
    """Return what is signed for an action on the account itself; raises `Unsigned` for odd fields."""
    names = ",".join(f"{form} {name}" for name, form in fields)
    struct = keccak256(f"{kind}({names})".encode())
    for name, form in fields:
        struct += _encoded(action.get(name), form)
    return keccak256(b"\x19\x01" + _domain("HyperliquidSignTransaction", chain) + keccak256(struct))


def signer_of(digest: bytes, signature: object) -> str:
    """Return the address that made `signature` (`r`, `s` and `v`) over a digest.

    Raises:
        Unsigned: the signature is malformed, or no key can have made it.
    """
    if not isinstance(signature, Mapping):
        raise Unsigned("the signature must hold r, s and v")
    try:
        r, s = (int(str(signature.get(name)), 16).to_bytes(_WORD, "big") for name in ("r", "s"))
        v = int(str(signature.get("v")))
        recovery = v - _RECOVERY_BASE if v >= _RECOVERY_BASE else v
        key = PublicKey.from_signature_and_message(r + s + bytes([recovery]), digest, hasher=None)
    except Exception as error:  # noqa: BLE001 - the library raises bare exceptions for points off the curve
        raise Unsigned(str(error)) from None
    return address_of(key)


def address_of(key: PublicKey) -> str:
    """Return the address of a public key, in lower case."""
    return "0x" + keccak256(key.format(compressed=False)[1:])[-ADDRESS_BYTES:].hex()


def _domain(name: str, chain: int) -> bytes:
    parts = (_DOMAIN_TYPE, name.encode(), b"1")
    return keccak256(
        b"".join(keccak256(part) for part in parts) + chain.to_bytes(_WORD, "big") + bytes(_WORD)
    )


def _encoded(value: object, form: str) -> bytes:
    if form == "string" and isinstance(value, str):
        return keccak256(value.encode())
    try:
        if form == "address" and isinstance(value, str):
            return bytes.fromhex(value.removeprefix("0x")).rjust(_WORD, b"\x00")
        if form == "uint64" and isinstance(value, int) and not isinstance(value, bool):
            return value.to_bytes(_WORD, "big")
    except (OverflowError, ValueError) as error:
        raise Unsigned(str(error)) from None
    raise Unsigned(f"a field of the type {form} is missing or malformed")

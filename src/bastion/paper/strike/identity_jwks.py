"""Verification keys: the identity provider's published keys, cached so that an outage stops nobody's exit."""

import asyncio
import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)

from bastion.paper.clock import Clock

COORDINATE_BYTES: Final = 32
KEYS_MAX: Final = 64
KID_CHARACTERS_MAX: Final = 256
DOCUMENT_BYTES_MAX: Final = 256 * 1024
MILLISECONDS: Final = 1_000

KeyMap: TypeAlias = Mapping[str, EllipticCurvePublicKey]
Fetch: TypeAlias = Callable[[], Awaitable[bytes]]


class KeysUnavailable(Exception):  # noqa: N818 - a state of the provider, no defect of ours
    """The key server gave no usable key document: down, slow, oversized or malformed."""


class UnknownKey(Exception):  # noqa: N818 - a state of the provider, no defect of ours
    """No trusted key has this kid; the token that names it cannot be verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCacheTimes:
    """How long fetched keys are trusted.

    `ttl_s`: age at which the document is read again; a key that the provider dropped is refused from then on.
    `cooldown_s`: the least time between two reads provoked by unknown kids, and after a failed read.
    `outage_s`: how long known keys stay trusted while the provider cannot be reached.
    `deadline_s`: how long one read may take.
    """

    ttl_s: int = 600
    cooldown_s: int = 10
    outage_s: int = 24 * 3600
    deadline_s: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.ttl_s <= self.outage_s:
            raise ValueError("ttl_s must be positive and at most outage_s")
        if self.cooldown_s < 1 or self.deadline_s < 1:
            raise ValueError("cooldown_s and deadline_s must be at least 1 second")


class KeyCache:
    """The provider's keys by kid: one read at a time, few under attack, old keys in an outage."""

    def __init__(self, *, fetch: Fetch, clock: Clock, times: KeyCacheTimes | None = None) -> None:
        self._fetch = fetch
        self._clock = clock
        self._times = times or KeyCacheTimes()
        self._keys: KeyMap = {}
        self._read_at: int | None = None
        self._failed_at: int | None = None
        self._missed_at: int | None = None
        self._reading = asyncio.Lock()

    async def key(self, kid: str) -> EllipticCurvePublicKey:
        """The public key named `kid`, read again from the provider when that is due.

        Raises UnknownKey when no trusted key has the name. Never raises for an outage alone: a known
        key stays good for `outage_s`, and only the one caller that finds a read due waits for it.
        """
        found = self._trusted(kid)
        if found is not None and (self._is_fresh() or self._is_cooling(self._failed_at)):
            return found
        if found is not None and self._reading.locked() and self._failed_at is not None:
            return found
        await self._read_if_due(kid)
        found = self._trusted(kid)
        if found is None:
            raise UnknownKey
        return found

    async def _read_if_due(self, kid: str) -> None:
        try:
            async with asyncio.timeout(2 * self._times.deadline_s), self._reading:
                fresh = self._is_fresh()
                if self._is_cooling(self._failed_at) or (fresh and kid in self._keys):
                    return
                if fresh and self._is_cooling(self._missed_at):
                    return
                await self._read()
                if kid not in self._keys:
                    self._missed_at = self._clock.now_ms()
        except TimeoutError:
            self._failed_at = self._clock.now_ms()

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self._times.deadline_s):
                document = await self._fetch()
            self._keys = parse_keys(document)
        except (KeysUnavailable, TimeoutError):
            self._failed_at = self._clock.now_ms()
            return
        self._read_at = self._clock.now_ms()
        self._failed_at = None

    def _trusted(self, kid: str) -> EllipticCurvePublicKey | None:
        return self._keys.get(kid) if self._is_younger_than(self._times.outage_s) else None

    def _is_fresh(self) -> bool:
        return self._is_younger_than(self._times.ttl_s)

    def _is_younger_than(self, seconds: int) -> bool:
        return self._read_at is not None and self._clock.now_ms() - self._read_at < seconds * MILLISECONDS

    def _is_cooling(self, since_ms: int | None) -> bool:
        return (
            since_ms is not None and self._clock.now_ms() - since_ms < self._times.cooldown_s * MILLISECONDS
        )


def parse_keys(document: bytes) -> dict[str, EllipticCurvePublicKey]:
    """The P-256 signing keys of a JWKS document by kid; other entries are left out.

    Raises KeysUnavailable when the document is malformed or holds no usable key, so that an empty or
    broken answer counts as an outage and not as the removal of every key.
    """
    if len(document) > DOCUMENT_BYTES_MAX:
        raise KeysUnavailable
    try:
        parsed = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise KeysUnavailable from error
    entries = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(entries, list) or len(entries) > KEYS_MAX:
        raise KeysUnavailable
    keys: dict[str, EllipticCurvePublicKey] = {}
    for entry in entries:
        kid = entry.get("kid") if isinstance(entry, dict) else None
        key = _signing_key(entry) if isinstance(entry, dict) else None
        if key is not None and isinstance(kid, str) and 0 < len(kid) <= KID_CHARACTERS_MAX:
            keys[kid] = key
    if not keys:
        raise KeysUnavailable
    return keys


def _signing_key(entry: Mapping[str, object]) -> EllipticCurvePublicKey | None:
    if entry.get("kty") != "EC" or entry.get("crv") != "P-256":
        return None
    if entry.get("use", "sig") != "sig" or entry.get("alg", "ES256") != "ES256":
        return None
    x, y = _coordinate(entry.get("x")), _coordinate(entry.get("y"))
    if x is None or y is None:
        return None
    try:
        return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    except ValueError:  # The point is not on the curve.
        return None


def _coordinate(text: object) -> int | None:
    if not isinstance(text, str):
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return int.from_bytes(raw, "big") if len(raw) == COORDINATE_BYTES else None


def fetch_over_http(url: str, *, deadline_s: int = 2) -> Fetch:
    """A read of the JWKS document at `url`: its own connection, no redirects, bounded time and size."""

    async def fetch() -> bytes:
        limits = aiohttp.ClientTimeout(total=deadline_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=limits) as session,
                session.get(url, allow_redirects=False) as answer,
            ):
                if answer.status != 200:  # noqa: PLR2004 - the one status that carries a document
                    raise KeysUnavailable
                document = bytearray()
                async for piece in answer.content.iter_chunked(16 * 1024):
                    document += piece
                    if len(document) > DOCUMENT_BYTES_MAX:
                        raise KeysUnavailable
                return bytes(document)
        except (aiohttp.ClientError, OSError) as error:
            raise KeysUnavailable from error

    return fetch

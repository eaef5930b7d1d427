"""Identity tokens: what a Privy access or identity token proves, and every reason to refuse one."""

import base64
import binascii
import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from bastion.paper.clock import Clock
from bastion.paper.strike.identity_jwks import KID_CHARACTERS_MAX, MILLISECONDS, KeyCache, UnknownKey

ISSUER: Final = "privy.io"
ALGORITHM: Final = "ES256"
LEEWAY_S_MAX: Final = 30
VERIFIED_TTL_S: Final = 60
VERIFIED_TOKENS_MAX: Final = 10_000
LINKED_ACCOUNTS_MAX: Final = 256

_SUBJECT = re.compile(r"did:privy:[A-Za-z0-9._:-]{1,200}")
_WALLET = re.compile(r"0x[0-9a-fA-F]{40}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
# A header that brings its own key, or asks for rules that we do not have, is refused before anything is
# verified.
_REFUSED_HEADERS = ("jwk", "jku", "x5u", "x5c", "crit", "b64", "zip")


class TokenRefused(Exception):  # noqa: N818 - a refusal is no defect
    """The token proves nothing. The text names the reason for our own tests; no client ever sees it."""


class TokenKind(Enum):
    """The two tokens of a Privy session; the value is the greatest length that is read, in characters."""

    ACCESS = 8 * 1024
    IDENTITY = 20 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a verified token says: the user, its times in seconds since 1970, and linked wallets.

    `wallets` holds lower-case Ethereum addresses in the token's order; an access token carries none.
    """

    subject: str
    issued_at: int
    expires_at: int
    wallets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verified:
    claims: Claims
    kid: str
    key: EllipticCurvePublicKey
    until_ms: int


class TokenVerifier:
    """Verifies tokens of one Privy application: ES256 by a published kid, exact issuer and audience.

    `exp` is exact; the leeway (at most 30 s) only forgives an issuer whose clock runs ahead. A verified
    token is remembered for at most 60 s, never past `exp` and never past its key.
    """

    def __init__(self, *, application: str, keys: KeyCache, clock: Clock, leeway_s: int = 10) -> None:
        if not application:
            raise ValueError("the Privy application id must not be empty")
        if not 0 <= leeway_s <= LEEWAY_S_MAX:
            raise ValueError(f"leeway_s must be between 0 and {LEEWAY_S_MAX}")
        self._application = application
        self._keys = keys
        self._clock = clock
        self._leeway_s = leeway_s
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()

    async def verify(self, token: str, kind: TokenKind) -> Claims:
        """The claims of a token of the given kind. Raises TokenRefused, also when its key is not trusted."""
        if len(token) > kind.value:
            raise TokenRefused("length")
        mark = hashlib.sha256(f"{kind.name} {token}".encode()).digest()
        known = self._verified.get(mark)
        kid = known.kid if known is not None else _kid(token)
        try:
            key = await self._keys.key(kid)
        except UnknownKey as error:
            raise TokenRefused("kid") from error
        if known is not None and known.key is key and self._clock.now_ms() < known.until_ms:
            return known.claims
        claims = self._checked(_payload(token, key, self._application), kind)
        until_ms = min(claims.expires_at * MILLISECONDS, self._clock.now_ms() + VERIFIED_TTL_S * MILLISECONDS)
        self._verified[mark] = _Verified(claims=claims, kid=kid, key=key, until_ms=until_ms)
        self._verified.move_to_end(mark)
        if len(self._verified) > VERIFIED_TOKENS_MAX:
            self._verified.popitem(last=False)
        return claims

    def _checked(self, payload: Mapping[str, Any], kind: TokenKind) -> Claims:
        # PyJWT takes a list as audience and a numeric string as time; Privy sends neither.
        if payload.get("iss") != ISSUER or payload.get("aud") != self._application:
            raise TokenRefused("iss or aud")
        subject = payload.get("sub")
        if not isinstance(subject, str) or _SUBJECT.fullmatch(subject) is None:
            raise TokenRefused("sub")
        session = payload.get("sid")
        if kind is TokenKind.ACCESS and not (isinstance(session, str) and session):
            raise TokenRefused("sid")
        issued_at, expires_at = _seconds(payload, "iat"), _seconds(payload, "exp")
        now_ms = self._clock.now_ms()
        latest_ms = now_ms + self._leeway_s * MILLISECONDS
        if expires_at * MILLISECONDS <= now_ms:
            raise TokenRefused("exp")
        if issued_at * MILLISECONDS > latest_ms or expires_at <= issued_at:
            raise TokenRefused("iat")
        if "nbf" in payload and _seconds(payload, "nbf") * MILLISECONDS > latest_ms:
            raise TokenRefused("nbf")
        wallets = linked_wallets(payload.get("linked_accounts")) if kind is TokenKind.IDENTITY else ()
        return Claims(subject=subject, issued_at=issued_at, expires_at=expires_at, wallets=wallets)


def linked_wallets(linked_accounts: object) -> tuple[str, ...]:
    """The Ethereum wallets of a `linked_accounts` claim, lower-case, each once, in the claim's order.

    The claim is a JSON *string* (Privy's form). Raises TokenRefused for anything else, or when no
    Ethereum wallet is linked.
    """
    if not isinstance(linked_accounts, str):
        raise TokenRefused("linked_accounts is no string")
    try:
        accounts = json.loads(linked_accounts)
    except (ValueError, RecursionError) as error:
        raise TokenRefused("linked_accounts is no JSON") from error
    if not isinstance(accounts, list) or len(accounts) > LINKED_ACCOUNTS_MAX:
        raise TokenRefused("linked_accounts is no list")
    wallets: dict[str, None] = {}
    for account in accounts:
        if not isinstance(account, dict):
            continue
        if account.get("type") != "wallet" or account.get("chain_type") != "ethereum":
            continue
        address = account.get("address")
        if isinstance(address, str) and _WALLET.fullmatch(address) is not None:
            wallets[address.lower()] = None
    if not wallets:
        raise TokenRefused("no Ethereum wallet")
    return tuple(wallets)


def _kid(token: str) -> str:
    if _TOKEN.fullmatch(token) is None:
        raise TokenRefused("form")
    text = token.partition(".")[0]
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        header = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise TokenRefused("header") from error
    if not isinstance(header, dict) or header.get("alg") != ALGORITHM:
        raise TokenRefused("alg")
    if any(name in header for name in _REFUSED_HEADERS):
        raise TokenRefused("header parameters")
    kid = header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= KID_CHARACTERS_MAX:
        raise TokenRefused("kid")
    return kid


def _payload(token: str, key: EllipticCurvePublicKey, application: str) -> Mapping[str, Any]:
    # The times are checked against the venue's clock, so PyJWT, which reads the wall clock, is told not to.
    options: Any = {
        "require": ["exp", "iat", "iss", "aud", "sub"],
        "verify_exp": False,
        "verify_iat": False,
        "verify_nbf": False,
    }
    try:
        return jwt.decode(
            token, key, algorithms=[ALGORITHM], audience=application, issuer=ISSUER, options=options
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise TokenRefused("signature or claims") from error


def _seconds(payload: Mapping[str, Any], name: str) -> int:
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**40:
        raise TokenRefused(name)
    return value

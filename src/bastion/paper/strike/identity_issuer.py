"""A token issuer of our own: tokens in Privy's format and the key document that verifies them.

The embedded venue has no Privy application, so it signs for itself; tests use the same issuer.
"""

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)

from bastion.paper.strike.identity_jwks import COORDINATE_BYTES
from bastion.paper.strike.identity_tokens import ALGORITHM, ISSUER

TOKEN_LIFE_S = 3600


class TokenIssuer:
    """Signs ES256 tokens for one application with one key, which lives in this object's memory only."""

    def __init__(
        self, *, application: str, key: EllipticCurvePrivateKey | None = None, kid: str | None = None
    ) -> None:
        self.application = application
        self.key = key or generate_private_key(SECP256R1())
        self.kid = kid or secrets.token_urlsafe(16)

    def access_token(self, subject: str, *, now_s: int, life_s: int = TOKEN_LIFE_S) -> str:
        """An access token for the user `subject` (`did:privy:...`), from `now_s` for `life_s` seconds."""
        return self.sign(self.access_claims(subject, now_s=now_s, life_s=life_s))

    def identity_token(
        self, subject: str, wallets: Sequence[str], *, now_s: int, life_s: int = TOKEN_LIFE_S
    ) -> str:
        """An identity token that links the user to Ethereum wallets, in the given order."""
        accounts = [
            {
                "type": "wallet",
                "address": wallet,
                "chain_type": "ethereum",
                "wallet_client_type": "privy",
                "lv": now_s,
            }
            for wallet in wallets
        ]
        claims = self.access_claims(subject, now_s=now_s, life_s=life_s)
        return self.sign({**claims, "linked_accounts": json.dumps(accounts), "custom_metadata": "{}"})

    def access_claims(self, subject: str, *, now_s: int, life_s: int = TOKEN_LIFE_S) -> dict[str, Any]:
        """The claims of an access token, unsigned."""
        return {
            "sid": secrets.token_hex(12),
            "iss": ISSUER,
            "iat": now_s,
            "aud": self.application,
            "sub": subject,
            "exp": now_s + life_s,
        }

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The claims as a token signed with this issuer's key, under its kid."""
        return jwt.encode(dict(claims), self.key, algorithm=ALGORITHM, headers={"kid": self.kid})

    def public_key(self) -> dict[str, str]:
        """This issuer's entry in a key document (JWK)."""
        numbers = self.key.public_key().public_numbers()
        return {
            "kty": "EC",
            "crv": "P-256",
            "use": "sig",
            "alg": ALGORITHM,
            "kid": self.kid,
            "x": _encoded(numbers.x),
            "y": _encoded(numbers.y),
        }

    def key_document(self) -> bytes:
        """The JWKS document with this issuer's key."""
        return json.dumps({"keys": [self.public_key()]}).encode()


def _encoded(coordinate: int) -> str:
    return base64.urlsafe_b64encode(coordinate.to_bytes(COORDINATE_BYTES, "big")).rstrip(b"=").decode()

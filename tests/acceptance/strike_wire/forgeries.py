"""Forged and odd tokens: the attack list, one function a case."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bastion.paper.strike.identity_issuer import TokenIssuer

SUBJECT: Final = "did:privy:alice"
Forge = Callable[[TokenIssuer, int], str]


def segment(value: bytes | Mapping[str, Any]) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw_signature(issuer: TokenIssuer, text: str) -> bytes:
    r, s = decode_dss_signature(issuer.key.sign(text.encode(), ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def signed(issuer: TokenIssuer, claims: Mapping[str, Any], **header: object) -> str:
    """A token signed in earnest, whatever its claims and header say; a header of None is left out."""
    full = {"alg": "ES256", "typ": "JWT", "kid": issuer.kid, **header}
    text = f"{segment({k: v for k, v in full.items() if v is not None})}.{segment(claims)}"
    return f"{text}.{segment(raw_signature(issuer, text))}"


def honest(issuer: TokenIssuer, now_s: int, **claims: object) -> dict[str, Any]:
    """The claims of a good token with some of them replaced; None takes a claim away."""
    full = {**issuer.access_claims(SUBJECT, now_s=now_s), **claims}
    return {name: value for name, value in full.items() if value is not None}


def _with(**claims: object) -> Forge:
    return lambda issuer, now_s: signed(issuer, honest(issuer, now_s, **claims))


def _with_header(**header: object) -> Forge:
    return lambda issuer, now_s: signed(issuer, honest(issuer, now_s), **header)


def _unsigned(alg: str) -> Forge:
    return lambda issuer, now_s: (
        f"{segment({'alg': alg, 'kid': issuer.kid})}.{segment(honest(issuer, now_s))}."
    )


def _hmac(secret: Callable[[TokenIssuer], bytes]) -> Forge:
    def forge(issuer: TokenIssuer, now_s: int) -> str:
        text = f"{segment({'alg': 'HS256', 'kid': issuer.kid})}.{segment(honest(issuer, now_s))}"
        return f"{text}.{segment(hmac.digest(secret(issuer), text.encode(), hashlib.sha256))}"

    return forge


def _pem(issuer: TokenIssuer) -> bytes:
    return issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _jwk(issuer: TokenIssuer) -> bytes:
    return json.dumps(issuer.public_key()).encode()


def _wrong_key(issuer: TokenIssuer, now_s: int) -> str:
    stranger = TokenIssuer(application=issuer.application, kid=issuer.kid)
    return signed(stranger, honest(issuer, now_s))


def _tampered(issuer: TokenIssuer, now_s: int) -> str:
    header, _, signature = signed(issuer, honest(issuer, now_s)).split(".")
    return f"{header}.{segment(honest(issuer, now_s, sub='did:privy:mallory'))}.{signature}"


def _signature(make: Callable[[TokenIssuer, str], bytes]) -> Forge:
    def forge(issuer: TokenIssuer, now_s: int) -> str:
        text = signed(issuer, honest(issuer, now_s)).rpartition(".")[0]
        return f"{text}.{segment(make(issuer, text))}"

    return forge


def _der(issuer: TokenIssuer, text: str) -> bytes:
    raw = raw_signature(issuer, text)
    return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


def _unknown_kid(issuer: TokenIssuer, now_s: int) -> str:
    stranger = TokenIssuer(application=issuer.application)
    return signed(stranger, honest(issuer, now_s))


def _embedded_key(issuer: TokenIssuer, now_s: int) -> str:
    stranger = TokenIssuer(application=issuer.application)
    return signed(stranger, honest(issuer, now_s), kid=issuer.kid, jwk=stranger.public_key())


def _expired(issuer: TokenIssuer, now_s: int) -> str:
    return signed(issuer, honest(issuer, now_s, iat=now_s - 3600, exp=now_s))


def _future(claim: str) -> Forge:
    return lambda issuer, now_s: signed(issuer, honest(issuer, now_s, **{claim: now_s + 600}))


def _text_exp(issuer: TokenIssuer, now_s: int) -> str:
    return signed(issuer, honest(issuer, now_s, exp=str(now_s + 3600)))


def _list_aud(issuer: TokenIssuer, now_s: int) -> str:
    return signed(issuer, honest(issuer, now_s, aud=[issuer.application]))


LIST: Final[Mapping[str, Forge]] = {
    "alg none": _unsigned("none"),
    "alg NONE": _unsigned("NONE"),
    "alg nOnE": _unsigned("nOnE"),
    "HS256 with the public key as PEM": _hmac(_pem),
    "HS256 with the public key as JWK": _hmac(_jwk),
    "wrong key under the right kid": _wrong_key,
    "tampered payload": _tampered,
    "empty signature": _signature(lambda _issuer, _text: b""),
    "signature of zeros": _signature(lambda _issuer, _text: bytes(64)),
    "signature in DER": _signature(_der),
    "wrong audience": _with(aud="another-application"),
    "missing audience": _with(aud=None),
    "audience as a list": _list_aud,
    "wrong issuer": _with(iss="https://privy.io"),
    "missing issuer": _with(iss=None),
    "expired": _expired,
    "missing exp": _with(exp=None),
    "exp as a numeric string": _text_exp,
    "nbf in the future": _future("nbf"),
    "iat in the future": _future("iat"),
    "missing sub": _with(sub=None),
    "sub that is no Privy DID": _with(sub="did:web:alice"),
    "missing kid": _with_header(kid=None),
    "unknown kid": _unknown_kid,
    "embedded jwk": _embedded_key,
    "unknown crit": _with_header(crit=["exp-policy"], **{"exp-policy": "x"}),
}
"""The 26 cases."""

MORE: Final[Mapping[str, Forge]] = {
    "missing sid": _with(sid=None),
    "missing iat": _with(iat=None),
    "exp as true": _with(exp=True),
    "exp as a fraction": lambda issuer, now_s: signed(issuer, honest(issuer, now_s, exp=now_s + 0.5)),
    "exp before iat": lambda issuer, now_s: signed(
        issuer, honest(issuer, now_s, iat=now_s + 9, exp=now_s + 8)
    ),
    "sub with other characters": _with(sub="did:privy:a b"),
    "kid that is no text": _with_header(kid=7),
    "key by address": _with_header(jku="http://127.0.0.1:1/jwks.json"),
    "certificate by address": _with_header(x5u="http://127.0.0.1:1/cert"),
    "ES256 in lower case": _with_header(alg="es256"),
    "signed as ES384": _with_header(alg="ES384"),
    "unencoded payload": _with_header(b64=False),
    "payload that is no object": lambda issuer, _now_s: signed(issuer, [1]),  # type: ignore[arg-type]
    "longer than 8 KiB": _with(pad="x" * 8192),
    "two segments": lambda issuer, now_s: signed(issuer, honest(issuer, now_s)).rpartition(".")[0],
    "four segments": lambda issuer, now_s: signed(issuer, honest(issuer, now_s)) + ".e30",
    "padding characters": lambda issuer, now_s: signed(issuer, honest(issuer, now_s)) + "=",
    "no token at all": lambda _issuer, _now_s: "x",
}

"""Signed: one request as it leaves, and what the encoders share."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit

from bastion.shape import dataclass

Parameters = Mapping[str, object] | Sequence[Mapping[str, object]]
"""The fields of one request, or those of each item where the venue's body is a list."""

_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*", re.ASCII)
_PLAIN_FORM = re.compile(r"[A-Za-z0-9_.~&=-]*", re.ASCII)
JSON_HEADERS: Mapping[str, str] = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """One request: `url` is written as it goes out, `body` None for none."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


class Encoder(Protocol):
    """Writes the requests of one account."""

    def encode(self, method: str, params: Parameters, *, stamp_ms: int) -> Signed | None:
        """Return the request that ccxt's raw method of that name would send at that millisecond.

        None where this encoder does not know the method, or cannot sign as the credential asks: ccxt does.
        """
        ...


class Mac:
    """HMAC-SHA256 with one key, made ready once."""

    __slots__ = ("_begun",)

    def __init__(self, secret: str) -> None:
        self._begun = hmac.new(secret.encode(), digestmod=hashlib.sha256)

    def hex(self, text: str) -> str:
        """Return the signature of a text in hexadecimal."""
        return self._of(text).hexdigest()

    def digest(self, text: str) -> bytes:
        """Return the signature of a text."""
        return self._of(text).digest()

    def _of(self, text: str) -> hmac.HMAC:
        begun = self._begun.copy()
        begun.update(text.encode())
        return begun


def form(params: Mapping[str, object]) -> str:
    """Return parameters as a query or a form body."""
    text = "&".join([f"{name}={_text(value)}" for name, value in params.items()])
    count = len(params)
    if count and text.count("=") == count and text.count("&") == count - 1 and _PLAIN_FORM.fullmatch(text):
        return text
    return "&".join([f"{_quoted(name)}={_quoted(_text(value))}" for name, value in params.items()])


def raw_form(params: Mapping[str, object]) -> str:
    """Return parameters as a query that quotes nothing."""
    text = form(params)
    return unquote(text) if "%" in text else text


def document(params: object) -> str:
    """Return parameters as a JSON body."""
    return json.dumps(params, separators=(",", ":"))


def rooted(base_url: str | None, public: str) -> str:
    """Return a public URL, or its path behind the account's own base URL."""
    return public if base_url is None else base_url.rstrip("/") + urlsplit(public).path


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else quote(text, safe="")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)

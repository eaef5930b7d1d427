"""Credential: what a venue gave its user, in the field names that ccxt uses, and how it is read from text."""

import json
import re
import tomllib
from collections.abc import Mapping

from bastion.errors import VaultUnusable
from bastion.shape import dataclass

TEXT_LENGTH_MAX = 20_000
TWO_LINES = 2

# Every spelling that venues and libraries use, without case, dashes, underscores and spaces.
_FIELDS = {
    "apikey": "apiKey",
    "key": "apiKey",
    "accesskey": "apiKey",
    "publickey": "apiKey",
    "secret": "secret",
    "apisecret": "secret",
    "secretkey": "secret",
    "apisecretkey": "secret",
    "passphrase": "password",
    "password": "password",
    "apipassphrase": "password",
    "walletaddress": "walletAddress",
    "wallet": "walletAddress",
    "accesstoken": "accessToken",
    "privytoken": "accessToken",
    "jwt": "accessToken",
    "identitytoken": "identityToken",
    "privyidtoken": "identityToken",
    "privatekey": "privateKey",
    "uid": "uid",
}
_LINE = re.compile(r"""\s*["']?([A-Za-z][A-Za-z0-9_\- ]*?)["']?\s*[=:]\s*(.*?)\s*,?\s*""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One credential of the vault; its repr and its error texts hold no value.

    The fields are `apiKey` and `secret`, or `walletAddress` with `privateKey`, `apiKey` or `accessToken` (and
    `identityToken`), and `password` where the venue has one.
    """

    name: str
    fields: Mapping[str, str]

    def __repr__(self) -> str:
        """Name the credential and its fields without a value."""
        return f"Credential({self.name!r}, fields={sorted(self.fields)})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must never appear in a log, an error or an answer."""
        return tuple(value for name, value in self.fields.items() if name != "walletAddress")

    @property
    def complete(self) -> bool:
        """Whether a pair is there that can sign, or that some venue takes as it is."""
        names = set(self.fields)
        if {"apiKey", "secret"} <= names:
            return True
        return "walletAddress" in names and bool(names & {"privateKey", "apiKey", "accessToken"})


def read_credential(name: str, text: str) -> Credential:
    """Return the credential that a person or a program wrote.

    Understood are a JSON object, lines `name = value` or `name: value` (TOML among them), and two bare lines:
    the key, then the secret. Field names are read without regard to case, dashes and underscores.

    Raises:
        VaultUnusable: the text is none of these; the error names the fields, never a value.
    """
    stripped = text.removeprefix("\ufeff").strip()
    if not stripped:
        raise VaultUnusable(
            "Nothing came on standard input; a credential is expected there. Nothing was stored."
        )
    if len(stripped) > TEXT_LENGTH_MAX:
        raise VaultUnusable(f"A credential is at most {TEXT_LENGTH_MAX} characters. Nothing was stored.")
    credential = Credential(name=name, fields=_named(_pairs(stripped)))
    if not credential.complete:
        found = ", ".join(sorted(credential.fields)) or "nothing"
        raise VaultUnusable(
            "A credential needs api_key and secret, or wallet_address and private_key (and passphrase where "
            "the venue has one), or, for strike, wallet_address and api_key or access_token; "
            f"found {found}. Nothing was stored."
        )
    return credential


def _pairs(text: str) -> dict[str, object]:
    if text.startswith("{"):
        try:
            value = json.loads(text)
        except ValueError:
            raise VaultUnusable("Standard input starts like JSON but is none. Nothing was stored.") from None
        if not isinstance(value, dict):
            raise VaultUnusable("The JSON on standard input must be one object. Nothing was stored.")
        return value
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return _lines(text)
    # An address or a key in hex digits, without quotes, is a number in TOML.
    return _lines(text) if any(isinstance(item, int) for item in value.values()) else value


def _lines(text: str) -> dict[str, object]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    matches = [_LINE.fullmatch(line) for line in lines]
    known = [match for match in matches if match is not None and _plain(match.group(1)) in _FIELDS]
    if len(known) == len(lines):
        return {match.group(1): match.group(2).strip("\"'") for match in known}
    if len(lines) == TWO_LINES and not known:
        return {"api_key": lines[0].strip(), "secret": lines[1].strip()}
    raise VaultUnusable(
        "Standard input is no credential: write a JSON object, or lines such as api_key=... and secret=..., "
        "or the key and the secret on two lines. Nothing was stored."
    )


def _plain(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


def _named(pairs: Mapping[str, object]) -> dict[str, str]:
    fields: dict[str, str] = {}
    inner = next(iter(pairs.values()), None)
    if len(pairs) == 1 and isinstance(inner, dict):
        pairs = inner  # One table around the fields, as in a file that holds one section for each venue.
    for given, value in pairs.items():
        field = _FIELDS.get(_plain(given))
        if field is None:
            raise VaultUnusable(
                f"The field {given[:40]!r} is unknown; known are api_key, secret, passphrase, "
                "wallet_address, private_key, access_token and identity_token. Nothing was stored."
            )
        if not isinstance(value, str) or not value.strip():
            if value is None or value == "":
                continue
            raise VaultUnusable(f"The field {given[:40]!r} must be text. Nothing was stored.")
        if field in fields:
            raise VaultUnusable(f"The field {given[:40]!r} is given twice. Nothing was stored.")
        # A PEM key pasted into one line keeps its line breaks as the two characters backslash and n.
        fields[field] = value.strip().replace("\\n", "\n")
    return fields

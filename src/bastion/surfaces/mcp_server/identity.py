"""Identity: which keys came with a call, by which way, and the one principal that they name.

A key can come as the tool's `api_key` argument (the documented form), in a header (`Authorization: Bearer` or
`X-API-Key`), in the query of the Streamable HTTP address, or, over stdio, in the environment variable
BASTION_API_KEY. Every key that came must be good, and all must name the same principal: none is picked over
another. A key is never part of a message.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from bastion.domain.principal import Principal
from bastion.errors import KeyRefused
from bastion.shape import dataclass

SURFACE = "mcp"
QUERY_KEYS = "bastion.query_keys"
"""Where the HTTP door leaves the keys that it took out of the query: a tuple of texts in the ASGI scope."""
ENVIRONMENT_KEY = "bastion-environment-key"
"""The header in which `bastion mcp` hands the BASTION_API_KEY of its environment on to the daemon."""
_ARGUMENT_LENGTH_MAX = 200


class KeyCheck(Protocol):
    """Tells who holds a key; `bastion.auth.keys.Keys` is one."""

    def authenticate(self, text: str | None, *, surface: str) -> Principal:
        """Return who holds the key.

        Raises:
            KeyRefused: the key is missing, malformed, unknown, revoked or expired.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """One key as it came; its text never appears in a repr."""

    way: str
    text: str

    def __repr__(self) -> str:
        """Name the way and not the key."""
        return f"Presented({self.way})"


def from_headers(headers: Iterable[tuple[str, str]]) -> tuple[Presented, ...]:
    """Return the keys in the headers, in their order; an empty one counts as none."""
    found: list[Presented] = []
    for name, value in headers:
        text = value.strip()
        if name.lower() == "x-api-key" and text:
            found.append(Presented(way="the X-API-Key header", text=text))
        elif name.lower() == ENVIRONMENT_KEY and text:
            found.append(Presented(way="BASTION_API_KEY", text=text))
        elif name.lower() == "authorization":
            scheme, _, token = text.partition(" ")
            if scheme.lower() == "bearer" and token.strip():
                found.append(Presented(way="the Authorization header", text=token.strip()))
    return tuple(found)


def from_query(texts: Sequence[str]) -> tuple[Presented, ...]:
    """Return the keys that the HTTP door took out of the query."""
    return tuple(Presented(way="the query", text=text.strip()) for text in texts if text.strip())


def from_environment(environment: Mapping[str, str]) -> tuple[Presented, ...]:
    """Return the key in BASTION_API_KEY, where it is set and not empty."""
    text = environment.get("BASTION_API_KEY", "").strip()
    return (Presented(way="BASTION_API_KEY", text=text),) if text else ()


def from_argument(value: object) -> tuple[Presented, ...]:
    """Return the key given as `api_key`; null and the empty text count as not given.

    Raises:
        KeyRefused: it is no text, or longer than any key.
    """
    if value is None:
        return ()
    if not isinstance(value, str) or len(value) > _ARGUMENT_LENGTH_MAX:
        raise KeyRefused("`api_key` must be a bastion key: a text of the form bst_... Nothing was done.")
    text = value.strip()
    return (Presented(way="`api_key`", text=text),) if text else ()


def identify(keys: KeyCheck, presented: Sequence[Presented]) -> Principal:
    """Return the one principal that every presented key names.

    Raises:
        KeyRefused: no key came, one of them is no good, or two name different principals.
    """
    if not presented:
        return keys.authenticate(None, surface=SURFACE)
    principals: list[Principal] = []
    for key in presented:
        try:
            principals.append(keys.authenticate(key.text, surface=SURFACE))
        except KeyRefused as refusal:
            text = f"The key in {key.way} was refused. {refusal} Nothing was done."
            raise KeyRefused(text, key_id=refusal.key_id) from None
    first = principals[0]
    for key, principal in zip(presented[1:], principals[1:], strict=True):
        if principal.id != first.id:
            raise KeyRefused(
                f"The keys in {presented[0].way} and in {key.way} belong to different principals. "
                "Send one of them only. Nothing was done."
            )
    return first

"""Fields: a JSON body, read strictly; the venue answers HTTP 422 to what does not fit its types."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from bastion.paper.wire.hyperliquid.answers import Unreadable
from bastion.paper.wire.protocol import WireRequest

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_CLOID = re.compile(r"0x[0-9a-fA-F]{32}", re.ASCII)
_MOST_DIGITS = 30


class Fields:
    """One JSON object."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise Unreadable
        self.values: Mapping[str, object] = value

    @classmethod
    def of(cls, request: WireRequest) -> "Fields":
        """Read the body of a request; raises `Unreadable`."""
        try:
            return cls(json.loads(request.body))
        except (ValueError, RecursionError):
            raise Unreadable from None

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self.values.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; without `default` it is mandatory."""
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise Unreadable
        return value

    def whole(self, name: str) -> int:
        """Return a whole number that is not negative."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise Unreadable
        return value

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self.values.get(name)
        if not isinstance(value, bool):
            raise Unreadable
        return value

    def number(self, name: str) -> Decimal:
        """Return a decimal number, written as a text, that is not negative."""
        text = self.text(name)
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise Unreadable from None
        if not value.is_finite() or value < 0 or len(text) > _MOST_DIGITS or "e" in text.lower():
            raise Unreadable
        return value

    def address(self, name: str) -> str:
        """Return an address in lower case; the venue takes it with `0x` only."""
        text = self.text(name)
        if not _ADDRESS.fullmatch(text):
            raise Unreadable
        return text.lower()

    def inner(self, name: str) -> "Fields":
        """Return an inner object."""
        return Fields(self.values.get(name))

    def items(self, name: str) -> list["Fields"]:
        """Return a list of objects."""
        value = self.values.get(name)
        if not isinstance(value, list):
            raise Unreadable
        return [Fields(item) for item in value]


def is_cloid(value: object) -> bool:
    """Whether a value is a client id: `0x` and 32 hex digits."""
    return isinstance(value, str) and bool(_CLOID.fullmatch(value))


def is_address(text: str) -> bool:
    """Whether a text is an address."""
    return bool(_ADDRESS.fullmatch(text))

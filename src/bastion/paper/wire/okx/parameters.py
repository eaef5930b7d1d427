"""Parameters: the fields of a request, read from the query or the JSON body, checked one by one.

The venue ignores fields that it does not know; so does this. What it documents and the paper exchange does
not model is refused by name.
"""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from bastion.paper.wire.okx.envelope import BAD_JSON, OkxError, missing, not_modelled, wrong
from bastion.paper.wire.protocol import WireRequest

_ABSENT = (None, "")
# Figures beyond these have no place on an exchange, and would burst the arithmetic behind it.
_DIGITS_BEFORE_POINT = 15
_DIGITS_AFTER_POINT = 18
_FLAGS = {"true": True, "false": False}


class Parameters:
    """Named fields of one request, or of one order in a batch."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def has(self, name: str) -> bool:
        """Whether the field was sent with a value; null and empty strings count as absent."""
        return self._values.get(name) not in _ABSENT

    def text(self, name: str, default: str = "") -> str:
        """Return a string field; a JSON number is read as its digits, as the venue does."""
        value = self._values.get(name)
        if value in _ABSENT:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise wrong(name)
        return str(value)

    def required(self, name: str) -> str:
        """Return a string field that must be there."""
        if not self.has(name):
            raise missing(name)
        return self.text(name)

    def choice(self, name: str, allowed: Iterable[str], default: str = "") -> str:
        """Return a string field that must be one of `allowed`; absent gives `default`."""
        value = self.text(name, default)
        if value != default and value not in allowed:
            raise wrong(name)
        return value

    def must_choose(self, name: str, allowed: Iterable[str]) -> str:
        """Return a string field that must be there and be one of `allowed`."""
        value = self.required(name)
        if value not in allowed:
            raise wrong(name)
        return value

    def number(self, name: str) -> Decimal | None:
        """Return a decimal field; None when absent."""
        text = self.text(name)
        if not text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise wrong(name) from None
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int):
            raise wrong(name)
        if value.adjusted() > _DIGITS_BEFORE_POINT or exponent < -_DIGITS_AFTER_POINT:
            raise wrong(name)
        return value

    def integer(self, name: str) -> int | None:
        """Return a whole-number field; None when absent."""
        text = self.text(name)
        if not text:
            return None
        if not text.isascii() or not text.removeprefix("-").isdecimal():
            raise wrong(name)
        return int(text)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean field, sent as JSON or as a string."""
        value = self._values.get(name)
        if value in _ABSENT:
            return default
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _FLAGS:
            return _FLAGS[value.lower()]
        raise wrong(name)

    def refuse(self, names: Iterable[str]) -> None:
        """Raise for the first of `names` that was sent: the venue knows it, the paper exchange does not."""
        for name in names:
            if self.has(name) and self._values[name] not in (False, "false", [], "0"):
                raise not_modelled(f"The parameter {name}")


def read(request: WireRequest) -> list[Parameters]:
    """Return the field groups of a request: one for a query or an object, one for each item of a list.

    Raises:
        OkxError: the body is no JSON object and no list of them.
    """
    if request.method == "GET":
        return [Parameters(dict(request.query_pairs()))]
    try:
        body: object = json.loads(request.body or b"{}", parse_float=Decimal)
    except (ValueError, RecursionError):
        raise OkxError(BAD_JSON, "JSON syntax error", status=400) from None
    found: list[Parameters] = []
    for item in body if isinstance(body, list) else [body]:
        if not isinstance(item, dict):
            raise OkxError(BAD_JSON, "JSON syntax error", status=400)
        found.append(Parameters({str(name): value for name, value in item.items()}))
    return found

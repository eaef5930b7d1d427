"""Parameters: the fields of a request, read from the query or the JSON body, checked one by one.

The venue ignores fields that it does not know; so does this. What it documents and the paper exchange does
not model is refused by name.
"""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from bastion.paper.wire.bybit.envelope import not_modelled, wrong
from bastion.paper.wire.protocol import WireRequest

_ABSENT = (None, "")
# Figures beyond these have no place on an exchange, and would burst the arithmetic behind it.
_DIGITS_BEFORE_POINT = 15
_DIGITS_AFTER_POINT = 18


class Parameters:
    """Named fields of one request, or of one order in a batch."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    @classmethod
    def of(cls, request: WireRequest) -> "Parameters":
        """Read the query of a GET or the JSON body of a POST; raises `BybitError` for a malformed body."""
        if request.method == "GET":
            return cls(dict(request.query_pairs()))
        try:
            body: object = json.loads(request.body or b"{}")
        except (ValueError, RecursionError):
            raise wrong("Request parameter error: the body is not valid JSON.") from None
        if not isinstance(body, dict):
            raise wrong("Request parameter error: the body must be a JSON object.")
        return cls({str(name): value for name, value in body.items()})

    def has(self, name: str) -> bool:
        """Whether the field was sent with a value; null and empty strings count as absent."""
        return self._values.get(name) not in _ABSENT

    def text(self, name: str, default: str = "") -> str:
        """Return a string field."""
        value = self._values.get(name)
        if value in _ABSENT:
            return default
        if not isinstance(value, str):
            raise wrong(f"Request parameter error: {name} must be a string.")
        return value

    def required(self, name: str) -> str:
        """Return a string field that must be there."""
        if not self.has(name):
            raise wrong(f"params error: {name} is required")
        return self.text(name)

    def choice(self, name: str, allowed: Iterable[str], default: str = "") -> str:
        """Return a string field that must be one of `allowed`."""
        value = self.text(name, default)
        if value and value not in allowed:
            raise wrong(f"params error: {name} invalid")
        return value

    def number(self, name: str) -> Decimal | None:
        """Return a decimal field, which the venue takes as a string; None when absent."""
        text = self.text(name)
        if not text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise wrong(f"params error: {name} invalid") from None
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int):
            raise wrong(f"params error: {name} invalid")
        if value.adjusted() > _DIGITS_BEFORE_POINT or exponent < -_DIGITS_AFTER_POINT:
            raise wrong(f"params error: {name} invalid")
        return value

    def integer(self, name: str) -> int | None:
        """Return an integer field, sent as a number or as its digits; None when absent."""
        value = self._values.get(name)
        if value in _ABSENT:
            return None
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise wrong(f"Request parameter error: {name} must be an integer.")
        try:
            return int(value)
        except ValueError:
            raise wrong(f"params error: {name} invalid") from None

    def flag(self, name: str) -> bool:
        """Return a boolean field; absent means false."""
        value = self._values.get(name)
        if value in _ABSENT:
            return False
        if not isinstance(value, bool):
            raise wrong(f"Request parameter error: {name} must be a boolean.")
        return value

    def items(self, name: str, *, at_most: int) -> list["Parameters"]:
        """Return a list of objects, one for each order of a batch."""
        value = self._values.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
            raise wrong(f"params error: {name} must be a list of objects")
        if len(value) > at_most:
            raise wrong(f"The number of orders in a batch exceeds the limit of {at_most}.")
        return [Parameters(item) for item in value]

    def count(self, name: str) -> int:
        """Return how many items a list holds; at least 1, whatever was sent."""
        value = self._values.get(name)
        return max(len(value), 1) if isinstance(value, list) else 1

    def refuse(self, names: Iterable[str]) -> None:
        """Raise for the first of `names` that was sent: the venue knows it, the paper exchange does not."""
        for name in names:
            if self.has(name) and self._values[name] not in (False, "0", 0):
                raise not_modelled(f"The parameter {name}")

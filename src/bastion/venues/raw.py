"""Parse: raw answers, believed only in their documented shape.

What is mandatory and missing, of a wrong type or no number raises `AnswerMalformed`; what is optional and
odd reads as absent. JSON numbers become `Decimal`, never float.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import TypeVar

from bastion.domain.money import ZERO
from bastion.errors import AnswerMalformed

STABLECOINS = frozenset({"USD", "USDT", "USDC", "FDUSD", "BUSD", "USDE", "TUSD", "BFUSD", "RLUSD", "USD1"})
"""Coins that count 1:1 as US dollars (a decision of this project, not a venue's word)."""

EXCERPT_LENGTH = 160

R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """One raw HTTP answer: status, lower-case headers, and the body as text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @cached_property
    def digest(self) -> str:
        """The SHA-256 hash of the body, by which a record can name it."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def value(self) -> object:
        """The body as JSON.

        Raises:
            AnswerMalformed: the body is no complete JSON document.
        """
        try:
            return _DECODER.decode(self.text)
        except (ValueError, RecursionError):
            raise AnswerMalformed(f"not JSON (HTTP {self.status}): {excerpt(self.text)}") from None

    def header_decimal(self, name: str) -> Decimal | None:
        """Return a header as a finite number, or None where it is absent or odd."""
        return _number(self.headers.get(name.lower()))


def excerpt(text: str) -> str:
    """Return the beginning of a body on one line, for an error text."""
    flat = " ".join(text.split())
    return repr(flat[:EXCERPT_LENGTH]) if flat else "an empty body"


class Row:
    """One JSON object of an answer; `where` names it in errors."""

    __slots__ = ("_value", "where")

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise AnswerMalformed(f"{where}: an object was expected, {type(value).__name__} came")
        self._value: dict[str, object] = value
        self.where = where

    def __contains__(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._value.get(name) is not None

    def raw(self, name: str) -> object:
        """Return a field as it came, None where it is absent."""
        return self._value.get(name)

    def text(self, name: str) -> str:
        """Return a mandatory, non-empty text; an integer id counts as text."""
        value = self.text_or(name)
        if not value:
            raise self._malformed(name, "a text")
        return value

    def text_or(self, name: str, default: str = "") -> str:
        """Return a text, or `default` where the field is absent or odd."""
        value = self._value.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int):
            return default
        return str(value)

    def decimal(self, name: str) -> Decimal:
        """Return a mandatory finite number, written as text or as a JSON number."""
        number = _number(self._value.get(name))
        if number is None:
            raise self._malformed(name, "a number")
        return number

    def decimal_or_none(self, name: str) -> Decimal | None:
        """Return a number, or None where the field is absent, empty or odd."""
        return _number(self._value.get(name))

    def positive_or_none(self, name: str) -> Decimal | None:
        """Return a number above zero, or None; venues write 0 or an empty text for 'none'."""
        number = _number(self._value.get(name))
        return number if number is not None and number > ZERO else None

    def moment_or_none(self, name: str) -> int | None:
        """Return a time in milliseconds since the epoch, or None; venues write 0 for 'never'."""
        number = self.positive_or_none(name)
        return None if number is None else int(number)

    def integer(self, name: str) -> int:
        """Return a mandatory whole number."""
        number = self.decimal(name)
        if number != number.to_integral_value():
            raise self._malformed(name, "a whole number")
        return int(number)

    def flag(self, name: str) -> bool:
        """Return whether a field is true, as JSON or as text; absent is false."""
        value = self._value.get(name)
        return value is True or (isinstance(value, str) and value.strip().lower() == "true")

    def row(self, name: str) -> "Row":
        """Return a mandatory inner object."""
        return Row(self._value.get(name), f"{self.where}.{name}")

    def rows(self, name: str) -> tuple["Row", ...]:
        """Return a mandatory inner list of objects."""
        return read_rows(self._value.get(name), f"{self.where}.{name}")

    def _malformed(self, name: str, expected: str) -> AnswerMalformed:
        found = self._value.get(name)
        shown = "nothing" if found is None else repr(found)[:40]
        return AnswerMalformed(f"{self.where}: {name} must be {expected}, {shown} came")


def read_rows(value: object, where: str) -> tuple[Row, ...]:
    """Return a JSON list of objects.

    Raises:
        AnswerMalformed: it is no list, or an item is no object.
    """
    if not isinstance(value, list):
        raise AnswerMalformed(f"{where}: a list was expected, {type(value).__name__} came")
    return tuple(Row(item, f"{where}[{index}]") for index, item in enumerate(value))


def believed(rows: Iterable[R], parse: Callable[[R], T | None]) -> tuple[tuple[T, ...], str]:
    """Return what the rows of a list mean, and why the list is not whole; that text is empty where it is.

    One odd row must not keep the others from being acted on, nor may a list that has one prove anything. A
    row of which `parse` makes None says nothing.
    """
    found: list[T] = []
    doubt = ""
    for row in rows:
        try:
            item = parse(row)
        except AnswerMalformed as error:
            doubt = doubt or str(error)
            continue
        if item is not None:
            found.append(item)
    return tuple(found), doubt


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _refuse(name: str) -> object:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse)


def plain(number: Decimal) -> str:
    """Return a number as venues want it written: no exponent, no trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text

"""Outgoing: a request as its bytes say, with every ambiguity refused."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from bastion.shape import dataclass

BODY_BYTES_MAX = 262_144
Value = TypeVar("Value")
JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


class GateRefused(Exception):  # noqa: N818 - named for what is known after it
    """The request may do something else than read, cancel or reduce; it must not leave."""


class Passed(StrEnum):
    """What a request that may leave does."""

    READ = "read"
    CANCEL = "cancel"
    REDUCE = "reduce"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One HTTP request: `target` is path and query as on the request line, `body` the exact bytes."""

    method: str
    target: str
    body: bytes = b""
    content_type: str = ""

    @property
    def path(self) -> str:
        """The path without the query.

        Raises:
            GateRefused: it holds what a server may read as another path.
        """
        path = urlsplit(self.target).path
        if not path.startswith("/") or "//" in path or "%" in path or ".." in path or "\\" in path:
            raise GateRefused("the path is written in a way that can be read twice")
        return path.rstrip("/")

    def query(self) -> Mapping[str, str]:
        """Return the parameters of the query, each named once.

        Raises:
            GateRefused: a name comes twice.
        """
        return _once(_pairs(urlsplit(self.target).query))

    def form(self) -> Mapping[str, str]:
        """Return the parameters of query and form body together, each named once.

        Raises:
            GateRefused: a name comes twice, or the body is no form.
        """
        pairs = _pairs(urlsplit(self.target).query)
        if self.body:
            if self.content_type.partition(";")[0].strip().lower() not in {FORM_TYPE, ""}:
                raise GateRefused("the body is not a form")
            pairs += _pairs(self._text())
        return _once(pairs)

    def document(self) -> object:
        """Return the JSON body; a name that comes twice in an object, and a non-number, are refused.

        Raises:
            GateRefused: it is no JSON that every reader reads alike.
        """
        return read_json(self._text())

    def _text(self) -> str:
        if len(self.body) > BODY_BYTES_MAX:
            raise GateRefused("the body is longer than any request of ours")
        try:
            return self.body.decode("utf-8")
        except UnicodeDecodeError:
            raise GateRefused("the body is not UTF-8") from None


def read_json(text: str) -> object:
    """Return a JSON document that every reader reads alike.

    Raises:
        GateRefused: it is malformed, names a field twice, or holds a number that JSON does not have.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise GateRefused("the body is not JSON") from None


def objects(value: object, where: str) -> Sequence[Mapping[str, object]]:
    """Return a list of at least one object.

    Raises:
        GateRefused: it is none.
    """
    if not isinstance(value, list) or not value:
        raise GateRefused(f"{where} is no list of orders")
    return [an_object(item, where) for item in value]


def an_object(value: object, where: str) -> Mapping[str, object]:
    """Return a JSON object.

    Raises:
        GateRefused: it is none.
    """
    if not isinstance(value, dict):
        raise GateRefused(f"{where} is no object")
    return value


def _pairs(text: str) -> list[tuple[str, str]]:
    # Where nothing is quoted there are names and values alone; the library takes five times as long for them.
    if "%" in text or "+" in text:
        return parse_qsl(text, keep_blank_values=True)
    return [(name, value) for one in text.split("&") if one for name, _, value in [one.partition("=")]]


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return dict(_once(pairs))


def _once(pairs: Sequence[tuple[str, Value]]) -> Mapping[str, Value]:
    found = dict(pairs)
    # `ReduceOnly` beside `reduceOnly` is the same trick: who reads loosely takes either.
    if len(found) != len(pairs) or len({name.lower() for name in found}) != len(found):
        raise GateRefused("a parameter is named twice")
    return found


def _no_number(name: str) -> object:
    raise ValueError(name)

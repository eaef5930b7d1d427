"""Fields: request bodies read strictly, each field with the JSON Schema that the document shows for it."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

from bastion.paper.strike.identity import wallet_address
from bastion.paper.strike.money import parse_micro
from bastion.paper.wire.strike.answers import Refusal

BODY_BYTES_MAX: Final = 16 * 1024
POSITION_ID_MAX: Final = 2**63 - 1
BAD_WALLET: Final = "Invalid wallet address format"

WALLET_PATTERN: Final = "^0x[0-9a-fA-F]{40}$"
HASH_PATTERN: Final = "^0x[0-9a-fA-F]{64}$"
AMOUNT_PATTERN: Final = r"^[0-9]{1,15}(\.[0-9]{1,6})?$"
ZERO_PATTERN: Final = r"^[0.]+$"
BELOW_ONE_PATTERN: Final = r"^0+(\.|$)"
TIME_PATTERN: Final = (
    "^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z$"
)

_HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}")
_TIME: Final = re.compile(TIME_PATTERN.strip("^$"))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One required field of a body: its schema, and the reader that raises Refusal for anything else."""

    schema: Schema
    read: Callable[[str, object], int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A body that was read; every field is there and has its type."""

    values: Mapping[str, int | str]

    def integer(self, name: str) -> int:
        """An integer field; amounts are micro-USD and times microseconds since 1970."""
        value = self.values[name]
        if not isinstance(value, int):
            raise TypeError(name)
        return value

    def text(self, name: str) -> str:
        """A text field in its normal form (addresses and hashes in lower case)."""
        value = self.values[name]
        if not isinstance(value, str):
            raise TypeError(name)
        return value


def bad(message: str) -> NoReturn:
    """Refuse a request for its shape."""
    raise Refusal(400, message)


def parse_object(raw: bytes) -> dict[str, object]:
    """The body as a JSON object. Raises Refusal for bad UTF-8, NaN, duplicate names and any other type."""
    try:
        parsed = json.loads(
            raw.decode("utf-8"),
            parse_constant=lambda name: bad(f"{name} is not JSON"),
            object_pairs_hook=_unique,
        )
    except (ValueError, RecursionError):
        bad("Request body must be valid JSON in UTF-8")
    if not isinstance(parsed, dict):
        bad("Request body must be a JSON object")
    return parsed


def read_body(raw: bytes, fields: Mapping[str, Field]) -> Body:
    """The fields of a body. Raises Refusal when one is missing, unknown or of the wrong shape."""
    if len(raw) > BODY_BYTES_MAX:
        bad(f"Request body must be at most {BODY_BYTES_MAX} bytes")
    parsed = parse_object(raw)
    for name in parsed:
        if name not in fields:
            bad(f"Unknown field; allowed: {', '.join(fields)}")
    for name in fields:
        if name not in parsed:
            bad(f"Field '{name}' is required")
    return Body(values={name: field.read(name, parsed[name]) for name, field in fields.items()})


def integer_field(*, minimum: int, maximum: int, description: str) -> Field:
    """A JSON integer within bounds; `true` and `1.0` are none."""

    def read(name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            bad(f"Field '{name}' must be an integer from {minimum} to {maximum}")
        return value

    schema = {"type": "integer", "minimum": minimum, "maximum": maximum, "description": description}
    return Field(schema=schema, read=read)


def amount_field(description: str, *, excluded: str) -> Field:
    """A decimal string with at most six digits after the point, read as micro-USD; never a JSON number.

    `excluded` is a pattern of amounts that the venue refuses as too small; the document shows it.
    """

    def read(name: str, value: object) -> int:
        try:
            return parse_micro(value) if isinstance(value, str) else _fail()
        except ValueError:
            bad(f"Field '{name}' must be a decimal string such as \"100.25\", with at most 6 decimals")

    schema = {
        "type": "string",
        "pattern": AMOUNT_PATTERN,
        "not": {"pattern": excluded},
        "description": description,
    }
    return Field(schema=schema, read=read)


def boolean_field() -> Field:
    """`true` or `false`, read as 1 or 0; numbers and texts are neither."""

    def read(name: str, value: object) -> int:
        if not isinstance(value, bool):
            bad(f"Field '{name}' must be true or false")
        return int(value)

    return Field(schema={"type": "boolean"}, read=read)


def choice_field(choices: Sequence[str], description: str) -> Field:
    """One of a fixed set of texts."""

    def read(name: str, value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            bad(f"Field '{name}' must be one of {', '.join(choices)}")
        return value

    return Field(schema={"type": "string", "enum": list(choices), "description": description}, read=read)


def wallet_field(description: str) -> Field:
    """A wallet address in any case, read in lower case."""

    def read(_name: str, value: object) -> str:
        wallet = wallet_address(value) if isinstance(value, str) else None
        return wallet if wallet is not None else bad(BAD_WALLET)

    return Field(schema={"type": "string", "pattern": WALLET_PATTERN, "description": description}, read=read)


def hash_field(description: str) -> Field:
    """A transaction hash in any case, read in lower case."""

    def read(name: str, value: object) -> str:
        if not isinstance(value, str) or _HASH.fullmatch(value) is None:
            bad(f"Field '{name}' must be 0x and 64 hexadecimal digits")
        return value.lower()

    return Field(schema={"type": "string", "pattern": HASH_PATTERN, "description": description}, read=read)


def time_field(description: str) -> Field:
    """An ISO-8601 time in UTC with `Z`, from 1970 on, read as microseconds since then."""

    def read(name: str, value: object) -> int:
        try:
            if not isinstance(value, str) or _TIME.fullmatch(value) is None:
                return _fail()
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is None or moment < _EPOCH:
            bad(f"Field '{name}' must be a UTC time such as 2026-01-31T12:00:00Z")
        return (moment - _EPOCH) // timedelta(microseconds=1)

    return Field(schema={"type": "string", "pattern": TIME_PATTERN, "description": description}, read=read)


def _fail() -> NoReturn:
    raise ValueError


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate names")
    return found

"""Schemas: how answers are written as JSON, the same on every surface."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from bastion.errors import BastionError, JournalUnusable, RateLimited, Refused, VenueError

SUFFIX = ".schema.json"


def plain(value: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return the value as dicts, lists, text, integers, booleans, None and (for numbers) Decimal.

    A dataclass becomes an object with its fields in their order; an enum its value.

    Raises:
        TypeError: something in it has no form in JSON, a float among them.
    """
    if value is None or isinstance(value, bool | Decimal):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str | int):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, Sequence | frozenset):
        items = [plain(item) for item in value]
        # A set has no order of its own; sorted, the same answer is the same text.
        return sorted(items) if isinstance(value, frozenset) else items
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def dumps(value: object, *, indent: int | None = None) -> str:
    """Return one JSON document; a Decimal becomes an exact JSON number (91200, 142.5), never a float."""
    return _write(plain(value), indent=indent, depth=0)


def number(value: Decimal) -> str:
    """Return the decimal as a JSON number: exact, without exponent, without trailing zeros.

    Raises:
        ValueError: it is not finite.
    """
    if not value.is_finite():
        raise ValueError("JSON has no number for it")
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def error_document(error: BaseException) -> dict[str, dict[str, object]]:
    """Return the envelope of errors on every surface; `retry_after` (seconds) only where waiting helps."""
    body: dict[str, object] = {"code": error_code(error), "message": str(error)}
    if isinstance(error, VenueError | RateLimited) and error.retry_after_s is not None:
        body["retry_after"] = max(1, int(error.retry_after_s + 0.999))
    if not isinstance(error, BastionError):
        body["message"] = "Something unexpected went wrong; the log has the details."
    return {"error": body}


def error_code(error: BaseException) -> str:
    """Return the code of the interface's list that names this error."""
    if isinstance(error, Refused):
        return error.code
    if isinstance(error, VenueError):
        return "EXCHANGE_ERROR"
    if isinstance(error, JournalUnusable):
        return "INTERNAL"
    return "INTERNAL"


def exit_schema() -> dict[str, Any]:
    """Return the published JSON schema of an exit's report (JSON Schema 2020-12)."""
    schema: dict[str, Any] = json.loads(schema_text("exit"))
    return schema


def schema_names() -> tuple[str, ...]:
    """Return the names of the published schemas, sorted."""
    files = (file.name for file in Path(__file__).parent.iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX)))


def schema_text(name: str) -> str:
    """Return the published schema of that name, one of `schema_names`."""
    return Path(__file__).with_name(f"{name}{SUFFIX}").read_text(encoding="utf-8")


def _write(value: object, *, indent: int | None, depth: int) -> str:
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, dict):
        items = [
            f"{json.dumps(name, ensure_ascii=False)}: {_write(item, indent=indent, depth=depth + 1)}"
            for name, item in value.items()
        ]
        return _enclose("{", items, "}", indent=indent, depth=depth)
    if isinstance(value, list):
        items = [_write(item, indent=indent, depth=depth + 1) for item in value]
        return _enclose("[", items, "]", indent=indent, depth=depth)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _enclose(opening: str, items: list[str], closing: str, *, indent: int | None, depth: int) -> str:
    if not items or indent is None:
        return opening + ", ".join(items) + closing
    inner = "\n" + " " * indent * (depth + 1)
    return opening + inner + ("," + inner).join(items) + "\n" + " " * indent * depth + closing

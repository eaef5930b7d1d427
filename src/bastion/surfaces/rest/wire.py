"""Wire: how values leave over REST: JSON in UTF-8, every amount a decimal string."""

import json
from decimal import Decimal

from bastion.surfaces.schemas import number, plain

JSON_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"


def encoded(value: object) -> bytes:
    """Return the value as one JSON document; a Decimal becomes a text in plain digits ("142.5").

    Raises:
        TypeError: something in it has no form in JSON.
        ValueError: a number in it is not finite.
    """
    text = json.dumps(_texts(plain(value)), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A venue's text can hold half a character, which UTF-8 cannot carry.
    return text.encode("utf-8", errors="replace")


def _texts(value: object) -> object:
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, dict):
        return {name: _texts(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return value

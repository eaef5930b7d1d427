"""Answers: the desk's reports as the JSON values that leave over MCP.

Fields, their order and their meaning are those of every surface. Money leaves as JSON numbers, as in the
interface's examples; inside the desk it is decimal. Text is freed of control characters and shortened, since
some of it came from an exchange; it stands in data fields only.
"""

import json
from decimal import Decimal

from bastion.surfaces.schemas import plain

_TEXT_LENGTH_MAX = 2000

Answer = dict[str, object]


def answer_of(report: object) -> Answer:
    """Return a report (a dataclass) as a JSON object of dicts, lists, texts, numbers, booleans and None.

    Raises:
        TypeError: something in it has no form in JSON.
    """
    fields = plain(report)
    return {name: _wire(value) for name, value in fields.items()}


def bare(answer: Answer) -> str:
    """Return the answer as the text block carries it: JSON and nothing beside it, in the answer's order.

    Raises:
        ValueError: the answer holds a number that JSON has no form for.
    """
    return json.dumps(answer, ensure_ascii=False, allow_nan=False)


def one_line(text: str) -> str:
    """Return foreign text fit for a data field: printable, on one line, at most 2,000 characters."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:_TEXT_LENGTH_MAX]


def json_number(value: Decimal) -> int | float:
    """Return a number that prints as the decimal does (up to 15 digits); whole amounts have no fraction."""
    whole = value.to_integral_value()
    return int(whole) if whole == value else float(value)


def _wire(value: object) -> object:
    if isinstance(value, Decimal):
        return json_number(value)
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {name: _wire(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_wire(item) for item in value]
    return value

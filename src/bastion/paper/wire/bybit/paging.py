"""Paging: limits and cursors.

A cursor names the last row of its page, so that rows which vanish between two pages hide no others. Like the
venue's, it is given whenever a page is full, even when nothing follows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote, unquote

from bastion.paper.wire.bybit.envelope import wrong
from bastion.paper.wire.bybit.parameters import Parameters

_Row = TypeVar("_Row")
_PREFIX = "page_args="
_NEWEST_FIRST = 10**18


@dataclass(frozen=True, slots=True)
class PageRule:
    """How many rows an endpoint gives by default and at most."""

    default: int
    most: int


POSITIONS = PageRule(20, 200)
ORDERS = PageRule(20, 50)
EXECUTIONS = PageRule(50, 100)
CLOSED_PNL = PageRule(50, 100)
TRANSACTIONS = PageRule(20, 50)
INSTRUMENTS = PageRule(500, 1_000)


def newest_first(number: int) -> str:
    """Return a key that sorts rising `number`s in falling order."""
    return f"{_NEWEST_FIRST - number:019d}"


def page(
    rows: Sequence[_Row], parameters: Parameters, rule: PageRule, key: Callable[[_Row], str]
) -> tuple[list[_Row], str]:
    """Return one page and the cursor of the next, in the order of `key`, which differs for each row.

    Raises:
        BybitError: the limit is out of range, or the cursor is none of ours.
    """
    limit = parameters.integer("limit")
    if limit is None:
        limit = rule.default
    if not 1 <= limit <= rule.most:
        raise wrong(f"params error: limit must be between 1 and {rule.most}")
    last = _last_key(parameters.text("cursor"))
    following = sorted((row for row in rows if key(row) > last), key=key)
    chosen = following[:limit]
    return chosen, quote(_PREFIX + key(chosen[-1]), safe="") if len(chosen) == limit else ""


def _last_key(cursor: str) -> str:
    # Clients send the cursor as they got it or escaped once more; both reach the same page.
    text = unquote(unquote(cursor))
    if text and not text.startswith(_PREFIX):
        raise wrong("params error: cursor invalid")
    return text.removeprefix(_PREFIX)

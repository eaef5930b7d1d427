"""Paging: the newest rows first, `after` an id for older ones, `before` an id for newer ones.

Source: OKX v5 "Pagination": rows are sorted from new to old; limit defaults to 100, which is also the most.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from bastion.paper.wire.okx.envelope import wrong
from bastion.paper.wire.okx.parameters import Parameters

MOST = 100

_Row = TypeVar("_Row")


def page(rows: Sequence[_Row], parameters: Parameters, key: Callable[[_Row], int]) -> list[_Row]:
    """Return one page of `rows`, newest (largest key) first.

    Raises:
        OkxError: the limit or an id is no number, or the limit is beyond 100.
    """
    limit = parameters.integer("limit")
    limit = MOST if limit is None else limit
    if not 1 <= limit <= MOST:
        raise wrong("limit")
    after, before = parameters.integer("after"), parameters.integer("before")
    chosen = sorted(
        (
            row
            for row in rows
            if (after is None or key(row) < after) and (before is None or key(row) > before)
        ),
        key=key,
        reverse=True,
    )
    return chosen[:limit]


def within(parameters: Parameters, moment_ms: int) -> bool:
    """Whether a moment lies between the parameters begin and end, both inclusive and optional."""
    begin, end = parameters.integer("begin"), parameters.integer("end")
    return (begin is None or moment_ms >= begin) and (end is None or moment_ms <= end)

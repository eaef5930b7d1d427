"""Bybit, named elsewhere: the contracts of the account's executions.

Source: bybit-exchange.github.io/docs/v5, Get Trade History (newest first, of every symbol of a category where
none is given, 100 a page) and Enums Definitions (execType Funding); help centre, funding fee: contracts are
funded every 8 hours at the longest. A perpetual that is held was funded, or opened, since then. A dated
future is not funded, and is named for these hours alone.
"""

from collections.abc import Awaitable, Mapping
from typing import Protocol

from bastion.domain.money import ZERO, Quantity
from bastion.domain.position import Position, Side
from bastion.venues.ccxt import bybit_rows as rows
from bastion.venues.deadline import Deadline, together
from bastion.venues.raw import Answer, Row

FUNDED_MS = 8 * 3_600_000 + 600_000
"""The longest time between two fundings of a contract, and ten minutes for their rows to come."""
PAGE, FUNDINGS_MOST, TRADES_MOST = 100, 20, 5
"""So many rows a page, and pages of each kind at most: of more executions, the newest 500 count."""


class Pages(Protocol):
    """How a list endpoint is read: `BybitMarket.pages`."""

    def __call__(
        self,
        method: str,
        params: Mapping[str, object],
        unit: str,
        size: int,
        deadline: Deadline,
        *,
        most: int | None = None,
    ) -> Awaitable[list[tuple[Answer, tuple[Row, ...]]]]:
        """Return the pages, `most` of them at most."""
        ...


async def traded(pages: Pages, category: str, *, now_ms: int, deadline: Deadline) -> frozenset[str]:
    """Return the contracts of a category that were traded or funded since each was funded last.

    Raises:
        VenueError: they were not read.
    """
    since = {"category": category, "startTime": now_ms - FUNDED_MS}
    method, unit = "privateGetV5ExecutionList", "executions"
    found = await together(
        [
            pages(method, {**since, "execType": "Funding"}, unit, PAGE, deadline, most=FUNDINGS_MOST),
            pages(method, since, unit, PAGE, deadline, most=TRADES_MOST),
        ]
    )
    return frozenset(row.text("symbol") for lists in found for _, page in lists for row in page)


def contract(category: str, instrument: str) -> Position:
    """Return a contract as what may be held there, of a size and a side that are not known."""
    return Position(
        instrument=instrument,
        category=category,
        symbol=rows.pair(instrument),
        side=Side.LONG,
        quantity=Quantity(ZERO),
        hedged=False,
    )

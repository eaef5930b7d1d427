"""Bybit fills: executions with their price PnL, which the venue keeps on a page of its own.

An execution carries no PnL. Get Closed PnL names the average entry price against which each order closed;
its own closedPnl is net of fees, so price PnL is computed from that entry price and the execution's price.
Where the record has not come yet, the snapshot's average price does as well, if every execution since then
reduced the position: reductions do not change the average entry price. Otherwise the PnL is left pending.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.domain.money import ZERO, Usd
from bastion.domain.order import Direction, Fill
from bastion.domain.position import Position, Side
from bastion.errors import VenueError
from bastion.venues.ccxt import bybit_rows as rows
from bastion.venues.deadline import Deadline, settled, together
from bastion.venues.raw import STABLECOINS, Answer, Row, plain

PAGE = 100
# Beyond so many contracts of one category, one list of the whole category is cheaper than one for each.
SINGLY_MAX = 1

Found = list[tuple[Answer, tuple[Row, ...]]]
Pages = Callable[[str, Mapping[str, object], str, int, Deadline], Awaitable[Found]]
IndexPrice = Callable[[str, Deadline], Awaitable[Decimal]]


class BybitFills:
    """Reads the executions of positions; `pages` reads one list endpoint to its end."""

    def __init__(self, pages: Pages, index_price: IndexPrice) -> None:
        self._pages = pages
        self._index_price = index_price

    async def read(
        self, positions: Sequence[Position], since_ms: int, deadline: Deadline
    ) -> tuple[Fill, ...]:
        """Return the executions since `since_ms` in these positions' contracts, oldest first.

        Raises:
            VenueError: they could not all be read.
        """
        asked = _questions(positions, since_ms)
        # Side by side: whoever asks waits to sweep what rests beside positions that are gone.
        async with asyncio.TaskGroup() as group:
            entering = group.create_task(self._entries(asked, deadline))
            reading = group.create_task(
                settled(
                    [
                        self._pages("privateGetV5ExecutionList", question, "executions", PAGE, deadline)
                        for question in asked
                    ]
                )
            )
        entries = entering.result()
        lists = [_came(found) for found in reading.result()]
        trades = [
            (str(question["category"]), row)
            for question, pages in zip(asked, lists, strict=True)
            for _, page in pages
            for row in page
            if rows.moves_position(row)
        ]
        rates = await self._rates(trades, deadline)
        snapshot = _reduced_only(positions, trades)
        hedged = {position.instrument for position in positions if position.hedged}
        wanted = {(position.category, position.instrument) for position in positions}
        fills = [
            _fill(category, row, entries, snapshot, rates, hedged)
            for category, row in trades
            if (category, row.text("symbol")) in wanted
        ]
        return tuple(sorted(fills, key=lambda fill: (fill.at_ms, fill.instrument, fill.fill_id)))

    async def _entries(self, asked: Sequence[Mapping[str, object]], deadline: Deadline) -> dict[str, Decimal]:
        lists = await settled(
            [
                self._pages("privateGetV5PositionClosedPnl", question, "closed_pnl", PAGE, deadline)
                for question in asked
            ]
        )
        entries: dict[str, Decimal] = {}
        for pages in lists:
            if isinstance(pages, VenueError):
                continue  # The executions stand without it; their PnL is then computed or pending.
            for _, page in pages:
                for row in page:
                    entry = row.positive_or_none("avgEntryPrice")
                    if entry is not None:
                        entries[row.text("orderId")] = entry
        return entries

    async def _rates(self, trades: Sequence[tuple[str, Row]], deadline: Deadline) -> dict[str, Decimal]:
        coins = sorted({_fee_coin(category, row) for category, row in trades} - STABLECOINS - {""})
        prices = await together([self._index_price(coin, deadline) for coin in coins])
        return dict(zip(coins, prices, strict=True))


def _questions(positions: Sequence[Position], since_ms: int) -> list[dict[str, object]]:
    asked: list[dict[str, object]] = []
    for category in sorted({position.category for position in positions}):
        symbols = sorted({item.instrument for item in positions if item.category == category})
        question: dict[str, object] = {"category": category, "startTime": since_ms}
        if len(symbols) <= SINGLY_MAX:
            asked.extend({**question, "symbol": symbol} for symbol in symbols)
        else:
            asked.append(question)
    return asked


def _came(found: Found | VenueError) -> Found:
    if isinstance(found, VenueError):
        raise found
    return found


def _fee_coin(category: str, row: Row) -> str:
    # Linear fees are paid in the settle coin, inverse ones in the contract's own coin.
    return "" if category == rows.INVERSE else row.text_or("feeCurrency")


def _reduced_only(
    positions: Sequence[Position], trades: Sequence[tuple[str, Row]]
) -> dict[tuple[str, str], Decimal]:
    entries: dict[tuple[str, str], Decimal] = {}
    for position in positions:
        if position.hedged or position.entry_price is None:
            continue  # An execution of hedge mode does not tell which of the two legs it moved.
        closing = Direction.SELL if position.side is Side.LONG else Direction.BUY
        key = (position.category, position.instrument)
        own = [row for category, row in trades if (category, row.text("symbol")) == key]
        size = sum((row.decimal("execQty") for row in own), ZERO)
        if all(rows.direction(row) is closing for row in own) and size <= position.quantity:
            entries[key] = position.entry_price
    return entries


def _fill(
    category: str,
    row: Row,
    entries: Mapping[str, Decimal],
    snapshot: Mapping[tuple[str, str], Decimal],
    rates: Mapping[str, Decimal],
    hedged: set[str],
) -> Fill:
    symbol = row.text("symbol")
    # The coin of an inverse contract is valued at the venue's mark price of that very execution.
    coin_rate = row.positive_or_none("markPrice") or row.decimal("execPrice")
    fee_rate = coin_rate if category == rows.INVERSE else rates.get(_fee_coin(category, row), Decimal(1))
    entry = entries.get(row.text("orderId")) or snapshot.get((category, symbol))
    fill = rows.fill(row, category, entry=entry, fee_rate=fee_rate, coin_rate=coin_rate)
    if category == rows.INVERSE:
        fill = replace(fill, fee_note=f"the contract's coin at the mark price of {plain(fee_rate)} USD")
    elif _fee_coin(category, row) in rates:
        note = f"{_fee_coin(category, row)} at the index price of {plain(fee_rate)} USD"
        fill = replace(fill, fee_note=note)
    closed = row.decimal_or_none("closedSize")
    if closed == ZERO:
        fill = replace(fill, realized_pnl_usd=Usd(ZERO))  # It opened or added, and realised nothing.
    if symbol not in hedged or closed is None:
        return fill
    selling = fill.direction is Direction.SELL
    closes = closed > ZERO
    return replace(fill, side=Side.LONG if selling is closes else Side.SHORT)

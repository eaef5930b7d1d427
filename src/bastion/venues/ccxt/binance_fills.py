"""Binance executions: what was traded, and whose orders that was.

Sources: developers.binance.com, USD-M futures: Account Trade List, which names orders by the venue's id
alone, and Query Order, which tells the client's id of one.
"""

from collections.abc import Sequence
from dataclasses import replace

from bastion.domain.order import Fill
from bastion.domain.position import Position
from bastion.errors import AnswerMalformed, VenueError
from bastion.venues.ccxt import binance_rows as rows
from bastion.venues.ccxt.binance_causes import key_of
from bastion.venues.ccxt.binance_protection import BinanceProtection
from bastion.venues.ccxt.binance_thrift import Thrift
from bastion.venues.deadline import Deadline, settled, together
from bastion.venues.raw import Row, read_rows

TRADES_PAGE = 1000
PAGES_MAX = 50
NAMES_AT_ONCE = 5
NAMES_S = 2.0
NAMES_MAX = 5000


class BinanceFills(BinanceProtection):
    """The executions of one account, each with the client's id of its order where that could be had."""

    _named: dict[str, str]
    _thrift: Thrift

    async def fills(
        self, positions: Sequence[Position], *, since_ms: int, deadline_s: float
    ) -> tuple[Fill, ...]:
        """Return the executions of Account Trade List; realizedPnl is price PnL, without commission."""
        self._thrift.ask("executions")
        deadline = Deadline(self._clock, deadline_s)
        symbols = {position.instrument for position in positions}
        pages = await together([self._trades(symbol, since_ms, deadline) for symbol in sorted(symbols)])
        trades = [row for page in pages for row in page]
        coins = {row.text_or("commissionAsset", "USDT") for row in trades}
        wanted = sorted(coins | {rows.margin_asset(row, row.text("symbol")) for row in trades})
        prices = await together([self._rate(coin, deadline) for coin in wanted])
        rates = dict(zip(wanted, prices, strict=True))
        causes = await self._causes(trades, since_ms, deadline)
        found = [
            rows.fill(
                row,
                fee_rate=rates[row.text_or("commissionAsset", "USDT")],
                pnl_rate=rates[rows.margin_asset(row, row.text("symbol"))],
                cause=causes.get(key_of(row)),
            )
            for row in trades
        ]
        await self._name(found, deadline)
        found = [
            replace(fill, client_order_id=fill.client_order_id or self._named.get(fill.order_id, ""))
            for fill in found
        ]
        return tuple(sorted(found, key=lambda fill: (fill.at_ms, fill.instrument, fill.fill_id)))

    async def _trades(self, symbol: str, since_ms: int, deadline: Deadline) -> list[Row]:
        found: list[Row] = []
        params: dict[str, object] = {"symbol": symbol, "startTime": since_ms, "limit": TRADES_PAGE}
        for _ in range(PAGES_MAX):
            method, units = "fapiPrivateGetUserTrades", {"weight": 5}
            answer = await self._call(method, params, units=units, deadline=deadline)
            page = read_rows(answer.value, "userTrades")
            found.extend(page)
            if len(page) < TRADES_PAGE:
                return found
            # fromId and startTime exclude each other; ids grow with time within a symbol.
            newest = max(row.integer("id") for row in page)
            params = {"symbol": symbol, "fromId": newest + 1, "limit": TRADES_PAGE}
        raise AnswerMalformed(
            f"{symbol}: more than {PAGES_MAX * TRADES_PAGE} executions since the exit began"
        )

    async def _name(self, found: Sequence[Fill], deadline: Deadline) -> None:
        # Who opened something against an exit is told by the client's id. A few orders a reading are enough,
        # each is asked for once, and one that cannot be had harms nothing.
        unknown = {
            fill.order_id: fill.instrument
            for fill in found
            if not fill.client_order_id and fill.order_id not in self._named
        }
        if not unknown or len(self._named) >= NAMES_MAX:
            return
        wanted = list(unknown.items())[-NAMES_AT_ONCE:]
        deadline = Deadline(self._clock, min(NAMES_S, deadline.left_s))
        answers = await settled([self._client_id(name, order, deadline) for order, name in wanted])
        for (order, _), answer in zip(wanted, answers, strict=True):
            self._named[order] = "" if isinstance(answer, VenueError) else answer

    async def _client_id(self, symbol: str, order_id: str, deadline: Deadline) -> str:
        params = {"symbol": symbol, "orderId": order_id}
        answer = await self._call("fapiPrivateGetOrder", params, units={"weight": 1}, deadline=deadline)
        return Row(answer.value, "order").text_or("clientOrderId")

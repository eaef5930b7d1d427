"""Bybit market: what a unified account is worth, what its contracts' books offer, and its lists.

Sources: bybit-exchange.github.io/docs/v5: Get Wallet Balance, Get Orderbook, Get Fee Rate, Get Tickers.
"""

from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import quote

from bastion.domain.balance import Balance
from bastion.domain.book import Quote
from bastion.domain.money import Usd
from bastion.domain.order import OrderRequest, OrderState
from bastion.domain.position import Position
from bastion.errors import AnswerMalformed, VenueError
from bastion.venues.ccxt import bybit_rows as rows
from bastion.venues.ccxt.bybit_pace import PUBLIC
from bastion.venues.ccxt.coins import coins_of
from bastion.venues.ccxt.levels import levels
from bastion.venues.ccxt.roll import List
from bastion.venues.ccxt.venue import CcxtVenue
from bastion.venues.deadline import Deadline, settled
from bastion.venues.raw import Answer, Row, believed

BOOK_LEVELS = 200
ORDERS_PAGE = 50
PAGES_MAX = 200


class BybitMarket(CcxtVenue):
    """The half of the adapter that only tells figures: `ports.Accounting` and `ports.Quoting`."""

    _fees: dict[tuple[str, str], Decimal]

    async def balance(self, *, deadline_s: float) -> Balance:
        """Return totalEquity and totalAvailableBalance, which the venue reckons in USD over all coins.

        With isolated margin the venue names no available balance of the account.
        """
        answer = await self._get(
            "privateGetV5AccountWalletBalance",
            {"accountType": "UNIFIED"},
            "balance",
            Deadline(self._clock, deadline_s),
        )
        listed = Row(answer.value, "wallet-balance").row("result").rows("list")
        if len(listed) != 1:
            raise AnswerMalformed(f"wallet-balance: one account was expected, {len(listed)} came")
        available = listed[0].decimal_or_none("totalAvailableBalance")
        notes = () if available is not None else ("isolated margin: the venue names no available balance",)
        return Balance(
            total_usd=Usd(listed[0].decimal("totalEquity")),
            available_usd=None if available is None else Usd(available),
            notes=notes,
            coins=coins_of(listed[0], "coin", name="coin", quantity="equity", value="usdValue"),
        )

    async def quote(self, position: Position, *, deadline_s: float) -> Quote:
        """Return 200 levels a side, and the taker fee of the contract, which is read once."""
        deadline = Deadline(self._clock, deadline_s)
        params = {"category": position.category, "symbol": position.instrument, "limit": BOOK_LEVELS}
        answer = await self._call("publicGetV5MarketOrderbook", params, units=PUBLIC, deadline=deadline)
        book = Row(answer.value, "orderbook").row("result")
        fee = (await settled([self._taker_fee(position, deadline)]))[0]
        return Quote(
            bids=levels(book, "b"),
            asks=levels(book, "a"),
            taker_fee=None if isinstance(fee, VenueError) else fee,
        )

    async def _taker_fee(self, position: Position, deadline: Deadline) -> Decimal:
        key = (position.category, position.instrument)
        if key not in self._fees:
            params = {"category": position.category, "symbol": position.instrument}
            answer = await self._get("privateGetV5AccountFeeRate", params, "fee_rate", deadline)
            listed = Row(answer.value, "fee-rate").row("result").rows("list")
            if not listed:
                raise AnswerMalformed(f"fee-rate: {position.instrument} is not listed")
            self._fees[key] = listed[0].decimal("takerFeeRate")
        return self._fees[key]

    async def _index_price(self, coin: str, deadline: Deadline) -> Decimal:
        params = {"category": rows.LINEAR, "symbol": f"{coin}USDT"}
        answer = await self._call("publicGetV5MarketTickers", params, units=PUBLIC, deadline=deadline)
        listed = Row(answer.value, "tickers").row("result").rows("list")
        if not listed:
            raise AnswerMalformed(f"tickers: no index price of {coin[:12]}")
        return listed[0].decimal("indexPrice")

    async def _get(self, method: str, params: Mapping[str, object], unit: str, deadline: Deadline) -> Answer:
        units = {unit: 1, **PUBLIC} if unit else PUBLIC
        return await self._call(method, params, units=units, deadline=deadline)

    async def pages(
        self,
        method: str,
        params: Mapping[str, object],
        unit: str,
        size: int,
        deadline: Deadline,
        *,
        most: int | None = None,
    ) -> list[tuple[Answer, tuple[Row, ...]]]:
        """Read a list endpoint by its cursor until it ends, or until `most` pages came.

        Raises:
            VenueError: a page did not come, or the cursor does not end: then no page is believed.
        """
        found: list[tuple[Answer, tuple[Row, ...]]] = []
        cursor, seen = "", {""}
        for _ in range(PAGES_MAX):
            asked = {**params, "limit": size, **({"cursor": cursor} if cursor else {})}
            answer = await self._get(method, asked, unit, deadline)
            result = Row(answer.value, method).row("result")
            found.append((answer, result.rows("list")))
            # The cursor comes percent-encoded and is sent as it came; other spellings are made safe.
            cursor = quote(result.text_or("nextPageCursor"), safe="%")
            if not cursor or not found[-1][1] or len(found) == most:
                return found
            if cursor in seen:
                raise AnswerMalformed(f"{method}: the cursor {cursor[:40]!r} came twice")
            seen.add(cursor)
        raise AnswerMalformed(f"{method}: more than {PAGES_MAX} pages")

    def _list_of(self, request: OrderRequest) -> List:
        position = request.position
        if position.category == rows.INVERSE:
            return (rows.INVERSE,)
        known = (self._instruments or {}).get((position.category, position.instrument))
        return (position.category, known.settle) if known is not None and known.settle else ()

    async def _ended(self, named: List, deadline: Deadline) -> dict[str, OrderState]:
        scope = dict(zip(("category", "settleCoin"), named, strict=False))
        params = {**scope, "openOnly": 1, "limit": ORDERS_PAGE}
        answer = await self._get("privateGetV5OrderRealtime", params, "realtime", deadline)
        listed = Row(answer.value, "order/realtime").row("result").rows("list")
        return {state.client_order_id: state for state in believed(listed, rows.order_state)[0]}

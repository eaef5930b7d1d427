"""Binance funding: what a USD-M position paid and received since it was opened, from two record pages.

Sources: developers.binance.com, USD-M futures: Account Trade List (at most 7 days between startTime and
endTime; weight 5), Get Income History (incomeType FUNDING_FEE, signed from the account's view; the last three
months; weight 30). Position Information names no time of opening, so the trades are followed back from the
present size to the moment at which it was zero. An income row names no position side, so the two legs of
hedge mode cannot be told apart.
"""

from collections.abc import Iterable
from decimal import Decimal

from bastion.domain.money import ZERO, Usd
from bastion.domain.order import Direction
from bastion.domain.position import Position, Side
from bastion.errors import Fault, VenueRejected
from bastion.venues.ccxt import binance_rows as rows
from bastion.venues.ccxt.binance_market import KEPT_FOR_EXITS, BinanceMarket
from bastion.venues.deadline import Deadline, together
from bastion.venues.raw import Row, read_rows

WEEK_MS = 7 * 24 * 3_600_000
WEEKS_MAX = 12
"""How far back a position is followed: the income record keeps three months."""
PAGE = 1000
INCOME_PAGES_MAX = 5
TRADES_WEIGHT, INCOME_WEIGHT = 5, 30


class BinanceFunding(BinanceMarket):
    """The part of the adapter that tells a position's funding: `ports.Funded`."""

    async def funding(self, position: Position, *, deadline_s: float) -> Usd | None:
        """Return the sum of the FUNDING_FEE rows since the position was opened.

        None in hedge mode, for a position older than twelve weeks, and where a week has more trades than one
        page holds.
        """
        if position.hedged:
            return None
        if self._throttle["weight"].free() < KEPT_FOR_EXITS:
            raise VenueRejected(
                "not sent: half of the minute's weight is used, and the rest is kept for an exit",
                fault=Fault.RATE_LIMIT,
            )
        deadline = Deadline(self._clock, deadline_s)
        since_ms = await self._opened_ms(position, deadline)
        if since_ms is None:
            return None
        paid = await self._incomes(position.instrument, since_ms, deadline)
        coins = sorted({row.text("asset") for row in paid})
        rates = dict(zip(coins, await together([self._rate(coin, deadline) for coin in coins]), strict=True))
        return Usd(sum((row.decimal("income") * rates[row.text("asset")] for row in paid), ZERO))

    async def _opened_ms(self, position: Position, deadline: Deadline) -> int | None:
        size = position.quantity if position.side is Side.LONG else -position.quantity
        until_ms = self._wire.now_ms() + self._doubt_ms
        for _ in range(WEEKS_MAX):
            params: dict[str, object] = {
                "symbol": position.instrument,
                "startTime": until_ms - WEEK_MS,
                "endTime": until_ms,
                "limit": PAGE,
            }
            answer = await self._call(
                "fapiPrivateGetUserTrades", params, units={"weight": TRADES_WEIGHT}, deadline=deadline
            )
            page = read_rows(answer.value, "userTrades")
            if len(page) >= PAGE:
                return None
            opened_ms, size = opened_by(page, size)
            if opened_ms is not None:
                return opened_ms
            until_ms -= WEEK_MS + 1
        return None

    async def _incomes(self, symbol: str, since_ms: int, deadline: Deadline) -> list[Row]:
        found: list[Row] = []
        for number in range(1, INCOME_PAGES_MAX + 1):
            params: dict[str, object] = {
                "symbol": symbol,
                "incomeType": "FUNDING_FEE",
                "startTime": since_ms,
                "limit": PAGE,
                "page": number,
            }
            answer = await self._call(
                "fapiPrivateGetIncome", params, units={"weight": INCOME_WEIGHT}, deadline=deadline
            )
            page = read_rows(answer.value, "income")
            found.extend(page)
            if len(page) < PAGE:
                return found
        raise VenueRejected(
            f"{symbol}: more than {INCOME_PAGES_MAX * PAGE} rows of funding", fault=Fault.RESOLVE
        )


def opened_by(trades: Iterable[Row], size: Decimal) -> tuple[int | None, Decimal]:
    """Follow one-way trades back from the signed `size`, newest first.

    Return the time of the trade that opened what is held, None where they do not reach back to it, and the
    size before the earliest of them.
    """
    for row in sorted(trades, key=lambda row: (row.integer("time"), row.integer("id")), reverse=True):
        moved = row.decimal("qty") * (1 if rows.direction(row) is Direction.BUY else -1)
        before = size - moved
        if before == ZERO or before * size < ZERO:
            return row.integer("time"), before
        size = before
    return None, size

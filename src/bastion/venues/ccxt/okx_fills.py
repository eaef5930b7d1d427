"""OKX fills: the executions of positions, their money in US dollars.

Source: www.okx.com/docs-v5/en, Transaction details (last 3 days) and (last 3 months), Order details, Get
index tickers. An execution does not name its margin mode; where an instrument is held in both, the order that
it belongs to tells.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.domain.order import Cause, Fill
from bastion.domain.position import Position
from bastion.errors import VenueError
from bastion.venues.ccxt import okx_rows as rows
from bastion.venues.deadline import Deadline, settled, together
from bastion.venues.raw import STABLECOINS, Row, plain

ASKED_MOST, KNOWN_MAX = 5, 10_000
RECENT_MS = 2 * 24 * 3_600_000
"""The list of the last three days is asked for what is younger than two."""

Pages = Callable[[str, Mapping[str, object], str, Deadline], Awaitable[list[Row]]]
Rate = Callable[[str, Deadline], Awaitable[Decimal]]
Triggered = Callable[[str, str, Deadline], Awaitable[bool]]
Mode = Callable[[str, str, Deadline], Awaitable[str]]


class OkxFills:
    """Reads executions; `pages` reads one list to its end, `rate` values a coin, the others ask an order."""

    def __init__(self, pages: Pages, rate: Rate, mode: Mode, triggered: Triggered) -> None:
        self._pages = pages
        self._rate = rate
        self._mode = mode
        self._triggered = triggered
        self._known: dict[str, bool] = {}

    async def read(
        self, positions: Sequence[Position], since_ms: int, now_ms: int, deadline: Deadline
    ) -> tuple[Fill, ...]:
        """Return the executions since `since_ms` in these positions' instruments, oldest first.

        Raises:
            VenueError: they could not all be read.
        """
        recent = now_ms - since_ms < RECENT_MS
        method = "privateGetTradeFills" if recent else "privateGetTradeFillsHistory"
        unit = "fills" if recent else "fills_history"
        kinds = sorted({rows.kind_of(position.category) for position in positions})
        lists = await together(
            [
                self._pages(method, {"instType": kind, "begin": str(since_ms)}, unit, deadline)
                for kind in kinds
            ]
        )
        categories = _categories(positions)
        trades = [row for found in lists for row in found if row.text("instId") in categories]
        modes = await self._modes(trades, categories, deadline)
        rates = await self._rates(trades, deadline)
        await self._ask_causes(trades, deadline)
        fills = [
            replace(fill, cause=Cause.STOP) if fill.cause is None and self._known.get(fill.order_id) else fill
            for fill in (_fill(row, modes[row.text("ordId")], rates) for row in trades)
        ]
        return tuple(sorted(fills, key=lambda fill: (fill.at_ms, fill.instrument, fill.fill_id)))

    async def _ask_causes(self, trades: Sequence[Row], deadline: Deadline) -> None:
        # What a trigger made carries no client id. A few a reading are enough, and only names depend on it.
        strange = {row.text("ordId"): row.text("instId") for row in trades if not row.text_or("clOrdId")}
        wanted = [(key, name) for key, name in strange.items() if key not in self._known][-ASKED_MOST:]
        answers = await settled([self._triggered(name, key, deadline) for key, name in wanted])
        if len(self._known) > KNOWN_MAX:
            self._known.clear()
        for (key, _), answer in zip(wanted, answers, strict=True):
            if not isinstance(answer, VenueError):
                self._known[key] = answer

    async def _modes(
        self, trades: Sequence[Row], categories: Mapping[str, set[str]], deadline: Deadline
    ) -> dict[str, str]:
        found: dict[str, str] = {}
        open_questions: dict[str, str] = {}
        for row in trades:
            name, order_id = row.text("instId"), row.text("ordId")
            if len(categories[name]) == 1:
                (found[order_id],) = categories[name]
            else:
                open_questions[order_id] = name
        answers = await together(
            [self._mode(name, order_id, deadline) for order_id, name in open_questions.items()]
        )
        for (order_id, name), mode in zip(open_questions.items(), answers, strict=True):
            kind = next(iter(categories[name])).removesuffix(rows.APART).upper()
            found[order_id] = rows.category_of(kind, mode)
        return found

    async def _rates(self, trades: Sequence[Row], deadline: Deadline) -> dict[str, Decimal]:
        coins = sorted({row.text_or("feeCcy", "USDT") for row in trades} - STABLECOINS)
        prices = await together([self._rate(coin, deadline) for coin in coins])
        return dict(zip(coins, prices, strict=True))


def _categories(positions: Sequence[Position]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for position in positions:
        found.setdefault(position.instrument, set()).add(position.category)
    return found


def _fill(row: Row, category: str, rates: Mapping[str, Decimal]) -> Fill:
    coin = row.text_or("feeCcy", "USDT")
    # Fee and PnL of a contract are both in its margin coin.
    rate = rates.get(coin, Decimal(1))
    fill = rows.fill(row, category, fee_rate=rate, pnl_rate=rate)
    if coin not in rates:
        return fill
    return replace(fill, fee_note=f"{coin} at the index price of {plain(rate)} USD")

"""Bybit funding: what a position paid and received since it was opened, from the trade history.

Sources: bybit-exchange.github.io/docs/v5: Get Position Info (openTime, in milliseconds, 0 or absent where it
is not told), Get Trade History (execType Funding; at most 7 days between startTime and endTime), Get
Transaction Log, which says that its own `funding` is positive where funding was received, "opposite to the
execFee from Get Trade History". The position's curRealisedPnl is no source: it adds trading fees and the
results of partial closes to the funding. A funding execution names no positionIdx, so the two legs of hedge
mode cannot be told apart.
"""

from collections.abc import Mapping

from bastion.domain.money import ZERO, Usd
from bastion.domain.position import Position
from bastion.venues.ccxt import bybit_rows as rows
from bastion.venues.ccxt.bybit_market import BybitMarket
from bastion.venues.deadline import Deadline, together
from bastion.venues.raw import Row

PAGE = 100
WEEK_MS = 7 * 24 * 3_600_000
WEEKS_MAX = 26
"""How far back a position is followed; a question for each week of its life is asked."""


class BybitFunding(BybitMarket):
    """The part of the adapter that tells a position's funding: `ports.Funded`."""

    async def funding(self, position: Position, *, deadline_s: float) -> Usd | None:
        """Return the sum of the Funding executions since the position's openTime.

        None in hedge mode, where the venue tells no openTime, and for a position older than 26 weeks.
        """
        if position.hedged:
            return None
        deadline = Deadline(self._clock, deadline_s)
        since_ms = await self._opened_ms(position, deadline)
        until_ms = self._wire.now_ms() + self._doubt_ms
        if since_ms is None or until_ms - since_ms > WEEKS_MAX * WEEK_MS:
            return None
        asked = [
            {
                "category": position.category,
                "symbol": position.instrument,
                "execType": "Funding",
                "startTime": start_ms,
                "endTime": min(start_ms + WEEK_MS - 1, max(until_ms, start_ms)),
            }
            for start_ms in range(since_ms, max(until_ms, since_ms + 1), WEEK_MS)
        ]
        lists = await together([self._fundings(question, deadline) for question in asked])
        return Usd(sum((_dollars(row, position.category) for page in lists for row in page), ZERO))

    async def _opened_ms(self, position: Position, deadline: Deadline) -> int | None:
        params = {"category": position.category, "symbol": position.instrument}
        answer = await self._get("privateGetV5PositionList", params, "positions", deadline)
        for row in Row(answer.value, "position/list").row("result").rows("list"):
            found = rows.position(row, position.category)
            if found is not None and found.key == position.key:
                opened_ms = row.positive_or_none("openTime")
                return None if opened_ms is None else int(opened_ms)
        return None

    async def _fundings(self, question: Mapping[str, object], deadline: Deadline) -> list[Row]:
        pages = await self.pages("privateGetV5ExecutionList", question, "executions", PAGE, deadline)
        # A venue that overlooked the filter must not pass trading fees off as funding.
        return [row for _, page in pages for row in page if row.text_or("execType") == "Funding"]


def _dollars(row: Row, category: str) -> Usd:
    # The coin of an inverse contract is valued at the mark price of that very settlement.
    inverse = category == rows.INVERSE
    rate = (row.positive_or_none("markPrice") or row.decimal("execPrice")) if inverse else 1
    return Usd(-row.decimal("execFee") * rate)

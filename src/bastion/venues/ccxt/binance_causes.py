"""Binance causes: which executions came of a liquidation, an auto-deleveraging, or a trigger.

Source: developers.binance.com, USD-M futures, User's Force Orders (weight 20 with a symbol, 50 without;
autoCloseType LIQUIDATION or ADL; the client order id begins with `autoclose-` or is `adl_autoclose`), and
Query All Algo Orders (weight 5), where `actualOrderId` is the order that a triggered one became. An execution
of Account Trade List names no client order id, so the orders must be asked for apart. Only the name of what
happened depends on it, so it never takes weight that an exit may need.
"""

from collections.abc import Sequence

from bastion.domain.order import Cause
from bastion.errors import VenueError
from bastion.venues.ccxt.binance_funding import BinanceFunding
from bastion.venues.ccxt.binance_market import KEPT_FOR_EXITS
from bastion.venues.deadline import Deadline, together
from bastion.venues.raw import Row, read_rows

LIMIT_MAX = 100
KNOWN_MAX = 10_000
"""So many orders are remembered as asked about; beyond, they are asked about anew."""
WEIGHT_OF_ONE, WEIGHT_OF_ALL, WEIGHT_OF_ALGOS = 20, 50, 5
CAUSES_S = 2.0
"""So long, at most, executions wait for what closed them; a later reading tells it."""
ALGO_LISTS_MAX = 3
"""In so many contracts, at most, a reading asks which triggers were reached."""


class BinanceCauses(BinanceFunding):
    """The part of the adapter that tells what was closed without an order sent for it."""

    _known: dict[tuple[str, str], Cause | None]

    async def _causes(
        self, trades: Sequence[Row], since_ms: int, deadline: Deadline
    ) -> dict[tuple[str, str], Cause]:
        """Return by symbol and order id what closed something, as far as it could be asked."""
        deadline = Deadline(self._clock, min(CAUSES_S, deadline.left_s))
        strange = {key for row in trades if (key := key_of(row)) not in self._known}
        if strange and self._throttle["weight"].free() >= KEPT_FOR_EXITS:
            symbols = sorted({symbol for symbol, _ in strange})
            params: dict[str, object] = {"startTime": since_ms, "limit": LIMIT_MAX}
            if len(symbols) == 1:
                params["symbol"] = symbols[0]
            weight = WEIGHT_OF_ONE if len(symbols) == 1 else WEIGHT_OF_ALL
            try:
                answer = await self._call(
                    "fapiPrivateGetForceOrders", params, units={"weight": weight}, deadline=deadline
                )
                found = {key_of(row): kind_of(row) for row in read_rows(answer.value, "forceOrders")}
                found |= await self._triggered(symbols[:ALGO_LISTS_MAX], deadline)
            except VenueError:
                found = {}
            else:
                if len(self._known) > KNOWN_MAX:
                    self._known.clear()
                self._known |= dict.fromkeys(strange, None) | found
        return {key: how for key, how in self._known.items() if how is not None}

    async def _triggered(self, symbols: Sequence[str], deadline: Deadline) -> dict[tuple[str, str], Cause]:
        answers = await together(
            [
                self._call(
                    "fapiPrivateGetAllAlgoOrders",
                    {"symbol": symbol, "limit": LIMIT_MAX},
                    units={"weight": WEIGHT_OF_ALGOS},
                    deadline=deadline,
                )
                for symbol in symbols
            ]
        )
        listed = [row for answer in answers for row in read_rows(answer.value, "allAlgoOrders")]
        return {
            (row.text("symbol"), row.text("actualOrderId")): Cause.STOP
            for row in listed
            if row.text_or("actualOrderId") not in {"", "0"}
        }


def key_of(row: Row) -> tuple[str, str]:
    """Return symbol and order id: an order id is unique within its symbol only."""
    return row.text("symbol"), row.text("orderId")


def kind_of(row: Row) -> Cause:
    """Return what a forced order was, by its client order id."""
    return Cause.ADL if row.text_or("clientOrderId").startswith("adl") else Cause.LIQUIDATION

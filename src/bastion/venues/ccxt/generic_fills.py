"""Generic fills: the executions that ccxt lists, page by page, as far as it says."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from bastion.domain.order import Direction, Fill
from bastion.domain.position import Position, Side
from bastion.errors import AnswerMalformed
from bastion.venues.ccxt import generic_rows as rows
from bastion.venues.ccxt.generic_wire import Reply
from bastion.venues.deadline import Deadline, together

PAGES_MAX = 20


class Ask(Protocol):
    """Calls one unified method."""

    async def __call__(self, method: str, *args: object, deadline: Deadline, mutating: bool = False) -> Reply:
        """Return the reply, or raise a `VenueError`."""
        ...


class GenericFills:
    """Reads the executions of positions by `fetch_my_trades`, one contract at a time."""

    def __init__(self, ask: Ask, market: Callable[[str], Mapping[str, Any] | None]) -> None:
        self._ask = ask
        self._market = market

    async def read(
        self, positions: Sequence[Position], since_ms: int, names: Mapping[str, str], deadline: Deadline
    ) -> tuple[Fill, ...]:
        """Return the executions since `since_ms`, oldest first; `names` has our order ids by the venue's.

        Raises:
            VenueError: they could not all be read.
        """
        symbols = sorted({position.instrument for position in positions})
        pages = await together([self._pages(symbol, since_ms, deadline) for symbol in symbols])
        found: list[Fill] = []
        for symbol, listed in zip(symbols, pages, strict=True):
            market = self._market(symbol)
            if market is None:
                continue
            entries = {position.side: position for position in positions if position.instrument == symbol}
            for row in listed:
                towards = rows.direction(row, "trades")
                closed = entries.get(Side.LONG if towards is Direction.SELL else Side.SHORT)
                entry = None if closed is None or len(entries) > 1 else closed.entry_price
                name = names.get(str(row.get("order") or ""), "")
                found.append(
                    rows.fill(
                        row,
                        market,
                        client_order_id=name,
                        entry=None if entry is None or not name else Decimal(entry),
                    )
                )
        return tuple(sorted(found, key=lambda fill: (fill.at_ms, fill.instrument, fill.fill_id)))

    async def _pages(self, symbol: str, since_ms: int, deadline: Deadline) -> Sequence[Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        since = since_ms
        for _ in range(PAGES_MAX):
            reply = await self._ask("fetch_my_trades", symbol, since, deadline=deadline)
            fresh = {
                str(row.get("id")): row
                for row in reply.rows("trades")
                if row.get("symbol") == symbol and int(row.get("timestamp") or 0) >= since_ms
            }
            # A page has no announced length: it is asked from its last moment on until nothing new comes.
            if fresh.keys() <= found.keys():
                return list(found.values())
            found |= fresh
            since = max(int(row["timestamp"]) for row in fresh.values())
        raise AnswerMalformed(f"{symbol}: more executions than {PAGES_MAX} pages since the exit began")

"""Episodes: the life of each position from flat to flat, replayed from an account's executions."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from bastion.paper.order import Direction, Fill, Forced, PositionSide

ZERO = Decimal(0)
CLOSED_PARTLY, CLOSED_WHOLLY, LIQUIDATED, LIQUIDATED_PARTLY = "1", "2", "3", "4"
DELEVERAGED_PARTLY, DELEVERAGED = "5", "6"


@dataclass(slots=True, kw_only=True)
class Episode:
    """One position's life so far. Fees are positive when paid; `pnl` is before them."""

    symbol: str
    side: PositionSide
    is_long: bool
    opened_ms: int
    updated_ms: int
    size: Decimal = ZERO
    peak: Decimal = ZERO
    opened: Decimal = ZERO
    opened_value: Decimal = ZERO
    closed: Decimal = ZERO
    closed_value: Decimal = ZERO
    pnl: Decimal = ZERO
    fee: Decimal = ZERO
    last_fill_id: int = 0
    forced: Forced | None = None

    @property
    def key(self) -> tuple[str, PositionSide]:
        """What names the position."""
        return (self.symbol, self.side)

    @property
    def kind(self) -> str:
        """The venue's word for how it was closed."""
        if self.forced is Forced.LIQUIDATION:
            return LIQUIDATED_PARTLY if self.size else LIQUIDATED
        if self.forced is Forced.ADL:
            return DELEVERAGED_PARTLY if self.size else DELEVERAGED
        return CLOSED_PARTLY if self.size else CLOSED_WHOLLY

    @property
    def entry_price(self) -> Decimal:
        """The average price of its opening executions."""
        return self.opened_value / self.opened if self.opened else ZERO

    @property
    def exit_price(self) -> Decimal:
        """The average price of its closing executions."""
        return self.closed_value / self.closed if self.closed else ZERO


def episodes(fills: Iterable[Fill], *, with_closed: bool = False) -> list[Episode]:
    """Return the episodes that are still open, or all of them, oldest first; `fills` come oldest first."""
    running: dict[tuple[str, PositionSide], Episode] = {}
    done: list[Episode] = []
    for fill in fills:
        key = (fill.symbol, fill.position_side)
        opening = fill.quantity - fill.closed_quantity
        fee_share = fill.fee * fill.closed_quantity / fill.quantity
        if fill.closed_quantity and key in running:
            episode = running[key]
            _close(episode, fill, fee_share)
            if not episode.size:
                done.append(running.pop(key))
        if opening:
            episode = running.setdefault(key, _begun(fill))
            _open(episode, fill, opening, fill.fee - fee_share)
    return [*done, *running.values()] if with_closed else list(running.values())


def _begun(fill: Fill) -> Episode:
    return Episode(
        symbol=fill.symbol,
        side=fill.position_side,
        is_long=fill.direction is Direction.BUY,
        opened_ms=fill.time_ms,
        updated_ms=fill.time_ms,
    )


def _open(episode: Episode, fill: Fill, quantity: Decimal, fee: Decimal) -> None:
    episode.size += quantity
    episode.peak = max(episode.peak, episode.size)
    episode.opened += quantity
    episode.opened_value += quantity * fill.price
    episode.fee += fee
    episode.updated_ms, episode.last_fill_id = fill.time_ms, fill.fill_id


def _close(episode: Episode, fill: Fill, fee: Decimal) -> None:
    episode.size -= fill.closed_quantity
    episode.closed += fill.closed_quantity
    episode.closed_value += fill.closed_quantity * fill.price
    episode.pnl += fill.realized_pnl
    episode.forced = fill.forced
    episode.fee += fee
    episode.updated_ms, episode.last_fill_id = fill.time_ms, fill.fill_id

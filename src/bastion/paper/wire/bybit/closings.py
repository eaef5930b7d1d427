"""Closings: what each closing order realised, with the fees of both ends.

Source: Bybit v5 "Get Closed PnL". In its example closedPnl is exit value minus entry value minus both fees.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bastion.paper.order import Direction, Fill, OrderKind, PositionSide

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """One order's closing fills added up. Prices are averages; fees are positive when paid."""

    symbol: str
    order_id: int
    direction: Direction
    order_kind: OrderKind
    order_quantity: Decimal
    closed: Decimal
    entry_price: Decimal
    exit_price: Decimal
    realized_pnl: Decimal
    open_fee: Decimal
    close_fee: Decimal
    fill_count: int
    created_ms: int
    updated_ms: int
    last_fill_id: int


@dataclass(slots=True)
class Account:
    """What replaying an account's fills leaves behind: the fees paid on what is held, and results."""

    open_fees: dict[tuple[str, PositionSide], Decimal] = field(default_factory=dict)
    held: dict[tuple[str, PositionSide], Decimal] = field(default_factory=dict)
    current: dict[tuple[str, PositionSide], Decimal] = field(default_factory=dict)
    cumulative: dict[tuple[str, PositionSide], Decimal] = field(default_factory=dict)
    rows: dict[int, Closing] = field(default_factory=dict)


def closings(fills: Iterable[Fill]) -> list[Closing]:
    """Return one row for each order that closed something, in the order of their last fills."""
    return sorted(replay(fills).rows.values(), key=lambda row: row.last_fill_id)


def replay(fills: Iterable[Fill]) -> Account:
    """Go through `fills` (oldest first) and return what they add up to."""
    account = Account()
    for fill in fills:
        _book(account, fill)
    return account


def _book(account: Account, fill: Fill) -> None:
    key = (fill.symbol, fill.position_side)
    held = account.held.get(key, ZERO)
    pool = account.open_fees.get(key, ZERO)
    close_fee = fill.fee * fill.closed_quantity / fill.quantity
    opened = fill.quantity - fill.closed_quantity
    if fill.closed_quantity:
        share = min(fill.closed_quantity / held, Decimal(1)) if held else Decimal(1)
        open_fee = pool * share
        pool -= open_fee
        _add_row(account, fill, open_fee=open_fee, close_fee=close_fee)
        held = max(held - fill.closed_quantity, ZERO)
    net = fill.realized_pnl - fill.fee
    was_flat = not held
    account.current[key] = (
        ZERO if was_flat and not fill.closed_quantity else account.current.get(key, ZERO)
    ) + net
    if was_flat and fill.closed_quantity and opened:
        account.current[key] = close_fee - fill.fee
    account.cumulative[key] = account.cumulative.get(key, ZERO) + net
    account.open_fees[key] = pool + (fill.fee - close_fee)
    account.held[key] = held + opened


def _add_row(account: Account, fill: Fill, *, open_fee: Decimal, close_fee: Decimal) -> None:
    before = account.rows.get(fill.order_id)
    if before is None:
        account.rows[fill.order_id] = Closing(
            symbol=fill.symbol,
            order_id=fill.order_id,
            direction=fill.direction,
            order_kind=fill.order_kind,
            order_quantity=fill.order_quantity,
            closed=fill.closed_quantity,
            entry_price=fill.closed_entry_price,
            exit_price=fill.price,
            realized_pnl=fill.realized_pnl,
            open_fee=open_fee,
            close_fee=close_fee,
            fill_count=1,
            created_ms=fill.time_ms,
            updated_ms=fill.time_ms,
            last_fill_id=fill.fill_id,
        )
        return
    closed = before.closed + fill.closed_quantity
    account.rows[fill.order_id] = replace(
        before,
        closed=closed,
        entry_price=(before.entry_price * before.closed + fill.closed_entry_price * fill.closed_quantity)
        / closed,
        exit_price=(before.exit_price * before.closed + fill.price * fill.closed_quantity) / closed,
        realized_pnl=before.realized_pnl + fill.realized_pnl,
        open_fee=before.open_fee + open_fee,
        close_fee=before.close_fee + close_fee,
        fill_count=before.fill_count + 1,
        updated_ms=fill.time_ms,
        last_fill_id=fill.fill_id,
    )

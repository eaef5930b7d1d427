"""Trades: what was closed, from executions alone; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bastion.domain.account import Account
from bastion.domain.engine import Trade
from bastion.domain.look import Look
from bastion.domain.money import ZERO, Usd
from bastion.domain.order import Direction, Fill
from bastion.domain.position import Side
from bastion.domain.symbol import pair

BookKey = tuple[str, str, str]
"""Category, instrument, and in hedge mode the side (else empty)."""


@dataclass(slots=True)
class _Closing:
    symbol: str
    direction: Side
    closed_ms: int = 0
    pnl: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    pending: bool = False
    holds: list[int | None] = field(default_factory=list)


def net_sizes(look: Look) -> dict[BookKey, Decimal] | None:
    """Return what the account holds now, longs positive; None where the look is not complete."""
    if not look.complete:
        return None
    sizes: dict[BookKey, Decimal] = {}
    for position in look.positions:
        key = (position.category, position.instrument, position.side.value if position.hedged else "")
        size = position.quantity if position.side is Side.LONG else -position.quantity
        sizes[key] = sizes.get(key, ZERO) + size
    return sizes


def closed_trades(
    account: Account, fills: Iterable[Fill], held: Mapping[BookKey, Decimal] | None
) -> tuple[tuple[Trade, ...], int]:
    """Return the orders that closed something, oldest first, and how many more have their PnL still pending.

    `held` is what is held after the last fill. With it the fills are walked from the first holding on, so
    that each is known to open or to close; an execution that realised something closed in any case, and
    without `held` that is the only sign.
    """
    by_book: dict[BookKey, dict[tuple[str, str], Fill]] = {}
    for fill in fills:
        key = (fill.category, fill.instrument, fill.side.value if fill.side is not None else "")
        by_book.setdefault(key, {})[(fill.fill_id, fill.order_id)] = fill
    closings: dict[tuple[BookKey, str], _Closing] = {}
    for key, own in by_book.items():
        ordered = sorted(own.values(), key=lambda one: (one.at_ms, one.fill_id))
        now = None if held is None else held.get(key, ZERO)
        _walk(key, ordered, now, closings)
    done = [one for one in closings.values() if not one.pending]
    trades = tuple(_trade(account, one) for one in sorted(done, key=lambda one: one.closed_ms))
    return trades, len(closings) - len(done)


def _walk(
    key: BookKey,
    fills: Sequence[Fill],
    now: Decimal | None,
    closings: dict[tuple[BookKey, str], _Closing],
) -> None:
    net = None if now is None else now - sum((_signed(fill) for fill in fills), ZERO)
    opened_ms: int | None = None
    for fill in fills:
        moved = _signed(fill)
        realised = fill.realized_pnl_usd is not None and fill.realized_pnl_usd != ZERO
        if realised or (net is not None and net * moved < ZERO):
            _close(closings, key, fill, opened_ms)
        if net is None:
            continue
        after = net + moved
        if after == ZERO:
            opened_ms = None
        elif net == ZERO or net * after < ZERO:
            opened_ms = fill.at_ms
        net = after


def _close(
    closings: dict[tuple[BookKey, str], _Closing], key: BookKey, fill: Fill, opened_ms: int | None
) -> None:
    side = Side.LONG if fill.direction is Direction.SELL else Side.SHORT
    one = closings.setdefault((key, fill.order_id), _Closing(symbol=pair(fill.symbol), direction=side))
    one.closed_ms = max(one.closed_ms, fill.at_ms)
    one.fees += fill.fee_usd
    one.funding += fill.funding_usd or ZERO
    one.holds.append(None if opened_ms is None else (fill.at_ms - opened_ms) // 1000)
    if fill.realized_pnl_usd is None:
        one.pending = True
    else:
        one.pnl += fill.realized_pnl_usd


def _trade(account: Account, one: _Closing) -> Trade:
    known = [seconds for seconds in one.holds if seconds is not None]
    return Trade(
        account=account.name,
        exchange=account.venue,
        symbol=one.symbol,
        direction=one.direction,
        closed_ms=one.closed_ms,
        pnl_usd=Usd(one.pnl),
        fees_usd=Usd(one.fees),
        funding_usd=Usd(one.funding),
        hold_s=max(known) if known and len(known) == len(one.holds) else None,
    )


def _signed(fill: Fill) -> Decimal:
    return fill.quantity if fill.direction is Direction.BUY else -fill.quantity

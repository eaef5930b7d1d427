"""Protective telling: what is answered about stop losses and take profits."""

from collections.abc import Sequence
from decimal import Decimal

from bastion.commands.positions import UnreadAccount
from bastion.domain.position import Side
from bastion.domain.protective import Protection, ProtectiveOrder
from bastion.shape import dataclass

PREFIXES = {Protection.STOP_LOSS: "sl_", Protection.TAKE_PROFIT: "tp_"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingOrder:
    """One protective order at a venue; `quantity` None means the whole position."""

    order_id: str
    trigger_price: Decimal
    quantity: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectiveError:
    """What kept one position from being protected as asked; `code` is the venue's or a word of ours."""

    symbol: str
    direction: Side
    exchange: str
    account: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectiveLeg:
    """One position's part: the order that stands now, what it replaced, and what of its kind stays beside it.

    `previous_price` is the trigger of the earlier order of this kind that closed the whole position and that
    the market would have reached first, None where there was none.
    """

    exchange: str
    account: str
    symbol: str
    direction: Side
    trigger_price: Decimal
    previous_price: Decimal | None
    quantity: Decimal | None
    current_price: Decimal | None
    distance_pct: Decimal | None
    order_id: str
    replaced: tuple[StandingOrder, ...]
    kept: tuple[StandingOrder, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeProfitReport:
    """What came of a take profit; the single figures are those of the first leg, None without one.

    `success` means that every position of the symbol has the order now, and nothing was left unread.
    `exit_pct` is as asked: 0 closes the whole position, as 100 does. Prices are on the venue's tick, rounded
    towards the market.
    """

    summary: str
    success: bool
    symbol: str
    tp_price: Decimal
    exit_pct: int
    current_price: Decimal | None
    distance_pct: Decimal | None
    order_id: str | None
    replaced: tuple[StandingOrder, ...]
    kept: tuple[StandingOrder, ...]
    legs: tuple[ProtectiveLeg, ...]
    errors: tuple[ProtectiveError, ...]
    unread: tuple[UnreadAccount, ...]
    next_step: str | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLossReport:
    """What came of a stop loss; the single figures are those of the first leg, None without one.

    `previous_sl` is the trigger of the stop that it replaced, None where there was none.
    """

    summary: str
    success: bool
    symbol: str
    sl_price: Decimal
    previous_sl: Decimal | None
    current_price: Decimal | None
    distance_pct: Decimal | None
    order_id: str | None
    replaced: tuple[StandingOrder, ...]
    kept: tuple[StandingOrder, ...]
    legs: tuple[ProtectiveLeg, ...]
    errors: tuple[ProtectiveError, ...]
    unread: tuple[UnreadAccount, ...]
    next_step: str | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedStop:
    """One position whose stop is at its entry; `unrealized_pnl_pct` is the unleveraged move in percent."""

    symbol: str
    direction: Side
    previous_stop: Decimal | None
    new_stop: Decimal
    unrealized_pnl_pct: Decimal
    exchange: str
    account: str
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedStop:
    """One position whose stop was left as it is, and why."""

    symbol: str
    reason: str
    direction: Side
    exchange: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakevenReport:
    """What came of moving stops to entry. A position not in profit is skipped, and is no error.

    `success` is false only where a venue refused or failed, or something was left unread.
    """

    summary: str
    success: bool
    moved: tuple[MovedStop, ...]
    skipped: tuple[SkippedStop, ...]
    total_moved: int
    total_skipped: int
    errors: tuple[ProtectiveError, ...]
    unread: tuple[UnreadAccount, ...]
    next_step: str | None
    warnings: tuple[str, ...]


def shown(orders: Sequence[ProtectiveOrder]) -> tuple[StandingOrder, ...]:
    """Return standing orders as answers show them."""
    return tuple(
        StandingOrder(
            order_id=shown_id(each),
            trigger_price=each.trigger_price,
            quantity=None if each.whole else each.quantity,
        )
        for each in orders
    )


def shown_id(order: ProtectiveOrder) -> str:
    """Return the venue's id with the prefix of its kind (interface, section 7)."""
    return PREFIXES[order.kind] + order.order.order_id


def next_step(errors: Sequence[object], unread: Sequence[UnreadAccount]) -> str | None:
    """Return what a person should do where not everything stands as asked."""
    if unread:
        names = ", ".join(sorted({part.account for part in unread}))
        return f"Not everything could be read ({names}): call bastion_get_positions, then ask again."
    if errors:
        return "Some positions are not protected as asked: read errors, mend what they name, and ask again."
    return None

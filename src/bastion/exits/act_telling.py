"""Act reports: the words in which every surface tells of a flattening, a partial close and a halt."""

from decimal import Decimal

from bastion.domain.money import Price, Quantity, Usd
from bastion.domain.position import Side
from bastion.domain.verdict import ExitState, HaltVerdict, PartVerdict, Verdict
from bastion.exits.telling import ClosedPosition, ExitError, SelectedPart, UnreadPart
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPosition:
    """A position that was left open, and why; `net_pnl_usd` is what the whole trade was estimated to leave.

    `funding_usd` is what it received (negative: paid) since it was opened, where that is known.
    """

    symbol: str
    direction: Side
    unrealized_pnl_usd: Usd | None
    reason: str
    exchange: str
    account: str
    quantity: Quantity
    net_pnl_usd: Usd | None = None
    funding_usd: Usd | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlattenReport:
    """What closing the positions in profit did.

    `total_profit_locked_usd` is the sum of what was realised, by fills: slippage can make it a loss.
    `exit_id`, `state` and `verdict` are those of the exit that closed them; None where no position was in
    profit. The verdict's words are CLOSED, NOT_CLOSED and UNKNOWN, never FLAT: the others are open.
    `success` is true when every position in profit is closed and every account was read.
    """

    summary: str
    success: bool
    exit_id: str | None
    positions_closed: int
    total_profit_locked_usd: Usd
    closed: tuple[ClosedPosition, ...]
    kept_open: tuple[KeptPosition, ...]
    errors: tuple[ExitError, ...]
    unread: tuple[UnreadPart, ...]
    state: ExitState | None
    verdict: Verdict | PartVerdict | None
    next_step: str | None
    warnings: tuple[str, ...]
    fees_usd: Usd
    pnl_pending: bool
    net: bool
    selection: SelectedPart


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialLeg:
    """One position of a partial close. What the venue has not told yet is None."""

    exchange: str
    account: str
    direction: Side
    closed_pct: Decimal
    closed_qty: Quantity
    remaining_qty: Quantity | None
    exit_price: Price | None
    realized_pnl_usd: Usd | None
    remaining_unrealized_pnl_usd: Usd | None
    requested_qty: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialCloseReport:
    """What a partial close did; the figures at the top are those of all legs together.

    `closed_pct` is the share that was truly closed, in percent: sizes round down to the lot step.
    `exit_price` is the average over the fills. `success` is true when every leg stands at its target size.
    """

    summary: str
    success: bool
    symbol: str
    closed_pct: Decimal
    closed_qty: Quantity
    remaining_qty: Quantity | None
    exit_price: Price | None
    realized_pnl_usd: Usd | None
    remaining_unrealized_pnl_usd: Usd | None
    legs: tuple[PartialLeg, ...]
    exit_id: str
    errors: tuple[ExitError, ...]
    next_step: str | None
    warnings: tuple[str, ...]
    fees_usd: Usd
    pnl_pending: bool
    exit_pct: int
    state: ExitState
    unread: tuple[UnreadPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOrder:
    """A working order that is still there: `reason` says whether it was to stay or could not be cancelled."""

    symbol: str
    exchange: str
    account: str
    direction: str
    quantity: Quantity
    order_id: str
    protective: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltReport:
    """What a halt did.

    `orders_kept` is every order that the accounts still showed, read after the cancels, among what the halt
    covers: the stops that protect positions, and whatever could not be cancelled (also in `errors`).
    `success` is true when two looks in a row showed no other order. `positions_unchanged` counts the
    positions that were left as they are; None where they could not be read.
    """

    summary: str
    success: bool
    halt_id: str
    orders_cancelled: int
    orders_kept: tuple[KeptOrder, ...]
    errors: tuple[ExitError, ...]
    unread: tuple[UnreadPart, ...]
    latched: bool
    positions_unchanged: int | None
    next_step: str | None
    warnings: tuple[str, ...]
    state: ExitState
    verdict: HaltVerdict | None
    elapsed_s: Decimal
    reason: str | None
    stops_too: bool
    selection: SelectedPart

"""Preview telling: what is answered about what an action would send."""

from decimal import Decimal
from enum import StrEnum

from bastion.commands.positions import UnreadAccount
from bastion.domain.order import Direction
from bastion.domain.position import Side
from bastion.shape import dataclass


class PreviewAction(StrEnum):
    """The actions that can be previewed."""

    EXIT = "exit"
    FLATTEN_WINNERS = "flatten_winners"
    PARTIAL_CLOSE = "partial_close"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewLeg:
    """What would be sent first for one position, and what it is estimated to give by the live book.

    `quantity` is what the orders close together, `remaining_qty` what would stay, `orders` how many there
    are. `estimated_exit_price` is None where the book is not read or does not hold the size; `unfilled_qty`
    is what it lacks. `slippage_usd` is the cost against the mark; `estimated_realized_pnl_usd` is price PnL
    before fees and funding. `hindrances` say what could keep it from being closed. `funding_usd` is what it
    received (negative: paid) since it was opened, where that is known; `net_pnl_usd` is what the whole trade
    would leave, told where the preview was asked for `net`.
    """

    symbol: str
    direction: Side
    exchange: str
    account: str
    order_form: str
    orders: int
    quantity: Decimal
    remaining_qty: Decimal
    current_price: Decimal | None
    estimated_exit_price: Decimal | None
    unfilled_qty: Decimal | None
    slippage_usd: Decimal | None
    fees_usd: Decimal | None
    estimated_realized_pnl_usd: Decimal | None
    notional_usd: Decimal | None
    hindrances: tuple[str, ...]
    funding_usd: Decimal | None = None
    net_pnl_usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewOrder:
    """One order that would be cancelled; `when` says whether at once or when its position is gone."""

    symbol: str
    exchange: str
    account: str
    order_id: str
    order_direction: Direction
    quantity: Decimal
    conditional: bool
    reduce_only: bool
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewKept:
    """One position that the action would leave as it is, and why; with `net`, by which figures."""

    symbol: str
    direction: Side
    exchange: str
    account: str
    unrealized_pnl_usd: Decimal | None
    reason: str
    funding_usd: Decimal | None = None
    net_pnl_usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewTotals:
    """Sums over the legs that could be estimated; `not_estimated` counts the others, which are in none."""

    positions: int
    orders_to_send: int
    orders_to_cancel: int
    not_estimated: int
    notional_usd: Decimal
    slippage_usd: Decimal
    fees_usd: Decimal
    estimated_realized_pnl_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewReport:
    """What an action would send now. Nothing was sent but reads, and the market moves on."""

    summary: str
    action: PreviewAction
    sent: bool
    legs: tuple[PreviewLeg, ...]
    cancels: tuple[PreviewOrder, ...]
    kept: tuple[PreviewKept, ...]
    totals: PreviewTotals
    unread: tuple[UnreadAccount, ...]
    warnings: tuple[str, ...]
    read_at: str
    net: bool = False

"""Orders: the request that can only reduce, what the venue says of it, and what it filled."""

from enum import StrEnum

from bastion.domain.money import Price, Quantity, Usd
from bastion.domain.position import Position, Side
from bastion.shape import dataclass


class Direction(StrEnum):
    """The direction of an order."""

    BUY = "BUY"
    SELL = "SELL"


class OrderKind(StrEnum):
    """How a closing order is to be executed."""

    MARKET = "market"
    """At market, in the size given."""
    WHOLE = "whole"
    """At market, the venue's size-free close of the whole position, where it has one; else as MARKET."""
    IOC = "ioc"
    """At `limit_price` or better at once, the rest expires."""
    RESTING = "resting"
    """At `limit_price` or better; what is not executed at once rests in the book until it is cancelled."""
    REFUND = "refund"
    """No order at all: the venue takes the position back for its original margin (`domain.refund`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """A closing order: it names the position that it reduces and can express nothing else.

    There is no opening form and no reduce-only switch: the venue adapter sends reduce-only, or the venue's
    implicit form of it, always. `quantity` is at most the position's. `client_order_id` is ours, derived from
    the exit, so that the order can be found again after a crash. `why` says why it is executed as it is;
    empty for a plain first order.
    """

    client_order_id: str
    position: Position
    quantity: Quantity
    kind: OrderKind = OrderKind.MARKET
    limit_price: Price | None = None
    why: str = ""

    @property
    def direction(self) -> Direction:
        """The direction that reduces the position."""
        return Direction.SELL if self.position.side is Side.LONG else Direction.BUY


class OrderStatus(StrEnum):
    """What a venue last said of an order."""

    ACCEPTED = "accepted"
    """Taken, not known to be matched yet."""
    PARTIAL = "partial"
    """Partly filled and still working."""
    FILLED = "filled"
    CANCELED = "canceled"
    """Ended by a cancel or by its own expiry; `filled` says how much of it was executed."""
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderState:
    """What a venue says of one order of ours at one moment.

    `refunded_usd` is the margin that a refund gave back; None for every order.
    """

    client_order_id: str
    order_id: str
    status: OrderStatus
    filled: Quantity
    average_price: Price | None = None
    reason: str = ""
    refunded_usd: Usd | None = None

    @property
    def ended(self) -> bool:
        """Whether the order can no longer fill."""
        status = self.status
        return (
            status is OrderStatus.FILLED or status is OrderStatus.CANCELED or status is OrderStatus.REJECTED
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """A working or waiting order of the account, whoever placed it.

    `reduce_only` says that the order can only reduce by the venue's rule (flag, hedge-mode side, or
    close-position form). `conditional` says that it waits for a trigger, and must be cancelled where the
    venue keeps such orders. `side` is the hedge-mode leg that it belongs to, if any.
    """

    instrument: str
    category: str
    order_id: str
    client_order_id: str
    direction: Direction
    quantity: Quantity
    reduce_only: bool
    conditional: bool
    settle: str = ""
    side: Side | None = None
    closable: bool = True

    @property
    def key(self) -> tuple[str, str, str, bool]:
        """What names this order within its account."""
        return (self.category, self.instrument, self.order_id, self.conditional)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAnswer:
    """What came of one cancel: `gone` means that the venue says the order no longer works.

    `answered` is False where the venue said nothing of this order: no answer came, or the request as such was
    refused, for a limit, an overload or its time.
    """

    order: OpenOrder
    gone: bool
    code: str = ""
    message: str = ""
    answered: bool = True


class Cause(StrEnum):
    """What moved a position without an order sent for it at that moment, by the venue's own word."""

    LIQUIDATION = "liquidation"
    ADL = "adl"
    STOP = "stop"
    """A waiting order whose trigger was reached: a stop loss or a take profit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution of one order; money is in USD, fees positive when paid.

    `realized_pnl_usd` is price PnL before fees and funding; None means that the venue does not give it with
    the execution. `funding_usd` is what the venue settled with it (negative when paid), apart from the PnL;
    None where it settles funding elsewhere. `opens` tells whether it opened or added to a position rather
    than reduced one, where the venue says so. `fee_note` names the rate at which a fee in a coin other than a
    US stablecoin was valued. `cause` is set where the venue says that it was no order
    sent at that moment.
    """

    instrument: str
    category: str
    symbol: str
    fill_id: str
    order_id: str
    client_order_id: str
    direction: Direction
    quantity: Quantity
    price: Price
    fee_usd: Usd
    at_ms: int
    side: Side | None = None
    realized_pnl_usd: Usd | None = None
    funding_usd: Usd | None = None
    fee_note: str = ""
    cause: Cause | None = None

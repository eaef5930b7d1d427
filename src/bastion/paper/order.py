"""Order: what an account asks for, and what has become of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Direction(StrEnum):
    """The side of an order."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return 1 if self is Direction.BUY else -1

    @property
    def opposite(self) -> "Direction":
        """The other direction."""
        return Direction.SELL if self is Direction.BUY else Direction.BUY


class PositionSide(StrEnum):
    """Which position an order acts on: NET in one-way mode, LONG or SHORT in hedge mode."""

    NET = "NET"
    LONG = "LONG"
    SHORT = "SHORT"


class OrderKind(StrEnum):
    """How an order is priced once it is active."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"


class TimeInForce(StrEnum):
    """How long an active order may wait."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    POST_ONLY = "POST_ONLY"


class TriggerPrice(StrEnum):
    """Which price wakes a conditional order."""

    MARK = "MARK"
    LAST = "LAST"


class TriggerWhen(StrEnum):
    """From which side the watched price must reach the trigger."""

    RISES_TO = "RISES_TO"
    FALLS_TO = "FALLS_TO"


class SelfMatch(StrEnum):
    """What happens when an order meets a resting one of the same account."""

    CANCEL_MAKER = "CANCEL_MAKER"
    CANCEL_TAKER = "CANCEL_TAKER"
    CANCEL_BOTH = "CANCEL_BOTH"
    EXECUTE = "EXECUTE"


class OrderState(StrEnum):
    """Where an order stands. All but the first three are final.

    TRIGGERED is the end of a conditional order at venues that then send a fresh order to the book.
    """

    UNTRIGGERED = "UNTRIGGERED"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    TRIGGERED = "TRIGGERED"

    @property
    def is_open(self) -> bool:
        """Whether the order can still fill."""
        return self in {OrderState.UNTRIGGERED, OrderState.NEW, OrderState.PARTIALLY_FILLED}


class Forced(StrEnum):
    """Why the venue closed a position against its owner's will."""

    LIQUIDATION = "LIQUIDATION"
    ADL = "ADL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """The condition of a stop or take-profit order."""

    price: Decimal
    when: TriggerWhen
    watches: TriggerPrice = TriggerPrice.LAST


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """An order as an account asks for it.

    `quantity` is in contracts; with `close_position` it may be zero and then means the whole position (at the
    moment a conditional order triggers, or at once), bounded by the instrument's largest market quantity.
    `ends_with_position`: the venue cancels the order, triggered or not, when there is nothing left to reduce.
    `self_match` decides for this order as the taker.
    `fill_ratio_max` is a fault: at most this share of `quantity` fills at once, as if the book held no more.
    `terms` keeps the venue's own words for the order (its `type`, say) for the wire that has to repeat them.
    `forced` is set on the venue's own orders, by which it closes a position.
    """

    symbol: str
    direction: Direction
    kind: OrderKind
    quantity: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    position_side: PositionSide = PositionSide.NET
    reduce_only: bool = False
    close_position: bool = False
    ends_with_position: bool = False
    self_match: SelfMatch = SelfMatch.CANCEL_MAKER
    client_order_id: str = ""
    trigger: Trigger | None = None
    fill_ratio_max: Decimal | None = None
    market_bound: Decimal | None = None
    terms: Mapping[str, str] = field(default_factory=dict)
    forced: Forced | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as the exchange holds it; every change makes a new value.

    `quantity` may be smaller than the request's where the venue shrinks reduce-only orders.
    `executed_quantity` and
    `executed_value` (settle coin) sum over its fills. `is_conditional` stays true after it has triggered;
    `state` tells whether it has. Where triggering makes a fresh order, `child_id` and `parent_id` link the
    two. `matched` says that it has met the book and rests there. `end_reason` is set on final states: the
    `Reason` or a word such as "depth_ended".
    """

    order_id: int
    account: str
    request: OrderRequest
    state: OrderState
    quantity: Decimal
    executed_quantity: Decimal = Decimal(0)
    executed_value: Decimal = Decimal(0)
    average_price: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    realized_pnl: Decimal = Decimal(0)
    created_ms: int
    updated_ms: int
    triggered_ms: int = 0
    end_reason: str = ""
    matched: bool = False
    parent_id: int = 0
    child_id: int = 0

    @property
    def client_order_id(self) -> str:
        """The id that the account chose, or the one that the venue gave it."""
        return self.request.client_order_id

    @property
    def symbol(self) -> str:
        """The instrument's symbol."""
        return self.request.symbol

    @property
    def is_conditional(self) -> bool:
        """Whether the order began as a stop or take-profit order."""
        return self.request.trigger is not None

    @property
    def remaining(self) -> Decimal:
        """What has not been executed yet, in contracts."""
        return self.quantity - self.executed_quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution.

    `fee` is positive when the account pays; `realized_pnl` is before fees. Both in `fee_coin`.

    `closed_quantity` and `closed_entry_price` say how much of the position this fill closed and at which
    average entry it was held.
    """

    fill_id: int
    order_id: int
    client_order_id: str
    account: str
    symbol: str
    direction: Direction
    position_side: PositionSide
    price: Decimal
    quantity: Decimal
    value: Decimal
    fee: Decimal
    fee_coin: str
    realized_pnl: Decimal
    closed_quantity: Decimal
    closed_entry_price: Decimal
    is_maker: bool
    time_ms: int
    order_kind: OrderKind
    order_quantity: Decimal
    forced: Forced | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders are meant; a field left out means any. `conditional` False means working orders only."""

    symbol: str | None = None
    settle: str | None = None
    base: str | None = None
    contract: str | None = None
    conditional: bool | None = None

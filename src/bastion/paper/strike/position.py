"""Position: one isolated-margin position, from open to its single end."""

from enum import IntEnum
from typing import Final, NamedTuple


class Side(IntEnum):
    """The direction of a position; its value is the sign of the exposure."""

    LONG = 1
    SHORT = -1


class Status(IntEnum):
    """Where a position stands.

    Exactly one edge leaves OPEN: to CLOSED (profit waits in the payout queue), SETTLED (loss, or profit
    paid at once), LIQUIDATED or EXITED (margin refunded). CLOSED has one edge, to SETTLED. LIQUIDATED is
    shown to the public as settled; EXITED is never shown.
    """

    OPEN = 1
    CLOSED = 2
    SETTLED = 3
    LIQUIDATED = 4
    EXITED = 5


_EXITED: Final = Status.EXITED


class Position(NamedTuple):
    """One position. Amounts and prices are micro-USD, times are microseconds since 1970 (UTC).

    `margin`, `leverage`, `entry_price`, `spread` and `opened_at_us` never change. `funding` is what has
    accrued (negative when paid) and is realised only by a normal close. `price_pnl`, `fee` and `realized`
    are zero until the position ends; `forgiven` is the loss that an exit did not charge, an estimate at
    the newest mark for the metrics only.
    """

    id: int
    wallet: str
    symbol: str
    side: Side
    margin: int
    leverage: int
    entry_price: int
    spread: int
    opened_at_us: int
    status: Status = Status.OPEN
    funding: int = 0
    exit_price: int | None = None
    price_pnl: int = 0
    fee: int = 0
    realized: int = 0
    forgiven: int = 0
    closed_at_us: int | None = None
    settled_at_us: int | None = None

    def exited(self, *, at_us: int, forgiven: int) -> "Position":
        """Give the position as an exit leaves it: nothing realised, the accrued funding dropped."""
        # The hot path of a refund: the terms are copied as one slice; `_replace` costs many times as much.
        ended = (*self[:9], _EXITED, 0, None, 0, 0, 0, forgiven, None, at_us)
        return tuple.__new__(Position, ended)

    @property
    def notional(self) -> int:
        """Margin times leverage, micro-USD."""
        return self.margin * self.leverage

    @property
    def gross(self) -> int:
        """Price PnL plus accrued funding, micro-USD, before the fee."""
        return self.price_pnl + self.funding

"""Position: what a venue says an account holds in one instrument on one side."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

from bastion.domain.money import ZERO, Price, Quantity, Usd
from bastion.shape import dataclass


class Side(StrEnum):
    """The side of a position."""

    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def other(self) -> "Side":
        """The other side."""
        return Side.SHORT if self is Side.LONG else Side.LONG


class MarginMode(StrEnum):
    """How a position is margined; it does not change how it is closed on every venue, but on some."""

    CROSS = "cross"
    ISOLATED = "isolated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One open position as the venue reports it; `quantity` is above zero, its direction is `side`.

    `hedged` says that the account runs hedge mode there, so that both sides of one instrument can be open.
    `closable` is False for what bastion reports but does not close (options, spot debt); it then makes the
    verdict NOT_FLAT by name. Figures that the venue did not give are None, never zero. `notional_usd` is
    positive; `margin_usd` is the initial margin. `funding_usd` is the funding received (negative: paid) since
    the position was opened; it has gone through the wallet already and is no part of `unrealized_pnl_usd`,
    unless `funding_settled` is False: then the venue books it with the close, and the PnL contains it.
    `position_id` is the venue's own id of this position, where it has one; there, several positions of one
    contract and side can be open. `updated_ms` is when it last changed, by the venue's clock.
    """

    instrument: str
    category: str
    symbol: str
    side: Side
    quantity: Quantity
    hedged: bool
    margin_mode: MarginMode | None = None
    entry_price: Price | None = None
    mark_price: Price | None = None
    liquidation_price: Price | None = None
    leverage: Decimal | None = None
    notional_usd: Usd | None = None
    margin_usd: Usd | None = None
    unrealized_pnl_usd: Usd | None = None
    funding_usd: Usd | None = None
    funding_settled: bool = True
    closable: bool = True
    position_id: str = ""
    updated_ms: int | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What names this position within its account: category, instrument and side."""
        return (self.category, self.instrument, str(self.side))


def size_held(position: Position, found: Iterable[Position]) -> Decimal:
    """Return how much of a position is held by what was found: zero where nothing is.

    In one-way mode the contract may be held on the other side, for an order turned it: that size is negative.
    So is what is held on the other side in hedge mode, where it was asked for as in one-way mode.
    """
    opposite = ZERO
    for one in found:
        if (one.category, one.instrument) != (position.category, position.instrument):
            continue
        if one.side is position.side:
            return Decimal(one.quantity)
        if not (one.hedged and position.hedged):
            opposite -= Decimal(one.quantity)
    return opposite

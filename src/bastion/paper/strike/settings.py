"""Settings: the venue's rules, as one value."""

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Final

from bastion.paper.strike.money import AMOUNT_MICRO_MAX, MICRO

SYMBOLS: Final = ("BTC-USD", "ETH-USD", "SOL-USD", "BNB-USD", "XRP-USD", "HYPE-USD")
HOUR_US: Final = 3_600 * MICRO
DAY_US: Final = 24 * HOUR_US


class FeeShape(StrEnum):
    """How the fee on profitable closes falls with the price move; see `fees`."""

    C1 = "c1"
    C2 = "c2"


class QueueScope(StrEnum):
    """Whether one payout queue serves the venue, or each market has its own."""

    VENUE = "venue"
    MARKET = "market"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """G1: an exit is allowed only while something is wrong; any one of these is enough.

    A halted market, a stale mark, `close_failures` consecutive closes refused in that market, a queue head
    older than `queue_age_us`, suspended withdrawals.
    """

    close_failures: int = 3
    queue_age_us: int = HOUR_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """Conditions on exits. All are off by default, since the contract of the exit attaches none.

    `age_us_min` is G2. `wallet_exits_a_day_max` and `forgiven_share_of_treasury_max` (of the treasury, a
    UTC day) are G3. `insurance` is G4: the fund, as far as it reaches, pays the treasury what an exit
    forgave; the trader sees no difference.
    """

    circumstances: Circumstances | None = None
    age_us_min: int | None = None
    wallet_exits_a_day_max: int | None = None
    forgiven_share_of_treasury_max: Fraction | None = None
    insurance: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSettings:
    """The rules of trade.

    `spread_rate` moves every entry against the trader; `liquidation_buffer` is the share of the margin
    that is left when a position is liquidated; `position_multiplier` scales the fee of large positions
    (a dollar of notional); `oracle_stale_after_us` is the age beyond which a mark serves no open or
    close, None for never.
    """

    symbols: tuple[str, ...] = SYMBOLS
    spread_rate: Fraction = Fraction(1, 10_000)
    liquidation_buffer: Fraction = Fraction(0)
    fee_shape: FeeShape = FeeShape.C1
    position_multiplier: Fraction = Fraction(1, 1_000_000)
    leverage_max: int = 1_000
    margin_min: int = MICRO
    margin_max: int = AMOUNT_MICRO_MAX
    oracle_stale_after_us: int | None = 30 * MICRO
    queue_scope: QueueScope = QueueScope.VENUE
    gates: Gates = field(default_factory=Gates)

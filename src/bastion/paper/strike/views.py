"""Views: what the venue shows. Amounts and prices in micro-USD, sizes in micro-coins, times in us (UTC)."""

from dataclasses import dataclass
from fractions import Fraction

from bastion.paper.strike.position import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """A position with what follows from the mark.

    `size` is signed (negative for shorts). `unrealized` is price PnL plus accrued funding at the newest
    mark, zero unless the position is open.
    """

    position: Position
    size: int
    liquidation_price: int
    unrealized: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """A claim that waits for the treasury.

    `ahead` sums the net payouts in front of it, `place` counts from 1 (next), `net_payout` is margin plus
    profit; only the profit (`need`) is asked of the treasury.
    """

    position_id: int
    symbol: str
    margin: int
    need: int
    net_payout: int
    ahead: int
    place: int
    queued_at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionsView:
    """All public positions of a wallet, oldest first. `settled` includes liquidated ones."""

    open: tuple[PositionView, ...] = ()
    closed: tuple[PositionView, ...] = ()
    settled: tuple[PositionView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementView:
    """A recorded deposit or withdrawal; `stated_at_us` is the time that its caller gave."""

    amount: int
    tx_hash: str
    stated_at_us: int
    recorded_at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """A wallet's balances and movements, newest first. ``total = withdrawable + reserved``."""

    withdrawable: int
    reserved: int
    total: int
    queued: int
    deposits: tuple[MovementView, ...] = ()
    withdrawals: tuple[MovementView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancesView:
    """A wallet's money against its history.

    ``balance = deposits - withdrawals + realised PnL of settled positions``, which is
    ``withdrawable + reserved + queued``: the margin of a queued winner counts, its claim does not yet.
    """

    balance: int
    withdrawable: int
    total_deposited: int
    total_withdrawn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardView:
    """A wallet at a glance; `history` is newest first and holds no exited position."""

    withdrawable: int
    active: tuple[PositionView, ...]
    pending_payout: tuple[tuple[PositionView, QueueView], ...]
    history: tuple[PositionView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """One market. Rates are fractions of notional an hour, signed as each side receives or pays.

    A positive `long_rate_hourly` is paid by longs; the receiving side's rate is negative and larger when
    its open interest is smaller. `mark` and `marked_at_us` are None until the first tick.
    """

    symbol: str
    mark: int | None
    marked_at_us: int | None
    stale: bool
    halted: bool
    long_oi: int
    short_oi: int
    skew: Fraction
    long_rate_hourly: Fraction
    short_rate_hourly: Fraction
    volume_24h: int
    volume_total: int
    volume_1h: int
    trades_24h: int
    position_multiplier: Fraction
    spread_rate: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsView:
    """What the operator watches.

    `forgiven_share` is forgiven loss over all losses, charged or forgiven; `break_even_share` is the share
    beyond which the queue grows without bound (1 - profit claims / all losses), None before any loss.
    `alert` is raised from 80 % of it on.
    """

    open_positions: int
    wallets: int
    treasury: int
    insurance: int
    queue_length: int
    queue_need: int
    queue_age_seconds: int
    loss_inflow: int
    profit_claims: int
    exits: int
    forgiven_loss: int
    forgiven_share: Fraction
    break_even_share: Fraction | None
    alert: bool
    total_fees: int
    commits: int

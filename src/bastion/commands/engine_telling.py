"""Engine telling: what the engine's verbs answer, with the interface's field names first."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from bastion.domain.engine import (
    Action,
    AlertType,
    ArmSettings,
    Disarmed,
    EngineState,
    Lamp,
    Mode,
    Reach,
    Severity,
    Standing,
    Target,
)
from bastion.domain.money import ZERO, Price, Usd
from bastion.domain.position import Side
from bastion.domain.principal import Principal
from bastion.exits.telling import ExitReport
from bastion.shape import dataclass

HOUR_S = Decimal(3600)
CADENCE_S = 120
"""How often advice is given (the interface's figure); guards run on each reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStartReport:
    """The engine runs and advises; nothing is sent on its own decision until it is armed."""

    summary: str
    success: bool
    status: str
    mode: Mode
    positions_detected: int
    evaluation_cadence_seconds: int
    exchanges_connected: tuple[str, ...]
    message: str
    state: EngineState
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineArmReport:
    """The engine is armed with these settings; None for a bound that was not given or is not known."""

    summary: str
    success: bool
    armed: bool
    mode: Mode
    confidence_threshold: Decimal
    daily_loss_limit_usd: Usd
    daily_loss_remaining_usd: Usd | None
    positions_monitored: int
    trade_enabled_exchanges: tuple[str, ...]
    message: str
    risk_threshold: Decimal | None
    max_action: Reach | None
    state: EngineState
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmedSession:
    """What the engine did while it was armed."""

    armed_duration_hours: Decimal
    actions_executed: int
    net_realized_pnl_usd: Usd


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDisarmReport:
    """The engine only watches and advises; disarming waits for no reading.

    `positions_unchanged` is how many positions the engine's latest evaluation saw, at `positions_seen_at`;
    both are None where there was none.

    `going_on` names what had begun before and is not broken off: an exit goes on to its verdict.
    """

    summary: str
    success: bool
    armed: bool
    mode: Mode
    engine_running: bool
    positions_unchanged: int | None
    session_summary: ArmedSession
    message: str
    state: EngineState
    going_on: tuple[str, ...]
    warnings: tuple[str, ...]
    positions_seen_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """What the engine was armed with, else the defaults; the limit stands under both of its names."""

    confidence_threshold: Decimal
    daily_loss_limit: Usd
    daily_loss_limit_usd: Usd
    risk_threshold: Decimal | None
    max_action: Reach | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardStatus:
    """One guard on one thing: the figure, its limit, what is still to go, and the formula.

    `state` is clear, trip or not_evaluated; figures are None where there was no data. `symbol` is None for a
    guard over the whole desk.
    """

    guard: str
    state: Lamp
    symbol: str | None
    direction: Side | None
    exchange: str | None
    account: str | None
    value: Decimal | None
    limit: Decimal
    distance: Decimal | None
    unit: str
    formula: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatusReport:
    """How the engine stands. Figures of the latest evaluation are None where there was none.

    `recorded_state` is what it comes back to when a standing process runs it again.
    """

    summary: str
    running: bool
    armed: bool
    mode: Mode
    uptime_hours: Decimal | None
    positions_monitored: int
    last_evaluation: str
    config: EngineConfig
    last_evaluation_at: str | None
    state: EngineState
    recorded_state: EngineState
    guards: tuple[GuardStatus, ...]
    equity_usd: Usd | None
    high_water_usd: Usd | None
    realized_today_usd: Usd | None
    daily_loss_remaining_usd: Usd | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryDetails:
    """What an execution did, as far as the venue has told it; `exit_id` leads to its certificate."""

    exit_pct: Decimal | None = None
    price: Price | None = None
    realized_pnl_usd: Usd | None = None
    new_stop: Price | None = None
    previous_stop: Price | None = None
    exit_id: str | None = None


class HistoryType(StrEnum):
    """The interface's two kinds of entries."""

    EXECUTION = "execution"
    EVALUATION = "evaluation"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One evaluation or execution.

    `confidence` is the share of the rule's conditions that held, 1 for a guard at its limit. `symbol` is
    None where everything is meant.
    """

    timestamp: str
    type: HistoryType
    action: Action
    symbol: str | None
    details: HistoryDetails | None
    confidence: Decimal
    reasoning: str
    direction: Side | None
    exchange: str | None
    account: str | None


class EventWord(StrEnum):
    """What happened to the engine itself."""

    STARTED = "STARTED"
    ARMED = "ARMED"
    DISARMED = "DISARMED"
    RESUMED = "RESUMED"
    CLEARED = "CLEARED"
    """A guard is clear again."""
    NOT_SENT = "NOT_SENT"
    """It was about to act and did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineEvent:
    """One change of the engine's state, or an act that was not sent after all."""

    timestamp: str
    event: EventWord
    symbol: str | None
    direction: Side | None
    exchange: str | None
    account: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySummary:
    """Counts of everything that the engine ever did here, not only of the entries shown."""

    total_evaluations: int
    actions_executed: int
    holds: int
    net_realized_pnl_usd: Usd


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineHistoryReport:
    """The engine's newest entries, newest first, and beside them its newest changes of state."""

    message: str
    entries: tuple[HistoryEntry, ...]
    summary: HistorySummary
    events: tuple[EngineEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDetails:
    """The figures of an alert; text in it can come from a venue and is data."""

    guard: str | None
    value: Decimal | None
    limit: Decimal | None
    affected_position: str | None
    exchange: str | None
    account: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert."""

    type: AlertType
    severity: Severity
    message: str
    symbol: str | None
    timestamp: str
    details: AlertDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsReport:
    """The alerts of the last 24 hours, newest first; `summary` says whether anything watches at all."""

    summary: str
    alerts: tuple[AlertRow, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeMark:
    """One trade by its figures."""

    symbol: str
    pnl_usd: Usd
    direction: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadFigures:
    """An account whose executions of the day could not be read; they are in no figure."""

    account: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatsReport:
    """The trading day since 00:00 UTC. Loss figures are negative; a ratio without a divisor is None.

    `max_drawdown_usd` is the deepest fall of the running PnL from its peak. PnL is price PnL; `fees_usd` and
    `funding_usd` stand beside it. `pending` counts closings whose PnL the venue has not given yet.
    """

    summary: str
    session_start: str
    total_trades: int
    wins: int
    losses: int
    win_rate_pct: Decimal | None
    net_pnl_usd: Usd
    gross_profit_usd: Usd
    gross_loss_usd: Usd
    best_trade: TradeMark | None
    worst_trade: TradeMark | None
    avg_hold_hours: Decimal | None
    max_drawdown_usd: Usd
    profit_factor: Decimal | None
    avg_win_usd: Decimal | None
    avg_loss_usd: Decimal | None
    fees_usd: Usd
    funding_usd: Usd
    pending: int
    unread: tuple[UnreadFigures, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRow:
    """One contract's mark price at the time of the exit; None where the venue gave none."""

    symbol: str
    mark_price: Price | None
    exchange: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSwitchReport(ExitReport):
    """The exit's report, with what the kill switch did beside it."""

    engine_disarmed: bool
    latched: bool
    market_snapshot: tuple[MarketRow, ...]


def mode_of(standing: Standing) -> Mode:
    """Return the interface's word for what the engine may do."""
    return Mode.AUTONOMOUS if standing.armed else Mode.ADVISORY


def left_of(settings: ArmSettings, realized: Decimal) -> Usd:
    """Return how much may still be lost today before the engine disarms itself; never below zero."""
    return Usd(max(settings.daily_loss_limit_usd + min(realized, ZERO), ZERO))


def seen(targets: Iterable[Target], principal: Principal) -> tuple[Target, ...]:
    """Return those of the targets that the principal may see."""
    return tuple(target for target in targets if may_see(target, principal))


def may_see(target: Target, principal: Principal) -> bool:
    """Return whether the principal may see it: what is about the whole desk holds every account's figures."""
    return principal.accounts is None or target.account in principal.accounts


def hours(seconds: Decimal) -> Decimal:
    """Return the hours, with two decimals."""
    return (seconds / HOUR_S).quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def warming(standing: Standing, now_ns: int) -> tuple[str, ...]:
    """Return from when on an armed engine acts, where that is still to come; `now_ns` is UTC."""
    pulse = standing.pulse
    if not standing.armed or pulse is None or now_ns >= pulse.acts_from_ns:
        return ()
    left_s = (pulse.acts_from_ns - now_ns) // 1_000_000_000 + 1
    return (f"The watch has only begun: it acts on nothing for another {left_s} seconds, but alerts.",)


def disarm_warnings(ended: Disarmed) -> tuple[str, ...]:
    """Return what a person must know of a disarming that could not be written down."""
    if ended.written:
        return ()
    note = (
        "The disarming holds in this process, but it could not be written down: a process that starts anew"
        " would come back as it was recorded. Disarm again before a restart."
    )
    return (note,)

"""Engine: the words, settings and figures of the standing watch over positions.

The engine is STOPPED, MONITORING (it watches and advises) or ARMED (its guards may act, too). What it was
told, saw and did is kept as `engine_records`; its state is a fold over them.
"""

from decimal import Decimal
from enum import StrEnum

from bastion.domain.account import Account
from bastion.domain.look import Look
from bastion.domain.money import Price, Usd
from bastion.domain.position import Side
from bastion.shape import dataclass

CONFIDENCE_DEFAULT = Decimal("0.7")
DAILY_LOSS_LIMIT_DEFAULT = Usd(Decimal(5000))


class EngineState(StrEnum):
    """Where the engine stands."""

    STOPPED = "STOPPED"
    MONITORING = "MONITORING"
    ARMED = "ARMED"


class Mode(StrEnum):
    """The interface's words for what the engine may do."""

    ADVISORY = "advisory"
    AUTONOMOUS = "autonomous"


class Action(StrEnum):
    """What the engine advises or does, by the interface's names."""

    HOLD = "HOLD"
    MOVE_STOP = "MOVE_STOP"
    TP_PARTIAL = "TP_PARTIAL"
    TRAIL_STOP = "TRAIL_STOP"
    REDUCE_SIZE = "REDUCE_SIZE"
    EXIT_FULL = "EXIT_FULL"
    EXIT_ALL = "EXIT_100%"


class Reach(StrEnum):
    """How far an armed engine may go (`max_action`); each word contains those before it."""

    HOLD = "hold"
    """It does nothing: guards and rules only alert."""
    MOVE_STOP = "move_stop"
    REDUCE_SIZE = "reduce_size"
    """Parts of a position may be closed."""
    EXIT_FULL = "exit_full"
    """A whole position may be closed."""
    EMERGENCY_EXIT = "emergency_exit"
    """Everything may be closed."""

    def allows(self, action: Action) -> bool:
        """Return whether the action lies within this reach."""
        order = tuple(Reach)
        return order.index(_NEEDED[action]) <= order.index(self)


_NEEDED = {
    Action.HOLD: Reach.HOLD,
    Action.MOVE_STOP: Reach.MOVE_STOP,
    Action.TRAIL_STOP: Reach.MOVE_STOP,
    Action.TP_PARTIAL: Reach.REDUCE_SIZE,
    Action.REDUCE_SIZE: Reach.REDUCE_SIZE,
    Action.EXIT_FULL: Reach.EXIT_FULL,
    Action.EXIT_ALL: Reach.EMERGENCY_EXIT,
}


class Severity(StrEnum):
    """How much an alert matters."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class AlertType(StrEnum):
    """What an alert is about."""

    RISK_WARNING = "risk_warning"
    LIQUIDATION_PROXIMITY = "liquidation_proximity"
    DAILY_LOSS = "daily_loss"
    DATA_MISSING = "data_missing"
    ENGINE = "engine"


class DisarmCause(StrEnum):
    """Why the engine was disarmed."""

    ASKED = "asked"
    KILL_SWITCH = "kill_switch"
    DAILY_LOSS = "daily_loss"


class Lamp(StrEnum):
    """What a guard says of one thing that it watches."""

    CLEAR = "clear"
    TRIP = "trip"
    NOT_EVALUATED = "not_evaluated"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSettings:
    """What the engine was armed with; None means that the caller set no such bound.

    Advice is carried out from `confidence_threshold` on, and only where the position's risk score (0 to 100,
    100 at a guard's limit) reaches `risk_threshold`. Guards act at their limits whatever these two say.
    `max_action` caps both.
    """

    confidence_threshold: Decimal = CONFIDENCE_DEFAULT
    daily_loss_limit_usd: Usd = DAILY_LOSS_LIMIT_DEFAULT
    risk_threshold: Decimal | None = None
    max_action: Reach | None = None

    def allows(self, action: Action) -> bool:
        """Return whether `max_action` lets the engine do that."""
        return self.max_action is None or self.max_action.allows(action)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a guard or a rule is about: one position, or with None everything."""

    account: str | None = None
    exchange: str | None = None
    symbol: str | None = None
    side: Side | None = None

    @property
    def name(self) -> str:
        """The target in words."""
        if self.symbol is None:
            return "everything"
        return f"{self.symbol} {self.side.value if self.side else ''} on {self.account}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardReading:
    """What one guard read of one thing: the figure, its limit, and how far it is from acting.

    `value` and `limit` are in `unit`; `distance` is what is still to go, zero when tripped. None where the
    guard had no data. `risk` is the share of the way to the limit, 0 to 100.
    """

    guard: str
    key: str
    lamp: Lamp
    target: Target
    value: Decimal | None
    limit: Decimal
    distance: Decimal | None
    unit: str
    formula: str
    sentence: str
    risk: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The latest evaluation of the process that runs the engine; it is replaced, not chained.

    `resumed` is False while a new process has not read everything once: it then acts on nothing yet, and on
    nothing before `acts_from_ns`.
    """

    watching_since_ns: int
    acts_from_ns: int
    evaluated_ns: int
    resumed: bool
    evaluations: int
    complete: bool
    positions: tuple[Target, ...]
    guards: tuple[GuardReading, ...]
    equity_usd: Usd | None
    equity_why: str
    high_water_usd: Usd | None
    realized_today_usd: Usd | None
    realized_why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the engine stands now.

    `recorded` is the state that the records tell; `state` is what is true: without a process that runs the
    engine (`hosted`) nothing is watched, and it is STOPPED, whatever was recorded. `settings` and `armed_ns`
    are those of the present arming.
    """

    state: EngineState
    recorded: EngineState
    hosted: bool
    settings: ArmSettings | None
    started_ns: int | None
    armed_ns: int | None
    pulse: Pulse | None

    @property
    def armed(self) -> bool:
        """Whether guards may act."""
        return self.state is EngineState.ARMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Disarmed:
    """What a disarming ended: how long the engine was armed, and what it did in that time.

    `running` names an act that had begun and goes on; `written` is False where the record did not become
    durable, so that a restart would find the engine as it was recorded before.
    """

    was_armed: bool
    armed_s: int
    executed: int
    net_realized_usd: Usd
    running: tuple[str, ...] = ()
    written: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many evaluations and acts there were, and what the acts realised as far as it is known."""

    holds: int
    executed: int
    net_realized_usd: Usd


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """One account at one moment; `equity_usd` is None where the venue did not tell it, and `equity_why` why.

    `tells_equity` is False for a venue that never does; such an account is left out of the equity by name.
    """

    account: Account
    look: Look
    equity_usd: Usd | None = None
    equity_why: str = ""
    tells_equity: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ActOutcome:
    """What came of an act: `told` is its sentence, `exit_id` the exit that carried it out, if one did.

    `sent` is False where nothing left for the venue. Figures are None where they are not known, or not yet.
    """

    sent: bool
    success: bool
    told: str
    exit_id: str | None = None
    exit_pct: Decimal | None = None
    price: Price | None = None
    realized_pnl_usd: Usd | None = None
    new_stop: Price | None = None
    previous_stop: Price | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One order that closed something today, by its executions: price PnL, fees and funding in USD.

    `hold_s` is the time since the holding began, None where it began before today or is not known.
    """

    account: str
    exchange: str
    symbol: str
    direction: Side
    closed_ms: int
    pnl_usd: Usd
    fees_usd: Usd
    funding_usd: Usd
    hold_s: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What was closed since 00:00 UTC, oldest first; `unread` names accounts whose figures are missing.

    `pending` names an account for each closing whose PnL the venue has not given yet.
    """

    began_ns: int
    trades: tuple[Trade, ...]
    unread: tuple[tuple[str, str], ...]
    pending: tuple[str, ...]

    @property
    def realized_usd(self) -> Usd:
        """Price PnL less fees, plus the funding that came with the executions."""
        return Usd(sum((one.pnl_usd - one.fees_usd + one.funding_usd for one in self.trades), Decimal(0)))

"""Engine records: what the journal of the engine keeps, in a hash chain of its own."""

from decimal import Decimal

from bastion.domain.engine import (
    Action,
    AlertType,
    ArmSettings,
    DisarmCause,
    EngineState,
    GuardReading,
    Severity,
    Target,
)
from bastion.domain.money import Price, Quantity, Usd
from bastion.domain.position import Side
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStarted:
    """The engine was started: it watches and advises."""

    principal: str
    surface: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineArmed:
    """From here on the guards may act."""

    settings: ArmSettings
    principal: str
    surface: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDisarmed:
    """From here on the engine only watches and advises again."""

    cause: DisarmCause
    principal: str
    surface: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineResumed:
    """A new process took the watch up, after its first complete reading, in the state that was recorded."""

    state: EngineState


@dataclass(frozen=True, slots=True, kw_only=True)
class HighWaterSet:
    """The equity from which the drawdown is counted; `why` says what moved it."""

    equity_usd: Usd
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionWatched:
    """A position was seen on this UTC day, so that its executions of the day are asked for."""

    account: str
    instrument: str
    category: str
    symbol: str
    side: Side
    quantity: Quantity
    hedged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Advised:
    """A rule's advice for one position; nothing was done."""

    action: Action
    target: Target
    confidence: Decimal
    reasoning: str
    price: Price | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardTripped:
    """A guard's limit was reached: the beginning of an episode. `act` is what an armed engine would do."""

    reading: GuardReading
    act: Action
    armed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardCleared:
    """The guard's episode is over: it may act again."""

    guard: str
    key: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActIntended:
    """An armed engine is about to act; written before anything leaves.

    `keys` are the guards' episodes that it answers, empty where a rule's advice is carried out. `reason` is
    what the exit's request will say, so that it is found again after a crash.
    """

    action: Action
    target: Target
    keys: tuple[str, ...]
    reason: str
    confidence: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ActEnded:
    """What came of an act; `intent` is the sequence number of its `ActIntended`.

    `exit_id` names the exit that carried it out, whose certificate has the details. `realized_pnl_usd` is
    None while the venue owes the figures.
    """

    intent: int
    action: Action
    target: Target
    success: bool
    told: str
    confidence: Decimal
    reasoning: str
    exit_id: str | None = None
    exit_pct: Decimal | None = None
    price: Price | None = None
    realized_pnl_usd: Usd | None = None
    new_stop: Price | None = None
    previous_stop: Price | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActDropped:
    """Nothing of an intended act was sent; `intent` is the sequence number of its `ActIntended`."""

    intent: int
    action: Action
    target: Target
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerted:
    """Something that a person should know; text of venues stands in `details` as data."""

    type: AlertType
    severity: Severity
    message: str
    target: Target
    guard: str | None = None
    value: Decimal | None = None
    limit: Decimal | None = None


EngineRecord = (
    EngineStarted
    | EngineArmed
    | EngineDisarmed
    | EngineResumed
    | HighWaterSet
    | PositionWatched
    | Advised
    | GuardTripped
    | GuardCleared
    | ActIntended
    | ActEnded
    | ActDropped
    | Alerted
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineEntry:
    """One record in the engine's hash chain, as `records.Entry` in the journal's.

    `seq` counts from 1 without a gap; `at_ns` is UTC nanoseconds; `hash` is the SHA-256 of the canonical JSON
    of the rest, `previous` the hash of the entry before (64 zeros for the first).
    """

    seq: int
    at_ns: int
    record: EngineRecord
    previous: str
    hash: str


def account_of(record: EngineRecord) -> str | None:
    """Return the one account that a record is about; None where it is about the whole desk."""
    match record:
        case Advised() | ActIntended() | ActEnded() | ActDropped() | Alerted():
            return record.target.account
        case GuardTripped():
            return record.reading.target.account
        case PositionWatched():
            return record.account
        case _:
            return None

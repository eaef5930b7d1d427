"""Records: what the journal keeps of an exit, in the words of the desk.

A record says what was asked, intended, answered or seen; all that is told of an exit is a fold over these.
"""

from decimal import Decimal
from enum import StrEnum

from bastion.domain.asked import VenueAsked
from bastion.domain.balance import CollateralRead
from bastion.domain.look import Look
from bastion.domain.mandate import ExitKind, Target
from bastion.domain.money import Price, Quantity, Usd
from bastion.domain.order import CancelAnswer, Fill, OpenOrder, OrderRequest, OrderState
from bastion.domain.position import Position
from bastion.domain.protective import Protection
from bastion.domain.refund import RefundPolicy
from bastion.domain.selection import EVERYTHING, Selection
from bastion.domain.verdict import Verdict
from bastion.errors import Fault
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredAccount:
    """One account that an exit covers, as it was configured when the exit was requested."""

    name: str
    venue: str
    key_space: str
    refund: RefundPolicy = RefundPolicy.NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class LatchTripped:
    """Opening actions of ours are blocked from here on; `exit_id` names the exit that did it."""

    exit_id: str
    principal: str
    surface: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LatchReset:
    """A person lifted the latch; `exit_id` names the exit whose latch it was."""

    exit_id: str
    principal: str
    surface: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitRequested:
    """An exit of these accounts was asked for; `monotonic_ns` is the Clock port's time of that moment.

    `selection` says which part of them, as it was asked for; `kind` what is done with it, on `targets` alone
    where the kind names its positions. `stops_too` says that a halt takes protective stops away as well.
    `joined` names the running exits beside it. First orders go `first_bound` of the mark; None: any price.
    """

    exit_id: str
    accounts: tuple[CoveredAccount, ...]
    principal: str
    surface: str
    deadline_s: Decimal
    hold_s: Decimal
    monotonic_ns: int
    reason: str | None = None
    selection: Selection = EVERYTHING
    kind: ExitKind = ExitKind.EXIT
    targets: tuple[Target, ...] = ()
    stops_too: bool = False
    joined: tuple[str, ...] = ()
    first_bound: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTagged:
    """The request has a name by which it can come again; `tag` is a digest of owner, name and request."""

    exit_id: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A process began, or took up again, the work on an exit; `run` counts from 1."""

    exit_id: str
    run: int
    monotonic_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LegStarted:
    """One account's part of an exit began in a run; `link` is where a person closes by hand."""

    exit_id: str
    account: str
    run: int
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegExtended:
    """A leg was given `extra_s` seconds more than the exit's deadline in a run, for the `reason` told."""

    exit_id: str
    account: str
    run: int
    extra_s: Decimal
    reason: str


class LookPurpose(StrEnum):
    """Why an account was looked at."""

    SNAPSHOT = "snapshot"
    VERIFY = "verify"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """An account was read; `run` tells whose monotonic time the look carries."""

    exit_id: str
    account: str
    run: int
    purpose: LookPurpose
    look: Look


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundIntended:
    """One round of acts, journaled before any of it leaves.

    `clears` are cancelled, and answered for, before the orders leave; `cancels` leave together with `orders`.
    `why` says in words what made this round differ from a plain market close.
    """

    exit_id: str
    account: str
    run: int
    round: int
    orders: tuple[OrderRequest, ...] = ()
    cancels: tuple[OpenOrder, ...] = ()
    clears: tuple[OpenOrder, ...] = ()
    why: tuple[str, ...] = ()


class Outcome(StrEnum):
    """What we know of an order after we sent it."""

    ANSWERED = "answered"
    """The venue took it; the order's state says what became of it."""
    REJECTED = "rejected"
    """The venue said no; nothing was executed."""
    NOT_SENT = "not_sent"
    """It certainly did not reach the venue."""
    UNKNOWN = "unknown"
    """It may have been executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAnswered:
    """What came of sending one order; `fault` classifies a rejection."""

    exit_id: str
    account: str
    client_order_id: str
    outcome: Outcome
    state: OrderState | None = None
    fault: Fault | None = None
    code: str = ""
    message: str = ""
    retry_after_s: Decimal | None = None


class ResolvedBy(StrEnum):
    """How the fate of an order was found out."""

    ORDER = "order"
    """The venue told the order's state when asked by its client id."""
    ABSENT = "absent"
    """The venue said that it knows no such order."""
    FILLS = "fills"
    """The venue's executions name the order."""
    LOOK = "look"
    """The venue did not say; a later look showed what was left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderResolved:
    """The fate of an order of unknown or unfinished outcome was asked for and found."""

    exit_id: str
    account: str
    client_order_id: str
    by: ResolvedBy
    state: OrderState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelsAnswered:
    """What came of the cancels of a round, or of a sweep."""

    exit_id: str
    account: str
    round: int
    answers: tuple[CancelAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FillsRead:
    """All executions since the snapshot that the venue gave; `begun_ns` is monotonic time of the run."""

    exit_id: str
    account: str
    run: int
    begun_ns: int
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondSourceRead:
    """Another source of the venue told the size of a position; `begun_ns` is monotonic time of the run."""

    exit_id: str
    account: str
    run: int
    begun_ns: int
    position: Position
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubled:
    """Something failed on the way of a leg (or of the exit, with an empty `account`), and it went on.

    `code` is the venue's own code or a word of ours; `part` names what was being done.
    """

    exit_id: str
    account: str
    part: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegJudged:
    """One account's part came to its verdict.

    `time_to_flat_ms` is the time from the request to the end of the second flat look, where there was one.
    `dust` names positions below the venue's minimum; `residual` and `orders` what is known to be left;
    `unread` the parts that could not be read, each with its reason; `final` is False where the work goes on.
    """

    exit_id: str
    account: str
    run: int
    verdict: Verdict
    time_to_flat_ms: int | None = None
    dust: tuple[Position, ...] = ()
    residual: tuple[Position, ...] = ()
    orders: tuple[OpenOrder, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    final: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LegReopened:
    """After its verdict, a leg was seen to hold something again, and went back to work."""

    exit_id: str
    account: str
    run: int
    positions: tuple[Position, ...]
    orders: tuple[OpenOrder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitJudged:
    """Every leg has a verdict, `elapsed_ms` after the request; it is held until `held_until_ns` (UTC)."""

    exit_id: str
    verdict: Verdict
    held_until_ns: int
    elapsed_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequested:
    """A person asked for the margin of one position, outside an exit; `exit_id` names this refund.

    `position` is how it stood then, `net_usd` what a normal close was estimated to give, `spread_usd` and
    `fee_share` what opening it again was estimated to cost, `fit` the word for the use or the warning that
    was told.
    """

    exit_id: str
    account: CoveredAccount
    position: Position
    principal: str
    surface: str
    fit: str
    net_usd: Usd | None = None
    spread_usd: Usd | None = None
    fee_share: Decimal | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionIntended:
    """A stop loss or take profit of one position is about to be placed; `exit_id` names this act, no exit.

    `quantity` None means the whole position. Nothing is taken up after a crash: what was sent can only
    reduce, and what it should have replaced still stands.
    """

    exit_id: str
    account: str
    client_order_id: str
    position: Position
    kind: Protection
    trigger_price: Price
    quantity: Quantity | None
    principal: str
    surface: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionAnswered:
    """What came of one protective order: the venue's id of it, or, with an empty id, why there is none."""

    exit_id: str
    account: str
    client_order_id: str
    order_id: str
    replaced: tuple[str, ...]
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitEnded:
    """The work on an exit is over: judged, and the hold has passed."""

    exit_id: str


Record = (
    LatchTripped
    | LatchReset
    | ExitRequested
    | RequestTagged
    | RunStarted
    | LegStarted
    | LegExtended
    | Looked
    | RoundIntended
    | OrderAnswered
    | OrderResolved
    | CancelsAnswered
    | FillsRead
    | SecondSourceRead
    | CollateralRead
    | VenueAsked
    | Troubled
    | LegJudged
    | LegReopened
    | ExitJudged
    | ExitEnded
    | RefundRequested
    | ProtectionIntended
    | ProtectionAnswered
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record in the journal's hash chain.

    `seq` counts from 1 without a gap within its chain; `at_ns` is UTC nanoseconds; `hash` is the SHA-256 in
    hexadecimal of the canonical JSON of everything else here, `previous` the hash of the entry before (64
    zeros for the first). `spooled` says that the entry stands in the spool's own chain, since the journal
    could not take it in time.
    """

    seq: int
    at_ns: int
    exit_id: str
    record: Record
    previous: str
    hash: str
    spooled: bool = False

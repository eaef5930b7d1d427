"""Commands: everything that can change the venue, as values.

Each class names its result: ``venue.submit(EmergencyExit(...))`` answers with ``Exited | Refused``.
Wallets are ``0x`` and 40 lower-case hex digits; money is micro-USD; times are microseconds (UTC).
Shape is the caller's business (the wire has parsed the request); rules are the venue's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from bastion.paper.strike.position import Side
from bastion.paper.strike.results import (
    Closed,
    Endowed,
    Exited,
    Funded,
    Marked,
    Moved,
    Opened,
    Switched,
    Voided,
)

ResultT = TypeVar("ResultT")
_ResultT_co = TypeVar("_ResultT_co", covariant=True)


class Command(Generic[_ResultT_co]):
    """Anything that `MarginVenue.submit` takes; the parameter is the result when it is not refused."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Open(Command[Opened]):
    """Open a position of `margin` times `leverage` (1 to 1000) at the mark and the spread.

    Refused: UNKNOWN_SYMBOL, MARKET_HALTED, ORACLE_STALE, BAD_AMOUNT (margin below 1 USD or above the
    market's maximum), BAD_LEVERAGE, INSUFFICIENT_BALANCE, LEDGER_FULL, BUSY.
    """

    wallet: str
    symbol: str
    side: Side
    margin: int
    leverage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(Command[Closed]):
    """Close a position in full at the mark. `wallets` are all wallets that the caller controls.

    Refused, checked in this order: UNKNOWN_POSITION, NOT_OWNER, NOT_OPEN, MARKET_HALTED, ORACLE_STALE.
    """

    wallets: tuple[str, ...]
    position_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """The caller's Idempotency-Key and a digest of the request body that it belongs to."""

    key: str
    request_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyExit(Command[Exited]):
    """Give the whole original margin of an open position back, at once, with no PnL, fee or funding.

    Needs no mark, no treasury cash and no queue; works while a market is halted. With `idempotency`, a
    repetition by the same caller answers with the first answer's bytes; only an exit that took place is
    remembered, so that a refused one may be tried again under the same key.

    Refused, checked in this order: IDEMPOTENCY_CONFLICT (same key, other body), UNKNOWN_POSITION (also
    one that was exited before, whoever asks), NOT_OWNER, NOT_OPEN, then the gates that are switched on
    (GATE_*; none by default).
    """

    wallets: tuple[str, ...]
    position_id: int
    idempotency: Idempotency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(Command[Moved]):
    """Record a deposit whose chain transaction the caller has verified.

    The same transaction with the same payload is answered again and moves nothing.
    Refused: BAD_AMOUNT, TRANSACTION_CONFLICT (known hash, other payload), LEDGER_FULL, BUSY.
    """

    wallet: str
    amount: int
    tx_hash: str
    stated_at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(Command[Moved]):
    """Record a withdrawal, at most the withdrawable balance; margins of positions are never touched.

    Refused: BAD_AMOUNT, TRANSACTION_CONFLICT, WITHDRAWALS_SUSPENDED, INSUFFICIENT_BALANCE, BUSY.
    """

    wallet: str
    amount: int
    tx_hash: str
    stated_at_us: int


class Purse(StrEnum):
    """The venue's own accounts that the operator may endow."""

    TREASURY = "treasury"
    INSURANCE = "insurance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endow(Command[Endowed]):
    """Operator: add outside money to the treasury (which then pays the queue) or the insurance fund."""

    purse: Purse
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Command[Marked]):
    """Feed: set the marks of some markets (micro-USD) and liquidate what they reach, in one event.

    A halted market takes the mark and liquidates nothing. Refused: UNKNOWN_SYMBOL, BAD_MARK.
    """

    marks: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fund(Command[Funded]):
    """Feed: accrue one hour of funding in a market on positions of at least 8 hours, then liquidate.

    Nothing moves between traders: funding is realised by a normal close, against the treasury.
    Refused: UNKNOWN_SYMBOL, MARKET_HALTED.
    """

    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetHalted(Command[Switched]):
    """Operator: halt a market (no open, close, liquidation, funding; exits go on) or resume it.

    Resuming liquidates at once what the newest mark has reached. Refused: UNKNOWN_SYMBOL.
    """

    symbol: str
    halted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWithdrawals(Command[Switched]):
    """Operator: suspend or resume withdrawals."""

    suspended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidMarket(Command[Voided]):
    """Operator: refund every open position of a market at cost and halt it; all or nothing.

    Both sides get their margins back, so the void costs the treasury nothing. No gate applies.
    Refused: UNKNOWN_SYMBOL.
    """

    symbol: str

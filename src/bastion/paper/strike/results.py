"""Results: what a command did, or why it was refused; both are values."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bastion.paper.strike.money import exact_text
from bastion.paper.strike.position import Position


class Reason(StrEnum):
    """Why a command was refused. Nothing has changed when one of these comes back.

    On the wire NOT_OWNER is 403 and every other reason is 400.
    """

    UNKNOWN_POSITION = "unknown_position"
    NOT_OWNER = "not_owner"
    NOT_OPEN = "not_open"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    BAD_AMOUNT = "bad_amount"
    BAD_LEVERAGE = "bad_leverage"
    BAD_MARK = "bad_mark"
    UNKNOWN_SYMBOL = "unknown_symbol"
    MARKET_HALTED = "market_halted"
    ORACLE_STALE = "oracle_stale"
    WITHDRAWALS_SUSPENDED = "withdrawals_suspended"
    TRANSACTION_CONFLICT = "transaction_conflict"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    GATE_CIRCUMSTANCES = "gate_circumstances"
    GATE_AGE = "gate_age"
    GATE_WALLET_CAP = "gate_wallet_cap"
    GATE_GLOBAL_CAP = "gate_global_cap"
    BUSY = "busy"
    LEDGER_FULL = "ledger_full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A refusal: the reason for programs, the message for people (fit for the wire as it is)."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A position was opened; its margin left the withdrawable balance."""

    event_id: int
    position: Position
    size: int
    liquidation_price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A position was closed at the mark: SETTLED, or CLOSED when its profit waits in the queue."""

    event_id: int
    position: Position
    size: int


class Exited(NamedTuple):
    """A position was exited: its whole original margin, in micro-USD, is withdrawable again.

    `replayed` says that `answer` is the `stored` one of an earlier request with the same Idempotency-Key, in
    which case no money moved this time.

    A named tuple, since one is built for every refund.
    """

    event_id: int
    position_id: int
    wallet: str
    refunded: int
    replayed: bool = False
    stored: bytes = b""

    @property
    def answer(self) -> bytes:
        """The response body: the stored one of a replay, else the one that the exit gives."""
        return self.stored or exit_body(self.refunded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A deposit or withdrawal is recorded; `replayed` when the same transaction was recorded before."""

    event_id: int
    wallet: str
    amount: int
    tx_hash: str
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endowed:
    """The operator's money reached the treasury or the insurance fund."""

    event_id: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """New marks are in force; the positions that they liquidated, in the order of their ids."""

    event_id: int
    liquidated: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Funded:
    """One hour of funding accrued on `positions` positions; then the liquidations that it caused."""

    event_id: int
    positions: int
    liquidated: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """An operator's switch is in its new place; the positions that it liquidated (a market resumed)."""

    event_id: int
    liquidated: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Voided:
    """A market was voided: every open position in it got its margin back; the market is halted."""

    event_id: int
    refunded: tuple[tuple[int, int], ...]


def exit_body(refunded: int) -> bytes:
    """Write the response body of an exit; these bytes are what a replay returns."""
    return f'{{"success":true,"refundedAmount":"{exact_text(refunded, digits_min=1)}"}}'.encode()


def pseudo_hash(event_id: int) -> str:
    """Name an event as the venue's wire names a transaction: ``0x`` and 64 hex digits, always the same."""
    return "0x" + hashlib.sha256(f"strike-event:{event_id}".encode()).hexdigest()

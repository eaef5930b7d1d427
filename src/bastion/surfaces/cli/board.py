"""Board: what a person sees of a running exit, folded from the journal's entries as they come."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from bastion.domain.mandate import ExitKind
from bastion.domain.money import ZERO
from bastion.domain.order import OrderState
from bastion.domain.position import Position, Side
from bastion.domain.records import (
    Entry,
    ExitRequested,
    FillsRead,
    LegJudged,
    LegReopened,
    Looked,
    OrderAnswered,
    OrderResolved,
    Outcome,
    ResolvedBy,
    RoundIntended,
    Troubled,
)
from bastion.domain.verdict import Verdict
from bastion.exits.halt_report import VERDICTS as HALT_VERDICTS
from bastion.exits.part_words import told_verdict
from bastion.exits.sentences import covered_part

NANOSECONDS = Decimal(1_000_000_000)


class Line(NamedTuple):
    """One line for a person; `of_row` says that a table of the rows shows the same."""

    text: str
    of_row: bool = False


Take = Callable[[Any], tuple[Line, ...]]
"""How one kind of record changes the board."""


class RowState(StrEnum):
    """Where one position stands, in the words of every surface."""

    OPEN = "OPEN"
    CLOSING = "CLOSING"
    FLAT = "FLAT"
    RESIDUAL = "RESIDUAL"


@dataclass(slots=True, kw_only=True)
class Row:
    """One position of the exit: what it was, what is left, and what its fills say."""

    account: str
    position: Position
    left: Decimal
    state: RowState = RowState.OPEN
    pnl_usd: Decimal | None = None
    price: Decimal | None = None
    flat_after_s: Decimal | None = None

    @property
    def name(self) -> str:
        """The position as a person names it."""
        position = self.position
        return f"{position.symbol} {position.side.value} {trim(position.quantity)}"


def trim(value: Decimal) -> str:
    """Return the decimal in plain digits, with thousands separated and without trailing zeros."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class Board:
    """The rows of one exit. `take` applies an entry and returns the plain lines that tell what changed."""

    def __init__(self) -> None:
        self.exit_id = ""
        self.rows: dict[tuple[str, tuple[str, str, str]], Row] = {}
        self.verdicts: dict[str, str] = {}
        self.elapsed_s = ZERO
        self._venues: dict[str, str] = {}
        self._started_ns = 0
        self._kind = ExitKind.EXIT
        self._orders: dict[str, tuple[str, Position]] = {}
        self._takes: dict[type, Take] = {
            ExitRequested: self._requested,
            Looked: self._looked,
            RoundIntended: self._intended,
            OrderAnswered: self._answered,
            OrderResolved: self._resolved,
            FillsRead: self._filled,
            LegJudged: self._judged,
            LegReopened: self._reopened,
            Troubled: self._troubled,
        }

    @property
    def exposure_usd(self) -> Decimal:
        """The notional that is still open, from the last reading and the fills since."""
        total = ZERO
        for row in self.rows.values():
            notional = row.position.notional_usd
            if notional is not None and row.position.quantity:
                total += notional * row.left / row.position.quantity
        return total

    def take(self, entry: Entry) -> tuple[Line, ...]:
        """Apply one entry; return what a person should read about it, oldest first."""
        record = entry.record
        if isinstance(record, ExitRequested):
            self._started_ns = entry.at_ns
        if self._started_ns:
            self.elapsed_s = Decimal(max(entry.at_ns - self._started_ns, 0)) / NANOSECONDS
        take = self._takes.get(type(record))
        return () if take is None else take(record)

    def _word(self, verdict: Verdict) -> str:
        # A part that was closed is proven like an exit, and is told of as what it is.
        told = HALT_VERDICTS[verdict] if self._kind is ExitKind.HALT else told_verdict(self._kind, verdict)
        return told.value.replace("_", " ")

    def _line(self, account: str, text: str, *, of_row: bool = False) -> Line:
        return Line(f"{self.elapsed_s:7.2f} s  {account or 'exit':<16} {text}", of_row)

    def _requested(self, record: ExitRequested) -> tuple[Line, ...]:
        self.exit_id = record.exit_id
        self._kind = record.kind
        self._venues = {account.name: account.venue for account in record.accounts}
        count = len(record.accounts)
        accounts = "1 account" if count == 1 else f"{count} accounts"
        part = covered_part(record) or "everything"
        if record.kind is ExitKind.HALT:
            text = f"\u25b2 HALTING {record.exit_id}: latched; cancelling {part} on {accounts}"
        else:
            latched = "latched; " if record.kind.latches else ""
            text = f"\u25b2 EXITING {record.exit_id}: {latched}closing {part} on {accounts}"
        if record.joined:
            text += f", beside {', '.join(record.joined)}"
        return (Line(text),)

    def _looked(self, record: Looked) -> tuple[Line, ...]:
        account, look = record.account, record.look
        lines: list[Line] = []
        present = {position.key: position for position in look.positions}
        for key, position in present.items():
            row = self.rows.get((account, key))
            if row is None:
                self.rows[account, key] = Row(account=account, position=position, left=position.quantity)
                row = self.rows[account, key]
                lines.append(self._line(account, f"{row.name}  OPEN", of_row=True))
            if row.state is RowState.FLAT:
                row.state = RowState.OPEN
            row.left = position.quantity
        if look.complete:
            for (owner, key), row in self.rows.items():
                if owner == account and key not in present and row.state is not RowState.FLAT:
                    row.state, row.left, row.flat_after_s = RowState.FLAT, ZERO, self.elapsed_s
                    lines.append(self._line(account, f"{row.name}  FLAT", of_row=True))
        lines.extend(
            self._line(account, f"not read: {unread.part}: {unread.reason}") for unread in look.unread
        )
        return tuple(lines)

    def _intended(self, record: RoundIntended) -> tuple[Line, ...]:
        lines = [self._line(record.account, why) for why in record.why]
        for order in record.orders:
            self._orders[order.client_order_id] = (record.account, order.position)
            row = self.rows.get((record.account, order.position.key))
            if row is not None and row.state is not RowState.FLAT:
                if row.state is not RowState.CLOSING:
                    lines.append(self._line(record.account, f"{row.name}  CLOSING", of_row=True))
                row.state = RowState.CLOSING
        cancels = len(record.cancels) + len(record.clears)
        if cancels:
            noun = "order" if cancels == 1 else "orders"
            lines.append(self._line(record.account, f"cancelling {cancels} {noun}"))
        return tuple(lines)

    def _row_of(self, client_order_id: str) -> Row | None:
        owner = self._orders.get(client_order_id)
        return None if owner is None else self.rows.get((owner[0], owner[1].key))

    def _took(self, row: Row, state: OrderState | None) -> None:
        if state is not None and state.filled:
            row.left = max(row.left - state.filled, ZERO)
            row.price = state.average_price or row.price

    def _answered(self, record: OrderAnswered) -> tuple[Line, ...]:
        row = self._row_of(record.client_order_id)
        if row is None:
            return ()
        if record.outcome is Outcome.ANSWERED:
            self._took(row, record.state)
            if record.state is not None and record.state.ended and row.left:
                return (self._line(row.account, f"{row.name}  partly filled, {trim(row.left)} left"),)
            return ()
        words = {
            Outcome.REJECTED: "refused",
            Outcome.NOT_SENT: "not sent",
            Outcome.UNKNOWN: "outcome unknown; asking the venue before anything is sent again",
        }
        # Most venues' messages begin with their code.
        said = record.message if record.code in record.message else f"{record.code} {record.message}"
        told = f" ({said.strip()})" if said.strip() else ""
        return (self._line(row.account, f"{row.name}  order {words[record.outcome]}{told}"),)

    def _resolved(self, record: OrderResolved) -> tuple[Line, ...]:
        row = self._row_of(record.client_order_id)
        if row is None:
            return ()
        if record.by is ResolvedBy.ABSENT:
            text = "the venue never had the order; it is safe to send anew"
            return (self._line(row.account, f"{row.name}  {text}"),)
        if record.state is not None:
            self._took(row, record.state)
            text = f"the venue executed {trim(record.state.filled)} of the order"
            return (self._line(row.account, f"{row.name}  {text}"),)
        return ()

    def _reopened(self, record: LegReopened) -> tuple[Line, ...]:
        return (self._line(record.account, "something was opened again; closing it"),)

    def _troubled(self, record: Troubled) -> tuple[Line, ...]:
        return (self._line(record.account, f"{record.part}: {record.message}"),)

    def _filled(self, record: FillsRead) -> tuple[Line, ...]:
        for row in self.rows.values():
            position = row.position
            fills = [
                fill
                for fill in record.fills
                if (fill.category, fill.instrument) == (position.category, position.instrument)
                and (fill.side is None or fill.side is position.side)
                and (fill.direction.value == "SELL") == (position.side is Side.LONG)
            ]
            quantity = sum((fill.quantity for fill in fills), ZERO)
            if row.account != record.account or not quantity:
                continue
            row.price = sum((fill.quantity * fill.price for fill in fills), ZERO) / quantity
            known = [fill.realized_pnl_usd for fill in fills if fill.realized_pnl_usd is not None]
            row.pnl_usd = sum(known, ZERO) if len(known) == len(fills) else None
        return ()

    def _judged(self, record: LegJudged) -> tuple[Line, ...]:
        self.verdicts[record.account] = self._word(record.verdict)
        left = {position.key for position in (*record.residual, *record.dust)}
        for (owner, key), row in self.rows.items():
            if owner == record.account and key in left:
                row.state = RowState.RESIDUAL
        words = self._word(record.verdict)
        words += ", read twice" if record.verdict.success else ""
        return (self._line(record.account, words, of_row=True),)

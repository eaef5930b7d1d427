"""Draft: everything that one batch of commands writes, in the order of the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bastion.paper.strike.ledger import Account, TransferRow
from bastion.paper.strike.position import Position, Status
from bastion.paper.strike.queue import Claim


class StoredAnswer(NamedTuple):
    """The first answer to an Idempotency-Key, kept byte for byte."""

    wallet: str
    route: str
    key: str
    request_hash: str
    response: bytes
    event_id: int
    position_id: int
    created_at_us: int


class Movement(NamedTuple):
    """A recorded chain transaction; `kind` is the transfer code (deposit or withdrawal)."""

    tx_hash: str
    kind: int
    wallet: str
    amount: int
    stated_at_us: int
    recorded_at_us: int
    event_id: int


class MarketRow(NamedTuple):
    """A market's durable state: the newest mark with its time, and the halt."""

    symbol: str
    mark: int | None
    marked_at_us: int | None
    halted: bool


class VenueRow(NamedTuple):
    """The venue's durable state."""

    event_last: int
    withdrawals_suspended: bool


@dataclass(slots=True, kw_only=True)
class Draft:
    """The writes of one batch. `before` gives the status that the database must still hold (None: new)."""

    wallets: list[tuple[int, str]] = field(default_factory=list)
    positions: dict[int, Position] = field(default_factory=dict)
    before: dict[int, Status | None] = field(default_factory=dict)
    transfers: list[TransferRow] = field(default_factory=list)
    debits: dict[int, int] = field(default_factory=dict)
    credits: dict[int, int] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    paid: list[tuple[int, int]] = field(default_factory=list)
    answers: list[StoredAnswer] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    markets: dict[str, MarketRow] = field(default_factory=dict)
    venue: VenueRow | None = None

    @property
    def is_empty(self) -> bool:
        """Say whether the batch changed nothing (every command was refused or replayed)."""
        return self.venue is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that a venue starts from. Claims are the unpaid ones, in order."""

    venue: VenueRow
    accounts: Sequence[Account] = ()
    positions: Sequence[Position] = ()
    claims: Sequence[Claim] = ()
    answers: Sequence[StoredAnswer] = ()
    movements: Sequence[Movement] = ()
    markets: Sequence[MarketRow] = ()
    transfer_last: int = 0
    claim_last: int = 0

"""Store: the port to the ledger's database, and the rows that every adapter writes and reads."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

from bastion.paper.strike.draft import Draft, MarketRow, Movement, Snapshot, StoredAnswer, VenueRow
from bastion.paper.strike.ledger import KINDS_OF_WALLET, Account, Transfer, account_id
from bastion.paper.strike.position import Position, Side, Status
from bastion.paper.strike.queue import Claim

LOADS: Final = (
    "load_accounts",
    "load_positions",
    "load_claims",
    "load_answers",
    "load_movements",
    "load_markets",
    "load_venue",
    "load_lasts",
)
"""The statements whose rows make a snapshot, in the order of `snapshot_of`."""

Row = tuple[Any, ...]
Batch = tuple[str, Sequence[Row]]


class StoreDiverged(Exception):  # noqa: N818 - named for what it says, as the desk's errors are
    """The database did not hold what this venue believed; the batch was rolled back.

    Somebody else wrote to the ledger. The venue reads everything anew before it decides again.
    """


class StoreInUse(Exception):  # noqa: N818 - named for what it says, as the desk's errors are
    """Another venue process writes to this ledger; stop it first, or choose another database."""


class Store(Protocol):
    """A database that holds one venue. One thread at a time; one process at a time."""

    @property
    def commits(self) -> int:
        """Count the durable commits of batches since the store was opened."""

    def load(self) -> Snapshot:
        """Read the whole venue, after undoing or reconnecting whatever an earlier failure left."""

    def write(self, draft: Draft) -> None:
        """Write one batch in one transaction and return once it is durable.

        Raises:
            Exception: Nothing is promised then: the batch is there in full or not at all.
        """

    def write_rows(self, batches: Sequence[Batch]) -> None:
        """Write what `rows_of` gave for a draft, as `write` does."""

    def transfers(self) -> Iterable[Transfer]:
        """Read the whole log of transfers in order."""

    def audit(self) -> tuple[str, ...]:
        """Name every disagreement among transfers, accounts, positions and queue; empty when sound."""

    def close(self) -> None:
        """Give the database up."""


def rows_of(draft: Draft) -> list[Batch]:
    """Give every statement that the batch needs with its rows, in the order in which they are written."""
    batches: list[Batch] = [
        ("insert_account", account_rows(draft)),
        ("insert_position", new_position_rows(draft)),
        ("change_position", changed_position_rows(draft)),
        ("move_account", balance_rows(draft)),
        ("insert_transfer", draft.transfers),
        ("insert_claim", draft.claims),
        ("pay_claim", [(at_us, seq) for seq, at_us in draft.paid]),
        ("insert_answer", draft.answers),
        ("insert_movement", draft.movements),
        ("put_market", list(draft.markets.values())),
        ("put_venue", [] if draft.venue is None else [draft.venue]),
    ]
    return [(name, rows) for name, rows in batches if rows]


def account_rows(draft: Draft) -> list[Row]:
    """Give ``(id, owner, kind)`` of the accounts of new wallets."""
    return [
        (account_id(number, kind), wallet, int(kind))
        for number, wallet in draft.wallets
        for kind in KINDS_OF_WALLET
    ]


def balance_rows(draft: Draft) -> list[Row]:
    """Give ``(debits, credits, id)`` of the accounts that the batch moved, sorted by id."""
    debits, credits_ = draft.debits, draft.credits
    return [
        (debits.get(account, 0), credits_.get(account, 0), account)
        for account in sorted(debits.keys() | credits_.keys())
    ]


def new_position_rows(draft: Draft) -> list[Row]:
    """Give whole rows of the positions that the batch opened, sorted by id."""
    return [
        (
            p.id,
            p.wallet,
            p.symbol,
            int(p.side),
            p.margin,
            p.leverage,
            p.entry_price,
            p.spread,
            p.opened_at_us,
            int(p.status),
            p.funding,
            p.exit_price,
            p.price_pnl,
            p.fee,
            p.realized,
            p.forgiven,
            p.closed_at_us,
            p.settled_at_us,
        )
        for number in sorted(number for number, before in draft.before.items() if before is None)
        for p in (draft.positions[number],)
    ]


def changed_position_rows(draft: Draft) -> list[Row]:
    """Give the changed fields of older positions with the id, wallet and status to find them by."""
    return [
        (
            int(p.status),
            # All fields after the status, funding to settled_at_us, in the order of the statement.
            *p[10:],
            p.id,
            p.wallet,
            int(before),
        )
        for number, before in sorted(draft.before.items())
        if before is not None
        for p in (draft.positions[number],)
    ]


def snapshot_of(loaded: Sequence[Sequence[Row]]) -> Snapshot:
    """Build the snapshot from the rows of `LOADS`, in that order."""
    accounts, positions, claims, answers, movements, markets, venue, lasts = loaded
    return Snapshot(
        accounts=[Account(*row) for row in accounts],
        positions=[_position(row) for row in positions],
        claims=[Claim(*row) for row in claims],
        answers=[
            StoredAnswer(row[0], row[1], row[2], row[3], bytes(row[4]), row[5], row[6], row[7])
            for row in answers
        ],
        movements=[Movement(*row) for row in movements],
        markets=[MarketRow(row[0], row[1], row[2], halted=bool(row[3])) for row in markets],
        venue=VenueRow(venue[0][0], withdrawals_suspended=bool(venue[0][1])),
        transfer_last=lasts[0][0],
        claim_last=lasts[0][1],
    )


def _position(row: Row) -> Position:
    return Position(
        id=row[0],
        wallet=row[1],
        symbol=row[2],
        side=Side(row[3]),
        margin=row[4],
        leverage=row[5],
        entry_price=row[6],
        spread=row[7],
        opened_at_us=row[8],
        status=Status(row[9]),
        funding=row[10],
        exit_price=row[11],
        price_pnl=row[12],
        fee=row[13],
        realized=row[14],
        forgiven=row[15],
        closed_at_us=row[16],
        settled_at_us=row[17],
    )

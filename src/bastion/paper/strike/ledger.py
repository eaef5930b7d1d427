"""Ledger: accounts and transfers. A transfer is one row with both sides, so that it cannot be unbalanced."""

from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

ROW_MICRO_MAX: Final = 2**61
"""Cumulative sides stay below this on admission, so that a 64-bit column can never overflow."""


class Kind(IntEnum):
    """What an account holds. Custody mirrors the outside world and alone may be overdrawn."""

    CUSTODY = 0
    AVAILABLE = 1
    RESERVED = 2
    QUEUED = 3
    TREASURY = 4
    INSURANCE = 5


class Code(IntEnum):
    """Why money moved."""

    DEPOSIT = 1
    WITHDRAWAL = 2
    ENDOWMENT = 3
    OPEN = 4
    LOSS = 5
    RELEASE = 6
    PROFIT = 7
    QUEUE = 8
    UNQUEUE = 9
    LIQUIDATION = 10
    EXIT = 11
    COVER = 12


class Transfer(NamedTuple):
    """`amount` micro-USD (above zero) moved from the debited to the credited account."""

    id: int
    event_id: int
    leg: int
    code: int
    debit_account: int
    credit_account: int
    amount: int
    position_id: int | None
    at_us: int


TransferRow: TypeAlias = tuple[int, int, int, int, int, int, int, int | None, int]
"""A transfer's fields in their order, as they are written: plain, since one is made for every refund."""


class Account(NamedTuple):
    """An account's cumulative sides; what it holds is credits less debits."""

    id: int
    owner: str
    kind: int
    debits: int
    credits: int


KINDS_OF_VENUE: Final = (Kind.CUSTODY, Kind.TREASURY, Kind.INSURANCE)
KINDS_OF_WALLET: Final = (Kind.AVAILABLE, Kind.RESERVED, Kind.QUEUED)
VENUE_OWNER: Final = "venue"


def account_id(number: int, kind: Kind) -> int:
    """Name an account: number 0 is the venue, wallets count from 1 in the order of their first deposit."""
    return number * 10 + kind


CUSTODY: Final = account_id(0, Kind.CUSTODY)
TREASURY: Final = account_id(0, Kind.TREASURY)
INSURANCE: Final = account_id(0, Kind.INSURANCE)


def kind_of(account: int) -> Kind:
    """Tell what an account holds from its id."""
    return Kind(account % 10)

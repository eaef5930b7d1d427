"""Ledger: double-entry bookkeeping of one venue in integer units; every entry sums to zero per coin."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bastion.paper.money import Units


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One side of an entry: `units` of `coin` into (positive) or out of a ledger account."""

    ledger_account: str
    coin: str
    units: Units


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A booked business event.

    `kind` is its word (`deposit`, `fee`), `memo` names the fill or order behind it.
    """

    entry_id: int
    time_ms: int
    kind: str
    memo: str
    postings: tuple[Posting, ...]


class Unbalanced(Exception):  # noqa: N818 - a bookkeeper's word for an entry that does not sum to zero
    """An entry's postings do not sum to zero in some coin; nothing was booked."""


class Ledger:
    """All entries of one venue and the balances that follow from them."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._balances: dict[tuple[str, str], Units] = {}

    def post(self, *, time_ms: int, kind: str, memo: str, postings: Sequence[Posting]) -> Entry:
        """Book one entry: all new balances are computed and checked before the first is assigned.

        Raises:
            Unbalanced: the postings do not sum to zero in each coin; the ledger is unchanged.
        """
        sums: defaultdict[str, Units] = defaultdict(int)
        changed: dict[tuple[str, str], Units] = {}
        for posting in postings:
            key = (posting.ledger_account, posting.coin)
            sums[posting.coin] += posting.units
            changed[key] = changed.get(key, self._balances.get(key, 0)) + posting.units
        uneven = {coin: units for coin, units in sums.items() if units}
        if uneven:
            raise Unbalanced(f"The entry {kind} ({memo}) is off by {uneven}.")
        entry = Entry(
            entry_id=len(self._entries) + 1,
            time_ms=time_ms,
            kind=kind,
            memo=memo,
            postings=tuple(postings),
        )
        self._entries.append(entry)
        self._balances.update(changed)
        return entry

    def balance(self, ledger_account: str, coin: str) -> Units:
        """Return the balance of one ledger account in one coin; zero where nothing was ever booked."""
        return self._balances.get((ledger_account, coin), 0)

    def balances(self) -> Mapping[tuple[str, str], Units]:
        """Return every balance by (ledger account, coin)."""
        return dict(self._balances)

    def trial_balance(self) -> dict[str, Units]:
        """Return the sum of all balances per coin; each is zero."""
        sums: defaultdict[str, Units] = defaultdict(int)
        for (_, coin), units in self._balances.items():
            sums[coin] += units
        return dict(sums)

    def entries(self) -> Iterator[Entry]:
        """Yield every entry in booking order."""
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

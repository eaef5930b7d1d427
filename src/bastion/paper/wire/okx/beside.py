"""Beside: what an account holds that the core does not trade, and the dead man's timer.

A scenario lets an account hold rows of GET / Positions of other kinds (MARGIN, OPTION, a second margin mode),
and pending algo orders of kinds that never trigger here (twap, iceberg, move_order_stop, chase). They are
shown as they stand; the algo orders can be cancelled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignAlgo:
    """A pending algo order from before the scenario's start."""

    account: str
    row: Row

    @property
    def algo_id(self) -> str:
        """The venue's id of it."""
        return str(self.row["algoId"])


class Beside:
    """The state of one wire beside its exchange."""

    def __init__(
        self, *, positions: Sequence[tuple[str, Row]] = (), algos: Sequence[ForeignAlgo] = ()
    ) -> None:
        self._positions = tuple(positions)
        self._algos = list(algos)
        self._deadlines: dict[str, int] = {}
        self._pairs: dict[int, int] = {}

    def positions(self, account: str) -> list[Row]:
        """Return the rows of other kinds that `account` holds."""
        return [row for owner, row in self._positions if owner == account]

    def algos(self, account: str) -> list[ForeignAlgo]:
        """Return the pending algo orders of other kinds, oldest first."""
        return [algo for algo in self._algos if algo.account == account]

    def cancel_algo(self, account: str, algo_id: str) -> bool:
        """Cancel one of them; False where there is none of that id."""
        found = next((algo for algo in self.algos(account) if algo.algo_id == algo_id), None)
        if found is None:
            return False
        self._algos.remove(found)
        return True

    def set_timer(self, account: str, at_ms: int | None) -> None:
        """Cancel all orders of `account` at `at_ms`, unless the timer is set anew; None switches it off."""
        self._deadlines.pop(account, None)
        if at_ms is not None:
            self._deadlines[account] = at_ms

    def due(self, now_ms: int) -> list[str]:
        """Return the accounts whose timer has run out, each once."""
        found = [account for account, at_ms in self._deadlines.items() if at_ms <= now_ms]
        for account in found:
            del self._deadlines[account]
        return found

    def pair(self, first: int, second: int) -> None:
        """Remember that two conditional orders are one: when one triggers, the other goes."""
        self._pairs[first], self._pairs[second] = second, first

    def partner(self, number: int) -> int | None:
        """Return the other half of a pair, None for an order that stands alone."""
        return self._pairs.get(number)

    def pairs(self) -> list[tuple[int, int]]:
        """Return every pair once."""
        return [(first, second) for first, second in self._pairs.items() if first < second]

    def unpair(self, number: int) -> None:
        """Forget the pair of an order."""
        other = self._pairs.pop(number, None)
        if other is not None:
            self._pairs.pop(other, None)

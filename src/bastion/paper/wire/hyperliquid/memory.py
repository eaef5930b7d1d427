"""Memory: what the wire keeps beside the exchange: refused orders, approvals, scheduled cancels, TWAPs."""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

DAY_MS = 86_400_000
SCHEDULES_A_DAY = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An order that was refused: how `orderStatus` shows it, by its client id."""

    row: dict[str, object]
    status: str
    at_ms: int


@dataclass(slots=True, kw_only=True)
class Twap:
    """An order that the venue sends in slices until its time is over, or until it is cancelled."""

    twap_id: int
    account: str
    coin: str
    side: str
    size: Decimal
    reduce_only: bool
    randomize: bool
    minutes: int
    began_ms: int
    slices: int = 0
    executed: Decimal = Decimal(0)
    executed_value: Decimal = Decimal(0)
    status: str = "activated"
    ended_ms: int | None = None

    @property
    def runs(self) -> bool:
        """Whether further slices come."""
        return self.ended_ms is None


@dataclass(slots=True)
class Memory:
    """State of one wire; a new scenario begins with a fresh one."""

    refused: dict[tuple[str, str], Refusal] = field(default_factory=dict)
    builders: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    schedules: dict[str, int] = field(default_factory=dict)
    triggered_ms: dict[str, deque[int]] = field(default_factory=dict)
    twaps: list[Twap] = field(default_factory=list)

    def schedules_left(self, account: str, now_ms: int) -> int:
        """Return how many scheduled cancels may still trigger today."""
        spent = self.triggered_ms.setdefault(account, deque())
        while spent and spent[0] <= now_ms - DAY_MS:
            spent.popleft()
        return SCHEDULES_A_DAY - len(spent)

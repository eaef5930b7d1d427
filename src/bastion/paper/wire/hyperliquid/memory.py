"""Memory: what the wire keeps beside the exchange: refused orders, builder approvals, scheduled cancels."""

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


@dataclass(slots=True)
class Memory:
    """State of one wire; a new scenario begins with a fresh one."""

    refused: dict[tuple[str, str], Refusal] = field(default_factory=dict)
    builders: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    schedules: dict[str, int] = field(default_factory=dict)
    triggered_ms: dict[str, deque[int]] = field(default_factory=dict)

    def schedules_left(self, account: str, now_ms: int) -> int:
        """Return how many scheduled cancels may still trigger today."""
        spent = self.triggered_ms.setdefault(account, deque())
        while spent and spent[0] <= now_ms - DAY_MS:
            spent.popleft()
        return SCHEDULES_A_DAY - len(spent)

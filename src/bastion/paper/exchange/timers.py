"""Timers: the dead-man's switch: orders that the venue cancels unless their owner is heard of in time."""

from collections.abc import Callable

from bastion.paper.clock import Clock
from bastion.paper.order import OrderFilter

Cancel = Callable[[str, OrderFilter], object]


class CancelTimers:
    """One timer for each account and each filter of orders; setting one anew replaces it."""

    def __init__(self, *, clock: Clock, cancel: Cancel) -> None:
        self._clock = clock
        self._cancel = cancel
        self._due: dict[tuple[str, OrderFilter], int] = {}

    def set(self, account: str, which: OrderFilter, in_ms: int | None) -> None:
        """Cancel what `which` means at that time from now; None switches the timer off."""
        if in_ms is None:
            self._due.pop((account, which), None)
        else:
            self._due[account, which] = self._clock.now_ms() + in_ms

    def settle_due(self) -> None:
        """Carry out every timer whose time has come; each runs once."""
        now_ms = self._clock.now_ms()
        for key in [key for key, at_ms in self._due.items() if at_ms <= now_ms]:
            del self._due[key]
            self._cancel(*key)

    def next_due_ms(self) -> int | None:
        """Return when the next timer runs out, or None."""
        return min(self._due.values(), default=None)

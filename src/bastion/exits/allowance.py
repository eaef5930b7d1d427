"""Allowance: how many looks and steps the work on an account may take in a time, so that it is bound."""

from bastion.exits.pace import nanoseconds
from bastion.exits.settings import ExitSettings
from bastion.ports import Clock


class Allowance:
    """So many looks and steps in each `allowance_s`, counted anew whenever an exit joins.

    A loop that goes wrong ends with its steps. What holds or chases for a day gets new ones in time; where
    the looks are used up before, the next one waits for them.
    """

    def __init__(self, *, clock: Clock, settings: ExitSettings) -> None:
        self._clock = clock
        self._settings = settings
        self.renew()

    def renew(self) -> None:
        """Count anew from now on."""
        self._ends_ns = self._clock.monotonic_ns() + nanoseconds(self._settings.allowance_s)
        self._looks = self._steps = 0

    def step(self) -> bool:
        """Take one step; return False where none is left."""
        if self._clock.monotonic_ns() >= self._ends_ns:
            self.renew()
        self._steps += 1
        return self._steps <= self._settings.steps_max

    def look(self) -> None:
        """Take one look."""
        self._looks += 1

    @property
    def looks_left(self) -> bool:
        """Whether a look may be taken now."""
        return self._looks < self._settings.looks_max

    def at_ns(self, wanted_ns: int) -> int:
        """Return when a look that is wanted then (monotonic) may be taken."""
        return wanted_ns if self.looks_left else max(wanted_ns, self._ends_ns)

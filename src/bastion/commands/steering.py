"""Steering: the engine as the verbs need it; the composition root brings one."""

from typing import Protocol

from bastion.domain.engine import ArmSettings, Day, DisarmCause, Disarmed, Standing, Tally
from bastion.domain.engine_records import EngineEntry
from bastion.domain.principal import Principal
from bastion.errors import EngineNotRunning


class EngineControl(Protocol):
    """The engine as the verbs know it. They have checked the principal; everything else is checked here."""

    def standing(self) -> Standing:
        """Return how the engine stands, whichever process runs it.

        Raises:
            JournalUnusable: its records cannot be read.
        """
        ...

    async def start(self, *, principal: Principal) -> Standing:
        """Start watching; when it runs already, nothing changes.

        Raises:
            Conflict: no standing process is there to run it.
            JournalUnusable: the start could not be made durable; it was not started.
        """
        ...

    async def arm(self, settings: ArmSettings, *, principal: Principal) -> Standing:
        """Let the guards act, with these settings, which replace those of an earlier arming.

        Raises:
            EngineNotRunning: it is stopped.
            JournalUnusable: the arming could not be made durable; it was not armed.
        """
        ...

    async def disarm(self, *, principal: Principal, cause: DisarmCause) -> Disarmed:
        """Let nothing more be sent on the engine's own decision, from this moment on; then write it down.

        It waits for nothing but the record, and for that only a moment. An act that has begun goes on.
        """
        ...

    def history(self, *, limit: int, accounts: frozenset[str] | None) -> tuple[EngineEntry, ...]:
        """Return the newest evaluations and acts, newest first.

        Raises:
            JournalUnusable: its records cannot be read.
        """
        ...

    def events(self, *, limit: int, accounts: frozenset[str] | None) -> tuple[EngineEntry, ...]:
        """Return the newest changes of its state, and what it did not do after all, newest first.

        Raises:
            JournalUnusable: its records cannot be read.
        """
        ...

    def alerts(self, *, limit: int, accounts: frozenset[str] | None) -> tuple[EngineEntry, ...]:
        """Return the alerts of the last 24 hours, newest first.

        Raises:
            JournalUnusable: its records cannot be read.
        """
        ...

    def tally(self, *, accounts: frozenset[str] | None) -> Tally:
        """Return the counts of everything that it ever evaluated and did.

        Raises:
            JournalUnusable: its records cannot be read.
        """
        ...

    async def day(self, *, accounts: frozenset[str] | None) -> Day:
        """Return what was closed since 00:00 UTC; what could not be read is named in it."""
        ...


def steered(engine: EngineControl | None) -> EngineControl:
    """Return the desk's engine.

    Raises:
        EngineNotRunning: the desk was opened without one.
    """
    if engine is None:
        raise EngineNotRunning("This desk has no engine; `bastion up` runs one. Nothing was done.")
    return engine

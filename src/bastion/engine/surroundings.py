"""Surroundings: what the engine needs of the desk; the composition root brings it."""

from typing import Protocol

from bastion.domain.engine import AccountView, Action, ActOutcome, Target


class Surroundings(Protocol):
    """The desk as the engine sees and moves it: the same readings and the same verbs as everyone's."""

    async def observe(self, *, anew: bool = True) -> tuple[AccountView, ...]:
        """Return every account; bounded, and it never raises for a venue.

        It is read anew, or, where that is not asked for, as others were told it a moment ago.
        """
        ...

    def busy(self) -> str | None:
        """Return the id of the exit that this process carries out now; None when there is none."""
        ...

    async def act(self, action: Action, target: Target, *, reason: str) -> ActOutcome:
        """Carry out one act and return what came of it, in a bounded time; refusals are outcomes."""
        ...

    def requested(self, reason: str, *, since_ns: int) -> str | None:
        """Return the exit that the engine requested with this reason since that moment (UTC), if any."""
        ...

    async def follow(self, exit_id: str) -> ActOutcome | None:
        """Take up, or wait for, an exit of the engine's; None where it is too old to be taken up."""
        ...

"""Executor: carries out an exit, one leg an account, each behind a bulkhead."""

from collections.abc import Callable, Mapping

from bastion.domain.records import Entry
from bastion.exits.settings import ExitSettings
from bastion.ports import Clock, Journal, Venue

Observer = Callable[[Entry], None]


class Executor:
    """Carries out exits on these venues (by account name), writing what it does to the journal."""

    def __init__(
        self,
        *,
        venues: Mapping[str, Venue],
        journal: Journal,
        clock: Clock,
        settings: ExitSettings,
        observe: Observer | None = None,
    ) -> None:
        self._venues = dict(venues)
        self._journal = journal
        self._clock = clock
        self._settings = settings
        self._observe = observe

    async def run(self, exit_id: str) -> None:
        """Start, or take up again, the exit of that id, and return when it is judged and its hold has passed.

        Starting and recovering are this one function: a fold over the journal, then one task an account.
        It never raises for a venue's or an observer's sake.

        Raises:
            Refused: the journal knows no exit of that id.
        """
        raise NotImplementedError

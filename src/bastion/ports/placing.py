"""Placing: what an adapter may offer about how its orders leave, and what is known of them before an end."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from bastion.domain.look import Look


@runtime_checkable
class Announcing(Protocol):
    """What an adapter offers whose venue takes an order first, and tells only later what became of it."""

    def hear_taken(self, heard: Callable[[str], None]) -> None:
        """From now on call `heard` with the client id of each order that the venue has taken.

        That is before `Venue.place` returns, which goes on to ask what became of it; of an order that was
        refused, or of which no answer came, nothing is said. Whoever asked before hears no more.
        """
        ...


@runtime_checkable
class Singly(Protocol):
    """What an adapter offers that may send each order in a request of its own."""

    @property
    def places_singly(self) -> bool:
        """Whether it does: then orders need not leave in one turn of the event loop to leave together."""
        ...


@runtime_checkable
class Queueing(Protocol):
    """What an adapter offers where orders can wait here for long, until the venue's limits let them leave."""

    def hear_left(self, heard: Callable[[str], None]) -> None:
        """From now on call `heard` with the client id of each order that is about to leave.

        Whoever asked before hears no more.
        """
        ...


@runtime_checkable
class Warming(Protocol):
    """What an adapter offers whose orders each need a connection while they are on their way."""

    async def warm(self, look: Look, *, most: int, lasting_s: float, deadline_s: float) -> None:
        """Have connections open for all that leaves at once to close what a look shows, `most` at the most.

        They rest for at least `lasting_s`; one that will not is replaced. Nothing is asked of the venue.

        Raises:
            VenueUnreachable: one of them did not come about.
        """
        ...

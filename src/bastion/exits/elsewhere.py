"""Elsewhere: what another page of the venue names, for exits that name no contract."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from bastion.domain.look import Look
from bastion.domain.money import ZERO, Quantity
from bastion.domain.position import Position
from bastion.exits.books import BookKey, book_key
from bastion.exits.pace import Pace
from bastion.exits.progress import Leg
from bastion.ports import Clock, Naming


class Elsewhere:
    """The contracts that a page apart from the looks named last, and what the latest look showed of them.

    An exit by side, or of all but some, names no contract: a row that its list leaves out beside others is
    missed by that page alone. Where the venue has none, nothing is waited for.
    """

    def __init__(self, naming: Naming | None, clock: Clock) -> None:
        self._naming = naming
        self._clock = clock
        self._begun_ns: int | None = None
        self._named: tuple[Position, ...] = ()
        self._shown: frozenset[BookKey] = frozenset()

    def saw(self, look: Look) -> None:
        """Hear what a look showed of the whole account: of that, nothing need be asked elsewhere."""
        self._shown = frozenset(map(book_key, look.positions))

    async def read(self, *, deadline_s: float) -> tuple[Position, ...]:
        """Ask that page, and return what it names in a size, and the latest look does not show.

        Raises:
            VenueError: the venue did not say.
        """
        if self._naming is None:
            return ()
        begun_ns = self._clock.monotonic_ns()
        self._named = await self._naming.named(deadline_s=deadline_s)
        self._begun_ns = begun_ns
        return tuple(position for position in self._unshown() if position.quantity)

    def owed(self, leg: Leg, pace: Pace) -> bool:
        """Return whether the page must still be asked: in this run, and after the last look that failed."""
        if self._naming is None or not leg.sight.unnamed:
            return False
        since_ns = max(pace.run_began_ns, pace.broken_ns, pace.resumed_ns)
        return self._begun_ns is None or self._begun_ns < since_ns

    def meant(self, leg: Leg) -> tuple[Position, ...]:
        """Return what the page names, the latest look does not show, and the exit means: of no size.

        The page may have the side wrong by now, or not know it: what it names counts where either is meant.
        """
        if not leg.sight.unnamed:
            return ()
        sizeless = (replace(position, quantity=Quantity(ZERO)) for position in self._unshown())
        return tuple(_either(sizeless, leg.sight.means))

    def _unshown(self) -> Iterable[Position]:
        for position in self._named:
            if not self._shown & {book_key(position), (*position.key[:2], "")}:
                yield position


def _either(named: Iterable[Position], means: Callable[[Position], bool]) -> Iterable[Position]:
    for position in named:
        for side in (position.side, position.side.other):
            if means(one := replace(position, side=side)):
                yield one
                break

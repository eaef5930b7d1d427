"""Unshown: what an exit asks for, or another page names, and no look has shown; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bastion.domain.money import ZERO, Quantity
from bastion.domain.position import Position, Side
from bastion.exits.books import Book, BookKey, book_key
from bastion.exits.elsewhere import Elsewhere
from bastion.exits.pace import Pace
from bastion.exits.progress import Leg
from bastion.exits.scope import Contracts
from bastion.exits.verdict import Standing, evidence_ns, second_quantity


class Unshown:
    """The contracts that one exit names, as the venue lists them, and what is doubted of them."""

    def __init__(self) -> None:
        self._listed = -1
        self._named: tuple[Position, ...] = ()

    def told(
        self,
        own: Standing,
        leg: Leg,
        pace: Pace,
        contracts: Contracts,
        *,
        beside: Standing | None,
        listed: bool,
        elsewhere: Elsewhere | None = None,
    ) -> Standing:
        """Return how the leg stands (`own` by its looks alone) with what nobody has seen of it gone.

        `beside` is how all exits together stand on the account. Unless `listed`, the venue was not heard yet
        about its contracts, and no verdict is come to where those tell what is meant; nor where `elsewhere`
        is owed, which names what is meant otherwise.
        """
        named = elsewhere.meant(leg) if elsewhere is not None else ()
        unheard = elsewhere is not None and elsewhere.owed(leg, pace)
        doubted = (*self._books(leg, pace, contracts, named), *_seen_by_others(leg, own, beside))
        if not (doubted or unheard) and (listed or leg.sight.whole or not leg.sight.by_symbol):
            return own
        return replace(own, unexplained=(*own.unexplained, *doubted), unheard=unheard, verdict=None)

    def _books(
        self, leg: Leg, pace: Pace, contracts: Contracts, named: Sequence[Position]
    ) -> tuple[Book, ...]:
        # A look that shows other positions may leave one out, from the first look on: no sum of executions
        # tells of it, and the list is not empty. A second source that was asked in this run, and after all
        # that could have changed it, says that nothing is held there. Who covers all names nothing.
        if leg.sight.whole:
            return ()
        if len(contracts) != self._listed:
            self._listed, self._named = len(contracts), leg.sight.names(contracts)
        return tuple(
            _book(position)
            for position in _wanted(leg, (*self._named, *named))
            if second_quantity(leg, book_key(position), since_ns=evidence_ns(leg, position.key, pace)) != ZERO
        )


def with_doubts(own: Standing, scoped: Iterable[Standing]) -> Standing:
    """Return how all exits together stand on an account, with what those of a part of it doubt besides."""
    known = {book.key for book in own.unexplained}
    for one in scoped:
        more = tuple(book for book in one.unexplained if book.key not in known)
        known.update(book.key for book in more)
        own = replace(own, unexplained=(*own.unexplained, *more), unheard=own.unheard or one.unheard)
    return own


def _seen_by_others(leg: Leg, own: Standing, beside: Standing | None) -> tuple[Book, ...]:
    # What another exit saw here, and nothing explains yet, is no more closed for one that came too late to
    # see it, also where it knows of an order there: its own looks may be the ones that lie.
    if beside is None:
        return ()
    known = {key for key, book in leg.books.items() if book.seen}
    known |= {book.key for book in own.unexplained}
    return tuple(
        book for book in beside.unexplained if book.key not in known and leg.sight.means(book.position)
    )


def _wanted(leg: Leg, named: Sequence[Position]) -> list[Position]:
    seen: dict[tuple[str, str], list[BookKey]] = {}
    for key, book in leg.books.items():
        if book.seen:
            seen.setdefault(key[:2], []).append(key)
    found = []
    for position in named:
        shown = seen.get(position.key[:2])
        if shown is None:
            found.append(position)
        elif any(key[2] for key in shown):
            # In hedge mode the other side is a position of its own.
            sides = (replace(position, side=side, hedged=True) for side in Side)
            found.extend(one for one in sides if leg.sight.means(one) and book_key(one) not in shown)
    return found


def _book(position: Position) -> Book:
    return Book(
        key=book_key(position),
        position=position,
        baseline=ZERO,
        peak=Quantity(ZERO),
        since_ms=0,
        until_ms=0,
        after_round=0,
        watched_ms=0,
        seen=False,
    )

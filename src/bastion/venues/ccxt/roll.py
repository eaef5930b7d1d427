"""Roll: what became of many orders that a venue only acknowledged, by one list of orders that have ended."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from bastion.domain.order import OrderKind, OrderRequest, OrderState
from bastion.errors import VenueError
from bastion.ports import Clock
from bastion.venues.ccxt.confirm import Find, confirmed
from bastion.venues.deadline import NS, Deadline, within

LISTED_LEAST = 3
"""From so many orders on the way at once, one list is asked instead of a question for each."""
LISTED_TRIES = 2
"""So often a list is asked about an order before the order itself is."""
SOON_S = 1.0
"""Of an order that left so short a time ago nobody else need ask: who sent it does."""

List = tuple[str, ...]
"""What names one list of the venue; empty for an order that no list is known to show."""
Read = Callable[[List, Deadline], Awaitable[Mapping[str, OrderState]]]
ListOf = Callable[[OrderRequest], List]


@dataclass(slots=True)
class _Roll:
    """One list: who is on the way, who waits for it, what it told them, and how often it was asked."""

    tries: dict[str, int] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    told: dict[str, OrderState] = field(default_factory=dict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    begun: int = 0
    came: bool = True


class RollCall:
    """Finds out what became of orders: `alone` asks for one, `read` for the newest page of a list.

    A list that shows an order's end is the venue's word on it, whoever asked and when. Of an order that it
    does not show, it says nothing. Where it does not come in half of the time, each order is asked for alone.
    """

    def __init__(self, alone: Find, read: Read, list_of: ListOf, *, clock: Clock) -> None:
        self._alone = alone
        self._read = read
        self._list_of = list_of
        self._clock = clock
        self._rolls: dict[List, _Roll] = {}
        self._here: set[str] = set()
        self._left_ns: dict[str, int] = {}
        self._heard_taken: Callable[[str], None] = _unheard
        self._heard_left: Callable[[str], None] = _unheard

    @contextmanager
    def under_way(self, request: OrderRequest) -> Iterator[None]:
        """Count an order among those whose fate will be asked for; until it leaves, it waits here."""
        cid = request.client_order_id
        named = self._list_of(request) if request.kind is not OrderKind.RESTING else ()
        tries = self._rolls.setdefault(named, _Roll()).tries if named else {}
        tries[cid] = 0
        self._here.add(cid)
        try:
            yield
        finally:
            tries.pop(cid, None)
            self._here.discard(cid)
            self._left_ns.pop(cid, None)

    def count(self, named: List) -> int:
        """Return how many orders are asked about by that list now."""
        roll = self._rolls.get(named)
        return len(roll.tries) if roll is not None else 0

    def hear_taken(self, heard: Callable[[str], None]) -> None:
        """Tell `heard` the client id of each order that the venue has taken, from now on."""
        self._heard_taken = heard

    def hear_left(self, heard: Callable[[str], None]) -> None:
        """Tell `heard` the client id of each order that is about to leave, from now on."""
        self._heard_left = heard

    def leave(self, client_order_ids: Iterable[str]) -> None:
        """Hear that these orders are about to leave."""
        now_ns = self._clock.monotonic_ns()
        for cid in client_order_ids:
            if cid in self._here:
                self._here.discard(cid)
                self._left_ns[cid] = now_ns
                self._heard_left(cid)

    async def see_through(self, request: OrderRequest, order_id: str, deadline: Deadline) -> OrderState:
        """Tell that the venue took an order that is under way; return what became of it, as `confirmed`."""
        self._heard_taken(request.client_order_id)
        return await confirmed(self.find, request, order_id, clock=self._clock, deadline=deadline)

    def waits(self, client_order_id: str) -> bool:
        """Return whether there is nothing to ask of an order yet.

        It still waits here, so that the venue cannot know it, or it has just left, and who sent it asks.
        """
        left_ns = self._left_ns.get(client_order_id)
        just_left = left_ns is not None and self._clock.monotonic_ns() < left_ns + SOON_S * NS
        return just_left or client_order_id in self._here

    async def order(self, request: OrderRequest, deadline: Deadline) -> OrderState | None:
        """Return what the venue says of an order whose fate nobody else asks for; None where it knows none.

        Of many that are asked for at one moment, one list tells those that it shows.

        Raises:
            VenueError: the venue did not say.
        """
        named, cid = self._list_of(request), request.client_order_id
        tries = self._rolls.setdefault(named, _Roll()).tries if named else None
        if tries is None or cid in tries or request.kind is OrderKind.RESTING:
            return await self._alone(request, deadline)
        tries[cid] = 0
        try:
            await asyncio.sleep(0)  # One pass of the loop lets the other questions of this moment arrive.
            found = await self.find(request, deadline) if len(tries) >= LISTED_LEAST else None
        finally:
            tries.pop(cid, None)
        return found if found is not None else await self._alone(request, deadline)

    async def find(self, request: OrderRequest, deadline: Deadline) -> OrderState | None:
        """Return what the venue says of an order that is under way, or None where it says nothing.

        Raises:
            VenueError: the venue did not say.
        """
        named, cid = self._list_of(request), request.client_order_id
        roll = self._rolls.get(named)
        tries = roll.tries.get(cid) if roll is not None else None
        if roll is None or tries is None or tries >= LISTED_TRIES or len(roll.tries) < LISTED_LEAST:
            return await self._alone(request, deadline)
        roll.tries[cid] = tries + 1
        roll.waiting.add(cid)
        try:
            await self._ask(roll, named, cid, deadline)
            found = roll.told.get(cid)
        finally:
            roll.waiting.discard(cid)
            roll.told.pop(cid, None)
        return found if found is not None or roll.came else await self._alone(request, deadline)

    async def _ask(self, roll: _Roll, named: List, cid: str, deadline: Deadline) -> None:
        seat = roll.begun
        async with within(deadline), roll.turn:
            # One that was asked after this order was taken has said all that a list can say now.
            if cid in roll.told or roll.begun > seat:
                return
            roll.begun += 1
            try:
                found = await self._read(named, Deadline(self._clock, deadline.left_s / 2))
            except VenueError:
                roll.came = False
                return
            roll.came = True
            roll.told |= {one: found[one] for one in roll.waiting & found.keys() if found[one].ended}


def _unheard(_client_order_id: str) -> None:
    """Hear for nobody."""

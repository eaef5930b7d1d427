"""Readings: what the accounts answered a moment ago, shared by all who ask.

A complete look costs much of what a venue allows an address in a minute. However many ask, the accounts are
read at most once in `sharing.FRESH_S` seconds, so that what is left of the limits belongs to an exit.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from bastion.commands.hearing import Ears
from bastion.commands.sharing import FRESH_S, NS, Shared
from bastion.domain.account import Access
from bastion.domain.look import Look, Unread
from bastion.errors import VenueError
from bastion.ports import Clock, Picturing, Venue
from bastion.shape import dataclass

VOUCHED_S = 600.0
"""A look for which a stream vouches is not acted on when it is older: an event may have been lost."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReading:
    """What one account answered: its positions and orders, and what its credential may do."""

    venue: Venue
    look: Look
    access: Access | None
    access_error: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should mend before the emergency."""
        account = self.venue.account
        name = f"{account.name} ({account.venue})"
        found: list[str] = []
        if any(unread.terminal for unread in self.look.unread):
            found.append(f"{name}: the credential {account.credential!r} cannot read the account.")
        if self.access is None:
            found.append(f"{name}: what the credential may do is not known: {self.access_error}")
            return tuple(found)
        if self.access.can_trade is False:
            found.append(
                f"{name}: the credential {account.credential!r} cannot trade; an exit could not close "
                "anything there. Give the key the permission to trade at the venue, or store another with "
                f"`bastion vault put {account.credential} --from-stdin`."
            )
        if self.access.can_withdraw:
            found.append(
                f"{name}: the credential {account.credential!r} can withdraw; bastion never needs that. "
                "Take the permission from the key."
            )
        found.extend(f"{name}: {note}" for note in self.access.notes)
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The latest look of one account, and when it was begun (monotonic nanoseconds).

    `spared_ns` is when a later look began that shows the same positions and for want of a limit no orders.
    """

    look: Look
    begun_ns: int
    spared_ns: int | None = None


class Readings:
    """The latest readings of all accounts; one asks, the others share the answer (see `sharing`).

    An exit forgets them at each of its steps, since it changes what is open.
    """

    def __init__(self, *, venues: Mapping[str, Venue], clock: Clock, ears: Ears) -> None:
        self._venues = venues
        self._clock = clock
        self._ears = ears
        self._pictures: dict[str, Picture] = {}
        self._under_way: Counter[str] = Counter()
        self._forgotten = 0
        self._ready: Callable[[Look], None] | None = None
        self._spent: Callable[[Look], None] | None = None
        self._shared = Shared(self._read_all, clock=clock)

    def prepare(self, ready: Callable[[Look], None], spent: Callable[[Look], None]) -> None:
        """Hand each look that an exit may begin with to `ready`, and to `spent` once none does any more."""
        self._ready, self._spent = ready, spent

    def forget(self) -> None:
        """Read anew for the next who asks; a reading that is under way is not kept either."""
        self._shared.forget()
        if self._spent is not None:
            for picture in self._pictures.values():
                self._spent(picture.look)
        self._pictures.clear()
        self._forgotten += 1

    async def recent(self, *, within_s: float = FRESH_S) -> tuple[int, tuple[AccountReading, ...]]:
        """Return when the accounts were read (UTC nanoseconds), and each one's reading, in their order.

        `within_s` is for who has a rhythm of its own: with 0 the accounts are read anew.
        """
        return await self._shared.recent(within_s=within_s)

    def looks(self, *, within_s: float) -> dict[str, Look]:
        """Return the looks that are at most that old, by account; nothing is asked.

        Of an account whose stream has told of no change since the look, it may be `VOUCHED_S` old.
        """
        now_ns = self._clock.monotonic_ns()
        found: dict[str, Look] = {}
        for name, picture in self._pictures.items():
            is_vouched = within_s > 0 and self._ears.vouches(name, picture.begun_ns)
            if now_ns - picture.begun_ns <= (VOUCHED_S if is_vouched else within_s) * NS:
                found[name] = picture.look
        return found

    def picture(self, name: str) -> Picture | None:
        """Return the latest look of an account, however old it is; None where there is none."""
        return self._pictures.get(name)

    def under_way(self, name: str) -> bool:
        """Return whether an account is being read."""
        return self._under_way[name] > 0

    async def refresh(self, name: str, pictures: Picturing | None = None, *, deadline_s: float) -> None:
        """Look at one account, by a picture where it is given who makes them, and keep what it shows."""
        begun_ns, forgotten = self._clock.monotonic_ns(), self._forgotten
        before = self._pictures.get(name)
        reading = self._venues[name].look if pictures is None else pictures.picture
        with self._reads(name):
            look = await reading(deadline_s=deadline_s)
        if before is not None and _differ(before.look, look):
            self._ears.note_change(name, since_ns=before.begun_ns)
        self._keep(name, look, begun_ns=begun_ns, forgotten=forgotten)

    @contextmanager
    def _reads(self, name: str) -> Iterator[None]:
        self._under_way[name] += 1
        try:
            yield
        finally:
            self._under_way[name] -= 1

    def _keep(self, name: str, look: Look, *, begun_ns: int, forgotten: int) -> None:
        if forgotten != self._forgotten:
            return
        kept = self._pictures.get(name)
        if kept is not None and _tells_more(kept, look, begun_ns):
            self._pictures[name] = replace(kept, spared_ns=begun_ns)
            return
        if kept is not None and self._spent is not None:
            self._spent(kept.look)
        self._pictures[name] = Picture(look=look, begun_ns=begun_ns)
        if look.positions and self._ready is not None:
            self._ready(look)

    async def _read_all(self, deadline_s: float) -> tuple[AccountReading, ...]:
        readings: dict[str, AccountReading] = {}
        begun_ns, forgotten = self._clock.monotonic_ns(), self._forgotten

        async def read(name: str, venue: Venue) -> None:
            with self._reads(name):
                readings[name] = reading = await _read(venue, deadline_s)
            # A venue that does not answer keeps no other's picture back.
            self._keep(name, reading.look, begun_ns=begun_ns, forgotten=forgotten)

        async with asyncio.TaskGroup() as group:
            for name, venue in self._venues.items():
                group.create_task(read(name, venue))
        return tuple(readings[name] for name in self._venues)


def _tells_more(kept: Picture, look: Look, begun_ns: int) -> bool:
    # Lists of orders that a venue's limit kept from being asked again a moment later are as known as before:
    # without them an exit would have to read them once more, out of the same limit, before it could sweep.
    if not look.unread or not all(part.limited or part.unsent for part in look.unread):
        return False
    if not kept.look.complete or begun_ns - kept.begun_ns > FRESH_S * NS:
        return False
    return {row.key: row.quantity for row in kept.look.positions} == {
        row.key: row.quantity for row in look.positions
    }


def _differ(before: Look, after: Look) -> bool:
    def shown(look: Look) -> set[tuple[str, ...]]:
        return {(row.instrument, row.side, str(row.quantity)) for row in look.positions}

    # What was left out on purpose is left out of both.
    doubtful = any(not part.unsent for look in (before, after) for part in look.unread)
    return not doubtful and shown(before) != shown(after)


async def _read(venue: Venue, deadline_s: float) -> AccountReading:
    access: Access | None = None
    access_error = ""
    looks: list[Look] = []

    async def ask_access() -> None:
        nonlocal access, access_error
        try:
            access = await venue.access(deadline_s=deadline_s)
        except VenueError as error:
            access_error = str(error)
        except Exception as error:  # noqa: BLE001 - a bulkhead: one account's surprise fails no other's reading
            _log.exception("Asking %s for the credential's rights failed.", venue.account.name)
            access_error = f"unexpected {type(error).__name__}"

    async def look() -> None:
        try:
            looks.append(await venue.look(deadline_s=deadline_s))
        except Exception as error:  # noqa: BLE001 - as above
            _log.exception("Reading %s failed.", venue.account.name)
            unread = Unread(part="account", reason=f"unexpected {type(error).__name__}")
            looks.append(Look(begun_ns=0, ended_ns=0, positions=(), orders=(), parts=(), unread=(unread,)))

    async with asyncio.TaskGroup() as group:
        group.create_task(ask_access())
        group.create_task(look())
    return AccountReading(venue=venue, look=looks[0], access=access, access_error=access_error)

"""Wealth: what the accounts said a moment ago that they are worth, shared by all who ask."""

import asyncio
import logging
from collections.abc import Mapping

from bastion.commands.sharing import FRESH_S, Shared
from bastion.domain.balance import Balance
from bastion.errors import VenueError
from bastion.ports import Accounting, Clock, Venue

CANNOT_TELL = "bastion does not read a balance at this venue"

_log = logging.getLogger(__name__)

Told = Mapping[str, Balance | str]
"""By account: its balance, or why there is none."""


class Wealth:
    """The latest balances of all accounts; one asks, the others share the answer (see `sharing`)."""

    def __init__(self, *, venues: Mapping[str, Venue], clock: Clock) -> None:
        self._venues = venues
        self._shared: Shared[Told] = Shared(self._read_all, clock=clock)

    def forget(self) -> None:
        """Read anew for the next who asks; a reading that is under way is not kept either."""
        self._shared.forget()

    async def recent(self, *, within_s: float = FRESH_S) -> tuple[int, Told]:
        """Return when the balances were read (UTC nanoseconds), and each account's or why it has none.

        `within_s` is for who has a rhythm of its own: with 0 the balances are read anew.
        """
        return await self._shared.recent(within_s=within_s)

    async def _read_all(self, deadline_s: float) -> Told:
        told: dict[str, Balance | str] = {}

        async def read(name: str, venue: Venue) -> None:
            told[name] = await _balance(venue, deadline_s)

        async with asyncio.TaskGroup() as group:
            for name, venue in self._venues.items():
                group.create_task(read(name, venue))
        return told


async def _balance(venue: Venue, deadline_s: float) -> Balance | str:
    if not isinstance(venue, Accounting):
        return CANNOT_TELL
    try:
        return await venue.balance(deadline_s=deadline_s)
    except VenueError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a bulkhead: one account's surprise fails no other's reading
        _log.exception("Reading the balance of %s failed.", venue.account.name)
        return f"unexpected {type(error).__name__}"

"""Wealth: what the accounts said a moment ago that they are worth, shared by all who ask."""

import asyncio
import logging
from collections.abc import Mapping

from bastion.commands.readings import FRESH_S, READ_DEADLINE_S
from bastion.domain.balance import Balance
from bastion.errors import VenueError
from bastion.ports import Accounting, Clock, Venue

NS = 1_000_000_000
CANNOT_TELL = "bastion does not read a balance at this venue"

_log = logging.getLogger(__name__)

Told = Mapping[str, Balance | str]
"""By account: its balance, or why there is none."""


class Wealth:
    """The latest balances of all accounts; however many ask, they are read once in `readings.FRESH_S`."""

    def __init__(self, *, venues: Mapping[str, Venue], clock: Clock) -> None:
        self._venues = venues
        self._clock = clock
        self._turn = asyncio.Lock()
        self._latest: tuple[int, Told] | None = None
        self._taken_ns = 0

    def forget(self) -> None:
        """Read anew for the next who asks."""
        self._latest = None

    async def recent(self, *, within_s: float = FRESH_S) -> tuple[int, Told]:
        """Return when the balances were read (UTC nanoseconds), and each account's or why it has none.

        `within_s` is for who has a rhythm of its own: with 0 the balances are read anew.
        """
        async with self._turn:
            age_ns = self._clock.monotonic_ns() - self._taken_ns
            if self._latest is not None and age_ns <= within_s * NS:
                return self._latest
            self._taken_ns = self._clock.monotonic_ns()
            self._latest = (self._clock.now_ns(), await self._read_all())
            return self._latest

    async def _read_all(self) -> Told:
        told: dict[str, Balance | str] = {}

        async def read(name: str, venue: Venue) -> None:
            told[name] = await _balance(venue)

        async with asyncio.TaskGroup() as group:
            for name, venue in self._venues.items():
                group.create_task(read(name, venue))
        return told


async def _balance(venue: Venue) -> Balance | str:
    if not isinstance(venue, Accounting):
        return CANNOT_TELL
    try:
        return await venue.balance(deadline_s=READ_DEADLINE_S)
    except VenueError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a bulkhead: one account's surprise fails no other's reading
        _log.exception("Reading the balance of %s failed.", venue.account.name)
        return f"unexpected {type(error).__name__}"

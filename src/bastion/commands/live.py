"""Live: keeps the desk's picture of its accounts young, so that an exit need not read before it closes."""

import asyncio
import logging
from collections import Counter

from bastion.commands.desk import Desk
from bastion.commands.positions import check_access
from bastion.errors import VenueError
from bastion.ports import Metered, Venue

WARM_S = 10.0
RHYTHM_S = 10.0
ACCOUNTS_A_RHYTHM = 2
"""A whole look of one account costs about 100 of the 2400 that Binance allows an address in a minute: with at
most two accounts behind an address, this rhythm leaves half of it to an exit. More accounts slow it down."""

_log = logging.getLogger(__name__)


def rhythm_s(desk: Desk) -> float:
    """Return the seconds between two readings."""
    addresses = Counter((account.venue, account.base_url) for account in desk.accounts)
    most = max(addresses.values(), default=1)
    return RHYTHM_S * max(1.0, most / ACCOUNTS_A_RHYTHM)


async def keep_live(desk: Desk) -> None:
    """Read the accounts again and again until cancelled; whoever else reads spares a turn, an exit all.

    Where a venue's limit of reads has gone down to what is kept for exits, a turn is left out.

    Beyond the rhythm of which a picture would be too old to act on anyway (the setting
    `recent_look_s`), nothing is read.
    """
    rhythm = rhythm_s(desk)
    while rhythm <= desk.settings.recent_look_s:
        if desk.running() is None and not _short(desk):
            try:
                await desk.readings.recent(within_s=rhythm / 2)
            except Exception:  # noqa: BLE001 - a bulkhead: without a picture an exit reads first, as ever
                _log.exception("The accounts could not be read.")
        await desk.clock.sleep(rhythm)


def _short(desk: Desk) -> bool:
    lefts = [venue.reads_left() for venue in desk.venues.values() if isinstance(venue, Metered)]
    return any(left.free < left.kept for left in lefts)


async def warm(desk: Desk) -> None:
    """Open every venue's connection, and warn of what a credential may not do; nothing waits for this."""

    async def open_one(name: str, venue: Venue) -> None:
        try:
            await venue.open(deadline_s=WARM_S)
        except VenueError as error:
            _log.warning("The account %s could not be warmed up: %s", name, error)

    try:
        async with asyncio.TaskGroup() as group:
            for name, venue in desk.venues.items():
                group.create_task(open_one(name, venue))
        for warning in await check_access(desk):
            _log.warning("%s", warning)
    except Exception:  # noqa: BLE001 - a bulkhead: warming up is a courtesy and can harm nothing
        _log.exception("Warming up failed.")

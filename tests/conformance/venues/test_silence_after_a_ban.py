"""After a ban nothing leaves any more, also not what had its turn and waited for a connection."""

import asyncio
from collections.abc import Callable

import pytest

from bastion.clock import SystemClock
from bastion.errors import Fault, VenueRejected
from bastion.http1.dial import Origin, P, tcp
from bastion.venues.catalog import Catalog
from tests.venue_rig import API_KEY, PASSPHRASE, SECRET, Rig, account, torn

REFUSED_AT_ONCE_S = 4.0
BEHIND_S = 0.5


class OneFirst:
    """Connects one request at once, and whatever else asks for a connection half a second later."""

    def __init__(self) -> None:
        self._first = True

    async def __call__(self, origin: Origin, address: str | None, protocol: Callable[[], P]) -> P:
        first, self._first = self._first, False
        if not first:
            await asyncio.sleep(BEHIND_S)
        return await tcp(origin, address, protocol)


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "torn"])
async def test_what_waits_for_a_connection_when_the_ban_comes_is_not_sent(
    rig: Rig,
    whole: bool,  # noqa: FBT001 - a case of the table
) -> None:
    rig.script.answers = {"": [rig.flavour.ban if whole else torn(rig.flavour.ban)]}
    catalog = Catalog(clock=SystemClock(), shelf_dir=None, connect=OneFirst())
    given = {"apiKey": API_KEY, "secret": SECRET, "password": PASSPHRASE}
    venue = catalog.build(account(rig.flavour, rig.script.url), given)
    try:
        first = await venue.look(deadline_s=REFUSED_AT_ONCE_S)
        again = await venue.look(deadline_s=REFUSED_AT_ONCE_S)
        with pytest.raises(VenueRejected, match="silence") as refused:
            await venue.place(rig.request(), deadline_s=REFUSED_AT_ONCE_S)
    finally:
        await venue.close()
    assert len(rig.script.asked) == 1, [asked.path for asked in rig.script.asked]
    assert len(first.unread) > 1
    assert refused.value.fault is Fault.RATE_LIMIT
    assert refused.value.retry_after_s is not None
    assert refused.value.retry_after_s > 50
    # One was told by the venue, the others by us; all say how long.
    assert all("silence for" in one.reason or "nothing is sent for" in one.reason for one in first.unread)
    assert all("silence for" in one.reason for one in again.unread)

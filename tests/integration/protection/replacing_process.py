"""A process that moves the stop of one position up and down without end; it lives to be killed.

Arguments: venue, base URL, API key, secret. It says "ready" once the first stop stands.
"""

import asyncio
import itertools
import sys
from decimal import Decimal

from bastion.clock import SystemClock
from bastion.domain.account import Account
from bastion.domain.money import Price
from bastion.domain.protective import Protection, ProtectiveRequest, replaced_by
from bastion.ports import Protecting
from bastion.venues.catalog import Catalog, default_key_space

CALL_S = 10.0
PRICES = ("900", "910", "920", "905")


async def main() -> None:
    venue_id, base_url, api_key, secret = sys.argv[1:]
    account = Account(
        name="main",
        venue=venue_id,
        key_space=default_key_space(venue_id),
        credential="main",
        base_url=base_url,
    )
    venue = Catalog(clock=SystemClock(), shelf_dir=None).build(account, {"apiKey": api_key, "secret": secret})
    assert isinstance(venue, Protecting)
    await venue.open(deadline_s=CALL_S)
    (position,) = (await venue.look(deadline_s=CALL_S)).positions
    run = str(venue.__hash__())
    for number, price in zip(itertools.count(), itertools.cycle(PRICES), strict=False):
        request = ProtectiveRequest(
            client_order_id=f"bsp{run[-10:]}{number}",
            position=position,
            kind=Protection.STOP_LOSS,
            trigger_price=Price(Decimal(price)),
        )
        standing = await venue.protections(position, deadline_s=CALL_S)
        await venue.protect(request, replaces=replaced_by(request, standing), deadline_s=CALL_S)
        if number == 0:
            sys.stdout.write("ready\n")
            sys.stdout.flush()


asyncio.run(main())

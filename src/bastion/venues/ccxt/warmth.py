"""Warmth: connections that are open before they are needed, so that no order waits for one to come about."""

import asyncio
from typing import ClassVar

from bastion.domain.look import Look
from bastion.errors import VenueUnreachable
from bastion.venues.ccxt.wire import Wire
from bastion.venues.lost import in_words

BESIDE = 2
"""So many requests leave with the closes of an account: the reading behind them."""


class Warmth:
    """What an adapter offers as `ports.Warming`, over its wire."""

    ORDERS_A_REQUEST: ClassVar[int] = 1
    """How many orders the venue takes in one request."""
    _wire: Wire

    async def warm(self, look: Look, *, most: int, lasting_s: float, deadline_s: float) -> None:
        """As `ports.Warming`: one connection for each request of the first wave, and some beside them."""
        closes = sum(position.closable for position in look.positions)
        cancels = sum(order.closable and not order.reduce_only for order in look.orders)
        if not closes + cancels:
            return
        requests = -(-closes // self.ORDERS_A_REQUEST) - (-cancels // self.ORDERS_A_REQUEST) + BESIDE
        try:
            async with asyncio.timeout(deadline_s):
                await self._wire.warm(min(requests, most), lasting_s=lasting_s)
        except OSError as error:
            # A TimeoutError is one, too.
            raise VenueUnreachable(in_words(error, "warming up")) from None

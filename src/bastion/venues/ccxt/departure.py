"""Departure: who hears when an order that may have waited here for the venue's limits is about to leave."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial

from bastion.venues.ccxt.wire import when_leaving


class Departures:
    """What an adapter offers as `ports.Queueing`, where nothing else counts what waits."""

    _heard_left: Callable[[str], None] | None = None

    def hear_left(self, heard: Callable[[str], None]) -> None:
        """Tell `heard` of each order whose first byte is about to be written, from now on."""
        self._heard_left = heard

    def _departing(self, client_order_ids: Iterable[str]) -> AbstractContextManager[None]:
        """Tell of these orders in the moment in which a request of this block leaves."""
        return when_leaving(partial(self._left, tuple(client_order_ids)))

    def _left(self, client_order_ids: Iterable[str]) -> None:
        if self._heard_left is not None:
            for cid in client_order_ids:
                self._heard_left(cid)

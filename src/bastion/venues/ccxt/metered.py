"""Metered: what the adapters share whose reads all draw on one limit of the network address."""

from typing import ClassVar, Protocol

from bastion.domain.look import ReadsLeft
from bastion.venues.ccxt.venue import CcxtVenue
from bastion.venues.throttle import Throttle


class Thrifty(Protocol):
    """What decides whether a look reads the lists of orders."""

    def pressed(self, *, halting: bool) -> None:
        """Hear that the next look is for a halt, or for the proof of an exit."""
        ...


class MeteredVenue(CcxtVenue):
    """`ports.Metered` and `ports.Sparing` over the bucket of reads; quotes leave `KEPT` of it to exits."""

    METER: ClassVar[str]
    KEPT: ClassVar[int]
    _throttle: Throttle
    _thrift: Thrifty

    def reads_left(self) -> ReadsLeft:
        """Return what is left of the address's weight of the minute."""
        weight = self._throttle[self.METER]
        return ReadsLeft(
            free=weight.free(),
            capacity=weight.capacity,
            kept=self.KEPT,
            what="request weight",
            window_s=60,
        )

    def need_orders(self, *, halting: bool) -> None:
        """Let the next look have the lists of orders, out of what is kept for stopping acts."""
        self._thrift.pressed(halting=halting)

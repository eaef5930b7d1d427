"""Call: what an endpoint gets to work with."""

from collections.abc import Callable
from dataclasses import dataclass

from bastion.paper.exchange.venue import Exchange
from bastion.paper.wire.hyperliquid.directory import Directory
from bastion.paper.wire.hyperliquid.fields import Fields
from bastion.paper.wire.hyperliquid.limits import Requests
from bastion.paper.wire.hyperliquid.memory import Memory
from bastion.paper.wire.protocol import Conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `account` is whom an action acts on, empty for reads.

    With `open_orders` orders open, what only reduces or waits for a trigger is refused.
    """

    exchange: Exchange
    directory: Directory
    requests: Requests
    memory: Memory
    fields: Fields
    now_ms: int
    conditions: Conditions
    open_orders: int
    account: str = ""

    @property
    def at_ms(self) -> int | None:
        """As of when positions and orders are read: None is now, else a fault's moment in the past."""
        lag_ms = self.conditions.read_lag_ms
        return self.now_ms - lag_ms if lag_ms else None

    def user(self) -> str | None:
        """Return the account at the address `user`; None reads as an empty account, as at the venue."""
        return self.directory.account_at(self.fields.address("user"))

    @property
    def dex(self) -> str:
        """The dex that a read asks for; none given is the validators' own."""
        return self.fields.text("dex", "")


Read = Callable[[Call], object]

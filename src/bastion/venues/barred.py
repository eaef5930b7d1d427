"""Barred venue: stands in for an account that cannot be used, so that the other accounts are still exited."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bastion.domain.account import Access, Account
from bastion.domain.balance import Balance
from bastion.domain.instrument import Instrument
from bastion.domain.look import Look, Unread
from bastion.domain.order import CancelAnswer, Fill, OpenOrder, OrderRequest, OrderState
from bastion.domain.position import Position
from bastion.errors import VenueUnreachable
from bastion.ports import Clock


class BarredVenue:
    """Implements the Venue port for an account whose credential cannot be had; `why` says what to do.

    Nothing ever leaves for the venue: every look is unread, and every call is refused.
    """

    def __init__(self, *, account: Account, why: str, clock: Clock) -> None:
        self._account = account
        self._why = why
        self._clock = clock

    @property
    def account(self) -> Account:
        """The account behind this adapter."""
        return self._account

    @property
    def link(self) -> str:
        """Nothing is known of the account's place."""
        return ""

    def _refusal(self) -> VenueUnreachable:
        return VenueUnreachable(self._why, code="VAULT")

    async def open(self, *, deadline_s: float) -> None:  # noqa: ARG002 - the port's signature
        """Raise at once: there is nothing to open."""
        raise self._refusal()

    async def look(self, *, deadline_s: float) -> Look:  # noqa: ARG002 - the port's signature
        """Return a look in which nothing was read."""
        now_ns = self._clock.monotonic_ns()
        unread = Unread(part="account", reason=self._why, terminal=True)
        return Look(begun_ns=now_ns, ended_ns=now_ns, positions=(), orders=(), parts=(), unread=(unread,))

    async def instruments(
        self,
        *,
        deadline_s: float,  # noqa: ARG002 - the port's signature
    ) -> Mapping[tuple[str, str], Instrument]:
        """Raise at once."""
        raise self._refusal()

    async def place(self, request: OrderRequest, *, deadline_s: float) -> OrderState:  # noqa: ARG002 - as above
        """Raise at once: nothing was sent."""
        raise self._refusal()

    async def order(self, request: OrderRequest, *, deadline_s: float) -> OrderState | None:  # noqa: ARG002 - as above
        """Raise at once."""
        raise self._refusal()

    async def cancel(
        self,
        orders: Sequence[OpenOrder],
        *,
        deadline_s: float,  # noqa: ARG002 - the port's signature
    ) -> tuple[CancelAnswer, ...]:
        """Answer that nothing was cancelled."""
        told = self._why
        return tuple(CancelAnswer(order=order, gone=False, message=told, answered=False) for order in orders)

    async def sweep(self, look: Look, *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Answer that nothing was cancelled."""
        return await self.cancel(look.orders, deadline_s=deadline_s)

    async def fills(
        self,
        positions: Sequence[Position],  # noqa: ARG002 - the port's signature
        *,
        since_ms: int,  # noqa: ARG002 - the port's signature
        deadline_s: float,  # noqa: ARG002 - the port's signature
    ) -> tuple[Fill, ...]:
        """Raise at once."""
        raise self._refusal()

    async def second_source(self, position: Position, *, deadline_s: float) -> Decimal:  # noqa: ARG002 - as above
        """Raise at once."""
        raise self._refusal()

    async def access(self, *, deadline_s: float) -> Access:  # noqa: ARG002 - the port's signature
        """Raise at once."""
        raise self._refusal()

    async def balance(self, *, deadline_s: float) -> Balance:  # noqa: ARG002 - as above
        """Raise at once."""
        raise self._refusal()

    async def close(self) -> None:
        """Nothing is open."""

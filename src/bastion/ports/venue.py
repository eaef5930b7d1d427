"""Venue: one account at one venue, and what some adapters offer beside it."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol, runtime_checkable

from bastion.domain.account import Access, Account
from bastion.domain.asked import AskedCall
from bastion.domain.balance import Balance
from bastion.domain.book import Quote
from bastion.domain.instrument import Instrument
from bastion.domain.look import Look, ReadsLeft
from bastion.domain.money import Usd
from bastion.domain.order import CancelAnswer, Fill, OpenOrder, OrderRequest, OrderState
from bastion.domain.position import Position
from bastion.domain.protective import Protected, ProtectiveOrder, ProtectiveRequest
from bastion.domain.refund import RefundAftermath, RefundFacts
from bastion.domain.stream import Heard


class Venue(Protocol):
    """One account at one venue: read it, reduce it, cancel in it. Nothing here can open or grow exposure.

    Every method ends within `deadline_s` seconds, however the venue behaves, and paces itself by the venue's
    published limits. Methods may be called concurrently.
    """

    @property
    def account(self) -> Account:
        """The account behind this adapter."""
        ...

    @property
    def link(self) -> str:
        """Where a person closes positions by hand at this venue: a URL without secrets, or empty."""
        ...

    async def open(self, *, deadline_s: float) -> None:
        """Warm up: connection, clock offset, instruments. Optional before any other call, and safe to repeat.

        Raises:
            VenueError: the venue did not answer; every other method can still be called.
        """
        ...

    async def look(self, *, deadline_s: float) -> Look:
        """Read every position and order of the account's key space; never raises for the venue's sake.

        What did not come, came malformed or was refused stands in `Look.unread`.
        """
        ...

    async def instruments(self, *, deadline_s: float) -> Mapping[tuple[str, str], Instrument]:
        """Return the contracts by (category, id), from memory or disk where they are known.

        Raises:
            VenueError: they are not known and the venue did not give them. An exit goes on without them.
        """
        ...

    async def place(self, request: OrderRequest, *, deadline_s: float) -> OrderState:
        """Send one reducing order once, and return the venue's answer.

        Raises:
            VenueRejected: the venue refused; nothing was executed.
            VenueUnreachable: the request certainly did not leave; nothing was executed.
            OutcomeUnknown: it may have been executed; ask `order` or look again.
        """
        ...

    async def order(self, request: OrderRequest, *, deadline_s: float) -> OrderState | None:
        """Return what the venue knows of an order of ours, or None where it says that it knows none.

        Raises:
            VenueError: the venue did not say.
        """
        ...

    async def cancel(self, orders: Sequence[OpenOrder], *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Cancel exactly these orders, one answer each, in their order; never raises for the venue's sake."""
        ...

    async def sweep(self, look: Look, *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Cancel every order of the account that `look` shows, of every kind, by the venue's bulk means.

        One answer for each order of the look; never raises for the venue's sake.
        """
        ...

    async def fills(
        self, positions: Sequence[Position], *, since_ms: int, deadline_s: float
    ) -> tuple[Fill, ...]:
        """Return all executions since `since_ms` (venue time) in these positions' instruments, oldest first.

        Raises:
            VenueError: they could not all be read.
        """
        ...

    async def second_source(self, position: Position, *, deadline_s: float) -> Decimal:
        """Return the size of the position by another source of the venue than `look` uses (zero: none).

        Where positions of a contract are netted and it is held the other way round, that size is negative.

        Raises:
            VenueError: the venue did not say.
        """
        ...

    async def access(self, *, deadline_s: float) -> Access:
        """Return what the venue says that the credential may do.

        Raises:
            VenueError: the venue did not say.
        """
        ...

    async def close(self) -> None:
        """Release the connections; the adapter is not used afterwards."""
        ...


@runtime_checkable
class Refunding(Protocol):
    """What a venue adapter offers beside `Venue` where the venue gives a position's original margin back.

    The refund itself is `Venue.place` with `OrderKind.REFUND`. It carries a key that depends on the wallet
    and the position alone, so that a repetition by any process is answered with the first answer.
    """

    def patience_s(self, look: Look) -> float:
        """Return the seconds that the venue's limit of trading requests adds to an exit of this look."""
        ...

    def refund_key(self, position_id: str) -> str:
        """Return the key under which the venue remembers the refund of that position."""
        ...

    async def refund_facts(self, position_id: str, *, deadline_s: float) -> RefundFacts | None:
        """Return what speaks for and against a refund now; None when no open position has that id.

        Raises:
            VenueError: the venue did not say.
        """
        ...

    async def refund_aftermath(self, position: Position, *, deadline_s: float) -> RefundAftermath:
        """Return what account, position lists and market show after the refund of `position`.

        Raises:
            VenueError: the venue did not say.
        """
        ...


@runtime_checkable
class Accounting(Protocol):
    """What a venue adapter offers beside `Venue` where it can tell what the account is worth.

    The figures are the venue's own, in US dollars; US stablecoins count 1:1. An adapter that cannot tell one
    of them says so in `Balance.notes`, and never puts zero in its place.
    """

    async def balance(self, *, deadline_s: float) -> Balance:
        """Return what the account is worth now.

        Raises:
            VenueError: the venue did not say.
        """
        ...


@runtime_checkable
class Metered(Protocol):
    """What a venue adapter offers beside `Venue` where all reads of an address share one limit."""

    def reads_left(self) -> ReadsLeft:
        """Return how much of that limit is left now, by our count and the venue's."""
        ...


@runtime_checkable
class Attesting(Protocol):
    """What an adapter offers beside `Venue` where it can tell which requests it sent, and what came back."""

    def asked(self) -> tuple[AskedCall, ...]:
        """Return the requests since the last call of this, in the order in which they ended.

        It is kept for who goes on calling: after two minutes without a call, nothing is kept any more.
        """
        ...


@runtime_checkable
class Sparing(Protocol):
    """What an adapter offers that leaves lists of orders out of a look while its reads are short."""

    def need_orders(self, *, halting: bool) -> None:
        """Let the next look have them, out of what is kept for stopping acts, to the last for a halt."""
        ...


@runtime_checkable
class Leaving(Protocol):
    """What an adapter offers that keeps short reads for closing what its looks show."""

    def leave_open(self) -> None:
        """Let the next look, and what is asked behind it, keep none: what was shown last is to stay open."""
        ...


@runtime_checkable
class Deferring(Protocol):
    """What an adapter offers whose lists of orders can wait for an order's fate while its reads are short."""

    def defer_orders(self) -> None:
        """Let the next look wait with them: while that fate is unknown, no look proves anything."""
        ...


@runtime_checkable
class Gathering(Protocol):
    """What an adapter offers whose second sources and executions are read off one page."""

    @property
    def gathers(self) -> bool:
        """Whether both, asked for at one moment, cost one request: then neither is asked for alone."""
        ...


@runtime_checkable
class Patient(Protocol):
    """What an adapter offers whose published limits can make an exit take longer than its deadline."""

    def patience_s(self, look: Look) -> float:
        """Return the seconds that the venue's limits add to an exit of this look, as far as is known now."""
        ...


@runtime_checkable
class Picturing(Protocol):
    """What an adapter offers where a whole look can weigh much more than what an exit's first orders need."""

    @property
    def pictures_cheaply(self) -> bool:
        """Whether `picture` weighs much less than `Venue.look` now: where few accounts share, it is one."""
        ...

    async def picture(self, *, deadline_s: float) -> Look:
        """Read what an exit's first orders can go by: the positions, and the orders of their contracts.

        What it leaves out stands in `Look.unread`; it never raises for the venue's sake.
        """
        ...


@runtime_checkable
class Glancing(Protocol):
    """What an adapter offers beside `Venue` where the positions can be read without the lists of orders."""

    async def glance(self, *, deadline_s: float) -> Look:
        """Read the positions as `look` does, and say of the orders in `Look.unread` that they were not asked.

        Such a look is never `complete`, and so proves nothing; it never raises for the venue's sake.
        """
        ...


@runtime_checkable
class Sizing(Protocol):
    """What an adapter offers whose executions cost a request a contract, and all sizes one page."""

    def sizes_first(self, positions: Sequence[Position]) -> bool:
        """Whether `second_source` of all of these, asked at one moment, costs far less than their `fills`."""
        ...


@runtime_checkable
class Rereading(Protocol):
    """What an adapter offers that spares a list in looks of who only watches.

    Such a list showed nothing a moment ago and is taken as still showing nothing, or stands in `Look.unread`.
    """

    def read_anew(self) -> None:
        """Let the next look be one for an act: it may be one of the two that prove flat."""
        ...


@runtime_checkable
class Naming(Protocol):
    """What an adapter offers where another page than those of `Venue.look` names contracts that are held."""

    async def named(self, *, deadline_s: float) -> tuple[Position, ...]:
        """Return what that page names, as `Venue.second_source` can be asked for it.

        It may name what was closed meanwhile, and where it does not know side or size, these say nothing.

        Raises:
            VenueError: the venue did not say.
        """
        ...


@runtime_checkable
class Quoting(Protocol):
    """What a venue adapter offers beside `Venue` where the order book can be read."""

    async def quote(self, position: Position, *, deadline_s: float) -> Quote:
        """Return the order book of the position's contract, as deep as is cheap, and the account's taker fee.

        Only reads. It gives way to an exit: where the venue's limits are nearly used, it sends nothing and
        raises RATE_LIMIT.

        Raises:
            VenueError: the venue did not say.
        """
        ...


@runtime_checkable
class Funded(Protocol):
    """What an adapter offers where a position's row does not tell its funding."""

    async def funding(self, position: Position, *, deadline_s: float) -> Usd | None:
        """Return what was received (negative: paid) since it was opened; None where that is not told."""
        ...


@runtime_checkable
class Protecting(Protocol):
    """What a venue adapter offers beside `Venue` where it has trigger orders that can only reduce.

    Whatever is sent carries the venue's reduce-only flag, its whole-position form, or the hedge-mode side
    that implies it; the trigger watches the mark price and closes at market. Nothing is sent twice blindly:
    an unknown outcome is resolved by our client id, or by reading what stands, before a second sending. What
    the venue took without being able only to reduce is taken back. A request that names no quantity stays
    for the whole position, also when that grows.
    """

    async def protections(self, position: Position, *, deadline_s: float) -> tuple[ProtectiveOrder, ...]:
        """Return the protective orders of that position which stand at the venue, whoever placed them.

        Read anew, never from memory. What triggers at a limit price, trails, or could open is none of them.

        Raises:
            VenueError: the venue did not say; then nothing is known of them.
        """
        ...

    async def protect(
        self, request: ProtectiveRequest, *, replaces: Sequence[ProtectiveOrder], deadline_s: float
    ) -> Protected:
        """Place the order, and only once the venue says that it stands, take away what it replaces.

        Whenever this is broken off, after any request, the position has the old protection, the new one or
        both, never none: an adapter whose venue allows one whole-position order only stands a second one of
        the position's size in between. One of `replaces` that cannot be taken away stays in `Protected.left`.

        Raises:
            WrongSide: the venue says that the order would fire at once; nothing was changed.
            VenueRejected: the venue refused; the old ones stand.
            VenueUnreachable: the request did not leave; the old ones stand.
            OutcomeUnknown: it may stand, and the venue did not say in time; the old ones stand.
        """
        ...


class AccountStream(Protocol):
    """One account's private stream. It rings where something changed; only looks say what is true."""

    async def listen(self, hear: Callable[[Heard], None]) -> None:
        """Open the stream and tell what is heard until it ends; each step of it has a deadline.

        Raises:
            VenueError: it was refused, broke off, fell silent, or the venue ended it.
        """
        ...


@runtime_checkable
class Hastening(Protocol):
    """What an adapter offers that knows how to be quick where positions are to be closed."""

    @property
    def repeats_safely(self) -> bool:
        """Whether a close that arrives twice can do no harm: the venue itself lets it only reduce."""
        ...

    def hasten(self) -> None:
        """Let the next look end soon after a position was shown; what has not come by then is unread."""
        ...

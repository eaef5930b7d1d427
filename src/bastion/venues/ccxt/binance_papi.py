"""Binance Portfolio Margin: one account of USD-M and COIN-M contracts behind `ports.Venue`.

Each side is the adapter of its contracts, asked at `papi`; this joins the two. What cross margin holds or
owes is told in the look's notes, and not touched. Sources, below developers.binance.com/docs/derivatives/
portfolio-margin: general-info (LIMITS: an address has a weight of 6000 a minute, told in the header
X-MBX-USED-WEIGHT-1M, and an account 1200 orders a minute). Protective orders are not placed here.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bastion.domain.account import Access, Account
from bastion.domain.asked import AskedCall
from bastion.domain.balance import Balance
from bastion.domain.book import Quote
from bastion.domain.instrument import Instrument
from bastion.domain.look import Look, ReadsLeft
from bastion.domain.money import ZERO, Usd
from bastion.domain.order import CancelAnswer, Fill, OpenOrder, OrderRequest, OrderState
from bastion.domain.position import Position
from bastion.errors import Fault, VenueError, VenueRejected
from bastion.http1.dial import Connect, tcp
from bastion.ports import Clock
from bastion.venues.ccxt.binance import MINUTE_S, BinanceVenue
from bastion.venues.ccxt.binance_coinm import KEY_SPACE as COIN
from bastion.venues.ccxt.binance_papi_sides import MARGIN_PART, PapiInverse, PapiLinear
from bastion.venues.ccxt.binance_worth import Holding, unpriced
from bastion.venues.ccxt.shelf import Shelf
from bastion.venues.ccxt.wire import APART_LIMIT, VenueKey
from bastion.venues.deadline import Deadline, settled, together
from bastion.venues.raw import Answer, Row
from bastion.venues.throttle import Limit, Throttle

EXCHANGE = "binanceusdm"
KEY_SPACE = "papi"
ADDRESS_LIMITS = (
    Limit(name="weight", capacity=6000, window_s=MINUTE_S),
    Limit(name=APART_LIMIT, capacity=1200, window_s=MINUTE_S),
)
_Send = Callable[[BinanceVenue, tuple[OpenOrder, ...]], Awaitable[tuple[CancelAnswer, ...]]]


class BinancePortfolioVenue:
    """One Portfolio Margin account: both sides are read, closed and swept beside each other."""

    places_singly = True

    def __init__(
        self,
        *,
        account: Account,
        key: VenueKey,
        clock: Clock,
        exchange: Any,  # noqa: ANN401 - ccxt ships no types
        shelf: Shelf,
        address: Throttle,
        connect: Connect = tcp,
    ) -> None:
        self._account = account
        self._clock = clock
        self._linear = PapiLinear(
            account=account,
            key=key,
            clock=clock,
            exchange=exchange,
            shelf=shelf.beside("um"),
            address=address,
            connect=connect,
        )
        self._inverse = PapiInverse(
            account=account,
            key=key,
            clock=clock,
            exchange=exchange,
            shelf=shelf.beside("cm"),
            address=address,
            connect=connect,
        )
        self._sides: tuple[BinanceVenue, ...] = (self._linear, self._inverse)

    @property
    def account(self) -> Account:
        """The account behind this adapter."""
        return self._account

    @property
    def link(self) -> str:
        """The page of the account's futures positions; empty for a host that is not Binance's."""
        return self._linear.link

    async def open(self, *, deadline_s: float) -> None:
        """Warm up both sides; raises the first side's VenueError where one does not answer."""
        await together([side.open(deadline_s=deadline_s) for side in self._sides])

    async def look(self, *, deadline_s: float) -> Look:
        """Read both sides at once; what did not come of either stands in `unread`."""
        # The lists of one side alone prove nothing: where weight is short, both sides' turns are the same.
        read = max(side.lists_read for side in self._sides)
        for side in self._sides:
            side.lists_read = read
        looks = await together([side.look(deadline_s=deadline_s) for side in self._sides])
        # A side with nothing on it has no change by which its time could be told more closely.
        times = [look.venue_time_ms for look in looks if look.positions or look.unread] or [
            look.venue_time_ms for look in looks
        ]
        known = [time for time in times if time is not None]
        parts = tuple(part for look in looks for part in look.parts)
        # What was not read again is told as it was.
        kept = () if MARGIN_PART in parts else self._linear.margin_notes
        return Look(
            begun_ns=min(look.begun_ns for look in looks),
            ended_ns=max(look.ended_ns for look in looks),
            positions=tuple(position for look in looks for position in look.positions),
            orders=tuple(order for look in looks for order in look.orders),
            parts=parts,
            unread=tuple(part for look in looks for part in look.unread),
            digests=tuple(digest for look in looks for digest in look.digests),
            venue_time_ms=min(known) if len(known) == len(times) else None,
            notes=(*(note for look in looks for note in look.notes), *kept),
        )

    async def instruments(self, *, deadline_s: float) -> Mapping[tuple[str, str], Instrument]:
        """Return the contracts of both sides; raises VenueError where one side's are not to be had."""
        found = await together([side.instruments(deadline_s=deadline_s) for side in self._sides])
        return {key: instrument for side in found for key, instrument in side.items()}

    async def place(self, request: OrderRequest, *, deadline_s: float) -> OrderState:
        """Send one reducing order once, to the side of its position."""
        state = await self._side(request.position.category).place(request, deadline_s=deadline_s)
        if state.filled > ZERO:
            for side in self._sides:
                side.filled()
        return state

    def hear_left(self, heard: Callable[[str], None]) -> None:
        """Tell `heard` of each order whose first byte is about to be written, from now on."""
        for side in self._sides:
            side.hear_left(heard)

    async def order(self, request: OrderRequest, *, deadline_s: float) -> OrderState | None:
        """Return what the position's side says of our client id; None where it knows none."""
        return await self._side(request.position.category).order(request, deadline_s=deadline_s)

    async def cancel(self, orders: Sequence[OpenOrder], *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Cancel exactly these orders, each at its side; one answer each, in their order."""
        return await self._split(orders, lambda side, part: side.cancel(part, deadline_s=deadline_s))

    async def sweep(self, look: Look, *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Cancel all orders of every symbol that the look shows, at both sides at once."""
        return await self._split(
            look.orders,
            lambda side, part: side.sweep(replace(look, orders=part), deadline_s=deadline_s),
        )

    async def fills(
        self, positions: Sequence[Position], *, since_ms: int, deadline_s: float
    ) -> tuple[Fill, ...]:
        """Return the executions of both sides since then, oldest first."""
        groups = [
            (side, [one for one in positions if self._side(one.category) is side]) for side in self._sides
        ]
        found = await together(
            [side.fills(group, since_ms=since_ms, deadline_s=deadline_s) for side, group in groups if group]
        )
        every = [fill for part in found for fill in part]
        return tuple(sorted(every, key=lambda fill: (fill.at_ms, fill.instrument, fill.fill_id)))

    async def second_source(self, position: Position, *, deadline_s: float) -> Decimal:
        """Return the size by the account page of the position's side."""
        return await self._side(position.category).second_source(position, deadline_s=deadline_s)

    async def named(self, *, deadline_s: float) -> tuple[Position, ...]:
        """Return what the account pages of both sides name."""
        found = await together([side.named(deadline_s=deadline_s) for side in self._sides])
        return tuple(position for part in found for position in part)

    def sizes_first(self, positions: Sequence[Position]) -> bool:
        """As either side."""
        return any(
            side.sizes_first([one for one in positions if self._side(one.category) is side])
            for side in self._sides
        )

    async def access(self, *, deadline_s: float) -> Access:
        """Return what the key may do; `enablePortfolioMarginTrading` takes the place of the futures right."""
        deadline = Deadline(self._clock, deadline_s)
        try:
            config = await self._linear.config(deadline)
        except VenueRejected as error:
            if error.fault is not Fault.TERMINAL:
                raise
            return Access(can_read=False, can_trade=False, notes=(str(error),))
        key = (await settled([self._linear.restrictions(deadline)]))[0]
        trade = config.flag("canTrade") if "canTrade" in config else None
        if isinstance(key, VenueError):
            notes = (f"The key's restrictions could not be read ({key}).",)
            return Access(can_read=True, can_trade=trade, notes=notes)
        margin = _told(key, "enablePortfolioMarginTrading")
        return Access(
            can_read=True,
            can_trade=False if margin is False else trade,
            can_withdraw=_told(key, "enableWithdrawals"),
            ip_restricted=_told(key, "ipRestrict"),
        )

    async def balance(self, *, deadline_s: float) -> Balance:
        """Return account equity and available balance, the venue's own sums in USD, and its coins by name."""
        deadline = Deadline(self._clock, deadline_s)
        assets, totals = await self._linear.assets(deadline), await self._linear.totals(deadline)
        return Balance(
            total_usd=Usd(totals.decimal("accountEquity")),
            available_usd=Usd(totals.decimal("totalAvailableBalance")),
            notes=("portfolio margin: the totals are the venue's, in USD",),
            coins=unpriced(_holding(row) for row in assets),
        )

    async def quote(self, position: Position, *, deadline_s: float) -> Quote:
        """Return the book of the position's contract and the account's taker fee."""
        return await self._side(position.category).quote(position, deadline_s=deadline_s)

    def reads_left(self) -> ReadsLeft:
        """Return what is left of the address's weight of the minute."""
        return self._linear.reads_left()

    def need_orders(self, *, halting: bool) -> None:
        """Let the next look have both sides' lists of orders, out of what is kept for stopping acts."""
        for side in self._sides:
            side.need_orders(halting=halting)

    @property
    def repeats_safely(self) -> bool:
        """As both sides."""
        return self._linear.repeats_safely and self._inverse.repeats_safely

    def hasten(self) -> None:
        """Let the next look at either side end soon after a position was shown there."""
        for side in self._sides:
            side.hasten()

    async def warm(self, look: Look, *, most: int, lasting_s: float, deadline_s: float) -> None:
        """As each side for what the look shows of it, with a half of `most`."""
        for side in self._sides:
            own = replace(
                look,
                positions=tuple(one for one in look.positions if self._side(one.category) is side),
                orders=tuple(one for one in look.orders if self._side(one.category) is side),
            )
            await side.warm(own, most=-(-most // 2), lasting_s=lasting_s, deadline_s=deadline_s)

    def asked(self) -> tuple[AskedCall, ...]:
        """Return the requests of both sides since the last call of this."""
        return tuple(call for side in self._sides for call in side.asked())

    def keep_answers(self, keep: Callable[[Answer], None]) -> None:
        """Hand every raw answer of both sides to `keep` as it comes."""
        for side in self._sides:
            side.keep_answers(keep)

    async def close(self) -> None:
        """Release the connections; the adapter is not used afterwards."""
        for side in self._sides:
            await side.close()

    def _side(self, category: str) -> BinanceVenue:
        return self._inverse if category == COIN else self._linear

    async def _split(self, orders: Sequence[OpenOrder], send: _Send) -> tuple[CancelAnswer, ...]:
        groups = [
            (side, tuple(one for one in orders if self._side(one.category) is side)) for side in self._sides
        ]
        told = await together([send(side, group) for side, group in groups if group])
        answers = {answer.order.key: answer for part in told for answer in part}
        return tuple(answers[order.key] for order in orders)


def _holding(row: Row) -> Holding:
    # Wallets, cross margin included, with the open results; what is owed is taken off.
    parts = ("totalWalletBalance", "umUnrealizedPNL", "cmUnrealizedPNL")
    owed = sum(
        (row.decimal_or_none(name) or ZERO for name in ("crossMarginBorrowed", "crossMarginInterest")), ZERO
    )
    total = sum((row.decimal_or_none(name) or ZERO for name in parts), ZERO) - owed
    return Holding(
        coin=row.text("asset"), total=total, available=row.decimal_or_none("crossMarginFree") or ZERO
    )


def _told(row: Row, name: str) -> bool | None:
    return row.flag(name) if name in row else None

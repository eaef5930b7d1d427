"""Hyperliquid market: what an account is worth, and what its contracts' books offer.

Source: Hyperliquid docs, "Perpetuals" (clearinghouseState), "Info endpoint" (l2Book, Query a user's fees).
"""

from decimal import Decimal

from bastion.domain.balance import Balance
from bastion.domain.book import Level, Quote
from bastion.domain.money import ZERO, Price, Quantity, Usd
from bastion.domain.position import Position
from bastion.errors import AnswerMalformed, Fault, VenueError, VenueRejected
from bastion.venues.ccxt import hyperliquid_rows as rows
from bastion.venues.ccxt.hyperliquid_asking import HyperliquidAsking
from bastion.venues.ccxt.hyperliquid_dexes import Dexes
from bastion.venues.ccxt.hyperliquid_identity import Identity
from bastion.venues.ccxt.hyperliquid_pace import READS
from bastion.venues.ccxt.venue import PartRead
from bastion.venues.deadline import Deadline, settled, together, within
from bastion.venues.raw import Row, read_rows
from bastion.venues.throttle import NS

KEPT_FOR_EXITS = 400
SPOT_GAP_S = 10
"""Where weight is not plenty, spot balances are read again no sooner: they are told, and decide nothing."""
SPOT_NOTE = "spot balances are not counted"


class HyperliquidMarket(HyperliquidAsking):
    """The half of the adapter that only tells figures: `ports.Accounting` and `ports.Quoting`."""

    METER, KEPT = READS, KEPT_FOR_EXITS
    _address: str
    _dexes: Dexes
    _identity: Identity
    _taker_fee: Decimal | None = None
    _spot_notes: tuple[str, ...] = ()
    _spot_ns: int = -SPOT_GAP_S * NS

    async def _spot(self, deadline: Deadline) -> PartRead:
        asked = {"type": "spotClearinghouseState", "user": self._address}
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._spot_ns < SPOT_GAP_S * NS and not self._thrift.is_plenty:
            return PartRead(notes=self._spot_notes)
        self._spot_ns = now_ns
        try:
            answer = await self._info(asked, deadline)
            balances = Row(answer.value, "spotClearinghouseState").rows("balances")
            held = [(row.text("coin"), row.decimal("total")) for row in balances]
        except VenueError as error:
            # Spot is told, never touched: that it cannot be read says nothing about positions.
            self._spot_notes = (f"spot balances could not be read: {self._wire.masked(str(error))}",)
            return PartRead(notes=self._spot_notes)
        shown = tuple(
            f"spot balance, not touched: {total.normalize():f} {coin}" for coin, total in held if total
        )
        self._spot_notes = shown
        return PartRead(notes=shown, digests=(answer.digest,))

    async def _mid(self, coin: str, deadline: Deadline) -> Price:
        asked = {"type": "allMids", "dex": rows.dex_of(coin)}
        return Price(Row((await self._info(asked, deadline)).value, "allMids").decimal(coin))

    async def balance(self, *, deadline_s: float) -> Balance:
        """Return the account values of all dexes together, and what the first dex lets go.

        An empty account at an address that is not proven is no balance.
        """
        deadline = Deadline(self._clock, deadline_s)
        await together([self._identity.prove(deadline), self._dexes.refresh(deadline)])
        if self._dexes.error is not None:
            raise self._dexes.error
        states = await together([self._worth(dex, deadline) for dex in self._dexes.names])
        return Balance(
            total_usd=Usd(sum((value for value, _ in states), ZERO)),
            available_usd=Usd(states[0][1]),
            notes=(SPOT_NOTE,),
            # Every dex is margined in a US stablecoin.
            coins=(),
        )

    async def quote(self, position: Position, *, deadline_s: float) -> Quote:
        """Return at most 20 levels a side, and the account's taker fee, which builder dexes may raise."""
        if self._throttle[READS].free() < KEPT_FOR_EXITS:
            raise VenueRejected("not sent: weight is short, and is kept for an exit", fault=Fault.RATE_LIMIT)
        deadline = Deadline(self._clock, deadline_s)
        answer = await self._info({"type": "l2Book", "coin": position.instrument}, deadline)
        sides = Row(answer.value, "l2Book").raw("levels")
        if not isinstance(sides, list) or len(sides) != 2:  # noqa: PLR2004 - bids and asks
            raise AnswerMalformed("l2Book: levels must be bids and asks")
        own = not rows.dex_of(position.instrument)
        fee = (await settled([self._fee(deadline)]))[0] if own else None
        return Quote(
            bids=_levels(sides[0]),
            asks=_levels(sides[1]),
            taker_fee=None if isinstance(fee, VenueError) else fee,
        )

    async def _worth(self, dex: str, deadline: Deadline) -> tuple[Decimal, Decimal]:
        asked = {"type": "clearinghouseState", "user": self._address, "dex": dex}
        state = Row((await self._info(asked, deadline)).value, "clearinghouseState")
        return state.row("marginSummary").decimal("accountValue"), state.decimal("withdrawable")

    async def _fee(self, deadline: Deadline) -> Decimal:
        # One asks, however many positions are quoted at once: each question weighs as much as ten books.
        async with within(deadline), self._shelf.turn(f"fee {self._address}"):
            return self._taker_fee if self._taker_fee is not None else await self._read_fee(deadline)

    async def _read_fee(self, deadline: Deadline) -> Decimal:
        answer = await self._info({"type": "userFees", "user": self._address}, deadline)
        self._taker_fee = fee = Row(answer.value, "userFees").decimal("userCrossRate")
        return fee


def _levels(side: object) -> tuple[Level, ...]:
    return tuple(
        Level(price=Price(row.decimal("px")), quantity=Quantity(row.decimal("sz")))
        for row in read_rows(side, "l2Book")
    )

"""Binance market: what a USD-M account is worth, and what its contracts' books offer.

Sources: developers.binance.com, USD-M futures: Account Information V3, Account Config, Order Book, User
Commission Rate, Mark Price.
"""

from decimal import Decimal

from bastion.domain.balance import Balance
from bastion.domain.book import Quote
from bastion.domain.money import Usd
from bastion.domain.position import Position
from bastion.errors import Fault, VenueError, VenueRejected
from bastion.venues.ccxt.binance_worth import holdings, summed, unpriced
from bastion.venues.ccxt.levels import levels
from bastion.venues.ccxt.metered import MeteredVenue
from bastion.venues.deadline import Deadline, settled, together, within
from bastion.venues.raw import STABLECOINS, Row

DEPTH_LEVELS, DEPTH_WEIGHT = 100, 5
COMMISSION_WEIGHT = 20
KEPT_FOR_EXITS = 1200
"""Weight of the minute's 2400 that quotes leave alone."""


class BinanceMarket(MeteredVenue):
    """The half of the adapter that only tells figures: `ports.Accounting` and `ports.Quoting`."""

    METER, KEPT = "weight", KEPT_FOR_EXITS
    _fees: dict[str, Decimal]

    async def balance(self, *, deadline_s: float) -> Balance:
        """Return margin balance and available balance.

        In single-asset mode the venue's totals speak of USDT alone, so the assets are added up, coins other
        than US stablecoins at their index price; in multi-assets mode the totals are in USD, and are taken.
        """
        deadline = Deadline(self._clock, deadline_s)
        account, config = await together(
            [
                self._call("fapiPrivateV3GetAccount", {}, units={"weight": 5}, deadline=deadline),
                self._call("fapiPrivateGetAccountConfig", {}, units={"weight": 5}, deadline=deadline),
            ]
        )
        totals = Row(account.value, "account")
        held = holdings(totals.rows("assets"))
        if Row(config.value, "accountConfig").flag("multiAssetsMargin"):
            return Balance(
                total_usd=Usd(totals.decimal("totalMarginBalance")),
                available_usd=Usd(totals.decimal("availableBalance")),
                notes=("multi-assets mode: the totals are the venue's, in USD",),
                coins=unpriced(held),
            )
        return summed(held, await together([self._rate(one.coin, deadline) for one in held]))

    async def quote(self, position: Position, *, deadline_s: float) -> Quote:
        """Return 100 levels a side, and the taker fee, which is read once for each margin coin."""
        if self._throttle["weight"].free() < KEPT_FOR_EXITS:
            raise VenueRejected(
                "not sent: half of the minute's weight is used, and the rest is kept for an exit",
                fault=Fault.RATE_LIMIT,
            )
        deadline = Deadline(self._clock, deadline_s)
        params = {"symbol": position.instrument, "limit": DEPTH_LEVELS}
        answer = await self._call(
            "fapiPublicGetDepth", params, units={"weight": DEPTH_WEIGHT}, deadline=deadline
        )
        book = Row(answer.value, "depth")
        fee = (await settled([self._taker_fee(position.instrument, deadline)]))[0]
        return Quote(
            bids=levels(book, "bids"),
            asks=levels(book, "asks"),
            taker_fee=None if isinstance(fee, VenueError) else fee,
        )

    async def _taker_fee(self, symbol: str, deadline: Deadline) -> Decimal:
        # One call weighs as much as four books; the contracts of one margin coin share the account's rate.
        # And one asks, however many positions are quoted at once.
        coin = next((quote for quote in STABLECOINS if symbol.endswith(quote)), symbol)
        async with within(deadline), self._shelf.turn(f"fee {self.account.name} {coin}"):
            if coin not in self._fees:
                answer = await self._call(
                    "fapiPrivateGetCommissionRate",
                    {"symbol": symbol},
                    units={"weight": COMMISSION_WEIGHT},
                    deadline=deadline,
                )
                self._fees[coin] = Row(answer.value, "commissionRate").decimal("takerCommissionRate")
            return self._fees[coin]

    async def _rate(self, coin: str, deadline: Deadline) -> Decimal:
        if coin in STABLECOINS or not coin:
            return Decimal(1)
        answer = await self._call(
            "fapiPublicGetPremiumIndex", {"symbol": f"{coin}USDT"}, units={"weight": 1}, deadline=deadline
        )
        return Row(answer.value, "premiumIndex").decimal("indexPrice")

"""OKX market: what a trading account is worth, and what its contracts' books offer.

Source: www.okx.com/docs-v5/en, Get balance, Get order book, Get fee rates. Sizes in a book are contracts.
"""

from decimal import Decimal

from bastion.domain.balance import Balance
from bastion.domain.book import Quote
from bastion.domain.money import ZERO, Usd
from bastion.domain.position import Position
from bastion.errors import AnswerMalformed, VenueError
from bastion.venues.ccxt import okx_rows as rows
from bastion.venues.ccxt.coins import coins_of
from bastion.venues.ccxt.levels import levels
from bastion.venues.ccxt.okx_reads import data_of
from bastion.venues.ccxt.venue import CcxtVenue
from bastion.venues.deadline import Deadline, settled
from bastion.venues.raw import Row

BOOK_LEVELS = 200
# The fee for taking stands in a field of its own for each kind of margin coin.
FEE_FIELDS = {"USDT": "takerU", "USDC": "takerUSDC"}


class OkxMarket(CcxtVenue):
    """The half of the adapter that only tells figures: `ports.Accounting` and `ports.Quoting`."""

    _fees: dict[tuple[str, str], Decimal]

    async def balance(self, *, deadline_s: float) -> Balance:
        """Return totalEq, which the venue reckons in USD over all coins, and what of it is available.

        Where the account mode has no available equity of the whole account, that of its coins is added up,
        each at the dollar value that the venue gives its equity.
        """
        answer = await self._call(
            "privateGetAccountBalance", {}, units={"balance": 1}, deadline=Deadline(self._clock, deadline_s)
        )
        found = data_of(answer, "balance")
        if len(found) != 1:
            raise AnswerMalformed(f"balance: one account was expected, {len(found)} came")
        available = found[0].decimal_or_none("availEq")
        notes: tuple[str, ...] = ()
        if available is None:
            available = sum((_in_dollars(coin) for coin in found[0].rows("details")), ZERO)
            notes = ("available: added up over the coins, as the account mode keeps them apart",)
        return Balance(
            total_usd=Usd(found[0].decimal("totalEq")),
            available_usd=Usd(available),
            notes=notes,
            coins=coins_of(found[0], "details", name="ccy", quantity="eq", value="eqUsd"),
        )

    async def quote(self, position: Position, *, deadline_s: float) -> Quote:
        """Return 200 levels a side, and the taker fee of the contract's family, which is read once."""
        deadline = Deadline(self._clock, deadline_s)
        params = {"instId": position.instrument, "sz": str(BOOK_LEVELS)}
        answer = await self._call("publicGetMarketBooks", params, units={"books": 1}, deadline=deadline)
        found = data_of(answer, "books")
        if not found:
            raise AnswerMalformed(f"books: {position.instrument} has none")
        fee = (await settled([self._taker_fee(position, deadline)]))[0]
        return Quote(
            bids=levels(found[0], "bids"),
            asks=levels(found[0], "asks"),
            taker_fee=None if isinstance(fee, VenueError) else fee,
        )

    async def _taker_fee(self, position: Position, deadline: Deadline) -> Decimal:
        family = "-".join(position.instrument.split("-")[:2])
        key = (rows.kind_of(position.category), family)
        if key not in self._fees:
            params = {"instType": key[0], "instFamily": family}
            answer = await self._call(
                "privateGetAccountTradeFee", params, units={"trade_fee": 1}, deadline=deadline
            )
            found = data_of(answer, "trade-fee")
            if not found:
                raise AnswerMalformed(f"trade-fee: {family} is not listed")
            # A fee that is paid is negative there.
            self._fees[key] = -found[0].decimal(FEE_FIELDS.get(family.rpartition("-")[2], "taker"))
        return self._fees[key]


def _in_dollars(coin: Row) -> Decimal:
    equity, worth = coin.decimal_or_none("eq"), coin.decimal_or_none("eqUsd")
    available = coin.decimal_or_none("availEq") or coin.decimal_or_none("availBal")
    if equity is None or worth is None or available is None or equity <= ZERO:
        return ZERO
    return available * worth / equity

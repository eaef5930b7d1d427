"""Binance COIN-M futures: the key space of inverse contracts, as a variant of the USD-M adapter.

Sources: developers.binance.com, COIN-M futures: Position Information, Account Information, Current All Open
Orders, New Order, Account Trade List, Exchange Information, Index Price and Mark Price. The endpoints are
those of USD-M below another prefix. Sizes are in contracts of `contractSize` US dollars; margin, fees and
results are in the contract's coin, and are valued at the venue's index price.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.domain.balance import Balance
from bastion.domain.instrument import Instrument
from bastion.domain.money import Usd
from bastion.domain.order import Fill, OpenOrder
from bastion.domain.position import Position
from bastion.domain.protective import ProtectiveOrder
from bastion.domain.symbol import pair
from bastion.errors import AnswerMalformed
from bastion.venues.ccxt import binance_rows as rows
from bastion.venues.ccxt.binance import BinanceVenue
from bastion.venues.ccxt.binance_worth import holdings, summed
from bastion.venues.ccxt.shelf import Instruments, by_key
from bastion.venues.ccxt.venue import PartRead
from bastion.venues.deadline import Deadline, together
from bastion.venues.encoders.signed import Parameters
from bastion.venues.raw import STABLECOINS, Answer, Row, believed, read_rows

EXCHANGE = "binancecoinm"
KEY_SPACE = "coinm"

# Where COIN-M has another version or another page than USD-M; all else differs by the prefix alone.
_ELSEWHERE = {
    "fapiPrivateV3GetPositionRisk": "dapiPrivateGetPositionRisk",
    "fapiPrivateV3GetAccount": "dapiPrivateGetAccount",
    "fapiPrivateV2GetAccount": "dapiPrivateGetAccount",
    "fapiPrivateGetAccountConfig": "dapiPrivateGetAccount",
}


class BinanceCoinVenue(BinanceVenue):
    """One COIN-M account. What is not overridden here is USD-M's, asked below the other prefix."""

    # Whether its conditional orders can be listed by symbol, no page of COIN-M says.
    CROWDS = False
    ALGOS = False

    @property
    def link(self) -> str:
        """The page of the account's futures positions; empty for a host that is not Binance's."""
        return "" if self._account.elsewhere else "https://www.binance.com/en/my/wallet/futures/balances"

    async def balance(self, *, deadline_s: float) -> Balance:
        """Return margin balance and available balance, each coin at its index price."""
        deadline = Deadline(self._clock, deadline_s)
        answer = await self._call("fapiPrivateV3GetAccount", {}, units={"weight": 5}, deadline=deadline)
        held = holdings(Row(answer.value, "account").rows("assets"))
        return summed(held, await together([self._rate(one.coin, deadline) for one in held]))

    async def fills(
        self, positions: Sequence[Position], *, since_ms: int, deadline_s: float
    ) -> tuple[Fill, ...]:
        """Return the executions; results and fees in coins are valued at the index price of now."""
        found = await super().fills(positions, since_ms=since_ms, deadline_s=deadline_s)
        return tuple(replace(fill, category=KEY_SPACE, symbol=pair(fill.instrument)) for fill in found)

    async def protections(self, position: Position, *, deadline_s: float) -> tuple[ProtectiveOrder, ...]:
        """Return the position's conditional orders that can only reduce it."""
        found = await super().protections(position, deadline_s=deadline_s)
        return tuple(replace(each, order=_here(each.order)) for each in found)

    async def _call(
        self,
        method: str,
        params: Parameters,
        *,
        units: Mapping[str, int],
        deadline: Deadline,
        mutating: bool = False,
        repeatable: bool = False,
    ) -> Answer:
        name = _ELSEWHERE.get(method) or method.replace("fapi", "dapi", 1)
        return await super()._call(
            name, params, units=units, deadline=deadline, mutating=mutating, repeatable=repeatable
        )

    async def _positions(self, deadline: Deadline) -> PartRead:
        answer = await self._call("fapiPrivateV3GetPositionRisk", {}, units={"weight": 5}, deadline=deadline)
        listed = read_rows(answer.value, "positionRisk")
        found, doubt = believed(listed, self._held)
        if not doubt:
            self._thrift.saw(found)
        changes = [int(row.decimal_or_none("updateTime") or 0) for row in listed]
        changed_ms = max(changes, default=None)
        return PartRead(positions=found, digests=(answer.digest,), changed_ms=changed_ms, doubt=doubt)

    def _held(self, row: Row) -> Position | None:
        position = rows.position(row)
        if position is None:
            return None
        known = (self._instruments or {}).get((KEY_SPACE, position.instrument))
        result, mark = row.decimal_or_none("unRealizedProfit"), position.mark_price
        return replace(
            position,
            category=KEY_SPACE,
            symbol=pair(position.instrument),
            # An inverse contract stands for a sum of US dollars, whatever the price.
            notional_usd=None if known is None else Usd(position.quantity * known.contract_size),
            margin_usd=None,
            unrealized_pnl_usd=None if result is None or mark is None else Usd(result * mark),
        )

    async def _orders(self, deadline: Deadline) -> PartRead:
        return _all_here(await super()._orders(deadline))

    async def _conditional_orders(self, deadline: Deadline) -> PartRead:
        return _all_here(await super()._conditional_orders(deadline))

    async def _rate(self, coin: str, deadline: Deadline) -> Decimal:
        if coin in STABLECOINS or not coin:
            return Decimal(1)
        answer = await self._call(
            "fapiPublicGetPremiumIndex", {"symbol": f"{coin}USD_PERP"}, units={"weight": 1}, deadline=deadline
        )
        listed = read_rows(answer.value, "premiumIndex")
        if not listed:
            raise AnswerMalformed(f"premiumIndex: no index price of {coin[:12]}")
        return listed[0].decimal("indexPrice")

    async def _read_instruments(self, deadline: Deadline) -> Instruments:
        answer = await self._call("fapiPublicGetExchangeInfo", {}, units={"weight": 1}, deadline=deadline)
        found = []
        for row in Row(answer.value, "exchangeInfo").rows("symbols"):
            try:
                found.append(_instrument(row))
            except AnswerMalformed:
                continue  # One odd contract must not hide the limits of all others.
        return by_key(found)


def _instrument(row: Row) -> Instrument:
    return replace(
        rows.instrument(row),
        category=KEY_SPACE,
        symbol=pair(row.text("symbol")),
        inverse=True,
        contract_size=row.decimal("contractSize"),
    )


def _here(order: OpenOrder) -> OpenOrder:
    return replace(order, category=KEY_SPACE)


def _all_here(part: PartRead) -> PartRead:
    return replace(part, orders=tuple(_here(order) for order in part.orders))

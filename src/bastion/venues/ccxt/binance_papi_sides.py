"""Binance Portfolio Margin, its two sides: USD-M and COIN-M contracts behind `papi`.

Sources, below https://developers.binance.com/docs/derivatives/portfolio-margin/: of account/ the pages
Query-UM-Position-Information (weight 5), Query-CM-Position-Information (1), Get-UM-Account-Detail,
Get-CM-Account-Detail (5), and the page of account/ itself, Account Balance (20); of trade/ the page of trade/
itself, New UM Order, and Query-All-Current-UM-Open-Orders (40 without a symbol),
Query-All-Current-UM-Open-Algo-Orders (40), Cancel-UM-Algo-Order, Cancel-All-UM-Open-Algo-Orders,
Query-All-Current-CM-Open-Conditional-Orders (40), Cancel-UM-Order. USD-M's conditional orders moved to the
algo service: since 2026-04-28 `um/conditional` answers 404 (https://developers.binance.com/legacy-docs/zh-CN/
derivatives/portfolio-margin/trade/Query-Current-UM-Open-Conditional-Order). COIN-M's are still
`cm/conditional`. Market data has no page there: contracts, books and the clock are those of `fapi` and
`dapi`, whose limits are counted apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from bastion.domain.money import ZERO, Quantity
from bastion.domain.order import CancelAnswer, Direction, OpenOrder
from bastion.domain.position import Side
from bastion.errors import VenueError, VenueRejected
from bastion.venues.ccxt import binance_rows as rows
from bastion.venues.ccxt.binance import BinanceVenue
from bastion.venues.ccxt.binance_cancels import NEVER_EXISTED_OR_ENDED
from bastion.venues.ccxt.binance_coinm import KEY_SPACE as COIN
from bastion.venues.ccxt.binance_coinm import BinanceCoinVenue
from bastion.venues.ccxt.faults import cancel_failed
from bastion.venues.ccxt.venue import Part, PartRead
from bastion.venues.ccxt.wire import APART_LIMIT
from bastion.venues.ccxt.witness import Claim
from bastion.venues.deadline import NS, Deadline
from bastion.venues.encoders.signed import Parameters
from bastion.venues.raw import Answer, Row, plain, read_rows

UM: Mapping[str, str] = {
    "fapiPrivatePostOrder": "papiPostUmOrder",
    "fapiPrivateGetOrder": "papiGetUmOrder",
    "fapiPrivateDeleteOrder": "papiDeleteUmOrder",
    "fapiPrivateDeleteAllOpenOrders": "papiDeleteUmAllOpenOrders",
    "fapiPrivateGetOpenOrders": "papiGetUmOpenOrders",
    "fapiPrivateGetOpenAlgoOrders": "papiGetUmAlgoOpenAlgoOrders",
    "fapiPrivateDeleteAlgoOrder": "papiDeleteUmAlgoOrder",
    "fapiPrivateDeleteAlgoOpenOrders": "papiDeleteUmAlgoAllOpenOrders",
    "fapiPrivateGetAllAlgoOrders": "papiGetUmAlgoAllAlgoOrders",
    "fapiPrivateGetUserTrades": "papiGetUmUserTrades",
    "fapiPrivateGetForceOrders": "papiGetUmForceOrders",
    "fapiPrivateGetCommissionRate": "papiGetUmCommissionRate",
    "fapiPrivateGetAccountConfig": "papiGetUmAccountConfig",
    "fapiPrivateV2GetAccount": "papiGetUmAccount",
    "fapiPrivateV3GetAccount": "papiGetUmAccount",
    "fapiPrivateV3GetPositionRisk": "papiGetUmPositionRisk",
}
CM: Mapping[str, str] = {
    "fapiPrivatePostOrder": "papiPostCmOrder",
    "fapiPrivateGetOrder": "papiGetCmOrder",
    "fapiPrivateDeleteOrder": "papiDeleteCmOrder",
    "fapiPrivateDeleteAllOpenOrders": "papiDeleteCmAllOpenOrders",
    "fapiPrivateGetOpenOrders": "papiGetCmOpenOrders",
    "fapiPrivateGetOpenAlgoOrders": "papiGetCmConditionalOpenOrders",
    "fapiPrivateDeleteAlgoOrder": "papiDeleteCmConditionalOrder",
    "fapiPrivateDeleteAlgoOpenOrders": "papiDeleteCmConditionalAllOpenOrders",
    "fapiPrivateGetAllAlgoOrders": "papiGetCmConditionalAllOrders",
    "fapiPrivateGetUserTrades": "papiGetCmUserTrades",
    "fapiPrivateGetForceOrders": "papiGetCmForceOrders",
    "fapiPrivateGetCommissionRate": "papiGetCmCommissionRate",
    "fapiPrivateV2GetAccount": "papiGetCmAccount",
    "fapiPrivateV3GetAccount": "papiGetCmAccount",
    "fapiPrivateV3GetPositionRisk": "papiGetCmPositionRisk",
}
OWN: frozenset[str] = frozenset({"papiGetBalance", "papiGetAccount", "papiGetMarginOpenOrders"})
WEIGHTS: Mapping[str, int] = {
    "papiGetCmPositionRisk": 1,
    "papiGetCmUserTrades": 20,
    "papiGetBalance": 20,
    "papiGetAccount": 20,
}
"""What weighs more, or less, there than at the same place of `fapi`."""
MARGIN_S = 10.0
"""While an act is at work, cross margin is read so seldom: it is told, decides nothing, and weighs 25."""
MARGIN_PART = "cross margin"


class _Side(BinanceVenue):
    TABLE: ClassVar[Mapping[str, str]]
    MARK: ClassVar[str]
    CROWDS = False
    BATCHES = False
    ALGOS = False

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
        name = self.TABLE.get(method) or (method if method in OWN else None)
        if name is None:
            # Market data and the key's own page are asked of hosts with limits of their own.
            return await super()._call(
                method, params, units={}, deadline=deadline, mutating=mutating, repeatable=repeatable
            )
        charged = {**units, "weight": WEIGHTS[name]} if name in WEIGHTS else units
        return await super()._call(
            name, params, units=charged, deadline=deadline, mutating=mutating, repeatable=repeatable
        )

    def _observe(self, answer: Answer, units: Mapping[str, int], sent_ns: int) -> None:
        if units:
            super()._observe(answer, units, sent_ns)

    def _parts(self) -> tuple[Part, ...]:
        return tuple(replace(part, name=f"{part.name} {self.MARK}") for part in super()._parts())

    async def _claims(self, deadline: Deadline) -> Sequence[Claim]:
        claims = await super()._claims(deadline)
        return [replace(one, parts=frozenset(f"{name} {self.MARK}" for name in one.parts)) for one in claims]


class PapiLinear(_Side):
    """The USD-M contracts of a Portfolio Margin account, and what its cross margin holds, which is told."""

    TABLE, MARK = UM, "UM"
    _margin_ns: int | None = None
    margin_notes: tuple[str, ...] = ()
    """What was told of cross margin last."""

    def _parts(self) -> tuple[Part, ...]:
        parts = super()._parts()
        # As dear as half a list, and told only: it is read with the lists.
        if not self._lists or (self._wire.asked.listens and self._margin_is_young()):
            return parts
        self._margin_ns = self._clock.monotonic_ns()
        return (*parts, Part(name=MARGIN_PART, read=self._margin))

    def _margin_is_young(self) -> bool:
        read_ns = self._margin_ns
        return read_ns is not None and self._clock.monotonic_ns() - read_ns < MARGIN_S * NS

    async def config(self, deadline: Deadline) -> Row:
        """Return the account's own settings (UM Account Config)."""
        answer = await self._call("fapiPrivateGetAccountConfig", {}, units={"weight": 5}, deadline=deadline)
        return Row(answer.value, "accountConfig")

    async def restrictions(self, deadline: Deadline) -> Row:
        """Return what the key may do, told on the spot host."""
        units = {APART_LIMIT: 1}
        answer = await self._call("sapiGetAccountApiRestrictions", {}, units=units, deadline=deadline)
        return Row(answer.value, "apiRestrictions")

    async def assets(self, deadline: Deadline) -> Sequence[Row]:
        """Return the account's coins, cross margin included (Account Balance)."""
        answer = await self._call("papiGetBalance", {}, units={"weight": 20}, deadline=deadline)
        return read_rows(answer.value, "balance")

    async def totals(self, deadline: Deadline) -> Row:
        """Return what the account is worth by the venue's own sum, in USD (Account Information)."""
        answer = await self._call("papiGetAccount", {}, units={"weight": 20}, deadline=deadline)
        return Row(answer.value, "account")

    async def _margin(self, deadline: Deadline) -> PartRead:
        # Spot and debt are told, never touched: that they cannot be read says nothing of positions.
        try:
            told = [note for row in await self.assets(deadline) for note in _margin_notes(row)]
            answer = await self._call("papiGetMarginOpenOrders", {}, units={"weight": 5}, deadline=deadline)
            working = len(read_rows(answer.value, "margin openOrders"))
        except VenueError as error:
            self.margin_notes = (f"cross margin could not be read: {self._wire.masked(str(error))}",)
            return PartRead(notes=self.margin_notes)
        if working:
            told.append(f"{working} margin order(s) are left alone")
        self.margin_notes = tuple(told)
        return PartRead(notes=self.margin_notes, digests=(answer.digest,))


class PapiInverse(_Side, BinanceCoinVenue):
    """The COIN-M contracts of a Portfolio Margin account."""

    TABLE, MARK = CM, "CM"

    async def _conditional_orders(self, deadline: Deadline) -> PartRead:
        answer = await self._call("fapiPrivateGetOpenAlgoOrders", {}, units={"weight": 40}, deadline=deadline)
        found = tuple(_strategy(row) for row in read_rows(answer.value, "conditional openOrders"))
        return PartRead(orders=found, digests=(answer.digest,))

    async def _cancel_one(self, order: OpenOrder, deadline: Deadline) -> CancelAnswer:
        if not order.conditional:
            return await super()._cancel_one(order, deadline)
        params = {"symbol": order.instrument, "strategyId": order.order_id}
        method, units = "fapiPrivateDeleteAlgoOrder", {"weight": 1}
        try:
            answer = await self._call(method, params, units=units, deadline=deadline, mutating=True)
        except VenueRejected as error:
            return cancel_failed(order, error, str(error), NEVER_EXISTED_OR_ENDED)
        Row(answer.value, "cancel")
        return CancelAnswer(order=order, gone=True)


def _strategy(row: Row) -> OpenOrder:
    towards = rows.direction(row)
    leg = row.text_or("positionSide", "BOTH")
    side = Side(leg) if leg in {"LONG", "SHORT"} else None
    implied = (side, towards) in {(Side.LONG, Direction.SELL), (Side.SHORT, Direction.BUY)}
    return OpenOrder(
        instrument=row.text("symbol"),
        category=COIN,
        order_id=row.text("strategyId"),
        client_order_id=row.text_or("newClientStrategyId"),
        direction=towards,
        quantity=Quantity(row.decimal_or_none("origQty") or ZERO),
        reduce_only=row.flag("reduceOnly") or implied,
        conditional=True,
        side=side,
    )


def _margin_notes(row: Row) -> list[str]:
    coin, told = row.text("asset")[:20], []
    held, owed = row.decimal_or_none("crossMarginAsset"), row.decimal_or_none("crossMarginBorrowed")
    if held:
        told.append(f"cross margin, not touched: {plain(held)} {coin}")
    if owed:
        told.append(f"cross margin debt, not touched: {plain(owed)} {coin}")
    return told

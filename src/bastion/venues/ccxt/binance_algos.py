"""Binance algos: TWAP and VP orders, which the venue carries out by itself and lists on its spot host alone.

Sources: developers.binance.com, Algo Trading, Future Algo: Query Current Algo Open Orders, Cancel Algo Order
(`sapi/v1/algo/futures`; weight 1 of the spot host's own limit; USD-M contracts only; the key needs the
futures permission), and ccxt's table of errors (-20124: the id is unknown, or the order is over). A row does
not say whether the order may only reduce: in one-way mode each counts as one that could open. The demo hosts
do not serve `sapi`, and no page says that it tells the algos of Portfolio Margin.

Where the list was never read, it is named as left out: an address or a key that the spot host refuses would
make every exit UNKNOWN. Where it was read once by this account, what fails later counts as unread.
"""

import asyncio
from typing import ClassVar

from bastion.domain.money import ZERO, Quantity
from bastion.domain.order import CancelAnswer, Direction, OpenOrder
from bastion.domain.position import Side
from bastion.errors import VenueError, VenueRejected
from bastion.venues.ccxt import binance_rows as rows
from bastion.venues.ccxt.binance_crowd import BinanceCrowd
from bastion.venues.ccxt.venue import Part, PartRead
from bastion.venues.ccxt.wire import APART_LIMIT
from bastion.venues.deadline import Deadline, within
from bastion.venues.raw import Row, believed
from bastion.venues.throttle import NS

PART = "TWAP and VP orders"
PREFIX = "algo-"
"""What stands before an algo's number: other orders are numbered apart."""
GONE = "-20124"
SPOT = APART_LIMIT
"""The limit of requests to the spot host: a tenth of the 12,000 a minute that it allows an address."""
NOT_ASKED_S = 60.0
QUIET_S = 10.0
"""A list that fails is stood for by one without any algo that was asked for up to so long before."""
KNOWN_MS = 30 * 24 * 3_600_000
DEMO = "the demo host does not tell them"
LEFT = "one that runs would be neither seen nor cancelled"


class BinanceAlgos(BinanceCrowd):
    """The half of the adapter that reads and ends what the venue's algos would go on to send."""

    ALGOS: ClassVar[bool] = True
    _algos_known: bool = False
    _none_ran_ns: int | None = None
    _algos_refused: tuple[int, str] | None = None

    def _further_parts(self, orders: "asyncio.Future[VenueError | None]") -> tuple[Part, ...]:
        closing = self._haste.wanted

        async def read(deadline: Deadline) -> PartRead:
            # What only finds what is left of positions proves nothing: a reading of a moment ago is enough.
            if closing and self._none_ran(self._clock.monotonic_ns()):
                return PartRead()
            found = await self._algos(deadline)
            async with within(deadline):
                why = await asyncio.shield(orders)
            # Where the futures host tells nothing, this list alone is no reading of the account.
            if why is not None:
                raise why
            return found

        return (Part(name=PART, read=read),) if self.ALGOS else ()

    async def _algos(self, deadline: Deadline) -> PartRead:
        if self._account.host != "live":
            return PartRead(left_out=DEMO)
        now_ns, refused = self._clock.monotonic_ns(), self._algos_refused
        if refused is not None and now_ns - refused[0] < NOT_ASKED_S * NS:
            return PartRead(left_out=refused[1])
        try:
            answer = await self._call("sapiGetAlgoFuturesOpenOrders", {}, units={SPOT: 1}, deadline=deadline)
            listed = Row(answer.value, "algo openOrders").rows("orders")
        except VenueError as error:
            if self._none_ran(now_ns):
                return PartRead()
            if self._algos_were_read():
                raise
            why = f"{self._wire.masked(str(error))}; {LEFT}"
            self._algos_refused = (now_ns, why)
            return PartRead(left_out=why)
        self._algos_refused = None
        if not self._algos_were_read():
            self._algos_known = True
            self._shelf.note(self._note, "read")
        found, doubt = believed(listed, algo_order)
        self._none_ran_ns = None if found or doubt else now_ns
        return PartRead(orders=found, digests=(answer.digest,), doubt=doubt)

    def _none_ran(self, now_ns: int) -> bool:
        since_ns = self._none_ran_ns
        return since_ns is not None and now_ns - since_ns <= QUIET_S * NS

    @property
    def _note(self) -> str:
        return f"algos {self._account.name}"

    def _algos_were_read(self) -> bool:
        # The file is asked for nothing but a list that fails, or comes for the first time.
        if not self._algos_known:
            self._algos_known = self._shelf.noted(self._note, within_ms=KNOWN_MS) is not None
        return self._algos_known

    async def _end_algo(self, order: OpenOrder, deadline: Deadline) -> CancelAnswer:
        params = {"algoId": order.order_id.removeprefix(PREFIX)}
        try:
            answer = await self._call(
                "sapiDeleteAlgoFuturesOrder",
                params,
                units={SPOT: 1},
                deadline=deadline,
                mutating=True,
                repeatable=True,
            )
        except VenueRejected as error:
            return CancelAnswer(order=order, gone=error.code == GONE, code=error.code, message=str(error))
        row = Row(answer.value, "cancel algo")
        if row.raw("success") is False:
            code = row.text_or("code")
            return CancelAnswer(order=order, gone=code == GONE, code=code, message=row.text_or("msg"))
        return CancelAnswer(order=order, gone=True)


def is_algo(order: OpenOrder) -> bool:
    """Return whether an order is one of the venue's algos."""
    return order.order_id.startswith(PREFIX)


def algo_order(row: Row) -> OpenOrder:
    """Return a running algo as an order of what it has still to send."""
    towards, leg = rows.direction(row), row.text_or("positionSide", "BOTH")
    side = Side(leg) if leg in {"LONG", "SHORT"} else None
    return OpenOrder(
        instrument=row.text("symbol"),
        category="usdm",
        order_id=PREFIX + row.text("algoId"),
        client_order_id=row.text_or("clientAlgoId"),
        direction=towards,
        quantity=Quantity(max(ZERO, row.decimal("totalQty") - (row.decimal_or_none("executedQty") or ZERO))),
        reduce_only=(side, towards) in {(Side.LONG, Direction.SELL), (Side.SHORT, Direction.BUY)},
        conditional=False,
        side=side,
    )

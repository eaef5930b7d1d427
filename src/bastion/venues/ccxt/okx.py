"""OKX v5: the trading account behind `ports.Venue`.

Source: www.okx.com/docs-v5/en, the page of each endpoint named below. One call shows the positions of every
kind; what is no perpetual or dated future is named, not closed. Order acknowledgements are asynchronous:
`place` asks what became of the order before it answers; of many at once it asks one list. Orders carry
expTime, so that one which was held up on the way is refused (50036) instead of executed late.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from bastion.domain.account import Access, Account
from bastion.domain.look import Look
from bastion.domain.money import ZERO
from bastion.domain.order import (
    CancelAnswer,
    Fill,
    OpenOrder,
    OrderKind,
    OrderRequest,
    OrderState,
)
from bastion.domain.position import Position, size_held
from bastion.errors import AnswerMalformed, Fault, VenueError, VenueRejected
from bastion.http1.dial import Connect, tcp
from bastion.ports import Clock
from bastion.venues.ccxt import okx_rows as rows
from bastion.venues.ccxt import okx_witness as witness
from bastion.venues.ccxt.faults import PASSING, Refusal
from bastion.venues.ccxt.gathered import Gathered
from bastion.venues.ccxt.okx_faults import CANCEL_SOURCES, answer_refusal, row_refusal
from bastion.venues.ccxt.okx_fills import OkxFills
from bastion.venues.ccxt.okx_market import OkxMarket
from bastion.venues.ccxt.okx_orders import (
    ALGOS_A_CANCEL,
    ORDERS_A_CANCEL,
    Params,
    algo_cancel,
    chunks,
    order_cancel,
)
from bastion.venues.ccxt.okx_pace import (
    ALGOS,
    CANCEL_ALGOS,
    CANCEL_BATCH,
    POSITIONS,
    InstrumentThrottle,
    slow_down,
    units_of,
)
from bastion.venues.ccxt.okx_reads import ALGO_LISTS, OkxReads, data_of
from bastion.venues.ccxt.okx_sender import OkxSender
from bastion.venues.ccxt.okx_stamp import stamped
from bastion.venues.ccxt.okx_thrift import AlgoThrift, spared
from bastion.venues.ccxt.roll import List, RollCall
from bastion.venues.ccxt.shelf import Instruments, Shelf, by_key
from bastion.venues.ccxt.venue import Glances, Part, PartRead
from bastion.venues.ccxt.warmth import Warmth
from bastion.venues.ccxt.wire import VenueKey, Wire, when_leaving
from bastion.venues.ccxt.witness import Claim
from bastion.venues.deadline import Deadline, together
from bastion.venues.encoders.okx import OkxEncoder
from bastion.venues.raw import Answer, Row
from bastion.venues.throttle import Throttle

EXCHANGE = "okx"
KEY_SPACE, DEMO_SPACE = "trading", "demo"

UNSPOKEN = "the venue did not speak of this order"
ORDER_GONE = frozenset({"51400", "51401", "51402", "51405", "51603"})


class OkxVenue(OkxMarket, Glances, Warmth):
    """One trading account: perpetuals and dated futures of every margin coin, the rest by name."""

    REPEATS_SAFELY = True
    ORDERS_A_REQUEST = 20

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
        self._connect = connect
        self._key = key
        self._exchange = stamped(exchange, demo=account.key_space == DEMO_SPACE)
        self._throttle = InstrumentThrottle(clock, shared=address)
        self._thrift = AlgoThrift(self._throttle[ALGOS])
        super().__init__(account=account, clock=clock, shelf=shelf)
        self._fees = {}
        self._risk_page = Gathered[Answer]()
        self._reads = reads = OkxReads(self._call, clock)
        self._sender = OkxSender(self._call, reads, self._refused, self._leaving)
        self._fills = OkxFills(reads.by_bill, reads.index_price, reads.mode_of_order, reads.was_triggered)
        self._roll = RollCall(self._find, self._ended, reads.list_of, clock=clock)

    @property
    def link(self) -> str:
        """The page of the account's positions; empty for a host that is not OKX's."""
        return "" if self._account.elsewhere else "https://www.okx.com/trade-swap/btc-usdt-swap"

    async def place(self, request: OrderRequest, *, deadline_s: float) -> OrderState:
        """Send one reducing order once, and see it through.

        Place order takes it; Close positions takes one that names no size, and one for a whole position that
        resting orders hold (51112).

        An order that the venue took and then canceled without any fill is raised as what its cancelSource
        means. An order that is not known to have ended within 3 s comes back as ACCEPTED.
        """
        deadline = Deadline(self._clock, deadline_s)
        with self._roll.under_way(request):
            order_id = await self._send(request, deadline)
            state = await self._roll.see_through(request, order_id, deadline)
        self._thrift.closed(request, state)
        fault = CANCEL_SOURCES.get(state.reason)
        if state.ended and state.filled == ZERO and fault is not None:
            raise VenueRejected(
                f"the venue canceled the order: cancelSource {state.reason}", fault=fault, code=state.reason
            )
        return state

    def hear_taken(self, heard: Callable[[str], None]) -> None:
        """Tell `heard` of each order that the venue has acknowledged, from now on."""
        self._roll.hear_taken(heard)

    def hear_left(self, heard: Callable[[str], None]) -> None:
        """Tell `heard` of each order whose first byte is about to be written, from now on."""
        self._roll.hear_left(heard)

    def _leaving(self, client_order_ids: Iterable[str]) -> AbstractContextManager[None]:
        return when_leaving(partial(self._roll.leave, tuple(client_order_ids)))

    async def order(self, request: OrderRequest, *, deadline_s: float) -> OrderState | None:
        """Return what Order details, or of many the order history, says of our client id; None for 51603.

        None, and nothing is asked, of one that still waits here for its turn, or has just left.
        """
        if self._roll.waits(request.client_order_id):
            return None
        return await self._roll.order(request, Deadline(self._clock, deadline_s))

    async def cancel(self, orders: Sequence[OpenOrder], *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Cancel exactly these orders: 20 working ones, or 10 algo orders, a request; one answer each."""
        deadline = Deadline(self._clock, deadline_s)
        working = chunks([order for order in orders if not order.conditional], ORDERS_A_CANCEL)
        waiting = chunks([order for order in orders if order.conditional], ALGOS_A_CANCEL)
        return await self._by_groups(
            orders, [*working, *waiting], lambda group: self._cancel_group(group, deadline)
        )

    async def sweep(self, look: Look, *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Cancel what the look shows, in batches; the venue has no call that cancels everything."""
        return await self.cancel(look.orders, deadline_s=deadline_s)

    async def fills(
        self, positions: Sequence[Position], *, since_ms: int, deadline_s: float
    ) -> tuple[Fill, ...]:
        """Return the executions of Transaction details, with the venue's own price PnL of each."""
        deadline = Deadline(self._clock, deadline_s)
        return await self._fills.read(positions, since_ms, self._wire.now_ms(), deadline)

    async def second_source(self, position: Position, *, deadline_s: float) -> Decimal:
        """Return the size by Get account and position risk, or by that one instrument's positions."""
        deadline = Deadline(self._clock, deadline_s)
        try:
            answer = await self._risk_page.read(self._read_risk, deadline)
            (risk,) = data_of(answer, "account-position-risk")
            found = risk.rows("posData")
        except (VenueRejected, AnswerMalformed, ValueError) as error:
            if isinstance(error, VenueRejected) and error.fault in {Fault.TERMINAL, Fault.RATE_LIMIT}:
                raise
            answer = await self._call(
                "privateGetAccountPositions",
                {"instId": position.instrument},
                units={POSITIONS: 1},
                deadline=deadline,
            )
            found = data_of(answer, "positions")
        items = (rows.position(row) for row in found)
        return size_held(position, (item for item in items if item is not None))

    async def named(self, *, deadline_s: float) -> tuple[Position, ...]:
        """Return the positions of Get account and position risk."""
        answer = await self._risk_page.read(self._read_risk, Deadline(self._clock, deadline_s))
        risks = data_of(answer, "account-position-risk")
        found = (rows.position(row) for risk in risks for row in risk.rows("posData"))
        return tuple(position for position in found if position is not None)

    async def access(self, *, deadline_s: float) -> Access:
        """Return what Get account configuration says of the key (perm, ip)."""
        try:
            answer = await self._call(
                "privateGetAccountConfig",
                {},
                units={"config": 1},
                deadline=Deadline(self._clock, deadline_s),
            )
        except VenueRejected as error:
            if error.fault is not Fault.TERMINAL:
                raise
            return Access(can_read=False, can_trade=False, notes=(str(error),))
        found = data_of(answer, "config")
        if not found:
            raise AnswerMalformed("config: the list is empty")
        rights = {word.strip() for word in found[0].text("perm").split(",")}
        return Access(
            can_read=True,
            can_trade="trade" in rights,
            can_withdraw="withdraw" in rights,
            ip_restricted=bool(found[0].text_or("ip")),
        )

    # How this venue is asked.

    def _make_wire(self) -> Wire:
        return Wire(
            self._exchange,
            key=self._key,
            clock=self._clock,
            throttle=self._throttle,
            base_url=self._account.base_url,
            host=self._account.host,
            options={},
            observe=_unheeded,
            connect=self._connect,
            encoder=OkxEncoder(
                api_key=self._key.api_key,
                secret=self._key.secret,
                passphrase=self._key.password,
                demo=self._account.key_space == DEMO_SPACE,
                base_url=self._account.base_url,
            ),
        )

    def need_orders(self, *, halting: bool) -> None:  # noqa: ARG002 - the port's signature
        """Let the next look have the lists of algo orders, whatever of their limit is left."""
        self._thrift.pressed()

    def _parts(self) -> tuple[Part, ...]:
        reads = self._thrift.allows()
        lists = tuple(
            Part(
                name=f"algo orders {' and '.join(kinds)}",
                read=partial(self._reads.algos, kinds) if reads else spared,
            )
            for kinds in ALGO_LISTS
        )
        if reads:
            lists += (self._reads.smart_part(),)
        return (
            *self._held_parts(),
            Part(name="orders but spot", read=self._reads.orders),
            *lists,
        )

    def _held_parts(self) -> tuple[Part, ...]:
        return (Part(name="positions", read=self._positions),)

    async def _claims(self, deadline: Deadline) -> Sequence[Claim]:
        return witness.claims(await self._read_risk(deadline))

    async def _read_risk(self, deadline: Deadline) -> Answer:
        return await self._call(witness.METHOD, {}, units={witness.UNIT: 1}, deadline=deadline)

    def _doubted(self) -> None:
        self._thrift.doubted()

    async def _positions(self, deadline: Deadline) -> PartRead:
        found = await self._reads.positions(deadline)
        if not found.doubt:
            self._thrift.saw(found.positions)
        return found

    async def _send(self, request: OrderRequest, deadline: Deadline) -> str:
        if request.kind is OrderKind.WHOLE and await self._sender.close(request, deadline):
            return ""
        try:
            return await self._sender.order(request, self._instruments, deadline)
        except VenueRejected as error:
            if error.fault is not Fault.BLOCKED:
                raise
            self._thrift.blocked()
            bounded = request.kind is OrderKind.IOC or request.limit_price is not None
            whole = request.quantity >= request.position.quantity and not bounded
            # Resting orders hold the size; Close positions takes them back and closes, in one step.
            if whole and await self._sender.close(request, deadline):
                return ""
            raise

    def _refused(self, refusal: Refusal, answer: Answer, units: Mapping[str, int]) -> VenueError:
        if refusal.fault is Fault.RATE_LIMIT:
            refusal = self._pace(refusal, answer, units)
        error = refusal.error(mutating=True)
        error.args = (self._wire.masked(str(error)),)
        return error

    async def _find(self, request: OrderRequest, deadline: Deadline) -> OrderState | None:
        params = {"instId": request.position.instrument, "clOrdId": request.client_order_id}
        row = await self._reads.details(params, deadline)
        if row is None:
            return None
        return replace(rows.order_state(row), client_order_id=request.client_order_id)

    async def _ended(self, named: List, deadline: Deadline) -> dict[str, OrderState]:
        return await self._reads.ended(named, deadline, count=self._roll.count(named))

    async def _cancel_one(self, order: OpenOrder, deadline: Deadline) -> CancelAnswer:
        (answer,) = await self._cancel_group((order,), deadline)
        return answer

    async def _cancel_group(self, group: Sequence[OpenOrder], deadline: Deadline) -> tuple[CancelAnswer, ...]:
        waits = group[0].conditional
        method = "privatePostTradeCancelAlgos" if waits else "privatePostTradeCancelBatchOrders"
        body: list[Params] = [algo_cancel(order) if waits else order_cancel(order) for order in group]
        limit = CANCEL_ALGOS if waits else CANCEL_BATCH
        units = units_of(limit, (order.instrument for order in group))
        answer = await self._call(
            method, body, units=units, deadline=deadline, mutating=True, repeatable=True
        )
        listed, name = data_of(answer, method), "algoId" if waits else "ordId"
        told = {row.text_or(name): row for row in listed}
        # Rows come in the order of the request; one that names no id is known by its place.
        places = listed if len(listed) == len(group) else ()
        return tuple(
            self._cancelled(order, told.get(order.order_id) or _unnamed(places, at, name))
            for at, order in enumerate(group)
        )

    def _cancelled(self, order: OpenOrder, row: Row | None) -> CancelAnswer:
        if row is None:
            return CancelAnswer(order=order, gone=False, message=UNSPOKEN, answered=False)
        refusal = row_refusal(row)
        if refusal is None:
            return CancelAnswer(order=order, gone=True)
        gone = refusal.code in ORDER_GONE
        said = refusal.fault not in PASSING
        return CancelAnswer(order=order, gone=gone, code=refusal.code, message=refusal.message, answered=said)

    async def _venue_time_ms(self, deadline: Deadline) -> int:
        answer = await self._call("publicGetPublicTime", {}, units={"time": 1}, deadline=deadline)
        found = data_of(answer, "time")
        if not found:
            raise AnswerMalformed("time: the list is empty")
        return found[0].integer("ts")

    async def _read_instruments(self, deadline: Deadline) -> Instruments:
        lists = await together([self._reads.contracts(kind, deadline) for kind in rows.CONTRACTS])
        return by_key(item for found in lists for item in found)

    def _refusal(self, answer: Answer) -> Refusal | None:
        return answer_refusal(answer)

    def _pace(self, refusal: Refusal, answer: Answer, units: Mapping[str, int]) -> Refusal:
        return slow_down(self._throttle, refusal, answer, units)


def _unnamed(rows_of_group: Sequence[Row], at: int, name: str) -> Row | None:
    row = rows_of_group[at] if at < len(rows_of_group) else None
    return row if row is not None and not row.text_or(name) else None


def _unheeded(_answer: Answer, _units: Mapping[str, int], _sent_ns: int) -> None:
    """Take no notice of an answer's headers: none of OKX's tells what is left of a limit."""

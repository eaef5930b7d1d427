"""Bybit v5, unified account: one account behind `ports.Venue`.

Source: bybit-exchange.github.io/docs/v5, the page of each endpoint named below. Order acknowledgements are
asynchronous there: `place` asks what became of the order before it answers; of many at
once it asks one list of ended orders.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from functools import partial
from typing import Any

from bastion.domain.account import Access, Account
from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO
from bastion.domain.order import Fill, OrderRequest, OrderState, OrderStatus
from bastion.domain.position import Position, size_held
from bastion.errors import AnswerMalformed, Fault, OutcomeUnknown, VenueError, VenueRejected
from bastion.http1.dial import Connect, tcp
from bastion.ports import Clock
from bastion.venues.ccxt import bybit_rows as rows
from bastion.venues.ccxt import bybit_witness as witness
from bastion.venues.ccxt.bybit_cancels import BybitCancels
from bastion.venues.ccxt.bybit_fills import BybitFills
from bastion.venues.ccxt.bybit_lanes import BATCH, SINGLE, OrderLanes
from bastion.venues.ccxt.bybit_market import ORDERS_PAGE
from bastion.venues.ccxt.bybit_named import contract, traded
from bastion.venues.ccxt.bybit_orders import batch_items, order_params
from bastion.venues.ccxt.bybit_pace import (
    ACCOUNT_LIMITS,
    PUBLIC,
    follow_limit,
    refusal_of,
    slow_down,
)
from bastion.venues.ccxt.faults import BYBIT_REJECT_REASONS, Refusal, bybit_refusal
from bastion.venues.ccxt.lane import BatchUnavailable, Params
from bastion.venues.ccxt.roll import RollCall
from bastion.venues.ccxt.shelf import Instruments, Shelf, by_key
from bastion.venues.ccxt.venue import Glances, Part, PartRead
from bastion.venues.ccxt.warmth import Warmth
from bastion.venues.ccxt.wire import VenueKey, Wire, when_leaving
from bastion.venues.ccxt.witness import Claim
from bastion.venues.deadline import Deadline, together
from bastion.venues.encoders.bybit import BybitEncoder
from bastion.venues.raw import Answer, Row, believed
from bastion.venues.throttle import Throttle

EXCHANGE = "bybit"
KEY_SPACE = "unified"
RECV_WINDOW_MS = 5000
POSITIONS_PAGE, INSTRUMENTS_PAGE = 200, 1000
SETTLE_COINS = ("USDT", "USDC")

NO_BATCHES = frozenset({"HTTP 404", "404", "10404", "10017"})
# Answers that say: this kind of account or key has no such category at all.
NO_CATEGORY = frozenset({"HTTP 404", "404", "10404", "10028", "100028"})


class BybitVenue(BybitCancels, Glances, Warmth):
    """One unified account: linear contracts of every settle coin, inverse contracts, and options by name."""

    REPEATS_SAFELY = True

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
        self._exchange = exchange
        self._throttle = Throttle(clock, ACCOUNT_LIMITS, shared=address)
        super().__init__(account=account, clock=clock, shelf=shelf)
        self._fees, self._single = {}, {}
        self._lanes = OrderLanes(self._throttle, self._create, self._create_batch)
        self._fills = BybitFills(self.pages, self._index_price)
        self._roll = RollCall(self._find, self._ended, self._list_of, clock=clock)

    @property
    def link(self) -> str:
        """The page of the account's positions; empty for a host that is not Bybit's."""
        return "" if self._account.elsewhere else "https://www.bybit.com/user/assets/home/tradingaccount"

    async def place(self, request: OrderRequest, *, deadline_s: float) -> OrderState:
        """Send one reducing order once (Place Order or Batch Place Order), and wait for what becomes of it.

        An order that the venue took and then cancelled without any fill is raised as what its rejectReason
        means. An order that is not known to have ended within 3 s comes back as ACCEPTED.
        """
        deadline = Deadline(self._clock, deadline_s)
        with self._roll.under_way(request):
            order_id = await self._lanes.send(order_params(request, self._instruments), deadline)
            state = await self._roll.see_through(request, order_id, deadline)
        fault = BYBIT_REJECT_REASONS.get(state.reason)
        if state.filled == ZERO and (fault is not None or state.status is OrderStatus.REJECTED):
            raise VenueRejected(
                f"the venue cancelled the order: {state.reason}",
                fault=fault or Fault.RESOLVE,
                code=state.reason,
            )
        return state

    def hear_taken(self, heard: Callable[[str], None]) -> None:
        """Tell `heard` of each order that the venue has acknowledged, from now on."""
        self._roll.hear_taken(heard)

    def hear_left(self, heard: Callable[[str], None]) -> None:
        """Tell `heard` of each order whose first byte is about to be written, from now on."""
        self._roll.hear_left(heard)

    async def order(self, request: OrderRequest, *, deadline_s: float) -> OrderState | None:
        """Return what open and recently closed orders, then the order history, say of our client id.

        None, and nothing is asked, of one that still waits here for its turn, or has just left.
        """
        if self._roll.waits(request.client_order_id):
            return None
        return await self._roll.order(request, Deadline(self._clock, deadline_s))

    async def fills(
        self, positions: Sequence[Position], *, since_ms: int, deadline_s: float
    ) -> tuple[Fill, ...]:
        """Return the executions of Get Trade History, with price PnL by Get Closed PnL's entry prices."""
        return await self._fills.read(positions, since_ms, Deadline(self._clock, deadline_s))

    async def second_source(self, position: Position, *, deadline_s: float) -> Decimal:
        """Return the size by position/list of that one symbol, which answers whether or not there is one."""
        params = {"category": position.category, "symbol": position.instrument}
        deadline = Deadline(self._clock, deadline_s)
        answer = await self._get("privateGetV5PositionList", params, "positions", deadline)
        listed = Row(answer.value, "position/list").row("result").rows("list")
        found = (rows.position(row, position.category) for row in listed)
        return size_held(position, (one for one in found if one is not None))

    async def named(self, *, deadline_s: float) -> tuple[Position, ...]:
        """Return the contracts of the executions since the last funding of each: see `bybit_named`."""
        now_ms, deadline = self._wire.now_ms(), Deadline(self._clock, deadline_s)
        asked = [(name, self._named_in(name, now_ms, deadline)) for name in (rows.LINEAR, rows.INVERSE)]
        found = await together([read for _, read in asked])
        known = self._instruments or {}
        return tuple(
            contract(category, instrument)
            for (category, _), instruments in zip(asked, found, strict=True)
            for instrument in sorted(instruments)
            if not known or (category, instrument) in known
        )

    async def _named_in(self, category: str, now_ms: int, deadline: Deadline) -> frozenset[str]:
        try:
            return await traded(self.pages, category, now_ms=now_ms, deadline=deadline)
        except VenueRejected as error:
            _left_out(error, {"category": category})
            return frozenset()

    async def access(self, *, deadline_s: float) -> Access:
        """Return what Get API Key Information says."""
        try:
            deadline = Deadline(self._clock, deadline_s)
            answer = await self._get("privateGetV5UserQueryApi", {}, "api_key", deadline)
        except VenueRejected as error:
            if error.fault is not Fault.TERMINAL:
                raise
            return Access(can_read=False, can_trade=False, notes=(str(error),))
        result = Row(answer.value, "query-api").row("result")
        rights = result.row("permissions")
        trade = "Order" in _words(rights, "ContractTrade") or "DerivativesTrade" in _words(
            rights, "Derivatives"
        )
        addresses = set(_words(result, "ips")) - {"*"}
        return Access(
            can_read=True,
            can_trade=trade and result.integer("readOnly") == 0,
            can_withdraw="Withdraw" in _words(rights, "Wallet"),
            ip_restricted=bool(addresses),
        )

    # How this venue is asked.

    def _make_wire(self) -> Wire:
        key, url = self._key, self._account.base_url
        return Wire(
            self._exchange,
            key=key,
            clock=self._clock,
            throttle=self._throttle,
            base_url=url,
            host=self._account.host,
            options={"recvWindow": RECV_WINDOW_MS},
            observe=self._observe,
            connect=self._connect,
            encoder=BybitEncoder(key.api_key, key.secret, recv_window_ms=RECV_WINDOW_MS, base_url=url),
        )

    def _parts(self) -> tuple[Part, ...]:
        scopes = self._scopes()
        orders = [Part(name=f"orders {name}", read=partial(self._orders, scope)) for name, scope in scopes]
        return (*self._held_parts(), *orders)

    def _held_parts(self) -> tuple[Part, ...]:
        return tuple(
            Part(name=witness.positions_part(name), read=partial(self._positions, scope))
            for name, scope in self._scopes()
        )

    def _scopes(self) -> list[tuple[str, dict[str, str]]]:
        scopes = [(f"linear/{coin}", {"category": rows.LINEAR, "settleCoin": coin}) for coin in self._coins()]
        scopes += [(name, {"category": name}) for name in (rows.INVERSE, rows.OPTION)]
        return scopes

    def _coins(self) -> tuple[str, ...]:
        known = {item.settle for item in (self._instruments or {}).values() if item.category == rows.LINEAR}
        return (*SETTLE_COINS, *sorted(known - set(SETTLE_COINS)))

    async def _claims(self, deadline: Deadline) -> Sequence[Claim]:
        coins = self._coins()
        answer = await self._get(witness.METHOD, witness.PARAMS, witness.UNIT, deadline)
        return witness.claims(answer, coins)

    async def _positions(self, scope: Mapping[str, str], deadline: Deadline) -> PartRead:
        try:
            answers = await self.pages(
                "privateGetV5PositionList", scope, "positions", POSITIONS_PAGE, deadline
            )
        except VenueRejected as error:
            return _left_out(error, scope)
        listed = [row for _, page in answers for row in page]
        found, doubt = believed(listed, lambda row: rows.position(row, scope["category"]))
        return PartRead(
            positions=found,
            doubt=doubt,
            digests=tuple(answer.digest for answer, _ in answers),
            venue_time_ms=_time_ms(answers[0][0]),
        )

    async def _orders(self, scope: Mapping[str, str], deadline: Deadline) -> PartRead:
        try:
            answers = await self.pages("privateGetV5OrderRealtime", scope, "realtime", ORDERS_PAGE, deadline)
        except VenueRejected as error:
            return _left_out(error, scope)
        settle = scope.get("settleCoin", "")
        listed = [row for _, page in answers for row in page]
        found, doubt = believed(listed, lambda row: rows.open_order(row, scope["category"], settle))
        return PartRead(
            orders=found,
            doubt=doubt,
            digests=tuple(answer.digest for answer, _ in answers),
        )

    async def _create(self, params: Params, deadline: Deadline) -> str:
        units = {SINGLE: 1, **PUBLIC}
        with self._leaving((params,)):
            answer = await self._call(
                "privatePostV5OrderCreate", params, units=units, deadline=deadline, mutating=True
            )
        try:
            return Row(answer.value, "order/create").row("result").text("orderId")
        except AnswerMalformed as error:
            raise OutcomeUnknown(f"{error}; the order may have been executed") from None

    async def _create_batch(self, group: Sequence[Params], deadline: Deadline) -> Sequence[str | VenueError]:
        orders = [{name: value for name, value in item.items() if name != "category"} for item in group]
        body = {"category": group[0]["category"], "request": orders}
        units = {BATCH: len(group), **PUBLIC}
        try:
            with self._leaving(group):
                answer = await self._call(
                    "privatePostV5OrderCreateBatch", body, units=units, deadline=deadline, mutating=True
                )
        except VenueRejected as error:
            if error.code in NO_BATCHES:
                raise BatchUnavailable from None
            raise
        items = batch_items(answer, len(group))
        return [self._batch_item(answer, ack, word, units) for ack, word in items]

    def _batch_item(self, answer: Answer, ack: Row, word: Row, units: Mapping[str, int]) -> str | VenueError:
        refusal = bybit_refusal(answer, code=word.text_or("code"), message=word.text_or("msg"))
        if refusal is None:
            return ack.text_or("orderId")
        if refusal.fault is Fault.RATE_LIMIT:
            refusal = self._pace(refusal, answer, units)
        return refusal.error(mutating=True)

    async def _find(self, request: OrderRequest, deadline: Deadline) -> OrderState | None:
        position = request.position
        params = {
            "category": position.category,
            "symbol": position.instrument,
            "orderLinkId": request.client_order_id,
        }
        for method, unit in (
            ("privateGetV5OrderRealtime", "realtime"),
            ("privateGetV5OrderHistory", "history"),
        ):
            answer = await self._get(method, params, unit, deadline)
            for row in Row(answer.value, method).row("result").rows("list"):
                if row.text_or("orderLinkId") == request.client_order_id:
                    return rows.order_state(row)
        return None

    def _leaving(self, group: Sequence[Params]) -> AbstractContextManager[None]:
        return when_leaving(partial(self._roll.leave, [str(item["orderLinkId"]) for item in group]))

    async def _venue_time_ms(self, deadline: Deadline) -> int:
        answer = await self._call("publicGetV5MarketTime", {}, units=PUBLIC, deadline=deadline)
        nanoseconds = Row(answer.value, "time").row("result").decimal_or_none("timeNano")
        if nanoseconds is not None:
            return int(nanoseconds) // 1_000_000
        return Row(answer.value, "time").integer("time")

    async def _read_instruments(self, deadline: Deadline) -> Instruments:
        lists = await together([self._contracts(name, deadline) for name in (rows.LINEAR, rows.INVERSE)])
        return by_key(item for found in lists for item in found)

    async def _contracts(self, category: str, deadline: Deadline) -> list[Instrument]:
        found: list[Instrument] = []
        for _, page in await self.pages(
            "publicGetV5MarketInstrumentsInfo", {"category": category}, "", INSTRUMENTS_PAGE, deadline
        ):
            for row in page:
                try:
                    found.append(rows.instrument(row, category))
                except AnswerMalformed:
                    continue  # One odd contract must not hide the limits of all others.
        return found

    def _refusal(self, answer: Answer) -> Refusal | None:
        return refusal_of(answer)

    def _pace(self, refusal: Refusal, answer: Answer, units: Mapping[str, int]) -> Refusal:
        return slow_down(self._throttle, refusal, answer, units, now_ms=self._wire.now_ms())

    def _observe(self, answer: Answer, units: Mapping[str, int], _sent_ns: int) -> None:
        follow_limit(self._throttle, answer, units)


def _left_out(error: VenueRejected, scope: Mapping[str, str]) -> PartRead:
    # What this kind of account or key cannot have or see is named as left out, not as unread.
    option_right = error.code == "10005" and scope["category"] == rows.OPTION
    illegal_category = error.code == "10001" and "category" in str(error).lower()
    if error.code in NO_CATEGORY or option_right or illegal_category:
        return PartRead(left_out=str(error))
    raise error


def _words(row: Row, name: str) -> tuple[str, ...]:
    value = row.raw(name)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _time_ms(answer: Answer) -> int | None:
    time = Row(answer.value, "answer").decimal_or_none("time")
    return None if time is None else int(time)

"""Binance USD-M futures: one account behind `ports.Venue`.

Sources: developers.binance.com, USD-M futures: general information (limits, 503 variants), error codes, and
the page of each endpoint named below. Limits: 2400 weight a minute and address, 300 orders in 10 s and 1200 a
minute an account; a new order weighs nothing on the address limit.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bastion.domain.account import Access, Account
from bastion.domain.money import ZERO, floor_to_step
from bastion.domain.order import (
    Direction,
    OrderKind,
    OrderRequest,
    OrderState,
    OrderStatus,
)
from bastion.domain.position import Position, size_held
from bastion.errors import AnswerMalformed, Fault, OutcomeUnknown, VenueError, VenueRejected
from bastion.http1.dial import Connect, tcp
from bastion.ports import Clock
from bastion.venues.ccxt import binance_rows as rows
from bastion.venues.ccxt.binance_algos import SPOT
from bastion.venues.ccxt.binance_cancels import BinanceCancels
from bastion.venues.ccxt.binance_crowd import SECOND_OLD_S
from bastion.venues.ccxt.binance_protection import NO_SUCH_ORDER, ORDER
from bastion.venues.ccxt.binance_share import Share
from bastion.venues.ccxt.binance_thrift import Thrift
from bastion.venues.ccxt.departure import Departures
from bastion.venues.ccxt.faults import BANNED, Refusal, binance_refusal
from bastion.venues.ccxt.shelf import Instruments, Shelf, by_key
from bastion.venues.ccxt.venue import PartRead
from bastion.venues.ccxt.warmth import Warmth
from bastion.venues.ccxt.wire import VenueKey, Wire
from bastion.venues.deadline import Deadline, settled
from bastion.venues.encoders.binance import BinanceEncoder
from bastion.venues.raw import Answer, Row, believed, plain, read_rows
from bastion.venues.throttle import Limit, Throttle

EXCHANGE, KEY_SPACE = "binanceusdm", "usdm"
RECV_WINDOW_MS = 5000
BAN_WITHOUT_HEADER_S, PAUSE_WITHOUT_HEADER_S = 120.0, 2.0
MINUTE_S, TEN_SECONDS_S = 60.0, 10.0

ADDRESS_LIMITS = (
    Limit(name="weight", capacity=2400, window_s=MINUTE_S),
    Limit(name=SPOT, capacity=1200, window_s=MINUTE_S),
)
ACCOUNT_LIMITS = (
    Limit(name="orders_10s", capacity=300, window_s=TEN_SECONDS_S),
    Limit(name="orders_1m", capacity=1200, window_s=MINUTE_S),
)
SYMBOLS_CHEAP = 18
"""So many symbols' executions, at 5 each, weigh as much as a whole look: 90."""
TOO_MANY_ORDERS = "-1015"
_USED = {
    "weight": ("x-mbx-used-weight-1m", MINUTE_S),
    "orders_10s": ("x-mbx-order-count-10s", TEN_SECONDS_S),
    "orders_1m": ("x-mbx-order-count-1m", MINUTE_S),
}


class BinanceVenue(BinanceCancels, Warmth, Departures):
    """One USD-M account. Position mode is read from each position, never from a setting."""

    REPEATS_SAFELY = True
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
        self._connect = connect
        self._key = key
        self._exchange = exchange
        self._throttle = Throttle(clock, ACCOUNT_LIMITS, shared=address)
        self._fees, self._known, self._named = {}, {}, {}
        self._thrift = Thrift(clock, self._throttle["weight"], shares=lambda: not self._share.is_crowd)
        self._share = Share(clock, self._throttle, crowds=self.CROWDS)
        self._page_turn = asyncio.Lock()
        super().__init__(account=account, clock=clock, shelf=shelf)

    @property
    def link(self) -> str:
        """The page of the account's futures positions; empty for a host that is not Binance's."""
        return "" if self._account.elsewhere else "https://www.binance.com/en/my/wallet/futures/balances"

    async def place(self, request: OrderRequest, *, deadline_s: float) -> OrderState:
        """Send one reducing order once (New Order, newOrderRespType=RESULT).

        One-way mode takes reduceOnly; hedge mode refuses that flag, and takes the position's own side, which
        makes the order implicitly reducing. A market order that expired without any fill met the price
        protection or an empty book, and is raised as BAND.
        """
        params = self._order_params(request)
        deadline = Deadline(self._clock, deadline_s)
        with self._share.acting(moves=True), self._departing((request.client_order_id,)):
            try:
                answer = await self._call(
                    "fapiPrivatePostOrder", params, units=ORDER, deadline=deadline, mutating=True
                )
            except VenueRejected as error:
                if error.fault is Fault.MAYBE_FLAT:
                    self._thrift.refused(request.position.instrument)
                raise
        try:
            row = Row(answer.value, "order")
            state = rows.order_state(row, named=request.client_order_id)
        except AnswerMalformed as error:
            raise OutcomeUnknown(f"{error}; the order may have been executed") from None
        if not request.position.hedged and row.raw("reduceOnly") is False:
            # Seen on one account: the flag was dropped without a word, and the order could have flipped.
            state = replace(state, reason="the venue did not confirm reduce-only")
        if state.filled > ZERO:
            self.filled()
        if state.status is OrderStatus.REJECTED:
            text = f"the order was rejected: {state.reason}"
            raise VenueRejected(text, fault=Fault.RESOLVE, code=state.reason)
        if state.reason == "EXPIRED" and state.filled == ZERO:
            raise VenueRejected(
                "the order expired without a fill: no price within the venue's protection",
                fault=Fault.BAND,
                code="EXPIRED",
            )
        self._known[request.position.instrument, state.order_id] = None
        self._named[state.order_id] = request.client_order_id
        return state

    async def order(self, request: OrderRequest, *, deadline_s: float) -> OrderState | None:
        """Return what Query Order says of our client id; None for -2013."""
        params = {"symbol": request.position.instrument, "origClientOrderId": request.client_order_id}
        try:
            answer = await self._call(
                "fapiPrivateGetOrder", params, units={"weight": 1}, deadline=Deadline(self._clock, deadline_s)
            )
        except VenueRejected as error:
            if error.code == NO_SUCH_ORDER:
                return None
            raise
        return rows.order_state(Row(answer.value, "order"), named=request.client_order_id)

    async def second_source(self, position: Position, *, deadline_s: float) -> Decimal:
        """Return the size by Account Information V3, which is kept apart from Position Information."""
        if not self._share.is_crowd:
            self._thrift.ask("second source")
        answer = await self._account_page(Deadline(self._clock, deadline_s), old_s=SECOND_OLD_S)
        return size_held(position, self._on_page(answer, position.instrument))

    async def named(self, *, deadline_s: float) -> tuple[Position, ...]:
        """Return the positions of Account Information V3."""
        if not self._share.is_crowd:
            self._thrift.ask("positions elsewhere")
        return self._on_page(await self._account_page(Deadline(self._clock, deadline_s), old_s=SECOND_OLD_S))

    def _on_page(self, answer: Answer, instrument: str = "") -> tuple[Position, ...]:
        listed = Row(answer.value, "account").rows("positions")
        found = (self._held(row) for row in listed if row.text("symbol") == instrument or not instrument)
        return tuple(position for position in found if position is not None)

    def _held(self, row: Row) -> Position | None:
        return rows.position(row)

    def sizes_first(self, positions: Sequence[Position]) -> bool:
        """Whether there are more symbols than can be asked for their executions at the price of a look."""
        return len({position.instrument for position in positions}) > SYMBOLS_CHEAP

    async def access(self, *, deadline_s: float) -> Access:
        """Return what Account Config and the key's restrictions (on the spot host) say."""
        deadline = Deadline(self._clock, deadline_s)
        config, key = await settled(
            [
                self._call("fapiPrivateGetAccountConfig", {}, units={"weight": 5}, deadline=deadline),
                self._call("sapiGetAccountApiRestrictions", {}, units={SPOT: 1}, deadline=deadline),
            ]
        )
        if isinstance(config, VenueRejected) and config.fault is Fault.TERMINAL:
            return Access(can_read=False, can_trade=False, notes=(str(config),))
        if isinstance(config, VenueRejected):
            # A host without this page still has the older one with the same field.
            config = await self._call("fapiPrivateV2GetAccount", {}, units={"weight": 5}, deadline=deadline)
        if isinstance(config, VenueError):
            raise config
        account = Row(config.value, "account")
        trade = account.flag("canTrade") if "canTrade" in account else None
        if isinstance(key, VenueError):
            notes = (f"The key's restrictions could not be read ({key}).",)
            return Access(can_read=True, can_trade=trade, notes=notes)
        row = Row(key.value, "apiRestrictions")
        futures = row.flag("enableFutures") if "enableFutures" in row else None
        return Access(
            can_read=True,
            can_trade=False if futures is False else trade,
            can_withdraw=row.flag("enableWithdrawals") if "enableWithdrawals" in row else None,
            ip_restricted=row.flag("ipRestrict") if "ipRestrict" in row else None,
        )

    # How this venue is asked.

    def _make_wire(self) -> Wire:
        key, url, clock, throttle = self._key, self._account.base_url, self._clock, self._throttle
        return Wire(
            self._exchange,
            key=key,
            clock=clock,
            throttle=throttle,
            base_url=url,
            host=self._account.host,
            options={"recvWindow": RECV_WINDOW_MS},
            observe=self._observe,
            connect=self._connect,
            encoder=BinanceEncoder(key.api_key, key.secret, recv_window_ms=RECV_WINDOW_MS, base_url=url),
        )

    def _doubted(self) -> None:
        self._thrift.doubted()
        self._share.doubted()

    async def _positions(self, deadline: Deadline) -> PartRead:
        self._doubted()  # Until they are read.
        answer = await self._call("fapiPrivateV3GetPositionRisk", {}, units={"weight": 5}, deadline=deadline)
        listed = read_rows(answer.value, "positionRisk")
        found, doubt = believed(listed, rows.position)
        if not doubt:
            self._thrift.saw(found)
            self._share.saw(listed, held=bool(found))
        changes = [int(row.decimal_or_none("updateTime") or 0) for row in listed]
        changed_ms = max(changes, default=None)
        return PartRead(positions=found, digests=(answer.digest,), changed_ms=changed_ms, doubt=doubt)

    async def _orders(self, deadline: Deadline) -> PartRead:
        answer = await self._call("fapiPrivateGetOpenOrders", {}, units={"weight": 40}, deadline=deadline)
        found, doubt = believed(read_rows(answer.value, "openOrders"), rows.open_order)
        return PartRead(orders=found, digests=(answer.digest,), doubt=doubt)

    async def _conditional_orders(self, deadline: Deadline) -> PartRead:
        answer = await self._call("fapiPrivateGetOpenAlgoOrders", {}, units={"weight": 40}, deadline=deadline)
        found, doubt = believed(read_rows(answer.value, "openAlgoOrders"), rows.open_conditional_order)
        return PartRead(orders=found, digests=(answer.digest,), doubt=doubt)

    def _order_params(self, request: OrderRequest) -> dict[str, object]:
        position = request.position
        params: dict[str, object] = {
            "symbol": position.instrument,
            "side": request.direction.value,
            "quantity": plain(request.quantity),
            "newClientOrderId": request.client_order_id,
            "newOrderRespType": "RESULT",
        }
        if position.hedged:
            params["positionSide"] = position.side.value
        else:
            params["reduceOnly"] = "true"
        if request.kind in {OrderKind.IOC, OrderKind.RESTING} and request.limit_price is not None:
            time_in_force = "IOC" if request.kind is OrderKind.IOC else "GTC"
            params |= {"type": "LIMIT", "timeInForce": time_in_force, "price": self._tick(request)}
        else:
            # The venue has no size-free close at once: a whole position is closed by its size.
            params["type"] = "MARKET"
        return params

    def _tick(self, request: OrderRequest) -> str:
        price: Decimal = request.limit_price or ZERO
        known = (self._instruments or {}).get((request.position.category, request.position.instrument))
        if known is not None and known.price_tick > ZERO:
            below = floor_to_step(price, known.price_tick)
            # Rounded towards a fill: a buyer may pay the next tick above, a seller take the one below.
            up = request.direction is Direction.BUY and below != price
            price = below + known.price_tick if up else below
        return plain(price)

    async def _venue_time_ms(self, deadline: Deadline) -> int:
        answer = await self._call("fapiPublicGetTime", {}, units={"weight": 1}, deadline=deadline)
        return Row(answer.value, "time").integer("serverTime")

    async def _read_instruments(self, deadline: Deadline) -> Instruments:
        answer = await self._call("fapiPublicGetExchangeInfo", {}, units={"weight": 1}, deadline=deadline)
        found = []
        for row in Row(answer.value, "exchangeInfo").rows("symbols"):
            try:
                found.append(rows.instrument(row))
            except AnswerMalformed:
                continue  # One odd contract must not hide the limits of all others.
        return by_key(found)

    # What its answers say.

    def _refusal(self, answer: Answer) -> Refusal | None:
        code = message = ""
        try:
            value = answer.value
        except AnswerMalformed:
            if answer.status < 400:  # noqa: PLR2004 - below the HTTP errors
                raise
            value = None
        if isinstance(value, dict):
            code, message = Row(value, "answer").text_or("code"), Row(value, "answer").text_or("msg")
        refusal = binance_refusal(answer, code=code, message=message)
        if refusal is not None and refusal.fault is Fault.BLOCKED:
            self._thrift.blocked()
            self._share.blocked()
        return refusal

    def _pace(self, refusal: Refusal, answer: Answer, units: Mapping[str, int]) -> Refusal:
        if SPOT in units:
            # A host with limits of its own: what it wants says nothing of this one.
            pause = refusal.retry_after_s or PAUSE_WITHOUT_HEADER_S
            self._throttle[SPOT].block(pause)
        elif answer.status in BANNED:
            pause = refusal.retry_after_s or BAN_WITHOUT_HEADER_S
            self._throttle.silence(pause)
        elif refusal.code == TOO_MANY_ORDERS:
            pause = refusal.retry_after_s or self._to_boundary_s(TEN_SECONDS_S)
            self._throttle["orders_10s"].block(pause)
        else:
            pause = refusal.retry_after_s or PAUSE_WITHOUT_HEADER_S
            self._throttle.silence(pause)
        return replace(refusal, retry_after_s=pause)

    def _observe(self, answer: Answer, units: Mapping[str, int], sent_ns: int) -> None:
        if SPOT in units:
            return
        now_s = self._wire.now_ms() / 1000
        for name, (header, window_s) in _USED.items():
            used = answer.header_decimal(header)
            if used is not None and used >= ZERO:
                left_s = window_s - now_s % window_s
                self._throttle[name].observe(int(used), sent_ns=sent_ns, resets_in_s=left_s)

    def _to_boundary_s(self, window_s: float) -> float:
        # The venue counts in windows of its own clock.
        return window_s - (self._wire.now_ms() / 1000) % window_s

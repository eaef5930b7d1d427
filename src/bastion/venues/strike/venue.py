"""Strike: one wallet at a margin venue behind `ports.Venue`, with its margin refund behind `ports.Refunding`.

Sources: docs.strike.markets, trading and account pages. Limits: 10 trading requests a minute and wallet
(long, short, close and emergency exit together); public reads are kept to 120 a minute and address. The
venue has no resting orders. A close is always of the whole position.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.domain.account import Access, Account
from bastion.domain.asked import AskedCall
from bastion.domain.balance import Balance
from bastion.domain.instrument import Instrument
from bastion.domain.look import Look, Unread
from bastion.domain.money import ZERO, Price, Quantity, Usd
from bastion.domain.order import (
    CancelAnswer,
    Fill,
    OpenOrder,
    OrderKind,
    OrderRequest,
    OrderState,
    OrderStatus,
)
from bastion.domain.position import Position
from bastion.domain.refund import RefundAftermath, RefundFacts, RefundPolicy
from bastion.errors import AnswerMalformed, Fault, VenueError, VenueRejected, VenueUnreachable
from bastion.ports import Clock
from bastion.venues.deadline import Deadline, settled
from bastion.venues.raw import Answer, Row
from bastion.venues.strike import rows
from bastion.venues.strike.figures import facts
from bastion.venues.strike.reads import StrikeReads
from bastion.venues.strike.tokens import token_access
from bastion.venues.strike.wire import StrikeKey, StrikeWire
from bastion.venues.throttle import Limit, Throttle

KEY_SPACE = "margin"
MINUTE_S = 60.0
TRADING_A_MINUTE = 10
KEPT_FOR_REFUNDS = 4
ADDRESS_LIMITS = (Limit(name="public", capacity=120, window_s=MINUTE_S),)
NS = 1_000_000_000
NS_PER_MS = 1_000_000
CLOCK_DOUBT_MS = 2_000
KEY_LENGTH = 40
HEALTHY = "healthy"


class StrikeVenue:
    """One wallet. Positions are told apart by their ids; a claim in the payout queue is no position."""

    def __init__(self, *, account: Account, key: StrikeKey, clock: Clock, address: Throttle) -> None:
        self._account = account
        self._clock = clock
        self._wallet = key.wallet.lower()
        trading = account.trading_a_minute or TRADING_A_MINUTE
        # Failing closes must not use up what a refund needs.
        kept = 0 if account.refund is RefundPolicy.NEVER else min(KEPT_FOR_REFUNDS, trading // 2)
        self._trading, self._closes = trading, trading - kept
        limits = (
            Limit(name="closes", capacity=self._closes, window_s=MINUTE_S),
            Limit(name="trading", capacity=trading, window_s=MINUTE_S),
        )
        self._throttle = Throttle(clock, limits, shared=address)
        self._key = key
        self._wire = StrikeWire(key=key, clock=clock, throttle=self._throttle, base_url=account.base_url)
        self._ask = StrikeReads(wire=self._wire, clock=clock, wallet=self._wallet)

    @property
    def account(self) -> Account:
        """The account behind this adapter."""
        return self._account

    @property
    def link(self) -> str:
        """The venue's site; empty for a host that is not the public one."""
        return "" if self._account.base_url else "https://strike.markets"

    async def open(self, *, deadline_s: float) -> None:
        """Warm up: the connection and the venue's clock.

        Raises:
            VenueError: the venue did not answer; every other method can still be called.
        """
        await self._ask.health(Deadline(self._clock, deadline_s))

    async def look(self, *, deadline_s: float) -> Look:
        """Read the wallet's positions; marks are added where they are known or come in time."""
        deadline = Deadline(self._clock, deadline_s)
        begun_ns, begun_utc_ns = self._clock.monotonic_ns(), self._clock.now_ns()
        jobs = [self._ask.positions_answer(deadline), *self._ask.extras(deadline)]
        answer = (await settled(jobs))[0]
        positions: tuple[Position, ...] = ()
        notes: tuple[str, ...] = ()
        unread: tuple[Unread, ...] = ()
        digests: tuple[str, ...] = ()
        if isinstance(answer, VenueError):
            unread = (self._ask.unread(answer),)
        else:
            try:
                positions, notes = self._ask.listed(answer)
                digests = (answer.digest,)
            except AnswerMalformed as error:
                unread = (self._ask.unread(error),)
        return Look(
            begun_ns=begun_ns,
            ended_ns=self._clock.monotonic_ns(),
            positions=positions,
            orders=(),
            parts=() if unread else ("positions",),
            unread=unread,
            digests=digests,
            # A position ends once and whole, so a time too early counts nothing twice.
            venue_time_ms=None
            if self._ask.offset_ms is None
            else begun_utc_ns // NS_PER_MS + self._ask.offset_ms - CLOCK_DOUBT_MS,
            notes=notes,
        )

    async def instruments(
        self,
        *,
        deadline_s: float,  # noqa: ARG002 - the port's signature
    ) -> Mapping[tuple[str, str], Instrument]:
        """Return nothing: a close names a position and no size, so there are no limits of size to keep."""
        return {}

    async def place(self, request: OrderRequest, *, deadline_s: float) -> OrderState:
        """Close the position in full, or, with `OrderKind.REFUND`, take its margin back."""
        deadline = Deadline(self._clock, deadline_s)
        body = {"positionId": int(request.position.instrument)}
        if request.kind is OrderKind.REFUND:
            key = {"Idempotency-Key": self.refund_key(request.position.instrument)}
            row = await self._ask.act("/emergency-exit", body, {"trading": 1}, deadline, headers=key)
            return self._refunded(request, row.decimal_or_none("refundedAmount"))
        if self._throttle["closes"].free() == 0:
            kept = self._trading - self._closes
            raise VenueUnreachable(
                f"not sent: the {self._closes} closes of this minute are used"
                + (f", and {kept} requests are kept for refunds" if kept else ""),
                code="PACED",
            )
        row = await self._ask.act("/close", body, {"closes": 1, "trading": 1}, deadline)
        price = row.decimal_or_none("exitPrice")
        return self._closed(request, None if price is None else Price(price))

    async def order(self, request: OrderRequest, *, deadline_s: float) -> OrderState | None:
        """Return what became of a close or refund, by looking: None while the position is still open.

        A position that is in no list any more was refunded, once the balance holds its margin.

        Raises:
            VenueError: the venue did not say, or its balance does not show the margin yet.
        """
        deadline = Deadline(self._clock, deadline_s)
        listed = await self._ask.positions(deadline)
        position_id = int(request.position.instrument)
        if any(row.integer("id") == position_id for row in listed.rows("open")):
            return None
        for row in (*listed.rows("closed"), *listed.rows("settled")):
            if row.integer("id") == position_id:
                if request.kind is OrderKind.REFUND:
                    return self._state(request, OrderStatus.CANCELED, reason="closed otherwise")
                return self._closed(request, rows.fill(row).price)
        if not await self._ask.accounted(deadline):
            raise VenueUnreachable("the position is in no list, and the balance does not show its margin")
        if request.kind is not OrderKind.REFUND:
            return self._state(request, OrderStatus.CANCELED, reason="refunded")
        return self._refunded(request, request.position.margin_usd)

    async def cancel(
        self,
        orders: Sequence[OpenOrder],
        *,
        deadline_s: float,  # noqa: ARG002 - the port's signature
    ) -> tuple[CancelAnswer, ...]:
        """Answer that the orders are gone: the venue has no resting orders."""
        return tuple(CancelAnswer(order=order, gone=True) for order in orders)

    async def sweep(self, look: Look, *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Answer that the orders are gone: the venue has no resting orders."""
        return await self.cancel(look.orders, deadline_s=deadline_s)

    async def fills(
        self,
        positions: Sequence[Position],
        *,
        since_ms: int,  # noqa: ARG002 - a position ends once, so its id tells more than a time
        deadline_s: float,
    ) -> tuple[Fill, ...]:
        """Return how these positions ended, by the closed and settled lists; a refund leaves nothing."""
        wanted = {position.instrument for position in positions}
        listed = await self._ask.positions(Deadline(self._clock, deadline_s))
        ended = (*listed.rows("closed"), *listed.rows("settled"))
        found = [rows.fill(row) for row in ended if str(row.integer("id")) in wanted]
        return tuple(sorted(found, key=lambda one: (one.at_ms, one.instrument)))

    async def second_source(self, position: Position, *, deadline_s: float) -> Decimal:
        """Return the size that the dashboard shows, which is another read than the list of positions."""
        active = await self._ask.active(Deadline(self._clock, deadline_s))
        found = [rows.position(row) for row in active if str(row.integer("id")) == position.instrument]
        return found[0].quantity if found else ZERO

    async def access(self, *, deadline_s: float) -> Access:
        """Return what /test-auth says of a key; a Privy token is read for its time only, nothing is tried."""
        if not self._key.api_key:
            return token_access(self._key.access_token, now_s=self._clock.now_ns() // NS)
        deadline = Deadline(self._clock, deadline_s)
        try:
            answer = await self._ask.read("/test-auth", deadline, signed=True)
        except VenueRejected as error:
            if error.fault is not Fault.TERMINAL:
                raise
            return Access(can_read=True, can_trade=False, notes=(str(error),))
        row = Row(answer.value, "test-auth")
        if row.text("wallet_address").lower() != self._wallet:
            note = "The key belongs to another wallet than wallet_address of the credential."
            return Access(can_read=True, can_trade=False, notes=(note,))
        return Access(can_read=True, can_trade=row.flag("authenticated"))

    async def balance(self, *, deadline_s: float) -> Balance:
        """Return what /account shows: total is withdrawable plus the margins that open positions hold."""
        account = await self._ask.account(Deadline(self._clock, deadline_s))
        balances = account.row("balances")
        return Balance(
            total_usd=Usd(balances.decimal("total")),
            available_usd=Usd(balances.decimal("withdrawable")),
            notes=("open profit and loss is not in the total, nor is a claim in the payout queue",),
            coins=(),
        )

    def asked(self) -> tuple[AskedCall, ...]:
        """Return what the venue was asked since this was called last, while it is called within 2 minutes."""
        return self._wire.asked.take()

    def keep_answers(self, keep: Callable[[Answer], None]) -> None:
        """Hand every raw answer to `keep` as it comes, but for what holds a secret; it must not block."""
        self._wire.keep = keep

    async def close(self) -> None:
        """Release the connections; the adapter is not used afterwards."""
        await self._wire.close()

    # The refund.

    def patience_s(self, look: Look) -> float:
        """Return a minute for each further window of the trading limit that closes and refunds can need."""
        count = len(look.positions)
        windows = max(0, -(-count // self._closes) - 1)
        if self._account.refund is not RefundPolicy.NEVER:
            windows += -(-max(0, count - (self._trading - self._closes)) // self._trading)
        return windows * MINUTE_S

    def refund_key(self, position_id: str) -> str:
        """Return the Idempotency-Key: the same for one wallet's position whoever asks, and whenever."""
        digest = hashlib.sha256(f"refund|{self._wallet}|{position_id}".encode()).digest()
        return ("bst" + base64.b32encode(digest).decode("ascii").lower())[:KEY_LENGTH]

    async def refund_facts(self, position_id: str, *, deadline_s: float) -> RefundFacts | None:
        """Return the figures of one open position, with a normal close estimated at the market's price."""
        deadline = Deadline(self._clock, deadline_s)
        board = await self._ask.dashboard(deadline)
        found = (
            [row for row in board.rows("active") if str(row.integer("id")) == position_id] if board else []
        )
        if board is None or not found:
            return None
        row = found[0]
        symbol = row.text("symbol")
        market = (await settled([self._ask.market(symbol, deadline)]))[0]
        health = (await settled([self._ask.health(deadline)]))[0]
        impaired = []
        word = str(health) if isinstance(health, VenueError) else Row(health.value, "health").text("status")
        if word != HEALTHY:
            impaired.append(f"the venue says of itself: {word}")
        mark: Decimal | None = None
        multiplier: Decimal | None = None
        if isinstance(market, VenueError):
            impaired.append(f"the market could not be read: {market}")
        else:
            mark, multiplier = market.positive_or_none("price"), market.decimal_or_none("position_multiplier")
            if mark is None:
                impaired.append(f"{symbol} has no price")
        waiting = sum(
            (r.decimal("margin") + r.decimal("realizedPnl") for r in board.rows("pending_payout")), ZERO
        )
        return facts(row, mark, multiplier or ZERO, impaired=tuple(impaired), waiting=waiting)

    async def refund_aftermath(self, position: Position, *, deadline_s: float) -> RefundAftermath:
        """Return what /account, /positions, /dashboard and /market show."""
        deadline = Deadline(self._clock, deadline_s)
        account = await self._ask.account(deadline)
        active = await self._ask.active(deadline)
        market = (await settled([self._ask.market(position.category, deadline)]))[0]
        mark = None if isinstance(market, VenueError) else market.positive_or_none("price")
        interest = None if isinstance(market, VenueError) else market.decimal_or_none("total_oi")
        balances = account.row("balances")
        shown = any(str(row.integer("id")) == position.instrument for row in active)
        return RefundAftermath(
            withdrawable_usd=Usd(balances.decimal("withdrawable")),
            reserved_usd=Usd(balances.decimal("reserved")),
            accounted=await self._ask.accounted(deadline),
            listed=shown,
            mark_price=None if mark is None else Price(mark),
            open_interest_usd=None if interest is None else Usd(interest),
        )

    # What is told of a close or a refund.

    def _state(
        self, request: OrderRequest, status: OrderStatus, *, reason: str, filled: Decimal = ZERO
    ) -> OrderState:
        kind = "refund" if request.kind is OrderKind.REFUND else "close"
        return OrderState(
            client_order_id=request.client_order_id,
            order_id=f"{kind}:{request.position.instrument}",
            status=status,
            filled=Quantity(filled),
            reason=reason,
        )

    def _closed(self, request: OrderRequest, price: Price | None) -> OrderState:
        state = self._state(request, OrderStatus.FILLED, reason="", filled=request.position.quantity)
        return replace(state, average_price=price)

    def _refunded(self, request: OrderRequest, amount: Decimal | None) -> OrderState:
        state = self._state(request, OrderStatus.FILLED, reason="refunded", filled=request.position.quantity)
        return replace(state, refunded_usd=None if amount is None else Usd(amount))

"""Hyperliquid perpetuals: one account behind `ports.Venue`, on every dex.

Source: hyperliquid.gitbook.io/hyperliquid-docs, "For developers", the page named at each part. Reads are
public and name the account's address; actions are signed by its key or by an agent. ccxt carries them.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from bastion.domain.account import Access, Account
from bastion.domain.instrument import Instrument
from bastion.domain.look import Look
from bastion.domain.money import ZERO
from bastion.domain.order import Fill, OrderRequest, OrderState, OrderStatus
from bastion.domain.position import Position, size_held
from bastion.errors import AnswerMalformed, Fault, OutcomeUnknown, VenueRejected, VenueUnreachable
from bastion.http1.dial import Connect, tcp
from bastion.ports import Clock
from bastion.venues.ccxt import hyperliquid_rows as rows
from bastion.venues.ccxt.faults import Refusal
from bastion.venues.ccxt.hyperliquid_cancels import HyperliquidCancels
from bastion.venues.ccxt.hyperliquid_cloid import cloid_of
from bastion.venues.ccxt.hyperliquid_dexes import Contracts, Dexes, Settled
from bastion.venues.ccxt.hyperliquid_faults import ORACLE, refusal_of, refusal_of_text
from bastion.venues.ccxt.hyperliquid_fills import HyperliquidFills, Latest
from bastion.venues.ccxt.hyperliquid_identity import Identity
from bastion.venues.ccxt.hyperliquid_lane import Form, OrderLane
from bastion.venues.ccxt.hyperliquid_orders import Reaches, order_form
from bastion.venues.ccxt.hyperliquid_pace import (
    READS,
    Thrift,
    action_units,
    room_shown,
    slow_down,
    weigh_rows,
)
from bastion.venues.ccxt.hyperliquid_probes import Probes
from bastion.venues.ccxt.hyperliquid_second import size_left
from bastion.venues.ccxt.hyperliquid_signing import Signer, WalletKey
from bastion.venues.ccxt.hyperliquid_statuses import error_of, read_status, statuses_of
from bastion.venues.ccxt.hyperliquid_steps import ACCOUNT, DEXES, SPOT
from bastion.venues.ccxt.hyperliquid_twaps import PART as TWAPS
from bastion.venues.ccxt.hyperliquid_twaps import Twaps
from bastion.venues.ccxt.hyperliquid_witness import WAIT_S, HyperliquidWitness, positions_part
from bastion.venues.ccxt.in_turn import SPARED
from bastion.venues.ccxt.shelf import Instruments, Shelf
from bastion.venues.ccxt.venue import Part, PartRead
from bastion.venues.ccxt.warmth import Warmth
from bastion.venues.ccxt.wire import VenueKey, Wire
from bastion.venues.ccxt.witness import Claim
from bastion.venues.deadline import Deadline, together
from bastion.venues.encoders.hyperliquid import HyperliquidEncoder
from bastion.venues.raw import Answer, Row, believed, read_rows
from bastion.venues.throttle import Throttle

EXCHANGE = "hyperliquid"
KEY_SPACE = "perps"
TESTNET = "hyperliquid-testnet"
EXPIRES_MS = 5_000
"""An action is refused when it reaches the venue later than that: a late close must not meet a new book."""
OWN_IDS_MAX = 5_000
LIST_SHARE = 4
"""Of the time of a look, the list of dexes has one part in so many."""


class HyperliquidVenue(HyperliquidCancels, Warmth):
    """The perpetuals of one account, on the validators' dex and every builder-deployed one; spot is told."""

    WITNESS_LAST = True
    REPEATS_SAFELY = True

    def __init__(
        self,
        *,
        account: Account,
        key: WalletKey,
        clock: Clock,
        exchange: Any,  # noqa: ANN401 - ccxt ships no types
        shelf: Shelf,
        address: Throttle,
        connect: Connect = tcp,
    ) -> None:
        self._connect = connect
        self._address = key.wallet.lower()
        self._signer = Signer(key.private_key)
        self._key = VenueKey(api_key="", secret=key.private_key)
        self._exchange = exchange
        self._throttle = Throttle(clock, (), shared=address)
        super().__init__(account=account, clock=clock, shelf=shelf)
        self._testnet = account.host == "testnet" or TESTNET in (account.base_url or "")
        self._nonce = 0
        self._own: dict[str, str] = {}
        self._preparing: set[str] = set()
        self._came = set()
        self._quiet: dict[str, bool] = {}
        self._reaches = Reaches()
        self._thrift = Thrift(clock, self._throttle[READS])
        self._probes = Probes(self._throttle, clock)
        self._dexes = Dexes(self._info, clock, shelf)
        self._contracts = Contracts(self._dexes, clock, shelf)
        self._lane = OrderLane(self._send_orders, self._departing)
        self._identity = Identity(
            self._info, address=self._address, signer=self._signer.address, clock=clock, shelf=shelf
        )
        self._fills = HyperliquidFills(self._info, self._address, self._own, clock, latest := Latest())
        # A proof waits for nothing that other reads may not spend, and so has an asker of its own.
        proof = HyperliquidFills(partial(self._info, proof=True), self._address, self._own, clock, latest)
        self._settled = Settled(self._info, clock, shelf)
        self._witness = HyperliquidWitness(proof, clock, self._settled)
        self._twaps = Twaps(self._info, clock, self._address)

    @property
    def link(self) -> str:
        """The page of the account's positions; empty for a host that is not Hyperliquid's."""
        return "" if self._account.elsewhere else "https://app.hyperliquid.xyz/portfolio"

    async def open(self, *, deadline_s: float) -> None:
        """Warm up: connection, clock offset, contracts, and what the address is; safe to repeat."""
        deadline = Deadline(self._clock, deadline_s)
        await together([super().open(deadline_s=deadline_s), self._identity.prove(deadline)])

    async def look(self, *, deadline_s: float) -> Look:
        """Read positions and orders of every dex; an empty account is believed once its address is proven."""
        deadline = Deadline(self._clock, deadline_s)
        # What is open on the first dex is seen, and closed, although nobody tells what others there are.
        await self._dexes.refresh(deadline.share(LIST_SHARE))
        self._begin_look(closing=self._haste.wanted)
        self._witness.look_begins()
        look = rows.settled_in(await super().look(deadline_s=deadline.left_s), self._settles())
        self._learn(look)
        if look.complete:
            used = {rows.dex_of(item.instrument) for item in look.positions}
            used |= {rows.dex_of(item.instrument) for item in look.orders}
            for dex, quiet in self._quiet.items():
                self._thrift.found(dex, empty=quiet and dex not in used)
        return look

    async def place(self, request: OrderRequest, *, deadline_s: float) -> OrderState:
        """Send one reducing order, in one action with those of the same moment; the answer tells its fate."""
        deadline = Deadline(self._clock, deadline_s)
        coin = request.position.instrument
        self._preparing.add(request.client_order_id)
        try:
            # Without it, an order of a sub-account would act on its master's account.
            await self._identity.standing(deadline)
            contract = await self._contract(coin, deadline)
            mark = request.position.mark_price or await self._mid(coin, deadline)
        except AnswerMalformed as error:
            raise VenueUnreachable(f"{error}; the order was not sent") from None
        finally:
            self._preparing.discard(request.client_order_id)
        form = order_form(request, contract, mark=mark, reach=self._reaches.share(coin))
        return self._state(request, await self._lane.place(form, deadline))

    async def order(self, request: OrderRequest, *, deadline_s: float) -> OrderState | None:
        """Return what `orderStatus` says of our client id, None where it says `unknownOid`.

        What did not leave yet is not asked for: the venue cannot know it.
        """
        if request.client_order_id in self._preparing:
            return None
        asked = {
            "type": "orderStatus",
            "user": self._address,
            "oid": cloid_of(request.client_order_id),
        }
        answer = Row((await self._info(asked, Deadline(self._clock, deadline_s))).value, "orderStatus")
        word = answer.text("status")
        if word == "unknownOid":
            return None
        if word != "order":
            raise AnswerMalformed(f"orderStatus: the status {word[:40]!r} is not documented")
        state = rows.order_state(answer.row("order"), request.client_order_id)
        self._remember(state)
        return state

    async def fills(
        self, positions: Sequence[Position], *, since_ms: int, deadline_s: float
    ) -> tuple[Fill, ...]:
        """Return the executions of `userFillsByTime`, with the venue's closed PnL before fees."""
        deadline = Deadline(self._clock, deadline_s)
        return await self._fills.read(positions, since_ms, self._settles(), deadline)

    async def second_source(self, position: Position, *, deadline_s: float) -> Decimal:
        """Return the size that the newest execution left; the clearinghouse's word where there is none."""
        by, now_ms = Deadline(self._clock, deadline_s), self._wire.now_ms()
        left = await size_left(position, self._fills, self._settled, self._shown_size, by, now_ms=now_ms)
        if left != ZERO:
            self._thrift.doubted()
        return left

    async def named(self, *, deadline_s: float) -> tuple[Position, ...]:
        """Return what the newest execution of each coin left, of the newest 2000 and those since."""
        left = await self._witness.named(self._trades, Deadline(self._clock, deadline_s))
        return rows.left_in(left, self._settles())

    async def access(self, *, deadline_s: float) -> Access:
        """Return what `userRole` says of the account's address and of the signing wallet."""
        deadline = Deadline(self._clock, deadline_s)
        return await self._identity.access(deadline, now_ms=self._wire.now_ms())

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
            observe=self._observe,
            connect=self._connect,
            encoder=HyperliquidEncoder(base_url=self._account.base_url),
        )

    def _observe(self, answer: Answer, units: Mapping[str, int], _sent_ns: int) -> None:
        weigh_rows(self._throttle, answer, units)
        room_shown(self._throttle, answer, units)

    def _parts(self) -> tuple[Part, ...]:
        parts = [Part(name=ACCOUNT, read=self._proven)]
        if not self._spared:
            # A look that leaves lists out proves nothing, and is repeated soon.
            parts.append(Part(name=SPOT, read=self._spot))
        if self._dexes.error is not None:
            parts.append(Part(name=DEXES, read=self._dexes.unread))
        for dex in self._dexes.names:
            shown = dex or "main"
            parts.append(Part(name=positions_part(dex), read=partial(self._positions, dex)))
            if self._thrift.skips(dex):
                parts.append(Part(name=f"orders {shown} (unused, read a moment ago)", read=_nothing))
            else:
                parts.append(Part(name=f"orders {shown}", read=partial(self._orders, dex)))
        skips = self._twaps.skips(is_plenty=self._thrift.is_plenty, held=self._thrift.held)
        name = f"orders {TWAPS} (none a moment ago)" if skips else f"orders {TWAPS}"
        parts.append(Part(name=name, read=_nothing if skips else self._running))
        return self._in_steps(parts)

    async def _running(self, deadline: Deadline) -> PartRead:
        return await self._twaps.read(deadline, spared=self._spared, now_ms=self._wire.now_ms())

    async def _claims(self, deadline: Deadline, *, wait_s: float = WAIT_S) -> Sequence[Claim]:
        asks, dexes = self._steps is None or not self._steps.failed, self._dexes.names
        return await self._witness.claims(dexes, self._trades, deadline, asks=asks, wait_s=wait_s)

    def _trades(self, coin: str) -> bool:
        return not self._instruments or (rows.CATEGORY, coin) in self._instruments

    def _doubted(self) -> None:
        if self._witness.contradicts:
            self._thrift.doubted()
        else:
            self._unwitnessed = True

    async def _proven(self, deadline: Deadline) -> PartRead:
        await self._identity.prove(deadline)
        return PartRead()

    async def _positions(self, dex: str, deadline: Deadline) -> PartRead:
        asked = {"type": "clearinghouseState", "user": self._address, "dex": dex}
        answer = await self._info(asked, deadline)
        state = Row(answer.value, f"clearinghouseState {dex}".rstrip())
        found, doubt = rows.positions(state, self._settles())
        if any(rows.dex_of(item.instrument) != dex for item in found):
            raise AnswerMalformed(f"{state.where}: a position of another dex came")
        self._shows_open = self._shows_open or any(item.closable for item in found)
        self._came.add(dex)
        value = state.row("marginSummary").decimal("accountValue")
        self._quiet[dex] = value == ZERO and not found and not doubt
        if not self._quiet[dex]:
            self._identity.shown()
        time_ms = state.integer("time")
        return PartRead(positions=found, digests=(answer.digest,), venue_time_ms=time_ms, doubt=doubt)

    async def _shown_size(self, position: Position, deadline: Deadline) -> Decimal:
        read = await self._positions(rows.dex_of(position.instrument), deadline)
        if read.doubt:
            raise AnswerMalformed(read.doubt)
        return size_held(position, read.positions)

    async def _orders(self, dex: str, deadline: Deadline) -> PartRead:
        if self._spared:
            raise VenueRejected(SPARED, fault=Fault.RATE_LIMIT)
        asked = {"type": "frontendOpenOrders", "user": self._address, "dex": dex}
        answer = await self._info(asked, deadline)
        listed = read_rows(answer.value, "frontendOpenOrders")
        found, doubt = believed(listed, rows.open_order)
        spot = sum(rows.is_spot(row.text_or("coin")) for row in listed)
        notes = (f"{spot} spot order(s) are left alone",) if spot else ()
        return PartRead(orders=found, digests=(answer.digest,), notes=notes, doubt=doubt)

    async def _act(
        self, action: Mapping[str, object], items: int, deadline: Deadline, *, expires: bool
    ) -> Answer:
        seen, asked_ns = self._synchronised, self._clock.now_ns()
        answer, refusal = await self._signed(action, items, deadline, expires=expires)
        if refusal is not None and refusal.fault is Fault.CLOCK:
            # Refused before anything was carried out; it is signed anew, with a nonce and expiry of its own.
            await self._set_right(deadline, seen=seen, asked_ns=asked_ns, refused=answer)
            answer, refusal = await self._signed(action, items, deadline, expires=expires)
            self._weigh_told(refused=refusal is not None and refusal.fault is Fault.CLOCK)
        if refusal is None:
            return answer
        error = refusal.error(mutating=True)
        error.args = (self._wire.masked(str(error)),)
        raise error

    async def _signed(
        self, action: Mapping[str, object], items: int, deadline: Deadline, *, expires: bool
    ) -> tuple[Answer, Refusal | None]:
        vault = (await self._identity.standing(deadline)).vault(self._address)
        now_ms = self._wire.now_ms()
        self._nonce = max(now_ms, self._nonce + 1)
        ends_ms = now_ms + EXPIRES_MS if expires else None
        signature = self._signer.sign(
            action, nonce=self._nonce, vault=vault, expires_after=ends_ms, testnet=self._testnet
        )
        self._thrift.acted()
        body: dict[str, object] = {"action": action, "nonce": self._nonce, "signature": signature}
        if vault is not None:
            body["vaultAddress"] = vault
        if ends_ms is not None:
            body["expiresAfter"] = ends_ms
        try:
            return await self._ask("privatePostExchange", body, action_units(items), deadline, mutating=True)
        finally:
            self._thrift.acted()
            self._twaps.acted()

    async def _send_orders(self, forms: Sequence[Form], deadline: Deadline) -> Sequence[object]:
        action = {"type": "order", "orders": list(forms), "grouping": "na"}
        answer = await self._act(action, len(forms), deadline, expires=True)
        statuses = statuses_of(answer)
        if len(statuses) == 1 < len(forms) and (refused := error_of(statuses[0])):
            # Some errors of the payload are told once for all of it; nothing of it was carried out.
            raise refusal_of_text(refused).error(mutating=True)
        if len(statuses) != len(forms):
            raise OutcomeUnknown(f"{len(forms)} orders were sent, {len(statuses)} answered")
        return statuses

    def _state(self, request: OrderRequest, status: object) -> OrderState:
        coin = request.position.instrument
        refused = error_of(status)
        if refused:
            refusal = refusal_of_text(refused)
            if refusal.code == ORACLE:
                self._reaches.too_far(coin)
            elif refusal.fault is Fault.BAND:
                self._reaches.missed(coin)
            elif refusal.code == "Tick":
                self._contracts.doubt()
            raise refusal.error(mutating=True)
        try:
            state = read_status(status, request)
        except AnswerMalformed as error:
            raise OutcomeUnknown(f"{error}; the order may have been executed") from None
        if state.filled > ZERO:
            self._witness.closed(coin)
            self._thrift.filled(wholly=state.status is OrderStatus.FILLED)
        if state.status is OrderStatus.FILLED:
            self._reaches.filled(coin)
        elif state.ended:
            self._reaches.missed(coin)
        self._remember(state)
        return state

    def _remember(self, state: OrderState) -> None:
        if state.order_id and len(self._own) < OWN_IDS_MAX:
            self._own[state.order_id] = state.client_order_id

    async def _contract(self, coin: str, deadline: Deadline) -> Instrument:
        known = (self._instruments or {}).get((rows.CATEGORY, coin))
        if known is not None and known.number is not None and not self._contracts.doubted:
            return known
        return await self._contracts.find(coin, deadline)

    async def _read_instruments(self, deadline: Deadline) -> Instruments:
        await self._dexes.refresh(deadline)
        if self._dexes.error is not None:
            raise self._dexes.error
        return await self._contracts.all(deadline)

    def _settles(self) -> Mapping[str, str]:
        return {
            item.id: item.settle for item in (self._instruments or {}).values() if item.settle != rows.USDC
        }

    def _refusal(self, answer: Answer) -> Refusal | None:
        return refusal_of(answer)

    def _pace(self, refusal: Refusal, answer: Answer, units: Mapping[str, int]) -> Refusal:  # noqa: ARG002 - the base's signature
        return slow_down(self._throttle, refusal, answer)


async def _nothing(_deadline: Deadline) -> PartRead:
    return PartRead()

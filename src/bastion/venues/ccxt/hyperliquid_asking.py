"""Hyperliquid asking: how the adapter reads, within what the minute of its address allows."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf

from bastion.domain.look import Look, ReadsLeft
from bastion.domain.order import OpenOrder
from bastion.errors import Fault, VenueRejected
from bastion.venues.ccxt.hyperliquid_dexes import Contracts, Dexes
from bastion.venues.ccxt.hyperliquid_fills import RESTS
from bastion.venues.ccxt.hyperliquid_identity import Identity
from bastion.venues.ccxt.hyperliquid_pace import (
    FATE,
    FOR_ACTIONS,
    ROW_READS,
    WEIGHT,
    Thrift,
    drawn,
    read_units,
)
from bastion.venues.ccxt.hyperliquid_probes import Probes
from bastion.venues.ccxt.hyperliquid_steps import ACCOUNT, LISTS, Steps
from bastion.venues.ccxt.hyperliquid_twaps import PART as TWAPS
from bastion.venues.ccxt.hyperliquid_twaps import Twaps
from bastion.venues.ccxt.hyperliquid_witness import WAIT_S
from bastion.venues.ccxt.metered import MeteredVenue
from bastion.venues.ccxt.venue import Part, PartRead
from bastion.venues.ccxt.witness import Claim
from bastion.venues.deadline import Deadline, settled
from bastion.venues.encoders.signed import Parameters
from bastion.venues.raw import Answer, Row
from bastion.venues.throttle import Claimant

ASKED_ONCE = frozenset({"perpDexs", "userRole", "exchangeStatus", "spotClearinghouseState"})
"""Not insisted on within one look: all its parts wait for the first, the second has a lighter form, and
without the others a look is as good."""
ORDERS, POSITIONS = "frontendOpenOrders", "clearinghouseState"
FOR_A_PROOF = frozenset({ORDERS, "twapHistory"})
"""Not insisted on once a position is seen: then the look is there to close it, and proves nothing."""
WITHHELD = "not sent: weight is short, and is kept for positions and orders"
LEFT_TO_EXITS = "not sent: what is left of the address's weight of this minute is kept for exits"
QUICK_S = 0.5
"""Five steps, each asked for a second time, take ten times that: more than the 8 s of a look."""
BESIDE_SHARE = 0.8
"""So much of the time of a look there is for the executions that are read beside its lists."""
LOOK_AGAIN_S = 0.1
"""How long to wait where it is not known when others give back what they used."""
CLOSES_FIRST = "not sent: a position is open and is closed first"


class HyperliquidAsking(MeteredVenue):
    """The part of the adapter that every read passes."""

    _dexes: Dexes
    _contracts: Contracts
    _identity: Identity
    _thrift: Thrift
    _probes: Probes
    _twaps: Twaps
    _spared = False
    _steps: Steps | None = None
    _listed_orders: frozenset[str] = frozenset()
    _kept_orders: frozenset[str] = frozenset()
    """The orders, by their ids, that the latest lists showed, and those that the ones before them showed too,
    of what nobody wanted to end since. A stop is swept only once two looks show no position."""
    _closing = False
    """Whether the look that is under way is only to find what is left to be closed."""
    _shows_open = False
    """Whether the look that is under way has shown a position that is to be closed."""
    _to_leave = _leaves = False
    """Whether what is shown is to stay open: of the next look, and of the one that began last."""
    _came: set[str]
    """The dexes whose positions came in the look that is under way."""
    _unwitnessed = False
    """Whether empty lists were doubted since nothing else was asked, not since it speaks against them."""

    @property
    def gathers(self) -> bool:
        """Whether executions and second sources, asked for at one moment, cost one request: they do."""
        return True

    def reads_left(self) -> ReadsLeft:
        """Return what is left of the address's weight of the minute to reads that no act needs."""
        told = super().reads_left()
        return replace(told, free=max(0, min(told.free, self._throttle[WEIGHT].free() - FOR_ACTIONS)))

    def read_anew(self) -> None:
        """Let the next look rest on a reading of the TWAPs that can prove something."""
        self._twaps.read_anew()
        self._thrift.proof()

    def leave_open(self) -> None:
        """Let the next look, and what is asked behind it, keep no weight for closing what is shown."""
        self._to_leave = True

    def defer_orders(self) -> None:
        """Let the next look leave the lists of orders out where weight is short: nothing would be proven."""
        self._thrift.deferred()

    def _begin_look(self, *, closing: bool) -> None:
        self._shows_open, self._closing = False, closing
        self._leaves, self._to_leave = self._to_leave, False
        self._came, self._unwitnessed = set(), False
        self._spared = self._thrift.spares(closing=closing)

    def _learn(self, look: Look) -> None:
        # What could not be read may be held; that orders were not, says nothing of positions.
        unseen = any(not unread.part.startswith(LISTS) for unread in look.unread)
        sighted, came = bool(look.positions), self._came.issuperset(self._dexes.names)
        empty = self._unwitnessed and came and not sighted
        closable = sighted and not self._leaves
        self._thrift.saw(held=closable or unseen, sighted=closable, empty=empty)
        self._thrift.looked(whole=look.complete, held=closable)
        if not any(unread.part.startswith(LISTS) and TWAPS not in unread.part for unread in look.unread):
            listed = frozenset(order.order_id for order in look.orders)
            self._kept_orders, self._listed_orders = self._listed_orders & listed, listed
        if not self._spared:
            unlisted = [part for part in look.unread if part.part.startswith(LISTS)]
            failed = any(not part.limited for part in unlisted)
            self._thrift.listed(failed=failed, unasked=self._steps is not None and not self._steps.listed)

    def _in_steps(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        """Return the parts of a look, one behind the other where the host fails or weight is not plenty.

        A slow host is asked for all parts at once, while weight for a few such looks is left, and where the
        last look showed nothing, for what speaks against that as well.
        """
        plenty, fails, slow = self._thrift.is_plenty, self._probes.fail, self._is_slow
        self._steps = None
        # At a host that failed a moment ago, lists that could lead to nothing wait for the positions too.
        together = self._thrift.suffices if slow else plenty and not fails
        if together and not self._is_helpless():
            asks_beside = slow and not (self._thrift.sighted or self._spared)
            return tuple(map(self._with_witness, parts) if asks_beside else parts)
        self._steps = Steps(
            waits=self._lists_wait,
            doubted=self._speaks_against,
            quiet=self._twaps.leaves_out,
            apart=not (plenty or slow),
            slow=slow,
            kept=self._kept_orders,
        )
        return self._steps.order(parts)

    @abstractmethod
    async def _claims(self, deadline: Deadline, *, wait_s: float = WAIT_S) -> Sequence[Claim]: ...

    def _with_witness(self, part: Part) -> Part:
        if part.name != ACCOUNT:
            return part

        async def read(deadline: Deadline) -> PartRead:
            found: list[PartRead] = []

            async def own() -> None:
                found.append(await part.read(deadline))

            async def beside() -> None:
                # What it says, or that it did not come, is weighed once the lists are there.
                await self._claims(deadline, wait_s=BESIDE_SHARE * deadline.left_s)

            failed = (await settled([own(), beside()]))[0]
            if failed is not None:
                raise failed
            return found[0]

        return replace(part, read=read)

    @property
    def _is_slow(self) -> bool:
        """Whether answers take so long that one step after another would outlast the time of a look."""
        return QUICK_S <= self._insistence.took_s < inf

    def _ends(self, orders: Sequence[OpenOrder]) -> None:
        ended = {order.order_id for order in orders}
        self._kept_orders -= ended
        self._listed_orders -= ended

    def _is_helpless(self) -> bool:
        """Return whether the host failed a moment ago, and no order or cancel could be written meanwhile.

        That takes what the address is, and the numbers of contracts.
        """
        if not self._probes.kept:
            return False
        return not (self._identity.is_known and (self._instruments or self._contracts.any_known))

    def _is_idle(self, kind: str) -> bool:
        if kind == FATE:
            # Positions tell it too, and it is asked again soon.
            return not self._thrift.is_plenty
        # What is held is known, and what a close of it needs is not: the next look tells again.
        return kind == POSITIONS and self._thrift.sighted and self._is_helpless()

    @property
    def _shows_closable(self) -> bool:
        return self._shows_open and not self._leaves

    def _lists_wait(self) -> bool:
        # Neither closes what is open, nor do they prove anything while not all dexes are known.
        idle = (self._closing and self._shows_closable) or self._dexes.error is not None
        if idle and not self._thrift.lists_due:
            return True
        # What they show could not be cancelled, and what is shown could not be closed.
        return self._shows_closable and self._is_helpless()

    async def _speaks_against(self, deadline: Deadline) -> bool:
        # What is asked here is not asked again once the lists have come.
        return not self._shows_open and bool(await self._claims(deadline))

    async def _info(self, asked: Mapping[str, object], deadline: Deadline, *, proof: bool = False) -> Answer:
        kind = str(asked["type"])
        # Before an action could be written, executions tell nothing of what is known to be held.
        idle = kind in ROW_READS and self._thrift.sighted and self._is_helpless()
        if not proof and (idle or self._thrift.withholds(kind, failing=self._probes.kept > 0)):
            code = RESTS if self._thrift.rests(kind) else ""
            raise VenueRejected(WITHHELD, fault=Fault.RATE_LIMIT, code=code)
        units, asked_before = read_units(kind, rows=self._thrift.rows.get(kind)), False

        async def once() -> Answer:
            nonlocal asked_before
            if asked_before and self._shows_closable and kind in FOR_A_PROOF:
                raise VenueRejected(CLOSES_FIRST, fault=Fault.RATE_LIMIT)
            asked_before = True
            return await self._once("publicPostInfo", asked, units=units, deadline=deadline, mutating=False)

        failed = sent = True
        try:
            if kind in ASKED_ONCE or not self._wire.asked.listens or self._is_idle(kind):
                answer = await once()
            else:
                answer = await self._insistence.read(once, units=units, deadline=deadline)
            failed = False
            if kind in ROW_READS and isinstance(answer.value, list):
                self._thrift.rows[kind] = len(answer.value)
        except VenueRejected as error:
            sent = error.fault is not Fault.RATE_LIMIT
            raise
        finally:
            self._thrift.heard(kind, failed=failed, sent=sent)
        return answer

    async def _once(
        self,
        method: str,
        params: Parameters,
        *,
        units: Mapping[str, int],
        deadline: Deadline,
        mutating: bool,
    ) -> Answer:
        if not isinstance(params, Mapping) or "type" not in params:
            return await super()._once(method, params, units=units, deadline=deadline, mutating=mutating)
        if not self._wire.asked.listens:
            await self._leave_to_actions(units[WEIGHT], deadline)
        else:
            if self._thrift.proves and (params["type"] == POSITIONS or not self._probes.kept):
                units = drawn(self._throttle, units, last=self._thrift.half_proven)
            if self._shows_closable and params["type"] in FOR_A_PROOF and not self._has_room(units):
                raise VenueRejected(CLOSES_FIRST, fault=Fault.RATE_LIMIT)
        # A look is worth little where all its parts wait for one that cannot be had in its time.
        self._throttle.refuse_in_vain(units, deadline.left_s)
        due = params["type"] == ORDERS and self._thrift.lists_due
        with self._probes.asking(params, units, due=due):
            return await super()._once(method, params, units=units, deadline=deadline, mutating=mutating)

    def _has_room(self, units: Mapping[str, int]) -> bool:
        """Return whether a read may leave at once: none is waited for while a position could be closed."""
        level = Claimant(level=1)
        ways = [(self._throttle.way(name), count) for name, count in units.items()]
        return all(way.free() - way.promised(level) >= count for way, count in ways)

    async def _leave_to_actions(self, weight: int, deadline: Deadline) -> None:
        # Each process counts its own reads, but all of them the weight: without an act at work, what commands
        # read one after the other leaves of the minute what an exit that follows them begins with.
        left = self._throttle[WEIGHT]
        while left.free() < weight + FOR_ACTIONS:
            wait_s = left.wait_least_s(weight + FOR_ACTIONS)
            if wait_s >= deadline.left_s:
                why = f"{LEFT_TO_EXITS}, for {wait_s:.0f} s more"
                raise VenueRejected(why, fault=Fault.RATE_LIMIT, retry_after_s=wait_s)
            await self._clock.sleep(max(wait_s, LOOK_AGAIN_S))

    async def _venue_time_ms(self, deadline: Deadline) -> int:
        answer = await self._info({"type": "exchangeStatus"}, deadline)
        return Row(answer.value, "exchangeStatus").integer("time")

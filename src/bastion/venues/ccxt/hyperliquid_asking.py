"""Hyperliquid asking: how the adapter reads, within what the minute of its address allows."""

from collections.abc import Mapping

from bastion.errors import Fault, VenueRejected
from bastion.venues.ccxt.hyperliquid_pace import Thrift, read_units
from bastion.venues.ccxt.hyperliquid_probes import Probes
from bastion.venues.ccxt.metered import MeteredVenue
from bastion.venues.deadline import Deadline
from bastion.venues.encoders.signed import Parameters
from bastion.venues.raw import Answer, Row

ASKED_ONCE = frozenset({"perpDexs", "userRole", "exchangeStatus", "spotClearinghouseState"})
"""Not insisted on within one look: all its parts wait for the first, the second has a lighter form, and
without the others a look is as good."""
FOR_A_PROOF = frozenset({"frontendOpenOrders", "twapHistory"})
"""Not insisted on once a position is seen: then the look is there to close it, and proves nothing."""
CLOSES_FIRST = "not sent again: a position is open and is closed first"


class HyperliquidAsking(MeteredVenue):
    """The part of the adapter that every read passes."""

    _thrift: Thrift
    _probes: Probes
    _shows_open = False
    """Whether the look that is under way has shown a position that is to be closed."""

    async def _info(self, asked: Mapping[str, object], deadline: Deadline, *, proof: bool = False) -> Answer:
        kind = str(asked["type"])
        if not proof and self._thrift.withholds(kind):
            raise VenueRejected(
                "not sent: weight is short, and is kept for positions and orders", fault=Fault.RATE_LIMIT
            )
        units, asked_before = read_units(kind), False

        async def once() -> Answer:
            nonlocal asked_before
            if asked_before and self._shows_open and kind in FOR_A_PROOF:
                raise VenueRejected(CLOSES_FIRST, fault=Fault.RATE_LIMIT)
            asked_before = True
            return await self._once("publicPostInfo", asked, units=units, deadline=deadline, mutating=False)

        failed = True
        try:
            if kind in ASKED_ONCE or not self._wire.asked.listens:
                answer = await once()
            else:
                answer = await self._insistence.read(once, units=units, deadline=deadline)
            failed = False
        finally:
            self._thrift.heard(kind, failed=failed)
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
        with self._probes.asking(params, units):
            return await super()._once(method, params, units=units, deadline=deadline, mutating=mutating)

    async def _venue_time_ms(self, deadline: Deadline) -> int:
        answer = await self._info({"type": "exchangeStatus"}, deadline)
        return Row(answer.value, "exchangeStatus").integer("time")

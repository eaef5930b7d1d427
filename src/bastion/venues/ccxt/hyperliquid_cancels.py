"""Hyperliquid cancels: orders of any dex and kind, many in one signed action.

Source: Hyperliquid docs, "Exchange endpoint" (Cancel orders, Cancel a TWAP order).
"""

from collections.abc import Sequence
from typing import ClassVar

from bastion.domain.instrument import Instrument
from bastion.domain.look import Look
from bastion.domain.order import CancelAnswer, OpenOrder
from bastion.errors import OutcomeUnknown, VenueError
from bastion.venues.ccxt.departure import Departures
from bastion.venues.ccxt.hyperliquid_lane import BATCH_MAX
from bastion.venues.ccxt.hyperliquid_protection import HyperliquidProtection
from bastion.venues.ccxt.hyperliquid_statuses import cancel_answer, statuses_of
from bastion.venues.ccxt.hyperliquid_twaps import cancel_form, has_number, is_twap, twap_cancelled
from bastion.venues.deadline import Deadline, settled, together


class HyperliquidCancels(HyperliquidProtection, Departures):
    """The half of the adapter that takes orders away."""

    # One action takes all orders of a wave.
    ORDERS_A_REQUEST: ClassVar[int] = BATCH_MAX

    async def cancel(self, orders: Sequence[OpenOrder], *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Cancel exactly these orders, of any dex and kind, many in one action; one answer each."""
        deadline = Deadline(self._clock, deadline_s)
        self._ends(orders)
        groups = [orders[start : start + BATCH_MAX] for start in range(0, len(orders), BATCH_MAX)]
        answers = await together([self._cancel_group(group, deadline) for group in groups])
        return tuple(answer for group in answers for answer in group)

    async def sweep(self, look: Look, *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Cancel every order of the look; the venue has no bulk means but many cancels in one action."""
        return await self.cancel(look.orders, deadline_s=deadline_s)

    async def _cancel_one(self, order: OpenOrder, deadline: Deadline) -> CancelAnswer:
        return (await self._cancel_group([order], deadline))[0]

    async def _cancel_group(self, orders: Sequence[OpenOrder], deadline: Deadline) -> list[CancelAnswer]:
        answers: dict[int, CancelAnswer] = {}
        contracts = await settled([self._contract(order.instrument, deadline) for order in orders])
        sent: list[int] = []
        twaps: list[int] = []
        for place, (order, contract) in enumerate(zip(orders, contracts, strict=True)):
            if isinstance(contract, VenueError):
                answers[place] = self._not_cancelled(order, contract)
            elif not (has_number(order) if is_twap(order) else order.order_id.isdecimal()):
                answers[place] = CancelAnswer(order=order, gone=False, message="the venue gave no order id")
            elif is_twap(order):
                twaps.append(place)
            else:
                sent.append(place)
        ended = await settled(
            [self._cancel_twap(contracts[place], orders[place], deadline) for place in twaps]
        )
        for place, told in zip(twaps, ended, strict=True):
            order = orders[place]
            answers[place] = self._not_cancelled(order, told) if isinstance(told, VenueError) else told
        if sent:
            try:
                statuses = await self._cancel_action(
                    [(contracts[place], orders[place]) for place in sent], deadline
                )
            except VenueError as error:
                answers |= {place: self._not_cancelled(orders[place], error) for place in sent}
            else:
                for place, status in zip(sent, statuses, strict=True):
                    answers[place] = cancel_answer(orders[place], status)
        return [answers[place] for place in range(len(orders))]

    async def _cancel_action(
        self, pairs: Sequence[tuple[Instrument | VenueError, OpenOrder]], deadline: Deadline
    ) -> Sequence[object]:
        items = [
            {"a": contract.number, "o": int(order.order_id)}
            for contract, order in pairs
            if isinstance(contract, Instrument)
        ]
        action = {"type": "cancel", "cancels": items}
        statuses = statuses_of(await self._act(action, len(items), deadline, expires=False))
        if len(statuses) != len(items):
            raise OutcomeUnknown(f"{len(items)} cancels were sent, {len(statuses)} answered")
        return statuses

    async def _cancel_twap(
        self, contract: Instrument | VenueError, order: OpenOrder, deadline: Deadline
    ) -> CancelAnswer:
        if isinstance(contract, VenueError):
            raise contract
        # The venue ends one TWAP with an action.
        return twap_cancelled(
            order, await self._act(cancel_form(order, contract.number), 1, deadline, expires=False)
        )

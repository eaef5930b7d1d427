"""Ahead: what is read once the venue has taken a round's orders, while it is asked what became of them."""

import asyncio
from decimal import Decimal

from bastion.domain.look import Look
from bastion.domain.money import ZERO
from bastion.domain.order import Fill, OrderStatus
from bastion.domain.records import FillsRead, RoundIntended
from bastion.exits.books import Sent
from bastion.exits.bulkhead import attempt
from bastion.exits.explaining import executions_of
from bastion.exits.looking import look_at
from bastion.exits.settings import ExitSettings
from bastion.exits.sweeping import sweep_may_follow
from bastion.exits.worked import Worked
from bastion.ports import Announcing, Clock, Glancing, Queueing, Venue, offers


class Ahead:
    """Reads the executions and the positions once every order of a round is taken, and none is answered yet.

    Some venues only acknowledge an order, and are asked what became of it. What is read meanwhile counts as
    read after the orders only where it holds each of them filled whole, as the venue's own answer says then;
    else it is thrown away, and read again as it always was. `wake` is set when the venue took an order;
    `counts` tells, until the next look, that the executions of the round were read.
    """

    def __init__(
        self, *, venue: Venue, worked: Worked, clock: Clock, settings: ExitSettings, wake: asyncio.Event
    ) -> None:
        self._venue = venue
        self._worked = worked
        self._clock = clock
        self._settings = settings
        self._wake = wake
        self._glances = offers(venue, Glancing)
        announcing = offers(venue, Announcing)
        if announcing is not None:
            announcing.hear_taken(self._taken)
        queueing = offers(venue, Queueing)
        self._queues = queueing is not None
        if queueing is not None:
            queueing.hear_left(self._left)
        self._round: frozenset[str] = frozenset()
        self._known: set[str] = set()
        self._taken_ns: dict[str, int] = {}
        self._begun_ns: int | None = None
        self._fills: tuple[Fill, ...] | None = None
        self._look: Look | None = None
        self.counts = False

    def begin(self, intent: RoundIntended) -> None:
        """Forget what was read before, since these orders are about to leave."""
        self._round = frozenset(request.client_order_id for request in intent.orders)
        self._known.clear()
        self._begun_ns = self._fills = self._look = None
        self.counts = False

    def hear_taken(self) -> None:
        """Learn which orders the venue took, though what became of them is still being asked."""
        pace = self._worked.pace
        pace.taken_ns |= {cid: at_ns for cid, at_ns in self._taken_ns.items() if cid in pace.in_flight}

    def handed_over(self, client_order_id: str) -> None:
        """Hear that an order was handed to the adapter, where it may have to wait before it leaves."""
        if self._queues:
            self._worked.pace.queued.add(client_order_id)

    def due(self) -> bool:
        """Return whether it is to be read now, which is once a round.

        So it is where every order of the round was taken, no cancel is on its way, and a glance at the
        positions is what will be needed next if all of them fill.
        """
        if self._glances is None or self._begun_ns is not None or not self._round or not self._worked.alone:
            return False
        flying = self._worked.pace.in_flight.keys()
        return flying <= self._known and sweep_may_follow(self._worked.leg)

    async def read(self) -> None:
        """Read both; what does not come in time, or fails, is not there."""
        leg, settings = self._worked.leg, self._settings
        self._begun_ns = self._clock.monotonic_ns()
        limit_s = settings.read_deadline_s
        positions, since_ms = executions_of([leg])
        async with asyncio.TaskGroup() as group:
            fills = group.create_task(
                attempt(
                    lambda: self._venue.fills(positions, since_ms=since_ms, deadline_s=limit_s),
                    seconds=limit_s + settings.call_grace_s,
                )
            )
            look = group.create_task(
                look_at(
                    self._venue,
                    self._glances,
                    clock=self._clock,
                    settings=settings,
                    seconds=limit_s,
                    failed=lambda error: type(error).__name__,
                )
            )
        told = fills.result()
        self._fills = told if isinstance(told, tuple) else None
        self._look = look.result()

    def in_vain(self) -> bool:
        """Return whether an order of the round did not fill whole, or is not answered yet."""
        sent = [self._worked.leg.sent.get(cid) for cid in self._round]
        return not all(order is not None and _filled(order) for order in sent)

    def executions(self) -> FillsRead | None:
        """Return the executions read ahead, where they hold all of every order of the round; then they count.

        They contain what came before our own executions too, so that they say what the same list read after
        the answers would say of these positions.
        """
        leg, begun_ns = self._worked.leg, self._begun_ns
        if begun_ns is None or self._fills is None or self.in_vain():
            return None
        told: dict[str, Decimal] = {}
        for fill in self._fills:
            told[fill.client_order_id] = told.get(fill.client_order_id, ZERO) + fill.quantity
        if any(told.get(cid, ZERO) != leg.sent[cid].filled for cid in self._round):
            self._look = None
            return None
        for cid in self._round:
            self._worked.pace.held_by_what_was_read(cid, leg.sent[cid].key, since_ns=begun_ns)
        self.counts = True
        return FillsRead(
            exit_id=leg.exit_id, account=leg.account.name, run=leg.run, begun_ns=begun_ns, fills=self._fills
        )

    def look(self) -> Look | None:
        """Return the glance read ahead, once, where nothing is held any more; else the next one tells."""
        look, self._look, self.counts = self._look, None, False
        if look is None or not look.parts or look.positions or not all(part.unsent for part in look.unread):
            return None
        return look

    def _left(self, client_order_id: str) -> None:
        self._worked.pace.left(client_order_id, now_ns=self._clock.monotonic_ns())

    def _taken(self, client_order_id: str) -> None:
        self._known.add(client_order_id)
        self._taken_ns[client_order_id] = self._clock.monotonic_ns()
        self._wake.set()


def _filled(order: Sent) -> bool:
    state = order.state
    return state is not None and state.status is OrderStatus.FILLED and state.filled >= order.request.quantity

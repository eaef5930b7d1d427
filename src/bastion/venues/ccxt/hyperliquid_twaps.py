"""Hyperliquid TWAPs: orders that the venue sends by itself, and that stand in no list of open orders.

Source: Hyperliquid docs, "Exchange endpoint" (Place and Cancel a TWAP order), "Order types"; `twapHistory`
has a record for each change of a TWAP's status (`activated`, then `finished`, `terminated` or `error`). One
that runs will go on opening or reducing: it counts as an order of the account, and is cancelled as one.
"""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal

from bastion.domain.money import ZERO, Quantity
from bastion.domain.order import CancelAnswer, OpenOrder
from bastion.errors import AnswerMalformed, Fault, OutcomeUnknown, VenueError, VenueRejected
from bastion.ports import Clock
from bastion.venues.ccxt import hyperliquid_rows as rows
from bastion.venues.ccxt.hyperliquid_statuses import cancel_answer
from bastion.venues.ccxt.in_turn import SPARED
from bastion.venues.ccxt.novelty import Novelty
from bastion.venues.ccxt.venue import PartRead
from bastion.venues.deadline import Deadline
from bastion.venues.raw import Answer, Row, read_rows
from bastion.venues.throttle import NS

PREFIX = "twap-"
"""What stands before a TWAP's number where other orders have theirs: the two are numbered apart."""
PART = "TWAPs"
QUIET_S, QUIET_SHORT_S = 2.0, 30.0
"""Without a running TWAP, the list is read this often only by looks that prove nothing; the second holds
where weight is short."""
NOT_ASKED_S = 60.0
AGAIN_S = 10.0
"""After so long they are asked for also beside orders that rest."""
_RUNS, _ENDED = "activated", frozenset({"finished", "terminated", "error"})
_OVERDUE_MS = 600_000
_MINUTE_MS = 60_000

Ask = Callable[[Mapping[str, object], Deadline], Awaitable[Answer]]


class Twaps:
    """Reads which TWAPs run, as often as the weight of the minute allows."""

    def __init__(self, ask: Ask, clock: Clock, address: str) -> None:
        self._ask = ask
        self._clock = clock
        self._address = address
        self._novelty = Novelty()
        self._quiet_ns: int | None = None
        self._left_out_ns: int | None = None
        self._runs = False
        self._acted_ns = 0
        self._anew = False
        self._absent_ns: int | None = None

    def read_anew(self) -> None:
        """Hear that the next look may prove an account flat: it needs a reading of its own."""
        self._anew = True

    def acted(self) -> None:
        """Hear that an action of ours was answered, or may have been carried out."""
        self._acted_ns = self._clock.monotonic_ns()

    def skips(self, *, is_plenty: bool, held: bool) -> bool:
        """Return whether it is enough for the look that begins now that none ran a moment ago.

        `held` says that the last look showed a position. Of two looks that prove an account flat the second
        follows one without, and the first rests on no reading of before the last action, nor on the second's.
        """
        anew, self._anew = self._anew, False
        if anew and (not held or (self._quiet_ns or 0) < self._acted_ns):
            return False
        return self._younger(self._quiet_ns, QUIET_S if is_plenty or anew else QUIET_SHORT_S)

    def leaves_out(self) -> bool:
        """Return whether a look that proves nothing, since orders rest, leaves them out; for a while it does.

        The look behind the cancels of what rests needs a reading of its own.
        """
        if self._runs:
            return False
        if self._younger(self._quiet_ns, AGAIN_S):
            return True
        self._left_out_ns = self._left_out_ns or self._clock.monotonic_ns()
        return self._younger(self._left_out_ns, AGAIN_S)

    async def read(self, deadline: Deadline, *, spared: bool, now_ms: int) -> PartRead:
        """Return the TWAPs that run; a host that does not know the question has none to tell.

        Raises:
            VenueError: they could not be read.
        """
        if spared:
            raise VenueRejected(SPARED, fault=Fault.RATE_LIMIT)
        if self._younger(self._absent_ns, NOT_ASKED_S):
            return PartRead(notes=(_UNTOLD,))
        begun_ns = self._clock.monotonic_ns()
        try:
            answer = await self._ask({"type": "twapHistory", "user": self._address}, deadline)
        except VenueError as error:
            if not self._novelty.refused(error):
                raise
            self._absent_ns = begun_ns
            return PartRead(notes=(_UNTOLD,))
        self._novelty.answered()
        orders, spot = running(answer, now_ms)
        self._runs, self._left_out_ns = bool(orders), None
        self._quiet_ns = None if orders else begun_ns
        notes = (f"{spot} spot TWAP(s) are left alone",) if spot else ()
        return PartRead(orders=orders, digests=(answer.digest,), notes=notes)

    def _younger(self, since_ns: int | None, seconds: float) -> bool:
        return since_ns is not None and self._clock.monotonic_ns() - since_ns < seconds * NS


_UNTOLD = "this host does not tell TWAPs; one that runs would be neither seen nor cancelled"


def running(answer: Answer, now_ms: int) -> tuple[tuple[OpenOrder, ...], int]:
    """Return the perpetual TWAPs that run, and how many run on spot.

    Raises:
        AnswerMalformed: an odd row, or a status that is not documented.
    """
    begun: dict[str, OpenOrder | None] = {}
    ended: set[str] = set()
    for row in read_rows(answer.value, "twapHistory"):
        state, word = row.row("state"), row.row("status").text("status")
        name = row.text_or("twapId") or f"{state.text('coin')} of {state.text('timestamp')}"
        if word in _ENDED:
            ended.add(name)
        elif word != _RUNS:
            raise AnswerMalformed(f"twapHistory: the status {word[:20]!r} is not documented")
        elif state.integer("timestamp") + state.integer("minutes") * _MINUTE_MS + _OVERDUE_MS > now_ms:
            begun[name] = _order(state, name)
    left = [order for name, order in begun.items() if name not in ended]
    return tuple(order for order in left if order is not None), sum(order is None for order in left)


def cancel_form(order: OpenOrder, number: int | None) -> Mapping[str, object]:
    """Return the action that cancels a TWAP, its fields in the order in which they are signed."""
    return {"type": "twapCancel", "a": number, "t": int(order.order_id.removeprefix(PREFIX))}


def is_twap(order: OpenOrder) -> bool:
    """Return whether an order is a TWAP."""
    return order.order_id.startswith(PREFIX)


def has_number(order: OpenOrder) -> bool:
    """Return whether the venue gave a TWAP the number by which it is cancelled."""
    return order.order_id.removeprefix(PREFIX).isdecimal()


def twap_cancelled(order: OpenOrder, answer: Answer) -> CancelAnswer:
    """Return what became of the cancel of a TWAP.

    Raises:
        OutcomeUnknown: the answer does not say.
    """
    try:
        status = Row(answer.value, "exchange").row("response").row("data").raw("status")
    except AnswerMalformed as error:
        raise OutcomeUnknown(f"{error}; the TWAP may have been cancelled") from None
    return cancel_answer(order, status)


def _order(state: Row, name: str) -> OpenOrder | None:
    coin = state.text("coin")
    if rows.is_spot(coin):
        return None
    left = state.decimal("sz") - (state.decimal_or_none("executedSz") or ZERO)
    return OpenOrder(
        instrument=coin,
        category=rows.CATEGORY,
        order_id=f"{PREFIX}{name}",
        client_order_id="",
        direction=rows.direction(state),
        quantity=Quantity(max(left, Decimal(0))),
        reduce_only=state.flag("reduceOnly"),
        conditional=False,
    )

"""Reads: what one wallet's adapter asks the Strike API, and how each answer is believed."""

from collections.abc import Awaitable, Mapping
from decimal import Decimal

from bastion.domain.look import Unread
from bastion.domain.money import ZERO
from bastion.domain.position import Position
from bastion.errors import AnswerMalformed, Fault, OutcomeUnknown, VenueError, VenueRejected
from bastion.ports import Clock
from bastion.venues.deadline import Deadline, together
from bastion.venues.raw import Answer, Row
from bastion.venues.strike import rows
from bastion.venues.strike.faults import refusal
from bastion.venues.strike.figures import balances_agree
from bastion.venues.strike.wire import StrikeWire

MARKS_FRESH_S = 5.0
READS_KEPT_FREE = 30
NS = 1_000_000_000
NS_PER_MS = 1_000_000
PUBLIC = {"public": 1}
PROOF_TRIES = 3
NOT_FOUND = 404


class StrikeReads:
    """Requests of one wallet, each judged. `offset_ms` is the venue's clock less ours, None until read."""

    def __init__(self, *, wire: StrikeWire, clock: Clock, wallet: str) -> None:
        self._wire = wire
        self._clock = clock
        self._wallet = wallet
        self._marks: dict[str, Decimal] = {}
        self._marks_ns: int | None = None
        self.offset_ms: int | None = None

    async def read(self, path: str, deadline: Deadline, *, signed: bool = False) -> Answer:
        """Return a successful answer.

        Raises:
            VenueError: none came, or the venue refused.
        """
        units = {} if path == "/health" else PUBLIC
        answer = await self._wire.call("GET", path, signed=signed, units=units, deadline_s=deadline.left_s)
        return self._judged(answer, mutating=False)

    async def positions(self, deadline: Deadline) -> Row:
        """Return the wallet's lists: open, closed (waiting for their payout) and settled."""
        return Row((await self.positions_answer(deadline)).value, "positions")

    async def positions_answer(self, deadline: Deadline) -> Answer:
        """Return the raw answer of the wallet's lists."""
        return await self.read(f"/positions/{self._wallet}", deadline)

    async def account(self, deadline: Deadline) -> Row:
        """Return the wallet's balances, deposits and withdrawals."""
        return Row((await self.read(f"/account/{self._wallet}", deadline)).value, "account")

    async def market(self, symbol: str, deadline: Deadline) -> Row:
        """Return one market."""
        return Row((await self.read(f"/market/{symbol}", deadline)).value, "market")

    async def health(self, deadline: Deadline) -> Answer:
        """Return the venue's word on itself, and take its clock from it."""
        before_ns = self._clock.now_ns()
        answer = await self.read("/health", deadline)
        at_ms = rows.time_ms(Row(answer.value, "health"), "timestamp")
        self.offset_ms = at_ms - before_ns // NS_PER_MS
        return answer

    async def dashboard(self, deadline: Deadline) -> Row | None:
        """Return the wallet's dashboard; None (404) of a wallet that never did anything."""
        path = f"/dashboard/{self._wallet}"
        answer = await self._wire.call("GET", path, units=PUBLIC, deadline_s=deadline.left_s)
        if answer.status == NOT_FOUND:
            return None
        return Row(self._judged(answer, mutating=False).value, "dashboard")

    async def active(self, deadline: Deadline) -> tuple[Row, ...]:
        """Return the dashboard's open positions."""
        board = await self.dashboard(deadline)
        return () if board is None else board.rows("active")

    async def accounted(self, deadline: Deadline) -> bool:
        """Return whether the wallet's balance holds all that is its own, by lists and movements."""
        for _ in range(PROOF_TRIES):
            # The two reads are not of one moment; a change between them is out of the way in the next pair.
            listed, account = await together([self.positions(deadline), self.account(deadline)])
            if balances_agree(listed, account):
                return True
        return False

    def extras(self, deadline: Deadline) -> list[Awaitable[Answer]]:
        """Return the reads that make a look richer and whose failure does not matter: marks and clock."""
        extras: list[Awaitable[Answer]] = []
        now_ns = self._clock.monotonic_ns()
        old = self._marks_ns is None or now_ns - self._marks_ns >= MARKS_FRESH_S * NS
        if old and self._wire.throttle["public"].free() > READS_KEPT_FREE:
            self._marks_ns = now_ns
            extras.append(self._read_marks(deadline))
        if self.offset_ms is None:
            extras.append(self.health(deadline))
        return extras

    def listed(self, answer: Answer) -> tuple[tuple[Position, ...], tuple[str, ...]]:
        """Return the open positions of an answer, and a note on the claims that wait for their payout.

        Raises:
            AnswerMalformed: any item is not what it should be; then none of them is believed.
        """
        listed = Row(answer.value, "positions")
        waiting, ended = listed.rows("closed"), listed.rows("settled")
        found = tuple(
            rows.position(row, mark=self._marks.get(row.text("symbol"))) for row in listed.rows("open")
        )
        if len({position.instrument for position in found}) != len(found):
            raise AnswerMalformed("positions: one id is listed twice")
        for row in ended:
            row.integer("id")
        if not waiting:
            return found, ()
        total = sum((row.decimal("margin") + row.decimal("realizedPnl") for row in waiting), ZERO)
        noun = "claim waits" if len(waiting) == 1 else "claims wait"
        return found, (f"{len(waiting)} {noun} in the payout queue: {total:,.2f} USD, no exposure",)

    async def act(
        self,
        path: str,
        body: Mapping[str, object],
        units: Mapping[str, int],
        deadline: Deadline,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Row:
        """Send one request that changes something, once, and return its successful answer.

        Raises:
            VenueRejected: the venue refused; nothing was executed.
            VenueUnreachable: it certainly did not leave.
            OutcomeUnknown: it may have been executed.
        """
        answer = await self._wire.call(
            "POST",
            path,
            body=body,
            headers=headers,
            signed=True,
            units=units,
            deadline_s=deadline.left_s,
        )
        self._judged(answer, mutating=True)
        try:
            row = Row(answer.value, path)
        except AnswerMalformed as error:
            raise OutcomeUnknown(f"{error}; it may have been executed") from None
        if not row.flag("success"):
            raise OutcomeUnknown(f"{path} was answered without success; it may have been executed")
        return row

    def unread(self, error: VenueError) -> Unread:
        """Return the part of a look that did not come, and why."""
        terminal = isinstance(error, VenueRejected) and error.fault is Fault.TERMINAL
        return Unread(part="positions", reason=self._wire.masked(str(error)), terminal=terminal)

    async def _read_marks(self, deadline: Deadline) -> Answer:
        answer = await self.read("/markets", deadline)
        listed = Row(answer.value, "markets").rows("markets")
        prices = {row.text("symbol"): row.positive_or_none("price") for row in listed}
        self._marks = {symbol: price for symbol, price in prices.items() if price is not None}
        return answer

    def _judged(self, answer: Answer, *, mutating: bool) -> Answer:
        error = refusal(answer, mutating=mutating)
        if error is None:
            return answer
        error.args = (self._wire.masked(str(error)),)
        raise error

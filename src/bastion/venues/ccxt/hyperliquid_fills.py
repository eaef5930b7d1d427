"""Hyperliquid fills: executions of an account, and the position that the last of them left.

Source: Hyperliquid docs, "Info endpoint", Retrieve a user's fills (2000 at most, newest first) and by time
(2000 at most, oldest first; only the 10000 newest can be had). `startPosition` is the signed position before
the execution: with its size, it tells the position after it, apart from the clearinghouse's own word. Two
questions tell the same executions, so that where one fails the other is asked.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.domain.money import ZERO
from bastion.domain.order import Direction, Fill
from bastion.domain.position import Position
from bastion.errors import AnswerMalformed, Fault, VenueError, VenueRejected
from bastion.ports import Clock
from bastion.shape import dataclass
from bastion.venues.ccxt import hyperliquid_rows as rows
from bastion.venues.ccxt.gathered import Gathered
from bastion.venues.ccxt.hyperliquid_cloid import client_id_of
from bastion.venues.deadline import Deadline
from bastion.venues.raw import STABLECOINS, Answer, Row, plain, read_rows
from bastion.venues.throttle import NS

PAGE, PAGES_MAX = 2000, 10
RECENT_MS = 600_000
"""So far back the newest executions are looked for by time, where the newest cannot be asked for."""
_STABLE = STABLECOINS | {"USDT0", "USDH", "USDXL"}

OLDER_S = 10.0
"""So long it counts what an execution of before the exit is said to have left, where that is something."""

RESTS = "rests"
"""The code of what is not asked for since it failed lately, where another question tells the same."""

Ask = Callable[[Mapping[str, object], Deadline], Awaitable[Answer]]


@dataclass(slots=True)
class Latest:
    """The executions that were read last, whoever asked: when that began, since when they are, and they.

    `newest` are the newest 2000 of all, which tell of every coin; `recent` those since a time.
    """

    recent: tuple[int, int, Sequence[Row]] | None = None
    newest: tuple[int, Sequence[Row]] | None = None

    def since(self, since_ms: int | None) -> tuple[int, Sequence[Row]] | None:
        """Return when the last reading began that tells of all since then (None: ever), and what it told."""
        if self.recent is None or since_ms is None or self.recent[1] > since_ms:
            return self.newest
        if self.newest is not None and self.newest[0] > self.recent[0]:
            return self.newest
        return self.recent[0], self.recent[2]


class HyperliquidFills:
    """Reads executions; `own` maps order ids to our client ids, for answers that name no client id.

    What it reads is left in `latest`, which several of them may share.
    """

    def __init__(self, ask: Ask, address: str, own: Mapping[str, str], clock: Clock, latest: Latest) -> None:
        self._clock = clock
        self.latest = latest
        self._ask = ask
        self._address = address
        self._own = own
        # One list holds every coin.
        self._newest_page, self._recent_page = Gathered[Sequence[Row]](), Gathered[Sequence[Row]]()
        self._begin_ms: int | None = None
        self._older: dict[str, tuple[int, Decimal | None]] = {}

    async def read(
        self,
        positions: Sequence[Position],
        since_ms: int,
        settles: Mapping[str, str],
        deadline: Deadline,
    ) -> tuple[Fill, ...]:
        """Return the executions since `since_ms` in these positions' coins, oldest first.

        Raises:
            VenueError: they could not all be read.
        """
        coins = {position.instrument for position in positions}
        trades = [row for row in await self._since(since_ms, deadline) if row.text("coin") in coins]
        foreign = {row.text_or("feeToken", rows.USDC) for row in trades} - _STABLE
        rates = await self._rates(foreign, deadline) if foreign else {}
        found = [self._fill(row, settles, rates) for row in trades]
        return tuple(sorted(found, key=lambda fill: (fill.at_ms, fill.instrument, fill.fill_id)))

    async def last_position(self, coin: str, deadline: Deadline, *, now_ms: int) -> Decimal | None:
        """Return the signed position that the newest execution in a coin left; None where none is listed.

        Raises:
            VenueError: the list could not be read.
        """
        if self._begin_ms is not None:
            # What was done since then is asked for anyway; where a coin is in it, so is its newest execution.
            left = _ends(await self._since(self._begin_ms, deadline.share(2))).get(coin)
            if left is not None:
                return left
            known = self._older.get(coin)
            if known is not None and self._holds(*known):
                return known[1]
        begun_ns = self._clock.monotonic_ns()
        try:
            listed = await self._newest(deadline.share(2))
        except VenueError as error:
            if _is_final(error):
                raise
            recent = await self._recent(now_ms - RECENT_MS, deadline)
            left = _ends(recent).get(coin)
            if left is None:
                # Older ones are not among these: nothing is known of the coin.
                raise error from None
            return left
        left = _ends(listed).get(coin)
        if self._begin_ms is not None:
            self._older[coin] = (begun_ns, left)
        return left

    def _holds(self, read_ns: int, left: Decimal | None) -> bool:
        # That nothing is left stays so, since nothing came after it. That something is left may be the word
        # of a list that trailed then: it is asked again.
        return not left or self._clock.monotonic_ns() - read_ns < OLDER_S * NS

    async def left_by_last(
        self, since_ms: int | None, deadline: Deadline
    ) -> tuple[int, Mapping[str, Decimal]]:
        """Return the time of the newest execution, and the signed position that each coin's newest left.

        `since_ms` asks only for those since then; None for the 2000 newest of all.

        Raises:
            VenueError: the list could not be read.
        """
        if since_ms is None:
            listed = await self._newest(deadline)
        else:
            listed = await self._since(since_ms, deadline)
        return left_by(listed, since_ms)

    async def _newest(self, deadline: Deadline) -> Sequence[Row]:
        return await self._newest_page.read(self._ask_for_newest, deadline)

    async def _ask_for_newest(self, deadline: Deadline) -> Sequence[Row]:
        begun_ns = self._clock.monotonic_ns()
        answer = await self._ask({"type": "userFills", "user": self._address}, deadline)
        listed = read_rows(answer.value, "userFills")
        self.latest.newest = (begun_ns, listed)
        return listed

    def _fill(self, row: Row, settles: Mapping[str, str], rates: Mapping[str, Decimal]) -> Fill:
        token = row.text_or("feeToken", rows.USDC)
        fill = rows.fill(
            row,
            settles,
            fee_rate=rates.get(token, Decimal(1)),
            client_order_id=client_id_of(row.text_or("cloid")) or self._own.get(row.text("oid"), ""),
        )
        if token in _STABLE:
            return fill
        if token not in rates:
            return replace(fill, fee_note=f"{token} counted 1:1, since its price is unknown")
        return replace(fill, fee_note=f"{token} at the mid price of {plain(rates[token])} USD")

    async def _since(self, since_ms: int, deadline: Deadline) -> list[Row]:
        try:
            recent = await self._recent(since_ms, deadline.share(2))
            return [row for row in recent if row.integer("time") >= since_ms]
        except VenueError as error:
            if _is_final(error):
                raise
            listed = await self._newest(deadline)
            if len(listed) >= PAGE and all(row.integer("time") >= since_ms for row in listed):
                # The page may have ended before it came to all of them.
                raise error from None
            return [row for row in listed if row.integer("time") >= since_ms]

    async def _recent(self, since_ms: int, deadline: Deadline) -> Sequence[Row]:
        # One list serves all who ask at one moment: it begins as early as any of them wants.
        self._begin_ms = since_ms if self._begin_ms is None else min(since_ms, self._begin_ms)
        return await self._recent_page.read(self._by_time, deadline)

    async def _by_time(self, deadline: Deadline) -> list[Row]:
        # Newest first, as the other list has them: of one millisecond, only the order tells the last.
        found: dict[str, Row] = {}
        begun_ns = self._clock.monotonic_ns()
        begin_ms = since_ms = self._begin_ms or 0
        for _ in range(PAGES_MAX):
            asked = {"type": "userFillsByTime", "user": self._address, "startTime": begin_ms}
            answer = await self._ask(asked, deadline)
            page = read_rows(answer.value, "userFillsByTime")
            found |= {f"{row.text('coin')}|{row.text('tid')}": row for row in page}
            if len(page) < PAGE:
                recent = list(reversed(found.values()))
                self.latest.recent = (begun_ns, since_ms, recent)
                return recent
            last_ms = max(row.integer("time") for row in page)
            if last_ms <= begin_ms:
                raise AnswerMalformed(f"userFillsByTime: {PAGE} executions in one millisecond")
            begin_ms = last_ms
        raise AnswerMalformed(f"userFillsByTime: more than {PAGES_MAX * PAGE} executions")

    async def _rates(self, tokens: set[str], deadline: Deadline) -> dict[str, Decimal]:
        mids = Row((await self._ask({"type": "allMids"}, deadline)).value, "allMids")
        return {token: mids.decimal(token) for token in tokens if token in mids}


def left_by(listed: Iterable[Row], since_ms: int | None) -> tuple[int, Mapping[str, Decimal]]:
    """Return the time of the newest execution, and the signed position that each coin's newest left."""
    listed = tuple(listed)
    return max((row.integer("time") for row in listed), default=since_ms or 0), _ends(listed)


def _ends(listed: Iterable[Row]) -> dict[str, Decimal]:
    newest: dict[str, list[Row]] = {}
    for row in listed:
        if row.decimal_or_none("startPosition") is None:
            continue  # Without it, nothing follows for the coin.
        kept = newest.setdefault(row.text("coin"), [])
        if kept and kept[0].integer("time") < row.integer("time"):
            kept.clear()
        if not kept or kept[0].integer("time") == row.integer("time"):
            kept.append(row)
    return {coin: _end(last) for coin, last in newest.items()}


def _is_final(error: VenueError) -> bool:
    # What is refused for a limit, or for the account's sake, fares no better by another name.
    if not isinstance(error, VenueRejected):
        return False
    return error.fault is Fault.TERMINAL or (error.fault is Fault.RATE_LIMIT and error.code != RESTS)


def _end(last: Sequence[Row]) -> Decimal:
    before = [row.decimal("startPosition") for row in last]
    after = [start + _signed(row) for start, row in zip(before, last, strict=True)]
    # Executions of one millisecond form a chain: its end is where no other begins.
    ends = [end for end in after if end not in before]
    return ends[0] if len(ends) == 1 else after[0]


def _signed(row: Row) -> Decimal:
    size = row.decimal("sz")
    return size if rows.direction(row) is Direction.BUY else ZERO - size

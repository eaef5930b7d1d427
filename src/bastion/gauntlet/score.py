"""Score: what a program came to, by the paper exchange's own ledger and request log, not by its word."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from decimal import Decimal
from typing import Any

from bastion.gauntlet.stage import MARKS, STEPS, Best, Stage
from bastion.gauntlet.tongue import TONGUES
from bastion.shape import dataclass

ACCOUNT = "main"
Leg = tuple[str, str, str]
"""A position's venue, symbol and side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A position that is still open: its signed size in the venue's unit, its worth, and if it is dust."""

    venue: str
    symbol: str
    side: str
    quantity: Decimal
    notional_usd: Decimal
    is_dust: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """When a program was started and had ended, in the venues' time, and whether it claims flat."""

    started_ms: int
    ended_ms: int
    claims_flat: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What is true afterwards.

    `grown` are executions of the program's own orders that opened, enlarged or turned a position.
    `first_request_ms` and `flat_after_ms` count from the program's start: its first request, and when the
    last position was closed for good; None where that never came. `open_dollar_seconds` sums the worth of
    what was open over the seconds for which it was; what is left open counts to the deadline.
    """

    left: tuple[Left, ...]
    grown: int
    orders_left: int
    requests: int
    order_requests: int
    requests_while_banned: int
    first_request_ms: int | None
    flat_after_ms: int | None
    open_dollar_seconds: Decimal
    claims_flat: bool

    @property
    def open(self) -> tuple[Left, ...]:
        """What is left above dust."""
        return tuple(row for row in self.left if not row.is_dust)

    @property
    def is_flat(self) -> bool:
        """Whether nothing above dust is left."""
        return not self.open

    @property
    def is_falsely_flat(self) -> bool:
        """Whether the program claims to be flat and is not."""
        return self.claims_flat and not self.is_flat

    @property
    def is_unsafe(self) -> bool:
        """Whether something happened that an exit must never do."""
        return self.is_falsely_flat or self.grown > 0 or (self.claims_flat and self.orders_left > 0)

    def reaches(self, stage: Stage) -> bool:
        """Whether nothing unsafe happened and the best that could be done was done, and was said."""
        if self.is_unsafe:
            return False
        if stage.best is Best.OPEN:
            return not self.claims_flat and all(self._out_of_reach(row, stage) for row in self.open)
        return self.is_flat and self.claims_flat

    @staticmethod
    def _out_of_reach(row: Left, stage: Stage) -> bool:
        stuck = {TONGUES[row.venue].named(coin) for coin in stage.stuck}
        return stage.is_shut or row.venue in stage.dead or row.symbol in stuck


@dataclass(slots=True)
class _Walk:
    """Positions through time, from the opening holdings on, by the executions in their order."""

    held: dict[Leg, Decimal]
    sizes: dict[Leg, Decimal]
    since_ms: int
    sum: Decimal = Decimal(0)
    flat_ms: int | None = None
    grown: int = 0
    own_ids: frozenset[str] = field(default_factory=frozenset)

    def worth(self) -> Decimal:
        return sum((abs(size) * self.sizes[leg] for leg, size in self.held.items()), Decimal(0))

    def until(self, now_ms: int) -> None:
        self.sum += self.worth() * max(now_ms - self.since_ms, 0) / 1_000
        self.since_ms = max(now_ms, self.since_ms)

    def take(self, leg: Leg, fill: Mapping[str, Any]) -> None:
        self.until(int(fill["time_ms"]))
        before = self.held.get(leg, Decimal(0))
        change = Decimal(str(fill["quantity"])) * (1 if fill["direction"] == "BUY" else -1)
        after = before + change
        self.held[leg] = after
        is_reduction = abs(after) <= abs(before) and before * after >= 0
        if not is_reduction and str(fill["client_order_id"]) not in self.own_ids:
            self.grown += 1


def judge(
    stage: Stage, ended: Ended, state: Mapping[str, Any], requests: Sequence[Mapping[str, Any]]
) -> Score:
    """Return the score by the state and the requests that the control port tells."""
    accounts = {venue: state["venues"][venue]["accounts"][ACCOUNT] for venue in stage.venues}
    walk = _walk(stage, ended, accounts)
    left = _left(stage, accounts)
    return Score(
        left=left,
        grown=walk.grown,
        orders_left=sum(len(account["open_orders"]) for account in accounts.values()),
        requests=len(requests),
        order_requests=sum(1 for row in requests if _is_order(row)),
        requests_while_banned=_while_banned(requests),
        first_request_ms=_since(ended, [int(row["received_ms"]) for row in requests]),
        flat_after_ms=_since(ended, [] if walk.flat_ms is None else [walk.flat_ms]),
        open_dollar_seconds=walk.sum.quantize(Decimal(1)),
        claims_flat=ended.claims_flat,
    )


def _since(ended: Ended, moments: Sequence[int]) -> int | None:
    return max(min(moments) - ended.started_ms, 0) if moments else None


def _walk(stage: Stage, ended: Ended, accounts: Mapping[str, Any]) -> _Walk:
    worths = {
        (tongue.venue, tongue.named(coin)): MARKS[coin] * tongue.sizes.get(coin, Decimal(1))
        for tongue in (TONGUES[venue] for venue in stage.venues)
        for coin in MARKS
    }
    held: dict[Leg, Decimal] = {}
    for venue in stage.venues:
        tongue = TONGUES[venue]
        for holding in stage.holdings:
            size = Decimal(tongue.contracts(holding.coin, holding.quantity))
            held[venue, tongue.named(holding.coin), holding.side] = size
    fills = [
        ((venue, str(fill["symbol"]), str(fill["position_side"])), fill)
        for venue, account in accounts.items()
        for fill in account["fills"]
        if not str(fill["client_order_id"]).startswith("opening-")
    ]
    fills.sort(key=lambda row: (int(row[1]["time_ms"]), int(row[1]["fill_id"])))
    sizes = {leg: worths[leg[0], leg[1]] for leg in [*held, *(leg for leg, _ in fills)]}
    walk = _Walk(held=held, sizes=sizes, since_ms=ended.started_ms, own_ids=stage.own_ids)
    for leg, fill in fills:
        walk.take(leg, fill)
        walk.flat_ms = None if any(walk.held.values()) else int(fill["time_ms"])
    # Nobody closes what the program left: it counts for as long as the program might have worked on.
    if any(walk.held.values()):
        walk.until(max(ended.started_ms + stage.deadline_s * 1_000, ended.ended_ms))
    return walk


def _left(stage: Stage, accounts: Mapping[str, Any]) -> tuple[Left, ...]:
    found = []
    for venue, account in accounts.items():
        tongue = TONGUES[venue]
        least = {
            tongue.named(coin): Decimal(
                str(stage.rules.get(coin, {}).get("quantity_min", tongue.contracts(coin, STEPS[coin])))
            )
            for coin in MARKS
        }
        for row in account["positions"]:
            quantity = Decimal(str(row["quantity"]))
            if quantity:
                found.append(
                    Left(
                        venue=venue,
                        symbol=row["symbol"],
                        side=row["side"],
                        quantity=quantity,
                        notional_usd=abs(Decimal(str(row["notional"]))).quantize(Decimal("0.01")),
                        is_dust=abs(quantity) < least[row["symbol"]],
                    )
                )
    return tuple(found)


def _is_order(row: Mapping[str, Any]) -> bool:
    paths = TONGUES[row["venue"]].orders.split("|")
    return row["method"] == "POST" and row["path"] in paths


def _while_banned(requests: Sequence[Mapping[str, Any]]) -> int:
    # Only what left after the first answer that told of the ban: earlier ones were under way already.
    refused = [row for row in requests if row["status"] in {403, 418} or row["code"] == "50110"]
    if not refused:
        return 0
    told_ns = min(int(row["answered_ns"]) for row in refused)
    return sum(1 for row in refused if int(row["received_ns"]) > told_ns)

"""Settings: every limit of an exit, with its default and unit."""

from dataclasses import replace
from decimal import Decimal

from bastion.shape import dataclass

MARGIN_SHARE = 20
"""At most so small a part of a deadline is kept for telling how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitSettings:
    """The limits of an exit; the unit stands last in each name.

    `look_gap_ms` is the least time between the beginnings of the two looks that prove flat (law 1).
    `deadline_s` and `hold_s` are defaults for requests that name none. What an exit came to is judged
    `answer_margin_s` before its deadline, or a twentieth of it where that is less, so that its list of what
    is left is written down and told by then. After a verdict that is not flat, a holding process goes on for
    `chase_s`, which is a day: a round every `chase_gap_s`, and after `chase_slow_after_s` one every
    `chase_slow_gap_s`. Where a margin refund is the last rung, it is asked for once closing was refused in
    `refund_after_tries` rounds and for `refund_after_s`.
    Where a part of a position is to stay, an order that was lost is replaced after `exact_patience_s`, which
    is longer than an order of ours can wait at a venue (its receive window, 5 s).

    A cancel that was not carried out is sent again after twice as long each time, up to
    `cancel_backoff_max_s`. Where nothing but reads that a venue's limit refused keep a proof back at the
    deadline, the exit goes on for `limit_window_s` once more, though never longer than its deadline was.

    What our fills say is closed, and a look still shows, is closed again only by a look that began
    `stale_patience_s` later: so long the venue's reads may trail its matching.

    A close that is on its way for `overdue_s` without an answer is overtaken by another one, once, where the
    venue lets both only reduce and a look that began after the first had left still shows the position. One
    that the venue is known to have taken is not: it has the time of its rung.

    The work on an account takes at most `looks_max` looks and `steps_max` steps in each `allowance_s`.

    Executions that prove nothing any more, but tell what an account realised, are asked for once all accounts
    of the exit have their verdicts, and at most `figures_wait_s` after its own: until then they would take
    from what is still closed and proven. The venue has `fills_patience_s` to show them, and a question which
    coins are left, which goes out beside the wait for the last look, has `coins_patience_s` to be answered.

    Where many books wait for executions, a second source is asked for them only `many_seconds_s` after the
    last act.

    While closes of a wave are on their way, looks leave out the lists of orders for `wave_orders_s` after
    they last came; while one of them waits here for the venue's limits, a look comes every `queue_look_s`.

    The first orders of an exit of everything go by a look of the desk that is at most `recent_look_s` old.

    Each rung of the ladder has a time and a bound on what it may cost. An order that the venue took and did
    not end is cancelled `market_rung_s`, `ioc_rung_s` or `resting_rung_s` after its acknowledgement, and the
    next rung is tried.
    Market has no bound. Immediate-or-cancel limits are bounded by `ioc_bounds` in turn, as shares of the mark
    price; an exit that a guard asked for begins with one bounded by `guard_bound` (None: at market as well).
    A resting limit is at most `resting_bound` from the mark, and nearer where the venue refuses that.
    """

    look_gap_ms: int = 250
    deadline_s: Decimal = Decimal(60)
    answer_margin_s: float = 0.5
    recent_look_s: float = 30.0
    hold_s: Decimal = Decimal(60)
    read_deadline_s: float = 8.0
    order_deadline_s: float = 4.0
    call_grace_s: float = 0.5
    intent_commit_budget_ms: int = 20
    journal_deadline_s: float = 2.0
    fills_grace_ms: int = 250
    fills_patience_s: float = 3.0
    coins_patience_s: float = 0.5
    figures_wait_s: float = 10.0
    backoff_first_s: float = 0.1
    backoff_max_s: float = 2.0
    cancel_backoff_max_s: float = 5.0
    rate_limit_wait_s: float = 1.0
    rate_limit_wait_max_s: float = 30.0
    stale_patience_s: float = 2.5
    market_rung_s: float = 2.0
    ioc_rung_s: float = 2.0
    resting_rung_s: float = 5.0
    limit_window_s: float = 60.0
    resolve_after_s: float = 1.0
    resolve_patience_s: float = 0.25
    many_seconds_s: float = 1.5
    exact_patience_s: float = 8.0
    overdue_s: float = 2.0
    wave_orders_s: float = 10.0
    queue_look_s: float = 2.0
    straggler_s: float = 0.5
    cancels_alone_s: float = 3.0
    surprise_wait_s: float = 0.25
    chase_terminal_gap_s: float = 30.0
    collateral_after_s: float = 2.0
    hold_look_gap_s: float = 2.0
    chase_gap_s: float = 5.0
    chase_slow_after_s: float = 900.0
    chase_slow_gap_s: float = 60.0
    chase_s: float = 86_000.0
    rounds_max: int = 4000
    allowance_s: float = 1_800.0
    looks_max: int = 2000
    steps_max: int = 20000
    terminal_tries_max: int = 3
    surprises_max: int = 20
    leg_s_max: float = 86_400.0
    slices_max: int = 20
    ioc_bounds: tuple[Decimal, ...] = (
        Decimal("0.01"),
        Decimal("0.02"),
        Decimal("0.05"),
        Decimal("0.10"),
    )
    guard_bound: Decimal | None = Decimal("0.05")
    resting_bound: Decimal = Decimal("0.10")
    dust_notional_usd: Decimal = Decimal(5)
    refund_after_tries: int = 3
    refund_after_s: float = 10.0

    @property
    def intent_wait_s(self) -> float:
        """The longest that orders wait until what announces them is durable anywhere.

        A commit has its budget for the journal and again for the spool, and there may be one ahead of it.
        """
        return 5 * self.intent_commit_budget_ms / 1000

    def judged_within_s(self, deadline_s: Decimal) -> float:
        """Return after how many seconds an exit of that deadline is judged at the latest."""
        whole_s = float(deadline_s)
        return whole_s - min(self.answer_margin_s, whole_s / MARGIN_SHARE)


LADDER = {
    "market_rung_s": (Decimal("0.5"), Decimal(60)),
    "ioc_rung_s": (Decimal("0.5"), Decimal(60)),
    "resting_rung_s": (Decimal("0.5"), Decimal(600)),
    "guard_bound_pct": (Decimal(0), Decimal(50)),
    "resting_bound_pct": (Decimal(0), Decimal(50)),
}
"""The least and the most of each of the ladder's limits."""
IOC_BOUNDS = "ioc_bounds_pct"
IOC_BOUNDS_COUNT_MAX = 10
IOC_BOUND_MOST = Decimal(50)


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderLimits:
    """The ladder as the configuration says it: each rung's time in seconds, and its bound in per cent.

    The names are those of the file's keys. A `guard_bound_pct` of zero means that a guard's exit begins at
    market, as every other does.
    """

    market_rung_s: Decimal = Decimal(2)
    ioc_rung_s: Decimal = Decimal(2)
    resting_rung_s: Decimal = Decimal(5)
    guard_bound_pct: Decimal = Decimal(5)
    resting_bound_pct: Decimal = Decimal(10)
    ioc_bounds_pct: tuple[Decimal, ...] = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))

    def put_into(self, settings: ExitSettings) -> ExitSettings:
        """Return the settings with these limits."""
        return replace(
            settings,
            market_rung_s=float(self.market_rung_s),
            ioc_rung_s=float(self.ioc_rung_s),
            resting_rung_s=float(self.resting_rung_s),
            guard_bound=self.guard_bound_pct / 100 if self.guard_bound_pct else None,
            resting_bound=self.resting_bound_pct / 100,
            ioc_bounds=tuple(bound / 100 for bound in self.ioc_bounds_pct),
        )

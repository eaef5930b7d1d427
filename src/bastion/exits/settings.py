"""Settings: every limit of an exit, with its default and unit."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitSettings:
    """The limits of an exit; the unit stands last in each name.

    `look_gap_ms` is the least time between the beginnings of the two looks that prove flat (law 1).
    `deadline_s` and `hold_s` are defaults for requests that name none. After a verdict that is not flat, a
    holding process goes on for `chase_s`, a round every `chase_gap_s`. Where a margin refund is the last
    rung, it is asked for once closing was refused in `refund_after_tries` rounds and for `refund_after_s`.
    Where a part of a position is to stay, an order that was lost is replaced after `exact_patience_s`, which
    is longer than an order of ours can wait at a venue (its receive window, 5 s).
    """

    look_gap_ms: int = 250
    deadline_s: Decimal = Decimal(60)
    hold_s: Decimal = Decimal(60)
    read_deadline_s: float = 4.0
    order_deadline_s: float = 4.0
    call_grace_s: float = 0.5
    intent_commit_budget_ms: int = 20
    journal_deadline_s: float = 2.0
    fills_grace_ms: int = 250
    fills_patience_s: float = 3.0
    backoff_first_s: float = 0.1
    backoff_max_s: float = 2.0
    rate_limit_wait_s: float = 1.0
    rate_limit_wait_max_s: float = 30.0
    stale_patience_s: float = 2.0
    live_patience_s: float = 2.0
    resolve_after_s: float = 1.0
    resolve_patience_s: float = 1.0
    exact_patience_s: float = 8.0
    straggler_s: float = 0.5
    surprise_wait_s: float = 0.25
    chase_terminal_gap_s: float = 30.0
    hold_look_gap_s: float = 2.0
    chase_gap_s: float = 5.0
    chase_s: float = 900.0
    rounds_max: int = 400
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
    dust_notional_usd: Decimal = Decimal(5)
    refund_after_tries: int = 3
    refund_after_s: float = 10.0

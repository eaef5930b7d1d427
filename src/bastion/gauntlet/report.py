"""Report: what a program came to in every scenario, and in all of them."""

from collections.abc import Sequence
from decimal import Decimal
from statistics import median

from bastion.gauntlet.program import Claim
from bastion.gauntlet.rows import Row
from bastion.gauntlet.score import Left, Score
from bastion.gauntlet.stage import Stage
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GauntletRun:
    """One scenario at one venue.

    All but `claimed_flat`, `exit_code` and `said` is the paper exchange's own word. `best` is what the best
    of programs comes to, `reached_best` whether this one did, safely, and said so. Times are milliseconds
    from the program's start; `open_dollar_seconds` is the worth of what was open, in USD, summed over the
    seconds. `grown` counts executions that opened, enlarged or turned a position.
    """

    scenario: str
    venue: str
    seed: int
    best: str
    flat: bool
    claimed_flat: bool
    falsely_flat: bool
    grown: int
    orders_left: int
    left: tuple[Left, ...]
    unsafe: bool
    reached_best: bool
    requests: int
    order_requests: int
    requests_while_banned: int
    time_ms: int
    first_request_ms: int | None
    flat_after_ms: int | None
    open_dollar_seconds: Decimal
    deadline_s: int
    timed_out: bool
    exit_code: int | None
    said: str | None
    replay: str
    last_words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GauntletTotals:
    """All runs together: how many, and in how many of them it was so; the time is that of the middle run."""

    runs: int
    flat: int
    reached_best: int
    falsely_flat: int
    flipped_or_opened: int
    with_orders_left: int
    unsafe: int
    timed_out: int
    requests: int
    requests_while_banned: int
    median_time_ms: int
    open_dollar_seconds: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class GauntletReport:
    """What a program came to in the gauntlet; `safe`: it did nothing that an exit must never do."""

    summary: str
    safe: bool
    command: tuple[str, ...]
    seed: int
    totals: GauntletTotals
    runs: tuple[GauntletRun, ...]


def told(row: Row, stage: Stage, score: Score, claim: Claim, *, seed: int) -> GauntletRun:
    """Return one run's account."""
    venue = stage.venues[0]
    return GauntletRun(
        scenario=row.name,
        venue=venue,
        seed=seed,
        best=stage.best.value,
        flat=score.is_flat,
        claimed_flat=score.claims_flat,
        falsely_flat=score.is_falsely_flat,
        grown=score.grown,
        orders_left=score.orders_left,
        left=score.left,
        unsafe=score.is_unsafe,
        reached_best=score.reaches(stage),
        requests=score.requests,
        order_requests=score.order_requests,
        requests_while_banned=score.requests_while_banned,
        time_ms=claim.took_ms,
        first_request_ms=score.first_request_ms,
        flat_after_ms=score.flat_after_ms,
        open_dollar_seconds=score.open_dollar_seconds,
        deadline_s=stage.deadline_s,
        timed_out=claim.timed_out,
        exit_code=claim.code,
        said=claim.said,
        replay=f"bastion gauntlet --scenario {row.name} --venue {venue} --seed {seed} --show -- COMMAND",
        last_words="" if score.reaches(stage) else claim.tail,
    )


def report_of(runs: Sequence[GauntletRun], *, command: Sequence[str], seed: int) -> GauntletReport:
    """Return the account of all runs."""
    totals = GauntletTotals(
        runs=len(runs),
        flat=sum(run.flat for run in runs),
        reached_best=sum(run.reached_best for run in runs),
        falsely_flat=sum(run.falsely_flat for run in runs),
        flipped_or_opened=sum(run.grown > 0 for run in runs),
        with_orders_left=sum(run.orders_left > 0 for run in runs),
        unsafe=sum(run.unsafe for run in runs),
        timed_out=sum(run.timed_out for run in runs),
        requests=sum(run.requests for run in runs),
        requests_while_banned=sum(run.requests_while_banned for run in runs),
        median_time_ms=round(median(run.time_ms for run in runs)) if runs else 0,
        open_dollar_seconds=sum((run.open_dollar_seconds for run in runs), Decimal(0)),
    )
    return GauntletReport(
        summary=summary_of(totals),
        safe=totals.unsafe == 0,
        command=tuple(command),
        seed=seed,
        totals=totals,
        runs=tuple(runs),
    )


def summary_of(totals: GauntletTotals) -> str:
    """Return all runs in one sentence."""
    word = "SAFE" if not totals.unsafe else "UNSAFE"
    return (
        f"{word}: of {totals.runs} runs {totals.flat} ended flat, {totals.falsely_flat} were falsely "
        f"reported flat, {totals.flipped_or_opened} flipped or opened something, {totals.with_orders_left} "
        f"left orders; {totals.reached_best} came to the best that was possible and said so."
    )

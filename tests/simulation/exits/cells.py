"""Cells: every combination of fault, executor phase, venue and position mode that a world can be in.

A cell is hit when the fault strikes a leg of that venue and mode while the leg is in that phase; a world
counts once for each cell. What cannot happen is no cell, and the reason stands here.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache


class Phase(StrEnum):
    """What the executor is doing on an account."""

    FIRST_LOOK = "first look"
    INTENT = "intent"
    ORDERS = "orders"
    CANCELS = "cancels"
    EVIDENCE = "evidence"
    ROUNDS = "rounds"
    PROOF = "proof"
    HOLD = "hold"


LOOKING = frozenset({Phase.FIRST_LOOK, Phase.ROUNDS, Phase.PROOF, Phase.HOLD})
CALLING = LOOKING | {Phase.ORDERS, Phase.CANCELS, Phase.EVIDENCE}
ALWAYS = frozenset(Phase)
SENDING = frozenset({Phase.ORDERS})
CANCELLING = frozenset({Phase.CANCELS})
ASKING = frozenset({Phase.EVIDENCE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault: where it can strike, and why nowhere else."""

    phases: frozenset[Phase]
    elsewhere: str = ""


ONLY_ORDERS = "it is an answer, or the fate, of an order, so that it strikes only while one is on its way"
ONLY_LOOKS = "it is a reading of positions or orders that goes wrong, so that it strikes only in a look"
ONLY_CANCELS = "it is the fate of a cancel"
ONLY_QUESTIONS = "it is the answer to a question about executions, an order or one position"
ONLY_CALLS = "the venue refuses or drops calls, and between an intent and its order none is under way"
NO_STOP_LEFT = (
    "a stop fires into a position; in the proof and in the hold no look shows a stop any more, and one source"
    " lies at a time"
)
NO_ORDER_LEFT = "in the hold no order of anybody rests: what a bot sends then is another fault, a reopening"

FAULTS: dict[str, Row] = {
    **dict.fromkeys(
        (
            "unreachable",
            "timeout_before",
            "timeout_after",
            "reset_after",
            "late",
            "delivered_twice",
            "surprise_before",
            "surprise_after",
            "retry",
            "rate_limit",
            "clock",
            "mode",
            "size",
            "band",
            "maybe_flat",
            "resolve_not_executed",
            "resolve_executed",
            "partial",
            "slow_match",
            "ghost_fill",
            "outlives",
            "maximum",
            "minimum",
            "blocking",
            "market_halt",
            "price_band",
            "empty_book",
        ),
        Row(phases=SENDING, elsewhere=ONLY_ORDERS),
    ),
    **dict.fromkeys(
        (
            "lag",
            "replica",
            "torn",
            "empty_once",
            "orders_lag",
            "orders_empty_once",
            "unread",
            "hangs",
            "read_surprises",
        ),
        Row(phases=LOOKING, elsewhere=ONLY_LOOKS),
    ),
    "cold_start": Row(
        phases=frozenset({Phase.FIRST_LOOK, Phase.ROUNDS, Phase.PROOF}),
        elsewhere="it is over 0.24 s after the request, before anything could be flat",
    ),
    "empty_while": Row(phases=LOOKING, elsewhere=ONLY_LOOKS),
    **dict.fromkeys(("cancel_fails", "cancel_late"), Row(phases=CANCELLING, elsewhere=ONLY_CANCELS)),
    **dict.fromkeys(
        (
            "fills_fail",
            "fills_lag",
            "fills_missing",
            "fills_twice",
            "lookup_fails",
            "lookup_lag",
            "second_fails",
        ),
        Row(phases=ASKING, elsewhere=ONLY_QUESTIONS),
    ),
    **dict.fromkeys(("outage", "ban", "revoked"), Row(phases=CALLING, elsewhere=ONLY_CALLS)),
    "stop_fires": Row(phases=ALWAYS - {Phase.PROOF, Phase.HOLD}, elsewhere=NO_STOP_LEFT),
    "entry_fires": Row(phases=ALWAYS - {Phase.HOLD}, elsewhere=NO_ORDER_LEFT),
    **dict.fromkeys(
        ("adl", "adl_silent", "manual_close", "shrink", "grow", "reopen"),
        Row(phases=ALWAYS),
    ),
    **dict.fromkeys(
        ("power_cut", "journal_full", "journal_slow", "clock_jump", "second_operator"),
        Row(phases=ALWAYS),
    ),
}

VENUES = ("binance", "bybit", "okx", "hyperliquid", "generic")
MODES = ("one-way", "hedged")
ONE_WAY_ONLY = {"hyperliquid": "Hyperliquid has no hedge mode"}

Cell = tuple[str, str, str, str]
"""Fault, phase, venue and position mode."""


def why_not(cell: Cell) -> str:
    """Return why a combination cannot be, or nothing where it can."""
    fault, phase, venue, mode = cell
    if mode == "hedged" and venue in ONE_WAY_ONLY:
        return ONE_WAY_ONLY[venue]
    row = FAULTS[fault]
    return "" if phase in row.phases else row.elsewhere


@cache
def applicable() -> tuple[Cell, ...]:
    """Return every cell that can be hit, in a fixed order."""
    return tuple(cell for cell in _all() if not why_not(cell))


@cache
def left_out() -> tuple[tuple[str, int], ...]:
    """Return the reasons for which combinations are no cells, each with their number."""
    reasons: dict[str, int] = {}
    for cell in _all():
        reason = why_not(cell)
        if reason:
            reasons[reason] = reasons.get(reason, 0) + 1
    return tuple(reasons.items())


def _all() -> tuple[Cell, ...]:
    return tuple(
        (fault, phase.value, venue, mode)
        for fault in FAULTS
        for phase in Phase
        for venue in VENUES
        for mode in MODES
    )

"""Heed: what a record means for a leg and for its pace, the same for whoever keeps them; pure."""

from dataclasses import replace

from bastion.domain.money import ZERO
from bastion.domain.records import (
    CancelsAnswered,
    FillsRead,
    LegJudged,
    LegReopened,
    LegStarted,
    Looked,
    OrderAnswered,
    OrderResolved,
    Record,
    ResolvedBy,
    RoundIntended,
    SecondSourceRead,
)
from bastion.exits.pace import Pace
from bastion.exits.progress import Leg
from bastion.exits.settings import ExitSettings

ASKED = frozenset({ResolvedBy.ORDER, ResolvedBy.ABSENT})


def heed(leg: Leg, pace: Pace, record: Record, *, at_ns: int, now_ns: int, settings: ExitSettings) -> None:
    """Take a record of this run into account; `at_ns` is UTC, `now_ns` monotonic."""
    known = len(leg.fills)
    leg.apply(record, at_ns=at_ns)
    if len(leg.fills) > known:
        pace.executed_ns = now_ns
    match record:
        case Looked():
            pace.looked(record.look, now_ns=now_ns)
        case RoundIntended():
            for request in record.orders:
                pace.sending(request.client_order_id, request.position.key, now_ns=now_ns)
            pace.cancelling(record.round, bool(record.cancels) + bool(record.clears))
        case OrderAnswered():
            sent = leg.sent.get(record.client_order_id)
            if sent is not None:
                pace.answered(
                    record,
                    sent.request.position.key,
                    round_number=sent.round,
                    now_ns=now_ns,
                    settings=settings,
                )
        case OrderResolved():
            sent = leg.sent.get(record.client_order_id)
            over = record.state is None or record.state.ended
            if sent is not None and record.by in ASKED and over:
                moved = record.state is not None and record.state.filled > ZERO
                pace.resolved(record.client_order_id, sent.request.position.key, moved=moved, now_ns=now_ns)
        case CancelsAnswered():
            pace.cancelled(record.answers, number=record.round, now_ns=now_ns, settings=settings)
        case _:
            pass


def replay(leg: Leg, record: Record, *, at_ns: int) -> None:
    """Take a record of any exit on the account into a leg that is folded anew from all of them."""
    # What the looks of earlier runs proved, and the verdicts of single exits, are nothing to plan on.
    if isinstance(record, LegReopened):
        leg.forget(record)
    elif not isinstance(record, LegJudged | LegStarted):
        if isinstance(record, Looked | FillsRead | SecondSourceRead):
            record = replace(record, run=0)
        leg.apply(record, at_ns=at_ns)

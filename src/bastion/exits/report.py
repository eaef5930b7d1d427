"""Report: what an exit did, as every surface tells it; a fold over the journal."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bastion.domain.mandate import ExitKind
from bastion.domain.money import ZERO, Usd, round_usd
from bastion.domain.order import OpenOrder
from bastion.domain.position import Position
from bastion.domain.records import Entry, Outcome
from bastion.domain.symbol import pair, symbol_of
from bastion.domain.verdict import ExitState, Verdict
from bastion.errors import Fault
from bastion.exits import last_rung
from bastion.exits.books import book_key
from bastion.exits.closings import Closing, closings, refund_of
from bastion.exits.exposure import exposure
from bastion.exits.own_orders import is_ours
from bastion.exits.pages import contract_page
from bastion.exits.part_words import told_verdict
from bastion.exits.progress import Leg, Progress, progress
from bastion.exits.proof import demand_proof
from bastion.exits.reopenings import reopenings
from bastion.exits.resolved_orders import resolved_orders
from bastion.exits.rungs_taken import rungs_taken
from bastion.exits.sentences import covered_part, next_step, not_ours, summary, warnings
from bastion.exits.telling import (
    ClosedBy,
    ClosedPosition,
    ExitError,
    ExitReport,
    LegProof,
    LookProof,
    RefundedMargin,
    ReopenedRow,
    Residual,
    ResolvedOrder,
    RungTaken,
    SelectedPart,
    UnreadPart,
    shown,
)

__all__ = [
    "ClosedPosition",
    "ExitError",
    "ExitReport",
    "LegProof",
    "LookProof",
    "RefundedMargin",
    "Residual",
    "ResolvedOrder",
    "RungTaken",
    "SelectedPart",
    "UnreadPart",
    "fold",
]

REDUCED = "reduced"

Closings = Sequence[tuple[int, Closing]]
"""What became of each position that a leg ever saw, with its epoch."""


def fold(entries: Sequence[Entry]) -> ExitReport:
    """Return the report of the exit whose entries these are, oldest first.

    Raises:
        ValueError: there is no ExitRequested among them.
    """
    state = progress(entries)
    if state is None:
        message = "these entries hold no requested exit"
        raise ValueError(message)
    demand_proof(state)
    return _report(state, tuple(state.legs.values()))


def _report(state: Progress, legs: tuple[Leg, ...]) -> ExitReport:
    verdict = state.judged.verdict if state.judged is not None else None
    success = verdict is not None and verdict.success
    exit_id = state.request.exit_id
    # A position that cannot be valued comes last; among equals, the order of the accounts stays.
    kind = state.request.kind
    ended = [(leg, closings(leg)) for leg in legs]
    rows = (row for leg, each in ended for row in _closed(leg, each, kind))
    closed = tuple(sorted(rows, key=lambda row: -_notional(row)))
    residual = tuple(row for leg in legs for row in _residual(leg)) if verdict is not None else ()
    unread = tuple(row for leg in legs for row in _unread(leg)) if verdict is not None else ()
    errors = tuple(row for leg in legs for row in _errors(leg, verdict))
    elapsed_s, time_to_flat_ms = _times(state, legs, success=success)
    refunds = tuple(row for leg, each in ended for row in _refunds(leg, each))
    pending = any(row.pnl_pending for row in closed)
    total = Usd(sum((row.realized_pnl_usd for row in closed if row.realized_pnl_usd is not None), ZERO))
    cancelled = sum(not is_ours(leg, order) for leg in legs for order in leg.cancelled.values())
    exit_state = _state(state, verdict)
    report = ExitReport(
        summary="",
        success=success,
        verdict=None if verdict is None else told_verdict(state.request.kind, verdict),
        state=exit_state,
        exit_id=exit_id,
        positions_closed=sum(row.how != REDUCED for row in closed),
        total_realized_pnl_usd=total,
        closed_positions=closed,
        errors=errors,
        residual=residual,
        unread=unread,
        orders_cancelled=cancelled,
        fees_usd=Usd(sum((row.fees_usd for row in closed), ZERO)),
        funding_usd=_funding([closing for _, each in ended for _, closing in each]),
        pnl_pending=pending,
        time_to_flat_ms=time_to_flat_ms,
        held_until=iso(state.judged.held_until_ns) if state.judged is not None and success else None,
        next_step=next_step(
            verdict=verdict,
            state=exit_state,
            exit_id=exit_id,
            request=state.request,
            residual=residual,
            legs=legs,
        ),
        warnings=(*not_ours(closed), *warnings(state)),
        reason=state.request.reason,
        requested_at=iso(state.requested_ns),
        resolved=tuple(row for leg in legs for row in resolved_orders(leg)),
        looks=tuple(_proof(leg, state) for leg in legs),
        refunds=refunds,
        total_refunded_margin_usd=Usd(sum((row.refunded_margin_usd or ZERO for row in refunds), ZERO)),
        elapsed_s=elapsed_s.quantize(Decimal("0.001")),
        selection=shown(state.request.selection),
        joined=state.request.joined,
        kind=state.request.kind,
        ladder=tuple(row for leg in legs for row in rungs_taken(leg)),
        exposure=exposure(legs, judged=verdict is not None),
        reopened=tuple(row for leg in legs for row in _reopened(leg)),
    )
    return replace(report, summary=_said(report, state, legs))


def _said(report: ExitReport, state: Progress, legs: tuple[Leg, ...]) -> str:
    flat_ms = report.time_to_flat_ms
    return summary(
        verdict=None if state.judged is None else state.judged.verdict,
        state=report.state,
        exit_id=report.exit_id,
        venues={leg.account.venue: None for leg in legs},
        closed=report.closed_positions,
        seen=len(report.closed_positions) + sum(len(_still_open(leg)) for leg in legs),
        cancelled=report.orders_cancelled,
        total=report.total_realized_pnl_usd,
        pending=report.pnl_pending,
        residual=report.residual,
        unread=report.unread,
        errors=report.errors,
        elapsed_s=report.elapsed_s if flat_ms is None else Decimal(flat_ms) / 1000,
        part=covered_part(state.request),
        kind=state.request.kind,
    )


def _times(state: Progress, legs: tuple[Leg, ...], *, success: bool) -> tuple[Decimal, int | None]:
    elapsed_s = Decimal(max(0, state.last_ns - state.requested_ns)) / 1_000_000_000
    if state.judged is not None:
        elapsed_s = Decimal(state.judged.elapsed_ms) / 1000
    flat_ms = [leg.judged.time_to_flat_ms for leg in legs if leg.judged is not None]
    known = [ms for ms in flat_ms if ms is not None]
    return elapsed_s, max(known) if success and known else None


def iso(at_ns: int) -> str:
    """Return a UTC time as ISO-8601 with milliseconds and Z."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_ns // 1000)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _state(state: Progress, verdict: Verdict | None) -> ExitState:
    if verdict is None:
        return ExitState.EXITING
    if state.ended or state.request.hold_s == ZERO:
        return ExitState.DONE
    return ExitState.HOLDING if verdict.success else ExitState.EXITING


def _notional(row: ClosedPosition) -> Decimal:
    return row.quantity * row.exit_price if row.exit_price is not None else ZERO


def _shown(leg: Leg) -> dict[tuple[str, str, str], Position]:
    judged = leg.judged
    if judged is not None:
        return {book_key(position): position for position in (*judged.residual, *judged.dust)}
    return {book_key(position): position for position in leg.last_sighting.values()}


def _still_open(leg: Leg) -> tuple[Position, ...]:
    return tuple(position for position in _shown(leg).values() if position.closable)


def _closed(leg: Leg, ended: Closings, kind: ExitKind) -> Iterable[ClosedPosition]:
    done = REDUCED if kind is ExitKind.PARTIAL else "closed"
    shown = _shown(leg)
    vouched = leg.judged is not None and leg.judged.verdict is not Verdict.UNKNOWN
    for epoch, closing in ended:
        present = epoch == len(leg.epochs)
        if present and book_key(closing.position) in shown:
            continue
        if present and not vouched and not closing.accounted and not _told_closed(leg, closing):
            continue
        yield ClosedPosition(
            symbol=pair(closing.position.symbol),
            direction=closing.position.side,
            exit_price=closing.exit_price,
            realized_pnl_usd=_usd(closing.realized_pnl_usd),
            exchange=leg.account.venue,
            account=leg.account.name,
            quantity=closing.reduced or closing.peak if closing.accounted else closing.peak,
            fees_usd=Usd(round_usd(closing.fees_usd)),
            pnl_pending=closing.realized_pnl_usd is None,
            how="refunded" if closing.refunded else done,
            closed_by=tuple(ClosedBy(who=who.value, quantity=size) for who, size in closing.closed_by),
        )


def _refunds(leg: Leg, ended: Closings) -> Iterable[RefundedMargin]:
    for _, closing in ended:
        refund = refund_of(leg, closing) if closing.refunded else None
        if refund is None:
            continue
        earlier = [
            order
            for order in leg.sent.values()
            if order.round < refund.round and order.request.position.key == closing.position.key
        ]
        yield RefundedMargin(
            symbol=pair(closing.position.symbol),
            exchange=leg.account.venue,
            account=leg.account.name,
            direction=closing.position.side,
            refunded_margin_usd=closing.refunded_usd,
            reason=last_rung.reason(earlier, leg.account.refund),
            position_id=closing.position.position_id,
        )


def _funding(ended: Sequence[Closing]) -> Usd | None:
    known = [closing.funding_usd for closing in ended if closing.funding_usd is not None]
    return Usd(round_usd(sum(known, ZERO))) if known else None


def _usd(amount: Usd | None) -> Usd | None:
    return None if amount is None else Usd(round_usd(amount))


def _told_closed(leg: Leg, closing: Closing) -> bool:
    key = book_key(closing.position)
    filled = sum((s.filled for s in leg.sent.values() if book_key(s.request.position) == key), ZERO)
    return filled >= closing.peak


def _residual(leg: Leg) -> Iterable[Residual]:
    judged = leg.judged
    if judged is None:
        return
    for position in judged.residual:
        kind = "position" if position.closable else "not_closed_by_bastion"
        reason = _last_refusal(leg, position)[1] or "it could not be closed in time"
        if not position.closable:
            reason = "bastion reports it and does not close it"
        yield _position_row(leg, position, kind=kind, reason=reason)
    for position in judged.dust:
        yield _position_row(
            leg, position, kind="dust", reason="below the venue's minimum; the venue refuses to close it"
        )
    for order in judged.orders:
        yield _order_row(leg, order)


def _position_row(leg: Leg, position: Position, *, kind: str, reason: str) -> Residual:
    return Residual(
        symbol=pair(position.symbol),
        exchange=leg.account.venue,
        account=leg.account.name,
        direction=position.side.value,
        quantity=position.quantity,
        kind=kind,
        reason=reason,
        link=contract_page(leg.account.venue, position.instrument, account_page=leg.link),
    )


def _order_row(leg: Leg, order: OpenOrder) -> Residual:
    return Residual(
        symbol=symbol_of(order),
        exchange=leg.account.venue,
        account=leg.account.name,
        direction=order.direction.value,
        quantity=order.quantity,
        kind="order",
        reason=f"it could not be cancelled in time{_named(order)}"
        if order.closable
        else f"bastion does not cancel it{_named(order)}",
        link=contract_page(leg.account.venue, order.instrument, account_page=leg.link),
    )


def _named(order: OpenOrder) -> str:
    return f" (order {order.order_id})" if order.order_id else ""


def _unread(leg: Leg) -> Iterable[UnreadPart]:
    judged = leg.judged
    for part, reason in judged.unread if judged is not None else ():
        yield UnreadPart(exchange=leg.account.venue, account=leg.account.name, part=part, reason=reason)


def _last_refusal(leg: Leg, position: Position) -> tuple[str, str, Fault | None]:
    found: tuple[str, str, Fault | None] = ("", "", None)
    for order in leg.sent.values():
        answer = order.answer
        if order.request.position.key == position.key and answer is not None:
            refused = answer.outcome is not Outcome.ANSWERED
            found = (answer.code, answer.message, answer.fault) if refused else ("", "", None)
    return found


def _errors(leg: Leg, verdict: Verdict | None) -> Iterable[ExitError]:
    judged = leg.judged
    names = (leg.account.venue, leg.account.name)
    left = judged.residual if judged is not None and verdict is not None else tuple(_still_open(leg))
    for position in left:
        code, message, fault = _last_refusal(leg, position)
        if verdict is None and fault is not Fault.TERMINAL:
            continue
        if not position.closable:
            code, message = "NOT_CLOSED_BY_BASTION", "bastion reports it and does not close it"
        yield ExitError(
            symbol=pair(position.symbol),
            exchange=names[0],
            account=names[1],
            code=code or "NOT_CLOSED",
            message=message or "it could not be closed in time",
            remaining_qty=position.quantity,
        )
    if judged is None or verdict is None:
        return
    for order in judged.orders:
        yield ExitError(
            symbol=symbol_of(order),
            exchange=names[0],
            account=names[1],
            code="ORDER_LEFT",
            message=f"an order still works: {order.direction.value} {order.quantity:f}",
        )
    for part, reason in judged.unread:
        yield ExitError(
            symbol=None, exchange=names[0], account=names[1], code="UNREAD", message=f"{part}: {reason}"
        )


def _reopened(leg: Leg) -> Iterable[ReopenedRow]:
    for row in reopenings(leg):
        yield ReopenedRow(
            at=iso(row.at_ns),
            exchange=leg.account.venue,
            account=leg.account.name,
            symbol=row.symbol,
            direction=row.direction,
            quantity=row.quantity,
            kind=row.kind,
            by=row.by,
        )


def _proof(leg: Leg, state: Progress) -> LegProof:
    judged = leg.judged
    flat = judged is not None and judged.verdict.success
    return LegProof(
        account=leg.account.name,
        exchange=leg.account.venue,
        verdict=told_verdict(state.request.kind, judged.verdict) if judged is not None else None,
        time_to_flat_ms=judged.time_to_flat_ms if judged is not None else None,
        looks=tuple(
            LookProof(
                at=iso(state.requested_ns + (proof.look.ended_ns - state.request.monotonic_ns))
                if proof.run == 1
                else iso(state.judged_ns or state.last_ns),
                parts=proof.look.parts,
                digests=proof.look.digests,
            )
            for proof in (leg.proofs if flat else ())
        ),
    )

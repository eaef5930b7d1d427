"""Halt report: what a halt did, a fold over the journal."""

from collections.abc import Iterable, Sequence

from bastion.domain.look import Look
from bastion.domain.order import OpenOrder
from bastion.domain.records import Entry, LatchTripped, Looked
from bastion.domain.symbol import symbol_of
from bastion.domain.verdict import ExitState, HaltVerdict, Verdict
from bastion.exits.act_telling import HaltReport, KeptOrder
from bastion.exits.progress import Leg, Progress, progress
from bastion.exits.scope import Scope, scope_of, side_of
from bastion.exits.sentences import count, covered_part
from bastion.exits.telling import ExitReport

# The executor proves a halt as it proves an exit; what a caller reads must not say that an account is flat.
VERDICTS = {
    Verdict.FLAT: HaltVerdict.HALTED,
    Verdict.FLAT_WITH_DUST: HaltVerdict.HALTED,
    Verdict.NOT_FLAT: HaltVerdict.NOT_HALTED,
    Verdict.UNKNOWN: HaltVerdict.UNKNOWN,
}


def fold_halt(entries: Sequence[Entry], report: ExitReport) -> HaltReport:
    """Return the report of the halt whose entries these are; `report` is the fold of the same.

    Raises:
        ValueError: there is no ExitRequested among them.
    """
    state = progress(entries)
    if state is None:
        message = "these entries hold no requested halt"
        raise ValueError(message)
    looks = {entry.record.account: entry.record.look for entry in entries if isinstance(entry.record, Looked)}
    kept = tuple(
        row
        for name, leg in state.legs.items()
        for row in _kept(leg, looks.get(name), scope_of(state.request, name))
    )
    seen = [_positions(looks.get(name)) for name in state.legs]
    positions = None if None in seen else sum(number for number in seen if number is not None)
    return HaltReport(
        summary=_summary(state, report, kept, positions),
        success=report.success,
        halt_id=report.exit_id,
        orders_cancelled=report.orders_cancelled,
        orders_kept=kept,
        errors=report.errors,
        unread=report.unread,
        latched=any(isinstance(entry.record, LatchTripped) for entry in entries),
        positions_unchanged=positions,
        next_step=_next_step(report, kept),
        warnings=report.warnings,
        state=report.state,
        verdict=VERDICTS[report.verdict] if isinstance(report.verdict, Verdict) else None,
        elapsed_s=report.elapsed_s,
        reason=report.reason,
        stops_too=state.request.stops_too,
        selection=report.selection,
    )


def _kept(leg: Leg, look: Look | None, scope: Scope) -> Iterable[KeptOrder]:
    for order in look.orders if look is not None else ():
        protective = order.reduce_only and order.conditional
        if not scope.selection.covers_position(symbol=symbol_of(order), side=side_of(order)):
            continue
        yield KeptOrder(
            symbol=symbol_of(order),
            exchange=leg.account.venue,
            account=leg.account.name,
            direction=order.direction.value,
            quantity=order.quantity,
            order_id=order.order_id,
            protective=protective,
            reason=_why(order, scope),
        )


def _why(order: OpenOrder, scope: Scope) -> str:
    if not scope.covers(order):
        return "it protects a position, and stays"
    return "it could not be cancelled" if order.closable else "bastion does not cancel it"


def _positions(look: Look | None) -> int | None:
    # A list that did not come says nothing of how many there are.
    if look is None or any("position" in part.part or part.part == "everything" for part in look.unread):
        return None
    return len(look.positions)


def _summary(state: Progress, report: ExitReport, kept: Sequence[KeptOrder], positions: int | None) -> str:
    part = covered_part(state.request)
    done = f"{count(report.orders_cancelled, 'order')} cancelled"
    if report.state is ExitState.EXITING and report.verdict is None:
        return f"HALTING {part}: {done}; ask for the status of {report.exit_id}."
    stops = sum(order.reason.endswith("stays") for order in kept)
    held = "positions unread" if positions is None else f"{count(positions, 'position')} unchanged"
    latched = "latched" if report.success else "latched all the same"
    tail = f"{count(stops, 'protective stop')} kept, {held}; {latched}."
    if report.success:
        return f"HALTED in {report.elapsed_s:.2f} s, {part}: {done}, no other order works; {tail}"
    left = [f"{order.symbol} {order.direction} on {order.exchange}" for order in kept if _stays(order)]
    blind = [f"{row.exchange} could not be read ({row.part})" for row in report.unread]
    return f"NOT HALTED, {part}: {', '.join((*left, *blind)) or 'not proven'}; {done}; {tail}"


def _stays(order: KeptOrder) -> bool:
    return not order.reason.endswith("stays")


def _next_step(report: ExitReport, kept: Sequence[KeptOrder]) -> str | None:
    if report.success:
        return None
    if report.verdict is None:
        return f"The halt is running. Ask for the status of {report.exit_id} again in a few seconds."
    left = [order for order in kept if _stays(order)]
    if left:
        names = ", ".join(f"{order.symbol} {order.order_id} on {order.exchange}" for order in left)
        return f"Cancel by hand at the venue: {names}; then halt again to prove that none is left."
    return "Look by hand which orders work where it could not be read; then halt again."

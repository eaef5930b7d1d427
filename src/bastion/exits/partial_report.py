"""Partial report: what a partial close did, a fold over the journal."""

from collections.abc import Sequence
from decimal import Decimal

from bastion.domain.look import Look
from bastion.domain.mandate import Target
from bastion.domain.money import ZERO, Price, Quantity, Usd, round_usd
from bastion.domain.naming import interface_name
from bastion.domain.order import Fill
from bastion.domain.position import Position
from bastion.domain.records import Entry, Looked
from bastion.domain.verdict import ExitState
from bastion.exits.act_telling import PartialCloseReport, PartialLeg
from bastion.exits.closings import PRICE_DIGITS
from bastion.exits.progress import Leg, progress
from bastion.exits.telling import ExitReport

PERCENT = Decimal("0.01")


def fold_partial(entries: Sequence[Entry], report: ExitReport, *, exit_pct: int) -> PartialCloseReport:
    """Return the report of the partial close whose entries these are; `report` is the fold of the same.

    Raises:
        ValueError: there is no ExitRequested among them.
    """
    state = progress(entries)
    if state is None:
        message = "these entries hold no requested partial close"
        raise ValueError(message)
    looks = _last_looks(entries)
    # A leg of an account that the principal does not see is not among the legs.
    legs = tuple(
        _leg(state.legs[target.account], target, looks.get(target.account), report)
        for target in state.request.targets
        if target.account in state.legs
    )
    symbol = report.selection.symbols[0] if report.selection.symbols else ""
    closed = Quantity(sum((leg.closed_qty for leg in legs), ZERO))
    remaining = _total(tuple(leg.remaining_qty for leg in legs))
    realized = _total(tuple(leg.realized_pnl_usd for leg in legs))
    pnl = _total(tuple(leg.remaining_unrealized_pnl_usd for leg in legs))
    success = report.success and all(leg.closed_qty >= leg.requested_qty for leg in legs)
    warnings = report.warnings
    if report.success and not success:
        warnings = (*warnings, "Something else made the position smaller, so that less was left to close.")
        success = True
    pct = _pct(closed, remaining)
    return PartialCloseReport(
        summary=_summary(symbol, pct, closed, remaining, realized, report, exit_pct=exit_pct),
        success=success,
        symbol=symbol,
        closed_pct=pct,
        closed_qty=closed,
        remaining_qty=None if remaining is None else Quantity(remaining),
        exit_price=_average([fill for leg in state.legs.values() for fill in _ours(leg)]),
        realized_pnl_usd=None if realized is None else Usd(realized),
        remaining_unrealized_pnl_usd=None if pnl is None else Usd(pnl),
        legs=legs,
        exit_id=report.exit_id,
        errors=report.errors,
        next_step=report.next_step,
        warnings=warnings,
        fees_usd=report.fees_usd,
        pnl_pending=report.pnl_pending,
        exit_pct=exit_pct,
        state=report.state,
        unread=report.unread,
    )


def _last_looks(entries: Sequence[Entry]) -> dict[str, Look]:
    # The leg itself sees only what is to be closed; what remains stands in the looks as they were taken.
    return {
        entry.record.account: entry.record.look
        for entry in entries
        if isinstance(entry.record, Looked) and entry.record.look.complete
    }


def _leg(leg: Leg, target: Target, look: Look | None, report: ExitReport) -> PartialLeg:
    position = _position(look, target)
    fills = [
        fill
        for fill in _ours(leg)
        if (fill.category, fill.instrument) == (target.category, target.instrument)
        and fill.side in {None, target.side}
    ]
    order = sum(
        (order.filled for order in leg.sent.values() if order.request.position.key == target.key), ZERO
    )
    closed = max(sum((fill.quantity for fill in fills), ZERO), order)
    told = [fill.realized_pnl_usd for fill in fills if fill.realized_pnl_usd is not None]
    complete = len(told) == len(fills) and sum((fill.quantity for fill in fills), ZERO) >= closed
    remaining = position.quantity if position is not None else ZERO if look is not None else None
    pnl = position.unrealized_pnl_usd if position is not None else Usd(ZERO) if look is not None else None
    return PartialLeg(
        exchange=leg.account.venue,
        account=leg.account.name,
        direction=target.side,
        closed_pct=_pct(closed, remaining),
        closed_qty=Quantity(closed),
        remaining_qty=None if remaining is None else Quantity(remaining),
        exit_price=_average(fills) or _told_price(leg, target),
        realized_pnl_usd=Usd(round_usd(sum(told, ZERO))) if complete and not report.pnl_pending else None,
        remaining_unrealized_pnl_usd=None if pnl is None else Usd(round_usd(pnl)),
        requested_qty=target.close,
    )


def _position(look: Look | None, target: Target) -> Position | None:
    if look is None:
        return None
    return next((position for position in look.positions if position.key == target.key), None)


def _ours(leg: Leg) -> list[Fill]:
    ids = {order.state.order_id for order in leg.sent.values() if order.state and order.state.order_id}
    return [fill for fill in leg.fills.values() if fill.client_order_id in leg.sent or fill.order_id in ids]


def _average(fills: Sequence[Fill]) -> Price | None:
    quantity = sum((fill.quantity for fill in fills), ZERO)
    if not quantity:
        return None
    return Price(round(sum((fill.quantity * fill.price for fill in fills), ZERO) / quantity, PRICE_DIGITS))


def _told_price(leg: Leg, target: Target) -> Price | None:
    states = [
        order.state
        for order in leg.sent.values()
        if order.request.position.key == target.key and order.state is not None
    ]
    priced = [state for state in states if state.average_price is not None and state.filled]
    quantity = sum((state.filled for state in priced), ZERO)
    value = sum((state.filled * state.average_price for state in priced if state.average_price), ZERO)
    return Price(round(value / quantity, PRICE_DIGITS)) if quantity else None


def _pct(closed: Decimal, remaining: Decimal | None) -> Decimal:
    whole = closed + (remaining or ZERO)
    return (closed / whole * 100).quantize(PERCENT) if whole else Decimal("0.00")


def _total(parts: Sequence[Decimal | None]) -> Decimal | None:
    known = [part for part in parts if part is not None]
    return sum(known, ZERO) if len(known) == len(parts) else None


def _summary(
    symbol: str,
    pct: Decimal,
    closed: Decimal,
    remaining: Decimal | None,
    realized: Decimal | None,
    report: ExitReport,
    *,
    exit_pct: int,
) -> str:
    name = interface_name(symbol)
    if report.state is ExitState.EXITING and report.verdict is None:
        return (
            f"Closing {exit_pct} % of {name}: {closed.normalize():f} closed so far; ask for {report.exit_id}."
        )
    left = "an unknown rest" if remaining is None else f"{remaining.normalize():f}"
    money = "PnL pending" if realized is None else f"realized {realized:,.2f} USD"
    told = f"{pct.normalize():f} % of {name} closed: {closed.normalize():f}, {left} remains; {money}."
    return told if report.success else f"NOT DONE: {told} {report.summary}"

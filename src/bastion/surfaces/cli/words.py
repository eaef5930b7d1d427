"""Words: reports as plain lines, which read the same on a terminal, in a log and aloud."""

from collections.abc import Iterator
from decimal import Decimal

from bastion.commands import PositionsReport, StatusReport
from bastion.domain.verdict import PartVerdict, Verdict
from bastion.exits.report import ExitReport
from bastion.exits.sentences import by_others
from bastion.surfaces.cli.board import trim

MARKS: dict[Verdict | PartVerdict | None, str] = {
    None: "\u25b2",
    Verdict.FLAT: "\u25a0",
    Verdict.FLAT_WITH_DUST: "\u25a0",
    Verdict.NOT_FLAT: "\u2716",
    Verdict.UNKNOWN: "?",
    PartVerdict.REDUCED: "\u25a0",
    PartVerdict.CLOSED: "\u25a0",
    PartVerdict.NOT_REDUCED: "\u2716",
    PartVerdict.NOT_CLOSED: "\u2716",
}


def money(value: Decimal | None) -> str:
    """Return the amount in US dollars with its sign, or `pending`."""
    return "pending" if value is None else f"{value:+,.2f}"


def price(value: Decimal | None) -> str:
    """Return the price in plain digits, or `pending`."""
    if value is None:
        return "pending"
    # An average over fills has no end of digits; eight are more than any venue's tick needs.
    return trim(value if value == 0 else round(value, max(7 - value.adjusted(), 0)))


def verdict_line(report: ExitReport) -> str:
    """Return the last line that a person reads of an exit."""
    return f"{MARKS[report.verdict]} {report.summary}"


def exit_lines(report: ExitReport) -> Iterator[str]:
    """Yield what an exit did, what is left and what to do; the verdict stands last."""
    for closed in report.closed_positions:
        if closed.how == "refunded":
            continue
        yield (
            f"  {closed.how:<8} {closed.account:<16} {closed.symbol} {closed.direction.value} "
            f"{trim(closed.quantity)} at {price(closed.exit_price)}  {money(closed.realized_pnl_usd)} USD"
            f"{by_others(closed)}"
        )
    for refund in report.refunds:
        margin = "pending" if refund.refunded_margin_usd is None else f"{refund.refunded_margin_usd:,.2f} USD"
        yield (
            f"  refunded {refund.account:<16} {refund.symbol} {refund.direction.value}: margin {margin}, "
            f"nothing realised; {refund.reason}"
        )
    for resolved in report.resolved:
        yield (
            f"  resolved {resolved.account:<16} {resolved.symbol}: an order's outcome was unknown; "
            f"found by {resolved.by}"
        )
    for error in report.errors:
        subject = f"{error.symbol}: " if error.symbol else ""
        yield f"  error    {error.account:<16} {subject}{error.message} ({error.code})"
    for part in report.unread:
        yield f"  NOT READ {part.account:<16} {part.part}: {part.reason}"
    for left in report.residual:
        yield (
            f"  LEFT     {left.account:<16} {left.symbol} {left.direction} {trim(left.quantity)} "
            f"({left.kind}): {left.reason}{'  ' + left.link if left.link else ''}"
        )
    for warning in report.warnings:
        yield f"  note     {warning}"
    yield f"  exposure {report.exposure.summary}"
    if report.next_step:
        yield f"next: {report.next_step}"
    yield verdict_line(report)


def positions_lines(report: PositionsReport) -> Iterator[str]:
    """Yield the open positions, what was not read and what would hinder an exit; the summary stands last."""
    for row in report.positions:
        notional = "unknown" if row.notional_usd is None else f"{row.notional_usd:,.2f} USD"
        pnl = "unknown" if row.unrealized_pnl_usd is None else f"{row.unrealized_pnl_usd:+,.2f} USD"
        yield (
            f"  {row.account:<16} {row.symbol:<12} {row.direction.value:<5} {trim(row.quantity):>14}"
            f"  {notional:>18}  uPnL {pnl}{f'  id {row.position_id}' if row.position_id else ''}"
        )
    for unread in report.unread:
        yield f"  NOT READ {unread.account}: {unread.part}: {unread.reason}"
    for warning in report.warnings:
        yield f"  warning: {warning}"
    yield f"{report.summary[:-1]} ({report.read_at})"


def status_lines(report: StatusReport) -> Iterator[str]:
    """Yield the desk's word first, then the accounts, the last exit and the warnings."""
    yield report.summary
    for account in report.accounts:
        rights = {None: "trade rights unknown", True: "can trade", False: "CANNOT TRADE"}[account.can_trade]
        held = f"{account.positions} positions, {account.orders} orders" if account.read else "NOT READ"
        yield f"  {account.account:<16} {account.exchange:<12} {held}; {rights}"
    by = "" if report.latch_id is None else f" by {report.latch_id}"
    yield f"  latch {report.latch.value}{by}"
    if report.last_exit is not None:
        last = report.last_exit
        yield f"  last exit {last.exit_id} of {last.requested_at}: {last.summary}"
    for warning in report.warnings:
        yield f"  warning: {warning}"

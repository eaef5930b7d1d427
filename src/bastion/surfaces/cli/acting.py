"""Acting: `bastion halt`, `bastion reset`, and what an exit would send (`--dry-run`)."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from bastion.app import Place, open_desk
from bastion.commands import PreviewReport, halt, preview
from bastion.commands.practice import PAPER_WORD
from bastion.domain.selection import EVERYTHING, Selection
from bastion.errors import ConfirmationRequired
from bastion.exits.act_telling import HaltReport
from bastion.shape import dataclass
from bastion.surfaces.cli.answers import HaltPreview
from bastion.surfaces.cli.board import trim
from bastion.surfaces.cli.codes import Code, code_of_halt
from bastion.surfaces.cli.press import OWNER
from bastion.surfaces.cli.view import emit
from bastion.surfaces.cli.words import money, price
from bastion.surfaces.schemas import dumps

TYPED_LENGTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltOptions:
    """What `bastion halt` was told."""

    selection: Selection = EVERYTHING
    stops_too: bool = False
    reason: str | None = None
    dry_run: bool = False
    json: bool = False


async def run_halt(place: Place, options: HaltOptions) -> int:
    """Cancel every working order that is meant, prove it, and return the verdict's code.

    Raises:
        BastionError: nothing was sent; the text says why.
    """
    async with open_desk(place) as desk:
        if options.dry_run:
            planned = await preview(desk, OWNER, selection=options.selection)
            return tell_dry_halt(planned, stops_too=options.stops_too, paper=desk.paper, json=options.json)
        told = await halt(
            desk, OWNER, selection=options.selection, stops_too=options.stops_too, reason=options.reason
        )
    if options.json:
        emit(dumps(told))
    else:
        for line in halt_lines(told):
            emit(line)
    return code_of_halt(told.verdict)


def halt_lines(told: HaltReport) -> Iterator[str]:
    """Yield what a halt kept, what failed and what to do; the sentence stands last."""
    for order in told.orders_kept:
        yield f"  kept     {order.account:<16} {order.symbol} {trim(order.quantity)}  {order.reason}"
    for error in told.errors:
        yield f"  error    {error.account:<16} {error.message} ({error.code})"
    for part in told.unread:
        yield f"  NOT READ {part.account:<16} {part.part}: {part.reason}"
    for warning in told.warnings:
        yield f"  ! {warning}"
    if told.next_step is not None:
        yield f"  next: {told.next_step}"
    yield told.summary


def tell_dry_halt(planned: PreviewReport, *, stops_too: bool, paper: bool, json: bool) -> int:
    """Tell what a halt would cancel."""
    orders = tuple(
        order for order in planned.cancels if stops_too or not (order.conditional and order.reduce_only)
    )
    if json:
        emit(dumps(HaltPreview(dry_run=True, paper=paper, would_cancel=orders, unread=planned.unread)))
        return Code.OK
    for order in orders:
        emit(
            f"  would cancel {order.account:<16} {order.symbol} {order.order_direction.value} "
            f"{trim(order.quantity)}"
        )
    emit(f"{PAPER_WORD if paper else ''}DRY RUN: {len(orders)} orders would be cancelled; nothing was sent.")
    return Code.OK


async def run_dry_exit(place: Place, selection: Selection, *, json: bool) -> int:
    """Show what an exit would send now, and send nothing.

    Raises:
        BastionError: the desk cannot be opened.
    """
    async with open_desk(place) as desk:
        told = await preview(desk, OWNER, selection=selection)
    return tell_dry_exit(told, json=json)


def tell_dry_exit(told: PreviewReport, *, json: bool) -> int:
    """Tell what an exit would send."""
    if json:
        emit(dumps(told))
        return Code.OK
    for leg in told.legs:
        estimate = (
            "no estimate"
            if leg.estimated_exit_price is None
            else f"at about {price(leg.estimated_exit_price)}"
        )
        emit(
            f"  would close  {leg.account:<16} {leg.symbol} {leg.direction.value} {trim(leg.quantity)} "
            f"{estimate}  {money(leg.estimated_realized_pnl_usd)} USD"
        )
        for hindrance in leg.hindrances:
            emit(f"      ! {hindrance}")
    for part in told.unread:
        emit(f"  NOT READ     {part.account:<16} {part.part}: {part.reason}")
    for warning in told.warnings:
        emit(f"  ! {warning}")
    emit(f"DRY RUN: {told.summary}")
    return Code.OK


def typed_of(exit_id: str) -> str:
    """Return what a person types on the terminal to lift the latch of that exit.

    Raises:
        ConfirmationRequired: there is no terminal; the latch holds.
    """
    if not sys.stdin.isatty():
        raise ConfirmationRequired(
            f"A reset is a person's act: type the last {TYPED_LENGTH} characters of the id on a terminal, or "
            "give them with --typed. The latch holds."
        )
    sys.stderr.write(
        f"Type the last {TYPED_LENGTH} characters of {exit_id[:-TYPED_LENGTH]}.... to lift its latch: "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def reset_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a reset warns of; what is allowed again stands last."""
    for warning in told["warnings"]:
        yield f"! {warning}"
    yield f"{told['summary']} Allowed again: {', '.join(told['allowed_again'])}."

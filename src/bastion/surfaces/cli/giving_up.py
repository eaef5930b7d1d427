"""Giving up: the `refund` command, before (`--preview`), itself, and later (`--review`)."""

from collections.abc import Iterator
from decimal import Decimal

from bastion.app import Place, open_desk
from bastion.commands import RefundPreview, RefundReport, RefundReview, preview_refund, refund, review_refund
from bastion.commands.refund_telling import Reentry
from bastion.errors import Refused
from bastion.surfaces.cli.codes import Code
from bastion.surfaces.cli.local import apart
from bastion.surfaces.cli.press import OWNER
from bastion.surfaces.cli.view import emit
from bastion.surfaces.cli.words import money, price
from bastion.surfaces.schemas import dumps


async def run_refund(
    place: Place,
    position_id: str,
    *,
    preview: bool,
    review: bool,
    account: str | None,
    reason: str | None,
    json: bool,
) -> int:
    """Preview, carry out or review the refund of one position; 10: refused, 11: the venue did not say.

    Raises:
        BastionError: nothing was done; the text says why.
    """
    code = Code.OK
    told: RefundPreview | RefundReport | RefundReview
    lines: Iterator[str]
    beside = apart(place)
    if beside:
        raise Refused(beside)
    async with open_desk(place) as desk:
        if preview:
            told = await preview_refund(desk, OWNER, position_id, account=account, reason=reason)
            lines = _preview_lines(told)
        elif review:
            told = await review_refund(desk, OWNER, position_id, account=account)
            lines = _review_lines(told)
        else:
            told = await refund(desk, OWNER, position_id, account=account, reason=reason)
            lines = _report_lines(told)
            code = {True: Code.OK, False: Code.NOT_FLAT, None: Code.UNKNOWN}[told.success]
    if json:
        emit(dumps(told))
    else:
        for line in lines:
            emit(line)
    return code


def _preview_lines(told: RefundPreview) -> Iterator[str]:
    decision = told.decision
    yield f"  margin        {told.margin_usd:,.2f} USD; a refund returns exactly this"
    yield (
        f"  normal close  {money(decision.close_net_usd)} USD: price {money(told.price_pnl_usd)}, "
        f"funding {money(told.funding_usd)}, fee {_minus(told.fee_usd)} (an estimate)"
    )
    forfeited, avoided = _plain(decision.forfeited_usd), _plain(decision.avoided_usd)
    yield f"  forfeited     {forfeited} USD; loss not charged {avoided} USD"
    yield f"  close path    {decision.close_text}"
    left = "unknown" if decision.left_pct is None else f"{decision.left_pct} % of the way from entry is left"
    near = ", NEAR" if decision.liquidation_near else ""
    yield f"  liquidation   at {price(told.liquidation_price)}, mark {price(told.mark_price)}: {left}{near}"
    if told.waiting_usd:
        yield f"  queue         {told.waiting_usd:,.2f} USD of yours wait; a profitable close may wait too"
    yield f"  favoured      {decision.favours_text}"
    yield f"  {'use     ' if told.legitimate else 'WARNING '}      {decision.fit_text}"
    yield _reentry(told.reentry)
    yield told.summary


def _report_lines(told: RefundReport) -> Iterator[str]:
    if told.success:
        yield (
            f"  account       {_confirmed(told.in_account)}: withdrawable {_plain(told.withdrawable_usd)} USD"
        )
        shown = None if told.in_lists is None else not told.in_lists
        yield f"  dashboard     {_confirmed(shown)}: the position is in no list"
        yield (
            f"  market        {_confirmed(told.in_market)}: mark {price(told.reentry.mark_price)}, "
            f"open interest {_plain(told.open_interest_usd)} USD"
        )
        yield _reentry(told.reentry)
        yield f"  later         `bastion refund {told.position_id} --review` shows what holding would give"
    if told.next_step:
        yield f"next: {told.next_step}"
    yield told.summary


def _review_lines(told: RefundReview) -> Iterator[str]:
    yield f"  reason        {told.reason or 'none was given'}"
    yield f"  then          a normal close was estimated at {money(told.close_net_usd_then)} USD"
    yield f"  now           mark {price(told.mark_price_now)}; held: {money(told.held_pnl_usd)} USD"
    yield "  not known     the way of the price in between, which may have liquidated the position"
    yield told.summary


def _reentry(reentry: Reentry) -> str:
    share = "unknown" if reentry.fee_share_pct is None else f"{reentry.fee_share_pct} %"
    return (
        f"  opening again costs about {_plain(reentry.spread_usd)} USD of spread at mark "
        f"{price(reentry.mark_price)}; its fee starts anew: {share} of the profit of a 1 % move"
    )


def _plain(value: Decimal | None) -> str:
    return "unknown" if value is None else f"{value:,.2f}"


def _minus(value: Decimal | None) -> str:
    return "unknown" if value is None else f"-{value:,.2f}"


def _confirmed(value: bool | None) -> str:  # noqa: FBT001 - private
    return {True: "confirmed", False: "NOT CONFIRMED", None: "not read"}[value]

"""Refund: give one position up for its original margin, knowing before and after what that means."""

from bastion.auth.permit import covered, permit, within_cap
from bastion.commands.asking import checked_reason
from bastion.commands.desk import Desk
from bastion.commands.positions import moment
from bastion.commands.refund_journal import asked_of, found_refund, refund_id_of, refused_lately
from bastion.commands.refund_telling import (
    Reentry,
    RefundPreview,
    RefundReport,
    RefundReview,
    held,
    percent,
    preview_words,
    report,
    review_words,
)
from bastion.domain.act import Act
from bastion.domain.money import ZERO
from bastion.domain.order import OrderKind, OrderRequest, OrderState
from bastion.domain.position import Position
from bastion.domain.principal import Principal
from bastion.domain.records import (
    CoveredAccount,
    OrderAnswered,
    OrderResolved,
    Outcome,
    RefundRequested,
    ResolvedBy,
    RoundIntended,
)
from bastion.domain.refund import RefundAftermath, RefundPolicy
from bastion.domain.selection import EVERYTHING
from bastion.domain.symbol import pair
from bastion.errors import Conflict, Refused, VenueError
from bastion.exits.plan import client_order_id
from bastion.exits.progress import Leg
from bastion.exits.refund_decision import decide
from bastion.exits.resolve import answer
from bastion.ports import Refunding, Venue

CALL_S = 8.0
RESOLVE_TRIES = 4
CONFIRM_TRIES = 4
TRY_GAP_S = 0.5
POSITION_ID_DIGITS_MAX = 18


async def preview_refund(
    desk: Desk,
    principal: Principal,
    position_id: str,
    *,
    account: str | None = None,
    reason: str | None = None,
) -> RefundPreview:
    """Return what speaks for and against a refund of an open position now; nothing is done.

    Raises:
        ScopeDenied: the principal lacks the read scope.
        Refused: there is no such account or open position.
        VenueError: the venue did not say.
    """
    permit(principal, Act.REFUND_PREVIEW)
    venue, refunding = _venue(desk, principal, account)
    facts = await refunding.refund_facts(_checked(position_id), deadline_s=CALL_S)
    if facts is None:
        raise _unknown(position_id, venue)
    decision = decide(facts, refused=refused_lately(desk, facts.position), stated=checked_reason(reason))
    position = facts.position
    return RefundPreview(
        summary=preview_words(facts, decision),
        position_id=position.position_id,
        symbol=pair(position.symbol),
        direction=position.side,
        exchange=venue.account.venue,
        account=venue.account.name,
        margin_usd=position.margin_usd or ZERO,
        entry_price=position.entry_price,
        mark_price=position.mark_price,
        liquidation_price=position.liquidation_price,
        price_pnl_usd=facts.price_pnl_usd,
        funding_usd=facts.funding_usd,
        fee_usd=facts.fee_usd,
        decision=decision,
        legitimate=decision.fit.legitimate,
        reentry=Reentry(
            mark_price=position.mark_price,
            spread_usd=facts.spread_usd,
            fee_share_pct=percent(facts.fee_share),
        ),
        waiting_usd=facts.waiting_usd,
    )


async def refund(
    desk: Desk,
    principal: Principal,
    position_id: str,
    *,
    account: str | None = None,
    reason: str | None = None,
) -> RefundReport:
    """Give an open position up for its original margin, and confirm that. It cannot be undone.

    The intent is durable before the request leaves. A repetition, also after a crash, is answered with what
    the first one did: the margin moves once.

    Raises:
        ScopeDenied: the principal lacks the trade scope, or the position is above its cap; nothing was done.
        Refused: there is no such account or open position, or its configuration says never; nothing was done.
        VenueError: the position could not be read; nothing was done.
        JournalUnusable: the intent could not be written down; nothing was done.
    """
    permit(principal, Act.REFUND)
    reason = checked_reason(reason)
    venue, refunding = _venue(desk, principal, account)
    if venue.account.refund is RefundPolicy.NEVER:
        raise Conflict(
            f'The configuration says refund = "never" for {venue.account.name}; change that first. '
            "Nothing was done."
        )
    refund_id = refund_id_of(venue.account.name, _checked(position_id))
    asked = asked_of(desk.journal.entries(refund_id))
    facts = await refunding.refund_facts(position_id, deadline_s=CALL_S)
    if facts is not None:
        within_cap(principal, Act.REFUND, facts.position.notional_usd)
        decision = decide(facts, refused=refused_lately(desk, facts.position), stated=reason)
        asked = RefundRequested(
            exit_id=refund_id,
            account=CoveredAccount(
                name=venue.account.name,
                venue=venue.account.venue,
                key_space=venue.account.key_space,
                refund=venue.account.refund,
            ),
            position=facts.position,
            principal=principal.id,
            surface=principal.surface,
            fit=decision.fit.value,
            net_usd=facts.net_usd,
            spread_usd=facts.spread_usd,
            fee_share=facts.fee_share,
            reason=reason,
        )
        await desk.journal.append((asked,))
    if asked is None:
        raise _unknown(position_id, venue)
    # Once it is written down, a caller who goes away does not stop it.
    return await desk.outlive(_carry_out(desk, venue, refunding, asked))


async def review_refund(
    desk: Desk, principal: Principal, position_id: str, *, account: str | None = None
) -> RefundReview:
    """Return what a refunded position would be worth now, and the reason that was given for it.

    Raises:
        ScopeDenied: the principal lacks the read scope.
        Refused: the journal knows no refund of that position.
        VenueError: the venue did not say what its market is at.
    """
    permit(principal, Act.REFUND_REVIEW)
    venue, refunding = _venue(desk, principal, account)
    found = found_refund(desk, venue.account.name, _checked(position_id))
    if found is None:
        raise Refused(f"The journal knows no refund of the position {position_id} on {venue.account.name}.")
    at_ns, request, state, told, asked = found
    position = request.position
    after = await refunding.refund_aftermath(position, deadline_s=CALL_S)
    worth, liquidated = held(position, after.mark_price)
    margin = state.refunded_usd if state.refunded_usd is not None else position.margin_usd
    return RefundReview(
        summary=review_words(position, margin, worth, liquidated=liquidated, at=moment(at_ns)),
        refund_id=asked.exit_id if asked is not None else refund_id_of(venue.account.name, position_id),
        position_id=position_id,
        symbol=pair(position.symbol),
        direction=position.side,
        exchange=venue.account.venue,
        account=venue.account.name,
        refunded_margin_usd=margin,
        refunded_at=moment(at_ns),
        reason=told,
        fit=asked.fit if asked is not None else None,
        close_net_usd_then=asked.net_usd if asked is not None else position.unrealized_pnl_usd,
        mark_price_now=after.mark_price,
        held_pnl_usd=worth,
        liquidated_now=liquidated,
    )


async def _carry_out(desk: Desk, venue: Venue, refunding: Refunding, asked: RefundRequested) -> RefundReport:
    position = asked.position
    leg = Leg(exit_id=asked.exit_id, account=asked.account)
    for entry in desk.journal.entries(asked.exit_id):
        leg.apply(entry.record, at_ns=entry.at_ns)
    number = leg.rounds + 1
    request = OrderRequest(
        client_order_id=client_order_id(asked.exit_id, asked.account.name, number, position, 0),
        position=position,
        quantity=position.quantity,
        kind=OrderKind.REFUND,
    )
    intent = RoundIntended(
        exit_id=asked.exit_id, account=asked.account.name, run=number, round=number, orders=(request,)
    )
    await desk.journal.append((intent,))
    leg.apply(intent, at_ns=desk.clock.now_ns())
    record = await _place(venue, leg, request)
    await desk.journal.append((record,))
    state = record.state
    if record.outcome is Outcome.UNKNOWN:
        state = await _resolve(desk, venue, leg, request)
    after = await _aftermath(desk, refunding, position) if state is not None and state.filled else None
    return report(venue, asked, record, state, after)


async def _place(venue: Venue, leg: Leg, request: OrderRequest) -> OrderAnswered:
    result: OrderState | Exception
    try:
        result = await venue.place(request, deadline_s=CALL_S)
    except VenueError as error:
        result = error
    return answer(leg, request, result)


async def _resolve(desk: Desk, venue: Venue, leg: Leg, request: OrderRequest) -> OrderState | None:
    # The same key goes with every repetition, so that asking again never pays twice.
    for _ in range(RESOLVE_TRIES):
        await desk.clock.sleep(TRY_GAP_S)
        try:
            state = await venue.order(request, deadline_s=CALL_S)
            if state is None:
                state = await venue.place(request, deadline_s=CALL_S)
        except VenueError:
            continue
        resolved = OrderResolved(
            exit_id=leg.exit_id,
            account=leg.account.name,
            client_order_id=request.client_order_id,
            by=ResolvedBy.ORDER,
            state=state,
        )
        await desk.journal.append((resolved,))
        return state
    return None


async def _aftermath(desk: Desk, refunding: Refunding, position: Position) -> RefundAftermath | None:
    seen: RefundAftermath | None = None
    for _ in range(CONFIRM_TRIES):
        try:
            seen = await refunding.refund_aftermath(position, deadline_s=CALL_S)
        except VenueError:
            seen = None
        if seen is not None and seen.accounted and not seen.listed:
            return seen
        await desk.clock.sleep(TRY_GAP_S)
    return seen


def _venue(desk: Desk, principal: Principal, account: str | None) -> tuple[Venue, Refunding]:
    names = {one.name for one in covered(principal, desk.accounts, EVERYTHING)}
    offering = {
        name: venue for name, venue in desk.venues.items() if name in names and isinstance(venue, Refunding)
    }
    if account is not None:
        if account not in names:
            raise Refused(f"There is no account {account[:64]!r}. Nothing was done.")
        if account not in offering:
            raise Refused(f"The venue of the account {account!r} gives no margin back. Nothing was done.")
        offering = {account: offering[account]}
    if not offering:
        raise Refused("No configured account is at a venue that gives margins back. Nothing was done.")
    if len(offering) > 1:
        raise Refused(f"Name the account with --account: {', '.join(sorted(offering))}. Nothing was done.")
    venue = next(iter(offering.values()))
    refunding: object = venue
    if not isinstance(refunding, Refunding):
        raise Refused("The venue gives no margin back. Nothing was done.")
    return desk.venues[venue.account.name], refunding


def _checked(position_id: str) -> str:
    if not (position_id.isascii() and position_id.isdecimal() and len(position_id) <= POSITION_ID_DIGITS_MAX):
        raise Refused("A position's id is a whole number, as `bastion positions` shows it. Nothing was done.")
    return position_id


def _unknown(position_id: str, venue: Venue) -> Refused:
    return Refused(
        f"{venue.account.name} has no open position {position_id}; `bastion positions` shows the ids. "
        "Nothing was done."
    )

"""Telling: what a refund's preview, report and review say, in figures and words."""

from decimal import Decimal

from bastion.domain.money import ZERO, Usd
from bastion.domain.order import OrderState
from bastion.domain.position import Position, Side
from bastion.domain.records import OrderAnswered, Outcome, RefundRequested
from bastion.domain.refund import RefundAftermath, RefundFacts
from bastion.domain.symbol import pair
from bastion.exits.refund_decision import Decision
from bastion.ports import Venue
from bastion.shape import dataclass

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reentry:
    """What opening the same size again may cost: the spread, and the fee's share of a 1 % move."""

    mark_price: Decimal | None
    spread_usd: Decimal | None
    fee_share_pct: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPreview:
    """What a normal close and a refund would give now, and what a refund would be for; nothing was done."""

    summary: str
    position_id: str
    symbol: str
    direction: Side
    exchange: str
    account: str
    margin_usd: Decimal
    entry_price: Decimal | None
    mark_price: Decimal | None
    liquidation_price: Decimal | None
    price_pnl_usd: Decimal | None
    funding_usd: Decimal
    fee_usd: Decimal | None
    decision: Decision
    legitimate: bool
    reentry: Reentry
    waiting_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReport:
    """What came of a refund. `success` is None where the venue did not say; `next_step` is then set.

    `in_account`, `in_lists` and `in_market` are the three confirmations: the margin in the balance, the
    position in no list, the market's state; None where the venue did not show them.
    """

    summary: str
    success: bool | None
    refund_id: str
    position_id: str
    symbol: str
    direction: Side
    exchange: str
    account: str
    refunded_margin_usd: Decimal | None
    realized_pnl_usd: Decimal
    reason: str | None
    fit: str
    in_account: bool | None
    withdrawable_usd: Decimal | None
    in_lists: bool | None
    in_market: bool | None
    open_interest_usd: Decimal | None
    reentry: Reentry
    error: str | None
    next_step: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReview:
    """What would have come of a refunded position, had it been held until now, and why it was refunded.

    `held_pnl_usd` is the price PnL at the mark of now, before fee and funding, at worst the margin. The way
    of the price in between is not known here: a position can have been liquidated and look sound now.
    """

    summary: str
    refund_id: str
    position_id: str
    symbol: str
    direction: Side
    exchange: str
    account: str
    refunded_margin_usd: Decimal | None
    refunded_at: str
    reason: str | None
    fit: str | None
    close_net_usd_then: Decimal | None
    mark_price_now: Decimal | None
    held_pnl_usd: Decimal | None
    liquidated_now: bool | None


def report(
    venue: Venue,
    asked: RefundRequested,
    record: OrderAnswered,
    state: OrderState | None,
    after: RefundAftermath | None,
) -> RefundReport:
    """Return what came of a refund, in figures and words."""
    position = asked.position
    name = f"{pair(position.symbol)} {position.side.value} (position {position.position_id})"
    unknown = state is None and record.outcome is Outcome.UNKNOWN
    done = state is not None and state.filled > ZERO
    margin = state.refunded_usd if done and state is not None else None
    error = None if done else (record.message or record.code or (state.reason if state is not None else ""))
    step = None
    if done:
        summary = f"REFUNDED: {name}: {margin or ZERO:,.2f} USD of margin is back; no profit, loss or fee."
        if after is None or not after.accounted or after.listed:
            step = (
                "The venue says that it refunded, but its reads do not all show it yet; look again shortly."
            )
    elif unknown:
        summary = f"UNKNOWN: the venue did not say whether {name} was refunded."
        step = (
            f"Run `bastion refund {position.position_id}` again: the margin moves once, however often asked."
        )
    else:
        summary = f"NOT REFUNDED: {name}: {error}."
        step = "The position is as it was; try a normal close, or the refund again when the venue allows it."
    fee_share = asked.fee_share
    return RefundReport(
        summary=summary,
        success=None if unknown else done,
        refund_id=asked.exit_id,
        position_id=position.position_id,
        symbol=pair(position.symbol),
        direction=position.side,
        exchange=venue.account.venue,
        account=venue.account.name,
        refunded_margin_usd=margin,
        realized_pnl_usd=ZERO,
        reason=asked.reason,
        fit=asked.fit,
        in_account=None if after is None else after.accounted,
        withdrawable_usd=None if after is None else after.withdrawable_usd,
        in_lists=None if after is None else after.listed,
        in_market=None if after is None else after.mark_price is not None,
        open_interest_usd=None if after is None else after.open_interest_usd,
        reentry=Reentry(
            mark_price=None if after is None else after.mark_price,
            spread_usd=asked.spread_usd,
            fee_share_pct=None if fee_share is None else percent(fee_share),
        ),
        error=error,
        next_step=step,
    )


def preview_words(facts: RefundFacts, decision: Decision) -> str:
    """Return the preview in a few sentences."""
    position = facts.position
    close = (
        "a close cannot be valued without a price"
        if decision.close_net_usd is None
        else f"a close would give {decision.close_net_usd:+,.2f} USD beside it (fee {facts.fee_usd:,.2f})"
    )
    word = "Use" if decision.fit.legitimate else "Warning"
    return (
        f"{pair(position.symbol)} {position.side.value} (position {position.position_id}): a refund gives "
        f"{position.margin_usd or ZERO:,.2f} USD; {close}. The figures favour {decision.favours_text}. "
        f"{word}: {decision.fit_text}. Nothing was done."
    )


def review_words(
    position: Position, margin: Decimal | None, held: Usd | None, *, liquidated: bool | None, at: str
) -> str:
    """Return the review in a few sentences."""
    name = f"{pair(position.symbol)} {position.side.value} (position {position.position_id})"
    head = f"{name} was refunded at {at} for {margin or ZERO:,.2f} USD."
    if held is None:
        return f"{head} The market shows no price, so what holding would have given is not known."
    if liquidated:
        return f"{head} Held until now it would be liquidated: {held:,.2f} USD."
    return f"{head} Held until now it would stand at {held:+,.2f} USD before fee and funding."


def held(position: Position, mark: Decimal | None) -> tuple[Usd | None, bool | None]:
    """Return the price PnL at a mark, and whether that is beyond liquidation; None without a mark."""
    entry, limit, margin = position.entry_price, position.liquidation_price, position.margin_usd
    if mark is None or entry is None or limit is None or margin is None:
        return None, None
    long = position.side is Side.LONG
    if mark <= limit if long else mark >= limit:
        return Usd(-margin), True
    moved = mark - entry if long else entry - mark
    return Usd(max(position.quantity * moved, -margin).quantize(CENT)), False


def percent(share: Decimal) -> Decimal:
    """Return a fraction in percent, with two decimals."""
    return (share * 100).quantize(CENT)

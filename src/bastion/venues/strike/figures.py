"""Figures: what a normal close would give, and whether a wallet's balance holds all that is its own."""

from decimal import Decimal

from bastion.domain.money import ZERO, Usd
from bastion.domain.refund import RefundFacts
from bastion.venues.raw import Row
from bastion.venues.strike import rows


def facts(
    row: Row, mark: Decimal | None, multiplier: Decimal, *, impaired: tuple[str, ...], waiting: Decimal
) -> RefundFacts:
    """Return the figures of an open dashboard item, with a normal close estimated at `mark`."""
    position = rows.position(row, mark=mark)
    entry, margin, value = row.decimal("entryPrice"), row.decimal("margin"), row.decimal("position_value")
    funding = row.decimal("accumulatedFunding")
    profit = fee = net = None
    if mark is not None:
        profit = rows.price_pnl(position.side, value, entry, mark)
        gross = profit + funding
        move = abs(mark - entry) / entry
        fee = rows.closing_fee(profit=profit, gross=gross, value=value, move=move, multiplier=multiplier)
        # The margin is isolated: more than it cannot be lost.
        net = max(gross - fee, -margin)
    return RefundFacts(
        position=position,
        price_pnl_usd=None if profit is None else Usd(profit),
        funding_usd=Usd(funding),
        fee_usd=None if fee is None else Usd(fee),
        net_usd=None if net is None else Usd(net),
        spread_usd=Usd(row.decimal("spread") / entry * value),
        fee_share=rows.fee_share(rows.FEE_SHARE_MOVE),
        impaired=impaired,
        waiting_usd=Usd(waiting),
    )


def balances_agree(listed: Row, account: Row) -> bool:
    """Return whether the withdrawable balance is what it must be by all that the venue shows.

    Deposits less withdrawals, plus what settled positions realised, less the margins that are open or queued.
    A margin that was refunded is back in that balance; one that vanished otherwise is missing.
    """
    moved = sum((row.decimal("amount") for row in account.rows("deposits")), ZERO)
    moved -= sum((row.decimal("amount") for row in account.rows("withdrawals")), ZERO)
    realized = sum((row.decimal("realizedPnl") for row in listed.rows("settled")), ZERO)
    held = sum((row.decimal("margin") for row in (*listed.rows("open"), *listed.rows("closed"))), ZERO)
    return account.row("balances").decimal("withdrawable") == moved + realized - held

"""Refund: giving a position up for its original margin, where the venue offers that."""

from decimal import Decimal
from enum import StrEnum

from bastion.domain.money import Price, Usd
from bastion.domain.position import Position
from bastion.shape import dataclass


class RefundPolicy(StrEnum):
    """When an exit may give a position up for its margin instead of closing it."""

    NEVER = "never"
    LAST_RUNG = "last_rung"
    """Only after closing was refused often and long enough (`ExitSettings.refund_after_*`)."""
    ALWAYS = "always"
    """At once, before any close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFacts:
    """What a venue shows now of an open position that could be refunded.

    `price_pnl_usd`, `fee_usd` and `net_usd` are what a normal close would give at the mark: an estimate by
    the venue's published formulas. None where the venue shows no mark. `funding_usd` has accrued (negative
    when paid). `spread_usd` is what opening the same size again costs against the mark, `fee_share` the share
    of the profit that the venue takes of a new position after a move of one percent. `impaired` names what
    hinders a close, as far as the venue shows it; `waiting_usd` is what the wallet has in the payout queue
    already.
    """

    position: Position
    price_pnl_usd: Usd | None
    funding_usd: Usd
    fee_usd: Usd | None
    net_usd: Usd | None
    spread_usd: Usd
    fee_share: Decimal
    impaired: tuple[str, ...] = ()
    waiting_usd: Usd = Usd(Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAftermath:
    """What the venue shows after a refund.

    `accounted` says whether the withdrawable balance holds the margin: deposits less withdrawals, plus all
    that was realised, less all that is still reserved or queued. `listed` says whether any read still shows
    the position.
    """

    withdrawable_usd: Usd
    reserved_usd: Usd
    accounted: bool
    listed: bool
    mark_price: Price | None
    open_interest_usd: Usd | None

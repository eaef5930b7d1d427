"""Report: the words in which every surface tells what an exit did."""

from decimal import Decimal

from bastion.domain.mandate import ExitKind
from bastion.domain.money import Price, Quantity, Usd
from bastion.domain.position import Side
from bastion.domain.selection import Selection
from bastion.domain.verdict import ExitState, PartVerdict, Verdict
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedBy:
    """How much of a position an order took: `who` is `bastion`, or whom the venue's fills name instead.

    `liquidation` and `adl` are the venue's own, `stop` is a trigger order that an earlier look showed,
    `other_order` any other that is not of this exit.
    """

    who: str
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPosition:
    """A position that was seen during the exit and is gone; prices and money come from fills only.

    `symbol` is the pair form (`BTCUSDT`), `exchange` the venue's id. `exit_price` is the average over the
    fills that reduced it; None, as is `realized_pnl_usd`, while `pnl_pending`. `how` is `closed`, or
    `refunded` where the venue took it back for its margin: then nothing was realised, and there is no price.
    `reduced` is a part of a position, whose rest is open.
    """

    symbol: str
    direction: Side
    exit_price: Price | None
    realized_pnl_usd: Usd | None
    exchange: str
    account: str
    quantity: Quantity
    fees_usd: Usd
    pnl_pending: bool
    how: str = "closed"
    closed_by: tuple[ClosedBy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundedMargin:
    """A position that was given up for its original margin; that is no profit and no loss."""

    symbol: str
    exchange: str
    account: str
    direction: Side
    refunded_margin_usd: Usd | None
    reason: str
    position_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitError:
    """Something that kept, or still keeps, the exit from closing; `code` is the venue's or a word of ours."""

    symbol: str | None
    exchange: str
    account: str
    code: str
    message: str
    remaining_qty: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """Something that is left: `kind` is `position`, `order`, `dust` or `not_closed_by_bastion`."""

    symbol: str
    exchange: str
    account: str
    direction: str
    quantity: Quantity
    kind: str
    reason: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadPart:
    """A part of an account that could not be read."""

    exchange: str
    account: str
    part: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedOrder:
    """An order whose outcome was unknown, and how it was found out: `order`, `absent`, `fills`, `look`."""

    symbol: str
    exchange: str
    account: str
    client_order_id: str
    by: str
    filled: Quantity | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RungTaken:
    """One round of orders for one position that was not the plain market order, and why it was so.

    `rung` is `market`, `whole`, `ioc`, `resting` or `refund`; `limit_price` the worst price that it allowed,
    None where it had no bound. `outcome` says in words what came of it, `filled` how much the venue told.
    """

    symbol: str
    exchange: str
    account: str
    direction: Side
    round: int
    rung: str
    quantity: Quantity
    limit_price: Price | None
    reason: str
    filled: Quantity
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetExposure:
    """The net exposure to one base asset over all accounts of the exit, longs positive.

    In US dollars at the mark, and in the asset itself; None where a venue did not give what it takes.
    """

    asset: str
    before_usd: Usd | None
    after_usd: Usd | None
    before_qty: Decimal | None
    after_qty: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanedLeg:
    """A position that is left while what stood against it, in the same base asset, is gone."""

    asset: str
    symbol: str
    exchange: str
    account: str
    direction: Side
    quantity: Quantity
    notional_usd: Usd | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CollateralAtRisk:
    """A coin of an account that is no US stablecoin: closing positions did not take its risk away."""

    exchange: str
    account: str
    coin: str
    quantity: Quantity
    value_usd: Usd | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What the accounts were exposed to before the exit and after it, as far as the exit covers them.

    `unknown_before` and `unknown_after` name the accounts of which that is not known; `collateral_unread`
    those whose coins are not, each with the reason.
    """

    summary: str
    assets: tuple[AssetExposure, ...]
    unknown_before: tuple[str, ...]
    unknown_after: tuple[str, ...]
    orphaned: tuple[OrphanedLeg, ...]
    collateral: tuple[CollateralAtRisk, ...]
    collateral_unread: tuple[UnreadPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenedRow:
    """What was opened again after flat, and closed or cancelled again.

    `kind` is `position` or `order`; `by` are the beginnings of the client ids whose orders did it, empty
    where the venue does not tell.
    """

    at: str
    exchange: str
    account: str
    symbol: str
    direction: str
    quantity: Quantity
    kind: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookProof:
    """One of the two looks behind a flat leg: when it ended (ISO-8601, UTC) and which parts it read."""

    at: str
    parts: tuple[str, ...]
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LegProof:
    """One account's verdict and the looks that it rests on."""

    account: str
    exchange: str
    verdict: Verdict | PartVerdict | None
    time_to_flat_ms: int | None
    looks: tuple[LookProof, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedPart:
    """The selection that was asked for, shown back, each list sorted; all empty means everything."""

    venues: tuple[str, ...]
    accounts: tuple[str, ...]
    symbols: tuple[str, ...]
    sides: tuple[str, ...]
    except_accounts: tuple[str, ...]
    except_symbols: tuple[str, ...]


def shown(selection: Selection) -> SelectedPart:
    """Return a selection as answers show it."""
    return SelectedPart(
        venues=tuple(sorted(selection.venues)),
        accounts=tuple(sorted(selection.accounts)),
        symbols=tuple(sorted(selection.symbols)),
        sides=tuple(sorted(side.value for side in selection.sides)),
        except_accounts=tuple(sorted(selection.except_accounts)),
        except_symbols=tuple(sorted(selection.except_symbols)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitReport:
    """What an exit did so far, and how it stands; `verdict` is None while it runs.

    `next_step` is set whenever the verdict is not success, and while the exit runs. `time_to_flat_ms` counts
    from the request to the end of the second flat look of the last leg; None unless all legs are flat.
    `funding_usd` is None where no venue gave it. `success` is true for FLAT and FLAT_WITH_DUST only, and, of
    a part that was closed (`kind` partial or winners), for REDUCED and CLOSED. The verdict speaks of what
    `selection` covers and of nothing else. `positions_closed` counts no reduced position. `joined` names
    the exits that ran on accounts of this one when it came; `kind` is what the exit's machinery was used for.
    `ladder` holds the rounds in which a position was not closed by a plain market order, in their order;
    `exposure` what the accounts were exposed to before and after; `reopened` what was opened again after it.
    """

    summary: str
    success: bool
    verdict: Verdict | PartVerdict | None
    state: ExitState
    exit_id: str
    positions_closed: int
    total_realized_pnl_usd: Usd
    closed_positions: tuple[ClosedPosition, ...]
    errors: tuple[ExitError, ...]
    residual: tuple[Residual, ...]
    unread: tuple[UnreadPart, ...]
    orders_cancelled: int
    fees_usd: Usd
    funding_usd: Usd | None
    pnl_pending: bool
    time_to_flat_ms: int | None
    held_until: str | None
    next_step: str | None
    warnings: tuple[str, ...]
    reason: str | None
    requested_at: str
    resolved: tuple[ResolvedOrder, ...]
    looks: tuple[LegProof, ...]
    refunds: tuple[RefundedMargin, ...]
    total_refunded_margin_usd: Usd
    elapsed_s: Decimal
    selection: SelectedPart
    joined: tuple[str, ...]
    kind: ExitKind
    ladder: tuple[RungTaken, ...]
    exposure: Exposure
    reopened: tuple[ReopenedRow, ...]

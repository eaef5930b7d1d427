"""Reads: what an image shows to the public and to the operator."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from bastion.paper.strike import margin
from bastion.paper.strike.draft import Movement
from bastion.paper.strike.funding import rates_by_side, skew
from bastion.paper.strike.image import Image
from bastion.paper.strike.ledger import INSURANCE, TREASURY, Code, Kind
from bastion.paper.strike.money import MICRO
from bastion.paper.strike.position import Position, Status
from bastion.paper.strike.queue import Claim
from bastion.paper.strike.settings import VenueSettings
from bastion.paper.strike.trading import is_stale
from bastion.paper.strike.views import (
    AccountView,
    BalancesView,
    DashboardView,
    MarketView,
    MetricsView,
    MovementView,
    PositionsView,
    PositionView,
    QueueView,
)

_ALERT_SHARE: Final = Fraction(80, 100)


def position_view(image: Image, settings: VenueSettings, position: Position) -> PositionView:
    """Add to a position what follows from its market's newest mark."""
    market = image.markets.get(position.symbol)
    unrealized = 0
    if position.status is Status.OPEN and market is not None and market.mark is not None:
        unrealized = margin.price_pnl(position, market.mark) + position.funding
    return PositionView(
        position=position,
        size=margin.size(position),
        liquidation_price=margin.liquidation_price(position, settings.liquidation_buffer),
        unrealized=unrealized,
    )


def positions_view(image: Image, settings: VenueSettings, wallet: str) -> PositionsView:
    """Sort a wallet's positions by public status; exited ones are gone."""
    shown: dict[Status, list[PositionView]] = {Status.OPEN: [], Status.CLOSED: [], Status.SETTLED: []}
    for number in image.of_wallet.get(wallet, ()):
        position = image.positions[number]
        if position.status is Status.EXITED:
            continue
        status = Status.SETTLED if position.status is Status.LIQUIDATED else position.status
        shown[status].append(position_view(image, settings, position))
    return PositionsView(
        open=tuple(shown[Status.OPEN]),
        closed=tuple(shown[Status.CLOSED]),
        settled=tuple(shown[Status.SETTLED]),
    )


def queue_view(image: Image, wallet: str | None) -> tuple[QueueView, ...]:
    """Show the waiting claims, each with what stands in front of it in its own queue."""
    rows = [row for lane in image.lanes.values() for row in _lane_view(lane.values())]
    rows.sort(key=lambda row: row[0].seq)
    return tuple(view for claim, view in rows if wallet is None or claim.wallet == wallet)


def _lane_view(claims: Iterable[Claim]) -> list[tuple[Claim, QueueView]]:
    rows: list[tuple[Claim, QueueView]] = []
    ahead = 0
    for place, claim in enumerate(claims, start=1):
        payout = claim.margin + claim.need
        view = QueueView(
            position_id=claim.position_id,
            symbol=claim.symbol,
            margin=claim.margin,
            need=claim.need,
            net_payout=payout,
            ahead=ahead,
            place=place,
            queued_at_us=claim.queued_at_us,
        )
        rows.append((claim, view))
        ahead += payout
    return rows


def account_view(image: Image, wallet: str) -> AccountView:
    """Show a wallet's balances and movements, newest first."""
    withdrawable = image.held(wallet, Kind.AVAILABLE)
    reserved = image.held(wallet, Kind.RESERVED)
    movements = image.movements_of.get(wallet, ())
    return AccountView(
        withdrawable=withdrawable,
        reserved=reserved,
        total=withdrawable + reserved,
        queued=image.held(wallet, Kind.QUEUED),
        deposits=_movements(movements, Code.DEPOSIT),
        withdrawals=_movements(movements, Code.WITHDRAWAL),
    )


def _movements(movements: Sequence[Movement], code: Code) -> tuple[MovementView, ...]:
    return tuple(
        MovementView(
            amount=movement.amount,
            tx_hash=movement.tx_hash,
            stated_at_us=movement.stated_at_us,
            recorded_at_us=movement.recorded_at_us,
        )
        for movement in reversed(movements)
        if movement.kind == code
    )


def balances_view(image: Image, wallet: str) -> BalancesView:
    """Show a wallet's money against its history."""
    movements = image.movements_of.get(wallet, ())
    deposited = sum(movement.amount for movement in movements if movement.kind == Code.DEPOSIT)
    withdrawn = sum(movement.amount for movement in movements if movement.kind == Code.WITHDRAWAL)
    return BalancesView(
        balance=deposited - withdrawn + image.realized.get(wallet, 0),
        withdrawable=image.held(wallet, Kind.AVAILABLE),
        total_deposited=deposited,
        total_withdrawn=withdrawn,
    )


def dashboard_view(image: Image, settings: VenueSettings, wallet: str) -> DashboardView | None:
    """Show a wallet at a glance; None when it never did anything."""
    if wallet not in image.wallets:
        return None
    positions = positions_view(image, settings, wallet)
    waiting = {claim.position_id: claim for claim in queue_view(image, wallet)}
    return DashboardView(
        withdrawable=image.held(wallet, Kind.AVAILABLE),
        active=positions.open,
        pending_payout=tuple((view, waiting[view.position.id]) for view in positions.closed),
        history=tuple(reversed(positions.settled)),
    )


def market_view(image: Image, settings: VenueSettings, symbol: str, now_us: int) -> MarketView | None:
    """Show one market; None when unknown."""
    market = image.markets.get(symbol)
    if market is None:
        return None
    long_oi = image.interest_long[symbol]
    short_oi = image.interest_short[symbol]
    long_rate, short_rate = rates_by_side(long_oi, short_oi)
    tape = image.tapes[symbol]
    volume_24h, trades_24h = tape.day(now_us)
    return MarketView(
        symbol=symbol,
        mark=market.mark,
        marked_at_us=market.marked_at_us,
        stale=is_stale(market, settings, now_us),
        halted=market.halted,
        long_oi=long_oi,
        short_oi=short_oi,
        skew=skew(long_oi, short_oi),
        long_rate_hourly=long_rate,
        short_rate_hourly=short_rate,
        volume_24h=volume_24h,
        volume_1h=tape.hour(now_us),
        volume_total=tape.total,
        trades_24h=trades_24h,
        position_multiplier=settings.position_multiplier,
        spread_rate=settings.spread_rate,
    )


def metrics_view(image: Image, now_us: int, *, commits: int) -> MetricsView:
    """Show the operator's figures; see `MetricsView` for the formulas."""
    totals = image.totals
    losses = totals.loss_inflow + totals.forgiven_loss
    share = Fraction(totals.forgiven_loss, losses) if losses else Fraction(0)
    break_even = 1 - Fraction(totals.profit_claims, losses) if losses else None
    claims = tuple(image.claims())
    return MetricsView(
        open_positions=sum(len(positions) for positions in image.open_in.values()),
        wallets=len(image.wallets),
        treasury=image.balance(TREASURY),
        insurance=image.balance(INSURANCE),
        queue_length=len(claims),
        queue_need=sum(claim.need for claim in claims),
        queue_age_seconds=image.queue_age_us(now_us) // MICRO,
        loss_inflow=totals.loss_inflow,
        profit_claims=totals.profit_claims,
        exits=totals.exits,
        forgiven_loss=totals.forgiven_loss,
        forgiven_share=share,
        break_even_share=break_even,
        alert=bool(totals.forgiven_loss) and break_even is not None and share >= _ALERT_SHARE * break_even,
        total_fees=totals.fees,
        commits=commits,
    )

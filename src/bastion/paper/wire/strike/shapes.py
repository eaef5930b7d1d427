"""Shapes: how the venue's views are printed, in the numbers and names of the interface.

Money, prices, sizes and rates are decimal strings; the few JSON numbers are those that the interface keeps
(interface, section 1).
"""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

from bastion.paper.strike.money import MICRO, margin_text, round_half_up, size_text, usd_text
from bastion.paper.strike.position import Side, Status
from bastion.paper.strike.results import Closed, Opened, pseudo_hash
from bastion.paper.strike.views import MarketView, MovementView, PositionView, QueueView

HOURS_A_YEAR: Final = 8760
GAS_USED: Final = 0
"""No chain executes these trades, so they use no gas."""

_STATUS_TEXT: Final = {
    Status.OPEN: "open",
    Status.CLOSED: "closed",
    Status.SETTLED: "settled",
    Status.LIQUIDATED: "settled",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def time_text(at_us: int) -> str:
    """A moment as the venue writes it: ISO-8601, UTC, whole seconds, `Z`."""
    moment = _EPOCH + timedelta(seconds=at_us // MICRO)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def optional_time_text(at_us: int | None) -> str | None:
    """As `time_text`; None stays None."""
    return None if at_us is None else time_text(at_us)


def number(micro: int) -> float:
    """Micro-units as a JSON number, exact up to 15 digits, for the few fields that are no strings."""
    return micro / MICRO


def opened(result: Opened) -> dict[str, object]:
    """The answer of /long and /short."""
    position = result.position
    side = "Long" if position.side is Side.LONG else "Short"
    return {
        "success": True,
        "message": f"{side} position created successfully",
        "txHash": pseudo_hash(result.event_id),
        "gasUsed": GAS_USED,
        "positionId": position.id,
        "symbol": position.symbol,
        "szi": size_text(result.size),
        "margin": margin_text(position.margin),
        "entryPrice": usd_text(position.entry_price),
        "liquidationPrice": usd_text(result.liquidation_price),
        "status": "open",
        "createdAt": time_text(position.opened_at_us),
        "spread": usd_text(position.spread),
    }


def closed(result: Closed) -> dict[str, object]:
    """The answer of /close."""
    position = result.position
    return {
        "success": True,
        "message": "Position closed successfully",
        "txHash": pseudo_hash(result.event_id),
        "gasUsed": GAS_USED,
        "positionId": position.id,
        "symbol": position.symbol,
        "szi": size_text(result.size),
        "margin": margin_text(position.margin),
        "entryPrice": usd_text(position.entry_price),
        "exitPrice": usd_text(position.exit_price or 0),
        "pricePnl": usd_text(position.price_pnl),
        "accumulatedFunding": usd_text(position.funding),
        "grossPnl": usd_text(position.gross),
        "realizedPnl": usd_text(position.realized),
        "pnlFee": usd_text(position.fee),
        "status": _STATUS_TEXT[position.status],
        "createdAt": time_text(position.opened_at_us),
        "closedAt": optional_time_text(position.closed_at_us),
        "settledAt": optional_time_text(position.settled_at_us),
        "spread": usd_text(position.spread),
    }


def position_item(view: PositionView) -> dict[str, object]:
    """One position as the public reads list it."""
    position = view.position
    exit_price = position.exit_price
    return {
        "id": position.id,
        "walletAddress": position.wallet,
        "symbol": position.symbol,
        "szi": size_text(view.size),
        "margin": margin_text(position.margin),
        "entryPrice": usd_text(position.entry_price),
        "liquidationPrice": usd_text(view.liquidation_price),
        "exitPrice": None if exit_price is None else usd_text(exit_price),
        "realizedPnl": usd_text(position.realized),
        "pnlFee": usd_text(position.fee),
        "status": _STATUS_TEXT[position.status],
        "createdAt": time_text(position.opened_at_us),
        "closedAt": optional_time_text(position.closed_at_us),
        "settledAt": optional_time_text(position.settled_at_us),
        "accumulatedFunding": usd_text(position.funding),
        "spread": usd_text(position.spread),
    }


def active_item(view: PositionView) -> dict[str, object]:
    """An open position on the dashboard; `return_on_equity` is percent of the margin."""
    position = view.position
    return {
        **position_item(view),
        "leverage": float(position.leverage),
        "position_value": margin_text(position.notional),
        "unrealized_pnl": usd_text(view.unrealized),
        "return_on_equity": round_half_up(Fraction(100 * view.unrealized, position.margin), digits=2),
    }


def queue_entry(claim: QueueView) -> dict[str, object]:
    """A waiting claim in the older form; the venue forecasts no payout time."""
    return {
        "position_id": claim.position_id,
        "queue_position_usd": number(claim.ahead),
        "margin": number(claim.margin),
        "realized_pnl": number(claim.net_payout - claim.margin),
        "net_payout": number(claim.net_payout),
        "position_in_queue": claim.place,
        "estimated_payout_time": None,
    }


def movement_item(movement: MovementView) -> dict[str, object]:
    """A deposit or withdrawal in the account."""
    return {
        "amount": margin_text(movement.amount),
        "txHash": movement.tx_hash,
        "timestamp": time_text(movement.stated_at_us),
    }


def market_item(market: MarketView) -> dict[str, object]:
    """A market as /markets lists it; the price is null until the feed has given one."""
    return {
        "symbol": market.symbol,
        "price": None if market.mark is None else usd_text(market.mark),
        "longOi": usd_text(market.long_oi),
        "shortOi": usd_text(market.short_oi),
        "totalOi": usd_text(market.long_oi + market.short_oi),
        "longFundingRateHourly": round_half_up(market.long_rate_hourly, digits=6),
        "shortFundingRateHourly": round_half_up(market.short_rate_hourly, digits=6),
        "volumeUsd24h": usd_text(market.volume_24h),
        "volumeUsdTotal": usd_text(market.volume_total),
        "skew": round_half_up(market.skew, digits=4),
    }


def market_page(market: MarketView) -> dict[str, object]:
    """A market as /market/{symbol} shows it; annual rates are 8760 times the hourly ones."""
    return {
        "symbol": market.symbol,
        "price": None if market.mark is None else usd_text(market.mark),
        "position_multiplier": round_half_up(market.position_multiplier, digits=6),
        "long_funding_rate_hourly": round_half_up(market.long_rate_hourly, digits=6),
        "short_funding_rate_hourly": round_half_up(market.short_rate_hourly, digits=6),
        "long_funding_rate_annual": round_half_up(market.long_rate_hourly * HOURS_A_YEAR, digits=3),
        "short_funding_rate_annual": round_half_up(market.short_rate_hourly * HOURS_A_YEAR, digits=3),
        "long_oi": usd_text(market.long_oi),
        "short_oi": usd_text(market.short_oi),
        "total_oi": usd_text(market.long_oi + market.short_oi),
        "skew": round_half_up(market.skew, digits=4),
        "volumeUsd24h": usd_text(market.volume_24h),
        "volumeUsdTotal": usd_text(market.volume_total),
    }

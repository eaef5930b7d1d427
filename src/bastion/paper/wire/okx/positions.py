"""Positions: account/positions and account/positions-history.

Source: OKX v5 "GET / Positions" (one call shows every instType, newest cTime first) and "GET / Positions
history" (newest uTime first, paged by uTime). Amounts are in the margin coin, notionalUsd in US dollars.
"""

from decimal import Decimal

from bastion.paper.order import OrderFilter, PositionSide
from bastion.paper.position import PositionView
from bastion.paper.wire.okx import paging
from bastion.paper.wire.okx.calls import SWAP, Call, dollar_price, family_of, plain, rounded, wants
from bastion.paper.wire.okx.envelope import Outcome, Row
from bastion.paper.wire.okx.episodes import Episode, episodes
from bastion.paper.wire.okx.words import position_id_of, position_side_of, trade_id_of

_MAX_PRICE_FACTOR = Decimal(1_000)
_GREEKS = ("deltaBS", "deltaPA", "gammaBS", "gammaPA", "thetaBS", "thetaPA", "vegaBS", "vegaPA")
_EMPTY = (
    *_GREEKS,
    "baseBal",
    "baseBorrowed",
    "baseInterest",
    "bizRefId",
    "bizRefType",
    "clSpotInUseAmt",
    "hedgedPos",
    "interest",
    "liab",
    "liabCcy",
    "maxSpotInUseAmt",
    "nonSettleAvgPx",
    "optVal",
    "pendingCloseOrdLiabVal",
    "posCcy",
    "quoteBal",
    "quoteBorrowed",
    "quoteInterest",
    "settledPnl",
    "spotInUseAmt",
    "spotInUseCcy",
)


def positions(call: Call) -> Outcome:
    """GET /api/v5/account/positions: every position of every kind, in one call and without pages."""
    if call.conditions.pretend_empty:
        return Outcome()
    parameters = call.parameters
    fills = call.exchange.fills(call.account, until_ms=call.at_ms)
    booked = {episode.key: episode for episode in episodes(fills)}
    views = call.exchange.positions(call.account, at_ms=call.at_ms)
    rows: list[Row] = []
    for view in sorted(views, key=lambda view: -view.position.opened_ms):
        episode = booked.get((view.position.symbol, view.position.side))
        row = position_row(call, view, episode)
        is_asked = parameters.text("posId") in {"", row["posId"]}
        if is_asked and _in_list(call, view):
            rows.append(row)
    kinds = {parameters.text("instType")} - {""}
    rows += [
        row
        for row in call.beside.positions(call.account)
        if (not kinds or row["instType"] in kinds)
        and (not parameters.has("instId") or row["instId"] in parameters.text("instId").split(","))
        and parameters.text("posId") in {"", row.get("posId")}
    ]
    return Outcome(data=rows)


def positions_history(call: Call) -> Outcome:
    """GET /api/v5/account/positions-history: what was closed, partly or wholly, newest first."""
    parameters = call.parameters
    asked = parameters.text("type")
    fills = call.exchange.fills(call.account, until_ms=call.at_ms)
    rows = []
    for episode in episodes(fills, with_closed=True):
        instrument = call.exchange.instrument(episode.symbol)
        is_wanted = wants(parameters, instrument) and asked in {"", episode.kind}
        if episode.closed and is_wanted and not call.conditions.pretend_empty:
            rows.append(_history_row(call, episode))
    if parameters.has("posId"):
        rows = [row for row in rows if row["posId"] == parameters.text("posId")]
    return Outcome(data=paging.page(rows, parameters, lambda row: int(str(row["uTime"]))))


def _in_list(call: Call, view: PositionView) -> bool:
    names = [name for name in call.parameters.text("instId").split(",") if name]
    kind = call.parameters.text("instType")
    symbol = view.position.symbol
    return kind in {"", SWAP} and (symbol in names if names else symbol != call.conditions.hidden)


def position_row(call: Call, view: PositionView, episode: Episode | None) -> dict[str, object]:
    """Return a position as account/positions shows it; `episode` is its history since it was opened."""
    position, instrument = view.position, view.instrument
    mode = "isolated" if view.is_isolated else "cross"
    rate = dollar_price(call.exchange, instrument.settle) or Decimal(1)
    margin = rounded(view.initial_margin)
    upl = rounded(view.unrealized_pnl)
    share = rounded(view.unrealized_pnl / view.initial_margin, 8) if view.initial_margin else "0"
    fee = -episode.fee if episode else Decimal(0)
    pnl = episode.pnl if episode else Decimal(0)
    funding = call.exchange.funding.since_opened(position)
    last = trade_id_of(episode.last_fill_id) if episode else ""
    equity = next(
        (row.equity for row in call.exchange.balances(call.account) if row.coin == instrument.settle), None
    )
    maintenance = view.maintenance_margin
    return {
        **dict.fromkeys(_EMPTY, ""),
        "adl": "1",
        "availPos": plain(_available(call, view)),
        "avgPx": rounded(view.entry_price),
        "bePx": rounded(view.break_even_price),
        "cTime": str(position.opened_ms),
        "ccy": instrument.settle,
        "closeOrderAlgo": [],
        "fee": plain(fee),
        "fundingFee": plain(funding),
        "idxPx": plain(view.mark_price),
        "imr": "" if view.is_isolated else margin,
        "instId": position.symbol,
        "instType": SWAP,
        "last": plain(call.exchange.last_price(position.symbol)),
        "lever": str(view.leverage),
        "liqPenalty": "0",
        "liqPx": _liquidation_price(view),
        "margin": margin if view.is_isolated else "",
        "markPx": plain(view.mark_price),
        "mgnMode": mode,
        "mgnRatio": rounded(equity / maintenance, 6) if equity is not None and maintenance else "",
        "mmr": rounded(maintenance),
        "notionalUsd": rounded(abs(view.notional), 8),
        "pTime": str(call.now_ms),
        "pnl": plain(pnl),
        "pos": plain(abs(position.quantity) if position.side is not PositionSide.NET else position.quantity),
        "posId": position_id_of(call.account, position.symbol, position.side, mode),
        "posSide": position_side_of(position.side),
        "realizedPnl": plain(pnl + fee + funding),
        "tradeId": last,
        "uTime": str(position.updated_ms),
        "upl": upl,
        "uplLastPx": upl,
        "uplRatio": share,
        "uplRatioLastPx": share,
        "usdPx": plain(rate),
    }


def _available(call: Call, view: PositionView) -> Decimal:
    position = view.position
    working = call.exchange.open_orders(call.account, OrderFilter(symbol=position.symbol, conditional=False))
    held = sum(
        (
            order.remaining
            for order in working
            if order.request.position_side is position.side
            and order.request.direction is position.closing_direction
            and (order.request.reduce_only or position.side is not PositionSide.NET)
        ),
        Decimal(0),
    )
    return max(abs(position.quantity) - held, Decimal(0))


def _liquidation_price(view: PositionView) -> str:
    price = view.liquidation_price
    return rounded(price, 8) if 0 < price < view.mark_price * _MAX_PRICE_FACTOR else ""


def _history_row(call: Call, episode: Episode) -> dict[str, object]:
    instrument = call.exchange.instrument(episode.symbol)
    mode = call.exchange.margin_mode(call.account, episode.symbol).value.lower()
    funding = sum(
        (
            payment.amount
            for payment in call.exchange.funding.payments(
                call.account, symbol=episode.symbol, span=(episode.opened_ms, episode.updated_ms)
            )
            if payment.side is episode.side
        ),
        Decimal(0),
    )
    realized = episode.pnl - episode.fee + funding
    return {
        "cTime": str(episode.opened_ms),
        "ccy": instrument.settle,
        "closeAvgPx": rounded(episode.exit_price),
        "closeTotalPos": plain(episode.closed),
        "direction": "long" if episode.is_long else "short",
        "fee": plain(-episode.fee),
        "fundingFee": plain(funding),
        "instId": episode.symbol,
        "instType": SWAP,
        "lever": str(call.exchange.leverage(call.account, episode.symbol)),
        "liqPenalty": "0",
        "mgnMode": mode,
        "nonSettleAvgPx": "",
        "openAvgPx": rounded(episode.entry_price),
        "openMaxPos": plain(episode.peak),
        "pnl": plain(episode.pnl),
        "pnlRatio": "",
        "posId": position_id_of(call.account, episode.symbol, episode.side, mode),
        "posSide": position_side_of(episode.side),
        "realizedPnl": plain(realized),
        "settledPnl": "",
        "triggerPx": "",
        "type": episode.kind,
        "uTime": str(episode.updated_ms),
        "uly": family_of(instrument),
    }

"""Coin: the calls of COIN-M futures (`/dapi`) whose answers differ from USD-M's.

Contracts are inverse: their size is in US dollars, margin and result in the contract's coin. Source:
developers.binance.com, COIN-M futures: Position Information, Account Information.
"""

from decimal import Decimal

from bastion.paper.position import PositionView
from bastion.paper.wire.binance import figures, payloads
from bastion.paper.wire.binance.call import Call, Reply
from bastion.paper.wire.binance.holdings import (
    OrderMargin,
    asset_row,
    entry,
    isolated_margin,
    isolated_wallet,
    listed_positions,
    order_margins,
)
from bastion.paper.wire.binance.symbols import family

_EIGHT = Decimal("0.00000001")
_QUANTITY_MOST = Decimal(1_000_000)


def position_risk(call: Call) -> Reply:
    """GET /dapi/v1/positionRisk: every contract, held or not."""
    rows = [] if call.pretends_empty else [_risk_row(view) for view in listed_positions(call)]
    return Reply(data=rows)


def account(call: Call) -> Reply:
    """GET /dapi/v1/account: the coins of the family's contracts, and every position."""
    margins = order_margins(call)
    coins = {instrument.settle for instrument in family(call)}
    balances = [row for row in call.exchange.balances(call.account, at_ms=call.at_ms) if row.coin in coins]
    positions = [] if call.pretends_empty else listed_positions(call)
    return Reply(
        data={
            "feeTier": 0,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": False,
            "updateTime": 0,
            "assets": [asset_row(call, row) for row in balances],
            "positions": [_account_row(view, margins) for view in positions],
        }
    )


def _risk_row(view: PositionView) -> dict[str, object]:
    return {
        "symbol": view.instrument.symbol,
        "positionAmt": figures.quantity(view.position.quantity, view.instrument),
        "entryPrice": entry(view),
        "breakEvenPrice": figures.plain(view.break_even_price.quantize(_EIGHT)),
        "markPrice": figures.money(view.mark_price),
        "unRealizedProfit": figures.money(view.unrealized_pnl),
        "liquidationPrice": figures.plain(view.liquidation_price.quantize(_EIGHT)),
        "leverage": str(view.leverage),
        "maxQty": figures.plain(_QUANTITY_MOST),
        "marginType": "isolated" if view.is_isolated else "cross",
        "isolatedMargin": isolated_margin(view),
        "isolatedWallet": isolated_wallet(view),
        "isAutoAddMargin": "false",
        "positionSide": payloads.position_side(view.position.side),
        "notionalValue": figures.money(view.notional),
        "updateTime": view.position.updated_ms,
    }


def _account_row(view: PositionView, margins: dict[str, OrderMargin]) -> dict[str, object]:
    orders = margins.get(view.instrument.symbol, OrderMargin())
    return {
        "symbol": view.instrument.symbol,
        "positionAmt": figures.quantity(view.position.quantity, view.instrument),
        "initialMargin": figures.money(view.initial_margin + orders.margin),
        "maintMargin": figures.money(view.maintenance_margin),
        "unrealizedProfit": figures.money(view.unrealized_pnl),
        "positionInitialMargin": figures.money(view.initial_margin),
        "openOrderInitialMargin": figures.money(orders.margin),
        "leverage": str(view.leverage),
        "isolated": view.is_isolated,
        "positionSide": payloads.position_side(view.position.side),
        "entryPrice": entry(view),
        "breakEvenPrice": figures.plain(view.break_even_price.quantize(_EIGHT)),
        "maxQty": figures.plain(_QUANTITY_MOST),
        "updateTime": view.position.updated_ms,
    }

"""Portfolio: the calls of Portfolio Margin (`/papi`) whose answers differ from those of `fapi` and `dapi`.

Documents, below https://developers.binance.com/docs/derivatives/portfolio-margin/: account/
Query-UM-Position-Information, account/Query-CM-Position-Information, account/Get-UM-Account-Detail, account/
Get-CM-Account-Detail, account (Account Balance), trade/Cancel-UM-Algo-Order, trade/
Query-All-Current-CM-Open-Conditional-Orders. Account Information is modelled by its two sums alone
(`accountEquity`, `totalAvailableBalance`). The account's coins lie in its cross margin wallet, as collateral;
margin orders and debt are not modelled, so that their list is empty.
"""

from decimal import Decimal

from bastion.paper.account import Balance
from bastion.paper.order import Order, OrderFilter
from bastion.paper.position import PositionView
from bastion.paper.wire.binance import figures, payloads, trading
from bastion.paper.wire.binance.call import Call, Reply
from bastion.paper.wire.binance.errors import BinanceError, not_sent
from bastion.paper.wire.binance.holdings import OrderMargin, entry, listed_positions, order_margins
from bastion.paper.wire.binance.symbols import family, instrument_of

STABLE = frozenset({"USDT", "USDC", "FDUSD"})
_EIGHT = Decimal("0.00000001")
_MOST = Decimal(1_000_000_000)
_ALL_DONE = {"code": "200", "msg": "The operation of cancel all conditional open order is done."}


def um_position_risk(call: Call) -> Reply:
    """GET /papi/v1/um/positionRisk: one-way every symbol, hedge mode what is held."""
    return Reply(data=[_linear_row(view) for view in _shown(call)])


def cm_position_risk(call: Call) -> Reply:
    """GET /papi/v1/cm/positionRisk."""
    return Reply(data=[_inverse_row(view) for view in _shown(call)])


def side_account(call: Call) -> Reply:
    """GET /papi/v1/um/account and /papi/v1/cm/account."""
    margins = order_margins(call)
    coins = {instrument.settle for instrument in family(call)}
    balances = [row for row in call.exchange.balances(call.account, at_ms=call.at_ms) if row.coin in coins]
    positions = [] if call.pretends_empty else listed_positions(call)
    return Reply(
        data={
            "assets": [_asset_row(call, row) for row in balances],
            "positions": [_account_row(view, margins) for view in positions],
        }
    )


def balance(call: Call) -> Reply:
    """GET /papi/v1/balance: every coin, with the parts of its wallet."""
    rows = []
    for row in call.exchange.balances(call.account, at_ms=call.at_ms):
        stable = row.coin in STABLE
        rows.append(
            {
                "asset": row.coin,
                "totalWalletBalance": figures.money(row.wallet),
                "crossMarginAsset": figures.money(row.wallet),
                "crossMarginBorrowed": "0.00000000",
                "crossMarginFree": figures.money(row.wallet),
                "crossMarginInterest": "0.00000000",
                "crossMarginLocked": "0.00000000",
                "umWalletBalance": "0.00000000",
                "umUnrealizedPNL": figures.money(row.unrealized_pnl if stable else Decimal(0)),
                "cmWalletBalance": "0.00000000",
                "cmUnrealizedPNL": "" if stable else figures.money(row.unrealized_pnl),
                "updateTime": call.now_ms,
                "negativeBalance": "0",
            }
        )
    return Reply(data=rows)


def account(call: Call) -> Reply:
    """GET /papi/v1/account: the sums in USD."""
    rows = call.exchange.balances(call.account, at_ms=call.at_ms)
    equity = sum((row.equity * _usd(call, row.coin) for row in rows), Decimal(0))
    available = sum((row.available * _usd(call, row.coin) for row in rows), Decimal(0))
    return Reply(
        data={
            "accountEquity": figures.money(equity),
            "actualEquity": figures.money(equity),
            "totalAvailableBalance": figures.money(available),
            "accountStatus": "NORMAL",
            "updateTime": call.now_ms,
        }
    )


def margin_open_orders(_call: Call) -> Reply:
    """GET /papi/v1/margin/openOrders: margin orders are not modelled."""
    return Reply(data=[])


def cancel_algo(call: Call) -> Reply:
    """DELETE /papi/v1/um/algo/order."""
    return Reply(data={"complete": True}, executed=trading.cancel_algo(call).executed)


def cm_open_strategies(call: Call) -> Reply:
    """GET /papi/v1/cm/conditional/openOrders."""
    symbol = call.parameters.text_or_none("symbol")
    ours = {instrument.symbol for instrument in family(call)}
    which = OrderFilter(symbol=symbol, conditional=True)
    found = call.exchange.open_orders(call.account, which, at_ms=call.at_ms)
    listed = [] if call.pretends_empty else [order for order in found if order.symbol in ours]
    return Reply(data=[_strategy_row(call, order) for order in listed])


def cm_cancel_strategy(call: Call) -> Reply:
    """DELETE /papi/v1/cm/conditional/order."""
    symbol = instrument_of(call, call.parameters.text("symbol")).symbol
    strategy_id = call.parameters.whole_or_none("strategyId")
    client_id = call.parameters.text_or_none("newClientStrategyId")
    if strategy_id is None and client_id is None:
        raise not_sent("strategyId")
    order = call.exchange.find_order(
        call.account, order_id=strategy_id, client_order_id=client_id, conditional=True
    )
    if order is None or order.symbol != symbol or not order.state.is_open:
        raise BinanceError(-2011, "Unknown order sent.")
    gone = call.exchange.cancel(call.account, order.order_id)
    row = {**_strategy_row(call, gone), "strategyStatus": "CANCELED"}
    return Reply(data=row, executed=(payloads.log_line(gone),))


def cm_cancel_strategies(call: Call) -> Reply:
    """DELETE /papi/v1/cm/conditional/allOpenOrders."""
    return Reply(data=_ALL_DONE, executed=trading.cancel_all_algo(call).executed)


def _shown(call: Call) -> list[PositionView]:
    if call.pretends_empty:
        return []
    views = listed_positions(call)
    # Hedge mode answers only what is held; one-way every symbol.
    hedged = any(payloads.position_side(view.position.side) != "BOTH" for view in views)
    return [view for view in views if not hedged or not view.position.is_flat]


def _common(view: PositionView) -> dict[str, object]:
    return {
        "symbol": view.instrument.symbol,
        "positionAmt": figures.quantity(view.position.quantity, view.instrument),
        "entryPrice": entry(view),
        "markPrice": figures.money(view.mark_price),
        "unRealizedProfit": figures.money(view.unrealized_pnl),
        "liquidationPrice": figures.plain(view.liquidation_price.quantize(_EIGHT)),
        "leverage": str(view.leverage),
        "positionSide": payloads.position_side(view.position.side),
        "updateTime": view.position.updated_ms,
    }


def _linear_row(view: PositionView) -> dict[str, object]:
    return {
        **_common(view),
        "maxNotionalValue": figures.plain(_MOST),
        "notional": figures.money(view.notional),
    }


def _inverse_row(view: PositionView) -> dict[str, object]:
    return {**_common(view), "maxQty": figures.plain(_MOST), "notionalValue": figures.money(view.notional)}


def _asset_row(call: Call, row: Balance) -> dict[str, object]:
    return {
        "asset": row.coin,
        "crossWalletBalance": figures.money(row.wallet),
        "crossUnPnl": figures.money(row.unrealized_pnl),
        "maintMargin": figures.money(row.maintenance_margin),
        "initialMargin": figures.money(row.initial_margin),
        "positionInitialMargin": figures.money(row.position_margin),
        "openOrderInitialMargin": figures.money(row.order_margin),
        "updateTime": call.now_ms,
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
        "positionSide": payloads.position_side(view.position.side),
        "entryPrice": entry(view),
        "updateTime": view.position.updated_ms,
    }


def _strategy_row(call: Call, order: Order) -> dict[str, object]:
    told = payloads.algo_placed(order, instrument_of(call, order.symbol))
    return {
        "newClientStrategyId": told["clientAlgoId"],
        "strategyId": told["algoId"],
        "strategyStatus": "NEW",
        "strategyType": told["orderType"],
        "origQty": told["quantity"],
        "price": told["price"],
        "reduceOnly": told["reduceOnly"],
        "side": told["side"],
        "positionSide": told["positionSide"],
        "stopPrice": told["triggerPrice"],
        "symbol": told["symbol"],
        "bookTime": told["createTime"],
        "updateTime": told["updateTime"],
        "timeInForce": told["timeInForce"],
        "activatePrice": "0",
        "priceRate": "0",
    }


def _usd(call: Call, coin: str) -> Decimal:
    if coin in STABLE:
        return Decimal(1)
    priced = next((i.symbol for i in call.exchange.instruments.values() if i.base == coin), None)
    return Decimal(0) if priced is None else call.exchange.mark_price(priced)

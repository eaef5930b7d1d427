"""Holdings: balances, positions, trades, income and settings of an account."""

from dataclasses import dataclass
from decimal import Decimal

from bastion.paper.account import Balance, IncomeKind, Permission
from bastion.paper.exchange.checks import is_reducing
from bastion.paper.order import Direction, Forced, OrderFilter, PositionSide
from bastion.paper.position import PositionView
from bastion.paper.wire.binance import figures, payloads
from bastion.paper.wire.binance.call import Call, Reply
from bastion.paper.wire.binance.errors import BinanceError, not_modelled
from bastion.paper.wire.binance.symbols import chosen, instrument_of

ZERO = Decimal(0)
WEEK_MS = 7 * 24 * 3_600_000
_NOTIONAL_MOST = Decimal(1_000_000_000)


@dataclass(slots=True)
class OrderMargin:
    """What open orders bind in one symbol, and the notional of its bids and asks."""

    margin: Decimal = ZERO
    bids: Decimal = ZERO
    asks: Decimal = ZERO


def order_margins(call: Call) -> dict[str, OrderMargin]:
    """Return the figures of every symbol that has open regular orders."""
    found: dict[str, OrderMargin] = {}
    for order in call.exchange.open_orders(call.account, OrderFilter(conditional=False)):
        row = found.setdefault(order.symbol, OrderMargin())
        notional = order.remaining * (order.request.price or call.exchange.mark_price(order.symbol))
        if order.request.direction is Direction.BUY:
            row.bids += notional
        else:
            row.asks += notional
        if not is_reducing(order.request):
            row.margin += notional / call.exchange.leverage(call.account, order.symbol)
    return found


def position_risk_v3(call: Call) -> Reply:
    """GET /fapi/v3/positionRisk: only symbols with a position or open orders."""
    if call.pretends_empty:
        return Reply(data=[])
    margins = order_margins(call)
    rows = [
        _risk_row_v3(view, margins.get(view.instrument.symbol, OrderMargin()))
        for view in _busy_positions(call, margins)
    ]
    return Reply(data=rows)


def position_risk_v2(call: Call) -> Reply:
    """GET /fapi/v2/positionRisk: every symbol, held or not."""
    if call.pretends_empty:
        return Reply(data=[])
    rows = []
    for view in listed_positions(call):
        symbol = view.instrument.symbol
        rows.append(
            {
                **_common_row(view),
                "liquidationPrice": figures.plain(view.liquidation_price),
                "isolatedMargin": isolated_margin(view),
                "isolatedWallet": isolated_wallet(view),
                "leverage": str(view.leverage),
                "marginType": "isolated" if view.is_isolated else "cross",
                "isAutoAddMargin": "false",
                "maxNotionalValue": figures.plain(_NOTIONAL_MOST),
                "breakEvenPrice": figures.plain(view.break_even_price.quantize(Decimal("0.00000001"))),
                "symbol": symbol,
            }
        )
    return Reply(data=rows)


def account_v2(call: Call) -> Reply:
    """GET /fapi/v2/account."""
    rows = []
    by_symbol = order_margins(call)
    for view in listed_positions(call):
        margins = by_symbol.get(view.instrument.symbol, OrderMargin())
        rows.append(
            {
                "symbol": view.instrument.symbol,
                "initialMargin": figures.money(view.initial_margin + margins.margin),
                "maintMargin": figures.money(view.maintenance_margin),
                "unrealizedProfit": figures.money(view.unrealized_pnl),
                "positionInitialMargin": figures.money(view.initial_margin),
                "openOrderInitialMargin": figures.money(margins.margin),
                "leverage": str(view.leverage),
                "isolated": view.is_isolated,
                "entryPrice": entry(view),
                "breakEvenPrice": figures.plain(view.break_even_price.quantize(Decimal("0.00000001"))),
                "maxNotional": figures.plain(_NOTIONAL_MOST),
                "bidNotional": figures.plain(margins.bids),
                "askNotional": figures.plain(margins.asks),
                "positionSide": payloads.position_side(view.position.side),
                "positionAmt": figures.quantity(view.position.quantity, view.instrument),
                "notional": figures.money(view.notional),
                "isolatedWallet": isolated_wallet(view),
                "updateTime": view.position.updated_ms,
            }
        )
    balances = call.exchange.balances(call.account, at_ms=call.at_ms)
    data = {
        "feeTier": 0,
        "feeBurn": False,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": _may(call, Permission.WITHDRAW),
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
        **_totals(balances),
        "assets": [{**asset_row(call, row), "marginAvailable": True} for row in balances],
        "positions": [] if call.pretends_empty else rows,
    }
    return Reply(data=data)


def account_v3(call: Call) -> Reply:
    """GET /fapi/v3/account: only symbols with a position or open orders."""
    rows = []
    by_symbol = order_margins(call)
    for view in [] if call.pretends_empty else _busy_positions(call, by_symbol):
        margins = by_symbol.get(view.instrument.symbol, OrderMargin())
        rows.append(
            {
                "symbol": view.instrument.symbol,
                "positionSide": payloads.position_side(view.position.side),
                "positionAmt": figures.quantity(view.position.quantity, view.instrument),
                "unrealizedProfit": figures.money(view.unrealized_pnl),
                "isolatedMargin": isolated_margin(view),
                "notional": figures.money(view.notional),
                "isolatedWallet": isolated_wallet(view),
                "initialMargin": figures.money(view.initial_margin + margins.margin),
                "maintMargin": figures.money(view.maintenance_margin),
                "updateTime": view.position.updated_ms,
            }
        )
    balances = call.exchange.balances(call.account, at_ms=call.at_ms)
    assets = [asset_row(call, row) for row in balances]
    return Reply(data={**_totals(balances), "assets": assets, "positions": rows})


def balance(call: Call) -> Reply:
    """GET /fapi/v2/balance and /fapi/v3/balance."""
    rows = [
        {
            "accountAlias": f"paper-{call.account}",
            "asset": row.coin,
            "balance": figures.money(row.wallet),
            "crossWalletBalance": figures.money(row.wallet),
            "crossUnPnl": figures.money(row.unrealized_pnl),
            "availableBalance": figures.money(row.available),
            "maxWithdrawAmount": figures.money(min(row.available, row.wallet)),
            "marginAvailable": True,
            "updateTime": call.now_ms,
        }
        for row in call.exchange.balances(call.account)
    ]
    return Reply(data=rows)


def user_trades(call: Call) -> Reply:
    """GET /fapi/v1/userTrades."""
    instrument = instrument_of(call, call.parameters.text("symbol"))
    limit = call.parameters.bounded("limit", default=500, most=1_000)
    since_ms = call.parameters.whole_or_none("startTime")
    until_ms = _until_ms(call)
    first_id = call.parameters.whole_or_none("fromId")
    fills = [
        fill
        for fill in call.exchange.fills(
            call.account,
            symbol=instrument.symbol,
            order_id=call.parameters.whole_or_none("orderId"),
            since_ms=since_ms,
            until_ms=until_ms,
        )
        if first_id is None or fill.fill_id >= first_id
    ]
    page = fills[:limit] if since_ms is not None or first_id is not None else fills[-limit:]
    return Reply(data=[] if call.pretends_empty else [payloads.trade(fill, instrument) for fill in page])


def force_orders(call: Call) -> Reply:
    """GET /fapi/v1/forceOrders: the orders by which the venue closed positions, of seven days by default."""
    kind = call.parameters.text_or_none("autoCloseType")
    if kind not in {None, *Forced}:
        raise BinanceError(-1102, "autoCloseType must be LIQUIDATION or ADL.")
    symbol = call.parameters.text_or_none("symbol")
    limit = call.parameters.bounded("limit", default=50, most=100)
    until_ms = call.parameters.whole_or_none("endTime") or call.now_ms
    since_ms = call.parameters.whole_or_none("startTime")
    since_ms = until_ms - WEEK_MS if since_ms is None else since_ms
    found = [
        order
        for order in call.exchange.orders(call.account, OrderFilter(symbol=symbol), at_ms=call.at_ms)
        if order.request.forced is not None
        and call.exchange.instrument(order.symbol).kind is call.kind
        and kind in {None, order.request.forced.value}
        and since_ms <= order.created_ms <= until_ms
    ]
    rows = [payloads.order_read(row, call.exchange.instrument(row.symbol)) for row in found[-limit:]]
    return Reply(data=[] if call.pretends_empty else rows)


def income(call: Call) -> Reply:
    """GET /fapi/v1/income: every change of the wallet, all symbols in one call."""
    text = call.parameters.text_or_none("incomeType")
    kinds = {kind.value: kind for kind in IncomeKind}
    if text is not None and text not in kinds:
        raise not_modelled(f"incomeType={text}")
    limit = call.parameters.bounded("limit", default=100, most=1_000)
    page = call.parameters.whole_or_none("page") or 1
    since_ms = call.parameters.whole_or_none("startTime")
    until_ms = _until_ms(call)
    rows = call.exchange.incomes(
        call.account,
        kind=kinds[text] if text else None,
        symbol=call.parameters.text_or_none("symbol"),
        since_ms=since_ms,
        until_ms=until_ms,
    )
    start = (page - 1) * limit if since_ms is not None or page > 1 else max(0, len(rows) - limit)
    data = [
        {
            "symbol": row.symbol,
            "incomeType": row.kind.value,
            "income": figures.money(row.amount),
            "asset": row.coin,
            "info": str(row.fill_id) if row.fill_id else row.kind.value,
            "time": row.time_ms,
            "tranId": row.income_id,
            "tradeId": str(row.fill_id) if row.fill_id else "",
        }
        for row in rows[start : start + limit]
    ]
    return Reply(data=[] if call.pretends_empty else data)


def _until_ms(call: Call) -> int | None:
    bounds = (call.parameters.whole_or_none("endTime"), call.at_ms)
    return min((bound for bound in bounds if bound is not None), default=None)


def _busy_positions(call: Call, margins: dict[str, OrderMargin]) -> list[PositionView]:
    busy = []
    for view in listed_positions(call):
        has_orders = view.instrument.symbol in margins
        if not view.position.is_flat or (has_orders and view.position.side is not PositionSide.SHORT):
            busy.append(view)
    return busy


def listed_positions(call: Call) -> list[PositionView]:
    """Return the account's positions, flat ones too, of the call's family or symbol."""
    symbols = {instrument.symbol for instrument in chosen(call)}
    views = call.exchange.positions(call.account, with_flat=True, at_ms=call.at_ms)
    hidden = "" if call.parameters.text_or_none("symbol") else call.request.conditions.hidden
    return [view for view in views if view.instrument.symbol in symbols - {hidden}]


def _risk_row_v3(view: PositionView, margins: OrderMargin) -> dict[str, object]:
    return {
        "symbol": view.instrument.symbol,
        **_common_row(view),
        "breakEvenPrice": figures.plain(view.break_even_price.quantize(Decimal("0.00000001"))),
        "liquidationPrice": figures.plain(view.liquidation_price.quantize(Decimal("0.00000001"))),
        "isolatedMargin": isolated_margin(view),
        "marginAsset": view.instrument.settle,
        "isolatedWallet": isolated_wallet(view),
        "initialMargin": figures.money(view.initial_margin + margins.margin),
        "maintMargin": figures.money(view.maintenance_margin),
        "positionInitialMargin": figures.money(view.initial_margin),
        "openOrderInitialMargin": figures.money(margins.margin),
        "adl": 0,
        "bidNotional": figures.plain(margins.bids),
        "askNotional": figures.plain(margins.asks),
    }


def _common_row(view: PositionView) -> dict[str, object]:
    return {
        "positionSide": payloads.position_side(view.position.side),
        "positionAmt": figures.quantity(view.position.quantity, view.instrument),
        "entryPrice": entry(view),
        "markPrice": figures.money(view.mark_price),
        "unRealizedProfit": figures.money(view.unrealized_pnl),
        "notional": figures.money(view.notional),
        "updateTime": view.position.updated_ms,
    }


def entry(view: PositionView) -> str:
    """Return the entry price as positions show it."""
    return figures.plain(view.entry_price.quantize(Decimal("0.00000001"))) or "0"


def isolated_wallet(view: PositionView) -> str:
    """Return what an isolated position has of its own."""
    return figures.money(view.initial_margin) if view.is_isolated else "0"


def isolated_margin(view: PositionView) -> str:
    """Return the same with its open result."""
    return figures.money(view.initial_margin + view.unrealized_pnl) if view.is_isolated else "0"


def asset_row(call: Call, row: Balance) -> dict[str, object]:
    """Return one coin of the account."""
    return {
        "asset": row.coin,
        "walletBalance": figures.money(row.wallet),
        "unrealizedProfit": figures.money(row.unrealized_pnl),
        "marginBalance": figures.money(row.equity),
        "maintMargin": figures.money(row.maintenance_margin),
        "initialMargin": figures.money(row.initial_margin),
        "positionInitialMargin": figures.money(row.position_margin),
        "openOrderInitialMargin": figures.money(row.order_margin),
        "crossWalletBalance": figures.money(row.wallet),
        "crossUnPnl": figures.money(row.unrealized_pnl),
        "availableBalance": figures.money(row.available),
        "maxWithdrawAmount": figures.money(min(row.available, row.wallet)),
        "updateTime": call.now_ms,
    }


def _totals(balances: list[Balance]) -> dict[str, object]:
    rows = [row for row in balances if row.coin in {"USDT", "USDC"}]
    wallet = sum((row.wallet for row in rows), ZERO)
    unrealized = sum((row.unrealized_pnl for row in rows), ZERO)
    position = sum((row.position_margin for row in rows), ZERO)
    orders = sum((row.order_margin for row in rows), ZERO)
    available = sum((row.available for row in rows), ZERO)
    return {
        "totalInitialMargin": figures.money(position + orders),
        "totalMaintMargin": figures.money(sum((row.maintenance_margin for row in rows), ZERO)),
        "totalWalletBalance": figures.money(wallet),
        "totalUnrealizedProfit": figures.money(unrealized),
        "totalMarginBalance": figures.money(wallet + unrealized),
        "totalPositionInitialMargin": figures.money(position),
        "totalOpenOrderInitialMargin": figures.money(orders),
        "totalCrossWalletBalance": figures.money(wallet),
        "totalCrossUnPnl": figures.money(unrealized),
        "availableBalance": figures.money(available),
        "maxWithdrawAmount": figures.money(min(available, wallet)),
    }


def _may(call: Call, permission: Permission) -> bool:
    return any(permission in key.permissions for key in call.exchange.spec(call.account).keys)

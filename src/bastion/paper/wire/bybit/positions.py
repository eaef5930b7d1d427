"""Positions: position/list, position/switch-mode and position/set-leverage.

Source: Bybit v5 "Get Position Info", "Switch Position Mode", "Set Leverage".
"""

from collections.abc import Sequence
from decimal import Decimal

from bastion.paper.account import PositionMode
from bastion.paper.instrument import ContractKind, Instrument
from bastion.paper.order import Forced, Order, OrderFilter, PositionSide
from bastion.paper.position import PositionView
from bastion.paper.refusal import Reason, Refused
from bastion.paper.wire.bybit import fundings, paging
from bastion.paper.wire.bybit.calls import CONTRACT_CATEGORIES, Call, listed, on_grid, plain, rounded
from bastion.paper.wire.bybit.closings import Account, replay
from bastion.paper.wire.bybit.envelope import BybitError, Outcome, not_modelled, wrong
from bastion.paper.wire.bybit.order_rows import stop_kind_of
from bastion.paper.wire.bybit.refusals import translated
from bastion.paper.wire.bybit.words import index_of

ZERO = Decimal(0)
HEDGE_SETTLE = "USDT"

_MODES = {0: PositionMode.ONE_WAY, 3: PositionMode.HEDGE}
_MAX_PRICE_FACTOR = 20
_STATUSES = {None: "Normal", Forced.LIQUIDATION: "Liq", Forced.ADL: "Adl"}
_CATEGORIES = (*CONTRACT_CATEGORIES, "option")


def position_list(call: Call) -> Outcome:
    """GET /v5/position/list: a symbol's rows even when flat, else what a settle coin or category holds."""
    category = call.category(_CATEGORIES)
    parameters = call.parameters
    named = [name for name in ("symbol", "settleCoin", "baseCoin") if parameters.has(name)]
    if category == "linear" and not named:
        raise wrong("Missing some parameters that must be filled in, symbol or settleCoin or baseCoin")
    views = _chosen(call, category)
    if call.conditions.pretend_empty:
        views = []
    rows, cursor = paging.page(views, parameters, paging.POSITIONS, _key)
    return Outcome(result={"nextPageCursor": cursor, "category": category, "list": position_rows(call, rows)})


def position_rows(call: Call, views: Sequence[PositionView]) -> list[dict[str, object]]:
    """Return positions as position/list shows them."""
    booked = replay(call.exchange.fills(call.account, until_ms=call.at_ms))
    stops = call.exchange.open_orders(call.account, OrderFilter(conditional=True), at_ms=call.at_ms)
    return [_row(call, view, booked, stops) for view in views]


def switch_mode(call: Call) -> Outcome:
    """POST /v5/position/switch-mode: one symbol, or every idle symbol of a settle coin."""
    category = call.category(CONTRACT_CATEGORIES)
    parameters = call.parameters
    mode = _MODES.get(-1 if (number := parameters.integer("mode")) is None else number)
    if mode is None:
        raise wrong("params error: mode must be 0 or 3")
    if parameters.has("symbol"):
        instrument = call.instrument(category)
        _must_know(instrument, mode)
        try:
            call.exchange.set_position_mode(call.account, mode, symbol=instrument.symbol)
        except Refused as refused:
            raise translated(refused) from None
        return Outcome(executed=(f"position mode of {instrument.symbol} is {mode}",))
    coin = parameters.text("coin")
    if not coin:
        raise wrong("params error: either symbol or coin is required")
    return _switch_coin(call, category, coin, mode)


def set_leverage(call: Call) -> Outcome:
    """POST /v5/position/set-leverage: both sides alike, as cross margin and one-way mode demand."""
    category = call.category(CONTRACT_CATEGORIES)
    instrument = call.instrument(category)
    call.parameters.required("buyLeverage")
    call.parameters.required("sellLeverage")
    buy, sell = call.parameters.number("buyLeverage"), call.parameters.number("sellLeverage")
    if buy is None or buy != sell:
        raise wrong("buyLeverage must be the same as sellLeverage")
    if buy != buy.to_integral_value():
        raise not_modelled("A leverage that is no whole number")
    leverage = int(buy)
    if leverage == call.exchange.leverage(call.account, instrument.symbol):
        raise BybitError(110043, "Set leverage has not been modified.")
    try:
        call.exchange.set_leverage(call.account, instrument.symbol, leverage)
    except Refused as refused:
        if refused.reason is Reason.MARGIN_INSUFFICIENT:
            raise BybitError(110044, "Available margin is insufficient.") from None
        raise translated(refused) from None
    return Outcome(executed=(f"leverage of {instrument.symbol} is {leverage}",))


def _switch_coin(call: Call, category: str, coin: str, mode: PositionMode) -> Outcome:
    exchange = call.exchange
    instruments = [row for row in listed(exchange, category) if row.settle == coin]
    if not instruments:
        raise BybitError(110050, "Invalid coin")
    for instrument in instruments:
        _must_know(instrument, mode)
    pending = [row for row in instruments if exchange.position_mode(call.account, row.symbol) is not mode]
    if not pending:
        raise BybitError(110025, "Position mode is not modified")
    switched = []
    blocked: BybitError | None = None
    for instrument in pending:
        try:
            exchange.set_position_mode(call.account, mode, symbol=instrument.symbol)
        except Refused as refused:
            blocked = translated(refused)
        else:
            switched.append(instrument.symbol)
    if blocked is not None and not switched:
        raise blocked
    return Outcome(executed=(f"position mode of {', '.join(switched)} is {mode}",))


def _must_know(instrument: Instrument, mode: PositionMode) -> None:
    knows_hedge = instrument.kind is ContractKind.LINEAR and instrument.settle == HEDGE_SETTLE
    if mode is PositionMode.HEDGE and not knows_hedge:
        raise BybitError(110029, "Hedge mode is not supported for this symbol.")


def _chosen(call: Call, category: str) -> list[PositionView]:
    if category not in CONTRACT_CATEGORIES:
        return []
    parameters = call.parameters
    symbol = call.instrument(category).symbol if parameters.has("symbol") else None
    views = call.exchange.positions(call.account, with_flat=symbol is not None, at_ms=call.at_ms)
    hidden = call.conditions.hidden if symbol is None else ""
    return [
        view
        for view in views
        if _is_wanted(view, category, symbol, call) and view.instrument.symbol != hidden
    ]


def _is_wanted(view: PositionView, category: str, symbol: str | None, call: Call) -> bool:
    instrument = view.instrument
    if instrument.kind.value != category:
        return False
    if symbol is not None:
        return instrument.symbol == symbol
    settle, base = call.parameters.text("settleCoin"), call.parameters.text("baseCoin")
    return settle in {"", instrument.settle} and base in {"", instrument.base}


def _key(view: PositionView) -> str:
    return f"{view.instrument.symbol}|{index_of(view.position.side)}"


def _row(call: Call, view: PositionView, booked: Account, stops: list[Order]) -> dict[str, object]:
    position, instrument = view.position, view.instrument
    key = (position.symbol, position.side)
    size = abs(position.quantity)
    current = booked.current.get(key, ZERO) + call.exchange.funding.since_opened(position)
    total = booked.cumulative.get(key, ZERO) + fundings.of_position(call, position.symbol, position.side)
    return {
        "positionIdx": index_of(position.side),
        "riskId": 1,
        "riskLimitValue": "",
        "symbol": position.symbol,
        "side": _side(view),
        "size": on_grid(size, instrument.step),
        "avgPrice": rounded(view.entry_price),
        "positionValue": rounded(instrument.value(size, view.entry_price)) if size else "",
        "tradeMode": 0,
        "autoAddMargin": 0,
        "positionStatus": _STATUSES[call.exchange.forced.frozen(call.account) if size else None],
        "leverage": str(view.leverage),
        "breakEvenPrice": rounded(view.break_even_price) if size else "",
        "markPrice": on_grid(view.mark_price, instrument.tick),
        "liqPrice": _liquidation_price(view),
        "bustPrice": "",
        "positionBalance": rounded(view.initial_margin) if size else "",
        "positionIM": rounded(view.initial_margin) if size else "",
        "positionIMByMp": rounded(view.initial_margin) if size else "",
        "positionMM": rounded(view.maintenance_margin) if size else "",
        "positionMMByMp": rounded(view.maintenance_margin) if size else "",
        "tpslMode": "Full",
        "takeProfit": _stop_price(view, stops, "TakeProfit"),
        "stopLoss": _stop_price(view, stops, "StopLoss"),
        "trailingStop": "0",
        "sessionAvgPrice": "",
        "delta": "",
        "gamma": "",
        "vega": "",
        "theta": "",
        "unrealisedPnl": rounded(view.unrealized_pnl) if size else "",
        "curRealisedPnl": rounded(current) if size else "0",
        "cumRealisedPnl": rounded(total),
        "adlRankIndicator": 2 if size else 0,
        "createdTime": str(position.opened_ms),
        "updatedTime": str(position.updated_ms),
        "openTime": position.opened_ms if size else 0,
        "seq": position.changes or -1,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
    }


def _side(view: PositionView) -> str:
    if view.position.is_flat:
        return {PositionSide.LONG: "Buy", PositionSide.SHORT: "Sell"}.get(view.position.side, "")
    return "Buy" if view.position.quantity > 0 else "Sell"


def _liquidation_price(view: PositionView) -> str:
    price = view.liquidation_price
    if view.position.is_flat or not 0 < price < view.mark_price * _MAX_PRICE_FACTOR:
        return ""
    tick = view.instrument.tick
    return on_grid((price / tick).to_integral_value() * tick, tick)


def _stop_price(view: PositionView, stops: list[Order], kind: str) -> str:
    for order in stops:
        is_here = (order.symbol, order.request.position_side) == (view.position.symbol, view.position.side)
        trigger = order.request.trigger
        if is_here and trigger is not None and stop_kind_of(order) == kind:
            return plain(trigger.price)
    return ""

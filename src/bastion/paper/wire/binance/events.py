"""Events: what the user data stream and the mark price streams say.

Payloads after the documentation, each event on its own page below
https://developers.binance.com/docs/derivatives/usds-margined-futures/:
`user-data-streams/Event-Balance-and-Position-Update`, `.../Event-Order-Update`,
`.../Event-Algo-Order-Update`, `.../Event-User-Data-Stream-Expired`, and
`websocket-market-streams/Mark-Price-Stream`.
"""

from collections.abc import Iterable
from decimal import Decimal

from bastion.paper.account import Balance, Income, IncomeKind
from bastion.paper.exchange.venue import Exchange
from bastion.paper.money import from_units
from bastion.paper.order import Fill, Forced, Order, OrderState
from bastion.paper.position import PositionView
from bastion.paper.wire.binance import figures, payloads
from bastion.paper.wire.binance.holdings import entry, isolated_wallet
from bastion.paper.wire.following import OrderStep

Json = dict[str, object]

ACCOUNT = "ACCOUNT_UPDATE"
ORDER = "ORDER_TRADE_UPDATE"
ALGO = "ALGO_UPDATE"
EXPIRED = "listenKeyExpired"
MARK = "markPriceUpdate"
ZERO = Decimal(0)

_REASONS = {
    IncomeKind.TRANSFER: "DEPOSIT",
    IncomeKind.FUNDING_FEE: "FUNDING_FEE",
    IncomeKind.INSURANCE_CLEAR: "INSURANCE_CLEAR",
}
_EXECUTIONS = {
    OrderState.NEW: "NEW",
    OrderState.CANCELLED: "CANCELED",
    OrderState.EXPIRED: "EXPIRED",
}


def reason_of(income: Income) -> str:
    """Return why a wallet changed, in the words of `m`; executions are ORDER."""
    return _REASONS.get(income.kind, "ORDER")


def account_update(
    reason: str,
    *,
    balances: Iterable[Balance],
    changes: dict[str, Decimal],
    positions: Iterable[PositionView],
    time_ms: int,
    now_ms: int,
) -> Json:
    """Return ACCOUNT_UPDATE; `changes` are what coins gained other than by PnL and commission."""
    return {
        "e": ACCOUNT,
        "E": now_ms,
        "T": time_ms,
        "a": {
            "m": reason,
            "B": [
                {
                    "a": row.coin,
                    "wb": figures.money(row.wallet),
                    "cw": figures.money(row.wallet),
                    "bc": figures.plain(changes.get(row.coin, ZERO)),
                }
                for row in balances
            ],
            "P": [_position(view) for view in positions],
        },
    }


def order_update(step: OrderStep, exchange: Exchange, *, now_ms: int) -> Json:
    """Return ORDER_TRADE_UPDATE for one step of a regular order."""
    order, fill = step.order, step.fill
    instrument = exchange.instrument(order.symbol)
    request = order.request
    kind = "LIQUIDATION" if request.forced is Forced.LIQUIDATION else request.kind.value
    row: Json = {
        "s": order.symbol,
        "c": order.client_order_id,
        "S": request.direction.value,
        "o": kind,
        "f": request.terms.get("timeInForce", "GTC"),
        "q": figures.quantity(order.quantity, instrument),
        "p": figures.price(request.price or ZERO, instrument),
        "ap": figures.plain(order.average_price),
        "sp": request.terms.get("stopPrice", "0"),
        "x": _execution(order, fill),
        "X": payloads.status(order),
        "i": order.order_id,
        "l": figures.quantity(fill.quantity if fill else ZERO, instrument),
        "z": figures.quantity(order.executed_quantity, instrument),
        "L": figures.price(fill.price if fill else ZERO, instrument),
    }
    if fill is not None and fill.fee:
        row |= {"N": fill.fee_coin, "n": figures.money(fill.fee)}
    return {
        "e": ORDER,
        "E": now_ms,
        "T": order.updated_ms,
        "o": {
            **row,
            "T": order.updated_ms,
            "t": fill.fill_id if fill else 0,
            "b": "0",
            "a": "0",
            "m": fill.is_maker if fill else False,
            "R": request.reduce_only or request.close_position,
            "wt": request.terms.get("workingType", "CONTRACT_PRICE"),
            "ot": request.terms.get("type", request.kind.value),
            "ps": payloads.position_side(request.position_side),
            "cp": request.close_position,
            "rp": figures.money(fill.realized_pnl) if fill else "0",
            "pP": False,
            "si": 0,
            "ss": 0,
            "V": "EXPIRE_MAKER",
            "pm": request.terms.get("priceMatch", "NONE"),
            "gtd": 0,
            "er": "0",
        },
    }


def algo_update(order: Order, exchange: Exchange, *, now_ms: int) -> Json:
    """Return ALGO_UPDATE for a conditional order, with what triggering made of it."""
    instrument = exchange.instrument(order.symbol)
    child = exchange.find_order(order.account, order_id=order.child_id) if order.child_id else None
    row = payloads.algo_order(order, instrument, child)
    return {
        "e": ALGO,
        "T": child.updated_ms if child else order.updated_ms,
        "E": now_ms,
        "o": {
            "caid": order.client_order_id,
            "aid": order.order_id,
            "at": "CONDITIONAL",
            "o": row["orderType"],
            "s": order.symbol,
            "S": order.request.direction.value,
            "ps": row["positionSide"],
            "f": row["timeInForce"],
            "q": row["quantity"],
            "X": row["algoStatus"],
            "ai": row["actualOrderId"],
            "ap": row["actualPrice"],
            "aq": row["actualQty"],
            "act": row["actualType"] or "0",
            "tp": row["triggerPrice"],
            "p": row["price"],
            "V": "EXPIRE_MAKER",
            "wt": row["workingType"],
            "pm": "NONE",
            "cp": row["closePosition"],
            "pP": False,
            "R": row["reduceOnly"],
            "tt": order.triggered_ms,
            "gtd": 0,
            "rm": order.end_reason if order.state is OrderState.REJECTED else "",
        },
    }


def expired(listen_key: str, *, now_ms: int) -> Json:
    """Return listenKeyExpired, after which the stream says nothing more."""
    return {"e": EXPIRED, "E": now_ms, "listenKey": listen_key}


def mark_price(symbol: str, exchange: Exchange, *, now_ms: int) -> Json:
    """Return markPriceUpdate; the index price is the mark price on paper."""
    mark = figures.money(exchange.mark_price(symbol))
    return {
        "e": MARK,
        "E": now_ms,
        "s": symbol,
        "p": mark,
        "ap": mark,
        "P": mark,
        "i": mark,
        "r": figures.money(exchange.funding.rate(symbol)),
        "T": exchange.funding.next_ms(symbol),
    }


def _execution(order: Order, fill: Fill | None) -> str:
    if fill is None:
        # An open order that changed without an execution was amended.
        return (
            "AMENDMENT"
            if order.updated_ms > order.created_ms and order.state.is_open
            else _EXECUTIONS.get(order.state, "EXPIRED")
        )
    return "TRADE" if order.request.forced is None else "CALCULATED"


def _position(view: PositionView) -> Json:
    position = view.position
    return {
        "s": position.symbol,
        "pa": figures.quantity(position.quantity, view.instrument),
        "ep": entry(view),
        "bep": figures.plain(view.break_even_price.quantize(Decimal("0.00000001"))),
        "cr": figures.money(from_units(view.instrument.settle, position.realized_units)),
        "up": figures.money(view.unrealized_pnl),
        "mt": "isolated" if view.is_isolated else "cross",
        "iw": isolated_wallet(view),
        "ps": payloads.position_side(position.side),
    }

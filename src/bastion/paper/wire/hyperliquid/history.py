"""History: orders and executions of an account.

Source: Hyperliquid docs, "Info endpoint": openOrders and frontendOpenOrders (of one dex), orderStatus by oid
or cloid, historicalOrders (2000 at most, newest first), userFills (2000 at most, newest first) and
userFillsByTime (2000 at most, oldest first; the next page starts at the last time), userFunding (500 at
most, oldest first). `closedPnl` is before fees.
"""

from collections.abc import Mapping
from decimal import Decimal

from bastion.paper.order import Direction, Fill, Forced, Order, OrderFilter
from bastion.paper.wire.hyperliquid.answers import Unreadable
from bastion.paper.wire.hyperliquid.assets import dex_of
from bastion.paper.wire.hyperliquid.call import Call, Read
from bastion.paper.wire.hyperliquid.fields import is_cloid
from bastion.paper.wire.hyperliquid.signing import keccak256
from bastion.paper.wire.hyperliquid.words import cloid_of, number, order_row, side_of, status_of

ZERO = Decimal(0)
MOST = 2000
FUNDINGS_MOST = 500


def frontend_open_orders(call: Call) -> object:
    """Return every working or waiting order of one dex, with its trigger."""
    return [order_row(order) for order in _open(call)]


def open_orders(call: Call) -> object:
    """Return every working or waiting order of one dex in short."""
    names = ("coin", "side", "limitPx", "sz", "oid", "timestamp", "origSz", "reduceOnly", "cloid")
    return [{name: order_row(order)[name] for name in names} for order in _open(call)]


def order_status(call: Call) -> object:
    """Return what became of one order, refused ones included; `unknownOid` where there was none."""
    asked = call.fields.values.get("oid")
    account = call.user()
    order: Order | None = None
    if is_cloid(asked):
        cloid = str(asked).lower()
        if account is not None:
            order = call.exchange.find_order(account, client_order_id=cloid, at_ms=call.at_ms)
            refused = call.memory.refused.get((account, cloid))
            if order is None and refused is not None:
                return _told(refused.row, refused.status, refused.at_ms)
    elif isinstance(asked, int) and not isinstance(asked, bool):
        if account is not None:
            order = call.exchange.find_order(account, order_id=asked, at_ms=call.at_ms)
    else:
        raise Unreadable
    if order is None or call.conditions.pretend_empty:
        return {"status": "unknownOid"}
    return _told(order_row(order), status_of(order), order.updated_ms)


def historical_orders(call: Call) -> object:
    """Return orders of all dexes in every state, newest first."""
    account = call.user()
    if account is None or call.conditions.pretend_empty:
        return []
    orders = call.exchange.orders(account, OrderFilter(), at_ms=call.at_ms)
    return [
        {"order": order_row(order), "status": status_of(order), "statusTimestamp": order.updated_ms}
        for order in reversed(orders[-MOST:])
    ]


def fills(call: Call) -> object:
    """Return the newest executions of all dexes, newest first."""
    return list(reversed(_fills(call)[-MOST:]))


def fills_by_time(call: Call) -> object:
    """Return executions of all dexes between two times, both included, oldest first."""
    since_ms = call.fields.whole("startTime")
    until_ms = call.fields.whole("endTime") if call.fields.has("endTime") else call.now_ms
    return [row for row in _fills(call) if since_ms <= _time_of(row) <= until_ms][:MOST]


def user_funding(call: Call) -> object:
    """Return payments of funding between two times, oldest first; `usdc` is negative where it was paid."""
    account = call.user()
    since_ms = call.fields.whole("startTime") if call.fields.has("startTime") else 0
    until_ms = call.fields.whole("endTime") if call.fields.has("endTime") else call.now_ms
    if account is None or call.conditions.pretend_empty:
        return []
    found = call.exchange.funding.payments(account, span=(since_ms, until_ms))
    return [
        {
            "time": payment.time_ms,
            "hash": "0x" + "0" * 64,
            "delta": {
                "type": "funding",
                "coin": payment.symbol,
                "usdc": number(payment.amount),
                "szi": number(payment.quantity),
                "fundingRate": number(payment.rate),
                "nSamples": None,
            },
        }
        for payment in found[:FUNDINGS_MOST]
    ]


def _open(call: Call) -> list[Order]:
    account = call.user()
    if account is None or call.conditions.pretend_empty:
        return []
    orders = call.exchange.open_orders(account, OrderFilter(), at_ms=call.at_ms)
    return [order for order in reversed(orders) if dex_of(order.symbol) == call.dex]


def _told(row: Mapping[str, object], status: str, at_ms: int) -> dict[str, object]:
    return {"status": "order", "order": {"order": dict(row), "status": status, "statusTimestamp": at_ms}}


def _fills(call: Call) -> list[dict[str, object]]:
    account = call.user()
    if account is None or call.conditions.pretend_empty:
        return []
    held: dict[str, Decimal] = {}
    rows = []
    for fill in call.exchange.fills(account, until_ms=call.at_ms):
        before = held.get(fill.symbol, ZERO)
        held[fill.symbol] = before + fill.quantity * fill.direction.sign
        rows.append(_row(call, fill, before))
    return rows


def _row(call: Call, fill: Fill, before: Decimal) -> dict[str, object]:
    row: dict[str, object] = {
        "coin": fill.symbol,
        "px": number(fill.price),
        "sz": number(fill.quantity),
        "side": side_of(fill.direction),
        "time": fill.time_ms,
        "startPosition": number(before),
        "dir": _way(fill, before) if fill.forced is None else _forced_way(call, fill, before),
        "closedPnl": number(fill.realized_pnl),
        "hash": "0x" + keccak256(f"fill {fill.fill_id}".encode()).hex(),
        "oid": fill.order_id,
        "crossed": not fill.is_maker,
        "fee": number(fill.fee),
        "tid": fill.fill_id,
        "feeToken": fill.fee_coin,
        "twapId": None,
    }
    if fill.forced is Forced.LIQUIDATION:
        row["liquidation"] = {
            "liquidatedUser": call.fields.address("user"),
            "markPx": number(fill.price),
            "method": "market",
        }
    cloid = cloid_of(fill.client_order_id)
    return row if cloid is None else {**row, "cloid": cloid}


def _forced_way(call: Call, fill: Fill, before: Decimal) -> str:
    if fill.forced is Forced.ADL:
        return "Auto-Deleveraging"
    mode = call.exchange.margin_mode(fill.account, fill.symbol).value.capitalize()
    return f"Liquidated {mode} {'Long' if before > 0 else 'Short'}"


def _way(fill: Fill, before: Decimal) -> str:
    after = before + fill.quantity * fill.direction.sign
    if before * after < 0:
        return "Long > Short" if before > 0 else "Short > Long"
    if before == 0 or abs(after) > abs(before):
        return "Open Long" if fill.direction is Direction.BUY else "Open Short"
    return "Close Long" if before > 0 else "Close Short"


def _time_of(row: Mapping[str, object]) -> int:
    return int(str(row["time"]))


READS: Mapping[str, Read] = {
    "frontendOpenOrders": frontend_open_orders,
    "openOrders": open_orders,
    "orderStatus": order_status,
    "historicalOrders": historical_orders,
    "userFills": fills,
    "userFillsByTime": fills_by_time,
    "userFunding": user_funding,
}

"""Views: the exchange's true state as JSON: decimals as strings, times in milliseconds since the epoch."""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from enum import Enum

from bastion.paper.exchange.funding import FundingPayment
from bastion.paper.exchange.venue import Exchange
from bastion.paper.order import Fill, Order, OrderFilter
from bastion.paper.position import PositionView
from bastion.paper.server.faults import Fault
from bastion.paper.server.request_log import LoggedRequest
from bastion.paper.world import World


def jsonable(value: object) -> object:
    """Return `value` with decimals (without trailing zeros) and enumerations as strings, tuples as lists."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Mapping):
        return {str(name): jsonable(item) for name, item in value.items()}
    if isinstance(value, list | tuple | frozenset):
        return [jsonable(item) for item in value]
    return value


def state(world: World) -> dict[str, object]:
    """Return every venue's prices and every account's positions, orders, balances and fills."""
    return {
        "scenario": world.scenario.name,
        "clock_ms": world.clock.now_ms(),
        "venues": {name: venue_state(exchange) for name, exchange in world.exchanges.items()},
    }


def venue_state(exchange: Exchange) -> dict[str, object]:
    """Return one venue's prices and accounts."""
    prices = {
        symbol: {
            "mark": jsonable(exchange.mark_price(symbol)),
            "last": jsonable(exchange.last_price(symbol)),
        }
        for symbol in exchange.instruments
    }
    accounts = {name: account_state(exchange, name) for name in exchange.account_names()}
    return {"prices": prices, "accounts": accounts}


def account_state(exchange: Exchange, account: str) -> dict[str, object]:
    """Return what one account truly holds."""
    return {
        "position_mode": exchange.position_mode(account).value,
        "positions": [position(view) for view in exchange.positions(account)],
        "open_orders": [order(row) for row in exchange.open_orders(account, OrderFilter())],
        "orders": [order(row) for row in exchange.orders(account, OrderFilter())],
        "balances": jsonable([asdict(row) for row in exchange.balances(account)]),
        "fills": [fill(row) for row in exchange.fills(account)],
    }


def position(view: PositionView) -> dict[str, object]:
    """Return one position; its quantity is signed, long positive."""
    return {
        "symbol": view.instrument.symbol,
        "side": view.position.side.value,
        "quantity": jsonable(view.position.quantity),
        "entry_price": jsonable(view.entry_price),
        "mark_price": jsonable(view.mark_price),
        "notional": jsonable(view.notional),
        "unrealized_pnl": jsonable(view.unrealized_pnl),
        "liquidation_price": jsonable(view.liquidation_price),
        "leverage": view.leverage,
    }


def order(row: Order) -> dict[str, object]:
    """Return one order in the exchange's own words."""
    request = row.request
    return {
        "order_id": row.order_id,
        "client_order_id": row.client_order_id,
        "forced": request.forced.value if request.forced else None,
        "symbol": row.symbol,
        "direction": request.direction.value,
        "kind": request.kind.value,
        "time_in_force": request.time_in_force.value,
        "side": request.position_side.value,
        "price": jsonable(request.price),
        "trigger_price": jsonable(request.trigger.price) if request.trigger else None,
        "reduce_only": request.reduce_only,
        "close_position": request.close_position,
        "quantity": jsonable(row.quantity),
        "executed_quantity": jsonable(row.executed_quantity),
        "average_price": jsonable(row.average_price),
        "realized_pnl": jsonable(row.realized_pnl),
        "fee": jsonable(row.fee),
        "state": row.state.value,
        "end_reason": row.end_reason,
        "created_ms": row.created_ms,
        "updated_ms": row.updated_ms,
    }


def fill(row: Fill) -> dict[str, object]:
    """Return one execution."""
    return {name: jsonable(value) for name, value in asdict(row).items()}


def funding(row: FundingPayment) -> dict[str, object]:
    """Return one funding payment."""
    return {name: jsonable(value) for name, value in asdict(row).items()}


def fault(row: Fault) -> dict[str, object]:
    """Return one fault rule with its counts."""
    return {name: jsonable(value) for name, value in asdict(row).items()}


def logged(row: LoggedRequest) -> dict[str, object]:
    """Return one logged request."""
    return {name: jsonable(value) for name, value in asdict(row).items()}


def ledger(exchange: Exchange) -> dict[str, object]:
    """Return balances and trial balance in booked units; the trial balance is zero for every coin."""
    rows = [
        {"ledger_account": name, "coin": coin, "units": units}
        for (name, coin), units in sorted(exchange.ledger.balances().items())
    ]
    return {
        "entries": len(exchange.ledger),
        "balances": rows,
        "trial_balance": exchange.ledger.trial_balance(),
    }

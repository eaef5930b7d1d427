"""No opening order that unmodified ccxt can build for the four venues passes the gate; closing ones do."""

import itertools
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import ccxt.async_support as ccxt
import pytest

from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed
from bastion.venues.gate.rules import check_of
from tests.conformance.gate.conftest import MARKETS, Captured

ClientOf = Callable[[str], Any]

TYPES = (
    "market",
    "limit",
    "STOP",
    "STOP_MARKET",
    "TAKE_PROFIT",
    "TAKE_PROFIT_MARKET",
    "conditional",
    "oco",
    "trigger",
    "post_only",
    "ioc",
    "fok",
    "optimal_limit_ioc",
    "move_order_stop",
    "twap",
    "iceberg",
)
EXTRAS: tuple[dict[str, Any], ...] = (
    {},
    {"reduceOnly": False},
    {"hedged": True},
    {"positionSide": "LONG"},
    {"positionSide": "SHORT"},
    {"posSide": "long"},
    {"posSide": "short"},
    {"positionIdx": 1},
    {"positionIdx": 2},
    {"timeInForce": "IOC"},
    {"postOnly": True},
    {"triggerPrice": 90_000},
    {"stopLossPrice": 90_000},
    {"takeProfitPrice": 110_000},
    {"stopLoss": {"triggerPrice": 90_000}, "takeProfit": {"triggerPrice": 110_000}},
    {"trailingPercent": 1, "trailingTriggerPrice": 100_000},
    {"closePosition": False},
    {"marginMode": "isolated"},
    {"marginMode": "cross", "tdMode": "cross"},
    {"clientOrderId": "0x" + "ab" * 16, "slippage": "0.05"},
    {"vaultAddress": "0x" + "c0" * 20},
    {"cost": 100},
)  # fmt: skip


async def captured(work: Awaitable[object]) -> Outgoing | None:
    """Return the request that ccxt built, None where ccxt itself refused to build it."""
    try:
        await work
    except Captured as caught:
        return caught.request
    except (ccxt.BaseError, KeyError, TypeError, ValueError, AttributeError):
        return None
    return None


def openings(exchange_id: str) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for (symbol, *_), kind, side, extra in itertools.product(
        MARKETS[exchange_id], TYPES, ("buy", "sell"), EXTRAS
    ):
        # Selling what a hedge-mode side holds reduces it: that pair is no opening.
        hedge = extra.get("positionSide", extra.get("posSide", "")).lower()
        if (hedge, side) in {("long", "sell"), ("short", "buy")} or (extra.get("hedged") and hedge):
            continue
        yield symbol, kind, side, extra


FLAGS = (b'"reduceOnly":true', b"reduceOnly=true", b'"r":true', b'"reduceOnly": true')


def reduces_by_ccxts_own_doing(extra: dict[str, Any], request: Outgoing) -> bool:
    """Say whether ccxt itself put the flag on an order that protects a position."""
    protects = "stopLossPrice" in extra or "takeProfitPrice" in extra
    return protects and any(flag in request.target.encode() + request.body for flag in FLAGS)


# Thousands of orders are signed here; on a busy machine ccxt needs minutes for Hyperliquid's.
@pytest.mark.timeout(360)
@pytest.mark.parametrize("exchange_id", list(MARKETS))
async def test_no_opening_order_of_ccxt_passes(exchange_id: str, client_of: ClientOf) -> None:
    client, check = client_of(exchange_id), check_of(exchange_id)
    built = 0
    passed: list[str] = []
    try:
        for symbol, kind, side, extra in openings(exchange_id):
            work = client.create_order(symbol, kind, side, 0.01, 100_000, dict(extra))
            request = await captured(work)
            if request is None or request.method == "GET":
                continue
            built += 1
            try:
                check(request)
            except GateRefused:
                continue
            if not reduces_by_ccxts_own_doing(extra, request):
                passed.append(f"{symbol} {kind} {side} {extra}: {request.target} {request.body!r}")
    finally:
        await client.close()
    assert passed == []
    assert built > 100, "ccxt built too few orders for this to prove anything"


@pytest.mark.parametrize("exchange_id", list(MARKETS))
async def test_one_opening_order_in_a_batch_stops_the_batch(exchange_id: str, client_of: ClientOf) -> None:
    client, check = client_of(exchange_id), check_of(exchange_id)
    symbol = MARKETS[exchange_id][0][0]
    closing = {"symbol": symbol, "type": "limit", "side": "sell", "amount": 0.01, "price": 100_000}
    closing |= {"params": {"reduceOnly": True}}
    opening = {**closing, "params": {}}
    try:
        request = await captured(client.create_orders([closing, closing]))
        assert request is not None
        assert check(request) is Passed.REDUCE
        for orders in ([closing, opening], [opening, closing], [opening]):
            request = await captured(client.create_orders(orders))
            assert request is not None
            with pytest.raises(GateRefused):
                check(request)
    finally:
        await client.close()


@pytest.mark.parametrize("exchange_id", list(MARKETS))
async def test_closing_orders_and_cancels_pass(exchange_id: str, client_of: ClientOf) -> None:
    client, check = client_of(exchange_id), check_of(exchange_id)
    symbol = MARKETS[exchange_id][0][0]
    try:
        for side, kind in itertools.product(("buy", "sell"), ("market", "limit")):
            work = client.create_order(symbol, kind, side, 0.01, 100_000, {"reduceOnly": True})
            request = await captured(work)
            assert request is not None, (side, kind)
            assert check(request) is Passed.REDUCE, request
        request = await captured(client.cancel_order("12345", symbol))
        assert request is not None
        assert check(request) is Passed.CANCEL
    finally:
        await client.close()


CHANGES: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("edit_order", ("1", "{symbol}", "limit", "buy", 1, 100_000)),
    ("set_leverage", (20, "{symbol}")),
    ("set_margin_mode", ("isolated", "{symbol}", {"leverage": 5})),
    ("set_position_mode", (True, "{symbol}")),
    ("add_margin", ("{symbol}", 10)),
    ("reduce_margin", ("{symbol}", 10)),
    ("transfer", ("USDT", 10, "spot", "swap")),
    ("transfer", ("USDC", 10, "spot", "swap")),
    ("withdraw", ("USDT", 10, "0x" + "b0" * 20)),
    ("withdraw", ("USDC", 10, "0x" + "b0" * 20)),
    ("borrow_cross_margin", ("USDT", 10)),
    ("create_sub_account", ("name",)),
    ("create_vault", ("name", "text", 100)),
)


@pytest.mark.parametrize("exchange_id", list(MARKETS))
async def test_nothing_else_that_changes_an_account_passes(exchange_id: str, client_of: ClientOf) -> None:
    client, check = client_of(exchange_id), check_of(exchange_id)
    symbol = MARKETS[exchange_id][0][0]
    built = 0
    try:
        for name, arguments in CHANGES:
            filled = [symbol if argument == "{symbol}" else argument for argument in arguments]
            try:
                work = getattr(client, name)(*filled)
            except (AttributeError, ccxt.BaseError):
                continue
            request = await captured(work)
            if request is None or request.method == "GET":
                continue
            built += 1
            with pytest.raises(GateRefused):
                check(request)
    finally:
        await client.close()
    assert built >= 2, "ccxt built too few changes for this to prove anything"

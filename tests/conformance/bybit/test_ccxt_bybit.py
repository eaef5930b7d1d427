"""Unmodified ccxt trades on the Bybit wire: nothing is changed but the base URL and the keys."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from bastion.paper.account import PositionMode
from bastion.paper.order import Direction, OrderKind, OrderRequest
from tests.bybit_rig import ACCOUNT, Venue, ccxt_client, hold, running, until, venue_on

BTC = "BTC/USDT:USDT"
ETH = "ETH/USDT:USDT"


async def is_flat(client: Any) -> bool:  # noqa: ANN401 - ccxt ships no types
    return not await client.fetch_positions()


async def holds(client: Any, contracts: float) -> bool:  # noqa: ANN401 - as above
    return [row["contracts"] for row in await client.fetch_positions()] == [contracts]


async def test_load_markets_finds_every_perpetual_with_its_limits(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        markets = await client.load_markets()
        assert len(markets) == 29
        btc, usdc, coin = markets[BTC], markets["ETH/USDC:USDC"], markets["BTC/USD:BTC"]
        assert (btc["precision"]["amount"], btc["precision"]["price"]) == (0.001, 0.1)
        assert btc["limits"]["amount"] == {"min": 0.001, "max": 100.0}
        assert btc["info"]["lotSizeFilter"]["maxMktOrderQty"] == "10.000"
        assert (btc["linear"], usdc["settle"], coin["inverse"]) == (True, "USDC", True)


async def test_a_market_order_is_acknowledged_first_and_filled_just_after(live: Venue) -> None:
    async with ccxt_client(live.url, enableRateLimit=True) as client:
        order = await client.create_order(BTC, "market", "buy", 0.5)
        assert order["id"]
        assert order["status"] is None
        await until(lambda: holds(client, 0.5))
        closed = await client.fetch_closed_order(order["id"], BTC)
        assert (closed["status"], closed["filled"], closed["average"]) == ("closed", 0.5, 90_000.1)
        again = await client.fetch_order(order["id"], BTC, {"acknowledged": True})
        assert again["fee"] == {"currency": "USDT", "cost": pytest.approx(24.750028)}
        (trade,) = await client.fetch_my_trades(BTC)
        assert (trade["order"], trade["side"], trade["price"], trade["amount"]) == (
            order["id"],
            "buy",
            90_000.1,
            0.5,
        )
        (position,) = await client.fetch_positions()
        assert (position["side"], position["entryPrice"], position["hedged"]) == ("long", 90_000.1, False)
        assert (position["markPrice"], position["leverage"]) == (90_000.0, 10.0)


async def test_a_reduce_only_market_order_closes_the_position(live: Venue) -> None:
    hold(live.exchange, "BTCUSDT", "-0.3")
    async with ccxt_client(live.url) as client:
        await until(lambda: holds(client, 0.3))
        await client.create_order(BTC, "market", "buy", 0.3, None, {"reduceOnly": True})
        await until(lambda: is_flat(client))
        with pytest.raises(ccxt.InvalidOrder, match="110017"):
            await client.create_order(BTC, "market", "buy", 0.3, None, {"reduceOnly": True})
        (row,) = await client.fetch_positions_history([BTC])
        assert row["side"] == "short"
        assert row["realizedPnl"] == pytest.approx(-0.06 - 2 * 14.85, abs=0.01)


async def test_quantity_zero_closes_the_whole_position_without_naming_its_size(live: Venue) -> None:
    hold(live.exchange, "BTCUSDT", "0.777")
    async with ccxt_client(live.url) as client:
        await until(lambda: holds(client, 0.777))
        whole = {"qty": "0", "reduceOnly": True, "closeOnTrigger": True, "positionIdx": 0}
        await client.create_order(BTC, "market", "sell", 0, None, whole)
        await until(lambda: is_flat(client))


async def test_create_orders_reports_each_order_of_a_batch_by_itself(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        good = {"symbol": ETH, "type": "limit", "side": "buy", "amount": 1, "price": 3_300}
        poor = {"symbol": ETH, "type": "limit", "side": "buy", "amount": 0.001, "price": 3_300}
        first, second = await client.create_orders([good, poor])
        assert first["id"]
        assert (second["status"], second["info"]["code"]) == ("rejected", 110094)
        (still,) = await client.fetch_open_orders()
        assert (still["id"], still["price"], still["status"]) == (first["id"], 3_300.0, "open")


async def test_orders_are_cancelled_one_by_one_and_all_at_once(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        first = await client.create_order(ETH, "limit", "buy", 1, 3_300)
        found = await client.fetch_open_order(first["id"])
        assert found["status"] == "open"
        assert (await client.cancel_order(first["id"], ETH))["id"] == first["id"]
        with pytest.raises(ccxt.OrderNotFound):
            await client.cancel_order(first["id"], ETH)
        await client.create_order(ETH, "limit", "buy", 1, 3_300)
        await client.create_order(BTC, "limit", "sell", 0.1, 91_000)
        await client.create_order(
            BTC, "market", "buy", 0.1, None, {"triggerPrice": 92_000, "triggerDirection": "ascending"}
        )
        assert len(await client.fetch_open_orders()) == 3
        assert len(await client.cancel_all_orders()) == 3
        assert await client.fetch_open_orders() == []


async def test_hedge_mode_is_set_used_and_left(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        await client.set_position_mode(True)
        with pytest.raises(ccxt.BadRequest, match="position idx not match position mode"):
            await client.create_order(BTC, "market", "buy", 0.1)
        await client.create_order(BTC, "market", "buy", 0.1, None, {"hedged": True})
        await client.create_order(BTC, "market", "sell", 0.2, None, {"hedged": True})

        async def both() -> bool:
            return sorted((p["side"], p["contracts"]) for p in await client.fetch_positions()) == [
                ("long", 0.1),
                ("short", 0.2),
            ]

        await until(both)
        close = {"positionIdx": 1, "reduceOnly": True}
        await client.create_order(BTC, "market", "sell", 0.1, None, close)
        await client.create_order(BTC, "market", "buy", 0.2, None, {"hedged": True, "reduceOnly": True})
        await until(lambda: is_flat(client))
        await client.set_position_mode(False)
        with pytest.raises(ccxt.NoChange):
            await client.set_position_mode(False)


async def test_leverage_balance_tickers_and_depth_are_read(live: Venue) -> None:
    hold(live.exchange, "BTCUSDT", "1")
    async with ccxt_client(live.url) as client:
        await until(lambda: holds(client, 1.0))
        await client.set_leverage(5, BTC)
        with pytest.raises(ccxt.BadRequest, match="110043"):
            await client.set_leverage(5, BTC)
        with pytest.raises(ccxt.BadRequest, match="110013"):
            await client.set_leverage(500, BTC)
        balance = await client.fetch_balance()
        assert balance["USDT"]["total"] == pytest.approx(1_000_000 - 49.5, abs=0.01)
        assert balance["USDT"]["used"] == pytest.approx(18_000, abs=0.1)
        ticker = await client.fetch_ticker(BTC)
        assert (ticker["bid"], ticker["ask"], ticker["markPrice"]) == (89_999.9, 90_000.1, 90_000.0)
        assert len(await client.fetch_tickers()) == 28
        book = await client.fetch_order_book(BTC, 3)
        assert book["bids"] == [[89_999.9, 100.0], [89_999.8, 100.0], [89_999.7, 100.0]]
        assert await client.fetch_time() > 0


async def test_positions_settled_in_other_coins_are_seen_only_when_they_are_asked_for() -> None:
    exchange = running()
    hold(exchange, "ETHPERP", "2")
    hold(exchange, "BTCUSD", "-9000")
    async with venue_on(exchange) as live, ccxt_client(live.url) as client:

        async def usdc() -> bool:
            return len(await client.fetch_positions(None, {"settleCoin": "USDC"})) == 1

        await until(usdc)
        assert await client.fetch_positions() == []
        (coin,) = await client.fetch_positions(None, {"subType": "inverse"})
        assert (coin["symbol"], coin["side"], coin["contracts"]) == ("BTC/USD:BTC", "short", 9_000.0)
        await client.create_order("BTC/USD:BTC", "market", "buy", 9_000, None, {"reduceOnly": True})

        async def gone() -> bool:
            return not await client.fetch_positions(None, {"subType": "inverse"})

        await until(gone)


async def test_a_hedge_account_nets_its_usdc_and_inverse_contracts() -> None:
    async with venue_on(running(mode=PositionMode.HEDGE)) as live, ccxt_client(live.url) as client:
        await client.create_order("ETH/USDC:USDC", "market", "buy", 1)

        async def held() -> bool:
            rows = await client.fetch_positions(None, {"settleCoin": "USDC"})
            return [(row["contracts"], row["hedged"]) for row in rows] == [(1.0, False)]

        await until(held)
        with pytest.raises(ccxt.BadRequest, match="110029"):
            await client.set_position_mode(True, "ETH/USDC:USDC")


async def test_pagination_brings_every_one_of_25_positions() -> None:
    exchange = running(extra=25)
    for number in range(25):
        hold(exchange, f"C{number:02d}USDT", "1")
    async with venue_on(exchange) as live, ccxt_client(live.url) as client:

        async def all_of_them() -> bool:
            return len(await client.fetch_positions()) == 25

        await until(all_of_them)
        assert len(await client.fetch_positions(None, {"limit": 20})) == 20
        paged = await client.fetch_positions(None, {"paginate": True, "limit": 20})
        assert len({row["symbol"] for row in paged}) == 25


async def test_stops_edits_batch_cancels_and_histories_speak_through_ccxt(live: Venue) -> None:
    hold(live.exchange, "BTCUSDT", "1")
    async with ccxt_client(live.url) as client:
        await until(lambda: holds(client, 1.0))
        both = {"stopLossPrice": 88_000, "takeProfitPrice": 93_000}
        await client.create_order(BTC, "market", "sell", 0, None, both)
        (position,) = await client.fetch_positions()
        assert (position["stopLossPrice"], position["takeProfitPrice"]) == (88_000.0, 93_000.0)
        stop = await client.create_order(BTC, "market", "sell", 1, None, {"stopLossPrice": 87_000})
        found = await client.fetch_open_order(stop["id"], BTC, {"trigger": True})
        assert (found["stopLossPrice"], found["reduceOnly"], found["status"]) == (87_000.0, True, "open")
        assert len(await client.fetch_open_orders(BTC, None, None, {"trigger": True})) == 3
        limit = await client.create_order(ETH, "limit", "buy", 1, 3_300, {"clientOrderId": "edit-me"})
        edited = await client.edit_order(limit["id"], ETH, "limit", "buy", 2, 3_310)
        assert edited["id"] == limit["id"]
        shown = await client.fetch_open_order(limit["id"], ETH)
        assert (shown["amount"], shown["price"], shown["clientOrderId"]) == (2.0, 3_310.0, "edit-me")
        (cancelled,) = await client.cancel_orders([limit["id"]], ETH)
        assert cancelled["id"] == limit["id"]
        assert [row["id"] for row in await client.fetch_canceled_orders(ETH)] == [limit["id"]]
        assert len(await client.cancel_all_orders(BTC, {"trigger": True})) == 3
        assert await client.fetch_open_orders() == []


async def test_open_orders_beyond_a_page_are_paged_by_ccxt(live: Venue) -> None:
    resting = OrderRequest(
        symbol="ETHUSDT",
        direction=Direction.BUY,
        kind=OrderKind.LIMIT,
        quantity=Decimal("0.01"),
        price=Decimal(3_300),
    )
    for _ in range(60):
        live.exchange.place(ACCOUNT, resting)
    async with ccxt_client(live.url) as client:
        assert len(await client.fetch_open_orders()) == 20
        paged = await client.fetch_open_orders(None, None, None, {"paginate": True})
        assert len({row["id"] for row in paged}) == 60

"""Unmodified ccxt on Hyperliquid's wire, and what ccxt makes of the venue's answers."""

import ccxt.async_support as ccxt
import pytest

from tests.hyperliquid_rig import AGENT, MASTER, Venue, ccxt_client, private_key

BTC, ETH, GOLD = "BTC/USDC:USDC", "ETH/USDC:USDC", "XYZ-GOLD/USDC:USDC"
CLOID = "0x" + "ab" * 16


async def test_ccxt_loads_the_markets_of_every_dex(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        markets = await client.load_markets()
        assert set(markets) == {BTC, ETH, GOLD}
        assert (markets[BTC]["id"], markets[ETH]["id"], markets[GOLD]["id"]) == ("0", "1", "110000")
        assert markets[BTC]["precision"]["amount"] == 0.001
        assert markets[GOLD]["settle"] == "USDC"


async def test_ccxt_reads_balances_positions_books_and_prices(live: Venue) -> None:
    live.hold("BTC", "0.5")
    live.hold("ETH", "-2")
    async with ccxt_client(live.url) as client:
        balance = await client.fetch_balance()
        assert balance["USDC"]["total"] == 1_000_000
        positions = {row["symbol"]: row for row in await client.fetch_positions()}
        assert (positions[BTC]["side"], positions[BTC]["contracts"]) == ("long", 0.5)
        assert (positions[ETH]["side"], positions[ETH]["contracts"]) == ("short", 2)
        assert positions[BTC]["markPrice"] == 90_000
        book = await client.fetch_order_book(BTC)
        assert (len(book["bids"]), len(book["asks"])) == (20, 20)
        assert book["bids"][0] == [89_999.9, 100]
        assert (await client.fetch_tickers([BTC]))[BTC]["last"] == 90_000


async def test_ccxt_closes_a_position_and_reads_its_fills(live: Venue) -> None:
    live.hold("BTC", "0.5")
    async with ccxt_client(live.url) as client:
        params = {"reduceOnly": True, "clientOrderId": CLOID}
        order = await client.create_order(BTC, "market", "sell", 0.5, 90_000, params)
        assert (order["filled"], order["average"]) == (0.5, 89_999.9)
        assert live.held() == {}
        assert (await client.fetch_order(CLOID))["status"] == "closed"
        assert (await client.fetch_order(order["id"]))["clientOrderId"] == CLOID
        trade = (await client.fetch_my_trades())[-1]
        assert (trade["side"], trade["amount"], trade["fee"]["currency"]) == ("sell", 0.5, "USDC")
        # 0.045 % of 44,999.95, in whole millionths of a dollar.
        assert trade["fee"]["cost"] == 20.249978
        assert trade["info"]["closedPnl"] == "-0.05"
        assert trade["info"]["dir"] == "Close Long"


async def test_ccxt_changes_and_cancels_resting_and_waiting_orders(live: Venue) -> None:
    live.hold("BTC", "0.5")
    async with ccxt_client(live.url) as client:
        resting = await client.create_order(ETH, "limit", "buy", 1, 3_000)
        changed = await client.edit_order(resting["id"], ETH, "limit", "buy", 2, 3_100)
        assert changed["id"] != resting["id"]
        stop = {"reduceOnly": True, "stopLossPrice": 85_000}
        await client.create_order(BTC, "market", "sell", 0.5, 85_000, stop)
        orders = {row["symbol"]: row for row in await client.fetch_open_orders()}
        assert (orders[ETH]["price"], orders[ETH]["amount"]) == (3_100, 2)
        assert (orders[BTC]["stopLossPrice"], orders[BTC]["reduceOnly"]) == (85_000, True)
        for row in orders.values():
            assert (await client.cancel_order(row["id"], row["symbol"]))["info"] == "success"
        assert await client.fetch_open_orders() == []
        assert {row["status"] for row in await client.fetch_orders(ETH)} == {"canceled"}
        with pytest.raises(ccxt.OrderNotFound, match="never placed, already canceled, or filled"):
            await client.cancel_order(orders[ETH]["id"], ETH)


async def test_ccxt_sets_leverage_and_margin_mode(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        await client.load_markets()
        assert (await client.set_leverage(7, ETH))["status"] == "ok"
        assert live.exchange.leverage("main", "ETH") == 7
        await client.set_margin_mode("isolated", ETH, {"leverage": 5})
        assert live.exchange.margin_mode("main", "ETH").value == "ISOLATED"
        with pytest.raises(ccxt.ExchangeError, match="Invalid leverage"):
            await client.set_leverage(500, ETH)


async def test_the_agents_own_address_reads_as_an_empty_account(live: Venue) -> None:
    # The trap of ccxt issue 26103: no error, no positions.
    live.hold("BTC", "0.5")
    async with ccxt_client(live.url, walletAddress=AGENT.address) as client:
        assert await client.fetch_positions() == []
        assert (await client.fetch_balance())["USDC"]["total"] == 0
        assert await client.fetch_open_orders() == []
    assert await live.info("userRole", user=AGENT.address) == {
        "role": "agent",
        "data": {"user": MASTER.address},
    }


async def test_ccxt_sees_the_positions_of_the_first_dex_only(live: Venue) -> None:
    live.hold("BTC", "0.5")
    live.hold("xyz:GOLD", "3")
    async with ccxt_client(live.url) as client:
        assert [row["symbol"] for row in await client.fetch_positions()] == [BTC]
        assert [row["symbol"] for row in await client.fetch_positions([GOLD])] == [GOLD]


async def test_ccxt_raises_for_a_batch_of_which_all_orders_but_one_filled(live: Venue) -> None:
    live.hold("BTC", "0.5")
    async with ccxt_client(live.url) as client:
        await client.load_markets()
        close = {"type": "market", "side": "sell", "amount": 0.5, "price": 90_000}
        orders = [
            {"symbol": BTC, **close, "params": {"reduceOnly": True}},
            {"symbol": ETH, **close, "price": 3_400, "params": {"reduceOnly": True}},
        ]
        with pytest.raises(ccxt.InvalidOrder, match="would increase position"):
            await client.create_orders(orders)
    assert live.held() == {}


async def test_ccxt_approves_a_builder_fee_where_the_master_key_signs(live: Venue) -> None:
    # The landmine: the first call of an unmodified client approves a fee of 0.01 % to a third party.
    async with ccxt_client(live.url, privateKey=private_key("main")) as client:
        await client.create_order(ETH, "limit", "buy", 1, 3_000)
        builder = "0x6530512a6c89c7cfcebc3ba7fcd9ada5f30827a6"
        assert await live.mine("maxBuilderFee", builder=builder) == 10
    async with ccxt_client(live.url) as client:
        await client.create_order(ETH, "limit", "buy", 1, 3_000)
        assert len(await client.fetch_open_orders()) == 2


async def test_the_dead_mans_switch_of_ccxt_needs_a_million_of_volume(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        with pytest.raises(ccxt.ExchangeError, match=r"Required: \$1000000"):
            await client.cancel_all_orders_after(10_000)

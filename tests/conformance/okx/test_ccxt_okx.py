"""Unmodified ccxt trades on the OKX wire, and steps on every landmine that the adapter walks around."""

from typing import Any

import ccxt
import pytest

from bastion.paper.account import MarginMode, PositionMode
from bastion.paper.order import PositionSide
from bastion.paper.wire.protocol import Conditions
from tests.okx_rig import BTC, COIN, ETH, TRADE, Venue, ccxt_client, running, until, venue_on

BTC_PAIR, ETH_PAIR, COIN_PAIR = "BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USD:BTC"
REDUCE = {"reduceOnly": True}


async def held(client: Any) -> dict[str, float]:  # noqa: ANN401 - ccxt ships no types
    return {row["symbol"]: row["contracts"] for row in await client.fetch_positions()}


async def test_load_markets_finds_every_perpetual_with_its_contract_size(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        markets = await client.load_markets()
        assert set(markets) == {BTC_PAIR, ETH_PAIR, COIN_PAIR}
        btc, coin = markets[BTC_PAIR], markets[COIN_PAIR]
        assert (btc["contractSize"], btc["precision"]["amount"], btc["linear"]) == (0.01, 0.01, True)
        assert (coin["contractSize"], coin["settle"], coin["inverse"]) == (100.0, "BTC", True)
        assert btc["info"]["maxMktSz"] == "500"


async def test_a_market_order_is_acknowledged_first_and_filled_just_after(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        order = await client.create_order(BTC_PAIR, "market", "buy", 5)
        assert order["id"]
        # An acknowledgement is no fill: "closed" cannot be read from it.
        assert (order["status"], order["filled"]) == (None, None)

        async def filled() -> bool:
            return str((await client.fetch_order(order["id"], BTC_PAIR))["status"]) == "closed"

        await until(filled)
        (position,) = await client.fetch_positions()
        assert (position["side"], position["contracts"], position["marginMode"]) == ("long", 5.0, "cross")
        (trade,) = await client.fetch_my_trades(BTC_PAIR)
        assert (trade["order"], trade["price"], trade["amount"]) == (order["id"], 90_000.1, 5.0)


async def test_positions_of_every_margin_coin_come_in_one_call(live: Venue) -> None:
    live.hold(BTC, "10")
    live.hold(COIN, "-20")
    async with ccxt_client(live.url) as client:
        assert await held(client) == {BTC_PAIR: 10.0, COIN_PAIR: 20.0}


async def test_close_position_closes_and_says_nothing_of_an_order(live: Venue) -> None:
    live.hold(BTC, "10")
    async with ccxt_client(live.url) as client:
        answer = await client.close_position(BTC_PAIR, None, {"clientOrderId": "own1"})
        assert (answer["id"], answer["clientOrderId"]) == (None, "own1")
        await until(lambda: _is_flat(client))


async def test_close_position_fails_on_pending_close_orders_unless_told_to_cancel_them(live: Venue) -> None:
    live.hold(BTC, "10")
    async with ccxt_client(live.url) as client:
        await client.create_order(BTC_PAIR, "limit", "sell", 4, 91_000, REDUCE)
        with pytest.raises(ccxt.InvalidOrder, match="51115"):
            await client.close_position(BTC_PAIR)
        await client.close_position(BTC_PAIR, None, {"autoCxl": True})
        await until(lambda: _is_flat(client))
        assert await client.fetch_open_orders(BTC_PAIR) == []


async def test_an_isolated_position_survives_an_order_in_ccxts_default_margin_mode() -> None:
    async with venue_on(running(margin=MarginMode.ISOLATED)) as venue, ccxt_client(venue.url) as client:
        venue.hold(BTC, "10")
        with pytest.raises(ccxt.ExchangeError, match="51169"):
            await client.create_order(BTC_PAIR, "market", "sell", 10, None, REDUCE)
        with pytest.raises(ccxt.ExchangeError, match="51023"):
            await client.close_position(BTC_PAIR)
        assert await held(client) == {BTC_PAIR: 10.0}
        await client.create_order(BTC_PAIR, "market", "sell", 10, None, {**REDUCE, "tdMode": "isolated"})
        await until(lambda: _is_flat(client))


async def test_plain_reduce_only_in_long_short_mode_closes_nothing() -> None:
    async with venue_on(running(mode=PositionMode.HEDGE)) as venue, ccxt_client(venue.url) as client:
        venue.hold(BTC, "10", side=PositionSide.LONG)
        with pytest.raises(ccxt.BadRequest, match="51000"):
            await client.create_order(BTC_PAIR, "market", "sell", 10, None, REDUCE)
        await client.create_order(BTC_PAIR, "market", "sell", 10, None, {**REDUCE, "hedged": True})
        await until(lambda: _is_flat(client))


async def test_a_batch_that_partly_fails_raises_nothing(live: Venue) -> None:
    live.hold(BTC, "10")
    async with ccxt_client(live.url) as client:
        await client.load_markets()
        rows = await client.create_orders(
            [
                {"symbol": BTC_PAIR, "type": "market", "side": "sell", "amount": 10, "params": REDUCE},
                {"symbol": ETH_PAIR, "type": "market", "side": "sell", "amount": 10, "params": REDUCE},
            ]
        )
        assert [row["info"]["sCode"] for row in rows] == ["0", "51169"]
        assert [row["status"] for row in rows] == [None, "rejected"]


async def test_there_is_no_call_that_cancels_everything(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        assert client.has["cancelAllOrders"] is False
        with pytest.raises(ccxt.NotSupported):
            await client.cancel_all_orders(BTC_PAIR)


async def test_the_list_of_open_orders_hides_every_algo_order(live: Venue) -> None:
    live.hold(BTC, "10")
    async with ccxt_client(live.url) as client:
        await client.create_order(BTC_PAIR, "market", "sell", 5, None, {**REDUCE, "stopLossPrice": 88_000})
        assert await client.fetch_open_orders() == []
        hidden = await client.fetch_open_orders(None, None, None, {"ordType": "conditional"})
        assert [row["stopLossPrice"] for row in hidden] == [88_000.0]
        await client.cancel_orders([hidden[0]["id"]], BTC_PAIR, {"trigger": True})
        assert await client.fetch_open_orders(None, None, None, {"ordType": "conditional"}) == []


async def test_a_timer_of_ccxt_counts_in_milliseconds_and_the_venue_in_seconds(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        answer = await client.cancel_all_orders_after(30_000)
        row = answer["data"][0]
        assert 29_000 <= int(row["triggerTime"]) - int(row["ts"]) <= 30_000


@pytest.mark.parametrize(
    ("code", "kind"),
    [("51023", ccxt.ExchangeError), ("51169", ccxt.ExchangeError), ("50061", ccxt.ExchangeError)],
)
async def test_codes_that_mean_something_are_plain_errors_in_ccxt(code: str, kind: type[Exception]) -> None:
    client = ccxt.okx()
    assert client.exceptions["exact"].get(code, ccxt.ExchangeError) is kind


async def test_the_same_client_id_is_refused_twice(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        await client.create_order(BTC_PAIR, "market", "buy", 1, None, {"clientOrderId": "twice"})
        with pytest.raises(ccxt.InvalidOrder, match="51016"):
            await client.create_order(BTC_PAIR, "market", "buy", 1, None, {"clientOrderId": "twice"})


async def test_a_clock_that_is_off_is_not_set_right_by_ccxt(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        await client.load_markets()
        client.options["timeDifference"] = 40_000
        with pytest.raises(ccxt.InvalidNonce, match="50102"):
            await client.fetch_positions()


async def test_a_list_that_pretends_to_be_empty_is_believed_by_ccxt(live: Venue) -> None:
    live.hold(BTC, "10")
    async with ccxt_client(live.url) as client:
        await client.load_markets()
        live.conditions = Conditions(pretend_empty=True)
        assert await client.fetch_positions() == []


async def test_prices_at_the_limit_are_taken_and_beyond_are_refused(live: Venue) -> None:
    live.hold(ETH, "10")
    async with ccxt_client(live.url) as client:
        await client.load_markets()
        limits = (await client.public_get_public_price_limit({"instId": ETH}))["data"][0]
        beyond = float(limits["sellLmt"]) - 1
        with pytest.raises(ccxt.InvalidOrder, match="51136"):
            await client.create_order(ETH_PAIR, "limit", "sell", 10, beyond, {**REDUCE, "timeInForce": "IOC"})
        at_limit = float(limits["sellLmt"])
        await client.create_order(ETH_PAIR, "limit", "sell", 10, at_limit, {**REDUCE, "timeInForce": "IOC"})
        await until(lambda: _is_flat(client))


async def test_ccxts_market_order_with_ioc_is_the_optimal_limit_order(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        order = await client.create_order(BTC_PAIR, "market", "buy", 1, None, {"timeInForce": "IOC"})
        row = (await client.private_get_trade_order({"instId": BTC, "ordId": order["id"]}))["data"][0]
        assert row["ordType"] == "optimal_limit_ioc"


async def test_the_throttle_of_ccxt_spreads_closes_that_the_venue_takes_at_once(live: Venue) -> None:
    async with ccxt_client(live.url, enableRateLimit=True) as client:
        cost_ms = (
            client.rateLimit * client.describe()["api"]["private"]["post"]["trade/close-position"]["cost"]
        )
        assert cost_ms >= 100
        reply = [await live.close(ETH) for _ in range(20)]
        assert {row.code for row in reply} == {"51023"}


async def test_every_path_of_the_dead_mans_switch_and_history_is_there(live: Venue) -> None:
    live.hold(BTC, "10")
    async with ccxt_client(live.url) as client:
        await client.close_position(BTC_PAIR)
        await until(lambda: _is_flat(client))
        (closed,) = await client.fetch_positions_history()
        assert (closed["symbol"], closed["info"]["direction"]) == (BTC_PAIR, "long")
        assert (await client.fetch_position_mode())["hedged"] is False
        assert (await client.fetch_balance())["total"]["BTC"] == 5.0
        book = await client.fetch_order_book(BTC_PAIR)
        assert book["bids"][0][0] == 89_999.9
        assert (await live.get(f"{TRADE}/orders-pending")).rows == []


async def _is_flat(client: Any) -> bool:  # noqa: ANN401 - ccxt ships no types
    return not await client.fetch_positions()

"""Unmodified ccxt protects positions and reads fees on the Bybit wire."""

import ccxt
import pytest

from bastion.paper.account import PositionMode
from bastion.paper.order import OrderFilter, PositionSide
from tests.bybit_rig import ACCOUNT, Venue, ccxt_client, hold, running, venue_on

BTC = "BTC/USDT:USDT"


def stops(venue: Venue) -> list[str]:
    orders = venue.exchange.open_orders(ACCOUNT, OrderFilter(conditional=True))
    return sorted(str(order.request.trigger.price) for order in orders if order.request.trigger is not None)


async def test_a_trading_stop_of_the_whole_position_replaces_itself(live: Venue) -> None:
    hold(live.exchange, "BTCUSDT", "0.3")
    async with ccxt_client(live.url) as client:
        await client.load_markets()
        for price in ("80000", "85000"):
            await client.private_post_v5_position_trading_stop(
                {
                    "category": "linear",
                    "symbol": "BTCUSDT",
                    "positionIdx": 0,
                    "tpslMode": "Full",
                    "stopLoss": price,
                    "slTriggerBy": "MarkPrice",
                }
            )
        assert stops(live) == ["85000"]
        (position,) = await client.fetch_positions([BTC])
        assert position["stopLossPrice"] == 85_000
        (order,) = await client.fetch_open_orders(BTC, params={"trigger": True})
        assert (order["triggerPrice"], order["side"], order["reduceOnly"]) == (85_000, "sell", True)
        assert order["info"]["stopOrderType"] == "StopLoss"
        assert order["info"]["triggerBy"] == "MarkPrice"
        await client.cancel_order(order["id"], BTC)
        assert stops(live) == []


async def test_a_stop_beyond_the_mark_is_refused_and_the_old_one_stays(live: Venue) -> None:
    hold(live.exchange, "BTCUSDT", "0.3")
    async with ccxt_client(live.url) as client:
        asked = {"category": "linear", "symbol": "BTCUSDT", "positionIdx": 0, "tpslMode": "Full"}
        await client.private_post_v5_position_trading_stop({**asked, "stopLoss": "80000"})
        with pytest.raises(ccxt.BadRequest, match="should be lower than base_price"):
            await client.private_post_v5_position_trading_stop({**asked, "stopLoss": "95000"})
        with pytest.raises(ccxt.BadRequest, match="should be higher than base_price"):
            await client.private_post_v5_position_trading_stop({**asked, "takeProfit": "80000"})
        assert stops(live) == ["80000"]


async def test_a_reduce_only_conditional_order_takes_a_part(live: Venue) -> None:
    hold(live.exchange, "BTCUSDT", "0.3")
    async with ccxt_client(live.url) as client:
        placed = await client.create_order(
            BTC,
            "market",
            "sell",
            0.1,
            None,
            {"triggerPrice": 95_000, "triggerDirection": "ascending", "reduceOnly": True},
        )
        (order,) = await client.fetch_open_orders(BTC, params={"trigger": True})
        assert (order["id"], order["amount"], order["reduceOnly"]) == (placed["id"], 0.1, True)


async def test_in_hedge_mode_each_side_has_its_own_stop() -> None:
    async with venue_on(running(mode=PositionMode.HEDGE)) as served, ccxt_client(served.url) as client:
        hold(served.exchange, "BTCUSDT", "0.3", side=PositionSide.LONG)
        hold(served.exchange, "BTCUSDT", "-0.2", side=PositionSide.SHORT)
        for index, price in ((1, "80000"), (2, "95000")):
            await client.private_post_v5_position_trading_stop(
                {
                    "category": "linear",
                    "symbol": "BTCUSDT",
                    "positionIdx": index,
                    "tpslMode": "Full",
                    "stopLoss": price,
                }
            )
        assert stops(served) == ["80000", "95000"]
        with pytest.raises(ccxt.BadRequest, match="position idx not match"):
            await client.private_post_v5_position_trading_stop(
                {"category": "linear", "symbol": "BTCUSDT", "positionIdx": 0, "stopLoss": "70000"}
            )


async def test_fees_are_read_for_one_contract_and_for_all(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        await client.load_markets()
        one = await client.fetch_trading_fee(BTC)
        instrument = live.exchange.instrument("BTCUSDT")
        assert one["taker"] == pytest.approx(instrument.taker_fee_ppm / 1_000_000)
        assert one["maker"] == pytest.approx(instrument.maker_fee_ppm / 1_000_000)
        everything = await client.fetch_trading_fees({"type": "linear", "category": "linear"})
        assert BTC in everything


async def test_a_fee_of_a_contract_that_is_not_listed_is_refused(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        with pytest.raises(ccxt.BadRequest, match="symbol invalid"):
            await client.private_get_v5_account_fee_rate({"category": "linear", "symbol": "NONEUSDT"})

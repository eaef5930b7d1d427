"""Orders of Hyperliquid: prices, sizes, reduce-only, statuses, triggers, changes and cancels.

The texts are those of the venue's page "Error responses", the rules those of "Tick and lot size", "Order
types", "Take profit and stop loss orders" and "Exchange endpoint".
"""

from decimal import Decimal
from typing import Any

import pytest

from bastion.paper.book import DepthShape
from bastion.paper.wire.protocol import Conditions
from tests.hyperliquid_rig import BTC, ETH, GOLD, Venue, limit, stepped, trigger, venue_on

CLOID = "0x" + "c1" * 16


def error(status: Any) -> str:  # noqa: ANN401 - JSON
    return str(status["error"])


async def test_every_order_of_a_batch_has_a_status_of_its_own(venue: Venue) -> None:
    venue.hold("BTC", "0.5")
    venue.hold("xyz:GOLD", "-2")
    reply = await venue.order(
        limit(BTC, "sell", "0.5", "89000", reduce=True, cloid=CLOID),
        limit(ETH, "sell", "1", "3300", reduce=True),
        limit(GOLD, "buy", "2", "4100", reduce=True),
        limit(ETH, "buy", "1", "3000", tif="Gtc"),
    )
    filled, refused, second, resting = reply.statuses
    assert filled["filled"]["totalSz"] == "0.5"
    assert filled["filled"]["avgPx"] == "89999.9"
    assert filled["filled"]["cloid"] == CLOID
    assert refused == {"error": "Reduce only order would increase position. asset=1"}
    assert second["filled"]["totalSz"] == "2.0"
    assert list(resting) == ["resting"]
    assert venue.held() == {}


@pytest.mark.parametrize(
    ("price", "is_valid"),
    [
        ("90000", True),
        ("90001", True),
        ("90000.5", False),
        ("123456", True),
        ("9999.9", True),
        ("9999.95", False),
    ],
)
async def test_prices_have_five_figures_or_none_behind_the_point(
    venue: Venue,
    price: str,
    is_valid: bool,  # noqa: FBT001 - a parameter
) -> None:
    venue.exchange.set_mark("BTC", Decimal(price))
    (status,) = (await venue.order(limit(BTC, "buy", "0.1", price, tif="Gtc"))).statuses
    assert ("error" not in status) is is_valid
    if not is_valid:
        assert error(status) == "Price must be divisible by tick size. asset=0"


async def test_prices_have_at_most_six_decimals_less_those_of_sizes(venue: Venue) -> None:
    venue.exchange.set_mark("ETH", Decimal("1.5"))
    (fits,) = (await venue.order(limit(ETH, "buy", "10", "1.234", tif="Gtc"))).statuses
    (finer,) = (await venue.order(limit(ETH, "buy", "10", "1.2345", tif="Gtc"))).statuses
    assert "resting" in fits
    assert error(finer).startswith("Price must be divisible by tick size.")


@pytest.mark.parametrize(
    ("size", "text"), [("0", "Order has zero size."), ("0.0012", "Order has invalid size.")]
)
async def test_sizes_keep_to_the_lot(venue: Venue, size: str, text: str) -> None:
    (status,) = (await venue.order(limit(BTC, "buy", size, "90000", tif="Gtc"))).statuses
    assert error(status) == f"{text} asset=0"


async def test_a_price_four_fifths_away_is_refused(venue: Venue) -> None:
    venue.hold("BTC", "0.5")
    (low,) = (await venue.order(limit(BTC, "sell", "0.5", "17000", reduce=True))).statuses
    assert error(low).startswith("Order price cannot be more than 80% away from the reference price")
    assert "filled" in (await venue.order(limit(BTC, "sell", "0.5", "19000", reduce=True))).statuses[0]


async def test_a_taking_price_beyond_the_oracle_band_is_refused_where_there_is_one() -> None:
    async with venue_on(stepped(), {"oracle_band": "0.1"}) as venue:
        venue.hold("BTC", "0.5")
        (far,) = (await venue.order(limit(BTC, "sell", "0.5", "80000", reduce=True))).statuses
        assert error(far).startswith("Order price too far from oracle")
        assert "filled" in (await venue.order(limit(BTC, "sell", "0.5", "82000", reduce=True))).statuses[0]


async def test_ten_dollars_is_the_least_but_a_whole_position_may_be_closed(venue: Venue) -> None:
    venue.exchange.set_mark("ETH", Decimal(5))
    (small,) = (await venue.order(limit(ETH, "buy", "1.9", "5.2"))).statuses
    assert error(small) == "Order must have minimum value of $10. asset=1"
    venue.hold("ETH", "1.5")
    (part,) = (await venue.order(limit(ETH, "sell", "1", "4.5", reduce=True))).statuses
    assert error(part) == "Order must have minimum value of $10. asset=1"
    (whole,) = (await venue.order(limit(ETH, "sell", "1.5", "4.5", reduce=True))).statuses
    assert whole["filled"]["totalSz"] == "1.5"


async def test_a_reducing_order_never_flips_whatever_its_size(venue: Venue) -> None:
    venue.hold("BTC", "0.5")
    (status,) = (await venue.order(limit(BTC, "sell", "3", "89000", reduce=True))).statuses
    assert status["filled"]["totalSz"] == "0.5"
    assert venue.held() == {}
    for side in ("buy", "sell"):
        (none,) = (await venue.order(limit(BTC, side, "0.5", "90000", reduce=True))).statuses
        assert error(none) == "Reduce only order would increase position. asset=0"


async def test_an_immediate_order_cancels_its_rest_and_says_when_it_met_nobody(venue: Venue) -> None:
    venue.hold("BTC", "5")
    venue.exchange.set_depth("BTC", DepthShape(bids=((10, Decimal(2)),), asks=(), replenish_ms=60_000))
    (part,) = (await venue.order(limit(BTC, "sell", "5", "89000", reduce=True, cloid=CLOID))).statuses
    assert part["filled"]["totalSz"] == "2.0"
    told = await venue.mine("orderStatus", oid=CLOID)
    assert (told["order"]["status"], told["order"]["order"]["sz"]) == ("canceled", "3.0")
    (none,) = (await venue.order(limit(BTC, "sell", "3", "89000", reduce=True))).statuses
    assert error(none) == "Order could not immediately match against any resting orders. asset=0"
    assert await venue.mine("openOrders") == []


async def test_post_only_orders_never_take(venue: Venue) -> None:
    (status,) = (await venue.order(limit(ETH, "buy", "1", "3500", tif="Alo"))).statuses
    text = "Post only order would have immediately matched, bbo was 3399.9@3400.1. asset=1"
    assert error(status) == text


async def test_a_refused_order_is_found_by_its_client_id(venue: Venue) -> None:
    await venue.order(limit(BTC, "sell", "0.5", "89000", reduce=True, cloid=CLOID))
    told = await venue.mine("orderStatus", oid=CLOID)
    assert told["order"]["status"] == "reduceOnlyRejected"
    assert await venue.mine("orderStatus", oid="0x" + "77" * 16) == {"status": "unknownOid"}
    assert await venue.mine("orderStatus", oid=12) == {"status": "unknownOid"}


async def test_margin_is_needed_to_open(venue: Venue) -> None:
    (status,) = (await venue.order(limit(BTC, "buy", "200", "91000"))).statuses
    assert error(status) == "Insufficient margin to place order. asset=0"


async def test_an_order_has_a_largest_value_by_the_contracts_leverage(venue: Venue) -> None:
    # 30 million dollars at market, ten times that at a limit, where the leverage can be 25 and more.
    venue.exchange.deposit("main", "USDC", Decimal(50_000_000))
    (market,) = (await venue.order(limit(BTC, "buy", "334", "90000"))).statuses
    assert error(market) == "Order has invalid size. asset=0"
    (resting,) = (await venue.order(limit(BTC, "buy", "334", "80000", tif="Gtc"))).statuses
    assert "resting" in resting


async def test_orders_of_one_dex_are_listed_for_that_dex_alone(venue: Venue) -> None:
    await venue.order(
        limit(ETH, "buy", "1", "3000", tif="Gtc"), limit(GOLD, "buy", "1", "3500", tif="Gtc", cloid=CLOID)
    )
    (main,) = await venue.mine("frontendOpenOrders")
    (builder,) = await venue.mine("frontendOpenOrders", dex="xyz")
    assert (main["coin"], main["cloid"], builder["coin"], builder["cloid"]) == (
        "ETH",
        None,
        "xyz:GOLD",
        CLOID,
    )
    assert await venue.mine("frontendOpenOrders", dex="unheard") == []


@pytest.mark.parametrize(
    ("side", "tpsl", "price", "mark", "condition"),
    [
        ("sell", "sl", "85000", 84_000, "Price below 85000"),
        ("sell", "tp", "95000", 96_000, "Price above 95000"),
        ("buy", "sl", "95000", 96_000, "Price above 95000"),
        ("buy", "tp", "85000", 84_000, "Price below 85000"),
    ],
)
async def test_a_trigger_waits_for_its_price_and_then_reduces(
    venue: Venue, side: str, tpsl: str, price: str, mark: int, condition: str
) -> None:
    venue.hold("BTC", "0.5" if side == "sell" else "-0.5")
    (status,) = (await venue.order(trigger(BTC, side, "0.5", price, tpsl))).statuses
    assert "resting" in status
    (row,) = await venue.mine("frontendOpenOrders")
    assert (row["isTrigger"], row["triggerCondition"], row["reduceOnly"]) == (True, condition, True)
    assert row["orderType"] == ("Take Profit Market" if tpsl == "tp" else "Stop Market")
    venue.exchange.set_mark("BTC", Decimal(mark))
    assert venue.held() == {}


async def test_a_trigger_on_the_wrong_side_is_refused(venue: Venue) -> None:
    venue.hold("BTC", "0.5")
    (status,) = (await venue.order(trigger(BTC, "sell", "0.5", "95000", "sl"))).statuses
    assert error(status) == "Invalid TP/SL price. asset=0"


async def test_a_trigger_for_the_position_ends_with_it(venue: Venue) -> None:
    venue.hold("BTC", "0.5")
    order = trigger(BTC, "sell", "0", "85000", "sl")
    assert (await venue.order(order, grouping="positionTpsl")).statuses == ["waitingForTrigger"]
    (row,) = await venue.mine("frontendOpenOrders")
    assert (row["isPositionTpsl"], row["sz"]) == (True, "0.0")
    await venue.order(limit(BTC, "sell", "0.5", "89000", reduce=True))
    assert await venue.mine("frontendOpenOrders") == []


async def test_orders_attached_to_another_must_reduce(venue: Venue) -> None:
    parent = limit(BTC, "buy", "0.1", "91000")
    child = {**trigger(BTC, "sell", "0.1", "85000", "sl"), "r": False}
    assert "reduce only" in (await venue.order(parent, child, grouping="normalTpsl")).refusal
    assert venue.held() == {}
    child = trigger(BTC, "sell", "0.1", "85000", "sl")
    statuses = (await venue.order(parent, child, grouping="normalTpsl")).statuses
    assert ["filled" in status for status in statuses] == [True, False]


async def test_cancels_have_statuses_and_reach_every_dex_and_kind(venue: Venue) -> None:
    venue.hold("BTC", "0.5")
    replies = await venue.order(
        limit(GOLD, "buy", "1", "3500", tif="Gtc"), trigger(BTC, "sell", "0.5", "85000", "sl")
    )
    gold, stop = (status["resting"]["oid"] for status in replies.statuses)
    assert (await venue.cancel((GOLD, gold), (BTC, stop), (BTC, 1), (ETH, stop))).statuses == [
        "success",
        "success",
        {"error": "Order was never placed, already canceled, or filled. asset=0"},
        {"error": "Order was never placed, already canceled, or filled. asset=1"},
    ]
    assert (await venue.act({"type": "cancel", "cancels": []})).refusal == "Cancel batch is empty."


async def test_an_order_is_cancelled_by_its_client_id(venue: Venue) -> None:
    await venue.order(limit(ETH, "buy", "1", "3000", tif="Gtc", cloid=CLOID))
    action = {"type": "cancelByCloid", "cancels": [{"asset": ETH, "cloid": CLOID}]}
    assert (await venue.act(action)).statuses == ["success"]
    assert "never placed" in error((await venue.act(action)).statuses[0])


async def test_a_changed_order_has_a_new_id(venue: Venue) -> None:
    (status,) = (await venue.order(limit(ETH, "buy", "1", "3000", tif="Gtc"))).statuses
    oid = status["resting"]["oid"]
    change = {"oid": oid, "order": limit(ETH, "buy", "2", "3100", tif="Gtc")}
    assert (await venue.act({"type": "modify", **change})).json["response"] == {"type": "default"}
    (row,) = await venue.mine("openOrders")
    assert (row["sz"], row["limitPx"], row["oid"] != oid) == ("2.0", "3100.0", True)
    assert (await venue.act({"type": "modify", **change})).refusal == "Cannot modify canceled or filled order"


async def test_beyond_its_open_orders_an_account_gets_no_order_that_only_reduces() -> None:
    # The venue's number is a thousand.
    async with venue_on(stepped(), {"open_orders": 3}) as venue:
        venue.hold("BTC", "0.5")
        assert len((await venue.order(*[limit(ETH, "buy", "0.01", "3000", tif="Gtc")] * 3)).statuses) == 3
        for order in (
            limit(BTC, "sell", "0.5", "89000", reduce=True),
            trigger(BTC, "sell", "0.5", "85000", "sl"),
        ):
            (status,) = (await venue.order(order)).statuses
            assert error(status).startswith("Too many open orders")


async def test_the_scheduled_cancel_takes_every_order_once_its_time_has_come(venue: Venue) -> None:
    await venue.order(limit(BTC, "buy", "6", "91000"))
    await venue.order(limit(BTC, "sell", "6", "89000", reduce=True))
    now_ms = venue.exchange.clock.now_ms()
    await venue.order(limit(ETH, "buy", "1", "3000", tif="Gtc"))
    assert (
        "at least 5 seconds" in (await venue.act({"type": "scheduleCancel", "time": now_ms + 4_999})).refusal
    )
    assert (await venue.act({"type": "scheduleCancel", "time": now_ms + 6_000})).json["status"] == "ok"
    venue.pass_time(5_999)
    assert len(await venue.mine("openOrders")) == 1
    venue.pass_time(1)
    assert await venue.mine("openOrders") == []


async def test_fills_tell_where_the_position_stood_and_what_it_earned(venue: Venue) -> None:
    await venue.order(limit(ETH, "buy", "2", "3500", cloid=CLOID))
    await venue.order(limit(ETH, "sell", "3", "3300"))
    second, first = await venue.mine("userFills")
    assert (first["startPosition"], first["dir"], first["cloid"]) == ("0.0", "Open Long", CLOID)
    assert (second["startPosition"], second["dir"], second["closedPnl"]) == ("2.0", "Long > Short", "-0.4")
    by_time = await venue.mine("userFillsByTime", startTime=first["time"])
    assert [row["tid"] for row in by_time] == [first["tid"], second["tid"]]
    assert await venue.mine("userFillsByTime", startTime=second["time"] + 1) == []


async def test_a_positions_row_has_the_documented_fields(venue: Venue) -> None:
    venue.hold("BTC", "0.5")
    venue.exchange.set_mark("BTC", Decimal(91_000))
    state = await venue.mine("clearinghouseState")
    (row,) = state["assetPositions"]
    assert row["type"] == "oneWay"
    assert {
        name: row["position"][name] for name in ("coin", "szi", "entryPx", "positionValue", "marginUsed")
    } == {
        "coin": "BTC",
        "szi": "0.5",
        "entryPx": "90000.0",
        "positionValue": "45500.0",
        "marginUsed": "4550.0",
    }
    assert row["position"]["leverage"] == {"type": "cross", "value": 10}
    assert state["marginSummary"]["totalNtlPos"] == "45500.0"
    assert state["marginSummary"]["accountValue"] == "1000500.0"
    assert await venue.mine("spotClearinghouseState") == {
        "balances": [{"coin": "HYPE", "token": 1, "total": "5.5", "hold": "0.0", "entryNtl": "0.0"}]
    }


async def test_a_fault_empties_lists_and_shows_the_past_and_fills_in_part(venue: Venue) -> None:
    venue.hold("BTC", "0.5")
    venue.conditions = Conditions(pretend_empty=True)
    assert (await venue.mine("clearinghouseState"))["assetPositions"] == []
    venue.conditions = Conditions(fill_ratio_max=Decimal("0.4"))
    (status,) = (await venue.order(limit(BTC, "sell", "0.5", "89000", reduce=True))).statuses
    assert status["filled"]["totalSz"] == "0.2"
    venue.pass_time(100)
    await venue.order(limit(BTC, "sell", "0.1", "89000", reduce=True))
    venue.conditions = Conditions(read_lag_ms=50)
    (row,) = (await venue.mine("clearinghouseState"))["assetPositions"]
    assert row["position"]["szi"] == "0.3"

"""Orders on Bybit's wire: what is refused, what is shrunk, what fills, and how the rest ends."""

from decimal import Decimal

import pytest

from bastion.paper.book import DepthShape
from bastion.paper.order import PositionSide
from tests.bybit_rig import ACCOUNT, START_MS, Venue, hold

BTC = "BTCUSDT"
WHOLE = {"reduceOnly": True, "closeOnTrigger": True}


async def test_the_answer_to_an_order_carries_ids_only_and_the_match_comes_after(venue: Venue) -> None:
    reply = await venue.create(BTC, "Buy", "0.5", orderLinkId="my-order_1")
    assert set(reply.result) == {"orderId", "orderLinkId"}
    assert reply.result["orderLinkId"] == "my-order_1"
    before = await venue.order(reply)
    assert (before["orderStatus"], before["cumExecQty"], before["leavesQty"]) == ("New", "0.000", "0.500")
    assert await venue.positions() == []
    venue.pass_time()
    after = await venue.order(reply)
    assert (after["orderStatus"], after["cumExecQty"], after["avgPrice"]) == ("Filled", "0.500", "90000.1")
    assert (after["timeInForce"], after["rejectReason"], after["orderLinkId"]) == (
        "IOC",
        "EC_NoError",
        "my-order_1",
    )
    assert [row["size"] for row in await venue.positions()] == ["0.500"]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"qty": "0"}, 10001, "minimum limit"),
        ({"qty": "0", "reduceOnly": True}, 10001, "minimum limit"),
        ({"qty": "-1"}, 10001, "Qty invalid"),
        ({"qty": "0.0005"}, 10001, "Qty invalid"),
        ({"qty": "1e3"}, 10001, "maximum limit"),
        ({"qty": "10.001"}, 10001, "maximum limit"),
        ({"qty": "x"}, 10001, "qty"),
        ({"qty": 1}, 10001, "qty must be a string"),
        ({"qty": "NaN"}, 10001, "qty"),
        ({"side": "BUY"}, 10001, "side"),
        ({"side": None}, 10001, "side"),
        ({"orderType": "Stop"}, 10001, "orderType"),
        ({"symbol": "NOPEUSDT"}, 10001, "symbol invalid NOPEUSDT"),
        ({"symbol": "BTCUSD"}, 10001, "symbol invalid"),
        ({"category": "spot"}, 10001, "no spot"),
        ({"category": "perp"}, 10001, "category"),
        ({"positionIdx": 1}, 10001, "position idx not match position mode"),
        ({"positionIdx": 7}, 10001, "positionIdx"),
        ({"reduceOnly": "yes"}, 10001, "reduceOnly must be a boolean"),
        ({"orderLinkId": "a" * 37}, 10001, "OrderLinkId"),
        ({"orderLinkId": "a b"}, 10001, "OrderLinkId"),
        ({"takeProfit": "99000"}, 10001, "takeProfit is not modelled by the paper exchange"),
        ({"bboSideType": "Queue"}, 10001, "bboSideType is not modelled"),
        ({"reduceOnly": True}, 110017, "current position is zero"),
        ({"orderType": "Limit"}, 10001, "price is required"),
        ({"orderType": "Limit", "price": "90000.05"}, 10001, "tick"),
        ({"orderType": "Limit", "price": "99999"}, 30208, "maximum buying price"),
        ({"orderType": "Limit", "price": "80000", "side": "Sell"}, 30209, "minimum selling price"),
        ({"orderType": "Limit", "price": "1000", "qty": "0.004"}, 110094, "minimum order value 5USDT"),
        ({"orderType": "Limit", "price": "90000", "timeInForce": "GTD"}, 10001, "timeInForce"),
        ({"triggerPrice": "91000"}, 10001, "triggerDirection"),
        ({"triggerPrice": "89000", "triggerDirection": 1}, 110092, "expect Rising"),
        ({"triggerPrice": "91000", "triggerDirection": 2}, 110093, "expect Falling"),
        ({"slippageToleranceType": "Percent", "slippageTolerance": "11"}, 110109, "0.01% to 10%"),
        ({"slippageToleranceType": "TickSize", "slippageTolerance": "0"}, 110108, "1 to 10000"),
    ],
)
async def test_an_order_that_breaks_a_rule_gets_the_venue_code_and_changes_nothing(
    venue: Venue, changes: dict[str, object], code: int, words: str
) -> None:
    fields: dict[str, object] = {
        "category": "linear",
        "symbol": BTC,
        "side": "Buy",
        "orderType": "Market",
        "qty": "1",
        **changes,
    }
    reply = await venue.post("/v5/order/create", **{str(k): v for k, v in fields.items()})
    assert (reply.status, reply.code) == (200, code)
    assert words in reply.message
    venue.pass_time()
    assert (await venue.get("/v5/order/history", category="linear")).rows == []
    assert await venue.positions() == []


async def test_too_little_money_is_110007(venue: Venue) -> None:
    assert (await venue.create("ETHPERP", "Buy", "9")).code == 0
    assert (await venue.create(BTC, "Buy", "10")).code == 0
    venue.pass_time()
    venue.exchange.deposit(ACCOUNT, "USDT", Decimal(-900_000))
    assert (await venue.create(BTC, "Buy", "5")).code == 110007


async def test_an_order_link_id_is_unique_for_ever(venue: Venue) -> None:
    await venue.filled(BTC, "Buy", "0.1", orderLinkId="once")
    again = await venue.create(BTC, "Buy", "0.1", orderLinkId="once")
    assert (again.code, again.message) == (110072, "OrderLinkedID is duplicate")
    found = (await venue.get("/v5/order/realtime", category="linear", orderLinkId="once")).rows
    assert [row["orderStatus"] for row in found] == ["Filled"]


async def test_a_reduce_only_order_is_shrunk_to_the_position_and_never_flips_it(venue: Venue) -> None:
    hold(venue.exchange, BTC, "0.3")
    reply = await venue.filled(BTC, "Sell", "5", reduceOnly=True)
    row = await venue.order(reply)
    assert (row["qty"], row["orderStatus"], row["reduceOnly"]) == ("0.300", "Filled", True)
    assert await venue.positions() == []


async def test_a_reduce_only_order_on_the_position_side_is_refused(venue: Venue) -> None:
    hold(venue.exchange, BTC, "0.3")
    assert (await venue.create(BTC, "Buy", "0.3", reduceOnly=True)).code == 110017


async def test_a_second_close_in_flight_finds_nothing_left(venue: Venue) -> None:
    hold(venue.exchange, BTC, "0.3")
    first = await venue.create(BTC, "Sell", "0.3", reduceOnly=True)
    second = await venue.create(BTC, "Sell", "0.3", reduceOnly=True)
    assert (first.code, second.code) == (0, 110017)
    assert second.message == "orderQty will be truncated to zero."
    venue.pass_time()
    assert await venue.positions() == []


async def test_a_resting_reduce_only_order_holds_the_size_until_it_is_cancelled(venue: Venue) -> None:
    hold(venue.exchange, BTC, "0.3")
    exit_order = {"orderType": "Limit", "price": "91000", "reduceOnly": True}
    partial = await venue.filled(BTC, "Sell", "0.2", **exit_order)
    shrunk = await venue.filled(BTC, "Sell", "0.3", **exit_order)
    assert (await venue.order(shrunk))["qty"] == "0.100"
    assert (await venue.create(BTC, "Sell", "0.3", reduceOnly=True)).code == 110017
    for reply in (partial, shrunk):
        ids = {"category": "linear", "symbol": BTC, "orderId": reply.result["orderId"]}
        assert (await venue.post("/v5/order/cancel", **ids)).code == 0
    await venue.filled(BTC, "Sell", "0.3", reduceOnly=True)
    assert await venue.positions() == []


async def test_quantity_zero_closes_up_to_the_largest_market_order(venue: Venue) -> None:
    hold(venue.exchange, BTC, "-12.5")
    first = await venue.filled(BTC, "Buy", "0", **WHOLE)
    assert (await venue.order(first))["cumExecQty"] == "10.000"
    second = await venue.filled(BTC, "Buy", "0", **WHOLE)
    assert (await venue.order(second))["cumExecQty"] == "2.500"
    assert (await venue.create(BTC, "Buy", "0", **WHOLE)).code == 110017


async def test_a_reduce_only_order_beyond_the_largest_quantity_is_split(venue: Venue) -> None:
    hold(venue.exchange, BTC, "25")
    reply = await venue.filled(BTC, "Sell", "25", reduceOnly=True, orderLinkId="big")
    history = (await venue.get("/v5/order/history", category="linear", limit=3)).rows
    assert sorted(row["qty"] for row in history) == ["10.000", "10.000", "5.000"]
    assert sorted(row["orderLinkId"] for row in history) == ["", "", "big"]
    assert (await venue.order(reply))["orderLinkId"] == "big"
    assert await venue.positions() == []


async def test_dust_below_the_least_notional_closes_only_as_a_whole_position(venue: Venue) -> None:
    hold(venue.exchange, "ETHUSDT", "0.002")
    venue.exchange.set_mark("ETHUSDT", Decimal(2_000))
    assert (await venue.create("ETHUSDT", "Sell", "0.002", reduceOnly=True)).code == 110094
    await venue.filled("ETHUSDT", "Sell", "0", **WHOLE)
    assert await venue.positions() == []


async def test_a_market_order_takes_what_its_band_holds_and_the_rest_is_cancelled(venue: Venue) -> None:
    thin = DepthShape(bids=((1, Decimal(2)), (50_000, Decimal(50))), asks=((1, Decimal(2)),))
    venue.exchange.set_depth(BTC, thin)
    row = await venue.order(await venue.filled(BTC, "Sell", "5"))
    assert (row["orderStatus"], row["cumExecQty"], row["leavesQty"]) == ("Cancelled", "2.000", "0.000")
    assert (row["rejectReason"], row["cancelType"]) == ("EC_ReachMarketPriceLimit", "UNKNOWN")
    assert row["price"] == "85500.0"


async def test_a_market_order_that_finds_nobody_in_its_band_is_cancelled_unfilled(venue: Venue) -> None:
    venue.exchange.set_depth(BTC, DepthShape(bids=((50_000, Decimal(50)),), asks=()))
    for side in ("Sell", "Buy"):
        row = await venue.order(await venue.filled(BTC, side, "5"))
        assert (row["orderStatus"], row["cumExecQty"]) == ("Cancelled", "0.000")
        assert (row["rejectReason"], row["avgPrice"]) == ("EC_NoImmediateQtyToFill", "")


async def test_slippage_tolerance_widens_and_narrows_the_band(venue: Venue) -> None:
    steps = DepthShape(bids=((1, Decimal(1)), (101, Decimal(1)), (60_000, Decimal(50))), asks=())
    venue.exchange.set_depth(BTC, steps)
    narrow = {"slippageToleranceType": "TickSize", "slippageTolerance": "100"}
    row = await venue.order(await venue.filled(BTC, "Sell", "5", **narrow))
    assert row["cumExecQty"] == "2.000"
    wide = {"slippageToleranceType": "Percent", "slippageTolerance": "10"}
    row = await venue.order(await venue.filled(BTC, "Sell", "5", **wide))
    assert row["cumExecQty"] == "5.000"


async def test_immediate_or_cancel_fill_or_kill_and_post_only_end_as_documented(venue: Venue) -> None:
    venue.exchange.set_depth(BTC, DepthShape(bids=((1, Decimal(1)),), asks=((1, Decimal(1)),)))
    limit = {"orderType": "Limit", "price": "90000.1"}
    endings = {}
    for word in ("IOC", "FOK", "PostOnly"):
        row = await venue.order(await venue.filled(BTC, "Buy", "3", timeInForce=word, **limit))
        endings[word] = (row["orderStatus"], row["cumExecQty"], row["rejectReason"])
    assert endings == {
        "IOC": ("Cancelled", "1.000", "EC_NoImmediateQtyToFill"),
        "FOK": ("Cancelled", "0.000", "EC_CancelForNoFullFill"),
        "PostOnly": ("Cancelled", "0.000", "EC_PostOnlyWillTakeLiquidity"),
    }


@pytest.mark.parametrize(
    ("smp", "taker", "maker", "executions"),
    [
        ({}, ("Filled", "0.500"), "Filled", 3),
        ({"smpType": "CancelMaker"}, ("Filled", "0.500"), "Cancelled", 2),
        ({"smpType": "CancelTaker"}, ("Cancelled", "0.000"), "New", 1),
        ({"smpType": "CancelBoth"}, ("Cancelled", "0.000"), "Cancelled", 1),
    ],
)
async def test_an_account_trades_with_itself_unless_the_order_asks_otherwise(
    venue: Venue, smp: dict[str, str], taker: tuple[str, str], maker: str, executions: int
) -> None:
    hold(venue.exchange, BTC, "-1")
    own = await venue.filled(BTC, "Sell", "0.5", orderType="Limit", price="90000.1", timeInForce="PostOnly")
    reply = await venue.filled(BTC, "Buy", "0.5", reduceOnly=True, **smp)
    row = await venue.order(reply)
    assert (row["orderStatus"], row["cumExecQty"]) == taker
    assert row["smpType"] == smp.get("smpType", "None")
    assert (await venue.order(own))["orderStatus"] == maker
    assert len((await venue.get("/v5/execution/list", category="linear")).rows) == executions
    # Trading with itself closes nothing: what was bought back was sold again at once.
    closed = smp.get("smpType") == "CancelMaker"
    assert [item["size"] for item in await venue.positions()] == ["0.500" if closed else "1.000"]


async def test_a_limit_order_rests_fills_when_the_market_comes_and_earns_the_maker_fee(venue: Venue) -> None:
    reply = await venue.filled(BTC, "Buy", "1", orderType="Limit", price="89900")
    assert (await venue.order(reply))["orderStatus"] == "New"
    venue.exchange.set_mark(BTC, Decimal(89_800))
    row = await venue.order(reply)
    assert (row["orderStatus"], row["avgPrice"], row["cumExecFee"]) == ("Filled", "89900", "17.98")
    (execution,) = (await venue.get("/v5/execution/list", category="linear")).rows
    assert (execution["isMaker"], execution["feeRate"], execution["orderId"]) == (
        True,
        "0.0002",
        reply.result["orderId"],
    )


async def test_a_conditional_order_waits_triggers_and_keeps_its_id(venue: Venue) -> None:
    hold(venue.exchange, BTC, "1")
    stop = {"triggerPrice": "89000", "triggerDirection": 2, "triggerBy": "MarkPrice", "reduceOnly": True}
    reply = await venue.filled(BTC, "Sell", "1", **stop)
    row = await venue.order(reply)
    assert (row["orderStatus"], row["stopOrderType"], row["createType"]) == (
        "Untriggered",
        "Stop",
        "CreateByStopOrder",
    )
    assert (row["triggerPrice"], row["triggerDirection"], row["triggerBy"]) == ("89000.0", 2, "MarkPrice")
    venue.exchange.set_mark(BTC, Decimal(88_900))
    venue.pass_time()
    assert (await venue.order(reply))["orderStatus"] == "Filled"
    assert await venue.positions() == []


async def test_at_most_ten_conditional_orders_wait_for_a_symbol(venue: Venue) -> None:
    codes = []
    for number in range(11):
        stop = {"triggerPrice": str(91_000 + number), "triggerDirection": 1}
        codes.append((await venue.create(BTC, "Buy", "0.1", **stop)).code)
        venue.pass_time(200)
    assert codes == [0] * 10 + [110009]


async def test_an_order_is_amended_in_place(venue: Venue) -> None:
    reply = await venue.filled(BTC, "Buy", "1", orderType="Limit", price="89000", orderLinkId="change")
    ids = {"category": "linear", "symbol": BTC, "orderLinkId": "change"}
    assert (await venue.post("/v5/order/amend", qty="0.5", price="89500", **ids)).result == reply.result
    row = await venue.order(reply)
    assert (row["qty"], row["price"], row["orderStatus"]) == ("0.500", "89500.0", "New")
    assert (await venue.post("/v5/order/amend", **ids)).code == 10001
    assert (await venue.post("/v5/order/amend", qty="0.0001", **ids)).code == 10001


async def test_cancels_name_an_order_of_their_symbol_that_is_still_open(venue: Venue) -> None:
    reply = await venue.filled(BTC, "Buy", "1", orderType="Limit", price="89000", orderLinkId="mine")
    order_id = reply.result["orderId"]
    wrong = [
        {"symbol": BTC},
        {"symbol": "ETHUSDT", "orderId": order_id},
        {"symbol": BTC, "orderId": "not-an-id"},
        {"symbol": BTC, "orderLinkId": "other"},
    ]
    codes = [(await venue.post("/v5/order/cancel", category="linear", **ids)).code for ids in wrong]
    assert codes == [10001, 110001, 110001, 110001]
    rows = [{"symbol": BTC, "orderId": order_id}, {"symbol": BTC, "orderLinkId": "mine"}]
    batch = await venue.post("/v5/order/cancel-batch", category="linear", request=rows)
    assert [verdict["code"] for verdict in batch.json["retExtInfo"]["list"]] == [0, 110001]
    row = await venue.order(reply)
    assert (row["orderStatus"], row["cancelType"], row["rejectReason"]) == (
        "Cancelled",
        "CancelByUser",
        "EC_PerCancelRequest",
    )


async def test_cancel_all_takes_every_kind_of_order_in_its_scope(venue: Venue) -> None:
    limit = {"orderType": "Limit", "qty": "1"}
    for symbol, price in ((BTC, "89000"), ("ETHUSDT", "3300"), ("ETHPERP", "3300")):
        await venue.filled(symbol, "Buy", price=price, **limit)
    await venue.filled(BTC, "Buy", "1", triggerPrice="91000", triggerDirection=1)

    async def cancelled(**scope: str) -> int:
        return len((await venue.post("/v5/order/cancel-all", category="linear", **scope)).rows)

    assert (await venue.post("/v5/order/cancel-all", category="linear")).code == 10001
    assert (
        await venue.post(
            "/v5/order/cancel-all", category="linear", settleCoin="USDT", orderFilter="OpenOrder"
        )
    ).code == 10001
    assert await cancelled(settleCoin="USDT", orderFilter="StopOrder") == 1
    assert await cancelled(symbol=BTC) == 1
    assert await cancelled(settleCoin="USDT") == 1
    assert await cancelled(baseCoin="ETH") == 1
    assert (await venue.post("/v5/order/cancel-all", category="option")).result == {
        "list": [],
        "success": "1",
    }


async def test_cancel_all_takes_at_most_500_orders_a_call(venue: Venue) -> None:
    order = {"symbol": BTC, "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": "89000"}
    for _ in range(51):
        await venue.post("/v5/order/create-batch", category="linear", request=[order] * 10)
        venue.pass_time(1_000)
    first = await venue.post("/v5/order/cancel-all", category="linear", settleCoin="USDT")
    second = await venue.post("/v5/order/cancel-all", category="linear", settleCoin="USDT")
    assert (len(first.rows), len(second.rows)) == (500, 10)


async def test_in_hedge_mode_each_side_is_its_own_position(hedged: Venue) -> None:
    await hedged.filled(BTC, "Buy", "0.5", positionIdx=1)
    await hedged.filled(BTC, "Sell", "0.2", positionIdx=2)
    rows = await hedged.positions()
    assert [(row["positionIdx"], row["side"], row["size"]) for row in rows] == [
        (1, "Buy", "0.500"),
        (2, "Sell", "0.200"),
    ]
    assert (await hedged.create(BTC, "Sell", "0.5")).code == 10001
    assert (await hedged.create(BTC, "Sell", "0.5", reduceOnly=True, positionIdx=2)).code == 110017
    await hedged.filled(BTC, "Sell", "9", reduceOnly=True, positionIdx=1)
    await hedged.filled(BTC, "Buy", "0", positionIdx=2, **WHOLE)
    assert await hedged.positions() == []
    hold(hedged.exchange, BTC, "0.1", side=PositionSide.LONG)
    assert hedged.exchange.clock.now_ms() > START_MS


async def test_a_partial_fill_leaves_the_rest_of_the_position(venue: Venue) -> None:
    hold(venue.exchange, BTC, "1")
    venue.conditions = type(venue.conditions)(fill_ratio_max=Decimal("0.5"))
    row = await venue.order(await venue.filled(BTC, "Sell", "1", reduceOnly=True))
    assert (row["orderStatus"], row["cumExecQty"]) == ("Cancelled", "0.500")
    assert [row["size"] for row in await venue.positions()] == ["0.500"]

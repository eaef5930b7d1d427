"""Algo orders: placed, listed by ordType, triggered and cancelled."""

from decimal import Decimal

import pytest

from tests.okx_rig import BTC, TRADE, Reply, Venue, stepped, venue_on

TRAILING = {"ordType": "move_order_stop", "instId": BTC, "side": "sell", "sz": "5", "callbackRatio": "0.01"}
TWAP = {"ordType": "twap", "instId": BTC, "side": "buy", "sz": "50"}


async def place(venue: Venue, **fields: object) -> Reply:
    common = {"instId": BTC, "tdMode": "cross", "side": "sell", "sz": "10", "reduceOnly": "true"}
    return await venue.post(f"{TRADE}/order-algo", {**common, **fields})


async def pending(venue: Venue, kinds: str) -> list[dict[str, str]]:
    return (await venue.get(f"{TRADE}/orders-algo-pending", ordType=kinds)).rows


async def test_a_stop_waits_and_closes_when_the_price_falls_to_it(venue: Venue) -> None:
    venue.hold(BTC, "10")
    stop = {"ordType": "conditional", "slTriggerPx": "89000", "slOrdPx": "-1", "algoClOrdId": "mystop"}
    placed = await place(venue, **stop)
    assert (placed.code, placed.row["algoClOrdId"]) == ("0", "mystop")
    (row,) = await pending(venue, "conditional")
    assert (row["algoId"], row["slTriggerPx"], row["slOrdPx"]) == (placed.row["algoId"], "89000", "-1")
    assert (row["reduceOnly"], row["sz"], row["state"], row["tdMode"]) == ("true", "10", "live", "cross")
    venue.exchange.set_mark(BTC, Decimal(88_900))
    venue.pass_time()
    assert await pending(venue, "conditional") == []
    assert await venue.positions() == []
    (order,) = (await venue.get(f"{TRADE}/orders-history", instType="SWAP", state="filled", limit=1)).rows
    assert (order["algoId"], order["source"], order["side"]) == (placed.row["algoId"], "7", "sell")


async def test_each_type_has_its_list_and_two_of_them_can_be_read_together(venue: Venue) -> None:
    venue.hold(BTC, "10")
    await place(venue, ordType="conditional", slTriggerPx="89000", slOrdPx="-1")
    await place(venue, ordType="trigger", triggerPx="88000", orderPx="-1", sz="1")
    await place(
        venue, ordType="oco", slTriggerPx="87000", slOrdPx="-1", tpTriggerPx="95000", tpOrdPx="-1", sz="1"
    )
    assert [row["triggerPx"] for row in await pending(venue, "trigger")] == ["88000"]
    both = await pending(venue, "conditional,oco")
    assert [row["ordType"] for row in both] == ["oco", "conditional"]
    assert (both[0]["slTriggerPx"], both[0]["tpTriggerPx"]) == ("87000", "95000")
    assert await pending(venue, "twap") == []
    for kinds in ("conditional,trigger", "nothing"):
        assert (await venue.get(f"{TRADE}/orders-algo-pending", ordType=kinds)).code == "51000"
    assert (await venue.get(f"{TRADE}/orders-algo-pending")).code == "50014"
    assert (await venue.get(f"{TRADE}/orders-pending")).rows == []


async def test_when_one_half_of_an_oco_triggers_the_other_goes(venue: Venue) -> None:
    venue.hold(BTC, "10")
    await place(
        venue, ordType="oco", slTriggerPx="87000", slOrdPx="-1", tpTriggerPx="95000", tpOrdPx="-1", sz="4"
    )
    venue.exchange.set_mark(BTC, Decimal(95_100))
    venue.pass_time()
    assert await pending(venue, "conditional,oco") == []
    venue.exchange.set_mark(BTC, Decimal(86_000))
    venue.pass_time()
    assert [row["pos"] for row in await venue.positions()] == ["6"]


async def test_an_algo_for_the_whole_position_names_no_size_and_ends_with_it(venue: Venue) -> None:
    venue.hold(BTC, "10")
    whole = {"ordType": "conditional", "closeFraction": "1", "sz": ""}
    assert (await place(venue, **whole, slTriggerPx="89000", slOrdPx="-1")).code == "0"
    (row,) = await pending(venue, "conditional")
    assert (row["closeFraction"], row["sz"]) == ("1", "")
    await venue.filled(BTC, "sell", "10", reduceOnly="true")
    assert await pending(venue, "conditional") == []


async def test_a_waiting_stop_with_a_size_holds_it(venue: Venue) -> None:
    venue.hold(BTC, "10")
    await place(venue, ordType="conditional", slTriggerPx="89000", slOrdPx="-1")
    assert (await venue.order(BTC, "sell", "10", reduceOnly="true")).fates == ["51112"]
    assert (await venue.close(BTC)).code == "51115"
    assert (await venue.close(BTC, autoCxl=True)).code == "0"
    venue.pass_time()
    assert await venue.positions() == []
    assert await pending(venue, "conditional") == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"slTriggerPx": "90001", "slOrdPx": "-1"}, "51280"),
        ({"tpTriggerPx": "89999", "tpOrdPx": "-1"}, "51279"),
        ({"slTriggerPx": "89999", "slOrdPx": "-1", "side": "buy"}, "51278"),
        ({"tpTriggerPx": "90001", "tpOrdPx": "-1", "side": "buy"}, "51277"),
        ({"slTriggerPx": "89000"}, "50014"),
        ({}, "50014"),
        ({"slTriggerPx": "-5", "slOrdPx": "-1"}, "51000"),
        ({"slTriggerPx": "89000", "slOrdPx": "-1", "closeFraction": "0.5"}, "51000"),
        ({"slTriggerPx": "89000", "slOrdPx": "-1", "closeFraction": "1", "reduceOnly": "false"}, "51328"),
        ({"slTriggerPx": "89000", "slOrdPx": "-1", "posSide": "long"}, "51000"),
        ({"slTriggerPx": "89000", "slOrdPx": "-1", "ordType": "twap"}, "51000"),
    ],
)
async def test_an_algo_that_makes_no_sense_is_refused_by_its_code(
    venue: Venue, fields: dict[str, str], code: str
) -> None:
    venue.hold(BTC, "10")
    refused = await place(venue, **{"ordType": "conditional", **fields})
    assert (refused.code, refused.fates) == ("1", [code])
    assert await pending(venue, "conditional,oco") == []


async def test_a_trigger_order_can_open_a_position(venue: Venue) -> None:
    placed = await place(
        venue, ordType="trigger", triggerPx="91000", orderPx="91500", side="buy", reduceOnly="false"
    )
    assert placed.code == "0"
    venue.exchange.set_mark(BTC, Decimal(91_000))
    venue.pass_time()
    assert [row["pos"] for row in await venue.positions()] == ["10"]


async def test_algos_that_a_scenario_gives_are_listed_and_cancelled() -> None:
    async with venue_on(stepped(), {"algos": [TRAILING, TWAP]}) as venue:
        (trailing,) = await pending(venue, "move_order_stop")
        (twap,) = await pending(venue, "twap")
        assert (trailing["callbackRatio"], twap["side"]) == ("0.01", "buy")
        ids = [{"algoId": row["algoId"], "instId": BTC} for row in (trailing, twap)]
        assert (await venue.post(f"{TRADE}/cancel-algos", ids)).fates == ["0", "0"]
        assert (await venue.post(f"{TRADE}/cancel-algos", ids[:1])).fates == ["51400"]
        assert await pending(venue, "move_order_stop") == await pending(venue, "twap") == []


async def test_cancels_of_algos_take_ten_and_are_answered_one_by_one(venue: Venue) -> None:
    venue.hold(BTC, "10")
    placed = await place(venue, ordType="conditional", slTriggerPx="89000", slOrdPx="-1", algoClOrdId="own")
    other = await place(venue, ordType="trigger", triggerPx="88000", orderPx="-1", sz="1")
    items = [
        {"instId": BTC, "algoClOrdId": "own"},
        {"instId": BTC, "algoId": other.row["algoId"]},
        {"instId": BTC, "algoId": placed.row["algoId"]},
        {"instId": BTC},
    ]
    reply = await venue.post(f"{TRADE}/cancel-algos", items)
    assert (reply.code, reply.fates) == ("2", ["0", "0", "51400", "51000"])
    assert (await venue.post(f"{TRADE}/cancel-algos", items[:1] * 11)).code == "51111"

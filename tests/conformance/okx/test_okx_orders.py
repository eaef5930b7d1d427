"""Orders: what the venue takes, refuses and says of them, one by one and in batches."""

from decimal import Decimal

import pytest

from bastion.paper.book import DepthShape
from bastion.paper.wire.okx import PLUGIN
from tests.okx_rig import BTC, COIN, ETH, LIST, TRADE, Venue, stepped, venue_on


async def test_an_order_is_acknowledged_first_and_matched_just_after(venue: Venue) -> None:
    reply = await venue.order(BTC, "buy", "10", clOrdId="mine1")
    assert (reply.row["clOrdId"], reply.fates) == ("mine1", ["0"])
    before = await venue.details(BTC, clOrdId="mine1")
    assert (before["state"], before["accFillSz"], before["avgPx"]) == ("live", "0", "")
    venue.pass_time()
    after = await venue.details(BTC, ordId=reply.row["ordId"])
    assert (after["state"], after["accFillSz"], after["avgPx"]) == ("filled", "10", "90000.1")
    assert (after["fee"], after["feeCcy"]) == ("-4.500005", "USDT")


async def test_in_net_mode_a_reduce_only_order_shrinks_to_the_position(venue: Venue) -> None:
    venue.hold(BTC, "10")
    done = await venue.filled(BTC, "sell", "25", reduceOnly="true")
    assert (done["accFillSz"], done["sz"], done["state"]) == ("10", "10", "filled")
    assert await venue.positions() == []


async def test_a_reduce_only_order_without_a_position_and_one_in_its_direction_are_told_apart(
    venue: Venue,
) -> None:
    nothing = await venue.order(BTC, "sell", "1", reduceOnly="true")
    assert (nothing.code, nothing.fates) == ("1", ["51169"])
    venue.hold(BTC, "10")
    same_way = await venue.order(BTC, "buy", "1", reduceOnly="true")
    assert same_way.fates == ["51170"]
    assert (await venue.positions())[0]["pos"] == "10"


async def test_an_order_of_the_other_margin_mode_does_not_find_the_position(isolated: Venue) -> None:
    isolated.hold(BTC, "10")
    cross = await isolated.order(BTC, "sell", "10", reduceOnly="true")
    assert cross.fates == ["51169"]
    await isolated.filled(BTC, "sell", "10", reduceOnly="true", tdMode="isolated")
    assert await isolated.positions() == []


async def test_in_long_short_mode_the_position_side_says_what_closes(hedged: Venue) -> None:
    await hedged.filled(BTC, "buy", "10", posSide="long")
    await hedged.filled(BTC, "sell", "4", posSide="short")
    rows = {row["posSide"]: row["pos"] for row in await hedged.positions()}
    assert rows == {"long": "10", "short": "4"}
    too_much = await hedged.order(BTC, "sell", "11", posSide="long")
    assert too_much.fates == ["51112"]
    await hedged.filled(BTC, "sell", "10", posSide="long")
    await hedged.filled(BTC, "buy", "4", posSide="short")
    assert await hedged.positions() == []


async def test_in_long_short_mode_the_reduce_only_flag_changes_nothing(hedged: Venue) -> None:
    opened = await hedged.filled(BTC, "buy", "10", posSide="long", reduceOnly="true")
    assert opened["state"] == "filled"
    assert (await hedged.positions())[0]["pos"] == "10"


@pytest.mark.parametrize("side", ["", "net"])
async def test_a_position_side_that_does_not_fit_the_mode_is_a_parameter_error(
    venue: Venue, hedged: Venue, side: str
) -> None:
    in_hedge = await hedged.order(BTC, "buy", "1", posSide=side)
    in_net = await venue.order(BTC, "buy", "1", posSide="long")
    for reply in (in_hedge, in_net):
        assert reply.fates == ["51000"]
        assert "posSide" in reply.row["sMsg"]


@pytest.mark.parametrize(
    ("size", "code"), [("0.005", "51121"), ("0", "51000"), ("-1", "51000"), ("501", "51202"), ("x", "51000")]
)
async def test_a_size_that_is_no_size_is_refused_by_its_code(venue: Venue, size: str, code: str) -> None:
    assert (await venue.order(BTC, "buy", size)).fates == [code]


async def test_a_limit_order_may_be_larger_than_a_market_order(venue: Venue) -> None:
    limit = {"ordType": "limit", "px": "90000"}
    assert (await venue.order(BTC, "buy", "501", **limit)).fates == ["0"]
    assert (await venue.order(BTC, "buy", "10001", **limit)).fates == ["51005"]


async def test_fractions_of_a_contract_are_sizes_where_the_lot_says_so(venue: Venue) -> None:
    await venue.filled(BTC, "buy", "0.01")
    assert (await venue.positions())[0]["pos"] == "0.01"
    assert (await venue.order(COIN, "buy", "0.5")).fates == ["51121"]


@pytest.mark.parametrize("name", ["has-dash", "under_score", "a" * 33, "blank space", "ä"])
async def test_a_client_id_is_letters_and_digits_only(venue: Venue, name: str) -> None:
    reply = await venue.order(BTC, "buy", "1", clOrdId=name)
    assert reply.fates == ["51000"]
    assert "clOrdId" in reply.row["sMsg"]


async def test_a_client_id_can_be_used_once(venue: Venue) -> None:
    await venue.filled(BTC, "buy", "1", clOrdId="once")
    assert (await venue.order(BTC, "buy", "1", clOrdId="once")).fates == ["51016"]
    assert (await venue.positions())[0]["pos"] == "1"


async def test_a_refused_order_leaves_its_client_id_free(venue: Venue) -> None:
    assert (await venue.order(BTC, "sell", "1", reduceOnly="true", clOrdId="again")).fates == ["51169"]
    venue.hold(BTC, "1")
    assert (await venue.filled(BTC, "sell", "1", reduceOnly="true", clOrdId="again"))["state"] == "filled"


async def test_prices_beyond_the_limit_are_refused_by_what_the_order_would_do(venue: Venue) -> None:
    limits = (await venue.get("/api/v5/public/price-limit", instId=BTC)).row
    assert (limits["buyLmt"], limits["sellLmt"], limits["enabled"]) == ("94500", "85500", True)
    opening = {"ordType": "limit"}
    assert (await venue.order(BTC, "buy", "1", px="94500.1", **opening)).fates == ["51137"]
    assert (await venue.order(BTC, "sell", "1", px="85499.9", **opening)).fates == ["51138"]
    venue.hold(BTC, "10")
    closing = {"ordType": "ioc", "reduceOnly": "true"}
    assert (await venue.order(BTC, "sell", "1", px="85499.9", **closing)).fates == ["51136"]
    assert (await venue.filled(BTC, "sell", "1", px="85500", **closing))["state"] == "filled"
    venue.hold(ETH, "-10")
    assert (await venue.order(ETH, "buy", "1", px="3571", **closing)).fates == ["51135"]


async def test_a_market_order_without_buyers_is_taken_and_then_canceled(venue: Venue) -> None:
    venue.hold(BTC, "10")
    venue.exchange.set_depth(BTC, DepthShape(bids=(), asks=((1, Decimal(10)),)))
    done = await venue.filled(BTC, "sell", "10", reduceOnly="true")
    assert (done["state"], done["accFillSz"], done["cancelSource"]) == ("canceled", "0", "15")


@pytest.mark.parametrize(("kind", "source"), [("ioc", "14"), ("fok", "13"), ("optimal_limit_ioc", "15")])
async def test_the_rest_of_an_immediate_order_says_why_it_is_gone(
    venue: Venue, kind: str, source: str
) -> None:
    venue.hold(BTC, "10")
    venue.exchange.set_depth(BTC, DepthShape(bids=((1, Decimal(4)),), asks=()))
    done = await venue.filled(BTC, "sell", "10", reduceOnly="true", ordType=kind, px="89000")
    assert (done["state"], done["cancelSource"]) == ("canceled", source)
    assert done["accFillSz"] == ("0" if kind == "fok" else "4")


async def test_a_post_only_order_that_would_take_is_taken_and_then_canceled(venue: Venue) -> None:
    done = await venue.filled(BTC, "buy", "1", ordType="post_only", px="90001")
    assert (done["state"], done["cancelSource"]) == ("canceled", "31")


async def test_each_order_of_a_batch_stands_or_falls_alone(venue: Venue) -> None:
    venue.hold(BTC, "10")
    common = {"tdMode": "cross", "side": "sell", "ordType": "market", "reduceOnly": "true"}
    mixed = await venue.post(
        f"{TRADE}/batch-orders",
        [
            {"instId": BTC, "sz": "10", "clOrdId": "a", **common},
            {"instId": ETH, "sz": "1", "clOrdId": "b", **common},
            {"instId": "NO-SUCH-SWAP", "sz": "1", "clOrdId": "c", **common},
        ],
    )
    assert (mixed.status, mixed.code, mixed.fates) == (200, "2", ["0", "51169", "51001"])
    assert [row["clOrdId"] for row in mixed.rows] == ["a", "b", "c"]
    venue.pass_time()
    assert await venue.positions() == []
    failed = await venue.post(f"{TRADE}/batch-orders", [{"instId": BTC, "sz": "1", **common}])
    assert (failed.code, failed.fates) == ("1", ["51169"])


async def test_a_batch_takes_twenty_orders(venue: Venue) -> None:
    item = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "1"}
    assert (await venue.post(f"{TRADE}/batch-orders", [item] * 20)).code == "0"
    assert (await venue.post(f"{TRADE}/batch-orders", [item] * 21)).code == "51111"


async def test_a_resting_close_order_holds_the_size_until_it_is_cancelled(venue: Venue) -> None:
    venue.hold(BTC, "10")
    limit = {"ordType": "limit", "px": "91000", "reduceOnly": "true"}
    resting = await venue.order(BTC, "sell", "6", **limit)
    venue.pass_time()
    assert (await venue.order(BTC, "sell", "10", reduceOnly="true")).fates == ["51112"]
    ids = {"instId": BTC, "ordId": resting.row["ordId"]}
    assert (await venue.post(f"{TRADE}/cancel-order", ids)).fates == ["0"]
    assert (await venue.post(f"{TRADE}/cancel-order", ids)).fates == ["51400"]
    assert (await venue.filled(BTC, "sell", "10", reduceOnly="true"))["state"] == "filled"


async def test_cancels_in_a_batch_are_answered_one_by_one(venue: Venue) -> None:
    limit = {"ordType": "limit", "px": "89000"}
    first = (await venue.order(BTC, "buy", "1", **limit)).row["ordId"]
    await venue.order(BTC, "buy", "1", clOrdId="second", **limit)
    venue.pass_time()
    items = [
        {"instId": BTC, "ordId": first},
        {"instId": BTC, "clOrdId": "second"},
        {"instId": BTC, "ordId": "9"},
    ]
    reply = await venue.post(f"{TRADE}/cancel-batch-orders", items)
    assert (reply.code, reply.fates) == ("2", ["0", "0", "51400"])
    assert (await venue.get(f"{TRADE}/orders-pending")).rows == []
    assert (await venue.post(f"{TRADE}/cancel-batch-orders", [items[0]] * 21)).code == "51111"


async def test_a_close_needs_no_size_and_takes_pending_close_orders_with_it(venue: Venue) -> None:
    venue.hold(BTC, "12.34")
    await venue.order(BTC, "sell", "6", ordType="limit", px="91000", reduceOnly="true")
    await venue.order(BTC, "buy", "1", ordType="limit", px="89000")
    venue.pass_time()
    blocked = await venue.close(BTC)
    assert (blocked.code, blocked.rows) == ("51115", [])
    closed = await venue.close(BTC, autoCxl=True, clOrdId="whole")
    assert closed.row == {"instId": BTC, "posSide": "net", "clOrdId": "whole", "tag": ""}
    venue.pass_time()
    assert await venue.positions() == []
    assert (await venue.details(BTC, clOrdId="whole"))["accFillSz"] == "12.34"
    (left,) = (await venue.get(f"{TRADE}/orders-pending")).rows
    assert left["side"] == "buy"


async def test_a_close_without_a_position_and_one_of_the_other_mode_say_that_there_is_none(
    isolated: Venue,
) -> None:
    assert (await isolated.close(BTC)).code == "51023"
    isolated.hold(BTC, "1")
    assert (await isolated.close(BTC)).code == "51023"
    assert (await isolated.close(BTC, mgnMode="isolated")).code == "0"


async def test_a_close_of_a_leg_names_its_side(hedged: Venue) -> None:
    await hedged.filled(BTC, "buy", "10", posSide="long")
    await hedged.filled(BTC, "sell", "4", posSide="short")
    assert (await hedged.close(BTC)).code == "51000"
    assert (await hedged.close(BTC, posSide="short")).row["posSide"] == "short"
    hedged.pass_time()
    assert [row["posSide"] for row in await hedged.positions()] == ["long"]


async def test_a_position_above_the_market_maximum_cannot_be_closed_without_a_size(venue: Venue) -> None:
    venue.hold(BTC, "500.01")
    assert (await venue.close(BTC)).code == "51108"
    assert (await venue.order(BTC, "sell", "500.01", reduceOnly="true")).fates == ["51202"]
    await venue.filled(BTC, "sell", "500", reduceOnly="true")
    await venue.close(BTC)
    venue.pass_time()
    assert await venue.positions() == []


async def test_pending_orders_come_newest_first_and_page_by_id(venue: Venue) -> None:
    for number in range(5):
        await venue.order(BTC, "buy", "1", ordType="limit", px=str(89_000 + number))
    venue.pass_time()
    first = (await venue.get(f"{TRADE}/orders-pending", limit=2)).rows
    assert [row["px"] for row in first] == ["89004", "89003"]
    second = (await venue.get(f"{TRADE}/orders-pending", limit=2, after=first[-1]["ordId"])).rows
    assert [row["px"] for row in second] == ["89002", "89001"]
    newer = (await venue.get(f"{TRADE}/orders-pending", before=first[-1]["ordId"])).rows
    assert [row["px"] for row in newer] == ["89004"]
    assert (await venue.get(f"{TRADE}/orders-pending", limit=101)).code == "51000"
    assert (await venue.get(f"{TRADE}/orders-pending", instType="SPOT")).rows == []


async def test_an_unknown_order_is_told_by_its_own_code(venue: Venue) -> None:
    for ids in ({"ordId": "1"}, {"clOrdId": "nobody"}):
        assert (await venue.get(f"{TRADE}/order", instId=BTC, **ids)).code == "51603"
    assert (await venue.get(f"{TRADE}/order", instId=BTC)).code == "51003"


async def test_a_timer_cancels_what_rests_unless_it_is_set_again(venue: Venue) -> None:
    await venue.order(BTC, "buy", "1", ordType="limit", px="89000")
    path = f"{TRADE}/cancel-all-after"
    assert (await venue.post(path, {"timeOut": "10"})).row["triggerTime"] != "0"
    venue.pass_time(9_000)
    assert (await venue.post(path, {"timeOut": "10"})).code == "0"
    venue.pass_time(9_000)
    assert len((await venue.get(f"{TRADE}/orders-pending")).rows) == 1
    venue.pass_time(1_001)
    assert (await venue.get(f"{TRADE}/orders-pending")).rows == []
    venue.pass_time(1_001)
    assert [(await venue.post(path, {"timeOut": text})).code for text in ("9",)] == ["51000"]


async def test_too_many_requests_are_counted_by_instrument(venue: Venue) -> None:
    venue.hold(BTC, "1")
    replies = [await venue.close(ETH) for _ in range(21)]
    assert [reply.code for reply in replies[:20]] == ["51023"] * 20
    assert (replies[20].status, replies[20].code) == (429, "50011")
    assert (await venue.close(BTC)).code == "0"
    venue.pass_time(2_001)
    assert (await venue.close(ETH)).code == "51023"


async def test_an_account_may_send_a_thousand_orders_in_two_seconds() -> None:
    limits = {f"{TRADE}/batch-orders": 10_000}
    async with venue_on(stepped(), {"limits": limits}) as venue:
        item = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "1", "sz": "1"}
        for _ in range(50):
            assert (await venue.post(f"{TRADE}/batch-orders", [item] * 20)).code != "50061"
        assert (await venue.post(f"{TRADE}/batch-orders", [item])).code == "50061"
        venue.pass_time(2_001)
        assert (await venue.post(f"{TRADE}/batch-orders", [item])).code != "50061"


async def test_limits_can_be_switched_off_for_a_benchmark() -> None:
    async with venue_on(stepped(), {"limits": "off"}) as venue:
        replies = [await venue.get(f"{LIST}/config") for _ in range(12)]
        assert {reply.code for reply in replies} == {"0"}


@pytest.mark.parametrize(
    "settings",
    [
        {"nothing": 1},
        {"demo": "yes"},
        {"limits": 5},
        {"limits": {"/x": 0}},
        {"positions": [{"instType": "OPTION"}]},
        {"algos": {}},
    ],
)
def test_a_setting_that_the_wire_does_not_know_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"OKX|limit"):
        PLUGIN.build(stepped(), settings)

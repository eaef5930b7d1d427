"""Binance's TWAP and VP orders: read on the spot host, ended, and never the reason of a false UNKNOWN."""

import asyncio
from dataclasses import replace

import pytest

from bastion.domain.look import Look
from bastion.venues.ccxt.binance import BinanceVenue
from bastion.venues.ccxt.binance_algos import GONE, PART
from bastion.venues.deadline import Deadline
from tests.venue_ccxt import ccxt_client
from tests.venue_paper import WAIT_S, PaperRig, scenario
from tests.venue_rig import API_KEY, SECRET, Responder, Rig, raw, reply

LIST, END = "/sapi/v1/algo/futures/openOrders", "/sapi/v1/algo/futures/order"
VP = {
    "algoId": 14517,
    "symbol": "ETHUSDT",
    "side": "SELL",
    "positionSide": "SHORT",
    "totalQty": "5.000",
    "executedQty": "1.500",
    "clientAlgoId": "d7096549481642f8a0bb69e9e2e31f2e",
    "algoStatus": "WORKING",
    "algoType": "VP",
    "urgency": "LOW",
}
"""The venue's own example of a row (Query Current Algo Open Orders)."""


def left_out(look: Look) -> str:
    return next((part for part in look.parts if part.startswith(PART)), "")


async def test_a_running_twap_is_seen_as_what_it_still_sends_and_ended_by_a_cancel_or_a_sweep(
    paper_binance: PaperRig,
) -> None:
    await paper_binance.load(scenario("binance", ["BTCUSDT", "ETHUSDT"]))
    async with ccxt_client(paper_binance) as client:
        start = client.sapiPostAlgoFuturesNewOrderTwap
        await start({"symbol": "BTCUSDT", "side": "BUY", "quantity": "10", "duration": 600})
        await start({"symbol": "ETHUSDT", "side": "SELL", "quantity": "20", "duration": 600})
        assert await paper_binance.held() == {("BTCUSDT", "NET"): 1, ("ETHUSDT", "NET"): -2}
        look = await paper_binance.whole_look()
        assert left_out(look) == PART
        told = {order.instrument: (int(order.quantity), order.reduce_only) for order in look.orders}
        assert told == {"BTCUSDT": (9, False), "ETHUSDT": (18, False)}
        first, second = look.orders
        venue = paper_binance.venue
        (answer,) = await venue.cancel([first], deadline_s=WAIT_S)
        assert answer.gone
        (swept,) = await venue.sweep(replace(look, orders=(second,)), deadline_s=WAIT_S)
        assert swept.gone
        assert (await client.sapiGetAlgoFuturesOpenOrders())["orders"] == []
    assert (await paper_binance.whole_look()).orders == ()
    (again,) = await venue.cancel([first], deadline_s=WAIT_S)
    assert (again.gone, again.code) == (True, GONE)


async def test_the_venues_own_example_is_read_and_a_side_of_hedge_mode_tells_what_only_reduces(
    binance: Rig,
) -> None:
    closing = {**VP, "algoId": 7, "side": "BUY"}
    binance.script.on(LIST, reply({"total": 2, "orders": [VP, closing]}))
    opening, reducing = (await binance.venue.look(deadline_s=5)).orders
    assert (opening.order_id, str(opening.quantity), opening.reduce_only) == ("algo-14517", "3.500", False)
    assert (reducing.order_id, reducing.reduce_only) == ("algo-7", True)
    binance.script.on(END, reply({"algoId": 7, "success": False, "code": -20124, "msg": "Invalid algo id"}))
    (answer,) = await binance.venue.cancel([reducing], deadline_s=5)
    assert answer.gone
    (sent,) = binance.script.seen(END)
    assert (sent.method, sent.params["algoId"]) == ("DELETE", "7")


REFUSED = {
    "permission": reply({"code": -2015, "msg": f"Invalid API-key {API_KEY}, IP, or permissions"}, 401),
    "no such page": raw("<html>Not found</html>", 404, "text/html"),
    "a firewall": raw("<html>Blocked</html>", 403, "text/html"),
    "trouble": reply({"code": -1001, "msg": "Internal error"}, 500),
    "no json": raw("<html>hello</html>", 200, "text/html"),
}


@pytest.mark.parametrize("refusal", REFUSED.values(), ids=list(REFUSED))
async def test_a_list_that_was_never_read_is_named_as_left_out_and_not_asked_for_again_at_once(
    binance: Rig, refusal: Responder
) -> None:
    binance.script.on(LIST, refusal)
    for _ in range(2):
        look = await binance.venue.look(deadline_s=8)
        assert look.complete, look.unread
        assert "(left out: " in left_out(look)
        assert "neither seen nor cancelled" in left_out(look)
        assert API_KEY not in left_out(look)
    assert len(binance.script.seen(LIST)) == 1
    assert binance.venue._throttle.silent_s == 0, "what the spot host wants says nothing of the futures host"


async def test_a_list_that_was_read_once_is_missed_when_it_fails_also_by_the_next_process(
    binance: Rig,
) -> None:
    assert isinstance(binance.venue, BinanceVenue)
    binance.script.on(LIST, reply({"total": 0, "orders": []}))
    assert left_out(await binance.venue.look(deadline_s=5)) == PART
    binance.script.on(LIST, REFUSED["permission"])
    assert (await binance.venue.look(deadline_s=5)).complete, "none ran a moment ago"
    binance.venue._none_ran_ns = 0
    shelf, address = binance.venue._shelf, binance.venue._throttle._shared
    assert address is not None
    later = BinanceVenue(
        account=binance.venue.account,
        key=binance.venue._key,
        clock=binance.venue._clock,
        exchange=binance.venue._exchange,
        shelf=shelf,
        address=address,
    )
    try:
        for venue in (binance.venue, later):
            look = await venue.look(deadline_s=5)
            assert [part.part for part in look.unread] == [PART]
            assert look.unread[0].terminal
    finally:
        await later.close()


@pytest.mark.parametrize("body", ['{"code":-1003,"msg":"Way too many requests"}', "{broken"])
async def test_a_ban_of_the_spot_host_is_one_of_the_address(binance: Rig, body: str) -> None:
    assert isinstance(binance.venue, BinanceVenue)
    address = binance.venue._throttle._shared
    assert address is not None
    other = BinanceVenue(
        account=replace(binance.venue.account, name="other"),
        key=binance.venue._key,
        clock=binance.venue._clock,
        exchange=binance.venue._exchange,
        shelf=binance.venue._shelf,
        address=address,
    )
    binance.script.on(LIST, raw(body, 418, headers={"Retry-After": "60"}))
    try:
        for venue in (binance.venue, other):
            look = await venue.look(deadline_s=2)
            assert (look.complete, "(left out: " in left_out(look)) == (True, True)
    finally:
        await other.close()
    assert len(binance.script.seen(LIST)) == 1


async def test_a_look_that_only_finds_what_is_left_of_positions_does_not_ask_again(binance: Rig) -> None:
    assert isinstance(binance.venue, BinanceVenue)
    for times, hastened in ((1, False), (1, True), (2, False)):
        if hastened:
            binance.venue.filled()
            binance.venue.hasten()
        assert (await binance.venue.look(deadline_s=5)).complete
        assert len(binance.script.seen(LIST)) == times


async def test_a_demo_host_is_not_asked_for_what_it_does_not_serve(binance: Rig) -> None:
    venue = binance.venue
    assert isinstance(venue, BinanceVenue)
    venue._account = replace(venue.account, host="demo", base_url=None)
    read = await venue._algos(Deadline(venue._clock, 1))
    assert read.left_out
    assert binance.script.seen(LIST) == []


async def test_a_pause_that_the_spot_host_wants_holds_no_close_up(binance: Rig) -> None:
    banned = reply({"code": -1003, "msg": "Way too many requests"}, 418, {"Retry-After": "60"})
    binance.script.on(LIST, banned)
    binance.script.on("/fapi/v1/order", binance.flavour.placed)
    async with asyncio.timeout(5):
        await binance.venue.look(deadline_s=3)
        await binance.venue.place(binance.request(), deadline_s=2)
    assert SECRET not in left_out(await binance.venue.look(deadline_s=3))

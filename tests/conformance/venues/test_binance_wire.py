"""Binance's own ways: what exactly leaves for the venue, and what its answers are taken to mean."""

from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from aiohttp import web

from bastion.domain.order import OrderKind
from bastion.domain.position import Side
from bastion.errors import Fault, OutcomeUnknown, VenueRejected
from tests.venue_rig import Asked, Rig, hang, reply

ORDER = "/fapi/v1/order"
POSITIONS = "/fapi/v3/positionRisk"


async def sent(rig: Rig, *, side: Side, hedged: bool) -> dict[str, str]:
    await rig.venue.place(rig.request(side=side, hedged=hedged), deadline_s=5)
    return rig.script.seen(ORDER)[-1].params


async def test_one_way_mode_takes_reduce_only_and_no_side(binance: Rig) -> None:
    binance.script.on(ORDER, binance.flavour.placed)
    params = await sent(binance, side=Side.LONG, hedged=False)
    assert (params["side"], params["type"], params["reduceOnly"]) == ("SELL", "MARKET", "true")
    assert "positionSide" not in params
    assert params["newOrderRespType"] == "RESULT"
    assert params["recvWindow"] == "5000"
    assert params["newClientOrderId"] == binance.request().client_order_id


@pytest.mark.parametrize(("side", "direction"), [(Side.LONG, "SELL"), (Side.SHORT, "BUY")])
async def test_hedge_mode_takes_the_side_and_no_reduce_only(binance: Rig, side: Side, direction: str) -> None:
    # Both together are refused with -1106; the wrong direction would open the other way.
    binance.script.on(ORDER, binance.flavour.placed)
    params = await sent(binance, side=side, hedged=True)
    assert (params["positionSide"], params["side"]) == (side.value, direction)
    assert "reduceOnly" not in params


async def test_a_whole_position_is_closed_by_its_size(binance: Rig) -> None:
    binance.script.on(ORDER, binance.flavour.placed)
    await binance.venue.place(binance.request(kind=OrderKind.WHOLE), deadline_s=5)
    assert binance.script.seen(ORDER)[-1].params["quantity"] == "1"


VARIANTS = {
    "unknown": ({"code": -1000, "msg": "Unknown error, please check your request or try again later."}, None),
    "failed": ({"code": 0, "msg": "Service Unavailable."}, Fault.RETRY),
    "overloaded": ({"code": -1008, "msg": "Request throttled by system-level protection."}, Fault.RETRY),
}


@pytest.mark.parametrize(("body", "fault"), VARIANTS.values(), ids=list(VARIANTS))
async def test_the_three_kinds_of_503_are_told_apart(
    binance: Rig, body: dict[str, object], fault: Fault | None
) -> None:
    binance.script.on(ORDER, reply(body, 503))
    with pytest.raises((OutcomeUnknown, VenueRejected)) as raised:
        await binance.venue.place(binance.request(), deadline_s=5)
    if fault is None:
        assert isinstance(raised.value, OutcomeUnknown)
    else:
        assert isinstance(raised.value, VenueRejected)
        assert raised.value.fault is fault


async def test_a_429_on_the_order_count_pauses_orders_and_leaves_reads_alone(binance: Rig) -> None:
    binance.script.on(ORDER, reply({"code": -1015, "msg": "Too many new orders"}, 429, {"Retry-After": "4"}))
    with pytest.raises(VenueRejected) as refused:
        await binance.venue.place(binance.request(), deadline_s=5)
    assert (refused.value.fault, refused.value.retry_after_s) == (Fault.RATE_LIMIT, 4.0)
    assert (await binance.venue.look(deadline_s=2)).empty


async def test_error_codes_are_read_raw_on_any_host(binance: Rig) -> None:
    # ccxt picks its error table by the host name; behind another host it would lose these.
    binance.script.on(ORDER, reply({"code": -4118, "msg": "ReduceOnly Order Failed."}, 400))
    with pytest.raises(VenueRejected) as refused:
        await binance.venue.place(binance.request(), deadline_s=5)
    assert refused.value.fault is Fault.BLOCKED


async def test_all_orders_are_listed_without_a_symbol_and_conditional_ones_apart(binance: Rig) -> None:
    await binance.venue.look(deadline_s=5)
    (plain,) = binance.script.seen("/fapi/v1/openOrders")
    (algo,) = binance.script.seen("/fapi/v1/openAlgoOrders")
    assert "symbol" not in plain.params
    assert "symbol" not in algo.params
    assert not binance.script.seen("leverageBracket")


def trade(number: int, **changes: object) -> dict[str, object]:
    return {
        "id": number,
        "orderId": 1,
        "symbol": "BTCUSDT",
        "side": "SELL",
        "positionSide": "BOTH",
        "price": "100",
        "qty": "0.001",
        "realizedPnl": "0.5",
        "commission": "0.0001",
        "commissionAsset": "BNB",
        "time": 1_700_000_000_000 + number,
        **changes,
    }


def pages_of(count: int) -> Callable[[Asked], Awaitable[web.StreamResponse]]:
    async def respond(asked: Asked) -> web.StreamResponse:
        first = int(asked.params.get("fromId", 0))
        return web.json_response([trade(number) for number in range(first, min(first + 1000, count))])

    return respond


async def test_all_pages_of_executions_are_read_and_fees_in_another_coin_are_valued(binance: Rig) -> None:
    binance.script.on("/fapi/v1/userTrades", pages_of(2300))
    binance.script.on("/fapi/v1/premiumIndex", reply({"symbol": "BNBUSDT", "indexPrice": "600"}))
    position = binance.request().position
    fills = await binance.venue.fills([position], since_ms=5, deadline_s=10)
    assert [fill.fill_id for fill in fills] == [str(number) for number in range(2300)]
    assert fills[0].fee_usd == Decimal("0.0600")
    assert fills[0].fee_note == "BNB at the index price of 600 USD"
    first, second, third = binance.script.seen("/fapi/v1/userTrades")
    assert (first.params["startTime"], "fromId" in first.params) == ("5", False)
    assert (second.params["fromId"], "startTime" in second.params) == ("1000", False)
    assert third.params["fromId"] == "2000"


async def test_the_key_can_withdraw_only_if_the_spot_host_says_so(binance: Rig) -> None:
    binance.script.on("/fapi/v1/accountConfig", reply({"canTrade": True, "canWithdraw": True}))
    binance.script.on(
        "/sapi/v1/account/apiRestrictions",
        reply({"ipRestrict": True, "enableWithdrawals": True, "enableFutures": False}),
    )
    access = await binance.venue.access(deadline_s=5)
    assert (access.can_trade, access.can_withdraw, access.ip_restricted) == (False, True, True)


async def test_without_the_spot_host_the_restrictions_are_unknown_and_not_absent(binance: Rig) -> None:
    binance.script.on("/fapi/v1/accountConfig", reply({"canTrade": True}))
    access = await binance.venue.access(deadline_s=5)
    assert (access.can_trade, access.can_withdraw) == (True, None)
    assert access.notes


async def test_an_order_that_was_not_taken_as_reduce_only_is_told(binance: Rig) -> None:
    dropped = {"orderId": 1, "status": "FILLED", "executedQty": "1", "reduceOnly": False}
    binance.script.on(ORDER, reply(dropped))
    state = await binance.venue.place(binance.request(), deadline_s=5)
    assert state.reason == "the venue did not confirm reduce-only"
    hedged = await binance.venue.place(binance.request(hedged=True), deadline_s=5)
    assert hedged.reason == ""


async def test_the_older_account_page_serves_where_the_newer_one_is_missing(binance: Rig) -> None:
    row = {"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "0.7"}
    binance.script.on("/fapi/v2/account", reply({"canTrade": True, "positions": [row]}))
    assert (await binance.venue.access(deadline_s=5)).can_trade
    position = binance.request().position
    assert await binance.venue.second_source(position, deadline_s=5) == Decimal("0.7")


def shown(size: str) -> dict[str, object]:
    return {"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": size, "markPrice": "100"}


async def test_while_a_position_is_open_short_weight_goes_to_positions_and_not_to_the_order_lists(
    binance: Rig,
) -> None:
    used = {"X-MBX-USED-WEIGHT-1M": "2100"}
    binance.script.on(POSITIONS, reply([shown("1")], 200, used), reply([shown("1")]), reply([shown("0")]))
    assert (await binance.venue.look(deadline_s=5)).complete
    short = await binance.venue.look(deadline_s=5)
    assert [part.part for part in short.unread] == ["orders", "conditional orders"]
    assert [position.instrument for position in short.positions] == ["BTCUSDT"]
    assert len(binance.script.seen("/fapi/v1/openOrders")) == 1
    await binance.venue.look(deadline_s=5)
    # With nothing held any more, the proof of flat gets what it needs.
    assert (await binance.venue.look(deadline_s=5)).empty


async def test_a_clock_that_does_not_answer_holds_no_look_up(binance: Rig) -> None:
    binance.script.on("/fapi/v1/time", hang())
    look = await binance.venue.look(deadline_s=10)
    assert look.empty
    assert look.ended_ns - look.begun_ns < 5_000_000_000

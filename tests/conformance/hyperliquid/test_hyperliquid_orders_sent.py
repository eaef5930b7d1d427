"""Hyperliquid's orders: one action for a wave, one status each, prices that reach far enough."""

from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web

from bastion.domain.order import OrderKind, OrderState, OrderStatus
from bastion.domain.position import Side
from bastion.errors import Fault, OutcomeUnknown, VenueRejected, VenueUnreachable
from bastion.venues.ccxt.hyperliquid import EXPIRES_MS
from tests.hyperliquid_rig import AGENT, MASTER, SUB
from tests.hyperliquid_script import (
    META,
    ROLE,
    Body,
    Scripted,
    filled,
    hang,
    place,
    raw,
    request_for,
    say,
    scripted,
    statuses,
)

S = 5.0
AGENT_ROLE = {"role": "agent", "data": {"user": MASTER.address}}
SUB_ROLE = {"role": "subAccount", "data": {"master": MASTER.address}}


# Orders.


async def test_the_orders_of_one_wave_leave_in_one_signed_action(hl: Scripted) -> None:
    answers = await place(hl, "BTC", "ETH", "SOL")
    assert [answer.status for answer in answers if isinstance(answer, OrderState)] == [OrderStatus.FILLED] * 3
    (body,) = hl.seen("order")
    assert len(body["action"]["orders"]) == 3
    assert body["action"]["grouping"] == "na"
    assert "builder" not in body["action"]
    assert "vaultAddress" not in body
    assert body["expiresAfter"] - body["nonce"] <= EXPIRES_MS
    for order in body["action"]["orders"]:
        assert order["r"] is True
        assert order["t"] == {"limit": {"tif": "Ioc"}}


async def test_nothing_is_approved_or_referred_on_our_behalf(hl: Scripted) -> None:
    await hl.venue.open(deadline_s=S)
    await place(hl, "BTC")
    kinds = {body["action"]["type"] for body in hl.asked if "action" in body}
    assert kinds == {"order"}


async def test_one_refused_order_says_nothing_about_the_others(hl: Scripted) -> None:
    refused = {"error": "Reduce only order would increase position. asset=1"}
    hl.on("order", say(statuses(filled(), refused, filled("0.4"))))
    first, second, third = await place(hl, "BTC", "ETH", "SOL")
    assert isinstance(first, OrderState)
    assert (first.status, first.filled) == (OrderStatus.FILLED, Decimal(1))
    assert first.average_price == Decimal("1000.5")
    assert isinstance(second, VenueRejected)
    assert (second.fault, second.code) == (Fault.MAYBE_FLAT, "ReduceOnly")
    assert isinstance(third, OrderState)
    assert (third.status, third.filled) == (OrderStatus.CANCELED, Decimal("0.4"))


@pytest.mark.parametrize("shape", ["whole", "one status"])
async def test_an_action_refused_for_one_order_is_sent_again_order_by_order(hl: Scripted, shape: str) -> None:
    text = "Price must be divisible by tick size."

    async def respond(body: Body) -> web.StreamResponse:
        orders = body["action"]["orders"]
        if any(order["a"] == 1 for order in orders):
            whole = {"status": "err", "response": text}
            return web.json_response(whole if shape == "whole" else statuses({"error": text}))
        return web.json_response(statuses(*[filled() for _ in orders]))

    hl.on("order", respond)
    first, second, third = await place(hl, "BTC", "ETH", "SOL")
    assert isinstance(first, OrderState)
    assert isinstance(third, OrderState)
    assert isinstance(second, VenueRejected)
    assert second.fault is Fault.SIZE
    assert len(hl.seen("order")) == 4
    assert len({body["nonce"] for body in hl.seen("order")}) == 4


async def test_a_refusal_of_the_wallet_is_not_repeated_for_each_order(hl: Scripted) -> None:
    hl.on("order", say({"status": "err", "response": f"User or API Wallet {AGENT.address} does not exist."}))
    answers = await place(hl, "BTC", "ETH", "SOL")
    assert [answer.fault for answer in answers if isinstance(answer, VenueRejected)] == [Fault.TERMINAL] * 3
    assert len(hl.seen("order")) == 1


@pytest.mark.parametrize(
    "body",
    ["", "null", "[]", "{}", '{"status": "ok"}', '{"status": "ok", "response": {"type": "order"}}', "<html>"],
)
async def test_a_broken_answer_leaves_every_order_of_the_wave_unknown(hl: Scripted, body: str) -> None:
    hl.on("order", raw(body))
    answers = await place(hl, "BTC", "ETH")
    assert all(isinstance(answer, OutcomeUnknown) for answer in answers)
    assert len(hl.seen("order")) == 1


async def test_statuses_that_are_too_few_or_odd_leave_orders_unknown(hl: Scripted) -> None:
    hl.on("order", say(statuses(filled())), say(statuses(7, {"filled": {}})))
    for _ in range(2):
        assert all(isinstance(answer, OutcomeUnknown) for answer in await place(hl, "BTC", "ETH"))


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_a_server_error_leaves_orders_unknown_and_is_not_repeated(hl: Scripted, status: int) -> None:
    hl.on("order", raw("null", status))
    assert all(isinstance(answer, OutcomeUnknown) for answer in await place(hl, "BTC", "ETH"))
    assert len(hl.seen("order")) == 1


async def test_an_action_without_an_answer_leaves_its_orders_unknown(hl: Scripted) -> None:
    await hl.venue.open(deadline_s=S)
    hl.on("order", hang())
    with pytest.raises(OutcomeUnknown):
        await hl.venue.place(request_for(), deadline_s=0.5)


async def test_an_order_that_is_not_sent_is_not_unknown(hl: Scripted) -> None:
    hl.on(META, hang())
    with pytest.raises(VenueUnreachable):
        await hl.venue.place(request_for(), deadline_s=0.4)
    hl.on(META, raw("null"))
    with pytest.raises(VenueUnreachable, match="not sent"):
        await hl.venue.place(request_for(), deadline_s=S)
    assert hl.seen("order") == []


@pytest.mark.parametrize(
    ("side", "size", "mark", "price"),
    [
        (Side.LONG, "1", "1000", "950"),
        (Side.SHORT, "1", "1000", "1050"),
        (Side.LONG, "1", "91234.5", "86672"),  # 86672.775: five figures, towards the fill.
        (Side.SHORT, "1", "91234.5", "95797"),
        (Side.LONG, "1", "1.23456", "1.172"),  # 6 - szDecimals = 3 decimals.
        (Side.SHORT, "1", "1.23456", "1.297"),
    ],
)
async def test_a_market_order_is_an_immediate_limit_within_five_percent(
    hl: Scripted, side: Side, size: str, mark: str, price: str
) -> None:
    await hl.venue.place(request_for(size=size, side=side, mark=mark), deadline_s=S)
    (order,) = hl.seen("order")[0]["action"]["orders"]
    assert (order["p"], order["s"], order["b"]) == (price, "1", side is Side.SHORT)


@pytest.mark.parametrize(
    ("side", "asked", "price"), [(Side.LONG, "990.123", "990.13"), (Side.SHORT, "1009.877", "1009.8")]
)
async def test_a_bounded_order_is_never_worse_than_its_bound(
    hl: Scripted, side: Side, asked: str, price: str
) -> None:
    request = request_for(side=side, kind=OrderKind.IOC, limit_price=asked)
    await hl.venue.place(request, deadline_s=S)
    (order,) = hl.seen("order")[0]["action"]["orders"]
    assert order["p"] == price


async def test_the_reach_of_market_orders_widens_after_a_miss_and_narrows_when_it_is_too_far(
    hl: Scripted,
) -> None:
    miss = say(statuses({"error": "Order could not immediately match against any resting orders. asset=0"}))
    far = say(statuses({"error": "Order price too far from oracle asset=0"}))
    hl.on("order", miss, miss, far, say(statuses(filled("0.5"))), say(statuses(filled())), miss)
    faults = [await place(hl, "BTC") for _ in range(6)]
    assert [answer[0].fault for answer in faults if isinstance(answer[0], VenueRejected)] == [Fault.BAND] * 4
    prices = [Decimal(body["action"]["orders"][0]["p"]) for body in hl.seen("order")]
    assert prices == [950, 900, 800, 880, Decimal(868), 950]


async def test_sizes_are_never_rounded_up(hl: Scripted) -> None:
    await hl.venue.place(request_for(size="0.12399"), deadline_s=S)
    assert hl.seen("order")[0]["action"]["orders"][0]["s"] == "0.123"


async def test_an_expired_or_stale_action_is_signed_anew_after_a_look_at_the_clock(hl: Scripted) -> None:
    late = say({"status": "err", "response": "Action expired: expiresAfter 1"})
    hl.on("order", late, say(statuses(filled())))
    (answer,) = await place(hl, "BTC")
    assert isinstance(answer, OrderState)
    first, second = hl.seen("order")
    assert second["nonce"] > first["nonce"]
    assert second["signature"] != first["signature"]
    assert len(hl.seen("exchangeStatus")) == 1


async def test_nonces_rise_even_within_one_millisecond(hl: Scripted) -> None:
    for number in range(5):
        await place(hl, "BTC", size=f"1.{number}")
    nonces = [body["nonce"] for body in hl.seen("order")]
    assert sorted(set(nonces)) == nonces


async def test_the_venues_clock_decides_when_an_action_expires(hl: Scripted) -> None:
    ahead_ms = 90_000
    now_ms = hl.venue._clock.now_ns() // 1_000_000
    hl.on("exchangeStatus", say({"time": now_ms + ahead_ms, "specialStatuses": None}))
    await hl.venue.open(deadline_s=S)
    await place(hl, "BTC")
    assert hl.seen("order")[0]["nonce"] - now_ms > ahead_ms - 5_000


async def test_orders_of_a_sub_account_name_it_and_are_signed_for_it() -> None:
    async with scripted(wallet=SUB) as hl:
        hl.on(ROLE, say(SUB_ROLE))
        await place(hl, "BTC")
        assert hl.seen("order")[0]["vaultAddress"] == SUB


async def test_no_order_leaves_before_it_is_known_whose_account_it_acts_on(hl: Scripted) -> None:
    hl.on(ROLE, raw("null", 500))
    with pytest.raises(VenueUnreachable):
        await hl.venue.place(request_for(), deadline_s=S)
    assert hl.seen("order") == []
    # Who approves the signing agent is no sub-account: the role itself is not needed then.
    hl.on("extraAgents", say([{"name": "bot", "address": AGENT.address, "validUntil": 4_000_000_000_000}]))
    (answer,) = await place(hl, "BTC")
    assert isinstance(answer, OrderState)


async def test_an_order_needs_no_contract_list_where_the_disk_has_one(tmp_path: Path) -> None:
    async with scripted(shelf_dir=tmp_path) as hl:
        await hl.venue.instruments(deadline_s=S)
        hl.venue._instruments = None
        hl.on(META, hang())
        (answer,) = await place(hl, "ETH")
        assert isinstance(answer, OrderState)
        assert hl.seen("order")[0]["action"]["orders"][0]["a"] == 1


async def test_a_position_without_a_mark_is_closed_from_the_middle_of_the_book(hl: Scripted) -> None:
    await hl.venue.place(request_for(mark=None), deadline_s=S)
    assert hl.seen("order")[0]["action"]["orders"][0]["p"] == "950"

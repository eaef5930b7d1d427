"""OKX: what its adapter sends and believes, on a scripted venue; each trap of the venue and of ccxt."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bastion.domain.look import Look
from bastion.domain.money import Price, Quantity
from bastion.domain.order import OpenOrder, OrderKind, OrderRequest, OrderStatus
from bastion.domain.position import Position, Side
from bastion.errors import AnswerMalformed, Fault, OutcomeUnknown, VenueRejected
from tests.venue_rig import OKX, Asked, Rig, okx, okx_order, raw, reply, rigged

ORDER, CLOSE = "/api/v5/trade/order", "/api/v5/trade/close-position"
POSITIONS, PENDING = "/api/v5/account/positions", "/api/v5/trade/orders-pending"
ALGOS, CANCEL_ALGOS = "/api/v5/trade/orders-algo-pending", "/api/v5/trade/cancel-algos"
CANCEL_BATCH, FILLS = "/api/v5/trade/cancel-batch-orders", "/api/v5/trade/fills"
RISK, CONFIG = "/api/v5/account/account-position-risk", "/api/v5/account/config"
LIMIT_PRICE = "/api/v5/public/price-limit"
BTC = "BTC-USDT-SWAP"


def held(**changes: object) -> dict[str, object]:
    return {
        "instId": BTC,
        "instType": "SWAP",
        "pos": "5",
        "posSide": "net",
        "mgnMode": "cross",
        "ccy": "USDT",
        "avgPx": "90000",
        "markPx": "91000",
        "notionalUsd": "4550",
        "imr": "455",
        "margin": "",
        "upl": "50",
        "lever": "10",
        "liqPx": "",
        "uTime": "1700000000000",
        **changes,
    }


def refused(code: str, text: str = "no") -> dict[str, object]:
    row = {"ordId": "", "clOrdId": "", "tag": "", "sCode": code, "sMsg": text}
    return okx(row, code="1", message="All operations failed")


def algo(number: int, **changes: object) -> dict[str, object]:
    return {
        "algoId": str(number),
        "algoClOrdId": "",
        "instId": BTC,
        "instType": "SWAP",
        "ordType": "conditional",
        "side": "sell",
        "posSide": "net",
        "tdMode": "cross",
        "sz": "5",
        "reduceOnly": "true",
        "closeFraction": "",
        "state": "live",
        **changes,
    }


def position(**changes: Any) -> Position:  # noqa: ANN401 - any field
    given: dict[str, Any] = {
        "instrument": BTC,
        "category": "swap",
        "symbol": "BTCUSDT",
        "side": Side.LONG,
        "quantity": Quantity(Decimal(5)),
        "hedged": False,
        **changes,
    }
    return Position(**given)


def close_of(held_position: Position, **changes: Any) -> OrderRequest:  # noqa: ANN401 - as above
    request = OrderRequest(
        client_order_id="bst000000000000000000001",
        position=held_position,
        quantity=held_position.quantity,
    )
    return replace(request, **changes)


async def looked(rig: Rig) -> Look:
    look = await rig.venue.look(deadline_s=5)
    assert look.unread == ()
    return look


async def test_one_call_shows_every_kind_and_what_is_no_contract_is_named_but_not_closed(okx: Rig) -> None:
    rows = [
        held(),
        held(instId="BTC-USD-261225", instType="FUTURES", pos="-3", ccy="BTC"),
        held(instId="BTC-USD-261225-100000-C", instType="OPTION", pos="-2", ccy="BTC", lever=""),
        held(instId="ETH-USDT", instType="MARGIN", pos="1.5", posCcy="USDT"),
        held(instId="SOL-USDT-SWAP", pos="0"),
    ]
    okx.script.on(POSITIONS, reply({"code": "0", "msg": "", "data": rows}))
    look = await looked(okx)
    seen = {item.instrument: (item.category, item.side, item.closable) for item in look.positions}
    assert seen == {
        BTC: ("swap", Side.LONG, True),
        "BTC-USD-261225": ("futures", Side.SHORT, True),
        "BTC-USD-261225-100000-C": ("option", Side.SHORT, False),
        "ETH-USDT": ("margin", Side.SHORT, False),
    }
    assert len(okx.script.seen(POSITIONS)) == 1
    assert okx.script.seen(POSITIONS)[0].params == {}


async def test_a_kind_of_position_that_nobody_knows_yet_is_shown_and_not_closed(okx: Rig) -> None:
    okx.script.on(
        POSITIONS, reply({"code": "0", "msg": "", "data": [held(instType="EVENTS", mgnMode="cash")]})
    )
    (found,) = (await looked(okx)).positions
    assert not found.closable


async def test_cross_and_isolated_positions_of_one_instrument_are_two(okx: Rig) -> None:
    rows = [held(), held(mgnMode="isolated", pos="-2", margin="20", imr="")]
    okx.script.on(POSITIONS, reply({"code": "0", "msg": "", "data": rows}))
    look = await looked(okx)
    found = {str(item.margin_mode): item for item in look.positions}
    assert {mode: str(item.quantity) for mode, item in found.items()} == {"cross": "5", "isolated": "2"}
    assert found["isolated"].margin_usd == 20
    for mode, item in found.items():
        await okx.venue.place(close_of(item, client_order_id=f"bst{mode}"), deadline_s=5)
    sent = {asked.params["tdMode"]: asked.params for asked in okx.script.posted(ORDER)}
    assert (sent["cross"]["side"], sent["cross"]["sz"]) == ("sell", "5")
    assert (sent["isolated"]["side"], sent["isolated"]["sz"]) == ("buy", "2")


async def test_a_close_in_net_mode_is_reduce_only_and_names_no_position_side(okx: Rig) -> None:
    await okx.venue.place(close_of(position()), deadline_s=5)
    (sent,) = okx.script.posted(ORDER)
    assert sent.params == {
        "instId": BTC,
        "tdMode": "cross",
        "side": "sell",
        "ordType": "market",
        "sz": "5",
        "clOrdId": "bst000000000000000000001",
        "reduceOnly": "true",
    }


@pytest.mark.parametrize(
    ("side", "word", "direction"), [(Side.LONG, "long", "sell"), (Side.SHORT, "short", "buy")]
)
async def test_a_close_in_long_short_mode_names_the_positions_own_side(
    okx: Rig, side: Side, word: str, direction: str
) -> None:
    await okx.venue.place(close_of(position(hedged=True, side=side)), deadline_s=5)
    (sent,) = okx.script.posted(ORDER)
    assert (sent.params["posSide"], sent.params["side"]) == (word, direction)


async def test_a_whole_position_is_closed_without_a_size_and_found_by_our_id(okx: Rig) -> None:
    okx.script.on(CLOSE, reply({"code": "0", "msg": "", "data": [{"instId": BTC, "posSide": "net"}]}))
    state = await okx.venue.place(close_of(position(), kind=OrderKind.WHOLE), deadline_s=5)
    (sent,) = okx.script.posted(CLOSE)
    assert sent.params == {
        "instId": BTC,
        "mgnMode": "cross",
        "autoCxl": True,
        "clOrdId": "bst000000000000000000001",
    }
    assert (state.status, state.order_id) == (
        OrderStatus.FILLED,
        okx_order("bst000000000000000000001")["ordId"],
    )


@pytest.mark.parametrize("code", ["51156", "51159"])
async def test_a_lead_trader_who_cannot_close_so_closes_by_size(okx: Rig, code: str) -> None:
    okx.script.on(CLOSE, reply(refused(code)))
    state = await okx.venue.place(close_of(position(), kind=OrderKind.WHOLE), deadline_s=5)
    assert state.status is OrderStatus.FILLED
    assert okx.script.posted(ORDER)[0].params["sz"] == "5"


async def test_what_resting_orders_hold_is_closed_together_with_them(okx: Rig) -> None:
    okx.script.on(ORDER, reply(refused("51112")), okx.flavour.filled)
    okx.script.on(CLOSE, reply({"code": "0", "msg": "", "data": [{"instId": BTC}]}))
    state = await okx.venue.place(close_of(position()), deadline_s=5)
    assert state.status is OrderStatus.FILLED
    assert okx.script.posted(CLOSE)[0].params["autoCxl"] is True


@pytest.mark.parametrize("changes", [{"quantity": Quantity(Decimal(2))}, {"kind": OrderKind.IOC}])
async def test_a_part_of_a_position_is_never_closed_as_a_whole(okx: Rig, changes: dict[str, Any]) -> None:
    okx.script.on(ORDER, reply(refused("51112")))
    with pytest.raises(VenueRejected) as error:
        await okx.venue.place(close_of(position(), **changes), deadline_s=5)
    assert error.value.fault is Fault.BLOCKED
    assert okx.script.posted(CLOSE) == []


async def test_a_bounded_order_stays_within_the_venues_price_limits(okx: Rig) -> None:
    okx.script.on(LIMIT_PRICE, reply({"code": "0", "data": [{"buyLmt": "95550.3", "sellLmt": "86449.7"}]}))
    await okx.venue.instruments(deadline_s=5)
    for side, asked, sent in (
        (Side.LONG, "80000", "86449.7"),
        (Side.LONG, "90000.04", "90000.1"),
        (Side.SHORT, "99999", "95550.3"),
        (Side.SHORT, "92000.06", "92000"),
    ):
        bound = close_of(position(side=side), kind=OrderKind.IOC, limit_price=Price(Decimal(asked)))
        await okx.venue.place(bound, deadline_s=5)
        params = okx.script.posted(ORDER)[-1].params
        assert (params["ordType"], params["px"], params["reduceOnly"]) == ("ioc", sent, "true")


async def test_without_price_limits_a_bounded_order_goes_as_it_is(okx: Rig) -> None:
    okx.script.on(LIMIT_PRICE, raw("oops", status=500))
    bound = close_of(position(), kind=OrderKind.IOC, limit_price=Price(Decimal(80_000)))
    await okx.venue.place(bound, deadline_s=5)
    assert okx.script.posted(ORDER)[0].params["px"] == "80000"


async def test_an_order_expires_and_a_read_does_not(okx: Rig) -> None:
    await okx.venue.place(close_of(position()), deadline_s=5)
    (order,) = okx.script.posted(ORDER)
    expires = int(order.request.headers["expTime"])
    now_ms = okx.venue._wire.now_ms()
    assert 0 < expires - now_ms <= 5_000
    await looked(okx)
    assert "expTime" not in okx.script.seen(POSITIONS)[0].request.headers
    assert "x-simulated-trading" not in order.request.headers


async def test_an_order_that_came_after_its_expiry_is_sent_again_by_the_right_clock(okx: Rig) -> None:
    okx.script.on(ORDER, reply({"code": "50036", "msg": "expTime", "data": []}), okx.flavour.placed)
    assert (await okx.venue.place(close_of(position()), deadline_s=5)).status is OrderStatus.FILLED
    assert len(okx.script.posted(ORDER)) == 2
    assert len(okx.script.seen("/public/time")) == 1


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("9", Fault.MAYBE_FLAT),
        ("17", Fault.MAYBE_FLAT),
        ("14", Fault.BAND),
        ("15", Fault.BAND),
        ("32", Fault.RETRY),
    ],
)
async def test_an_order_that_was_canceled_without_a_fill_is_raised_as_what_it_met(
    okx: Rig, source: str, fault: Fault
) -> None:
    ended = okx_order("bst000000000000000000001", state="canceled", accFillSz="0", cancelSource=source)
    okx.script.on(ORDER, okx.flavour.placed, reply({"code": "0", "msg": "", "data": [ended]}))
    with pytest.raises(VenueRejected) as error:
        await okx.venue.place(close_of(position()), deadline_s=5)
    assert (error.value.fault, error.value.code) == (fault, source)


async def test_an_order_that_was_partly_filled_and_canceled_is_an_answer(okx: Rig) -> None:
    ended = okx_order("bst000000000000000000001", state="canceled", accFillSz="0.4", cancelSource="14")
    okx.script.on(ORDER, okx.flavour.placed, reply({"code": "0", "msg": "", "data": [ended]}))
    state = await okx.venue.place(close_of(position()), deadline_s=5)
    assert (state.status, state.filled, state.reason) == (OrderStatus.CANCELED, Decimal("0.4"), "14")


@pytest.mark.parametrize(
    "body",
    [
        {"code": "0", "msg": "", "data": []},
        {"code": "0", "msg": "", "data": [{}]},
        {"code": "0", "msg": "", "data": [{"sCode": "0"}, {"sCode": "0"}]},
        {"code": "0", "msg": ""},
    ],
)
async def test_a_success_that_does_not_speak_of_our_order_leaves_it_unknown(okx: Rig, body: object) -> None:
    okx.script.on(ORDER, reply(body))
    with pytest.raises(OutcomeUnknown):
        await okx.venue.place(close_of(position()), deadline_s=5)


@pytest.mark.parametrize(
    ("status", "code"), [(400, "50004"), (500, ""), (504, "")], ids=["timeout", "server", "gateway"]
)
async def test_an_answer_that_says_nothing_of_the_outcome_leaves_it_unknown(
    okx: Rig, status: int, code: str
) -> None:
    okx.script.on(ORDER, reply({"code": code, "msg": "timeout", "data": []}, status))
    with pytest.raises(OutcomeUnknown):
        await okx.venue.place(close_of(position()), deadline_s=5)
    assert len(okx.script.posted(ORDER)) == 1


async def test_every_type_of_algo_order_is_read_and_those_of_spot_are_left_alone(okx: Rig) -> None:
    async def by_type(asked: Asked) -> web.StreamResponse:
        rows = {
            "conditional,oco": [algo(1), algo(2, ordType="oco", reduceOnly="false", side="buy")],
            "trigger": [algo(3, ordType="trigger", closeFraction="1", sz="", reduceOnly="false")],
            "move_order_stop": [algo(4, posSide="long", reduceOnly="false")],
            "iceberg": [algo(5, instType="SPOT", instId="BTC-USDT")],
            "twap": [algo(6, side="buy", reduceOnly="false")],
            "chase": [],
            "smart_iceberg": [algo(8, side="buy", reduceOnly="false")],
        }[asked.params["ordType"]]
        return web.json_response({"code": "0", "msg": "", "data": rows})

    okx.script.on(ALGOS, by_type)
    look = await looked(okx)
    found = {order.order_id: (order.reduce_only, order.conditional) for order in look.orders}
    # By its flag, its share of the position, or its position side; the others could open.
    assert found == {
        "1": (True, True),
        "2": (False, True),
        "3": (True, True),
        "4": (True, True),
        "6": (False, True),
        "8": (False, True),
    }
    assert all(part in str(look.parts) for part in ("conditional and oco", "trigger", "twap", "chase"))


async def test_a_host_that_falls_over_a_new_type_and_tells_the_rest_is_taken_not_to_have_it(okx: Rig) -> None:
    async def by_type(asked: Asked) -> web.StreamResponse:
        if asked.params["ordType"] == "smart_iceberg":
            return web.Response(status=500, text="oops")
        return web.json_response({"code": "0", "msg": "", "data": []})

    okx.script.on(ALGOS, by_type)
    looks = [await okx.venue.look(deadline_s=10) for _ in range(4)]
    assert [look.complete for look in looks] == [False, False, True, True]
    assert [part for part in looks[2].parts if "left out: this host knows no smart_iceberg" in part]
    assert "algo orders smart_iceberg (none a moment ago)" in looks[3].parts


async def test_a_type_that_the_host_does_not_know_is_left_out_by_name(okx: Rig) -> None:
    async def by_type(asked: Asked) -> web.StreamResponse:
        if asked.params["ordType"] in {"chase", "conditional,oco"}:
            return web.json_response(
                {"code": "51000", "msg": "Parameter ordType error", "data": []}, status=400
            )
        rows = [algo(7)] if asked.params["ordType"] == "conditional" else []
        return web.json_response({"code": "0", "msg": "", "data": rows})

    okx.script.on(ALGOS, by_type)
    look = await looked(okx)
    assert [order.order_id for order in look.orders] == ["7"]
    assert [part for part in look.parts if "left out" in part] == [
        part for part in look.parts if part.startswith("algo orders chase")
    ]


async def test_lists_are_read_to_their_end_page_by_page(okx: Rig) -> None:
    everything = [
        okx_order(f"bst{number:03d}", ordId=str(1000 - number), state="live") for number in range(230)
    ]

    async def page(asked: Asked) -> web.StreamResponse:
        after = int(asked.params.get("after", "10000"))
        rows = [row for row in everything if int(str(row["ordId"])) < after][:100]
        return web.json_response({"code": "0", "msg": "", "data": rows})

    okx.script.on(PENDING, page)
    assert len((await looked(okx)).orders) == 230
    assert [asked.params.get("after") for asked in okx.script.seen(PENDING)] == [None, "901", "801"]


async def test_a_list_that_never_ends_is_not_believed(okx: Rig) -> None:
    rows = [okx_order(f"bst{number:03d}", ordId="5", state="live") for number in range(100)]
    okx.script.on(PENDING, reply({"code": "0", "msg": "", "data": rows}))
    look = await okx.venue.look(deadline_s=5)
    assert [unread.part for unread in look.unread] == ["orders but spot"]


async def test_spot_orders_are_left_alone(okx: Rig) -> None:
    rows = [
        okx_order("a", ordId="1", state="live", instType="SPOT", tdMode="cash", instId="BTC-USDT"),
        okx_order("b", ordId="2", state="live", instType="MARGIN", instId="BTC-USDT", reduceOnly="false"),
    ]
    okx.script.on(PENDING, reply({"code": "0", "msg": "", "data": rows}))
    assert [(order.order_id, order.reduce_only) for order in (await looked(okx)).orders] == [("2", False)]


def resting(number: int, *, conditional: bool) -> OpenOrder:
    return OpenOrder(
        instrument=BTC,
        category="swap",
        order_id=str(number),
        client_order_id="",
        direction=close_of(position()).direction,
        quantity=Quantity(Decimal(1)),
        reduce_only=True,
        conditional=conditional,
    )


async def test_cancels_leave_in_batches_and_each_is_answered(okx: Rig) -> None:
    async def cancelled(asked: Asked) -> web.StreamResponse:
        name = "algoId" if asked.path.endswith("cancel-algos") else "ordId"
        rows = [
            {name: item[name], "sCode": "51400" if item[name] == "3" else "0", "sMsg": ""}
            for item in asked.params["items"]
        ]
        return web.json_response({"code": "2", "msg": "", "data": rows[::-1]})

    okx.script.on(CANCEL_BATCH, cancelled)
    okx.script.on(CANCEL_ALGOS, cancelled)
    orders = [resting(number, conditional=number % 2 == 0) for number in range(50)]
    answers = await okx.venue.cancel(orders, deadline_s=5)
    assert [answer.order.order_id for answer in answers] == [str(number) for number in range(50)]
    assert all(answer.gone for answer in answers)
    assert sorted(len(asked.params["items"]) for asked in okx.script.posted(CANCEL_BATCH)) == [5, 20]
    assert sorted(len(asked.params["items"]) for asked in okx.script.posted(CANCEL_ALGOS)) == [5, 10, 10]


async def test_a_cancel_that_is_refused_is_no_success(okx: Rig) -> None:
    row = {"ordId": "1", "sCode": "51410", "sMsg": "already under cancelling"}
    okx.script.on(CANCEL_BATCH, reply({"code": "1", "msg": "", "data": [row]}))
    (answer,) = await okx.venue.cancel([resting(1, conditional=False)], deadline_s=5)
    assert (answer.gone, answer.code) == (False, "51410")
    okx.script.on(CANCEL_BATCH, reply({"code": "0", "msg": "", "data": []}))
    (silent,) = await okx.venue.cancel([resting(1, conditional=False)], deadline_s=5)
    assert not silent.gone
    okx.script.on(CANCEL_BATCH, raw("oops", status=502))
    (unknown,) = await okx.venue.cancel([resting(1, conditional=False)], deadline_s=5)
    assert not unknown.gone


def trade(number: int, **changes: object) -> dict[str, object]:
    return {
        "instId": BTC,
        "instType": "SWAP",
        "tradeId": str(number),
        "billId": str(number),
        "ordId": f"7{number}",
        "clOrdId": "",
        "side": "sell",
        "posSide": "net",
        "fillSz": "5",
        "fillPx": "91000",
        "fillPnl": "50",
        "fee": "-2.275",
        "feeCcy": "USDT",
        "ts": "1700000000500",
        "fillTime": "1700000000500",
        **changes,
    }


async def test_fills_carry_the_venues_own_pnl_and_a_fee_that_is_paid_is_positive(okx: Rig) -> None:
    okx.script.on(FILLS, reply({"code": "0", "msg": "", "data": [trade(1), trade(2, instId="X-USDT-SWAP")]}))
    since_ms = okx.venue._wire.now_ms() - 1_000
    (fill,) = await okx.venue.fills([position()], since_ms=since_ms, deadline_s=5)
    assert (fill.realized_pnl_usd, fill.fee_usd, fill.quantity) == (Decimal(50), Decimal("2.275"), Decimal(5))
    assert okx.script.seen(FILLS)[0].params["begin"] == str(since_ms)


async def test_fees_and_pnl_in_a_coin_are_valued_at_its_index(okx: Rig) -> None:
    rows = [trade(1, instId="BTC-USD-SWAP", fillPnl="0.001", fee="-0.0001", feeCcy="BTC")]
    okx.script.on(FILLS, reply({"code": "0", "msg": "", "data": rows}))
    okx.script.on("/market/index-tickers", reply({"code": "0", "data": [{"idxPx": "91000"}]}))
    coin = position(instrument="BTC-USD-SWAP", symbol="BTCUSD")
    (fill,) = await okx.venue.fills([coin], since_ms=okx.venue._wire.now_ms(), deadline_s=5)
    assert (fill.realized_pnl_usd, fill.fee_usd) == (Decimal(91), Decimal("9.1"))
    assert fill.fee_note == "BTC at the index price of 91000 USD"


async def test_where_an_instrument_is_held_in_both_modes_the_order_tells_to_which_a_fill_belongs(
    okx: Rig,
) -> None:
    async def details(asked: Asked) -> web.StreamResponse:
        mode = "isolated" if asked.params["ordId"] == "71" else "cross"
        row = okx_order("x", ordId=asked.params["ordId"], tdMode=mode)
        return web.json_response({"code": "0", "msg": "", "data": [row]})

    okx.script.on(FILLS, reply({"code": "0", "msg": "", "data": [trade(1), trade(2)]}))
    okx.script.on(ORDER, details)
    both = [position(), position(category="swap-isolated")]
    fills = await okx.venue.fills(both, since_ms=okx.venue._wire.now_ms(), deadline_s=5)
    assert {fill.order_id: fill.category for fill in fills} == {"71": "swap-isolated", "72": "swap"}


async def test_the_second_source_is_another_page_and_without_it_the_one_instruments_list(okx: Rig) -> None:
    row = {"instId": BTC, "instType": "SWAP", "pos": "2", "posSide": "net", "mgnMode": "cross"}
    okx.script.on(RISK, reply({"code": "0", "data": [{"ts": "1", "balData": [], "posData": [row]}]}))
    assert await okx.venue.second_source(position(), deadline_s=5) == 2
    assert await okx.venue.second_source(position(category="swap-isolated"), deadline_s=5) == 0
    okx.script.on(RISK, raw("<html></html>"))
    okx.script.on(POSITIONS, reply({"code": "0", "msg": "", "data": [held(pos="3")]}))
    assert await okx.venue.second_source(position(), deadline_s=5) == 3
    okx.script.on(POSITIONS, raw("<html></html>"))
    with pytest.raises(AnswerMalformed):
        await okx.venue.second_source(position(), deadline_s=5)


@pytest.mark.parametrize(
    ("perm", "ip", "expected"),
    [
        ("read_only,trade", "1.2.3.4", (True, True, False, True)),
        ("read_only", "", (True, False, False, False)),
        ("read_only,withdraw,trade", "", (True, True, True, False)),
    ],
)
async def test_what_a_key_may_do_is_read_from_the_account(
    okx: Rig, perm: str, ip: str, expected: tuple[bool, ...]
) -> None:
    okx.script.on(CONFIG, reply({"code": "0", "msg": "", "data": [{"perm": perm, "ip": ip}]}))
    access = await okx.venue.access(deadline_s=5)
    assert (access.can_read, access.can_trade, access.can_withdraw, access.ip_restricted) == expected


async def test_a_rate_limit_without_a_header_is_waited_out_on_that_endpoint_alone(okx: Rig) -> None:
    limited = reply({"code": "50011", "msg": "Too Many Requests", "data": []}, 429)
    okx.script.on(ORDER, limited, okx.flavour.placed)
    with pytest.raises(VenueRejected) as error:
        await okx.venue.place(close_of(position()), deadline_s=5)
    assert (error.value.fault, error.value.retry_after_s) == (Fault.RATE_LIMIT, 1.0)
    assert (await looked(okx)).empty
    begun = asyncio.get_running_loop().time()
    await okx.venue.place(close_of(position()), deadline_s=5)
    assert asyncio.get_running_loop().time() - begun > 0.5


async def test_what_forbids_without_saying_for_how_long_is_asked_again_soon(okx: Rig) -> None:
    okx.script.on(ORDER, raw("<html>forbidden</html>", status=403))
    with pytest.raises(VenueRejected) as error:
        await okx.venue.place(close_of(position()), deadline_s=5)
    assert (error.value.fault, error.value.retry_after_s) == (Fault.RATE_LIMIT, 10.0)
    before = len(okx.script.asked)
    assert not (await okx.venue.look(deadline_s=0.3)).complete
    assert len(okx.script.asked) == before


async def test_order_lists_are_spared_while_a_position_is_open_and_always_read_without_one(okx: Rig) -> None:
    okx.venue._throttle["algos"].resize(20)
    okx.script.on(POSITIONS, reply({"code": "0", "msg": "", "data": [held()]}))
    assert (await looked(okx)).parts
    second = await okx.venue.look(deadline_s=5)
    assert [unread.part for unread in second.unread if not unread.part.startswith("algo orders")] == []
    assert len(second.unread) == 6
    assert not second.complete
    await okx.venue.place(close_of(position()), deadline_s=5)
    # The venue's own word that the order filled the whole position: now the proof is begun.
    okx.script.on(ORDER, okx.flavour.placed)
    okx.script.on(POSITIONS, reply({"code": "0", "msg": "", "data": []}))
    await okx.venue.look(deadline_s=5)
    assert (await looked(okx)).empty


async def test_a_demo_account_says_so_on_every_request(tmp_path: Path) -> None:
    async for demo in rigged(replace(OKX, key_space="demo"), tmp_path):
        await looked(demo)
        await demo.venue.place(demo.request(), deadline_s=5)
        assert {asked.request.headers.get("x-simulated-trading") for asked in demo.script.asked} == {"1"}

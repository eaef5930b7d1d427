"""Bybit's own ways: pages, asynchronous acknowledgements, batches, and every corner of the key space."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import web

from bastion.domain.money import Price
from bastion.domain.order import OrderKind, OrderStatus
from bastion.domain.position import Position, Side
from bastion.errors import Fault, OutcomeUnknown, VenueError, VenueRejected
from tests.venue_rig import Asked, Rig, bybit_order, hang, raw, reply, v5

CREATE, BATCH = "/v5/order/create", "/v5/order/create-batch"
REALTIME, POSITIONS = "/v5/order/realtime", "/v5/position/list"


def position_row(symbol: str, **changes: object) -> dict[str, object]:
    return {
        "symbol": symbol,
        "side": "Buy",
        "size": "1",
        "positionIdx": 0,
        "avgPrice": "100",
        "markPrice": "110",
        **changes,
    }


def paged(rows: dict[str, list[list[dict[str, object]]]], cursors: list[str]) -> Any:  # noqa: ANN401 - a responder
    async def respond(asked: Asked) -> web.StreamResponse:
        pages = rows.get(asked.params.get("settleCoin", asked.params["category"]), [[]])
        known = [unquote(cursor) for cursor in cursors]
        number = known.index(asked.params["cursor"]) + 1 if "cursor" in asked.params else 0
        cursor = cursors[number] if number < len(pages) - 1 else ""
        return web.json_response(v5({"list": pages[number], "nextPageCursor": cursor}))

    return respond


async def test_every_settle_coin_and_category_is_asked(bybit: Rig) -> None:
    look = await bybit.venue.look(deadline_s=5)
    for path in (POSITIONS, REALTIME):
        asked = {(item.params["category"], item.params.get("settleCoin")) for item in bybit.script.seen(path)}
        assert asked == {("linear", "USDT"), ("linear", "USDC"), ("inverse", None), ("option", None)}
    assert len(look.parts) == 8


async def test_all_pages_are_read_with_the_cursor_as_it_came(bybit: Rig) -> None:
    # The venue hands out percent-encoded cursors; a plus sign must not become a blank on the way.
    pages = [[position_row(f"A{number}USDT")] for number in range(3)]
    bybit.script.on(POSITIONS, paged({"USDT": pages}, ["A1USDT%3A1657711949945%2C0", "x+y=="]))
    look = await bybit.venue.look(deadline_s=5)
    assert look.unread == ()
    assert [item.instrument for item in look.positions] == ["A0USDT", "A1USDT", "A2USDT"]


async def test_a_cursor_that_goes_in_circles_is_unread(bybit: Rig) -> None:
    bybit.script.on(POSITIONS, reply(v5({"list": [position_row("BTCUSDT")], "nextPageCursor": "again"})))
    look = await bybit.venue.look(deadline_s=5)
    assert {unread.part for unread in look.unread} >= {"positions linear/USDT", "positions inverse"}


async def test_a_page_that_fails_makes_the_whole_part_unread(bybit: Rig) -> None:
    full = v5({"list": [position_row("BTCUSDT")], "nextPageCursor": "next"})

    async def respond(asked: Asked) -> web.StreamResponse:
        if asked.params.get("settleCoin") != "USDT":
            return web.json_response(v5({"list": [], "nextPageCursor": ""}))
        return web.json_response(full) if "cursor" not in asked.params else web.Response(status=502)

    bybit.script.on(POSITIONS, respond)
    look = await bybit.venue.look(deadline_s=5)
    assert [unread.part for unread in look.unread] == ["positions linear/USDT"]


async def test_a_category_that_the_account_cannot_have_is_named_as_left_out(bybit: Rig) -> None:
    async def respond(asked: Asked) -> web.StreamResponse:
        if asked.params["category"] == "option":
            return web.json_response({"retCode": 10005, "retMsg": "Permission denied", "result": {}})
        return web.json_response(v5({"list": [], "nextPageCursor": ""}))

    bybit.script.on(POSITIONS, respond)
    bybit.script.on(REALTIME, respond)
    look = await bybit.venue.look(deadline_s=5)
    assert look.complete
    assert sum("left out" in part for part in look.parts) == 2


async def test_a_key_without_the_right_to_contracts_is_unread_and_terminal(bybit: Rig) -> None:
    denied = reply({"retCode": 10005, "retMsg": "Permission denied", "result": {}})
    bybit.script.on(POSITIONS, denied)
    look = await bybit.venue.look(deadline_s=5)
    assert {unread.part for unread in look.unread} == {
        "positions linear/USDT",
        "positions linear/USDC",
        "positions inverse",
    }
    assert all(unread.terminal for unread in look.unread)


async def test_options_are_reported_and_not_closable(bybit: Rig) -> None:
    bybit.script.on(POSITIONS, paged({"option": [[position_row("BTC-27DEC26-100000-C")]]}, []))
    (position,) = (await bybit.venue.look(deadline_s=5)).positions
    assert not position.closable


@pytest.mark.parametrize(
    ("side", "hedged", "index", "direction"),
    [(Side.LONG, False, 0, "Sell"), (Side.LONG, True, 1, "Sell"), (Side.SHORT, True, 2, "Buy")],
)
async def test_every_close_is_reduce_only_with_the_positions_index(
    bybit: Rig, *, side: Side, hedged: bool, index: int, direction: str
) -> None:
    bybit.script.on(CREATE, bybit.flavour.placed)
    await bybit.venue.place(bybit.request(side=side, hedged=hedged), deadline_s=5)
    params = bybit.script.seen(CREATE)[-1].params
    assert (params["positionIdx"], params["side"], params["reduceOnly"]) == (index, direction, True)


async def test_a_whole_position_is_closed_without_a_size(bybit: Rig) -> None:
    bybit.script.on(CREATE, bybit.flavour.placed)
    await bybit.venue.place(bybit.request(kind=OrderKind.WHOLE), deadline_s=5)
    params = bybit.script.seen(CREATE)[-1].params
    assert (params["qty"], params["reduceOnly"], params["closeOnTrigger"]) == ("0", True, True)


async def test_no_question_about_the_account_stands_before_the_first_order(bybit: Rig) -> None:
    # ccxt's own create_order asks for the key and the account type first, once for every order.
    bybit.script.on(CREATE, bybit.flavour.placed)
    await bybit.venue.place(bybit.request(), deadline_s=5)
    assert [asked.path.removeprefix("/prefix") for asked in bybit.script.asked] == [CREATE, REALTIME]


async def test_an_acknowledged_order_is_asked_for_until_it_has_ended(bybit: Rig) -> None:
    link = bybit.request().client_order_id
    bybit.script.on(CREATE, bybit.flavour.placed)
    bybit.script.on(
        REALTIME,
        reply(v5({"list": [], "nextPageCursor": ""})),
        raw("oops", status=500),
        reply(v5({"list": [bybit_order(link, orderStatus="New", cumExecQty="0")]})),
        reply(v5({"list": [bybit_order(link, orderStatus="PartiallyFilled", cumExecQty="0.5")]})),
        reply(v5({"list": [bybit_order(link)]})),
    )
    state = await bybit.venue.place(bybit.request(), deadline_s=5)
    assert (state.status, state.filled) == (OrderStatus.FILLED, Decimal(1))


async def test_an_order_that_stays_unconfirmed_comes_back_as_accepted(bybit: Rig) -> None:
    bybit.script.on(CREATE, bybit.flavour.placed)
    bybit.script.on(REALTIME, hang())
    state = await bybit.venue.place(bybit.request(), deadline_s=0.5)
    assert (state.status, state.filled) == (OrderStatus.ACCEPTED, Decimal(0))
    assert len(bybit.script.seen(CREATE)) == 1


REASONS = [
    ("EC_ReachMarketPriceLimit", "UNKNOWN", Fault.BAND),
    ("EC_NoImmediateQtyToFill", "UNKNOWN", Fault.BAND),
    ("EC_NoError", "CancelByReduceOnly", Fault.MAYBE_FLAT),
]


@pytest.mark.parametrize(("reason", "cancel", "fault"), REASONS)
async def test_an_order_cancelled_after_its_acknowledgement_says_why(
    bybit: Rig, reason: str, cancel: str, fault: Fault
) -> None:
    link = bybit.request().client_order_id
    ended = bybit_order(link, orderStatus="Cancelled", cumExecQty="0", rejectReason=reason, cancelType=cancel)
    bybit.script.on(CREATE, bybit.flavour.placed)
    bybit.script.on(REALTIME, reply(v5({"list": [ended]})))
    with pytest.raises(VenueRejected) as refused:
        await bybit.venue.place(bybit.request(), deadline_s=5)
    assert refused.value.fault is fault


async def test_a_partly_filled_order_that_was_cut_off_is_no_rejection(bybit: Rig) -> None:
    link = bybit.request().client_order_id
    ended = bybit_order(
        link, orderStatus="Cancelled", cumExecQty="0.4", rejectReason="EC_ReachMarketPriceLimit"
    )
    bybit.script.on(CREATE, bybit.flavour.placed)
    bybit.script.on(REALTIME, reply(v5({"list": [ended]})))
    state = await bybit.venue.place(bybit.request(), deadline_s=5)
    assert (state.status, state.filled) == (OrderStatus.CANCELED, Decimal("0.4"))


def batch(codes: dict[int, tuple[int, str]]) -> Any:  # noqa: ANN401 - a responder
    async def respond(asked: Asked) -> web.StreamResponse:
        links = [item["orderLinkId"] for item in asked.params["request"]]
        acks = [{"symbol": "X", "orderId": f"id-{link}", "orderLinkId": link} for link in links]
        words = []
        for link in links:
            code, text = codes.get(int(link.removeprefix("bst")), (0, "OK"))
            words.append({"code": code, "msg": text})
        return web.json_response(v5({"list": acks}, retExtInfo={"list": words}))

    return respond


async def place_many(rig: Rig, count: int, *, deadline_s: float = 10) -> dict[int, Any]:
    answers: dict[int, Any] = {}

    async def place(number: int) -> None:
        try:
            answers[number] = await rig.venue.place(
                rig.request(number, instrument=f"A{number}USDT"), deadline_s=deadline_s
            )
        except VenueError as error:
            answers[number] = error

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(place(number))
    return answers


async def test_ten_orders_leave_singly_and_the_next_ten_in_one_batch_beside_them(bybit: Rig) -> None:
    bybit.script.on(CREATE, bybit.flavour.placed)
    bybit.script.on(BATCH, batch({}))
    answers = await place_many(bybit, 20)
    assert all(answer.status is OrderStatus.FILLED for answer in answers.values())
    singles = [asked.params["orderLinkId"] for asked in bybit.script.seen(CREATE)]
    (one,) = bybit.script.seen(BATCH)
    batched = [item["orderLinkId"] for item in one.params["request"]]
    assert sorted(singles + batched) == [f"bst{number:021d}" for number in range(20)]
    assert batched == [f"bst{number:021d}" for number in range(10, 20)]
    assert one.params["category"] == "linear"
    assert all(item["reduceOnly"] is True and "category" not in item for item in one.params["request"])


async def test_each_order_of_a_batch_has_its_own_answer(bybit: Rig) -> None:
    bybit.script.on(CREATE, bybit.flavour.placed)
    bybit.script.on(BATCH, batch({12: (110017, "current position is zero"), 15: (10006, "Too many visits!")}))
    answers = await place_many(bybit, 20)
    assert answers[12].fault is Fault.MAYBE_FLAT
    assert answers[15].fault is Fault.RATE_LIMIT
    assert sum(isinstance(answer, VenueError) for answer in answers.values()) == 2


@pytest.mark.parametrize(
    "body", ["<html>", '{"retCode": 0, "result": {"list": []}, "retExtInfo": {"list": []}}']
)
async def test_a_broken_answer_to_a_batch_leaves_every_order_of_it_unknown(bybit: Rig, body: str) -> None:
    bybit.script.on(CREATE, bybit.flavour.placed)
    bybit.script.on(BATCH, raw(body))
    answers = await place_many(bybit, 14)
    assert all(isinstance(answers[number], OutcomeUnknown) for number in range(10, 14))
    assert not any(isinstance(answers[number], VenueError) for number in range(10))


async def test_a_batch_without_an_answer_is_unknown_for_all_who_were_in_it(bybit: Rig) -> None:
    bybit.script.on(CREATE, bybit.flavour.placed)
    bybit.script.on(BATCH, hang())
    answers = await place_many(bybit, 14, deadline_s=1)
    assert all(isinstance(answers[number], OutcomeUnknown) for number in range(10, 14))


async def test_an_account_without_batches_is_served_singly(bybit: Rig) -> None:
    bybit.script.on(CREATE, bybit.flavour.placed)
    bybit.script.on(BATCH, raw("", status=404))
    answers = await place_many(bybit, 13)
    assert all(answer.status is OrderStatus.FILLED for answer in answers.values())
    assert len(bybit.script.seen(CREATE)) == 13


async def test_the_limit_that_the_venue_names_is_followed(bybit: Rig) -> None:
    async def generous(asked: Asked) -> web.StreamResponse:
        answer = await bybit.flavour.placed(asked)
        answer.headers["X-Bapi-Limit"] = "40"
        return answer

    bybit.script.on(CREATE, generous)
    await bybit.venue.place(bybit.request(99), deadline_s=5)
    await place_many(bybit, 25)
    assert len(bybit.script.seen(CREATE)) == 26
    assert bybit.script.seen(BATCH) == []


def execution(number: int, **changes: object) -> dict[str, object]:
    return {
        "symbol": "BTCUSDT",
        "side": "Sell",
        "orderId": "o1",
        "orderLinkId": "bst1",
        "execId": f"e{number}",
        "execPrice": "110",
        "execQty": "0.5",
        "execFee": "0.03",
        "execTime": str(1_700_000_000_000 + number),
        "execType": "Trade",
        "feeCurrency": "",
        **changes,
    }


def closed_pnl(**changes: object) -> dict[str, object]:
    return {
        "symbol": "BTCUSDT",
        "orderId": "o1",
        "side": "Sell",
        "avgEntryPrice": "100",
        "closedPnl": "9.9",
        **changes,
    }


def held(rig: Rig) -> Position:
    return replace(rig.request().position, entry_price=Price(Decimal(90)))


async def test_pnl_is_reckoned_from_the_entry_price_that_the_venue_closed_against(bybit: Rig) -> None:
    rows = [execution(2), execution(1), execution(3, execType="Funding", execQty="1")]
    bybit.script.on("/v5/execution/list", reply(v5({"list": rows, "nextPageCursor": ""})))
    bybit.script.on("/v5/position/closed-pnl", reply(v5({"list": [closed_pnl()], "nextPageCursor": ""})))
    fills = await bybit.venue.fills([held(bybit)], since_ms=7, deadline_s=5)
    assert [fill.fill_id for fill in fills] == ["e1", "e2"]
    assert [fill.realized_pnl_usd for fill in fills] == [Decimal(5), Decimal(5)]
    assert sum(fill.fee_usd for fill in fills) == Decimal("0.06")
    assert bybit.script.seen("/v5/execution/list")[0].params["startTime"] == "7"


async def test_while_the_closing_record_is_missing_the_snapshot_serves_if_nothing_was_opened(
    bybit: Rig,
) -> None:
    bybit.script.on("/v5/execution/list", reply(v5({"list": [execution(1)], "nextPageCursor": ""})))
    bybit.script.on("/v5/position/closed-pnl", raw("oops", status=500))
    (fill,) = await bybit.venue.fills([held(bybit)], since_ms=7, deadline_s=5)
    assert fill.realized_pnl_usd == Decimal(10)
    grown = [execution(1), execution(2, side="Buy", orderId="o2")]
    bybit.script.on("/v5/execution/list", reply(v5({"list": grown, "nextPageCursor": ""})))
    fills = await bybit.venue.fills([held(bybit)], since_ms=7, deadline_s=5)
    assert [fill.realized_pnl_usd for fill in fills] == [None, None]


async def test_executions_that_cannot_all_be_read_are_an_error(bybit: Rig) -> None:
    bybit.script.on("/v5/execution/list", raw("<html>"))
    with pytest.raises(VenueError):
        await bybit.venue.fills([held(bybit)], since_ms=7, deadline_s=5)


async def test_a_sweep_goes_on_while_the_venue_took_a_full_load(bybit: Rig) -> None:
    first = [bybit_order(f"o{number}", orderStatus="New") for number in range(3)]
    bybit.script.on(REALTIME, paged({"USDT": [first]}, []))
    look = await bybit.venue.look(deadline_s=5)
    assert len(look.orders) == 3
    load = [{"orderId": f"x{number}", "orderLinkId": ""} for number in range(500)]
    bybit.script.on(
        "/v5/order/cancel-all",
        reply(v5({"list": load, "success": "1"})),
        reply(v5({"list": [{"orderId": order.order_id} for order in look.orders[:2]], "success": "1"})),
    )
    bybit.script.on(
        "/v5/order/cancel", reply({"retCode": 110001, "retMsg": "Order does not exist", "result": {}})
    )
    answers = await bybit.venue.sweep(look, deadline_s=5)
    assert all(answer.gone for answer in answers)
    assert len(bybit.script.seen("/v5/order/cancel-all")) == 2
    assert bybit.script.seen("/v5/order/cancel-all")[0].params == {"category": "linear", "settleCoin": "USDT"}
    assert len(bybit.script.seen("/v5/order/cancel")) == 1


async def test_cancels_by_id_that_wait_for_their_turn_end_with_the_sweep_that_takes_their_orders(
    bybit: Rig,
) -> None:
    # The limit of a second lets ten of them through; a sweep of a moment later must not wait behind the rest.
    rows = [bybit_order(f"o{number}", orderStatus="New") for number in range(60)]
    bybit.script.on(REALTIME, paged({"USDT": [rows]}, []))
    look = await bybit.venue.look(deadline_s=5)
    bybit.script.on("/v5/order/cancel", reply(v5({"orderId": "o0", "orderLinkId": ""})))
    bybit.script.on(
        "/v5/order/cancel-all",
        reply(v5({"list": [{"orderId": order.order_id} for order in look.orders], "success": "1"})),
    )
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        singly = group.create_task(bybit.venue.cancel(look.orders, deadline_s=15))
        while not bybit.script.seen("/v5/order/cancel"):  # noqa: ASYNC110 - across a socket
            await asyncio.sleep(0.01)
        swept = group.create_task(bybit.venue.sweep(look, deadline_s=15))
    for task in (singly, swept):
        answers = task.result()
        assert [answer.order for answer in answers] == list(look.orders)
        assert all(answer.gone for answer in answers)
    assert len(bybit.script.seen("/v5/order/cancel")) < 40


async def test_the_rights_of_a_key_are_read_from_the_venue(bybit: Rig) -> None:
    rights = {
        "readOnly": 0,
        "ips": ["*"],
        "permissions": {"ContractTrade": ["Order", "Position"], "Wallet": ["AccountTransfer", "Withdraw"]},
    }
    bybit.script.on("/v5/user/query-api", reply(v5(rights)))
    access = await bybit.venue.access(deadline_s=5)
    assert (access.can_trade, access.can_withdraw, access.ip_restricted) == (True, True, False)
    bybit.script.on("/v5/user/query-api", reply(v5({**rights, "readOnly": 1, "ips": ["192.0.2.1"]})))
    access = await bybit.venue.access(deadline_s=5)
    assert (access.can_trade, access.ip_restricted) == (False, True)

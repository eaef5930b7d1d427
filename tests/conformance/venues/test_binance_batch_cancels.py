"""Binance: many working orders are cancelled ten a request, each with a fate of its own."""

import json
from collections import Counter
from decimal import Decimal

from aiohttp import web

from bastion.domain.money import Quantity
from bastion.domain.order import Direction, OpenOrder
from tests.venue_paper import WAIT_S, PaperRig, scenario
from tests.venue_rig import Asked, Rig, raw, reply

BATCH, ORDER, ALGO = "/fapi/v1/batchOrders", "/fapi/v1/order", "/fapi/v1/algoOrder"


def working(number: int, *, symbol: str = "BTCUSDT", conditional: bool = False) -> OpenOrder:
    return OpenOrder(
        instrument=symbol,
        category="usdm",
        order_id=str(1_000 + number),
        client_order_id=f"bot-{number}",
        direction=Direction.BUY,
        quantity=Quantity(Decimal(1)),
        reduce_only=False,
        conditional=conditional,
    )


def ids_of(asked: Asked) -> list[int]:
    return list(json.loads(asked.params["orderidlist"]))


async def all_gone(asked: Asked) -> web.StreamResponse:
    if asked.path.endswith("algoOrder"):
        return web.json_response({"algoId": 1, "code": "200", "msg": "success"})
    if asked.path.endswith("order"):
        return web.json_response({"orderId": int(asked.params["orderId"]), "status": "CANCELED"})
    return web.json_response([{"orderId": number, "status": "CANCELED"} for number in ids_of(asked)])


async def test_many_orders_leave_ten_a_request_by_symbol_and_conditional_ones_singly(binance: Rig) -> None:
    for path in (BATCH, ALGO, ORDER):
        binance.script.on(path, all_gone)
    orders = [working(number) for number in range(23)]
    orders += [working(40, symbol="ETHUSDT"), working(41, conditional=True)]
    answers = await binance.venue.cancel(orders, deadline_s=5)
    assert [answer.order for answer in answers] == orders
    assert all(answer.gone for answer in answers)
    sent = binance.script.seen(BATCH)
    assert sorted(len(ids_of(asked)) for asked in sent) == [3, 10, 10]
    assert {(asked.method, asked.params["symbol"]) for asked in sent} == {("DELETE", "BTCUSDT")}
    assert sorted(number for asked in sent for number in ids_of(asked)) == list(range(1_000, 1_023))
    assert [asked.params["orderId"] for asked in binance.script.seen(ORDER)] == ["1040"]
    assert [asked.params["algoId"] for asked in binance.script.seen(ALGO)] == ["1041"]


async def test_ten_orders_leave_one_by_one(binance: Rig) -> None:
    binance.script.on(ORDER, all_gone)
    answers = await binance.venue.cancel([working(number) for number in range(10)], deadline_s=5)
    assert all(answer.gone for answer in answers)
    assert binance.script.seen(BATCH) == []
    assert len(binance.script.seen(ORDER)) == 10


async def test_each_order_of_a_batch_has_its_own_row_and_a_silent_one_is_not_gone(binance: Rig) -> None:
    rows: list[dict[str, object]] = [{"orderId": 1_000 + number} for number in range(11)]
    rows[3] = {"code": -2011, "msg": "Unknown order sent."}
    rows[4] = {"code": -2026, "msg": "This OCO order cannot be canceled."}
    binance.script.on(BATCH, reply(rows[:10]))
    binance.script.on(ORDER, all_gone)
    orders = [working(number) for number in range(11)]
    answers = await binance.venue.cancel(orders, deadline_s=5)
    assert [answer.gone for answer in answers] == [number != 4 for number in range(11)]
    assert (answers[3].code, answers[4].code) == ("-2011", "-2026")
    binance.script.on(BATCH, reply(rows[:2]))
    answers = await binance.venue.cancel(orders, deadline_s=5)
    assert [answer.gone for answer in answers] == [True, True, *[False] * 8, True]


async def test_a_host_that_takes_no_batches_is_asked_one_by_one(binance: Rig) -> None:
    binance.script.on(BATCH, raw("<html>Not found</html>", 404, "text/html"))
    binance.script.on(ORDER, all_gone)
    orders = [working(number) for number in range(12)]
    for times in (1, 2):
        answers = await binance.venue.cancel(orders, deadline_s=5)
        assert all(answer.gone for answer in answers)
        assert len(binance.script.seen(ORDER)) == 12 * times
    assert len(binance.script.seen(BATCH)) == 2, "once it refused, no batch is sent any more"


async def test_the_paper_exchange_takes_a_batch_for_what_it_is(paper_binance: PaperRig) -> None:
    await paper_binance.load(scenario("binance", ["BTCUSDT", "ETHUSDT"]))
    for number in range(12):
        await paper_binance.rest("BTCUSDT", "BUY", "0.1", price=str(900 - number))
    await paper_binance.rest("ETHUSDT", "BUY", "1", price="900")
    look = await paper_binance.whole_look()
    kept = next(order for order in look.orders if order.instrument == "BTCUSDT")
    named = [order for order in look.orders if order is not kept]
    await paper_binance.forget_requests()
    answers = await paper_binance.venue.cancel(named, deadline_s=WAIT_S)
    assert all(answer.gone for answer in answers)
    counted = Counter((row["method"], row["path"]) for row in await paper_binance.requests(""))
    assert (counted["DELETE", BATCH], counted["DELETE", ORDER]) == (1, 2)
    assert [order.order_id for order in (await paper_binance.whole_look()).orders] == [kept.order_id]
    again = await paper_binance.venue.cancel(named, deadline_s=WAIT_S)
    assert [(answer.gone, answer.code) for answer in again] == [(True, "-2011")] * 12

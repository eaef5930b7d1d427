"""OKX: many closes of one moment leave in batches, and each of them keeps a fate of its own."""

import asyncio

from aiohttp import web

from bastion.domain.order import OrderRequest, OrderState, OrderStatus
from bastion.errors import Fault, OutcomeUnknown, VenueError, VenueRejected
from tests.venue_rig import Asked, Rig, raw, reply

ORDER, BATCH = "/api/v5/trade/order", "/api/v5/trade/batch-orders"


async def placed(rig: Rig, count: int, *, deadline_s: float = 5) -> list[OrderState | VenueError]:
    answers: dict[int, OrderState | VenueError] = {}

    async def place(number: int, request: OrderRequest) -> None:
        try:
            answers[number] = await rig.venue.place(request, deadline_s=deadline_s)
        except VenueError as error:
            answers[number] = error

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            name = f"C{number:03d}-USDT-SWAP"
            group.create_task(place(number, rig.request(number, instrument=name)))
    return [answers[number] for number in range(count)]


async def all_taken(asked: Asked) -> web.StreamResponse:
    rows = [
        {"ordId": f"7{item['clOrdId'][3:]}", "clOrdId": item["clOrdId"], "sCode": "0"}
        for item in asked.params["items"]
    ]
    return web.json_response({"code": "0", "msg": "", "data": rows})


async def test_ten_closes_leave_one_by_one(okx: Rig) -> None:
    okx.script.on(BATCH, all_taken)
    answers = await placed(okx, 10)
    assert len(okx.script.posted(ORDER)) == 10
    assert okx.script.posted(BATCH) == []
    assert all(isinstance(state, OrderState) for state in answers)


async def test_more_leave_twenty_a_request_each_reducing_and_each_expiring(okx: Rig) -> None:
    okx.script.on(BATCH, all_taken)
    answers = await placed(okx, 45)
    sent = okx.script.posted(BATCH)
    assert [len(asked.params["items"]) for asked in sent] == [20, 20, 5]
    assert okx.script.posted(ORDER) == []
    assert all(item["reduceOnly"] == "true" for asked in sent for item in asked.params["items"])
    assert all("expTime" in asked.request.headers for asked in sent)
    names = [item["instId"] for asked in sent for item in asked.params["items"]]
    assert names == [f"C{number:03d}-USDT-SWAP" for number in range(45)]
    assert [state.status for state in answers if isinstance(state, OrderState)] == [OrderStatus.FILLED] * 45


async def test_one_refused_order_of_a_batch_fails_alone(okx: Rig) -> None:
    async def some_taken(asked: Asked) -> web.StreamResponse:
        rows = [
            {"clOrdId": item["clOrdId"], "ordId": "", "sCode": "51169" if at == 3 else "0", "sMsg": "none"}
            for at, item in enumerate(asked.params["items"])
        ]
        return web.json_response({"code": "2", "msg": "", "data": rows[::-1]})

    okx.script.on(BATCH, some_taken)
    answers = await placed(okx, 12)
    refused = [number for number, answer in enumerate(answers) if isinstance(answer, VenueError)]
    assert refused == [3]
    error = answers[3]
    assert isinstance(error, VenueRejected)
    assert (error.fault, error.code) == (Fault.MAYBE_FLAT, "51169")


async def test_a_batch_whose_answer_is_lost_leaves_each_of_its_orders_unknown(okx: Rig) -> None:
    okx.script.on(BATCH, raw("<html>Bad Gateway</html>", status=502), all_taken)
    answers = await placed(okx, 25)
    kinds = [isinstance(answer, OutcomeUnknown) for answer in answers]
    assert kinds.count(True) in {5, 20}
    assert len(okx.script.posted(BATCH)) == 2


async def test_a_batch_that_answers_for_fewer_orders_leaves_each_unknown(okx: Rig) -> None:
    okx.script.on(BATCH, reply({"code": "0", "msg": "", "data": [{"clOrdId": "x", "sCode": "0"}]}))
    answers = await placed(okx, 11)
    assert all(isinstance(answer, OutcomeUnknown) for answer in answers)
    assert okx.script.posted(ORDER) == []


async def test_a_host_without_batches_gets_the_orders_one_by_one(okx: Rig) -> None:
    answers = await placed(okx, 12)
    assert all(isinstance(state, OrderState) for state in answers)
    assert len(okx.script.posted(ORDER)) == 12
    assert len(okx.script.posted(BATCH)) == 1
    await placed(okx, 12)
    assert len(okx.script.posted(BATCH)) == 1


async def test_a_refused_batch_is_refused_for_each_and_nothing_is_sent_again(okx: Rig) -> None:
    okx.script.on(BATCH, reply({"code": "50120", "msg": "no right", "data": []}, 401))
    answers = await placed(okx, 12)
    assert all(isinstance(answer, VenueRejected) and answer.fault is Fault.TERMINAL for answer in answers)
    assert len(okx.script.posted(BATCH)) == 1
    assert okx.script.posted(ORDER) == []


async def test_the_fate_of_a_batch_reaches_the_others_when_its_sender_is_cancelled(okx: Rig) -> None:
    arrived = asyncio.Event()

    async def slow(asked: Asked) -> web.StreamResponse:
        arrived.set()
        await asyncio.sleep(5)
        return await all_taken(asked)

    okx.script.on(BATCH, slow)
    tasks = [
        asyncio.get_running_loop().create_task(okx.venue.place(okx.request(number), deadline_s=4))
        for number in range(12)
    ]
    async with asyncio.timeout(5):
        await arrived.wait()
    tasks[0].cancel()
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 3)
    assert isinstance(results[0], asyncio.CancelledError)
    assert all(isinstance(result, OutcomeUnknown) for result in results[1:])

"""Who may call Bybit's wire, how often, and what an answer looks like."""

import asyncio

from tests.bybit_rig import (
    ELSEWHERE,
    KEY,
    READER,
    WITHDRAWER,
    Reply,
    Venue,
    stepped,
    venue_on,
)

INFO = "/v5/account/info"


async def ask(venue: Venue, headers: dict[str, str]) -> Reply:
    return await venue.send("GET", INFO, headers)


async def test_every_answer_is_an_envelope_with_the_venue_time(venue: Venue) -> None:
    reply = await venue.get("/v5/market/time")
    assert list(reply.json) == ["retCode", "retMsg", "result", "retExtInfo", "time"]
    assert reply.json["time"] == venue.exchange.clock.now_ms()
    assert reply.result["timeSecond"] == str(venue.exchange.clock.now_ms() // 1000)
    assert len(reply.result["timeNano"]) == 19


async def test_an_unknown_key_and_a_wrong_signature_are_told_apart(venue: Venue) -> None:
    unknown = await ask(venue, venue.signed("", key="nobody"))
    forged = await ask(venue, venue.signed("", secret="wrong"))
    assert (unknown.status, unknown.code) == (200, 10003)
    assert (forged.status, forged.code) == (200, 10004)
    assert KEY not in forged.text


async def test_the_signature_covers_the_raw_query_and_the_raw_body(venue: Venue) -> None:
    signed = venue.signed("category=linear&symbol=BTCUSDT")
    other = await venue.send("GET", "/v5/position/list?symbol=BTCUSDT&category=linear", signed)
    same = await venue.send("GET", "/v5/position/list?category=linear&symbol=BTCUSDT", signed)
    assert (other.code, same.code) == (10004, 0)
    body = '{"category": "linear",  "settleCoin": "USDT"}'
    assert (await venue.send("POST", "/v5/order/cancel-all", venue.signed(body), body)).code == 0
    assert (await venue.send("POST", "/v5/order/cancel-all", venue.signed(body), body + " ")).code == 10004


async def test_a_timestamp_must_lie_between_the_window_and_a_second_ahead(venue: Venue) -> None:
    codes = [(await ask(venue, venue.signed("", late_ms=late))).code for late in (5_000, 5_001, -999, -1_000)]
    assert codes == [0, 10002, 0, 10002]
    late = await ask(venue, venue.signed("", late_ms=9_000))
    assert "req_timestamp[" in late.message
    assert (await ask(venue, venue.signed("", late_ms=9_000, window="10000"))).code == 0
    assert (await ask(venue, venue.signed("") | {"X-BAPI-TIMESTAMP": "soon"})).code == 10002


async def test_a_request_without_credentials_says_which_are_missing(venue: Venue) -> None:
    reply = await ask(venue, {})
    assert (reply.code, reply.message) == (10001, "empty value: apiTimestamp[] apiKey[] apiSignature[]")


async def test_a_key_bound_to_another_address_is_refused(venue: Venue) -> None:
    assert (await venue.get(INFO, ELSEWHERE)).code == 10010


async def test_a_read_only_key_reads_but_never_trades(venue: Venue) -> None:
    assert (await venue.get("/v5/position/list", READER, category="linear", settleCoin="USDT")).code == 0
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "1"}
    assert (await venue.post("/v5/order/create", READER, **order)).code == 10005
    assert (
        await venue.post("/v5/order/cancel-all", READER, category="linear", settleCoin="USDT")
    ).code == 10005
    venue.pass_time()
    assert await venue.positions() == []


async def test_a_key_is_told_what_it_may_do(venue: Venue) -> None:
    plain, reader, withdrawer = [
        (await venue.get("/v5/user/query-api", key)).result for key in (KEY, READER, WITHDRAWER)
    ]
    assert (plain["readOnly"], reader["readOnly"], plain["uta"], plain["userID"]) == (0, 1, 1, 101)
    assert "Withdraw" not in plain["permissions"]["Wallet"]
    assert "Withdraw" in withdrawer["permissions"]["Wallet"]
    assert plain["permissions"]["ContractTrade"] == ["Order", "Position"]
    assert plain["ips"] == ["*"]


async def test_an_endpoint_that_is_not_modelled_says_so(venue: Venue) -> None:
    reply = await venue.get("/v5/market/kline", category="linear", symbol="BTCUSDT")
    assert (reply.status, reply.code) == (404, 10017)
    assert "does not model GET /v5/market/kline" in reply.message
    assert (await venue.get("/v5/order/create")).status == 400


async def test_a_body_that_is_no_object_is_refused(venue: Venue) -> None:
    for body in ("[]", "{", '"x"'):
        reply = await venue.send("POST", "/v5/order/create", venue.signed(body), body)
        assert (reply.status, reply.code) == (200, 10001)


async def test_ten_orders_a_second_are_taken_and_the_eleventh_is_told_when_to_come_back(venue: Venue) -> None:
    replies = [await venue.create("BTCUSDT", "Buy", "0.01") for _ in range(11)]
    assert [reply.code for reply in replies] == [0] * 10 + [10006]
    now_ms = venue.exchange.clock.now_ms()
    assert [reply.headers["X-Bapi-Limit-Status"] for reply in replies[-2:]] == ["0", "0"]
    assert replies[0].headers["X-Bapi-Limit"] == "10"
    assert replies[0].headers["X-Bapi-Limit-Reset-Timestamp"] == str(now_ms)
    assert replies[-1].headers["X-Bapi-Limit-Reset-Timestamp"] == str(now_ms + 1_000)
    venue.pass_time(999)
    assert (await venue.create("BTCUSDT", "Buy", "0.01")).code == 10006
    venue.pass_time(1)
    assert (await venue.create("BTCUSDT", "Buy", "0.01")).code == 0


async def test_a_batch_has_its_own_bucket_and_uses_one_unit_for_each_order(venue: Venue) -> None:
    order = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.01"}
    for _ in range(10):
        assert (await venue.create("BTCUSDT", "Buy", "0.01")).code == 0
    first = await venue.post("/v5/order/create-batch", category="linear", request=[order] * 7)
    second = await venue.post("/v5/order/create-batch", category="linear", request=[order] * 7)
    third = await venue.post("/v5/order/create-batch", category="linear", request=[order])
    assert [row["code"] for row in first.json["retExtInfo"]["list"]] == [0] * 7
    assert [row["code"] for row in second.json["retExtInfo"]["list"]] == [0] * 3 + [10006] * 4
    assert [bool(row["orderId"]) for row in second.rows] == [True] * 3 + [False] * 4
    assert second.headers["X-Bapi-Limit-Status"] == "0"
    assert third.code == 10006
    venue.pass_time()
    assert [row["size"] for row in await venue.positions()] == ["0.200"]


async def test_a_batch_takes_at_most_twenty_orders(venue: Venue) -> None:
    order = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.01"}
    assert (await venue.post("/v5/order/create-batch", category="linear", request=[order] * 21)).code == 10001
    venue.pass_time(1_000)
    assert (await venue.post("/v5/order/create-batch", category="linear", request=[])).code == 10001


async def test_an_address_that_sends_too_much_is_shut_out_for_ten_minutes() -> None:
    async with venue_on(stepped(), {"address_requests": 20}) as venue:
        replies = await gathered(venue, 21)
        assert sorted(reply.status for reply in replies) == [200] * 20 + [403]
        venue.pass_time(599_999)
        assert (await venue.get("/v5/market/time")).status == 403
        venue.pass_time(1)
        assert (await venue.get("/v5/market/time")).status == 200


async def gathered(venue: Venue, count: int) -> list[Reply]:
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        tasks = [group.create_task(venue.get("/v5/market/time")) for _ in range(count)]
    return [task.result() for task in tasks]

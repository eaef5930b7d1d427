"""Binance's websockets byte by byte: listen keys, user data, mark prices, and what can go wrong with them."""

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.paper_clients import RawBinance
from tests.paper_process import PaperProcess
from tests.stream_client import StreamClient, stream

LISTEN_KEY = "/fapi/v1/listenKey"


def listen_key(raw: RawBinance) -> str:
    status, data, _ = raw.send("POST", LISTEN_KEY)
    assert status == 200
    return str(data["listenKey"])


def event(name: str) -> Any:  # noqa: ANN401 - a test of a message
    return lambda data: isinstance(data, dict) and (data.get("data", data)).get("e") == name


def sell(raw: RawBinance, **fields: object) -> Any:  # noqa: ANN401 - JSON
    order = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.1", "reduceOnly": "true"}
    sent: dict[str, Any] = {**order, **fields}
    status, data, _ = raw.signed("POST", "/fapi/v1/order", **sent)
    assert status == 200
    return data


def test_a_listen_key_is_one_an_account_until_it_is_closed(raw: RawBinance) -> None:
    first = listen_key(raw)
    assert listen_key(raw) == first
    assert raw.send("PUT", LISTEN_KEY)[1] == {"listenKey": first}
    assert raw.send("DELETE", LISTEN_KEY)[:2] == (200, {})
    status, data, _ = raw.send("PUT", LISTEN_KEY)
    assert (status, data) == (400, {"code": -1125, "msg": "This listenKey does not exist."})
    assert listen_key(raw) != first


def test_a_listen_key_needs_a_key_and_no_signature(raw: RawBinance) -> None:
    status, data, _ = raw.send("POST", LISTEN_KEY, headers={})
    assert (status, data["code"]) == (401, -2014)


@pytest.mark.parametrize("path", ["/ws/{}", "/private/ws?listenKey={}", "/stream?streams={}"])
async def test_a_fill_is_told_as_position_and_order(paper: PaperProcess, raw: RawBinance, path: str) -> None:
    key = listen_key(raw)
    async with stream(paper, "binance", path.format(key)) as client:
        answered = sell(raw)
        account = await client.until(event("ACCOUNT_UPDATE"))
        traded = await client.until(
            lambda data: event("ORDER_TRADE_UPDATE")(data) and _order(data)["x"] == "TRADE"
        )
    if "stream?" in path:
        assert account["stream"] == key
    position = account.get("data", account)["a"]["P"][0]
    held = next(row for row in paper.control.account("binance")["positions"] if row["symbol"] == "BTCUSDT")
    assert (position["s"], position["ps"]) == ("BTCUSDT", "BOTH")
    assert float(position["pa"]) == float(held["quantity"])
    order = _order(traded)
    assert (order["i"], order["X"], order["l"], order["R"]) == (answered["orderId"], "FILLED", "0.100", True)


async def test_orders_that_rest_trigger_and_go_are_told(paper: PaperProcess, raw: RawBinance) -> None:
    async with stream(paper, "binance", f"/ws/{listen_key(raw)}") as client:
        resting = sell(raw, type="LIMIT", price="95000", timeInForce="GTC", reduceOnly="false")
        raw.signed("DELETE", "/fapi/v1/order", symbol="BTCUSDT", orderId=resting["orderId"])
        await client.until(lambda data: event("ORDER_TRADE_UPDATE")(data) and _order(data)["X"] == "CANCELED")
        states = [_order(data)["x"] for data in client.seen if event("ORDER_TRADE_UPDATE")(data)]
        stop = {"algoType": "CONDITIONAL", "type": "STOP_MARKET", "triggerPrice": "90000", "quantity": "0.1"}
        raw.signed("POST", "/fapi/v1/algoOrder", symbol="BTCUSDT", side="SELL", **stop)
        paper.control.set_price("binance", "BTCUSDT", "89000")
        await client.until(lambda data: event("ALGO_UPDATE")(data) and _order(data)["X"] == "FINISHED")
    algo = [_order(data)["X"] for data in client.seen if event("ALGO_UPDATE")(data)]
    assert states == ["NEW", "CANCELED"]
    assert (algo[0], algo[-1]) == ("NEW", "FINISHED")


async def test_mark_prices_come_at_their_pace_and_are_subscribed_live(paper: PaperProcess) -> None:
    async with stream(paper, "binance", "/market/stream?streams=btcusdt@markPrice@1s") as client:
        one = await client.until(event("markPriceUpdate"))
        assert (one["stream"], one["data"]["s"]) == ("btcusdt@markPrice@1s", "BTCUSDT")
        await client.say({"method": "SUBSCRIBE", "params": ["!markPrice@arr@1s"], "id": 7})
        assert await client.until(lambda data: data.get("id") == 7) == {"result": None, "id": 7}
        every = await client.until(lambda data: isinstance(data.get("data"), list))
        assert {row["s"] for row in every["data"]} >= {"BTCUSDT", "SOLUSDT"}
        await client.say({"method": "UNSUBSCRIBE", "params": ["!markPrice@arr@1s"], "id": 8})
        await client.until(lambda data: data.get("id") == 8)
        await client.say({"method": "LIST_SUBSCRIPTIONS", "id": 9})
        listed = await client.until(lambda data: data.get("id") == 9)
        assert listed["result"] == ["btcusdt@markPrice@1s"]
        await client.say({"method": "SUBSCRIBE", "params": ["btcusdt@depth"], "id": 10})
        assert "does not model" in (await client.until(lambda data: data.get("id") == 10))["error"]["msg"]


async def test_a_listen_key_that_nobody_keeps_alive_expires_and_says_so(paper: PaperProcess) -> None:
    paper.control.load_scenario(short_lived())
    raw = RawBinance(paper)
    key = listen_key(raw)
    async with stream(paper, "binance", f"/ws/{key}") as client:
        gone = await client.until(event("listenKeyExpired"))
        sell(raw)
        await client.say({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        listed = await client.until(lambda data: data.get("id") == 1)
    assert gone["listenKey"] == key
    assert listed["result"] == []
    assert not [data for data in client.seen if event("ORDER_TRADE_UPDATE")(data)]


async def test_who_sends_more_than_ten_messages_a_second_is_hung_up_on(paper: PaperProcess) -> None:
    async with stream(paper, "binance", "/ws") as client:
        for number in range(25):
            await client.say({"method": "LIST_SUBSCRIPTIONS", "id": number})
        assert (await client.ended()).type is aiohttp.WSMsgType.CLOSE


async def test_an_event_can_be_missed_late_or_cut_off(paper: PaperProcess, raw: RawBinance) -> None:
    order = {"method": "WS", "venue": "binance", "path": "/stream/ORDER_TRADE_UPDATE", "count": 1}
    paper.control.fault("miss", **order)
    paper.control.fault("latency", **{**order, "skip": 2}, answer_ms=700)
    async with stream(paper, "binance", f"/ws/{listen_key(raw)}") as client:
        loop = asyncio.get_running_loop()
        # Of the first order only the trade is told; of the second the first event comes late.
        sell(raw, newClientOrderId="first")
        await client.until(event("ORDER_TRADE_UPDATE"))
        started = loop.time()
        sell(raw, newClientOrderId="second")
        await client.until(lambda data: event("ORDER_TRADE_UPDATE")(data) and _order(data)["c"] == "second")
        assert loop.time() - started >= 0.6
    told = [(_order(row)["c"], _order(row)["x"]) for row in client.seen if event("ORDER_TRADE_UPDATE")(row)]
    assert told == [("first", "TRADE"), ("second", "NEW")]


async def test_a_socket_can_be_reset_by_an_event(paper: PaperProcess, raw: RawBinance) -> None:
    paper.control.fault("reset", method="WS", venue="binance", path="/stream/ACCOUNT_UPDATE")
    async with stream(paper, "binance", f"/ws/{listen_key(raw)}") as client:
        sell(raw)
        ended = await client.ended()
    assert ended.type in {aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSED}


async def test_a_silent_socket_stays_open_and_answers_not_even_a_ping(
    paper: PaperProcess, raw: RawBinance
) -> None:
    paper.control.fault("never", method="WS", venue="binance", path="/stream/ACCOUNT_UPDATE", lasts_ms=2_000)
    async with stream(paper, "binance", f"/ws/{listen_key(raw)}") as client:
        sell(raw)
        await client.socket.ping()
        await client.say({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await client.socket.receive()
        assert not client.socket.closed


async def test_a_stale_listen_key_silences_the_stream_without_a_word(
    paper: PaperProcess, raw: RawBinance
) -> None:
    paper.control.fault("lapse", method="WS", venue="binance", path="/stream/ACCOUNT_UPDATE", count=1)
    key = listen_key(raw)
    async with stream(paper, "binance", f"/ws/{key}") as client:
        sell(raw)
        await client.say({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        listed = await client.until(lambda data: isinstance(data, dict) and data.get("id") == 1)
        assert listed["result"] == []
    assert listen_key(raw) != key


async def test_the_opening_of_a_socket_is_a_request_that_faults_and_the_log_know(paper: PaperProcess) -> None:
    paper.control.fault("fail", venue="binance", path="/stream/open", failure="banned", count=1)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with stream(paper, "binance", "/ws"):
            pass
    async with stream(paper, "binance", "/ws") as client:
        await say_hello(client)
    assert refused.value.status == 418
    assert [row["status"] for row in paper.control.requests(path="/stream/open")] == [418, 101]
    assert paper.control.call("GET", "/requests")["under_way"] == 0


async def test_a_new_world_hangs_up_on_the_old_ones_clients(paper: PaperProcess) -> None:
    async with stream(paper, "binance", "/ws") as client:
        await say_hello(client)
        paper.control.load_scenario("seed")
        assert (await client.ended()).data == aiohttp.WSCloseCode.GOING_AWAY


def test_a_rule_for_streams_that_cannot_strike_one_is_refused(paper: PaperProcess) -> None:
    for rule in ({"kind": "fail", "method": "WS"}, {"kind": "miss"}):
        status, data = paper.control.attempt("POST", "/faults", [rule], token=paper.control.token)
        assert status == 400
        assert "streams" in data["error"]


async def say_hello(client: StreamClient) -> None:
    await client.say({"method": "LIST_SUBSCRIPTIONS", "id": 1})
    await client.until(lambda data: data.get("id") == 1)


def short_lived() -> dict[str, Any]:
    row = {"symbol": "BTCUSDT", "base": "BTC", "quote": "USDT", "settle": "USDT", "mark": "91200"}
    rules = {"tick": "0.1", "step": "0.001", "quantity_min": "0.001", "quantity_max": "1000"}
    more = {"market_quantity_max": "120", "notional_min": "100"}
    depth = {"bids": [[0, "500"]], "asks": [[1, "500"]]}
    held = {"symbol": "BTCUSDT", "quantity": "0.5", "entry": "90000", "side": "NET"}
    account = {"name": "main", "api_key": "paper-binance-key", "secret": "paper-binance-secret"}
    return {
        "name": "short-lived",
        "venue": [
            {
                "name": "binance",
                "settings": {"listen_key_s": 1},
                "instrument": [{**row, **rules, **more, "depth": depth}],
                "account": [{**account, "balances": {"USDT": "100000"}, "position": [held]}],
            }
        ],
    }


def _order(data: Any) -> Any:  # noqa: ANN401 - JSON
    return data.get("data", data)["o"]

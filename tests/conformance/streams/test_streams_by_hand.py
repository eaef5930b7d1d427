"""The sockets of Bybit, OKX and Hyperliquid message by message: logins, pings, refusals, snapshots."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import ccxt.async_support as ccxt
import pytest

from bastion.embedded import paper_credential
from tests.paper_process import PaperProcess
from tests.stream_client import StreamClient, stream
from tests.wires_rig import world

SOON_MS = 10_000


@pytest.fixture
def wires(paper: PaperProcess) -> PaperProcess:
    paper.control.load_scenario(world())
    return paper


def named(name: str, value: object) -> Callable[[Any], bool]:
    return lambda data: isinstance(data, dict) and data.get(name) == value


def bybit_auth(*, secret: str = "") -> dict[str, object]:
    given = paper_credential("bybit")
    expires = str(int(time.time() * 1000) + SOON_MS)
    signed = f"GET/realtime{expires}".encode()
    signature = hmac.new((secret or given["secret"]).encode(), signed, hashlib.sha256).hexdigest()
    return {"op": "auth", "args": [given["apiKey"], expires, signature]}


def okx_login(*, secret: str = "") -> dict[str, object]:
    given = paper_credential("okx")
    timestamp = str(int(time.time()))
    signed = f"{timestamp}GET/users/self/verify".encode()
    signature = base64.b64encode(
        hmac.new((secret or given["secret"]).encode(), signed, hashlib.sha256).digest()
    )
    row = {"apiKey": given["apiKey"], "passphrase": given["password"], "timestamp": timestamp}
    return {"op": "login", "args": [{**row, "sign": signature.decode()}]}


async def test_bybit_tells_nothing_private_before_auth_and_refuses_a_wrong_signature(
    wires: PaperProcess,
) -> None:
    async with stream(wires, "bybit", "/v5/private") as client:
        await client.say({"op": "subscribe", "args": ["position"]})
        refused = await client.until(named("op", "subscribe"))
        await client.say(bybit_auth(secret="wrong"))
        denied = await client.until(named("op", "auth"))
        await client.say(bybit_auth())
        admitted = await client.until(named("op", "auth"))
    assert (refused["success"], denied["success"], admitted["success"]) == (False, False, True)


async def test_bybit_tells_every_private_topic_of_one_trade(wires: PaperProcess) -> None:
    topics = ["position", "order.linear", "execution", "wallet"]
    async with stream(wires, "bybit", "/v5/private") as client:
        await client.say(bybit_auth())
        await client.say({"op": "subscribe", "args": topics, "req_id": "7"})
        assert (await client.until(named("req_id", "7")))["success"] is True
        wires.control.place_order("bybit", symbol="BTCUSDT", direction="BUY", quantity="0.5")
        told: dict[str, Any] = {}
        while set(told) != set(topics):
            message = await client.until(lambda data: "topic" in data)
            told[message["topic"]] = message["data"][-1]
    assert (told["position"]["size"], told["position"]["side"]) == ("0.500", "Buy")
    assert (told["execution"]["execQty"], told["execution"]["category"]) == ("0.500", "linear")
    assert told["wallet"]["accountType"] == "UNIFIED"


async def test_bybit_answers_pings_in_the_form_of_each_socket(wires: PaperProcess) -> None:
    async with stream(wires, "bybit", "/v5/private") as client:
        await client.say({"op": "ping", "req_id": "1"})
        assert (await client.until(named("req_id", "1")))["op"] == "pong"
    async with stream(wires, "bybit", "/v5/public/linear") as client:
        await client.say({"op": "ping"})
        assert (await client.until(named("op", "ping")))["ret_msg"] == "pong"


async def test_a_bybit_ticker_comes_whole_and_then_as_what_changed(wires: PaperProcess) -> None:
    async with stream(wires, "bybit", "/v5/public/linear") as client:
        await client.say({"op": "subscribe", "args": ["tickers.BTCUSDT"]})
        whole = await client.until(named("type", "snapshot"))
        wires.control.set_price("bybit", "BTCUSDT", "1010")
        changed = await client.until(named("type", "delta"))
        await client.say({"op": "subscribe", "args": ["orderbook.50.BTCUSDT"]})
        refused = await client.until(named("success", False))
    assert (whole["data"]["markPrice"], changed["data"]["markPrice"]) == ("1000.0", "1010.0")
    assert "fundingRate" not in changed["data"]
    assert "not modelled" in refused["ret_msg"]


def guarded() -> dict[str, Any]:
    """The wires, with Bybit's disconnection protection switched on for its account."""
    document = json.loads(json.dumps(world()))
    for venue in document["venue"]:
        if venue["name"] == "bybit":
            venue["settings"] = {"dcp": ["main"]}
    return dict(document)


async def set_window(paper: PaperProcess, seconds: int) -> None:
    given = paper_credential("bybit")
    client = ccxt.bybit({"apiKey": given["apiKey"], "secret": given["secret"], "enableRateLimit": False})
    for name in client.urls["api"]:
        client.urls["api"][name] = f"http://127.0.0.1:{paper.port}/bybit"
    try:
        body = {"product": "DERIVATIVES", "timeWindow": seconds}
        await client.private_post_v5_order_disconnected_cancel_all(body)
    finally:
        await client.close()


async def test_orders_go_when_the_last_connection_is_gone_for_the_window_and_stay_while_one_is_back(
    paper: PaperProcess,
) -> None:
    paper.control.load_scenario(guarded())
    guard = {"op": "subscribe", "args": ["dcp.future"], "req_id": "9"}
    await set_window(paper, 3)
    paper.control.place_order("bybit", symbol="BTCUSDT", direction="BUY", quantity="1", price="900")

    def working() -> int:
        return len(paper.control.call("GET", "/state")["venues"]["bybit"]["accounts"]["main"]["open_orders"])

    async with stream(paper, "bybit", "/v5/private") as first:
        await first.say(bybit_auth())
        await first.say(guard)
        assert (await first.until(named("req_id", "9")))["success"] is True
        async with stream(paper, "bybit", "/v5/private") as second:
            await second.say(bybit_auth())
            await second.say(guard)
            await second.until(named("req_id", "9"))
        assert working() == 1
    for _ in range(200):
        if not working():
            break
        await asyncio.sleep(0.1)
    assert working() == 0


async def test_okx_hangs_up_on_a_wrong_login_and_names_the_code(wires: PaperProcess) -> None:
    async with stream(wires, "okx", "/ws/v5/private") as client:
        await client.say({"op": "subscribe", "args": [{"channel": "positions", "instType": "ANY"}]})
        assert (await client.until(named("event", "error")))["code"] == "60011"
        await client.say(okx_login(secret="wrong"))
        assert (await client.until(named("event", "error")))["code"] == "60007"
        await client.ended()


async def test_okx_tells_positions_whole_when_subscribed_and_each_change_behind_it(
    wires: PaperProcess,
) -> None:
    positions = {"channel": "positions", "instType": "ANY"}
    orders = {"channel": "orders", "instType": "SWAP"}
    wires.control.add_position("okx", "BTC-USDT-SWAP", "0.5", entry="1000", side="NET")
    async with stream(wires, "okx", "/ws/v5/private") as client:
        await client.say(okx_login())
        await client.say({"op": "subscribe", "args": [positions, orders]})
        whole = await client.until(named("eventType", "snapshot"))
        wires.control.place_order("okx", symbol="BTC-USDT-SWAP", direction="SELL", quantity="0.5")
        changed = await client.until(named("eventType", "event_update"))
        filled = await client.until(
            lambda data: (
                data.get("arg", {}).get("channel") == "orders" and data["data"][0]["state"] == "filled"
            )
        )
    assert [row["pos"] for row in whole["data"]] == ["0.5"]
    assert [row["pos"] for row in changed["data"]] == ["0"]
    assert (filled["data"][0]["fillSz"], filled["data"][0]["side"]) == ("0.5", "sell")


async def test_okx_answers_the_text_ping_and_tells_marks_as_they_move(wires: PaperProcess) -> None:
    async with stream(wires, "okx", "/ws/v5/public") as client:
        await client.say("ping")
        await client.until(lambda data: data == "pong")
        await client.say({"op": "subscribe", "args": [{"channel": "mark-price", "instId": "BTC-USDT-SWAP"}]})
        first = await client.until(lambda data: "data" in data)
        wires.control.set_price("okx", "BTC-USDT-SWAP", "990")
        second = await client.until(lambda data: "data" in data)
        await client.say({"op": "subscribe", "args": [{"channel": "books", "instId": "BTC-USDT-SWAP"}]})
        assert (await client.until(named("event", "error")))["code"] == "60018"
    assert (first["data"][0]["markPx"], second["data"][0]["markPx"]) == ("1000", "990")


async def test_hyperliquid_tells_a_users_orders_fills_and_state(wires: PaperProcess) -> None:
    address = paper_credential("hyperliquid")["walletAddress"]
    kinds = ("orderUpdates", "userFills", "userEvents", "clearinghouseState", "webData2")
    async with stream(wires, "hyperliquid", "/ws") as client:
        for kind in kinds:
            await client.say({"method": "subscribe", "subscription": {"type": kind, "user": address}})
        await client.until(named("channel", "webData2"))
        wires.control.place_order("hyperliquid", symbol="BTCUSDT", direction="BUY", quantity="0.5")
        held = await client.until(
            lambda data: (
                data["channel"] == "clearinghouseState"
                and data["data"]["clearinghouseState"]["assetPositions"]
            )
        )
        await client.say({"method": "ping"})
        await client.until(named("channel", "pong"))
    channels = [data["channel"] for data in client.seen]
    told = next(data for data in reversed(client.seen) if data["channel"] == "userFills")
    assert held["data"]["clearinghouseState"]["assetPositions"][0]["position"]["szi"] == "0.5"
    assert {"orderUpdates", "user", "userFills", "webData2"} <= set(channels)
    assert (told["data"]["fills"][0]["sz"], "isSnapshot" in told["data"]) == ("0.5", False)


async def test_hyperliquid_tells_prices_and_names_what_it_cannot_subscribe(wires: PaperProcess) -> None:
    async with stream(wires, "hyperliquid", "/ws") as client:
        price = {"type": "activeAssetCtx", "coin": "BTCUSDT"}
        await client.say({"method": "subscribe", "subscription": price})
        await client.say({"method": "subscribe", "subscription": {"type": "allMids"}})
        first = await client.until(named("channel", "activeAssetCtx"))
        await client.until(named("channel", "allMids"))
        wires.control.set_price("hyperliquid", "BTCUSDT", "1010")
        second = await client.until(named("channel", "activeAssetCtx"))
        for wanted in (price, {"type": "l2Book", "coin": "BTCUSDT"}):
            await client.say({"method": "subscribe", "subscription": wanted})
            await client.until(named("channel", "error"))
        await client.say({"method": "unsubscribe", "subscription": price})
        await client.until(named("channel", "subscriptionResponse"))
    assert (first["data"]["ctx"]["markPx"], second["data"]["ctx"]["markPx"]) == ("1000.0", "1010.0")


@pytest.mark.parametrize(
    ("venue", "path"), [("bybit", "/v5/private"), ("okx", "/ws/v5/private"), ("hyperliquid", "/ws")]
)
async def test_a_login_that_lapses_silences_the_account_and_leaves_the_socket(
    wires: PaperProcess, venue: str, path: str
) -> None:
    wires.control.fault("lapse", method="WS", venue=venue, path="/stream/order*", count=1)
    async with stream(wires, venue, path) as client:
        await _subscribe_to_orders(client, venue)
        symbol = "BTC-USDT-SWAP" if venue == "okx" else "BTCUSDT"
        for _ in range(2):
            wires.control.place_order(venue, symbol=symbol, direction="BUY", quantity="0.5")
        ping: object = {"bybit": {"op": "ping"}, "okx": "ping"}.get(venue, {"method": "ping"})
        await client.say(ping)
        await client.until(lambda data: "pong" in str(data))
    assert not [data for data in client.seen if "0.5" in str(data)]


async def _subscribe_to_orders(client: StreamClient, venue: str) -> None:
    if venue == "hyperliquid":
        user = paper_credential(venue)["walletAddress"]
        wanted = {"type": "orderUpdates", "user": user}
        await client.say({"method": "subscribe", "subscription": wanted})
        await client.until(named("channel", "subscriptionResponse"))
        return
    await client.say(bybit_auth() if venue == "bybit" else okx_login())
    args: list[object] = ["order"] if venue == "bybit" else [{"channel": "orders", "instType": "ANY"}]
    await client.say({"op": "subscribe", "args": args})
    await client.until(lambda data: "subscribe" in {data.get("op"), data.get("event")})

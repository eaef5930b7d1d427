"""Malformed requests get the 400 shape and change nothing; nothing that a client sends is a 500."""

import asyncio
import json

import pytest

from tests.acceptance.strike_wire.conftest import ALICE, BOB
from tests.acceptance.strike_wire.world import World

ORDER = {"margin": "100.0", "leverage": 10, "symbol": "BTC-USD"}
JSON = {"Content-Type": "application/json"}

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "not UTF-8": b'{"positionId": "\xff\xfe"}',
    "UTF-16": '{"positionId": 1}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"positionId": 1}',
    "not JSON": b"positionId=1",
    "cut off": b'{"positionId": 1',
    "two values": b'{"positionId": 1} {}',
    "a number": b"1",
    "a list": b'[{"positionId": 1}]',
    "null": b"null",
    "NaN": b'{"positionId": NaN}',
    "Infinity": b'{"positionId": -Infinity}',
    "duplicate field": b'{"positionId": 1, "positionId": 2}',
    "unknown field": b'{"positionId": 1, "positionid": 1}',
    "missing field": b"{}",
    "null field": b'{"positionId": null}',
    "text": b'{"positionId": "1"}',
    "true": b'{"positionId": true}',
    "a fraction": b'{"positionId": 1.5}',
    "a whole fraction": b'{"positionId": 1.0}',
    "an exponent": b'{"positionId": 1e3}',
    "an object": b'{"positionId": {"id": 1}}',
    "zero": b'{"positionId": 0}',
    "negative": b'{"positionId": -1}',
    "more than 64 bits": b'{"positionId": 9223372036854775808}',
    "five thousand digits": b'{"positionId": ' + b"9" * 5000 + b"}",
    "deeply nested": b'{"positionId": ' + b"[" * 7000 + b"]" * 7000 + b"}",
    "more than 16 KiB": b'{"positionId": 1' + b" " * 17_000 + b"}",
    "a million bytes": b'{"positionId": 1' + b" " * 1_000_000 + b"}",
}


async def test_a_malformed_body_is_refused_in_the_venues_shape(world: World) -> None:
    for path in ("/emergency-exit", "/close"):
        for name, body in BODIES.items():
            reply = await world.request("POST", path, headers={**world.as_wallet(ALICE), **JSON}, data=body)
            assert (reply.status, reply.body["error"]) == (400, 400), name


FIELDS: list[tuple[str, object]] = [
    ("margin", 100),
    ("margin", 100.0),
    ("margin", True),
    ("margin", ""),
    ("margin", "0"),
    ("margin", "0.999999"),
    ("margin", "-100"),
    ("margin", "+100"),
    ("margin", " 100"),
    ("margin", "1e2"),
    ("margin", "1_000"),
    ("margin", "100."),
    ("margin", ".5"),
    ("margin", "1.0000001"),
    ("margin", "NaN"),
    ("margin", "Infinity"),
    ("margin", "\u0661\u0660\u0660"),
    ("margin", "9" * 16),
    ("margin", "999999999999999"),
    ("leverage", 0),
    ("leverage", 1001),
    ("leverage", 10.0),
    ("leverage", "10"),
    ("leverage", True),
    ("leverage", None),
    ("symbol", "BTC"),
    ("symbol", "btc-usd"),
    ("symbol", "DOGE-USD"),
    ("symbol", 1),
    ("symbol", ["BTC-USD"]),
]


async def test_a_field_of_an_order_outside_its_bounds_is_refused_and_opens_nothing(world: World) -> None:
    await world.deposit(ALICE, "1000")
    await world.tick("100000")
    for path in ("/long", "/short"):
        for name, value in FIELDS:
            reply = await world.post(path, {**ORDER, name: value}, headers=world.as_wallet(ALICE))
            assert (reply.status, reply.body["error"]) == (400, 400), (name, value)
    assert await world.withdrawable(ALICE) == "1000.00"


MOVEMENT_FIELDS: list[tuple[str, object]] = [
    ("walletAddress", "0x12"),
    ("walletAddress", "a1" * 21),
    ("walletAddress", 7),
    ("amount", "0"),
    ("amount", "0.0000001"),
    ("amount", 5),
    ("txHash", "0x12"),
    ("txHash", "0x" + "g" * 64),
    ("timestamp", "2026-02-30T00:00:00Z"),
    ("timestamp", "2026-01-01T00:00:00"),
    ("timestamp", "2026-01-01T00:00:00+02:00"),
    ("timestamp", "2026-01-01"),
    ("timestamp", "1969-12-31T23:59:59Z"),
    ("timestamp", "0000-01-01T00:00:00Z"),
    ("timestamp", 1767225600),
]


async def test_a_malformed_movement_moves_nothing(world: World) -> None:
    await world.deposit(ALICE, "1000")
    for path in ("/deposit", "/withdraw"):
        for name, value in MOVEMENT_FIELDS:
            body = {**world.movement(ALICE, "10"), name: value}
            reply = await world.post(path, body, headers=world.as_wallet(ALICE))
            assert reply.status == 400, (path, name, value)
    assert await world.withdrawable(ALICE) == "1000.00"


async def test_a_body_declared_as_something_else_is_refused(world: World) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        headers = {**world.as_wallet(ALICE), "Content-Type": kind}
        reply = await world.request("POST", "/close", headers=headers, data=b'{"positionId": 1}')
        assert (reply.status, reply.body["message"]) == (400, "Content-Type must be application/json")


async def test_a_body_that_is_not_compressed_as_declared_is_refused(world: World) -> None:
    headers = {**world.as_wallet(ALICE), **JSON, "Content-Encoding": "gzip"}
    reply = await world.request("POST", "/close", headers=headers, data=b'{"positionId": 1}')
    assert (reply.status, reply.body["error"]) == (400, 400)


@pytest.mark.parametrize(
    "wallet", ["0x12", "a1" * 20, "0x" + "g1" * 20, "0x" + "a1" * 21, "%00", "0x" + "\u0661" * 40]
)
async def test_a_malformed_wallet_in_the_path_is_refused(world: World, wallet: str) -> None:
    for path in ("positions", "account", "dashboard"):
        reply = await world.get(f"/{path}/{wallet}")
        assert (reply.status, reply.body) == (400, {"error": 400, "message": "Invalid wallet address format"})
    queue = await world.get(f"/positions/{wallet}/queue-positions")
    assert queue.status == 400
    reply = await world.get(f"/balances/{wallet}")
    assert (reply.status, reply.body) == (400, {"detail": "Invalid wallet address format"})


async def test_a_wallet_may_be_written_in_any_case(world: World) -> None:
    await world.deposit(ALICE.upper().replace("X", "x"), "5")
    assert await world.withdrawable(ALICE) == "5.00"
    assert (await world.get(f"/account/{ALICE.upper().replace('X', 'x')}")).body["deposits"] != []


async def test_unknown_places_and_methods_answer_in_the_venues_shape(world: World) -> None:
    assert (await world.get("/nowhere")).body == {"error": 404, "message": "No such endpoint"}
    reply = await world.get("/emergency-exit")
    assert (reply.status, reply.headers["Allow"], reply.body["error"]) == (405, "POST", 405)
    assert (await world.get("/market/DOGE-USD")).body == {"error": 404, "message": "Market not found"}


async def test_a_wallet_without_activity_has_no_dashboard_and_an_empty_account(world: World) -> None:
    assert (await world.get(f"/dashboard/{BOB}")).status == 404
    assert (await world.get(f"/positions/{BOB}/queue-positions")).body == {
        "error": 404,
        "message": "No positions in payout queue for this wallet",
    }
    assert (await world.get(f"/account/{BOB}")).body["deposits"] == []


async def test_a_deposit_counts_once_and_another_payload_under_its_hash_is_refused(world: World) -> None:
    body = world.movement(ALICE, "100.5")
    first = await world.post("/deposit", body)
    again = await world.post("/deposit", body)
    assert first.raw == again.raw
    assert first.body["amount"] == "100.5"
    assert await world.withdrawable(ALICE) == "100.50"
    other = await world.post("/deposit", {**body, "amount": "200"})
    assert other.status == 400
    assert await world.withdrawable(ALICE) == "100.50"


async def test_a_withdrawal_is_the_owners_and_never_more_than_withdrawable(world: World) -> None:
    await world.deposit(ALICE, "100")
    await world.tick("100000")
    await world.open(ALICE, margin="60")
    foreign = await world.post("/withdraw", world.movement(ALICE, "1"), headers=world.as_wallet(BOB))
    assert foreign.status == 403
    assert (await world.post("/withdraw", world.movement(ALICE, "1"))).status == 401
    too_much = await world.post(
        "/withdraw", world.movement(ALICE, "40.000001"), headers=world.as_wallet(ALICE)
    )
    assert too_much.status == 400
    body = world.movement(ALICE, "40")
    for _ in range(2):
        assert (await world.post("/withdraw", body, headers=world.as_wallet(ALICE))).status == 200
    assert await world.withdrawable(ALICE) == "0.00"


async def test_an_opening_beyond_the_balance_is_refused_in_the_contracts_words(world: World) -> None:
    await world.tick("100000")
    reply = await world.post("/long", ORDER, headers=world.as_wallet(ALICE))
    assert reply.body == {"error": 400, "message": "Insufficient balance for margin requirement"}


async def test_bytes_that_are_no_http_do_not_disturb_the_venue(world: World) -> None:
    for noise in (
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
        b"POST /close HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(noise)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 5)
        assert b" 500 " not in answer
        writer.close()
        await writer.wait_closed()
    assert (await world.get("/health")).body["status"] == "healthy"


async def test_health_says_what_it_measured(world: World) -> None:
    await world.deposit(ALICE, "100")
    body = (await world.get("/health")).body
    assert body["environment"] == "test"
    assert body["metrics"] == {"active_users": 1, "open_positions": 0, "total_volume_24h": "0.00"}
    world.advance(90)
    assert (await world.get("/health")).body["uptime"] == 90


async def test_markets_without_a_mark_show_no_price_rather_than_zero(world: World) -> None:
    body = (await world.get("/markets")).body
    assert body["count"] == 6
    assert {market["price"] for market in body["markets"]} == {None}
    await world.tick("45123.5")
    shown = json.loads((await world.get("/markets")).raw)["markets"][0]
    assert (shown["symbol"], shown["price"]) == ("BTC-USD", "45123.50")

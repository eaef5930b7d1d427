"""The door: signatures, passphrases, timestamps, environments and permissions, by the documented codes."""

import json

import pytest

from tests.okx_rig import (
    BTC,
    ELSEWHERE,
    KEY,
    LIST,
    PASSPHRASE,
    READER,
    TRADE,
    WITHDRAWER,
    Venue,
    signature_of,
    stepped,
    venue_on,
)

CONFIG = f"{LIST}/config"
ORDER = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "1"}


async def test_a_signed_request_is_let_in(venue: Venue) -> None:
    reply = await venue.get(CONFIG)
    assert (reply.status, reply.code, reply.row["uid"]) == (200, "0", "101")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("OK-ACCESS-KEY", "50103"),
        ("OK-ACCESS-PASSPHRASE", "50104"),
        ("OK-ACCESS-SIGN", "50106"),
        ("OK-ACCESS-TIMESTAMP", "50107"),
    ],
)
async def test_each_header_that_is_missing_has_its_own_code(venue: Venue, header: str, code: str) -> None:
    reply = await venue.send("GET", CONFIG, venue.signed("GET", CONFIG, changed={header: ""}))
    assert (reply.status, reply.code, reply.rows) == (401, code, [])


async def test_a_wrong_key_passphrase_or_signature_is_refused_by_its_own_code(venue: Venue) -> None:
    wrong_key = await venue.send("GET", CONFIG, venue.signed("GET", CONFIG, key="nobody"))
    wrong_phrase = await venue.send(
        "GET", CONFIG, venue.signed("GET", CONFIG, changed={"OK-ACCESS-PASSPHRASE": "x"})
    )
    wrong_secret = await venue.send("GET", CONFIG, venue.signed("GET", CONFIG, secret="x"))
    assert [reply.code for reply in (wrong_key, wrong_phrase, wrong_secret)] == ["50111", "50105", "50113"]
    assert {reply.status for reply in (wrong_key, wrong_phrase, wrong_secret)} == {401}


async def test_the_query_and_the_body_are_part_of_the_signature(venue: Venue) -> None:
    path = f"{LIST}/positions?instType=SWAP"
    unsigned_query = await venue.send("GET", path, venue.signed("GET", f"{LIST}/positions"))
    body = json.dumps(ORDER)
    changed = json.dumps({**ORDER, "sz": "100"})
    swapped = await venue.send(
        "POST", f"{TRADE}/order", venue.signed("POST", f"{TRADE}/order", body), changed
    )
    assert [unsigned_query.code, swapped.code] == ["50113", "50113"]
    assert await venue.positions() == []


@pytest.mark.parametrize("late_ms", [30_001, -30_001])
async def test_a_timestamp_more_than_thirty_seconds_off_is_expired(venue: Venue, late_ms: int) -> None:
    reply = await venue.send("GET", CONFIG, venue.signed("GET", CONFIG, late_ms=late_ms))
    assert (reply.status, reply.code) == (401, "50102")


@pytest.mark.parametrize("late_ms", [29_999, -29_999])
async def test_a_timestamp_within_thirty_seconds_passes(venue: Venue, late_ms: int) -> None:
    assert (await venue.send("GET", CONFIG, venue.signed("GET", CONFIG, late_ms=late_ms))).code == "0"


@pytest.mark.parametrize("text", ["yesterday", "2026-13-45T00:00:00.000Z", "1760000000000", "17600000000"])
async def test_a_timestamp_that_is_none_has_a_code_of_its_own(venue: Venue, text: str) -> None:
    headers = venue.signed("GET", CONFIG, changed={"OK-ACCESS-TIMESTAMP": text})
    assert (await venue.send("GET", CONFIG, headers)).code == "50112"


async def test_a_timestamp_in_seconds_of_the_epoch_is_one_too(venue: Venue) -> None:
    text = str(venue.exchange.clock.now_ms() // 1000)
    sign = signature_of(f"{text}GET{CONFIG}")
    headers = venue.signed("GET", CONFIG, changed={"OK-ACCESS-TIMESTAMP": text, "OK-ACCESS-SIGN": sign})
    assert (await venue.send("GET", CONFIG, headers)).code == "0"


async def test_a_key_bound_to_another_address_is_refused(venue: Venue) -> None:
    reply = await venue.get(CONFIG, ELSEWHERE)
    assert (reply.status, reply.code) == (401, "50110")


async def test_a_key_that_may_only_read_reads_and_does_not_trade(venue: Venue) -> None:
    assert (await venue.get(CONFIG, READER)).row["perm"] == "read_only"
    refused = await venue.post(f"{TRADE}/order", ORDER, READER)
    assert (refused.status, refused.code) == (401, "50120")


async def test_the_configuration_tells_what_a_key_may_do_and_from_where(venue: Venue) -> None:
    assert (await venue.get(CONFIG)).row["perm"] == "read_only,trade"
    assert (await venue.get(CONFIG)).row["ip"] == ""
    assert "withdraw" in (await venue.get(CONFIG, WITHDRAWER)).row["perm"].split(",")


async def test_a_live_key_is_refused_with_the_header_of_demo_trading(venue: Venue) -> None:
    headers = venue.signed("GET", CONFIG, changed={"x-simulated-trading": "1"})
    reply = await venue.send("GET", CONFIG, headers)
    assert (reply.status, reply.code) == (401, "50101")


async def test_a_demo_key_is_refused_without_the_header_of_demo_trading() -> None:
    async with venue_on(stepped(), {"demo": True}) as demo:
        assert (await demo.get(CONFIG)).code == "50101"
        headers = demo.signed("GET", CONFIG, changed={"x-simulated-trading": "1"})
        assert (await demo.send("GET", CONFIG, headers)).code == "0"


async def test_an_order_that_arrives_after_its_expiry_is_refused(venue: Venue) -> None:
    body, path = json.dumps(ORDER), f"{TRADE}/order"
    now_ms = venue.exchange.clock.now_ms()
    late = await venue.send(
        "POST", path, venue.signed("POST", path, body, changed={"expTime": str(now_ms - 1)}), body
    )
    assert late.code == "50036"
    in_time = await venue.send(
        "POST", path, venue.signed("POST", path, body, changed={"expTime": str(now_ms)}), body
    )
    assert in_time.code == "0"


async def test_public_endpoints_want_no_signature(venue: Venue) -> None:
    reply = await venue.send("GET", "/api/v5/public/time", {})
    assert reply.row == {"ts": str(venue.exchange.clock.now_ms())}


async def test_a_path_or_method_that_is_not_there_says_so(venue: Venue) -> None:
    nowhere = await venue.get("/api/v5/trade/nothing")
    wrong_method = await venue.post("/api/v5/account/config", {})
    assert (nowhere.status, nowhere.code) == (404, "404")
    assert (wrong_method.status, wrong_method.code) == (405, "50115")


@pytest.mark.parametrize("body", ['{"instId"', "[1, 2]", '"text"', "nonsense", "[" * 5_000])
async def test_a_body_that_is_no_object_is_a_syntax_error(venue: Venue, body: str) -> None:
    path = f"{TRADE}/order"
    reply = await venue.send("POST", path, venue.signed("POST", path, body), body)
    assert (reply.status, reply.code) == (400, "50002")


async def test_nothing_that_a_door_answers_holds_a_secret(venue: Venue) -> None:
    wrong_secret = venue.signed("GET", CONFIG, secret="x")
    wrong_phrase = venue.signed("GET", CONFIG, changed={"OK-ACCESS-PASSPHRASE": "wrong"})
    for headers in (wrong_secret, wrong_phrase):
        reply = await venue.send("GET", CONFIG, headers)
        assert PASSPHRASE not in reply.text
        assert KEY not in reply.text

"""API keys over HTTP: made once, shown once, stored as hashes, revoked for good."""

import pytest

from bastion.paper.wire.strike import LimitSettings
from tests.acceptance.strike_wire.conftest import ALICE, BOB, Build
from tests.acceptance.strike_wire.world import SERVICE_KEY, World

UNKNOWN_KEY = "stk_" + "x" * 50


async def made(world: World, wallet: str) -> str:
    reply = await world.post("/api-key/generate", {}, headers=world.as_wallet(wallet))
    assert reply.status == 200, reply.raw
    assert reply.body["wallet_address"] == wallet
    return str(reply.body["api_key"])


async def test_a_personal_key_acts_for_its_wallet(world: World) -> None:
    key = await made(world, ALICE)
    reply = await world.get("/test-auth", headers={"X-API-Key": key})
    assert reply.body == {
        "authenticated": True,
        "wallet_address": ALICE,
        "api_key_present": True,
        "api_key_type": "personal",
        "timestamp": "2026-01-01T00:00:00Z",
    }


async def test_a_service_key_acts_for_the_wallet_it_names_in_any_case(world: World) -> None:
    headers = {"X-API-Key": SERVICE_KEY, "X-Wallet-Address": "0x" + "A1" * 20}
    body = (await world.get("/test-auth", headers=headers)).body
    assert (body["wallet_address"], body["api_key_type"]) == (ALICE, "service")


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "No API key provided"),
        ({"Authorization": "Bearer x.y.z"}, "No API key provided"),
        ({"X-API-Key": "stk_short"}, "Invalid API key format"),
        ({"X-API-Key": UNKNOWN_KEY + "x"}, "Invalid API key format"),
        ({"X-API-Key": ""}, "Invalid API key format"),
        ({"X-API-Key": UNKNOWN_KEY}, "Invalid API key"),
        ({"X-API-Key": SERVICE_KEY}, "Service key requires wallet address"),
        ({"X-API-Key": SERVICE_KEY, "X-Wallet-Address": "0x12"}, "Invalid wallet address format"),
    ],
)
async def test_test_auth_says_what_is_wrong(world: World, headers: dict[str, str], detail: str) -> None:
    reply = await world.get("/test-auth", headers=headers)
    assert (reply.status, reply.body) == (401, {"detail": detail})


async def test_a_wallet_has_one_active_key_and_its_own_key_cannot_make_a_second(world: World) -> None:
    key = await made(world, ALICE)
    for headers in (world.as_wallet(ALICE), {"X-API-Key": key}):
        refused = await world.post("/api-key/generate", {}, headers=headers)
        assert (refused.status, refused.body["error"]) == (400, "API_KEY_EXISTS")
        assert refused.body["success"] is False
    await made(world, BOB)


async def test_a_revoked_key_never_works_again_and_a_new_one_may_be_made_at_once(world: World) -> None:
    key = await made(world, ALICE)
    reply = await world.request("DELETE", "/api-key/revoke", headers={"X-API-Key": key})
    assert reply.body == {
        "success": True,
        "message": "API key revoked successfully",
        "wallet_address": ALICE,
        "revoked_at": "2026-01-01T00:00:00Z",
    }
    again = await world.request("DELETE", "/api-key/revoke", headers={"X-API-Key": key})
    assert (again.status, again.body["error"]) == (401, "INVALID_API_KEY")
    state = (await world.get("/api-key/status", headers=world.as_wallet(ALICE))).body
    assert state["status"] == "inactive"
    successor = await made(world, ALICE)
    assert successor != key
    assert (await world.get("/test-auth", headers={"X-API-Key": key})).status == 401


async def test_a_service_key_revokes_for_a_wallet_that_has_a_key(world: World) -> None:
    key = await made(world, ALICE)
    missing = await world.request("DELETE", "/api-key/revoke", headers=world.as_wallet(BOB))
    assert (missing.status, missing.body["error"]) == (404, "API_KEY_NOT_FOUND")
    assert (await world.request("DELETE", "/api-key/revoke", headers=world.as_wallet(ALICE))).status == 200
    assert (await world.get("/test-auth", headers={"X-API-Key": key})).status == 401


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "UNAUTHORIZED"),
        ({"X-API-Key": "stk_short"}, 401, "INVALID_API_KEY"),
        ({"X-API-Key": UNKNOWN_KEY}, 401, "INVALID_API_KEY"),
        ({"X-API-Key": SERVICE_KEY}, 401, "UNAUTHORIZED"),
        ({"X-API-Key": SERVICE_KEY, "X-Wallet-Address": "0xzz"}, 400, "INVALID_WALLET"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api-key/generate"), ("GET", "/api-key/status"), ("DELETE", "/api-key/revoke")],
)
async def test_the_key_routes_refuse_with_codes(
    world: World, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    reply = await world.request(method, path, headers=headers)
    assert (reply.status, reply.body["error"]) == (status, code)


async def test_status_counts_uses_and_shows_what_is_left_of_the_limit(build: Build) -> None:
    world = await build(limits=LimitSettings())
    key = await made(world, ALICE)
    fresh = (await world.get("/api-key/status", headers=world.as_wallet(ALICE))).body
    assert (fresh["request_count"], fresh["last_used_at"]) == (0, None)
    for _ in range(2):
        await world.post("/close", {"positionId": 5}, headers={"X-API-Key": key})
    world.advance(5)
    body = (await world.get("/api-key/status", headers={"X-API-Key": key})).body
    assert body["request_count"] == 3
    assert body["last_used_at"] == "2026-01-01T00:00:05Z"
    assert body["rate_limit"] == {"limit": 10, "remaining": 8, "reset_at": "2026-01-01T00:01:00Z"}


async def test_keys_and_their_use_survive_a_restart_and_stand_nowhere_in_clear(world: World) -> None:
    key = await made(world, ALICE)
    await world.get("/test-auth", headers={"X-API-Key": key})
    await world.stop_venue()
    assert not any(key.encode() in path.read_bytes() for path in world.folder.iterdir() if path.is_file())
    await world.start_venue()
    body = (await world.get("/api-key/status", headers={"X-API-Key": key})).body
    assert (body["status"], body["request_count"]) == ("active", 2)


async def test_a_key_names_no_other_wallet(world: World) -> None:
    key = await made(world, ALICE)
    headers = {"X-API-Key": key, "X-Wallet-Address": BOB}
    assert (await world.get("/test-auth", headers=headers)).status == 401


async def test_generating_keys_is_limited(build: Build) -> None:
    world = await build(limits=LimitSettings(keys=2))
    for _ in range(2):
        await world.post("/api-key/generate", {}, headers=world.as_wallet(ALICE))
    limited = await world.post("/api-key/generate", {}, headers=world.as_wallet(ALICE))
    assert (limited.status, limited.body["retry_after"]) == (429, 60)

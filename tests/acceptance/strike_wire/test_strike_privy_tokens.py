"""Privy tokens over HTTP: every attack of the list is refused and moves nothing; honest ones pass."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from tests.acceptance.strike_wire import forgeries
from tests.acceptance.strike_wire.conftest import ALICE, BOB, Build
from tests.acceptance.strike_wire.forgeries import SUBJECT, Forge, honest, signed
from tests.acceptance.strike_wire.world import World

BAD_TOKEN = {"error": 401, "message": "Invalid or expired token"}


async def opened(world: World) -> int:
    """A position of Alice, whose wallet is linked to her Privy user."""
    await world.deposit(ALICE, "100")
    await world.tick("100000")
    body = {"margin": "100.0", "leverage": 10, "symbol": "BTC-USD"}
    reply = await world.post("/long", body, headers=world.linked(SUBJECT, ALICE))
    assert reply.status == 200, reply.raw
    return int(reply.body["positionId"])


async def exit_with(world: World, position_id: int, headers: Mapping[str, str]) -> tuple[int, object]:
    reply = await world.post("/emergency-exit", {"positionId": position_id}, headers=headers)
    return reply.status, reply.body


async def refuses(world: World, position_id: int, headers: Mapping[str, str]) -> None:
    assert await exit_with(world, position_id, headers) == (401, BAD_TOKEN)
    assert len((await world.get(f"/positions/{ALICE}")).body["open"]) == 1


def test_the_attack_list_is_complete() -> None:
    assert len(forgeries.LIST) == 26


@pytest.mark.parametrize("forge", forgeries.LIST.values(), ids=forgeries.LIST)
async def test_a_case_of_the_attack_list_is_refused_and_moves_nothing(world: World, forge: Forge) -> None:
    position_id = await opened(world)
    token = forge(world.issuer, world.now_s)
    await refuses(world, position_id, {"Authorization": f"Bearer {token}"})
    assert (await exit_with(world, position_id, world.bearer(SUBJECT)))[0] == 200


@pytest.mark.parametrize("forge", forgeries.MORE.values(), ids=forgeries.MORE)
async def test_a_further_odd_token_is_refused_and_moves_nothing(world: World, forge: Forge) -> None:
    position_id = await opened(world)
    token = forge(world.issuer, world.now_s)
    await refuses(world, position_id, {"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
async def test_the_word_bearer_is_accepted_in_any_case(world: World, scheme: str) -> None:
    position_id = await opened(world)
    token = world.issuer.access_token(SUBJECT, now_s=world.now_s)
    assert (await exit_with(world, position_id, {"Authorization": f"{scheme} {token}"}))[0] == 200


@pytest.mark.parametrize("form", ["{token}", "Basic {token}", "Bearer", "Bearer  ", "Bearer {token} {token}"])
async def test_another_authorization_scheme_is_refused(world: World, form: str) -> None:
    position_id = await opened(world)
    token = world.issuer.access_token(SUBJECT, now_s=world.now_s)
    await refuses(world, position_id, {"Authorization": form.format(token=token)})


async def test_no_credential_at_all_is_named(world: World) -> None:
    reply = await world.post("/emergency-exit", {"positionId": 1})
    assert (reply.status, reply.body) == (401, {"error": 401, "message": "Authorization header missing"})


async def test_a_token_is_refused_at_its_very_expiry_though_it_was_verified_before(world: World) -> None:
    position_id = await opened(world)
    claims = honest(world.issuer, world.now_s, exp=world.now_s + 30)
    headers = {"Authorization": f"Bearer {signed(world.issuer, claims)}"}
    assert (await exit_with(world, position_id + 1, headers))[0] == 400
    world.advance(29)
    assert (await exit_with(world, position_id + 1, headers))[0] == 400
    world.advance(1)
    await refuses(world, position_id, headers)


async def test_an_issuer_whose_clock_runs_a_little_ahead_is_forgiven(world: World) -> None:
    position_id = await opened(world)
    claims = honest(world.issuer, world.now_s, iat=world.now_s + 10)
    assert (await exit_with(world, position_id, {"Authorization": f"Bearer {signed(world.issuer, claims)}"}))[
        0
    ] == 200


async def test_an_identity_token_of_another_user_is_refused(world: World) -> None:
    position_id = await opened(world)
    token = world.issuer.identity_token("did:privy:mallory", [ALICE], now_s=world.now_s)
    await refuses(world, position_id, {**world.bearer(SUBJECT), "privy-id-token": token})


@pytest.mark.parametrize(
    "accounts",
    [
        [{"type": "wallet", "chain_type": "ethereum", "address": ALICE}],
        "no JSON",
        "{}",
        None,
        json.dumps([{"type": "wallet", "chain_type": "solana", "address": ALICE}]),
        json.dumps([{"type": "email", "address": ALICE}]),
        json.dumps([{"type": "wallet", "chain_type": "ethereum", "address": "0x12"}]),
        "[]",
        "[" * 5000,
    ],
    ids=[
        "a list",
        "no JSON",
        "an object",
        "null",
        "Solana only",
        "e-mail only",
        "malformed",
        "empty",
        "deep",
    ],
)
async def test_linked_accounts_without_an_ethereum_wallet_in_privys_form_are_refused(
    world: World, accounts: object
) -> None:
    position_id = await opened(world)
    claims = {**honest(world.issuer, world.now_s), "linked_accounts": accounts}
    await refuses(
        world, position_id, {**world.bearer(SUBJECT), "privy-id-token": signed(world.issuer, claims)}
    )


@pytest.mark.parametrize(("padding", "status"), [(10_000, 200), (16_000, 401)], ids=["14 KiB", "22 KiB"])
async def test_an_identity_token_may_have_20_kib(world: World, padding: int, status: int) -> None:
    position_id = await opened(world)
    accounts = [{"type": "wallet", "chain_type": "ethereum", "address": ALICE}]
    linked_accounts = json.dumps(accounts) + " " * padding
    token = signed(world.issuer, honest(world.issuer, world.now_s, linked_accounts=linked_accounts))
    found, _ = await exit_with(world, position_id, {**world.bearer(SUBJECT), "privy-id-token": token})
    assert found == status


async def test_a_header_beyond_all_bounds_is_refused_and_leaves_no_trace_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {**world.bearer(SUBJECT), "privy-id-token": "x" * 40_000}
    async with world.session.post(world.url + "/emergency-exit", headers=headers) as answer:
        assert answer.status == 400
    assert "xxx" not in caplog.text


async def test_the_wallet_of_another_user_owns_nothing_here(world: World) -> None:
    position_id = await opened(world)
    status, body = await exit_with(world, position_id, world.linked("did:privy:bob", BOB))
    assert status == 403
    assert body == {"error": 403, "message": "Position does not belong to authenticated wallet"}


async def test_a_user_whose_wallet_was_never_linked_is_told_what_to_send(world: World) -> None:
    status, body = await exit_with(world, 1, world.bearer("did:privy:new"))
    assert status == 401
    assert "privy-id-token" in str(body)


async def test_all_wallets_of_a_user_count_as_the_users_own(world: World) -> None:
    await world.deposit(BOB, "100")
    await world.tick("100000")
    headers = world.linked(SUBJECT, ALICE, BOB)
    body = {"margin": "50", "leverage": 2, "symbol": "BTC-USD"}
    assert (await world.post("/long", body, headers=headers)).status == 400
    reply = await world.post(
        "/long", body, headers={**headers, "X-Wallet-Address": BOB.upper().replace("X", "x")}
    )
    assert reply.status == 200
    assert (await exit_with(world, reply.body["positionId"], world.bearer(SUBJECT)))[0] == 200
    assert await world.withdrawable(BOB) == "100.00"


async def test_a_wallet_linked_anew_belongs_to_its_newest_user_only(world: World) -> None:
    position_id = await opened(world)
    stale = world.linked(SUBJECT, ALICE)
    world.advance(60)
    assert (await exit_with(world, position_id + 1, world.linked("did:privy:bob", ALICE)))[0] == 400
    assert (await exit_with(world, position_id, stale))[0] == 401
    assert (await exit_with(world, position_id, world.bearer(SUBJECT)))[0] == 401
    assert (await exit_with(world, position_id, world.bearer("did:privy:bob")))[0] == 200


async def test_a_wallet_that_the_user_unlinked_is_the_users_no_more(world: World) -> None:
    position_id = await opened(world)
    world.advance(60)
    status, _ = await exit_with(world, position_id, world.linked(SUBJECT, BOB))
    assert status == 403


async def test_links_survive_a_restart(world: World) -> None:
    position_id = await opened(world)
    await world.stop_venue()
    await world.start_venue()
    assert (await exit_with(world, position_id, world.bearer(SUBJECT)))[0] == 200


async def test_an_exit_works_though_the_links_cannot_be_saved(world: World) -> None:
    position_id = await opened(world)
    world.identity.store.close()
    world.advance(60)
    assert (await exit_with(world, position_id, world.linked(SUBJECT, ALICE, BOB)))[0] == 200


async def test_both_credentials_must_name_the_same_wallet(world: World) -> None:
    position_id = await opened(world)
    key = (await world.post("/api-key/generate", {}, headers=world.as_wallet(BOB))).body["api_key"]
    status, body = await exit_with(world, position_id, {**world.bearer(SUBJECT), "X-API-Key": key})
    assert (status, body) == (401, {"error": 401, "message": "Credentials do not belong to the same wallet"})
    own = (await world.post("/api-key/generate", {}, headers=world.as_wallet(ALICE))).body["api_key"]
    broken = {"Authorization": "Bearer x.y.z", "X-API-Key": own}
    await refuses(world, position_id, broken)
    status, _ = await exit_with(world, position_id, {**world.bearer(SUBJECT), "X-API-Key": own + "x"})
    assert status == 401
    status, _ = await exit_with(world, position_id, {**world.bearer(SUBJECT), "X-API-Key": own})
    assert status == 200


async def test_a_token_in_the_api_key_header_is_refused(world: World) -> None:
    position_id = await opened(world)
    token = world.issuer.access_token(SUBJECT, now_s=world.now_s)
    status, body = await exit_with(world, position_id, {"X-API-Key": token})
    assert (status, body) == (401, {"error": 401, "message": "Invalid API key format"})


async def test_many_first_callers_share_one_read_of_the_keys(build: Build) -> None:
    world = await build()
    world.keys.delay_s = 0.05
    headers = world.linked(SUBJECT, ALICE)
    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(exit_with(world, 1, headers)) for _ in range(20)]
    assert {answer.result()[0] for answer in answers} == {400}
    assert world.keys.reads == 1

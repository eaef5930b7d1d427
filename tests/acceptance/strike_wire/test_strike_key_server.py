"""The identity provider's key server: rotation, retirement, outage, attack; an exit outlives them all."""

import asyncio
import json

import pytest

from bastion.paper.strike.identity_issuer import TokenIssuer
from tests.acceptance.strike_wire.conftest import ALICE
from tests.acceptance.strike_wire.world import APPLICATION, World

SUBJECT = "did:privy:alice"
UNKNOWN_ID = {"positionId": 999}


def headers(world: World, issuer: TokenIssuer) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.access_token(SUBJECT, now_s=world.now_s)}"}


async def is_accepted(world: World, issuer: TokenIssuer) -> bool:
    """Whether a token passes: an exit of an unknown position answers 400 then, and 401 otherwise."""
    reply = await world.post("/emergency-exit", UNKNOWN_ID, headers=headers(world, issuer))
    assert reply.status in (400, 401)
    return reply.status == 400


@pytest.fixture
async def linked(world: World) -> World:
    reply = await world.post("/emergency-exit", UNKNOWN_ID, headers=world.linked(SUBJECT, ALICE))
    assert reply.status == 400
    assert world.keys.reads == 1
    return world


def publish(world: World, *issuers: TokenIssuer) -> None:
    world.keys.document = json.dumps({"keys": [issuer.public_key() for issuer in issuers]}).encode()


async def test_a_new_key_is_accepted_after_one_read(linked: World) -> None:
    successor = TokenIssuer(application=APPLICATION)
    publish(linked, linked.issuer, successor)
    assert await is_accepted(linked, successor)
    assert await is_accepted(linked, successor)
    assert linked.keys.reads == 2


async def test_a_retired_key_is_refused_once_the_keys_are_read_again(linked: World) -> None:
    publish(linked, TokenIssuer(application=APPLICATION))
    assert await is_accepted(linked, linked.issuer)
    linked.advance(599)
    assert await is_accepted(linked, linked.issuer)
    linked.advance(1)
    assert not await is_accepted(linked, linked.issuer)


async def test_unknown_kids_provoke_one_read_a_cooldown(linked: World) -> None:
    strangers = [TokenIssuer(application=APPLICATION, key=linked.issuer.key) for _ in range(100)]
    async with asyncio.TaskGroup() as group:
        for stranger in strangers:
            group.create_task(is_accepted(linked, stranger))
    assert linked.keys.reads == 2
    linked.advance(9)
    assert not await is_accepted(linked, strangers[0])
    assert linked.keys.reads == 2
    linked.advance(1)
    assert not await is_accepted(linked, strangers[0])
    assert linked.keys.reads == 3
    assert await is_accepted(linked, linked.issuer)


async def test_an_exit_works_while_the_key_server_is_down(linked: World) -> None:
    await linked.deposit(ALICE, "100")
    await linked.tick("100000")
    position_id = await linked.open(ALICE, margin="100.0")
    await linked.keys.stop()
    linked.advance(23 * 3600)
    body = {"positionId": position_id}
    reply = await linked.post("/emergency-exit", body, headers=headers(linked, linked.issuer))
    assert reply.raw == b'{"success":true,"refundedAmount":"100.0"}'


async def test_an_unknown_kid_is_refused_while_the_key_server_is_down(linked: World) -> None:
    await linked.keys.stop()
    assert not await is_accepted(linked, TokenIssuer(application=APPLICATION))
    assert await is_accepted(linked, linked.issuer)


async def test_known_keys_are_trusted_for_a_day_of_outage_and_no_longer(linked: World) -> None:
    await linked.keys.stop()
    linked.advance(24 * 3600 - 1)
    assert await is_accepted(linked, linked.issuer)
    linked.advance(1)
    assert not await is_accepted(linked, linked.issuer)


async def test_the_keys_return_with_the_key_server(world: World) -> None:
    await world.keys.stop()
    sent = world.linked(SUBJECT, ALICE)
    assert (await world.post("/emergency-exit", UNKNOWN_ID, headers=sent)).status == 401
    port = world.keys.url
    await world.keys.start()
    assert world.keys.url != port or world.keys.reads == 0


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"no JSON",
        b"[]",
        b'{"keys":[]}',
        b'{"keys":{}}',
        b'{"keys":[{"kty":"RSA","kid":"x"}]}',
        b"x" * 300_000,
    ],
    ids=["empty", "no JSON", "a list", "no key", "an object", "RSA only", "too large"],
)
async def test_a_broken_key_document_counts_as_an_outage(linked: World, document: bytes) -> None:
    linked.keys.document = document
    linked.advance(700)
    assert await is_accepted(linked, linked.issuer)
    assert linked.keys.reads == 2


@pytest.mark.parametrize("status", [204, 302, 404, 500])
async def test_an_error_of_the_key_server_counts_as_an_outage(linked: World, status: int) -> None:
    linked.keys.status = status
    linked.advance(700)
    assert await is_accepted(linked, linked.issuer)
    linked.advance(5)
    assert await is_accepted(linked, linked.issuer)
    assert linked.keys.reads == 2
    linked.keys.status = 200
    linked.advance(5)
    assert await is_accepted(linked, linked.issuer)
    assert linked.keys.reads == 3


async def test_a_key_server_that_hangs_delays_one_exit_by_two_seconds_and_no_other(linked: World) -> None:
    linked.keys.delay_s = 30
    linked.advance(700)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await is_accepted(linked, linked.issuer)
    assert loop.time() - began < 4
    began = loop.time()
    for _ in range(5):
        assert await is_accepted(linked, linked.issuer)
    assert loop.time() - began < 1

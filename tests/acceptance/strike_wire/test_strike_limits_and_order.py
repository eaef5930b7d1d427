"""Limits and the order of checks: 401, 429, 400 for shape, existence, 403, status."""

import pytest

from bastion.paper.wire.strike import LimitSettings
from tests.acceptance.strike_wire.conftest import ALICE, BOB, Build
from tests.acceptance.strike_wire.world import UNLIMITED, World

NOTHING = {"X-API-Key": "stk_" + "n" * 50}


async def used_up(world: World, wallet: str) -> None:
    for _ in range(10):
        assert (await world.close(wallet, 999)).status == 400


async def test_the_four_trading_routes_share_one_bucket_a_wallet(build: Build) -> None:
    world = await build(limits=LimitSettings())
    await world.deposit(ALICE, "1000")
    await world.tick("100000")
    order = {"margin": "1", "leverage": 1, "symbol": "BTC-USD"}
    statuses = []
    for path in ("/long", "/short"):
        statuses += [(await world.post(path, order, headers=world.as_wallet(ALICE))).status for _ in range(3)]
    statuses += [(await world.close(ALICE, 999)).status for _ in range(2)]
    statuses += [(await world.exit(ALICE, 999)).status for _ in range(2)]
    assert statuses == [200] * 6 + [400] * 4
    before = (await world.get(f"/account/{ALICE}")).raw
    for path in ("/long", "/short", "/close", "/emergency-exit"):
        assert (await world.post(path, order, headers=world.as_wallet(ALICE))).status == 429
    assert (await world.get(f"/account/{ALICE}")).raw == before
    assert (await world.close(BOB, 999)).status == 400


async def test_the_exit_can_have_a_bucket_of_its_own(build: Build) -> None:
    world = await build(limits=LimitSettings(separate_exit_bucket=True))
    await world.deposit(ALICE, "100")
    await world.tick("100000")
    position_id = await world.open(ALICE, margin="100")
    for _ in range(9):
        await world.close(ALICE, 999)
    assert (await world.close(ALICE, position_id)).status == 429
    assert (await world.exit(ALICE, position_id)).status == 200


async def test_the_order_of_checks_is_the_contracts(build: Build) -> None:
    world = await build(limits=LimitSettings())
    await used_up(world, ALICE)
    malformed = {"positionId": "x"}
    assert (await world.post("/emergency-exit", malformed, headers=NOTHING)).status == 401
    assert (await world.post("/emergency-exit", malformed, headers=world.as_wallet(ALICE))).status == 429
    assert (await world.post("/emergency-exit", malformed, headers=world.as_wallet(BOB))).status == 400


async def test_failed_authentication_is_limited_by_address_and_spends_nobodys_bucket(build: Build) -> None:
    world = await build(limits=LimitSettings(failures=5))
    for _ in range(5):
        assert (await world.exit(ALICE, 1, **NOTHING)).status == 401
    limited = await world.exit(ALICE, 1, **NOTHING)
    assert (limited.status, limited.body["error"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert (await world.get("/test-auth")).status == 429
    await used_up(world, ALICE)


async def test_public_reads_are_limited_by_address(build: Build) -> None:
    world = await build(limits=LimitSettings(public=3))
    for path in ("/markets", f"/account/{ALICE}", f"/positions/{ALICE}"):
        assert (await world.get(path)).status == 200
    assert (await world.get("/market/BTC-USD")).status == 429
    assert (await world.get("/health")).status == 200
    world.advance(60)
    assert (await world.get("/markets")).status == 200


async def test_limits_can_be_switched_off(build: Build) -> None:
    world = await build(limits=UNLIMITED)
    for _ in range(30):
        assert (await world.close(ALICE, 999)).status == 400
    status = (await world.get("/api-key/status", headers=world.as_wallet(ALICE))).status
    assert status == 404


def test_a_senseless_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        LimitSettings(trading=0)
    with pytest.raises(ValueError, match="must be at least 1"):
        LimitSettings(public=-1)
    for window_s in (0, 61):
        with pytest.raises(ValueError, match="must be between 1 and 60"):
            LimitSettings(window_s=window_s)

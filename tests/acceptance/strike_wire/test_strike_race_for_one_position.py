"""64 clients race for one position over HTTP: one wins, money moves once.

`BASTION_RACE_ROUNDS` sets the number of rounds; the sweep of a thousand is
`BASTION_RACE_ROUNDS=1000 pytest tests/acceptance/strike_wire/test_strike_race_for_one_position.py`.
"""

import asyncio
import http.client
import json
import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pytest

from tests.acceptance.strike_wire.conftest import ALICE
from tests.acceptance.strike_wire.world import World

CLIENTS = 64
ROUNDS = int(os.environ.get("BASTION_RACE_ROUNDS", "3"))
GONE = b'{"error":400,"message":"Position not found or already closed"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    path: str
    status: int
    raw: bytes


def race(port: int, headers: Mapping[str, str], body: bytes, paths: Sequence[str]) -> list[Outcome]:
    """One client a path, each with a warm connection of its own, all released at the same moment."""
    barrier = threading.Barrier(len(paths), timeout=30)
    outcomes: list[Outcome] = []

    def run(path: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.connect()
        barrier.wait()
        connection.request("POST", path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        outcomes.append(Outcome(path=path, status=answer.status, raw=answer.read()))
        connection.close()

    threads = [threading.Thread(target=run, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


async def raced(world: World, position_id: int, paths: Sequence[str], **headers: str) -> list[Outcome]:
    sent = {**world.as_wallet(ALICE), "Content-Type": "application/json", **headers}
    body = json.dumps({"positionId": position_id}).encode()
    outcomes = await asyncio.to_thread(race, world.port, sent, body, paths)
    assert len(outcomes) == len(paths)
    return outcomes


async def test_64_exits_of_one_position_refund_it_once(world: World) -> None:
    await world.deposit(ALICE, "100")
    await world.tick("100000")
    for _ in range(ROUNDS):
        position_id = await world.open(ALICE, margin="100")
        outcomes = await raced(world, position_id, ["/emergency-exit"] * CLIENTS)
        assert Counter(outcome.status for outcome in outcomes) == {200: 1, 400: CLIENTS - 1}
        assert {outcome.raw for outcome in outcomes if outcome.status == 400} == {GONE}
        assert await world.withdrawable(ALICE) == "100.00"


async def test_64_exits_under_one_idempotency_key_all_get_the_same_bytes(world: World) -> None:
    await world.deposit(ALICE, "100")
    await world.tick("100000")
    for number in range(ROUNDS):
        position_id = await world.open(ALICE, margin="100")
        outcomes = await raced(
            world, position_id, ["/emergency-exit"] * CLIENTS, **{"Idempotency-Key": f"round-{number}"}
        )
        assert {(outcome.status, outcome.raw) for outcome in outcomes} == {
            (200, b'{"success":true,"refundedAmount":"100.0"}')
        }
        assert await world.withdrawable(ALICE) == "100.00"


@pytest.mark.parametrize("mark", ["101000", "99500"], ids=["in profit", "in loss"])
async def test_closes_and_exits_race_and_exactly_one_of_them_ends_the_position(
    world: World, mark: str
) -> None:
    await world.endow(10_000)
    await world.deposit(ALICE, "10000")
    for _ in range(ROUNDS):
        await world.tick("100000")
        before = Fraction(await world.withdrawable(ALICE))
        position_id = await world.open(ALICE, margin="100")
        await world.tick(mark)
        outcomes = await raced(world, position_id, ["/emergency-exit", "/close"] * (CLIENTS // 2))
        winners = [outcome for outcome in outcomes if outcome.status == 200]
        assert len(winners) == 1
        assert {outcome.raw for outcome in outcomes if outcome.status != 200} == {GONE}
        gained = Fraction(await world.withdrawable(ALICE)) - before
        if winners[0].path == "/emergency-exit":
            assert gained == 0
        else:
            assert gained == Fraction(json.loads(winners[0].raw)["realizedPnl"])


async def test_an_exit_and_a_liquidation_race_and_exactly_one_wins(world: World) -> None:
    await world.deposit(ALICE, "10000")
    for _ in range(ROUNDS):
        await world.tick("100000")
        before = Fraction(await world.withdrawable(ALICE))
        position_id = await world.open(ALICE, margin="100", leverage=10)
        async with asyncio.TaskGroup() as group:
            racing = group.create_task(raced(world, position_id, ["/emergency-exit"] * CLIENTS))
            group.create_task(world.tick("90000"))
        refunded = sum(outcome.status == 200 for outcome in racing.result())
        settled = (await world.get(f"/positions/{ALICE}")).body["settled"]
        liquidated = sum(item["id"] == position_id for item in settled)
        assert refunded + liquidated == 1
        gained = Fraction(await world.withdrawable(ALICE)) - before
        assert gained == (0 if refunded else -100)

"""Sixty-four threads on one position: one of them ends it, once; the others are told so.

`BASTION_RACE_ROUNDS=1000` makes it the long sweep.
"""

import os
import threading
from pathlib import Path

import pytest

from bastion.paper.strike.commands import Close, Command, EmergencyExit, Tick
from bastion.paper.strike.ledger import Code
from bastion.paper.strike.position import Side
from bastion.paper.strike.results import Closed, Exited, Marked, Refused
from tests.margin_rig import (
    ALICE,
    ANSWER_S,
    BOB,
    USD,
    Rig,
    StoreOpener,
    postgres_opener,
    rig_on,
    sqlite_opener,
)

THREADS = 64
ROUNDS = int(os.environ.get("BASTION_RACE_ROUNDS", "50"))


@pytest.fixture(params=["sqlite", "postgres"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> StoreOpener:
    if request.param == "sqlite":
        return sqlite_opener(tmp_path)
    return postgres_opener(request.getfixturevalue("postgres_dsn"), "race")


def at_once(rig: Rig, commands: list[Command[object]]) -> list[object]:
    """Let every thread submit its command at the same moment; collect the results."""
    barrier = threading.Barrier(len(commands))
    results: list[object] = [None] * len(commands)

    def run(place: int) -> None:
        barrier.wait(ANSWER_S)
        results[place] = rig.do(commands[place])

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(commands))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ANSWER_S)
    return results


def racers(number: int, turn: int) -> list[Command[object]]:
    """Mix exits, closes, a stranger's exits and, every third time, the tick that liquidates."""
    commands: list[Command[object]] = []
    for place in range(THREADS):
        kind = (place + turn) % 4
        if kind == 0:
            commands.append(Close(wallets=(ALICE,), position_id=number))
        elif kind == 1:
            commands.append(EmergencyExit(wallets=(BOB,), position_id=number))
        else:
            commands.append(EmergencyExit(wallets=(ALICE,), position_id=number))
    if turn % 3 == 0:
        commands[turn % THREADS] = Tick(marks={"BTC-USD": 89_000 * USD})
    return commands


@pytest.mark.timeout(60 + ROUNDS)
def test_money_moves_once_however_many_ask_at_the_same_moment(open_store: StoreOpener) -> None:
    winners = {"exit": 0, "close": 0, "liquidation": 0}
    with rig_on(open_store) as rig:
        rig.deposit(ALICE, 100_000)
        for turn in range(ROUNDS):
            rig.mark("BTC-USD", "100000")
            number = rig.open(ALICE, Side.LONG, usd=10, leverage=10).position.id
            before = rig.venue.account(ALICE)
            results = at_once(rig, racers(number, turn))
            exits = [result for result in results if isinstance(result, Exited)]
            closes = [result for result in results if isinstance(result, Closed)]
            liquidations = [r for r in results if isinstance(r, Marked) and number in r.liquidated]
            assert len(exits) + len(closes) + len(liquidations) == 1, (turn, results)
            told = [result for result in results if isinstance(result, Refused)]
            ticks = [result for result in results if isinstance(result, Marked)]
            assert len(told) + len(exits) + len(closes) + len(ticks) == THREADS
            after = rig.venue.account(ALICE)
            assert after.reserved == before.reserved - 10 * USD == 0
            moves = [t for t in log_of(rig, number) if t != Code.OPEN]
            if exits:
                assert moves == [Code.EXIT]
                assert after.withdrawable == before.withdrawable + 10 * USD
                winners["exit"] += 1
            elif closes:
                assert after.withdrawable == before.withdrawable + 10 * USD + closes[0].position.realized
                winners["close"] += 1
            else:
                assert moves == [Code.LIQUIDATION]
                assert after.withdrawable == before.withdrawable
                winners["liquidation"] += 1
        assert rig.venue._writer._store.audit() == ()
    assert sum(winners.values()) == ROUNDS
    assert winners["exit"] > 0


def log_of(rig: Rig, number: int) -> list[int]:
    return [
        transfer.code for transfer in rig.venue._writer._store.transfers() if transfer.position_id == number
    ]

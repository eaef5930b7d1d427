"""The same commands on SQLite and on Postgres: the same answers, the same log, the same balances."""

import re
from collections.abc import Callable
from random import Random

import pytest

from bastion.paper.strike.commands import (
    Close,
    Command,
    Deposit,
    EmergencyExit,
    Endow,
    Fund,
    Idempotency,
    Open,
    Purse,
    SetHalted,
    SetWithdrawals,
    Tick,
    VoidMarket,
    Withdraw,
)
from bastion.paper.strike.position import Side
from bastion.paper.strike.settings import Gates, QueueScope, VenueSettings
from tests.margin_rig import ALICE, ANSWER_S, BOB, CAROL, HOUR, START_US, USD, Rig, StoreOpener, sqlite_opener

WALLETS = (ALICE, BOB, CAROL)
SYMBOLS = ("BTC-USD", "ETH-USD", "SOL-USD")
COMMANDS = 800


def drawn_command(random: Random, step: int, rig: Rig) -> Command[object]:
    wallet, symbol = random.choice(WALLETS), random.choice(SYMBOLS)
    living = [view.position.id for who in WALLETS for view in rig.venue.positions(who).open]
    newest = max(living, default=0)
    number = random.choice(living) if living and random.random() < 0.7 else newest - random.randint(0, 6)
    moved = {"wallet": wallet, "tx_hash": f"0x{random.randint(step, step + 20):x}", "stated_at_us": START_US}
    key = Idempotency(key=f"k{number}", request_hash="same" if random.random() < 0.8 else "other")
    choices: list[tuple[int, Callable[[], Command[object]]]] = [
        (5, lambda: Deposit(amount=random.randint(0, 900 * USD), **moved)),  # type: ignore[arg-type]
        (2, lambda: Withdraw(amount=random.randint(0, 200 * USD), **moved)),  # type: ignore[arg-type]
        (
            8,
            lambda: Open(
                wallet=wallet,
                symbol=symbol,
                side=Side.LONG if random.random() < 0.7 else Side.SHORT,
                margin=random.randint(1, 90 * USD),
                leverage=random.choice([1, 5, 10, 30, 90, 1_001]),
            ),
        ),
        (5, lambda: Close(wallets=WALLETS if random.random() < 0.8 else (wallet,), position_id=number)),
        (
            4,
            lambda: EmergencyExit(
                wallets=WALLETS, position_id=number, idempotency=random.choice([None, key, key])
            ),
        ),
        (
            7,
            lambda: Tick(
                marks={
                    symbol: random.randint(980, 1_020) * random.choice([USD, USD, USD, USD * 7 // 8])
                    + step * USD // 4
                }
            ),
        ),
        (2, lambda: Fund(symbol=symbol)),
        (1, lambda: Endow(purse=random.choice(list(Purse)), amount=random.randint(0, 5 * USD))),
        (1, lambda: SetHalted(symbol=symbol, halted=random.random() < 0.1)),
        (1, lambda: SetWithdrawals(suspended=random.random() < 0.3)),
    ]
    if random.random() < 0.005:
        return VoidMarket(symbol=symbol)
    weights = [weight for weight, _ in choices]
    return random.choices([make for _, make in choices], weights)[0]()


@pytest.mark.parametrize("seed", range(3))
def test_both_databases_give_the_same_results_for_the_same_commands(
    seed: int, tmp_path_factory: pytest.TempPathFactory, fresh_postgres: Callable[[], StoreOpener]
) -> None:
    random = Random(seed)
    settings = VenueSettings(
        oracle_stale_after_us=None,
        queue_scope=QueueScope.MARKET if seed == 1 else QueueScope.VENUE,
        gates=Gates(insurance=seed == 2),
    )
    rigs = [
        Rig(sqlite_opener(tmp_path_factory.mktemp("differential")), settings),
        Rig(fresh_postgres(), settings),
    ]
    try:
        commands, answers = drawn_log(random, rigs[0])
        assert answered(rigs[1], commands) == answers
        stores = [rig.venue._writer._store for rig in rigs]
        logs = [list(store.transfers()) for store in stores]
        assert logs[0] == logs[1]
        assert stores[0].load() == stores[1].load()
        assert [store.audit() for store in stores] == [(), ()]
        seen = "".join(answers)
        for sign in (r"Opened\(", "SETTLED", "CLOSED", r"Exited\(", r"liquidated=\(\d", "replayed=True"):
            assert re.search(sign, seen), f"the log never met {sign}"
    finally:
        for rig in rigs:
            rig.venue.close(ANSWER_S)


def drawn_log(random: Random, rig: Rig) -> tuple[list[Command[object]], list[str]]:
    """Draw a log while a venue answers it, so that most commands meet something alive."""
    commands, answers = [], []
    for step in range(COMMANDS):
        rig.clock.turn(HOUR // 4)
        commands.append(drawn_command(random, step, rig))
        answers.append(str(rig.do(commands[-1])))
    return commands, answers


def answered(rig: Rig, commands: list[Command[object]]) -> list[str]:
    answers = []
    for command in commands:
        rig.clock.turn(HOUR // 4)
        answers.append(str(rig.do(command)))
    return answers

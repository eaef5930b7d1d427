"""A venue that refunds without end and says so only after the commit; it lives to be killed.

Arguments: ``sqlite PATH`` or ``postgres DSN SCHEMA``. Each line it prints is the id of a position whose
refund was acknowledged; "ready" comes first.
"""

import itertools
import sys
import time
from concurrent.futures import Future
from pathlib import Path

from bastion.paper.strike.commands import Deposit, EmergencyExit, Open, Tick
from bastion.paper.strike.position import Side
from bastion.paper.strike.results import Exited, Opened, Refused
from bastion.paper.strike.settings import VenueSettings
from bastion.paper.strike.store import Store
from bastion.paper.strike.store_postgres import PostgresStore
from bastion.paper.strike.store_sqlite import SqliteStore
from bastion.paper.strike.venue import MarginVenue

WALLET = "0x" + "a1" * 20
USD = 1_000_000
GROUP = 16


def store_named(kind: str, *where: str) -> Store:
    if kind == "sqlite":
        return SqliteStore(Path(where[0]))
    return PostgresStore(where[0], schema=where[1])


def say(exited: Future[Exited | Refused]) -> None:
    result = exited.result()
    if isinstance(result, Exited):
        sys.stdout.write(f"{result.position_id}\n")
        sys.stdout.flush()


def main() -> None:
    venue = MarginVenue(
        store_named(*sys.argv[1:]),
        VenueSettings(oracle_stale_after_us=None),
        lambda: time.time_ns() // 1_000,
    )
    deposit = Deposit(wallet=WALLET, amount=1_000_000 * USD, tx_hash="0x1", stated_at_us=1)
    venue.submit(deposit).result(30)
    venue.submit(Tick(marks={"BTC-USD": 100_000 * USD})).result(30)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    order = Open(wallet=WALLET, symbol="BTC-USD", side=Side.LONG, margin=7 * USD, leverage=3)
    for _ in itertools.repeat(None):
        opened = [future.result(30) for future in [venue.submit(order) for _ in range(GROUP)]]
        waiting = [
            venue.submit(EmergencyExit(wallets=(WALLET,), position_id=result.position.id))
            for result in opened
            if isinstance(result, Opened)
        ]
        for future in waiting:
            future.add_done_callback(say)
        waiting[-1].result(30)


main()

"""What the margin venue's tests share: a clock to turn, a venue on either backend, and short verbs."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bastion.paper.strike.commands import Command, Deposit, EmergencyExit, Idempotency, Open, ResultT, Tick
from bastion.paper.strike.position import Position, Side
from bastion.paper.strike.results import Exited, Opened, Refused
from bastion.paper.strike.settings import VenueSettings
from bastion.paper.strike.store import Store
from bastion.paper.strike.store_postgres import PostgresStore
from bastion.paper.strike.store_sqlite import SqliteStore
from bastion.paper.strike.venue import MarginVenue

USD = 1_000_000
SECOND = 1_000_000
HOUR = 3_600 * SECOND
START_US = 1_760_000_000 * SECOND
ANSWER_S = 30
ALICE = "0x" + "a1" * 20
BOB = "0x" + "b0" * 20
CAROL = "0x" + "ca" * 20

StoreOpener = Callable[[], Store]


class HandClock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now_us = START_US

    def __call__(self) -> int:
        return self.now_us

    def turn(self, us: int) -> None:
        self.now_us += us


class Rig:
    """A venue with its clock; `do` waits for the result, and the other verbs are what tests do most."""

    def __init__(self, open_store: StoreOpener, settings: VenueSettings | None = None) -> None:
        self._open_store = open_store
        self.settings = VenueSettings(oracle_stale_after_us=None) if settings is None else settings
        self.clock = HandClock()
        self._hashes = itertools.count(1)
        self.venue = MarginVenue(open_store(), self.settings, self.clock)

    def restart(self) -> None:
        self.venue.close()
        self.venue = MarginVenue(self._open_store(), self.settings, self.clock)

    def do(self, command: Command[ResultT]) -> ResultT | Refused:
        return self.venue.submit(command).result(ANSWER_S)

    def must(self, command: Command[ResultT]) -> ResultT:
        result = self.do(command)
        assert not isinstance(result, Refused), result
        return result

    def refusal(self, command: Command[ResultT]) -> Refused:
        result = self.do(command)
        assert isinstance(result, Refused), result
        return result

    def deposit(self, wallet: str, usd: int) -> None:
        tx_hash = f"0x{next(self._hashes):064x}"
        self.must(Deposit(wallet=wallet, amount=usd * USD, tx_hash=tx_hash, stated_at_us=START_US))

    def mark(self, symbol: str, usd: str) -> None:
        self.must(Tick(marks={symbol: micro(usd)}))

    def open(self, wallet: str, side: Side, *, usd: int, leverage: int, symbol: str = "BTC-USD") -> Opened:
        return self.must(Open(wallet=wallet, symbol=symbol, side=side, margin=usd * USD, leverage=leverage))

    def exit(self, wallet: str, position_id: int, key: str | None = None) -> Exited | Refused:
        asked = None if key is None else Idempotency(key=key, request_hash=f"body {position_id}")
        return self.do(EmergencyExit(wallets=(wallet,), position_id=position_id, idempotency=asked))

    def position(self, position_id: int) -> Position:
        found = self.venue.position(position_id)
        assert found is not None
        return found


def micro(usd: str) -> int:
    whole, _, fraction = usd.partition(".")
    return int(whole) * USD + int(fraction.ljust(6, "0"))


def sqlite_opener(folder: Path) -> StoreOpener:
    return lambda: SqliteStore(folder / "ledger.db")


def postgres_opener(dsn: str, schema: str) -> StoreOpener:
    return lambda: PostgresStore(dsn, schema=schema)


@contextmanager
def rig_on(open_store: StoreOpener, settings: VenueSettings | None = None) -> Iterator[Rig]:
    rig = Rig(open_store, settings)
    try:
        yield rig
    finally:
        rig.venue.close()


def without_spread(settings: VenueSettings | None = None) -> VenueSettings:
    base = VenueSettings(oracle_stale_after_us=None) if settings is None else settings
    return replace(base, spread_rate=base.spread_rate * 0)

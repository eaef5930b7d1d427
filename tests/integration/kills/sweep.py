"""Kills: SIGKILL before and after every journal write of an exit on real sockets; the next start ends it.

`make kills` goes through every write of every scenario, the tests through a few. What is killed is
a fork of this process, with a desk of its own on the wires; who goes on opens the same
state directory.
"""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from bastion import app
from bastion.commands import Desk, emergency_exit
from bastion.config import Config
from bastion.domain.account import Account
from bastion.domain.principal import Principal, Scope
from bastion.domain.records import Entry, Record
from bastion.domain.venue import KEY_SPACE_DEFAULT
from bastion.embedded import paper_credential
from bastion.exits.report import ExitReport
from bastion.exits.settings import LadderLimits
from bastion.storage.sqlite import SqliteJournal
from bastion.storage.verify import verify_state
from bastion.venues.ccxt.hyperliquid_cloid import client_id_of
from tests.paper_process import PaperProcess, paper_exchange
from tests.wires_rig import DEEP, WIRES, world

OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)
DEADLINE_S = Decimal(120)
WRITES_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One scenario: what every venue holds and rests, and what goes wrong on the wires.

    Where it is `barren`, nobody buys at a venue until an order of ours rests in its book.
    """

    name: str
    quantity: str = "2"
    rests: bool = True
    barren: bool = False
    faults: tuple[Mapping[str, object], ...] = field(default=())


PLAYS = (
    Play(name="calm"),
    Play(
        name="lost answers",
        faults=tuple(
            {"kind": "reset", "venue": venue, "path": path, "method": "POST", "executed": True, "count": 1}
            for venue, path in (
                ("binance", "/fapi/v1/order"),
                ("bybit", "/v5/order/create"),
                ("hyperliquid", "/exchange/order"),
                ("okx", "/api/v5/trade/order"),
            )
        ),
    ),
    Play(
        name="half fills",
        rests=False,
        faults=tuple({"kind": "partial_fill", "venue": venue, "ratio": "0.5", "count": 3} for venue in WIRES),
    ),
    Play(name="resting", rests=False, barren=True),
)
SHORT_LADDER = LadderLimits(ioc_bounds_pct=(Decimal(5),), resting_bound_pct=Decimal(4))
"""Down to the order that rests in three steps, at a price that every venue takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an exit ended, in what must be the same however often its process was killed."""

    verdict: str
    held: tuple[str, ...]
    orders: int
    broken: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether all is flat, nothing works, nothing was opened, and the journal is whole."""
        return self.verdict == "FLAT" and not self.held and not self.orders and not self.broken


def accounts(paper: PaperProcess) -> tuple[Account, ...]:
    return tuple(
        Account(
            name=venue,
            venue=venue,
            key_space=KEY_SPACE_DEFAULT[venue],
            credential=venue,
            base_url=paper.base_url(venue),
        )
        for venue in WIRES
    )


@contextlib.asynccontextmanager
async def desk_at(paper: PaperProcess, home: Path, *, budget_ms: int = 5_000) -> AsyncIterator[Desk]:
    place = app.find_place(config=None, environment={"BASTION_HOME": str(home)})
    covered = accounts(paper)
    config = Config(
        path=home / "config.toml",
        accounts=covered,
        intent_commit_budget_ms=budget_ms,
        ladder=SHORT_LADDER,
    )
    credentials: dict[str, Mapping[str, str] | str] = {venue: paper_credential(venue) for venue in WIRES}
    async with app._desk(place, home, config, credentials, serving=False) as desk:
        yield desk


async def press(paper: PaperProcess, home: Path, play: Play) -> ExitReport:
    """Press once: the first time this asks for an exit, later it takes up what a dead process left."""
    async with desk_at(paper, home) as desk, asyncio.TaskGroup() as group:
        asked = group.create_task(emergency_exit(desk, OWNER, deadline_s=DEADLINE_S, hold_s=Decimal(0)))
        if play.barren:
            group.create_task(somebody_buys(paper, desk, asked))
    return asked.result()


async def somebody_buys(paper: PaperProcess, desk: Desk, asked: asyncio.Task[ExitReport]) -> None:
    """Let somebody buy at each venue from the moment at which an order of ours rests there."""
    waiting = list(WIRES)
    while waiting and not asked.done():
        for venue in tuple(waiting):
            if (await asyncio.to_thread(paper.control.account, venue))["open_orders"]:
                await asyncio.to_thread(depth, paper, venue, DEEP)
                waiting.remove(venue)
        await desk.clock.sleep(0.05)


def symbol(venue: str) -> str:
    return "BTC-USDT-SWAP" if venue == "okx" else "BTCUSDT"


def depth(paper: PaperProcess, venue: str, bids: Sequence[Sequence[object]]) -> None:
    paper.control.set_depth(venue, symbol(venue), bids=bids, asks=DEEP)


def set_up(paper: PaperProcess, play: Play) -> None:
    control = paper.control
    control.clear_faults()
    control.load_scenario(dict(world()))
    for venue in WIRES:
        control.add_position(venue, symbol(venue), play.quantity, entry="1000", side="NET")
        if play.rests:
            control.place_order(venue, symbol=symbol(venue), direction="BUY", quantity="1", price="960")
        if play.barren:
            depth(paper, venue, ())
    for fault in play.faults:
        control.call("POST", "/faults", dict(fault))


def counted(at: int, *, after: bool) -> None:
    """Let this process die by SIGKILL at its journal write of that number; zero kills nothing."""
    original = SqliteJournal.append
    seen = 0

    async def append(self: SqliteJournal, records: Sequence[Record]) -> tuple[Entry, ...]:
        nonlocal seen
        seen += 1
        mine = seen
        if mine == at and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        entries = await original(self, records)
        if mine == at and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return entries

    SqliteJournal.append = append  # type: ignore[method-assign]


def press_and_die(paper: PaperProcess, home: Path, play: Play, at: int, *, after: bool) -> bool:
    """Press in a process that dies at that write; return whether it came so far."""
    child = os.fork()
    if child == 0:
        try:
            counted(at, after=after)
            asyncio.run(press(paper, home, play))
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def truth(paper: PaperProcess, report: ExitReport, home: Path) -> Ended:
    held: list[str] = []
    broken: list[str] = []
    orders = 0
    for venue in WIRES:
        found = paper.control.account(venue)
        held.extend(f"{venue} {row['quantity']}" for row in found["positions"])
        orders += len(found["open_orders"])
        broken.extend(_opened(venue, found))
    broken.extend(f"the chain {chain.name} is broken" for chain in verify_state(home) if not chain.sound)
    verdict = "none" if report.verdict is None else report.verdict.value
    return Ended(verdict=verdict, held=tuple(held), orders=orders, broken=tuple(broken))


def _opened(venue: str, account: Mapping[str, Any]) -> list[str]:
    ours = [row for row in account["fills"] if client_id_of(row["client_order_id"]).startswith("bst")]
    broken = [f"{venue}: a fill of ours opened" for row in ours if row["closed_quantity"] != row["quantity"]]
    ids = [row["client_order_id"] for row in account["orders"] if row["client_order_id"]]
    if len(ids) != len(set(ids)):
        broken.append(f"{venue}: one client id twice")
    return broken


def killed_at(paper: PaperProcess, play: Play, at: int, *, after: bool) -> Ended | None:
    """Return how the exit ended that was killed there and pressed again; None where it has no such write."""
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        home = Path(folder)
        set_up(paper, play)
        if not press_and_die(paper, home, play, at, after=after):
            return None
        return truth(paper, asyncio.run(press(paper, home, play)), home)


def sweep(paper: PaperProcess, play: Play, writes: Iterable[int]) -> tuple[int, list[str]]:
    """Kill before and after each of these writes of a scenario; return how often, and what went wrong."""
    kills, wrong = 0, []
    for at in writes:
        ended = [killed_at(paper, play, at, after=after) for after in (False, True)]
        for after, found in zip((False, True), ended, strict=True):
            if found is None:
                continue
            kills += 1
            if not found.good:
                wrong.append(f"{play.name}: write {at} {'after' if after else 'before'}: {found}")
        if ended == [None, None]:
            break
    return kills, wrong


def main(chosen: Sequence[int] = ()) -> int:
    """Go through the chosen writes of each scenario, or through all; say the bar line last."""
    kills, wrong = 0, list[str]()
    with paper_exchange("four-4") as paper:
        for play in PLAYS[: 1 if chosen else None]:
            count, bad = sweep(paper, play, chosen or range(1, WRITES_MAX))
            kills += count
            wrong += bad
            sys.stdout.write(f"{play.name}: {count} kills, {len(bad)} ended otherwise\n")
            sys.stdout.flush()
    for line in wrong:
        sys.stdout.write(f"{line}\n")
    ok = "ok" if not wrong and kills else "short"
    sys.stdout.write(f"bar kills_ended_otherwise_count {len(wrong)} <=0 {ok}\n")
    return 0 if ok == "ok" else 1


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]]))

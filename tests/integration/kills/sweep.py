"""Kills: SIGKILL at every journal write of an exit on real sockets, and between what the venues say of it.

An order that Bybit or OKX acknowledged stands in no write before its fate is known, nor does an answer before
it is written down. The next start ends each exit. `make kills` goes through every moment of every scenario,
the tests through a few. What is killed is a fork of this process, with a desk of its own on the wires; who
goes on opens the same state directory.
"""

import asyncio
import contextlib
import itertools
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from bastion import app
from bastion.commands import Desk, emergency_exit
from bastion.config import Config
from bastion.domain.account import Account
from bastion.domain.principal import Principal, Scope
from bastion.domain.venue import KEY_SPACE_DEFAULT
from bastion.embedded import paper_credential
from bastion.exits.report import ExitReport
from bastion.exits.settings import LadderLimits
from bastion.storage.sqlite import SqliteJournal
from bastion.storage.verify import verify_state
from bastion.venues.ccxt.binance import BinanceVenue
from bastion.venues.ccxt.bybit import BybitVenue
from bastion.venues.ccxt.hyperliquid import HyperliquidVenue
from bastion.venues.ccxt.hyperliquid_cloid import client_id_of
from bastion.venues.ccxt.okx import OkxVenue
from bastion.venues.ccxt.roll import RollCall
from tests.paper_process import PaperProcess, paper_exchange
from tests.wires_rig import DEEP, WIRES, world

OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)
DEADLINE_S = Decimal(120)
TIMES_MAX = 200
TRAILS_MS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One scenario: what every venue holds and rests, and what goes wrong on the wires.

    Where it is `barren`, nobody buys at a venue until an order of ours rests in its book. Where reads trail
    by `trails_ms`, the world is older than that when the exit begins: else every page would show what was.
    """

    name: str
    quantity: str = "2"
    rests: bool = True
    barren: bool = False
    trails_ms: int = 0
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
    Play(
        name="trailing",
        trails_ms=TRAILS_MS,
        faults=tuple({"kind": "lag", "venue": venue, "lag_ms": TRAILS_MS} for venue in WIRES),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a process dies: before or after a call of `method`, whichever of the `places` it is made at."""

    name: str
    places: tuple[type[object], ...]
    method: str
    after: bool = True


VENUES: tuple[type[object], ...] = (BinanceVenue, BybitVenue, HyperliquidVenue, OkxVenue)
MOMENTS = (
    Moment(name="before a write", places=(SqliteJournal,), method="append", after=False),
    Moment(name="after a write", places=(SqliteJournal,), method="append"),
    # Bybit and OKX have taken the order, and nothing of that is written down.
    Moment(name="acknowledged", places=(RollCall,), method="see_through", after=False),
    Moment(name="looked up", places=(RollCall,), method="find"),
    Moment(name="answered", places=VENUES, method="place"),
    Moment(name="executions read", places=VENUES, method="fills"),
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
    time.sleep(2 * play.trails_ms / 1000)
    for fault in play.faults:
        control.call("POST", "/faults", dict(fault))


def die() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def counted(original: Callable[..., Awaitable[Any]], turn: Iterator[bool], *, after: bool) -> Any:  # noqa: ANN401 - stands in for a method
    """Return the method with a death before or after the call for which `turn` says so."""

    async def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the original
        mine = next(turn)
        if mine and not after:
            die()
        result = await original(*args, **kwargs)
        if mine and after:
            die()
        return result

    return call


def aim(moment: Moment, at: int) -> None:
    """Let this process die by SIGKILL when that moment comes for the time of that number."""
    turn = (number == at for number in itertools.count(1))
    for place in moment.places:
        setattr(place, moment.method, counted(getattr(place, moment.method), turn, after=moment.after))


def press_and_die(paper: PaperProcess, home: Path, play: Play, moment: Moment, at: int) -> bool:
    """Press in a process that dies at that moment; return whether it came so far."""
    child = os.fork()
    if child == 0:
        try:
            aim(moment, at)
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


def killed_at(paper: PaperProcess, play: Play, moment: Moment, at: int) -> Ended | None:
    """Return how the exit ended that was killed then and pressed again; None where that does not come."""
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        home = Path(folder)
        set_up(paper, play)
        if not press_and_die(paper, home, play, moment, at):
            return None
        return truth(paper, asyncio.run(press(paper, home, play)), home)


def sweep(paper: PaperProcess, play: Play, moment: Moment, times: Iterable[int]) -> tuple[int, list[str]]:
    """Kill at that moment, each of these times that it comes; return how often, and what went wrong."""
    kills, wrong = 0, []
    for at in times:
        found = killed_at(paper, play, moment, at)
        if found is None:
            break
        kills += 1
        if not found.good:
            wrong.append(f"{play.name}: {moment.name} {at}: {found}")
    return kills, wrong


def main(chosen: Sequence[int] = ()) -> int:
    """Go through the chosen writes of the first scenario, or all moments of all; say the bar line last."""
    kills, wrong = 0, list[str]()
    with paper_exchange("four-4") as paper:
        for play in PLAYS[: 1 if chosen else None]:
            counts, bad = dict[str, int](), list[str]()
            for moment in MOMENTS[: 2 if chosen else None]:
                count, found = sweep(paper, play, moment, chosen or range(1, TIMES_MAX))
                counts[moment.name] = count
                bad += found
            kills += sum(counts.values())
            wrong += bad
            where = "" if chosen else f" ({', '.join(f'{name} {count}' for name, count in counts.items())})"
            sys.stdout.write(
                f"{play.name}: {sum(counts.values())} kills, {len(bad)} ended otherwise{where}\n"
            )
            sys.stdout.flush()
    for line in wrong:
        sys.stdout.write(f"{line}\n")
    ok = "ok" if not wrong and kills else "short"
    sys.stdout.write(f"bar kills_ended_otherwise_count {len(wrong)} <=0 {ok}\n")
    return 0 if ok == "ok" else 1


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]]))

"""Runner: puts a program before every chosen scenario, each on a fresh world of a paper exchange process."""

import asyncio
import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bastion.embedded import PaperProcess, start_paper
from bastion.errors import Refused
from bastion.gauntlet import own_desk, program, report
from bastion.gauntlet.rows import BY_NAME, ROWS, Row
from bastion.gauntlet.score import Ended, judge
from bastion.gauntlet.tongue import VENUES
from bastion.shape import dataclass

SETTLE_S = 0.5
"""How long after the program's end what it sent may still take effect before it is judged."""
UNDER_WAY_S = 20.0
"""How long a request that the program left behind may be on its way before it is judged all the same."""
LAST_NUMBER = 10**9
"""Beyond every request, where only their count is asked for."""
POLL_S = 0.25
JOBS_MAX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One scenario at one venue."""

    row: Row
    venue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be run: the command, the tasks, the seed, how many at once, and who is told of each run."""

    command: tuple[str, ...]
    tasks: tuple[Task, ...]
    seed: int
    jobs: int
    show: bool
    tell: Callable[[report.GauntletRun], None]


def tasks_of(scenarios: Sequence[str], venues: Sequence[str], *, turn: int | None = None) -> tuple[Task, ...]:
    """Return every chosen scenario at every chosen venue where it can be; all of them without a choice.

    With `turn`, each scenario is taken to one venue only, the venues by turns, the first one by that number.

    Raises:
        Refused: there is no such scenario or venue, or none of the chosen pairs exists.
    """
    unknown = [name for name in scenarios if name not in BY_NAME]
    if unknown:
        raise Refused(f"There is no scenario {unknown[0][:40]!r}; `bastion gauntlet --list` names them.")
    foreign = [venue for venue in venues if venue not in VENUES]
    if foreign:
        raise Refused(f"There is no paper wire of {foreign[0][:40]!r}; there are {', '.join(VENUES)}.")
    found = []
    for number, row in enumerate(ROWS):
        if scenarios and row.name not in scenarios:
            continue
        possible = [venue for venue in VENUES if venue in (venues or VENUES) and venue in row.venues]
        if turn is not None and possible:
            possible = [possible[(number + turn) % len(possible)]]
        found += [Task(row=row, venue=venue) for venue in possible]
    if not found:
        raise Refused(
            "The chosen scenarios do not exist at the chosen venues; see `bastion gauntlet --list`."
        )
    return tuple(found)


async def run_gauntlet(order: Order) -> report.GauntletReport:
    """Run all tasks and return the account of them, in the order of the tasks.

    Raises:
        Refused: the command cannot be started, or a paper exchange did not do as it was asked.
        ConfigInvalid: a paper exchange does not start.
    """
    waiting = list(enumerate(order.tasks))[::-1]
    done: dict[int, report.GauntletRun] = {}

    async def work() -> None:
        async with start_paper("seed") as paper:
            while waiting:
                number, task = waiting.pop()
                done[number] = await _run_one(order, task, paper)
                order.tell(done[number])

    async with asyncio.TaskGroup() as workers:
        for _ in range(min(order.jobs, len(order.tasks))):
            workers.create_task(work())
    runs = [done[number] for number in sorted(done)]
    return report.report_of(runs, command=order.command, seed=order.seed)


async def _run_one(order: Order, task: Task, paper: PaperProcess) -> report.GauntletRun:
    stage = task.row.stage(task.venue, seed=order.seed)
    await paper.control("POST", "/scenario", task.row.document(task.venue, seed=order.seed))
    await paper.control("DELETE", "/requests")
    base = str(paper.accounts[0].base_url).rpartition("/")[0]
    with tempfile.TemporaryDirectory(prefix="bastion-gauntlet-") as name:
        folder = Path(name)
        config = program.told(stage, base=base)
        path = folder / "gauntlet.json"
        path.write_text(json.dumps(config, indent=1), encoding="utf-8")
        environment = program.environment_of(config, path=path, given=os.environ)
        environment |= own_desk.furnish(folder, config)
        await _aged(paper, stage.lag_s)
        started_ms = (await _state(paper))["clock_ms"]
        claim = await program.run(
            order.command,
            environment=environment,
            deadline_s=stage.deadline_s,
            started=lambda: _first_request(paper),
            show=order.show,
        )
    await _settled(paper)
    state = await _state(paper)
    requests = await _requests(paper)
    ended = Ended(started_ms=started_ms, ended_ms=state["clock_ms"], claims_flat=claim.claims_flat)
    score = judge(stage, ended, state, requests)
    return report.told(task.row, stage, score, claim, seed=order.seed)


async def _aged(paper: PaperProcess, seconds: float) -> None:
    """Wait until the world is as old as its reads trail, by its own clock."""
    if not seconds:
        return
    ripe_ms = (await _state(paper))["clock_ms"] + seconds * 1_000
    async with asyncio.timeout(seconds + UNDER_WAY_S):
        while (await _state(paper))["clock_ms"] < ripe_ms:  # noqa: ASYNC110 - the exchange is another process
            await asyncio.sleep(POLL_S)


async def _settled(paper: PaperProcess) -> None:
    # What the program sent may still be on its way to the venue, or to the book.
    await asyncio.sleep(SETTLE_S)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(UNDER_WAY_S):
            while await _under_way(paper):  # noqa: ASYNC110 - the exchange is another process
                await asyncio.sleep(POLL_S)


async def _under_way(paper: PaperProcess) -> int:
    found: Any = await paper.control("GET", f"/requests?after={LAST_NUMBER}")
    return int(found["under_way"])


async def _first_request(paper: PaperProcess) -> None:
    # The run's own bound ends this where no request ever comes.
    while not await _requests(paper):  # noqa: ASYNC110 - the exchange is another process
        await asyncio.sleep(POLL_S)


async def _requests(paper: PaperProcess) -> Sequence[Mapping[str, Any]]:
    found: Any = await paper.control("GET", "/requests")
    return list(found["requests"])


async def _state(paper: PaperProcess) -> Mapping[str, Any]:
    found: Any = await paper.control("GET", "/state")
    return dict(found)

"""Accounts: fifty Binance accounts of four positions each, behind one address and so within one weight.

The null client closes all at once, sweeps, and then looks twice at each account, as fast as the address's
2,400 a minute allow; a look costs 85. Both begin at the same second of a minute, since the venue counts by
minutes. While weight is waited for, nothing is to be measured, and the benchmark goes on with other rows.

Fifty accounts are watched by their private streams, and the venue tells each of its fills while it takes the
orders. So the null client closes a second time, hearing of its fills by fifty streams of its own.
"""

import asyncio
import copy
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from bastion.app import Place, open_vault
from bastion.auth.credential import read_credential
from tests.benchmarks.exit.bars import ACCOUNTS_OVER_BOUND
from tests.benchmarks.exit.desks import Pressed, press, warm_desk
from tests.benchmarks.exit.figures import Book, median, ratio
from tests.benchmarks.exit.hearing import listen, told_of
from tests.benchmarks.exit.null_client import ANSWER_S, Pool, Script, script_of
from tests.benchmarks.exit.plan import Plan
from tests.benchmarks.exit.signing import Maker
from tests.benchmarks.exit.stage import ENTRIES, ROUND_TRIP_MS, document_of, last_fill_ns
from tests.paper_process import PaperProcess, paper_exchange

MS = 1e6
VENUE = "binance"
ACCOUNTS, POSITIONS = 50, 4
WEIGHT_A_MINUTE, LOOK_WEIGHT = 2_400, 85
MINUTE_S, BEGINS_AT_S, MARGIN_S = 60.0, 5.0, 0.1
# Well over the bound, which is three to four minutes.
DEADLINE_S, GRACE_S = 330, 60
OPEN_S = 150.0
PAIRS = 3
"""How often the null client closes all without streams and with them, one after the other, for the floor."""
CONNECTIONS = ACCOUNTS * POSITIONS + ENTRIES


def names() -> list[str]:
    """Return the accounts' names."""
    return [f"a{number:02d}" for number in range(ACCOUNTS)]


def credential_of(name: str) -> dict[str, str]:
    """Return an account's key."""
    return {"apiKey": f"paper-binance-{name}-key", "secret": f"paper-binance-{name}-secret"}


def document() -> dict[str, Any]:
    """Return the scenario: fifty accounts, the entries spread over the first ten."""
    found = document_of(VENUE, POSITIONS, ENTRIES, ROUND_TRIP_MS)
    (spec,) = found["venue"]
    (first,) = spec["account"]
    entries, rest = first["order"][-ENTRIES:], first["order"][:-ENTRIES]
    spec["account"] = []
    for number, name in enumerate(names()):
        account = copy.deepcopy({**first, "name": name, "order": rest})
        account["api_key"], account["secret"] = credential_of(name).values()
        account["order"] += entries[number : number + 1]
        spec["account"].append(account)
    return found


def weight_left_s(used: int, wanted: int, now_s: float) -> float:
    """Return the seconds to wait before `wanted` more may be spent, of windows that begin with the minute."""
    return 0.0 if used + wanted <= WEIGHT_A_MINUTE else MINUTE_S - now_s % MINUTE_S + MARGIN_S


async def behind_one_address(book: Book, plan: Plan) -> None:
    """Time the null client's exit and ours, once each."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-exit-", dir=plan.state) as folder,
        _papers() as (bound_paper, paper),
    ):
        for one in (bound_paper, paper):
            # A paper exchange that takes its first orders computes more for each than it does later.
            await _fills(one, _makers(one), hears=False)
            await asyncio.to_thread(one.control.call, "POST", "/scenario", document())
        bound = await _by_pairs(bound_paper)
        closed = asyncio.Event()
        async with (
            warm_desk(_place(paper, Path(folder)), open_s=OPEN_S) as desk,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(_null(bound_paper, bound, closed))
            # While the null client waits for weight, our own exit begins, in the next minute.
            await closed.wait()
            await asyncio.to_thread(paper.control.call, "POST", "/scenario", document())
            await _at_its_second()
            await asyncio.to_thread(paper.control.clear_requests)
            pressed = await press(desk, deadline_s=Decimal(DEADLINE_S), within_s=DEADLINE_S + GRACE_S)
        rows = paper.control.requests()
        _tell(book, pressed, rows, bound)
        left = [row for name in names() for row in paper.control.account(VENUE, name)["positions"]]
        assert not left, left[:9]
        # The last fill stands by itself; only the time to FLAT is held to the bar of the verdict.
        assert pressed.verdict == "FLAT", f"{pressed.verdict} after {DEADLINE_S} s"


def _tell(
    book: Book, pressed: Pressed, rows: Sequence[Mapping[str, Any]], bound: Mapping[str, float]
) -> None:
    fill_ms = (last_fill_ns(rows) - pressed.begun_ns) / MS
    verdict_s = (pressed.judged_ns - pressed.begun_ns) / 1e9
    refused = sum(int(row["status"]) in {418, 429} for row in rows)
    book.note(
        "accounts50",
        {
            "runs": 1,
            "verdict": pressed.verdict,
            "fill_ms": round(fill_ms, 1),
            "bound_fill_ms": round(bound["fill_ms"], 1),
            "bound_fill_ms_that_minute": round(bound["last_fill_ms"], 1),
            "hearing_bound_fill_ms": round(bound["hearing_fill_ms"], 1),
            "fill_ratio": round(fill_ms / bound["fill_ms"], 3),
            "hearing_fill_ratio": round(fill_ms / bound["hearing_fill_ms"], 3),
            "verdict_s": round(verdict_s, 1),
            "bound_verdict_s": round(bound["verdict_s"], 1),
            "requests": len(rows),
            "bound_requests": int(bound["requests"]),
            "over_the_weight": refused,
            "load_1m": round(os.getloadavg()[0], 2),
        },
    )
    # What it takes a null client that hears of its fills by the same streams is what must be (decision 73).
    floor = ACCOUNTS_OVER_BOUND * bound["hearing_over_deaf"]
    book.bar("accounts50_fill_ratio", fill_ms / bound["fill_ms"], floor=floor)
    if pressed.verdict == "FLAT":
        book.bar("accounts50_verdict_ratio", verdict_s / bound["verdict_s"])


async def _null(paper: PaperProcess, bound: dict[str, float], closed: asyncio.Event) -> None:
    makers = _makers(paper)
    await asyncio.to_thread(paper.control.call, "POST", "/scenario", document())
    await _at_its_second()
    scripts = await _scripts(paper, makers)
    pool = Pool(paper.base_url(VENUE))
    begun_ns = await _close(paper, pool, scripts)
    async with asyncio.timeout(ANSWER_S):
        sweeps = [one for script in scripts for one in script.sweeps]
        await pool.exchange(sweeps)
    closed.set()
    used, minute = ENTRIES + len(sweeps), int(time.time() // MINUTE_S)
    for turn in (0, 1):
        for name in names():
            now_s = time.time()
            if int(now_s // MINUTE_S) != minute:
                used, minute = 0, int(now_s // MINUTE_S)
            wait_s = weight_left_s(used, LOOK_WEIGHT, now_s)
            if wait_s:
                await asyncio.sleep(wait_s)
                used, minute = 0, int(time.time() // MINUTE_S)
            used += LOOK_WEIGHT
            # Signed only now: a signature of minutes ago would be too old for the venue.
            look = (await script_of(makers[name], EMPTY, ())).looks[turn]
            answers = await pool.exchange(look)
            assert all(answer[:3] == b"200" for answer in answers), answers[0][:200]
    ended_ns = time.monotonic_ns()
    pool.close()
    rows = await asyncio.to_thread(paper.control.requests)
    bound["last_fill_ms"] = (last_fill_ns(rows) - begun_ns) / MS
    bound["verdict_s"] = (ended_ns - begun_ns) / 1e9
    bound["requests"] = len(rows)


async def _by_pairs(paper: PaperProcess) -> dict[str, float]:
    makers = _makers(paper)
    deaf: list[float] = []
    hearing: list[float] = []
    for _ in range(PAIRS):
        deaf.append(await _fills(paper, makers, hears=False))
        hearing.append(await _fills(paper, makers, hears=True))
    return {
        "fill_ms": median(deaf),
        "hearing_fill_ms": median(hearing),
        "hearing_over_deaf": ratio(hearing, deaf),
    }


async def _fills(paper: PaperProcess, makers: Mapping[str, Maker], *, hears: bool) -> float:
    """Return the ms to the null client's last closing fill; `hears`: each is told by its account's stream."""
    await asyncio.to_thread(paper.control.call, "POST", "/scenario", document())
    scripts = await _scripts(paper, makers)
    pool = Pool(paper.base_url(VENUE))
    await pool.warm(CONNECTIONS)
    streams = await listen(makers, pool, paper.base_url(VENUE)) if hears else []
    begun_ns = await _close(paper, pool, scripts)
    async with asyncio.timeout(ANSWER_S):
        await told_of(streams, ACCOUNTS * POSITIONS if hears else 0)
    for stream in streams:
        stream.close()
    pool.close()
    return (last_fill_ns(await asyncio.to_thread(paper.control.requests)) - begun_ns) / MS


def _makers(paper: PaperProcess) -> dict[str, Maker]:
    return {name: Maker(VENUE, paper.base_url(VENUE), credential_of(name)) for name in names()}


async def _scripts(paper: PaperProcess, makers: Mapping[str, Maker]) -> list[Script]:
    state = (await asyncio.to_thread(paper.control.state))["venues"][VENUE]["accounts"]
    return [await script_of(makers[name], state[name], ()) for name in names()]


async def _close(paper: PaperProcess, pool: Pool, scripts: Sequence[Script]) -> int:
    """Close everything, with the cancels beside; return when that began (monotonic nanoseconds)."""
    await pool.warm(CONNECTIONS)
    await asyncio.to_thread(paper.control.clear_requests)
    begun_ns = time.monotonic_ns()
    async with asyncio.timeout(ANSWER_S):
        await pool.exchange([one for script in scripts for one in (*script.closes[0], *script.cancels)])
    return begun_ns


EMPTY: dict[str, Any] = {"positions": [], "orders": []}


async def _at_its_second() -> None:
    # A little before it, so that signing and warming up fall before the press.
    await asyncio.sleep((BEGINS_AT_S - time.time()) % MINUTE_S)


@contextmanager
def _papers() -> Iterator[tuple[PaperProcess, PaperProcess]]:
    with paper_exchange("load-1") as bound, paper_exchange("load-1") as paper:
        for one in (bound, paper):
            one.control.call("POST", "/scenario", document())
        yield bound, paper


def _place(paper: PaperProcess, folder: Path) -> Place:
    config = folder / "bastion.toml"
    base = paper.base_url(VENUE)
    config.write_text(
        "".join(
            f'[[account]]\nname = "{name}"\nvenue = "{VENUE}"\nbase_url = "{base}"\ncredential = "{name}"\n\n'
            for name in names()
        )
        + "[exit]\nhold_s = 0\n",
        encoding="utf-8",
    )
    place = Place(home=folder / "state", config=config, vault_key_file=folder / "vault.key")
    place.home.mkdir(exist_ok=True)
    vault = open_vault(place)
    for name in names():
        vault.put(read_credential(name, json.dumps(credential_of(name))))
    return place

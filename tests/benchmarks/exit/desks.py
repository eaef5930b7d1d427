"""Desks: our own side of a run, warm, in this process or behind the daemon's unix socket."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from bastion.app import Place, open_desk
from bastion.commands import Desk, emergency_exit
from bastion.domain.principal import Principal, Scope
from bastion.domain.records import Entry, ExitJudged, ExitRequested, Looked, RoundIntended
from bastion.venues.ccxt.hyperliquid_pace import READS, WEIGHT
from bastion.venues.ccxt.okx_pace import ACCOUNT_LIMITS
from tests.benchmarks.exit.stage import environment_of

OWNER = Principal(id="owner", surface="cli", scope=Scope.ENGINE)
PROGRAM = str(Path(sys.executable).parent / "bastion")
START_S = 60.0
RUN_S = 90.0
IDLE_LOOK_S = 0.01


@dataclass(slots=True, kw_only=True)
class Pressed:
    """One exit of ours: when it was pressed, and when its records were durable (monotonic nanoseconds)."""

    begun_ns: int
    exit_id: str = ""
    verdict: str = ""
    judged_ns: int = 0
    requested_ns: int = 0
    looked_ns: int = 0
    intended_ns: int = 0
    answered_ns: int = 0
    cpu_ms: float = 0.0
    left: tuple[str, ...] = field(default=())


@asynccontextmanager
async def warm_desk(place: Place, *, open_s: float = 60.0) -> AsyncIterator[Desk]:
    """Open a desk in this process as the daemon does, and return it once its sessions are primed."""
    async with open_desk(place, serving=True) as desk:
        for venue in desk.venues.values():
            await venue.open(deadline_s=open_s)
        yield desk


async def idle(desk: Desk) -> None:
    """Return once no exit is at work, and nothing of the run before is still being read."""
    async with asyncio.timeout(RUN_S):
        for exit_id in desk.journal.exit_ids()[-2:]:
            running = desk.exit_of(exit_id)
            if running is not None:
                await running.ended.wait()
        while any(desk.readings.under_way(name) for name in desk.venues):  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(IDLE_LOOK_S)


async def see(desk: Desk) -> None:
    """Let the desk read its accounts, as its own watch does again and again, once no exit is at work."""
    await idle(desk)
    await desk.readings.recent(within_s=0)


def forget_use(desk: Desk) -> None:
    """Let the desk forget what it used of Hyperliquid's and OKX's limits, as the stage lets the venues.

    Binance's and Bybit's answers tell what the venue counts. Theirs do not: the desk counts for itself what
    it sent, and a run would else wait for what the runs before it used, which the venue no longer counts.
    """
    counted = {"hyperliquid": (WEIGHT, READS), "okx": tuple(limit.name for limit in ACCOUNT_LIMITS)}
    for venue in desk.venues.values():
        throttle = cast("Any", venue)._throttle
        for name in counted.get(venue.account.venue, ()):
            throttle[name].refund(throttle[name].capacity)


async def press(desk: Desk, *, deadline_s: Decimal | None = None, within_s: float = RUN_S) -> Pressed:
    """Exit everything; return once the verdict stands in the journal, which it must `within_s` seconds."""
    judged = asyncio.Event()
    told = Pressed(begun_ns=0)

    def watch(entry: Entry) -> None:
        now_ns = time.monotonic_ns()
        record = entry.record
        if isinstance(record, ExitRequested):
            told.requested_ns = told.requested_ns or now_ns
        elif isinstance(record, Looked):
            told.looked_ns = told.looked_ns or now_ns
        elif isinstance(record, RoundIntended):
            told.intended_ns = told.intended_ns or now_ns
        elif isinstance(record, ExitJudged):
            told.judged_ns = now_ns
            told.verdict = record.verdict.value
            judged.set()

    unwatch = desk.watch(watch)
    try:
        async with asyncio.timeout(within_s):
            cpu = time.process_time()
            told.begun_ns = time.monotonic_ns()
            report = await emergency_exit(desk, OWNER, hold_s=Decimal(0), deadline_s=deadline_s)
            told.answered_ns = time.monotonic_ns()
            await judged.wait()
            told.cpu_ms = (time.process_time() - cpu) * 1e3
    finally:
        unwatch()
    told.exit_id = report.exit_id
    return told


class Resident:
    """`bastion up` as a process of its own, spoken to as `bastion exit` does: over its unix socket."""

    def __init__(self, process: subprocess.Popen[str], place: Place) -> None:
        self.process = process
        self.place = place

    @property
    def pid(self) -> int:
        """The process."""
        return self.process.pid

    def ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, prefer: str = ""
    ) -> Any:  # noqa: ANN401 - JSON
        """Send one request on a connection of its own and return its JSON."""
        with self.connected() as wire:
            wire.sendall(message(method, path, body, prefer=prefer))
            return answer_of(wire)

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        """Return a connection to the daemon."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(RUN_S)
            wire.connect(str(self.place.home / "bastion.sock"))
            yield wire

    def press(self) -> int:
        """Ask for the exit as the command does, and return when (monotonic nanoseconds) it was asked."""
        with self.connected() as wire:
            begun_ns = time.monotonic_ns()
            body = {"hold_s": "0", "selection": None}
            wire.sendall(message("POST", "/v1/exits", {"hold_s": body["hold_s"]}, prefer="respond-async"))
            self.told = answer_of(wire)
        return begun_ns

    def until_seen(self, count: int) -> None:
        """Return once the daemon has seen so many positions."""
        end = time.monotonic() + RUN_S
        while time.monotonic() < end:
            if len(self.ask("GET", "/v1/positions").get("positions", ())) == count:
                return
            time.sleep(0.05)
        raise AssertionError("the daemon never saw the positions")

    def until_over(self) -> None:
        """Return once nothing more is done for any exit."""
        for row in self.ask("GET", "/v1/exits?limit=1")["exits"]:
            with self.connected() as wire:
                wire.sendall(message("GET", f"/v1/exits/{row['exit_id']}/events", None))
                data = b""
                # Its events end when the work does.
                while not data.endswith(b"0\r\n\r\n"):
                    more = wire.recv(65_536)
                    assert more, data[-500:]
                    data += more

    def wait_for_verdict(self) -> Mapping[str, Any]:
        """Return the exit's report once it has a verdict."""
        end = time.monotonic() + RUN_S
        while time.monotonic() < end:
            found = self.ask("GET", f"/v1/exits/{self.told['exit_id']}")
            if found.get("verdict"):
                return dict(found)
            time.sleep(0.05)
        raise AssertionError("the daemon came to no verdict")


def message(method: str, path: str, body: Mapping[str, object] | None, *, prefer: str = "") -> bytes:
    """Return one HTTP request for the unix socket."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(content)}"]
    if content:
        lines.append("Content-Type: application/json")
    if prefer:
        lines.append(f"Prefer: {prefer}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + content


def answer_of(wire: socket.socket) -> Any:  # noqa: ANN401 - JSON
    """Read one answer with a content length and return its JSON."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += wire.recv(65_536)
    head, _, content = data.partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    while len(content) < length:
        content += wire.recv(65_536)
    return json.loads(content)


@contextmanager
def resident(place: Place) -> Iterator[Resident]:
    """Run `bastion up` on a free port until the block ends."""
    # Its log goes to a file: into a pipe that nobody reads it would stand still.
    with (place.home / "up.log").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            [PROGRAM, "up", "--port", "0"],
            env={**environment_of(place)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            text=True,
        )
        try:
            end = time.monotonic() + START_S
            while not _answers(place):
                if process.poll() is not None or time.monotonic() > end:
                    log.seek(0)
                    raise AssertionError(f"the daemon did not start: {log.read()}")
                time.sleep(0.02)
            yield Resident(process, place)
        finally:
            process.terminate()
            try:
                process.wait(START_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def memory_kib(pid: int) -> int:
    """Return a process's resident memory."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:  # noqa: PTH123 - a file of the kernel
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123 - as above
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _answers(place: Place) -> bool:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.connect(str(place.home / "bastion.sock"))
    except OSError:
        return False
    return True

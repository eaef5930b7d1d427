"""Presses: from the press on each surface to the arrival of the first order's bytes, alone and beside others.

A press is the moment in which the request's bytes are handed to the socket or the pipe. Connections are warm.
"""

import asyncio
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from bastion.app import Place, open_keys
from bastion.auth.keys import parse_scope
from tests.benchmarks.exit.chatty import CALLERS, META, tool_call
from tests.benchmarks.exit.desks import PROGRAM, Resident, answer_of, resident
from tests.benchmarks.exit.figures import Book, percentile, told
from tests.benchmarks.exit.null_client import null_moments
from tests.benchmarks.exit.plan import Plan
from tests.benchmarks.exit.stage import PAUSES, Stage, environment_of, is_order, place_of, shared_out, staged

MS = 1e6
ANSWER_S = 60.0
POSITIONS = 8
TOOL = "bastion_emergency_exit"
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")

Press = Callable[[], int]
"""Presses, returns when (monotonic nanoseconds), once the answer is there."""
Surface = Callable[[Resident, Place, str], AbstractContextManager[Press]]


def unix_socket(book: Book, plan: Plan) -> None:
    """The press of `bastion exit`."""
    _row(book, plan, "unix_socket", _by_unix_socket)


def mcp_stdio(book: Book, plan: Plan) -> None:
    """The press of an assistant that talks to `bastion mcp`."""
    _row(book, plan, "mcp_stdio", _by_mcp_stdio)


def mcp_http(book: Book, plan: Plan) -> None:
    """The press of an assistant that talks to the daemon."""
    _row(book, plan, "mcp_http", _by_mcp_http)


def rest(book: Book, plan: Plan) -> None:
    """The press of a program of the user's own."""
    _row(book, plan, "rest", _by_rest)


def _row(book: Book, plan: Plan, name: str, surface: Surface) -> None:
    alone: list[float] = []
    beside: list[float] = []
    null: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-exit-", dir=plan.state) as folder,
        staged(shared_out(POSITIONS, ("binance", "bybit"))) as stage,
    ):
        stage.reset()
        place = place_of(stage, Path(folder))
        with open_keys(place) as keys:
            made = [keys.create(scope=parse_scope("trade")).text for _ in range(CALLERS + 1)]
        with resident(place) as daemon, surface(daemon, place, made[-1]) as press:
            for number in plan.part(0.5).rounds():
                took = _once(stage, daemon, press)
                if number >= 0:
                    alone.append(took)
                    null.append(asyncio.run(null_moments(stage))[0])
            with callers(daemon, made[:CALLERS]) as heard:
                for number in plan.rounds():
                    took = _once(stage, daemon, press)
                    if number >= 0:
                        beside.append(took)
    book.note(
        f"press_{name}",
        {
            "runs": len(alone),
            "first_byte_ms": told(alone, 2),
            "null_first_byte_ms": told(null, 2),
            "runs_beside": len(beside),
            "beside_16_callers_ms": told(beside, 2),
            "their_calls": heard,
            "fdatasync_p99_ms": round(percentile(book.sync_ms, 0.99), 2),
            "load_1m": round(os.getloadavg()[0], 2),
        },
    )
    if name == "unix_socket":
        book.bar("press_unix_socket_ms_p99", percentile(alone, 0.99))
    elif name.startswith("mcp"):
        book.bar(f"press_{name}_chatty_ms_p99", percentile(beside, 0.99))


def _once(stage: Stage, daemon: Resident, press: Press) -> float:
    # An exit drops the desk's picture at each of its steps, the last of which follows its verdict.
    daemon.until_over()
    stage.reset()
    daemon.until_seen(POSITIONS)
    time.sleep(PAUSES.random() * 0.2)
    begun_ns = press()
    assert not stage.positions_left(), stage.positions_left()
    rows = [row for row in stage.log() if is_order(row) and int(row["received_ns"]) >= begun_ns]
    return (int(rows[0]["received_ns"]) - begun_ns) / MS


@contextmanager
def callers(daemon: Resident, keys: list[str]) -> Iterator[dict[str, int]]:
    """Let sixteen callers ask while the block lasts; what they heard is there after it, without a failure."""
    heard: dict[str, int] = {}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.exit.chatty", "127.0.0.1", str(port_of(daemon))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    try:
        process.stdin.write("".join(f"{key}\n" for key in keys))
        process.stdin.flush()
        yield heard
        heard |= json.loads(process.communicate(timeout=ANSWER_S)[0])
        assert heard["answered"] >= CALLERS, heard
        assert not heard["failed"], heard
    finally:
        process.kill()
        process.wait()


def port_of(daemon: Resident) -> int:
    """Return the port that the daemon said it serves on."""
    found = ADDRESS.search((daemon.place.home / "up.log").read_text(encoding="utf-8"))
    assert found is not None
    return int(found[1])


@contextmanager
def _by_unix_socket(daemon: Resident, _place: Place, _key: str) -> Iterator[Press]:
    def press() -> int:
        begun_ns = daemon.press()
        report = daemon.wait_for_verdict()
        assert report["verdict"] == "FLAT", report
        return begun_ns

    yield press


@contextmanager
def _by_mcp_http(daemon: Resident, _place: Place, key: str) -> Iterator[Press]:
    host = f"127.0.0.1:{port_of(daemon)}"
    request = tool_call(TOOL, host, key)
    with socket.create_connection(("127.0.0.1", port_of(daemon)), timeout=ANSWER_S) as wire:

        def press() -> int:
            begun_ns = time.monotonic_ns()
            wire.sendall(request)
            text = _whole_answer(wire)
            assert "FLAT" in text, text[:500]
            return begun_ns

        yield press


@contextmanager
def _by_rest(daemon: Resident, _place: Place, key: str) -> Iterator[Press]:
    body = json.dumps({"hold_s": "0"}).encode()
    head = ["POST /v1/exits HTTP/1.1", f"Host: 127.0.0.1:{port_of(daemon)}", f"X-API-Key: {key}"]
    head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    request = "\r\n".join([*head, "", ""]).encode() + body
    with socket.create_connection(("127.0.0.1", port_of(daemon)), timeout=ANSWER_S) as wire:

        def press() -> int:
            begun_ns = time.monotonic_ns()
            wire.sendall(request)
            report = answer_of(wire)
            assert report["verdict"] == "FLAT", report
            return begun_ns

        yield press


@contextmanager
def _by_mcp_stdio(_daemon: Resident, place: Place, key: str) -> Iterator[Press]:
    with (place.home / "mcp.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [PROGRAM, "mcp"],
            env={**environment_of(place), "BASTION_API_KEY": key},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        try:
            params: dict[str, Any] = {"name": TOOL, "arguments": {}, "_meta": META}
            line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
            _told(
                process,
                json.dumps(
                    {"jsonrpc": "2.0", "id": 0, "method": "tools/list", "params": {"_meta": META}}
                ).encode(),
            )

            def press() -> int:
                begun_ns = time.monotonic_ns()
                text = _told(process, line)
                assert "FLAT" in text, text[:500]
                return begun_ns

            yield press
        finally:
            process.terminate()
            process.wait()


def _told(process: subprocess.Popen[bytes], line: bytes) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + b"\n")
    process.stdin.flush()
    while True:
        ready, _, _ = select.select([process.stdout], [], [], ANSWER_S)
        assert ready, "bastion mcp did not answer"
        text = process.stdout.readline().decode()
        assert text, "bastion mcp ended"
        if '"result"' in text or '"error"' in text:
            return text


def _whole_answer(wire: socket.socket) -> str:
    # An answer that is a stream of events comes in chunks; its end is the empty one.
    data = b""
    while True:
        data += wire.recv(65_536)
        head, found, content = data.partition(b"\r\n\r\n")
        if not found:
            continue
        head = head.lower()
        if b"content-length:" in head:
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(content) >= length:
                return content.decode()
        elif content.endswith(b"0\r\n\r\n"):
            return content.decode()

"""A client that goes away, gently or not, at any moment of an exit, stops nothing."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.mcp.exchange import Exchange, house_at, standing_exchange
from tests.acceptance.mcp.house import PROGRAM, House, serving
from tests.acceptance.mcp.talk import answer_of, over_http

ANSWER_MS = 300
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "a test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
    "progressToken": "p",
}
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "bastion_emergency_exit", "arguments": {}, "_meta": META},
}
HEADERS = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "bastion_emergency_exit",
}


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with standing_exchange() as standing:
        standing.slow_down(ANSWER_MS)
        yield standing


@pytest.fixture
def house(exchange: Exchange, tmp_path: Path) -> House:
    return house_at(exchange, tmp_path)


async def hang_up(url: str, key: str, *, after_s: float) -> None:
    """Call the exit on the modern wire and break the connection after that time."""
    async with httpx2.AsyncClient(timeout=60, verify=False) as http:
        try:
            async with asyncio.timeout(after_s):
                await http.post(url, content=json.dumps(CALL), headers=HEADERS | {"x-api-key": key})
        except TimeoutError:
            return
    raise AssertionError("the exit answered before the client could hang up")


async def status_when_judged(url: str, key: str, exit_id: str) -> dict[str, object]:
    """Ask for the exit's state until it has its verdict."""
    async with over_http(url, "auto", headers={"X-API-Key": key}) as client:
        for _ in range(200):
            answer = answer_of(await client.call_tool("bastion_exit_status", {"exit_id": exit_id}))
            if answer["verdict"] is not None:
                return answer
            await asyncio.sleep(0.1)
    raise AssertionError("the exit never came to its verdict")


async def joined_answer(url: str, key: str) -> dict[str, object]:
    async with over_http(url, "auto", headers={"X-API-Key": key}) as client:
        return answer_of(await client.call_tool("bastion_emergency_exit", {}))


@pytest.mark.parametrize("after_s", [0.01, 0.03, 0.05, 0.2, 0.5, 0.9])
async def test_over_http_the_exit_goes_on_and_the_next_call_joins_it(
    exchange: Exchange, house: House, after_s: float
) -> None:
    key = house.key("trade")
    with serving(house) as served:
        await hang_up(served.stream, key, after_s=after_s)
        answer = await joined_answer(served.stream, key)
        assert answer["success"] is True, answer
        assert answer["positions_closed"] == 4
        assert exchange.open_positions() == 0
        assert exchange.orders() == 4
        exit_id = str(answer["exit_id"])
        assert (await status_when_judged(served.stream, key, exit_id))["verdict"] == "FLAT"


async def test_two_calls_at_once_on_two_connections_are_one_exit(exchange: Exchange, house: House) -> None:
    key = house.key("trade")
    with serving(house) as served:
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(joined_answer(served.stream, key)) for _ in range(3)]
    answers = [call.result() for call in calls]
    assert len({answer["exit_id"] for answer in answers}) == 1
    assert all(answer["success"] is True for answer in answers)
    assert exchange.orders() == 4


async def test_a_server_that_is_told_to_end_finishes_the_exit_first(exchange: Exchange, house: House) -> None:
    key = house.key("trade")
    with serving(house) as served:
        await hang_up(served.stream, key, after_s=0.5)
        served.stop()
        assert served.process.returncode == 0
    assert exchange.open_positions() == 0
    assert exchange.orders() == 4


class Piped:
    """`bastion mcp` with its pipes in our hands."""

    def __init__(self, house: House, key: str) -> None:
        self.process = subprocess.Popen(
            [PROGRAM, "mcp"],
            env=house.variables | {"BASTION_API_KEY": key},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def call_exit(self) -> None:
        """Send the call, as a client of the modern wire."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(CALL) + "\n")
        self.process.stdin.flush()

    def go_away(self) -> None:
        """Close both pipes, as a client that ends does."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()

    def signal_group(self, number: signal.Signals) -> None:
        """Signal the process and its children, as clients do."""
        os.killpg(self.process.pid, number)


@pytest.fixture
def piped(house: House) -> Iterator[Piped]:
    server = Piped(house, house.key("trade"))
    yield server
    if server.process.poll() is None:
        server.process.kill()
    server.process.wait(timeout=30)
    server.go_away()


def the_verdict(house: House) -> dict[str, object]:
    """Ask the program for the last exit, whoever carried it out."""
    done = house.run("status", "--json")
    document = json.loads(done.stdout)
    last = document["last_exit"]
    assert isinstance(last, dict)
    return last


def test_over_stdio_the_exit_is_finished_after_the_pipe_closed(
    exchange: Exchange, house: House, piped: Piped
) -> None:
    piped.call_exit()
    exchange.wait_for_orders(1)
    piped.go_away()
    assert piped.process.wait(timeout=60) == 0
    assert exchange.open_positions() == 0
    assert exchange.orders() == 4
    assert the_verdict(house)["verdict"] == "FLAT"


def test_over_stdio_the_exit_is_finished_before_a_termination(
    exchange: Exchange, house: House, piped: Piped
) -> None:
    piped.call_exit()
    exchange.wait_for_orders(1)
    piped.signal_group(signal.SIGTERM)
    assert piped.process.wait(timeout=60) == -signal.SIGTERM
    assert exchange.open_positions() == 0
    assert exchange.orders() == 4
    assert the_verdict(house)["verdict"] == "FLAT"


def test_over_stdio_a_successor_finishes_the_exit_of_a_killed_server(
    exchange: Exchange, house: House, piped: Piped
) -> None:
    exchange.slow_down(1000)
    piped.call_exit()
    exchange.wait_for_orders(1)
    piped.go_away()
    # The usual clients: closed pipes, two seconds, SIGTERM, two seconds, SIGKILL.
    with pytest.raises(subprocess.TimeoutExpired):
        piped.process.wait(timeout=1)
    piped.signal_group(signal.SIGKILL)
    piped.process.wait(timeout=30)
    exchange.wait_for_flat()
    # This server died before its verdict; whoever wrote it down was the successor.
    for _ in range(60):
        if the_verdict(house)["verdict"] is not None:
            break
    assert the_verdict(house)["verdict"] == "FLAT"
    assert exchange.orders() == 4

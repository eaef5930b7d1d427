"""Ten thousand bad keys a minute beside a running exit: it ends flat, in its usual time."""

import asyncio
import http.client
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.acceptance.mcp.house import House, Served, serving
from tests.acceptance.mcp.talk import answer_of, over_http

A_MINUTE = 10_000
CLIENTS = 4
TRIED = 400
BODY = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "bastion_get_positions",
            "arguments": {},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "flood", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    }
)
HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "bastion_get_positions",
}
DIGITS = str.maketrans("0189", "abcd")


@contextmanager
def flood(served: Served) -> Iterator[Counter[str]]:
    """Try bad keys at that pace, by a few clients on connections that stay open; count the answers."""
    place = urlsplit(served.address)
    codes: Counter[str] = Counter()
    counting = threading.Lock()
    over = threading.Event()

    def try_keys() -> None:
        assert place.hostname is not None
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
        due = time.monotonic()
        number = 0
        while not over.is_set():
            number += 1
            key = f"bst_{number:040d}".translate(DIGITS)
            connection.request("POST", "/mcp/stream", BODY, {**HEADERS, "Authorization": f"Bearer {key}"})
            text = connection.getresponse().read().decode()
            code = next((code for code in ("AUTH_REQUIRED", "RATE_LIMITED") if code in text), text[:200])
            with counting:
                codes[code] += 1
            due += 60 * CLIENTS / A_MINUTE
            over.wait(max(0.0, due - time.monotonic()))
        connection.close()

    clients = [threading.Thread(target=try_keys, daemon=True) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield codes
    finally:
        over.set()
        for client in clients:
            client.join(timeout=30)


async def exit_in(served: Served, key: str) -> float:
    """Exit everything, and return the seconds that it took to be proven flat."""
    async with over_http(served.stream, "auto", headers={"X-API-Key": key}) as client:
        answer = answer_of(await client.call_tool("bastion_emergency_exit", {}))
    assert answer["verdict"] == "FLAT", answer["summary"]
    assert answer["positions_closed"] == 4
    taken = answer["time_to_flat_ms"]
    assert isinstance(taken, int)
    return taken / 1_000


async def test_a_flood_of_bad_keys_neither_stops_nor_slows_an_exit(tmp_path: Path) -> None:
    calm, flooded = House(folder=tmp_path / "calm", more={}), House(folder=tmp_path / "flooded", more={})
    for house in (calm, flooded):
        house.folder.mkdir()
    with serving(calm) as served:
        usual_s = await exit_in(served, calm.key("trade"))
    with serving(flooded) as served:
        key = flooded.key("trade")
        spent_s = cpu_s(served.process.pid)
        with flood(served) as codes:
            await until(lambda: codes.total() >= TRIED)
            cost_s = (cpu_s(served.process.pid) - spent_s) / codes.total()
            flooded_s = await exit_in(served, key)
    assert set(codes) == {"AUTH_REQUIRED", "RATE_LIMITED"}
    assert codes["AUTH_REQUIRED"] < TRIED / 4, "who tries many bad keys is told to wait"
    # The pace that a loaded machine allows says little; what the pace of the attack costs the server does.
    assert cost_s * A_MINUTE / 60 < 0.7, f"a bad key costs {cost_s * 1e3:.2f} ms of the processor"
    assert flooded_s < 2 * usual_s + 1, f"usually {usual_s:.2f} s, in the flood {flooded_s:.2f} s"


def cpu_s(pid: int) -> float:
    """Return how long a process has used the processor, where the system tells it by /proc; else zero."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, which comes within 30 s."""
    for _ in range(1_500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen within 30 s")

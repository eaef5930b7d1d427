"""Cuts: a client that breaks its connection at a random moment of an exit; the exit completes all the same.

`make cuts` plays two hundred of them, the tests a few. One seed is one cut, so that a failed one comes again.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.acceptance.mcp.exchange import Exchange, house_at, standing_exchange
from tests.acceptance.mcp.house import serving
from tests.acceptance.mcp.talk import answer_of, over_http

CUTS = 200
CUTS_A_SERVER = 4
ANSWER_MS_MAX = 120
CUT_S_MAX = 1.2
POLLS = 300
ARRIVAL_POLLS = 20
STEP_S = 0.05
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "a cut", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
    "progressToken": "p",
}
HEADERS = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
}
TOOLS = ("bastion_emergency_exit", "bastion_kill_switch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What came of one cut: whether the call arrived, whether it was answered, and how the exit ended."""

    seed: int
    arrived: bool
    answered: bool
    verdict: str | None
    open_after: int

    @property
    def good(self) -> bool:
        """Whether the exit ended flat, and the market holds nothing."""
        return self.verdict == "FLAT" and self.open_after == 0


async def call_and_cut(url: str, key: str, tool: str, *, after_s: float) -> bool:
    """Call the tool and break the connection after that time; return whether the answer came before."""
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": {}, "_meta": META},
    }
    headers = HEADERS | {"mcp-name": tool, "x-api-key": key}
    async with httpx2.AsyncClient(timeout=60, verify=False) as http:
        try:
            async with asyncio.timeout(after_s):
                await http.post(url, content=json.dumps(body), headers=headers)
        except TimeoutError:
            return False
    return True


async def last_exit(url: str, key: str) -> str | None:
    """Return the id of the newest exit, by the list over REST: it reads the journal and asks no venue."""
    async with httpx2.AsyncClient(timeout=60, verify=False) as http:
        address = url.removesuffix("/mcp/stream")
        answer = await http.get(f"{address}/v1/exits?limit=1", headers={"x-api-key": key})
    exits = answer.json()["exits"]
    return str(exits[0]["exit_id"]) if exits else None


async def play(url: str, key: str, market: Exchange, seed: int) -> Cut:
    """Open the positions, call an exit, cut, and follow that exit by its id to its verdict.

    A cut before the request arrived has asked for nothing; then the exit is asked for again, and whole.
    """
    chance = random.Random(seed)
    market.fresh()
    market.slow_down(chance.randint(0, ANSWER_MS_MAX))
    tool = chance.choice(TOOLS)
    async with over_http(url, "auto", headers={"X-API-Key": key}) as client:
        known = await last_exit(url, key)
        answered = await call_and_cut(url, key, tool, after_s=chance.uniform(0.001, CUT_S_MAX))
        exit_id: object = known
        for _ in range(ARRIVAL_POLLS):
            exit_id = await last_exit(url, key)
            if exit_id != known:
                break
            await asyncio.sleep(STEP_S)
        arrived = exit_id != known
        if not arrived:
            exit_id = answer_of(await client.call_tool("bastion_emergency_exit", {}))["exit_id"]
        verdict: object = None
        for _ in range(POLLS):
            status = answer_of(await client.call_tool("bastion_exit_status", {"exit_id": exit_id}))
            verdict = status["verdict"]
            if verdict is not None:
                break
            await asyncio.sleep(STEP_S)
    left = market.open_positions()
    market.mend()
    told = None if verdict is None else str(verdict)
    return Cut(seed=seed, arrived=arrived, answered=answered, verdict=told, open_after=left)


async def play_all(url: str, key: str, market: Exchange, seeds: Iterable[int]) -> list[Cut]:
    """Play the cuts one after another."""
    return [await play(url, key, market, seed) for seed in seeds]


def play_on_fresh_servers(market: Exchange, folder: Path, seeds: Sequence[int]) -> list[Cut]:
    """Play the cuts, a few on each server: the venues' published limits allow only so many exits a minute."""
    house = house_at(market, folder, hold_s=0)
    key = house.key("trade")
    cuts: list[Cut] = []
    for first in range(0, len(seeds), CUTS_A_SERVER):
        with serving(house) as served:
            some = seeds[first : first + CUTS_A_SERVER]
            cuts += asyncio.run(play_all(served.stream, key, market, some))
        sys.stdout.write(f"{len(cuts)} of {len(seeds)}\n")
        sys.stdout.flush()
    return cuts


def main() -> int:
    """Play two hundred cuts; the bars are the last lines."""
    began = time.monotonic()
    with standing_exchange() as market, tempfile.TemporaryDirectory() as folder:
        cuts = play_on_fresh_servers(market, Path(folder), range(CUTS))
    for cut in cuts:
        if not cut.good:
            sys.stdout.write(f"{cut}\n")
    good = sum(cut.good for cut in cuts)
    early = sum(cut.arrived and not cut.answered for cut in cuts)
    sys.stdout.write(f"{len(cuts)} cuts in {time.monotonic() - began:.0f} s\n")
    sys.stdout.write(f"bar completed_exits {good} >={CUTS} {'ok' if good >= CUTS else 'short'}\n")
    met = early >= CUTS // 2
    sys.stdout.write(f"bar cut_in_mid_exit {early} >={CUTS // 2} {'ok' if met else 'short'}\n")
    return 0 if good >= CUTS and met else 1


if __name__ == "__main__":
    sys.exit(main())

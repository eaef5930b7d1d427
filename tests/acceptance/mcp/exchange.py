"""Exchange: a paper exchange that stands on its own, with its true state and faults at hand."""

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2

import bastion.paper
from bastion.app import find_place, open_vault
from bastion.auth.credential import read_credential
from tests.acceptance.mcp.house import House

TOKEN = "a-token-of-this-test"
START_S = 60
WAIT_S = 60
STEP_S = 0.05
COMMIT_MS = 1000
SEED = Path(bastion.paper.__file__).parent / "scenarios" / "seed.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A running paper exchange with the scenario `seed`."""

    wires: dict[str, str]
    control: str
    http: httpx2.Client
    orders_before: int = 0

    def ask(self, method: str, path: str, body: object = None) -> object:
        """Send one request to the control API."""
        content = None if body is None else json.dumps(body)
        answer = self.http.request(method, self.control + path, content=content)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fresh(self, *, unable: str = "") -> None:
        """Load the scenario anew, without faults; at the venue `unable` the key may only read."""
        document = tomllib.loads(SEED.read_text(encoding="utf-8"))
        for venue in document["venue"]:
            for account in venue["account"]:
                rights = ["read"] if venue["name"] == unable else ["read", "trade"]
                key = {"api_key": account.pop("api_key"), "secret": account.pop("secret")}
                account["key"] = [{**key, "permissions": rights}]
        self.ask("DELETE", "/faults")
        self.ask("POST", "/scenario", document)

    def price(self, venue: str, symbol: str, price: str) -> None:
        """Move a mark price."""
        self.ask("POST", "/price", {"venue": venue, "symbol": symbol, "price": price})

    def fault(self, kind: str, **more: object) -> None:
        """Let something go wrong until `mend`."""
        self.ask("POST", "/faults", {"kind": kind, **more})

    def mend(self) -> None:
        """Let nothing go wrong any more."""
        self.ask("DELETE", "/faults")

    def slow_down(self, answer_ms: int) -> None:
        """Let every answer take this long."""
        self.ask("POST", "/faults", {"kind": "latency", "answer_ms": answer_ms})

    def open_positions(self) -> int:
        """Return how many positions the exchange truly holds."""
        return sum(len(account["positions"]) for account in self._accounts())

    def orders(self) -> int:
        """Return how many orders it took since the scenario began."""
        return sum(len(account["orders"]) for account in self._accounts()) - self.orders_before

    def _accounts(self) -> list[dict[str, list[object]]]:
        state = self.ask("GET", "/state")
        assert isinstance(state, dict)
        return [account for venue in state["venues"].values() for account in venue["accounts"].values()]

    def wait_for_orders(self, count: int) -> None:
        """Return once it has taken that many orders."""
        self._wait(lambda: self.orders() >= count, f"{count} orders")

    def wait_for_flat(self) -> None:
        """Return once it holds nothing."""
        self._wait(lambda: self.open_positions() == 0, "no position")

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        for _ in range(round(WAIT_S / STEP_S)):
            if done():
                return
            time.sleep(STEP_S)
        raise AssertionError(f"the exchange never came to {what}")


@contextmanager
def standing_exchange() -> Iterator[Exchange]:
    """Run the exchange in a process of its own until the block ends."""
    command = [
        sys.executable,
        "-m",
        "bastion.paper",
        "--scenario",
        "seed",
        "--port",
        "0",
        "--control-port",
        "0",
    ]
    with subprocess.Popen(
        command,
        env=os.environ | {"BASTION_PAPER_CONTROL_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            control = f"http://127.0.0.1:{ready['control_port']}"
            with httpx2.Client(headers={"Authorization": f"Bearer {TOKEN}"}, verify=False) as http:
                fresh = Exchange(wires=ready["wires"], control=control, http=http)
                # The positions of the scenario were opened by orders, too.
                yield replace(fresh, orders_before=fresh.orders())
        finally:
            process.terminate()
            process.wait(timeout=START_S)


def house_at(exchange: Exchange, folder: Path, *, hold_s: int | None = None) -> House:
    """Return a house whose configuration and vault name the accounts of this exchange."""
    scenario = tomllib.loads(SEED.read_text(encoding="utf-8"))
    config = folder / "bastion.toml"
    # A busy disk is not what these tests are about: with this much time no record goes to the spool.
    # The tests put other worlds in place between two looks of the desk, as no venue does.
    held = f"[exit]\nintent_commit_budget_ms = {COMMIT_MS}\nrecent_look_s = 0\n"
    held += "" if hold_s is None else f"hold_s = {hold_s}\n"
    config.write_text(
        "".join(
            f'[[account]]\nname = "{venue}-main"\nvenue = "{venue}"\nbase_url = "{url}"\n'
            f'credential = "{venue}-main"\n\n'
            for venue, url in exchange.wires.items()
            if venue in {"binance", "bybit"}
        )
        + held,
        encoding="utf-8",
    )
    house = House(folder=folder, more={"BASTION_CONFIG": str(config)})
    vault = open_vault(find_place(config=config, environment=house.variables))
    for venue in scenario["venue"]:
        account = venue["account"][0]
        credential = json.dumps({"apiKey": account["api_key"], "secret": account["secret"]})
        vault.put(read_credential(f"{venue['name']}-main", credential))
    return house

"""The paper exchange as a process of its own, and the client of its control port."""

import http.client
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

TOKEN_VARIABLE = "BASTION_PAPER_CONTROL_TOKEN"
_START_S = 30
_CALL_S = 15


class ControlError(AssertionError):
    """The control port refused a call."""


class PaperControl:
    """The control API of one paper exchange process."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Make one call and return its JSON; raises `ControlError` for any status but 200."""
        status, data = self.attempt(method, path, body, token=self.token)
        if status != 200:
            raise ControlError(f"{method} {path}: {status} {data}")
        return data

    def attempt(self, method: str, path: str, body: object, *, token: str) -> tuple[int, dict[str, Any]]:
        """Make one call and return status and JSON, whatever they are."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_CALL_S)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def load_scenario(self, scenario: str | Mapping[str, Any]) -> None:
        """Replace the world by a scenario: its name, or its whole document."""
        self.call("POST", "/scenario", {"name": scenario} if isinstance(scenario, str) else scenario)

    def set_price(self, venue: str, symbol: str, price: str, *, ramp_ms: int = 0) -> None:
        """Move a mark price, at once or in a straight line."""
        body = {"venue": venue, "symbol": symbol, "price": price, "ramp_ms": ramp_ms}
        self.call("POST", "/price", body)

    def set_depth(self, venue: str, symbol: str, **shape: Any) -> None:  # noqa: ANN401 - JSON
        """Replace the synthetic depth: `bids` and `asks` as [[ticks from mark, quantity], ...]."""
        self.call("POST", "/depth", {"venue": venue, "symbol": symbol, **shape})

    def fault(self, kind: str, **fields: Any) -> int:  # noqa: ANN401 - JSON
        """Put one fault rule in force and return its id."""
        return int(self.faults([{"kind": kind, **fields}])[0])

    def faults(self, rules: Sequence[Mapping[str, Any]]) -> list[int]:
        """Put fault rules in force and return their ids."""
        added: list[int] = self.call("POST", "/faults", list(rules))["added"]
        return added

    def clear_faults(self) -> None:
        """Take all fault rules out of force."""
        self.call("DELETE", "/faults")

    def add_position(self, venue: str, symbol: str, quantity: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Book a position for the account `main`."""
        self.call("POST", "/positions", {"venue": venue, "symbol": symbol, "quantity": quantity, **fields})

    def place_order(self, venue: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Let another bot place an order on the account `main`."""
        return self.call("POST", "/orders", {"venue": venue, **fields})

    def add_account(self, venue: str, name: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Add an account; its key is `paper-VENUE-NAME-key` unless given."""
        keys = {"api_key": f"paper-{venue}-{name}-key", "secret": f"paper-{venue}-{name}-secret"}
        self.call("POST", "/accounts", {"venue": venue, "name": name, **keys, **fields})

    def state(self) -> dict[str, Any]:
        """Return the exchange's true state."""
        return self.call("GET", "/state")

    def account(self, venue: str, account: str = "main") -> dict[str, Any]:
        """Return what one account truly holds."""
        found: dict[str, Any] = self.state()["venues"][venue]["accounts"][account]
        return found

    def positions(self, venue: str, account: str = "main") -> dict[str, str]:
        """Return the true signed quantity of every symbol held."""
        return {row["symbol"]: row["quantity"] for row in self.account(venue, account)["positions"]}

    def requests(self, *, venue: str = "", path: str = "") -> list[dict[str, Any]]:
        """Return the request log."""
        rows: list[dict[str, Any]] = self.call("GET", f"/requests?venue={venue}&path={path}")["requests"]
        return rows

    def clear_requests(self) -> None:
        """Empty the request log."""
        self.call("DELETE", "/requests")

    def ledger(self) -> dict[str, Any]:
        """Return the ledger of every venue."""
        return self.call("GET", "/ledger")

    def advance(self, by_ms: int) -> None:
        """Step a stepped clock."""
        self.call("POST", "/clock", {"advance_ms": by_ms})


class PaperProcess:
    """A running paper exchange: where its wires are, and its control port."""

    def __init__(self, process: subprocess.Popen[str], ready: Mapping[str, Any], token: str) -> None:
        self.process = process
        self.ready = ready
        self.port = int(ready["port"])
        self.control = PaperControl(int(ready["control_port"]), token)

    def base_url(self, venue: str) -> str:
        """Return scheme, host and prefix of a venue's wire, without the API path."""
        return f"http://127.0.0.1:{self.port}/{venue}"


@contextmanager
def paper_exchange(scenario: str = "seed", *arguments: str) -> Iterator[PaperProcess]:
    """Start `python -m bastion.paper` on free ports, and stop it at the end."""
    token = secrets.token_urlsafe(16)
    command = [sys.executable, "-m", "bastion.paper", "--port", "0", "--control-port", "0"]
    process = subprocess.Popen(
        [*command, "--scenario", scenario, "--exit-with-parent", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, TOKEN_VARIABLE: token},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, f"the paper exchange did not start (exit code {process.wait(_START_S)})"
        yield PaperProcess(process, json.loads(line), token)
    finally:
        process.stdin.close()
        try:
            process.wait(_START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

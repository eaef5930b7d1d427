"""Rig: the installed program, a paper exchange in a process of its own, and what is true there."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

PROGRAM = str(Path(sys.executable).parent / "bastion")
TOKEN = "control-token-of-the-tests"
START_S = 30
COMMAND_S = 90
CANARIES = {venue: f"paper-{venue}-secret" for venue in ("binance", "bybit")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A running paper exchange, steered and read over its control port."""

    wires: Mapping[str, str]
    control_url: str

    def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Send one control request and return its answer."""
        request = urllib.request.Request(  # noqa: S310 - loopback, made here
            self.control_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - as above
                return json.loads(answer.read(), parse_float=Decimal)
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    def break_with(self, *faults: Mapping[str, object]) -> None:
        """Inject faults."""
        self.ask("POST", "/faults", list(faults))

    def account(self, venue: str, name: str = "main") -> Any:  # noqa: ANN401 - JSON
        """Return what one account truly holds."""
        return self.ask("GET", "/state")["venues"][venue]["accounts"][name]

    def positions(self, venue: str, name: str = "main") -> dict[str, Decimal]:
        """Return the true signed positions of one account."""
        rows = self.account(venue, name)["positions"]
        return {row["symbol"]: Decimal(row["quantity"]) for row in rows if Decimal(row["quantity"])}

    def requests(self, venue: str = "") -> list[Any]:
        """Return the request log."""
        rows = self.ask("GET", f"/requests?venue={venue}")["requests"]
        return list(rows)

    def orders(self, venue: str = "") -> list[Any]:
        """Return the logged requests that placed an order."""
        return [row for row in self.requests(venue) if is_order(row)]


def is_order(row: Mapping[str, Any]) -> bool:
    """Whether a logged request placed an order at its venue."""
    return row["method"] == "POST" and row["path"] in {"/fapi/v1/order", "/v5/order/create"}


@contextmanager
def paper_exchange(scenario: str) -> Iterator[Paper]:
    """Run a paper exchange with the scenario until the block ends."""
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "bastion.paper", "--scenario", scenario),
            *("--port", "0", "--control-port", "0", "--exit-with-parent"),
        ],
        env={**os.environ, "BASTION_PAPER_CONTROL_TOKEN": TOKEN},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            yield Paper(wires=ready["wires"], control_url=f"http://127.0.0.1:{ready['control_port']}")
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """One account of a configuration."""

    name: str
    venue: str
    base_url: str
    credential: str = ""

    def toml(self) -> str:
        """Return its table."""
        return (
            f'[[account]]\nname = "{self.name}"\nvenue = "{self.venue}"\nbase_url = "{self.base_url}"\n'
            f'credential = "{self.credential or self.name}"\n'
        )


@dataclass(slots=True)
class Trader:
    """A person with a configuration and a vault, who runs the installed program.

    `filled` is where a vault with both paper credentials stands, as the program itself made it.
    """

    folder: Path
    filled: Path | None = None
    outputs: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.folder / "bastion.toml"

    @property
    def home(self) -> Path:
        """The state directory."""
        return self.folder / "state"

    @property
    def environment(self) -> dict[str, str]:
        """What the program sees; nothing of the environment of whoever runs the tests."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "BASTION_HOME": str(self.home),
            "BASTION_VAULT_KEY_FILE": str(self.folder / "trader.key"),
        }

    def run(self, *arguments: str, given: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        done = subprocess.run(
            [PROGRAM, *arguments],
            env={**self.environment, **more},
            input=given,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        self.outputs += [done.stdout, done.stderr]
        return done

    def configure(self, *accounts: AccountLine, more: str = "") -> None:
        """Write the configuration."""
        self.config.write_text("\n".join(account.toml() for account in accounts) + more, encoding="utf-8")

    def put(self, name: str, key: str, secret: str) -> None:
        """Store a credential by the program's own command."""
        done = self.run(
            "vault", "put", name, "--from-stdin", given=json.dumps({"api_key": key, "secret": secret})
        )
        assert done.returncode == 0, done.stderr
        assert secret not in done.stdout + done.stderr

    def connect(self, paper: Paper) -> None:
        """Configure both accounts of a paper exchange and store their credentials."""
        accounts = [
            AccountLine(name=f"my-{venue}", venue=venue, base_url=url) for venue, url in paper.wires.items()
        ]
        self.configure(*accounts)
        if self.filled is not None:
            self.home.mkdir(exist_ok=True)
            shutil.copy2(self.filled / "state" / "vault.age", self.home / "vault.age")
            shutil.copy2(self.filled / "trader.key", self.folder / "trader.key")
            return
        for account in accounts:
            self.put(account.name, f"paper-{account.venue}-key", CANARIES[account.venue])

    def exit_command(self, *more: str) -> list[str]:
        """Return the documented line for programs."""
        return ["exit", "--now", "--json", "--standalone", "--config", str(self.config), *more]

    def exit(self, *more: str) -> tuple[int, Any]:
        """Run an exit and return its code and its one document."""
        done = self.run(*self.exit_command(*more))
        return done.returncode, document(done.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        return subprocess.Popen(
            [PROGRAM, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def journal_holds(self, word: str) -> bool:
        """Whether a record of that kind is on the disk, in the journal or in its spool."""
        places = [*self.home.glob("journal.sqlite*"), *self.home.glob("spool/*")]
        return any(word.encode() in path.read_bytes() for path in places if path.is_file())


def document(text: str) -> Any:  # noqa: ANN401 - JSON
    """Return the one JSON document that the text is, numbers as decimals."""
    decoder = json.JSONDecoder(parse_float=Decimal)
    value, end = decoder.raw_decode(text)
    assert text[end:].strip() == "", "more than one document on standard output"
    return value


def wait_until(condition: Callable[[], bool], *, what: str, seconds: float = 20) -> None:
    """Wait for a condition, checking it often."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not happen: {what}"
        time.sleep(0.02)


def kill(process: subprocess.Popen[str]) -> None:
    """End a process the hard way, as a power cut would."""
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)


def closed_port() -> int:
    """Return a loopback port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def most_at_once(rows: Sequence[Mapping[str, Any]]) -> int:
    """Return how many of the requests were under way at the same moment."""
    edges = sorted([(row["received_ns"], 1) for row in rows] + [(row["answered_ns"], -1) for row in rows])
    most = now = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def assert_only_reduced(paper: Paper, venue: str, held: Mapping[str, Decimal], name: str = "main") -> None:
    """Check against the exchange's own fills that no position grew, flipped or was closed twice."""
    left = dict(held)
    for fill in paper.account(venue, name)["fills"]:
        if not fill["client_order_id"].startswith("bst") and Decimal(fill["closed_quantity"]) == 0:
            continue  # The scenario's own opening trade.
        symbol = fill["symbol"]
        signed = Decimal(fill["quantity"]) * (1 if fill["direction"] in {"BUY", "buy"} else -1)
        before, after = left[symbol], left[symbol] + signed
        assert abs(after) < abs(before), f"{venue} {symbol} went from {before} to {after}"
        assert before * after >= 0, f"{venue} {symbol} flipped from {before} to {after}"
        left[symbol] = after

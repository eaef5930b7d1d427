"""Rig: the margin venue as a process, a wallet with money in it, and the operator's hand."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

WALLET = "0x" + "a1" * 20
PROGRAM = (sys.executable, "-m", "bastion.paper.wire.strike")
BASTION = str(Path(sys.executable).parent / "bastion")
COMMAND_S = 150


@dataclass
class MarginVenueProcess:
    """A running margin venue."""

    url: str
    control_url: str
    control_token: str
    service_key: str
    deposits: int = 0
    personal_key: str = field(default="")

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        control: bool = False,
    ) -> Any:  # noqa: ANN401 - JSON
        headers = {"X-API-Key": self.service_key, "X-Wallet-Address": WALLET}
        if control:
            headers = {"Authorization": f"Bearer {self.control_token}"}
        request = urllib.request.Request(  # noqa: S310 - loopback, made here
            (self.control_url if control else self.url) + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={**headers, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - as above
                return json.loads(answer.read(), parse_float=Decimal)
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    def operate(self, path: str, **body: object) -> Any:  # noqa: ANN401 - JSON
        return self.ask("POST", path, body, control=True)

    def mark(self, price: str, symbol: str = "BTC-USD") -> None:
        self.operate("/marks", **{symbol: price})

    def halt(self, symbol: str = "BTC-USD", *, halted: bool = True) -> None:
        self.operate("/halt", symbol=symbol, halted=halted)

    def deposit(self, usd: str) -> None:
        self.deposits += 1
        body = {
            "walletAddress": WALLET,
            "amount": usd,
            "txHash": f"0x{self.deposits:064x}",
            "timestamp": "2026-01-01T00:00:00Z",
        }
        self.ask("POST", "/deposit", body)

    def open(
        self, *, usd: str = "100", leverage: int = 10, side: str = "long", symbol: str = "BTC-USD"
    ) -> int:
        body = {"margin": usd, "leverage": leverage, "symbol": symbol}
        return int(self.ask("POST", f"/{side}", body)["positionId"])

    def listed(self) -> dict[str, list[int]]:
        answer = self.ask("GET", f"/positions/{WALLET}")
        return {name: [row["id"] for row in answer[name]] for name in ("open", "closed", "settled")}

    def balances(self) -> dict[str, str]:
        answer = self.ask("GET", f"/account/{WALLET}")
        return dict(answer["balances"])

    def make_personal_key(self) -> str:
        self.personal_key = self.ask("POST", "/api-key/generate", {})["api_key"]
        return self.personal_key


@contextmanager
def margin_venue(folder: Path, *arguments: str) -> Iterator[MarginVenueProcess]:
    """Run the venue in `folder`, with a wallet of 10,000 USD, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    token_file = folder / "control.token"
    command = [
        *(*PROGRAM, "serve", "--folder", str(folder), "--mark", "BTC-USD=100000", "--mark", "ETH-USD=2500"),
        *("--control-port", "0", "--control-token", str(token_file), *arguments),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            venue = MarginVenueProcess(
                url=ready["url"],
                control_url=ready["control_url"],
                control_token=token_file.read_text(encoding="ascii"),
                service_key=Path(ready["service_key_file"]).read_text(encoding="ascii").strip(),
            )
            venue.deposit("10000")
            yield venue
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass
class MarginTrader:
    """A person with one account at the venue, who runs the installed program."""

    folder: Path
    venue: MarginVenueProcess
    outputs: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "bastion.toml"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "BASTION_HOME": str(self.folder / "state"),
            "BASTION_VAULT_KEY_FILE": str(self.folder / "trader.key"),
            "BASTION_CONFIG": str(self.config),
        }

    def prepare(self, account: str = "", settings: str = "", *, api_key: str = "", url: str = "") -> None:
        """Write the configuration and store the credential, as the program's user does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(
            f'[[account]]\nname = "margin"\nvenue = "strike"\nbase_url = "{url or self.venue.url}"\n'
            f'credential = "margin"\n{account}\n[exit]\nrefund_after_s = 1\n{settings}\n',
            encoding="utf-8",
        )
        given = f"api_key = {api_key or self.venue.service_key}\nwallet_address = {WALLET}\n"
        put = self.run("vault", "put", "margin", "--from-stdin", given=given)
        assert put.returncode == 0, put.stderr

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [BASTION, *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            env=self.environment,
            cwd=self.folder,
            check=False,
        )
        self.outputs += [done.stdout, done.stderr]
        return done

    def answer(self, *arguments: str) -> tuple[int, Any]:
        """Run a command that answers with JSON; return its exit code and the document."""
        done = self.run(*arguments, "--json")
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout, parse_float=Decimal)


class Interloper:
    """Stands between the program and the venue.

    `before` is called when an exit has come, `after` when the venue has answered it; where one of them says
    yes, the connection ends there.
    """

    def __init__(
        self,
        upstream: str,
        after: Callable[[], bool] = lambda: False,
        before: Callable[[], bool] = lambda: False,
    ) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._pass_on()

            def do_POST(self) -> None:
                self._pass_on()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def _pass_on(self) -> None:
                if self.path == "/emergency-exit":
                    outer.keys.append(self.headers.get("Idempotency-Key", ""))
                    if before():
                        self.close_connection = True
                        return
                length = int(self.headers.get("Content-Length") or 0)
                headers = {n: v for n, v in self.headers.items() if n.lower() not in {"host", "connection"}}
                request = urllib.request.Request(  # noqa: S310 - loopback, made here
                    upstream + self.path,
                    method=self.command,
                    data=self.rfile.read(length) if length else None,
                    headers=headers,
                )
                try:
                    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - as above
                        status, body = answer.status, answer.read()
                except urllib.error.HTTPError as error:
                    status, body = error.code, error.read()
                if self.path == "/emergency-exit" and after():
                    self.close_connection = True
                    return
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

        self.keys: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

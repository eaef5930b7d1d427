"""Reader: a person who types what a page says, line by line, into a shell."""

import json
import os
import re
import subprocess
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bastion.paper
from bastion.embedded import paper_credential
from tests.acceptance.cli.rig import PROGRAM, AccountLine, Paper, Trader, wait_until
from tests.secret_watch import learn

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "docs" / "how-to"
SCENARIOS = Path(bastion.paper.__file__).parent / "scenarios"
KEY = re.compile(r"\bbst_[a-z2-7]{40}\b")
ELSEWHERE = {
    "systemctl": "needs systemd; the tests of the daemon under a service manager stand for it",
    "loginctl": "needs systemd",
    "claude": "another program; the tests of its block stand for it",
}
"""Programs of the pages that are not ours and cannot be run everywhere, with the reason."""
VENUES = ("binance", "bybit")
LINE_S = 90


def document_of_all() -> dict[str, Any]:
    """Return a scenario with the venues of the shipped scenarios `seed` and `okx`."""
    seed = tomllib.loads((SCENARIOS / "seed.toml").read_text(encoding="utf-8"))
    okx = tomllib.loads((SCENARIOS / "okx.toml").read_text(encoding="utf-8"))
    return {**seed, "name": "all", "venue": [*seed["venue"], *okx["venue"]]}


def lines_of(page: str) -> list[str]:
    """Return the command lines of a page: those in fences without a language."""
    text = (PAGES / page).read_text(encoding="utf-8")
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [line for language, block in fenced if not language for line in block.splitlines() if line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one line answered."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Reader:
    """Types lines as they stand; only what a page cannot know is filled in.

    That is: `--base-url` (the paper exchange's, where the page means the public one), `--port 0` of the
    daemon, ids (EXIT_ID, HALT_ID, KEY_ID), and `--typed`, since no terminal is there.
    """

    folder: Path
    market: Paper
    key_id: str = ""
    daemon: subprocess.Popen[str] | None = None
    said: dict[str, Said] = field(default_factory=dict)

    @property
    def trader(self) -> Trader:
        """The same person, by the rig of the command line."""
        return Trader(self.folder)

    @property
    def environment(self) -> dict[str, str]:
        """What the shell sees."""
        return {
            **self.trader.environment,
            "PATH": f"{Path(PROGRAM).parent}{os.pathsep}{os.environ['PATH']}",
            "BASTION_CONFIG": str(self.trader.config),
        }

    def settle(self) -> None:
        """Configure an account at each venue, with its credential."""
        accounts = [
            AccountLine(name=f"main-{venue}", venue=venue, base_url=self.market.wires[venue])
            for venue in VENUES
        ]
        self.trader.configure(*accounts, more="[exit]\nhold_s = 0\n")
        for venue in VENUES:
            given = json.dumps(dict(paper_credential(venue)))
            done = self.trader.run("vault", "put", f"main-{venue}", "--from-stdin", given=given)
            assert done.returncode == 0, done.stderr
        self.write_credential("binance")
        self.shell("bastion keys create --scope trade --label bot")

    def write_credential(self, venue: str) -> None:
        """Write the file that the pages speak of."""
        names = {"apiKey": "api_key", "secret": "secret", "password": "passphrase"}
        file = self.folder / "credential.txt"
        rows = [f"{names[name]} = {value}" for name, value in paper_credential(venue).items()]
        file.write_text("\n".join(rows) + "\n", encoding="utf-8")
        file.chmod(0o600)

    def fill(self) -> None:
        """Put the positions back that an exit has closed."""
        self.market.ask("DELETE", "/faults")
        self.market.ask("POST", "/scenario", document_of_all())

    def open_positions(self) -> int:
        """Return how many positions there truly are."""
        return sum(len(self.market.positions(venue)) for venue in VENUES)

    def follow(self, page: str, *, only: str = "") -> list[str]:
        """Type every line of a page that holds the word; each must answer with its code."""
        typed = []
        for line in lines_of(page):
            if only not in line or line.split()[0] in ELSEWHERE:
                continue
            self.shell(line)
            typed.append(line)
        return typed

    def shell(self, line: str) -> Said:
        """Type one line and return its answer."""
        if line == "bastion up" and self.daemon is None:
            self._start()
            return Said(code=0, out="", err="")
        done = subprocess.run(
            ["bash", "-c", self._filled(line)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LINE_S,
            check=False,
        )
        said = Said(code=done.returncode, out=done.stdout, err=done.stderr)
        for key in KEY.findall(said.out):
            learn(key)
        made = re.search(r"\bId (k\w+)|key (k[a-z2-7]+)", said.err)
        if made:
            self.key_id = made.group(1) or made.group(2)
        self.said[line] = said
        assert said.code == self._expected(line), f"{line}\n{said.out}\n{said.err}"
        return said

    def _expected(self, line: str) -> int:
        # A page says so: there is no such exit, and a daemon is there already.
        return 2 if line in {"bastion exit --resume", "bastion up"} else 0

    def _filled(self, line: str) -> str:
        if "EXIT_ID" in line or "HALT_ID" in line:
            latch = json.loads(self.trader.run("status", "--json", **self._config()).stdout)["latch_id"]
            line = f"{re.sub('EXIT_ID|HALT_ID', latch, line)} --typed {latch[-4:]}"
        line = re.sub(r"\b(KEY_ID|ID)\b", self.key_id, line)
        if line.startswith("bastion connect "):
            venue = line.partition("--venue ")[2].split()[0]
            return f"{line} --base-url {self.market.wires[venue]}"
        return "bastion up --port 0" if line == "bastion up" else line

    def _config(self) -> dict[str, str]:
        return {"BASTION_CONFIG": str(self.trader.config)}

    def _start(self) -> None:
        self.daemon = subprocess.Popen(
            [PROGRAM, "up", "--port", "0"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        socket = self.trader.home / "bastion.sock"
        wait_until(socket.exists, what="the daemon's socket", seconds=30)

    def leave(self) -> None:
        """Stop the daemon."""
        if self.daemon is not None:
            self.daemon.terminate()
            started = time.monotonic()
            self.daemon.wait(timeout=30)
            assert time.monotonic() - started < 30

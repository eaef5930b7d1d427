"""The venue as a program: its own credentials, a clean end, and what survives kill -9."""

import http.client
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ALICE = "0x" + "a1" * 20
PROGRAM = (sys.executable, "-m", "bastion.paper.wire.strike")


class Program:
    """The running program and a plain client for it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.ready = json.loads(process.stdout.readline())

    def post(
        self, path: str, body: Mapping[str, object], headers: Mapping[str, str], *, control: bool = False
    ) -> tuple[int, bytes]:
        sent = {**headers, "Content-Type": "application/json"}
        return self._request("POST", path, json.dumps(body), sent, control=control)

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, *, control: bool = False
    ) -> dict[str, object]:
        status, raw = self._request("GET", path, None, headers or {}, control=control)
        assert status == 200
        parsed: dict[str, object] = json.loads(raw)
        return parsed

    def _request(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str], *, control: bool
    ) -> tuple[int, bytes]:
        url = self.ready["control_url" if control else "url"]
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        connection.request(method, path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        raw = answer.read()
        connection.close()
        return answer.status, raw


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Program]:
    command = [*PROGRAM, "serve", "--folder", str(folder), "--mark", "BTC-USD=100000", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


def tokens(folder: Path) -> dict[str, str]:
    command = [*PROGRAM, "token", "--folder", str(folder), "--user", "did:privy:alice", "--wallet", ALICE]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    printed: dict[str, str] = json.loads(done.stdout)
    return printed


def deposit(program: Program) -> None:
    body = {
        "walletAddress": ALICE,
        "amount": "100",
        "txHash": "0x" + "1" * 64,
        "timestamp": "2026-01-01T00:00:00Z",
    }
    assert program.post("/deposit", body, {})[0] == 200


def test_a_newcomer_trades_and_exits_with_the_programs_own_tokens(tmp_path: Path) -> None:
    with running(tmp_path) as program:
        deposit(program)
        headers = tokens(tmp_path)
        order = {"margin": "100.0", "leverage": 10, "symbol": "BTC-USD"}
        status, raw = program.post("/long", order, headers)
        assert status == 200, raw
        position = {"positionId": json.loads(raw)["positionId"]}
        answer = program.post("/emergency-exit", position, {"authorization": headers["authorization"]})
        assert answer == (200, b'{"success":true,"refundedAmount":"100.0"}')
        program.process.send_signal(signal.SIGTERM)
        assert program.process.wait(15) == 0


def test_the_service_key_and_the_issuers_key_are_the_owners_alone(tmp_path: Path) -> None:
    with running(tmp_path) as program:
        path = Path(program.ready["service_key_file"])
        for secret in (path, tmp_path / "issuer.pem"):
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        key = path.read_text(encoding="ascii")
        headers = {"X-API-Key": key, "X-Wallet-Address": ALICE}
        status, raw = program.post("/api-key/generate", {}, headers)
        assert (status, json.loads(raw)["success"]) == (200, True)
    with running(tmp_path) as program:
        assert program.post("/emergency-exit", {"positionId": 1}, headers)[0] == 400


def test_the_operator_moves_the_venue_behind_a_token(tmp_path: Path) -> None:
    token_file = tmp_path / "control.token"
    with running(tmp_path / "venue", "--control-port", "0", "--control-token", str(token_file)) as program:
        assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
        guard = {"Authorization": f"Bearer {token_file.read_text(encoding='ascii')}"}

        def operate(path: str, body: Mapping[str, object], **headers: str) -> tuple[int, dict[str, Any]]:
            status, raw = program.post(path, body, {**guard, **headers}, control=True)
            return status, json.loads(raw)

        assert operate("/marks", {"BTC-USD": "1"}, Authorization="Bearer x")[0] == 401
        deposit(program)
        status, headers = operate("/tokens", {"user": "did:privy:alice", "wallets": [ALICE]})
        assert status == 200
        order = {"margin": "50", "leverage": 10, "symbol": "BTC-USD"}
        ids = [json.loads(program.post("/long", order, headers)[1])["positionId"] for _ in range(2)]
        assert operate("/halt", {"symbol": "BTC-USD", "halted": True}) == (
            200,
            {"success": True, "liquidated": []},
        )
        assert program.post("/close", {"positionId": ids[0]}, headers)[0] == 400
        assert program.post("/emergency-exit", {"positionId": ids[0]}, headers)[0] == 200
        assert operate("/halt", {"symbol": "BTC-USD", "halted": False})[0] == 200
        assert operate("/funding", {"symbol": "BTC-USD"})[1]["positions"] == 0
        assert operate("/void", {"symbol": "BTC-USD"}) == (200, {"success": True, "refunded": [ids[1]]})
        assert operate("/endow", {"purse": "treasury", "amount": "12.5"})[0] == 200
        assert operate("/withdrawals", {"suspended": True})[0] == 200
        for path, body in (
            ("/marks", {"BTC-USD": 1}),
            ("/marks", {"DOGE-USD": "1"}),
            ("/halt", {"symbol": "BTC-USD", "halted": 1}),
            ("/endow", {"purse": "mine", "amount": "1"}),
            ("/tokens", {"user": "alice", "wallets": [ALICE]}),
            ("/tokens", {"user": "did:privy:alice", "wallets": ["0x12"]}),
            ("/tokens", {"user": "did:privy:alice", "wallets": []}),
        ):
            assert operate(path, body)[0] == 400, (path, body)
        metrics = program.get("/metrics", guard, control=True)
        assert (metrics["treasury"], metrics["open_positions"]) == (12_500_000, 0)
        balances = program.get(f"/account/{ALICE}")["balances"]
        assert balances == {"withdrawable": "100.00", "total": "100.00", "reserved": "0.00"}


def test_an_acknowledged_exit_survives_kill_9_and_pays_no_second_time(tmp_path: Path) -> None:
    with running(tmp_path, "--trading-limit", "off") as program:
        deposit(program)
        headers = tokens(tmp_path)
        order = {"margin": "100.0", "leverage": 10, "symbol": "BTC-USD"}
        position = {"positionId": json.loads(program.post("/long", order, headers)[1])["positionId"]}
        sent = {**headers, "Idempotency-Key": "once"}
        first = program.post("/emergency-exit", position, sent)
        assert first[0] == 200
        os.kill(program.process.pid, signal.SIGKILL)
        program.process.wait(15)
    with running(tmp_path) as program:
        assert program.post("/emergency-exit", position, sent) == first
        assert program.post("/emergency-exit", position, headers)[0] == 400
        balances = program.get(f"/account/{ALICE}")["balances"]
        assert balances == {"withdrawable": "100.00", "total": "100.00", "reserved": "0.00"}


@pytest.mark.parametrize(
    "arguments",
    [[], ["serve"], ["token", "--folder", "missing", "--user", "did:privy:a", "--wallet", ALICE]],
    ids=["no command", "no folder", "a folder that is not there"],
)
def test_a_wrong_command_line_ends_with_2_and_says_why(tmp_path: Path, arguments: list[str]) -> None:
    done = subprocess.run(
        [*PROGRAM, *arguments], check=False, capture_output=True, text=True, timeout=30, cwd=tmp_path
    )
    assert done.returncode == 2
    assert done.stderr

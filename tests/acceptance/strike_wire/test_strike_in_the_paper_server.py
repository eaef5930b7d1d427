"""`python -m bastion.paper --strike-port`: the margin venue on a port of its own, beside the other wires."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ALICE = "0x" + "a1" * 20
CONTROL = {"Authorization": "Bearer control-token-of-a-test"}


@pytest.fixture
def ready() -> Iterator[dict[str, Any]]:
    command = [
        sys.executable,
        "-m",
        "bastion.paper",
        "--port",
        "0",
        "--control-port",
        "0",
        "--strike-port",
        "0",
    ]
    environment = {**os.environ, "BASTION_PAPER_CONTROL_TOKEN": "control-token-of-a-test"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


def post(url: str, path: str, body: Mapping[str, object], headers: Mapping[str, str]) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    sent = {**headers, "Content-Type": "application/json"}
    connection.request("POST", path, body=json.dumps(body), headers=sent)
    answer = connection.getresponse()
    parsed = json.loads(answer.read())
    connection.close()
    return answer.status, parsed


def test_a_position_is_opened_at_the_paper_exchanges_mark_and_exited(ready: dict[str, Any]) -> None:
    control = f"http://127.0.0.1:{ready['control_port']}"
    asked = {"user": "did:privy:alice", "wallets": [ALICE]}
    status, credentials = post(control, "/strike/tokens", asked, CONTROL)
    assert status == 200
    assert post(control, "/strike/tokens", asked, {})[0] == 401
    deposit = {
        "walletAddress": ALICE,
        "amount": "100",
        "txHash": "0x" + "1" * 64,
        "timestamp": "2026-01-01T00:00:00Z",
    }
    venue = ready["strike"]
    assert post(venue, "/deposit", deposit, {})[0] == 200
    order = {"margin": "100.0", "leverage": 10, "symbol": "BTC-USD"}
    status, opened = post(venue, "/long", order, credentials)
    assert (status, opened["entryPrice"], opened["spread"]) == (200, "91209.12", "9.12")
    position = {"positionId": opened["positionId"]}
    key = Path(ready["strike_service_key_file"]).read_text(encoding="ascii")
    service = {"X-API-Key": key, "X-Wallet-Address": ALICE}
    assert post(venue, "/emergency-exit", position, service) == (
        200,
        {"success": True, "refundedAmount": "100.0"},
    )


@pytest.mark.parametrize("limit", ["x", "0", "-1", "1.5", ""])
def test_a_senseless_limit_is_refused_at_the_start(limit: str) -> None:
    command = [
        sys.executable,
        "-m",
        "bastion.paper",
        "--port",
        "0",
        "--control-port",
        "0",
        "--strike-port",
        "0",
    ]
    environment = {**os.environ, "BASTION_PAPER_CONTROL_TOKEN": "control-token-of-a-test"}
    done = subprocess.run(
        [*command, f"--strike-trading-limit={limit}"],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 2
    assert "A limit is a number of at least 1, or off" in done.stderr

"""Embedded: the paper exchange as a process of ours, with its accounts and its control API."""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping

from bastion.domain.account import Account
from bastion.domain.venue import KEY_SPACE_DEFAULT
from bastion.errors import ConfigInvalid, Refused
from bastion.http1.client import Client, Request
from bastion.shape import dataclass

PAPER_COMMAND = ("-m", "bastion.paper")
PAPER_TOKEN_VARIABLE = "BASTION_PAPER_CONTROL_TOKEN"  # noqa: S105 - the name of a variable
PAPER_START_S = 20.0
PAPER_STOP_S = 5.0
PAPER_CONTROL_S = 10.0
HTTP_ERRORS_FROM = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperProcess:
    """A running embedded paper exchange: its accounts, their paper credentials, and its control API."""

    accounts: tuple[Account, ...]
    credentials: Mapping[str, Mapping[str, str]]
    control_url: str
    control_token: str

    async def control(self, method: str, path: str, body: Mapping[str, object] | None = None) -> object:
        """Send one request to the control API and return its JSON answer.

        Raises:
            Refused: the control API refused it or did not answer.
        """
        headers = {"Authorization": f"Bearer {self.control_token}"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        request = Request(method=method, url=self.control_url + path, headers=headers, body=content)
        client = Client(now_ns=_now_ns)
        try:
            async with asyncio.timeout(PAPER_CONTROL_S):
                reply = await client.request(request, leaving=lambda: method == "GET")
        except (OSError, ValueError) as error:
            raise Refused(f"The paper exchange did not answer {method} {path}: {error}.") from error
        finally:
            await client.close()
        text = reply.body.decode("utf-8", errors="replace")
        if reply.status >= HTTP_ERRORS_FROM:
            raise Refused(f"The paper exchange refused {method} {path}: {text[:300]}")
        return json.loads(text) if text else None


@contextlib.asynccontextmanager
async def start_paper(scenario: str) -> AsyncIterator[PaperProcess]:
    """Start `python -m bastion.paper` on free loopback ports, and stop it at the end.

    Raises:
        ConfigInvalid: it does not start.
    """
    token = base64.urlsafe_b64encode(os.urandom(24)).decode("ascii")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *PAPER_COMMAND,
        *("--scenario", scenario, "--port", "0", "--control-port", "0", "--exit-with-parent"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, PAPER_TOKEN_VARIABLE: token},
        # Ctrl-C on the terminal is for the desk, which still needs the exchange to finish its exit.
        start_new_session=True,
    )
    try:
        yield await _ready(process, token)
    finally:
        await _stop(process)


async def _ready(process: asyncio.subprocess.Process, token: str) -> PaperProcess:
    if process.stdout is None:
        raise ConfigInvalid("The paper exchange has no output to read.")
    try:
        async with asyncio.timeout(PAPER_START_S):
            line = await process.stdout.readline()
        ready = json.loads(line)
        return _paper_of(ready["wires"], control_port=int(ready["control_port"]), token=token)
    except (TimeoutError, ValueError, KeyError, TypeError) as error:
        raise ConfigInvalid("The embedded paper exchange did not start; its message is above.") from error


def _paper_of(wires: Mapping[str, str], *, control_port: int, token: str) -> PaperProcess:
    # Every shipped scenario has one account `main` at each venue, with these keys.
    accounts = tuple(
        Account(
            name=f"paper-{venue}",
            venue=venue,
            key_space=KEY_SPACE_DEFAULT[venue],
            credential=f"paper-{venue}",
            base_url=url,
        )
        for venue, url in sorted(wires.items())
    )
    return PaperProcess(
        accounts=accounts,
        credentials={account.name: paper_credential(account.venue) for account in accounts},
        control_url=f"http://127.0.0.1:{control_port}",
        control_token=token,
    )


def paper_credential(venue: str) -> Mapping[str, str]:
    """Return the credential of the account `main` at a venue of a paper exchange; it guards nothing.

    Hyperliquid knows accounts by their address, and who signs by a private key: that of an agent.
    """
    if venue == "hyperliquid":
        wallet = hashlib.sha256(f"paper-{venue}-account".encode()).hexdigest()[:40]
        signer = hashlib.sha256(f"paper-{venue}-agent".encode()).hexdigest()
        return {"walletAddress": f"0x{wallet}", "privateKey": f"0x{signer}"}
    names = {"apiKey": "key", "secret": "secret", "password": "passphrase"}
    return {field: f"paper-{venue}-{word}" for field, word in names.items()}


def _now_ns() -> int:
    return int(asyncio.get_running_loop().time() * 1e9)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(PAPER_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()

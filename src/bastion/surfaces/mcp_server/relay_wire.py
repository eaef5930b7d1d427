"""Relay wire: one request of the protocol's stateless revision to the daemon, and what is known after it."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from mcp.shared.inbound import encode_header_value
from mcp_types import CONNECTION_CLOSED, INTERNAL_ERROR

from bastion.http1.answer import BODY_BYTES_MAX
from bastion.http1.connection import Connection
from bastion.shape import dataclass
from bastion.surfaces.mcp_server.door import STREAM_PATH
from bastion.surfaces.mcp_server.progress import Progress

REVISION = "2026-07-28"
CONNECT_S = 1.0
ANSWER_S = 120.0
"""Beyond this nothing is waited for; the longest answer of the desk leaves within 24 s."""
BEAT_S = 1.0
MISSED_MAX = 3
"""So many times in a row the daemon may fail to say who it is while it owes an answer."""
REFUSED_FROM, FAILED_FROM = 400, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a request: an answer, or whether it may have been carried out without one."""

    answer: Mapping[str, Any] | None = None
    may_be_done: bool = True


NOT_DONE = Outcome(may_be_done=False)
UNKNOWN = Outcome()


class Wire:
    """Asks the daemon behind one unix socket; `answers` blocks and says whether it is still there."""

    def __init__(self, socket: str, *, answers: Callable[[], bool]) -> None:
        self._socket = socket
        self._answers = answers

    async def ask(
        self,
        method: str,
        name: str,
        params: Mapping[str, Any],
        *,
        headers: Mapping[str, str],
        progress: Progress,
    ) -> Outcome:
        """Send one request and wait for its answer while the daemon is there; never raises."""
        meta: dict[str, Any] = {
            "io.modelcontextprotocol/protocolVersion": REVISION,
            "io.modelcontextprotocol/clientInfo": {"name": "bastion mcp", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        if progress.wanted:
            meta["progressToken"] = 1
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
        named = {
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
            "mcp-protocol-version": REVISION,
            "mcp-method": method,
            "mcp-name": encode_header_value(name),
            **headers,
        }
        async with asyncio.TaskGroup() as group:
            posting = group.create_task(self._post(json.dumps(body).encode(), named, progress))
            watching = group.create_task(self._watch())
            await asyncio.wait((posting, watching), return_when=asyncio.FIRST_COMPLETED)
            watching.cancel()
            posting.cancel()
        return UNKNOWN if posting.cancelled() else posting.result()

    async def _watch(self) -> None:
        """Return once the daemon stands still."""
        missed = 0
        while missed < MISSED_MAX:
            await asyncio.sleep(BEAT_S)
            missed = 0 if await asyncio.to_thread(self._answers) else missed + 1

    async def _post(self, body: bytes, headers: Mapping[str, str], progress: Progress) -> Outcome:
        # A connection for each request: one that cannot be made tells that nothing has left.
        try:
            async with asyncio.timeout(CONNECT_S):
                _, connection = await asyncio.get_running_loop().create_unix_connection(
                    Connection, self._socket
                )
        except (OSError, TimeoutError):
            return NOT_DONE
        try:
            async with asyncio.timeout(ANSWER_S):
                return await _exchanged(connection, _written(body, headers), progress)
        except Exception:  # noqa: BLE001 - a bulkhead: however the connection fails, an exit must go on
            return UNKNOWN
        finally:
            connection.abort()


class _Events:
    """The messages of a stream of server-sent events, read as its bytes come; None stands for its end."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[object] = asyncio.Queue()
        self._rest = b""
        self._data: list[bytes] = []

    def hear(self, piece: bytes) -> None:
        """Take what came."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            name, _, value = line.removesuffix(b"\r").partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
            elif not name and self._data:
                data, self._data = b"\n".join(self._data), []
                with suppress(ValueError):
                    self.told.put_nowait(json.loads(data))


async def _exchanged(connection: Connection, request: bytes, progress: Progress) -> Outcome:
    """Return what came of a request: the answer of a stream, as soon as it is there, or that of a body."""
    events = _Events()
    async with asyncio.TaskGroup() as group:
        exchange = connection.exchange(request, body_bytes_max=BODY_BYTES_MAX, piece=events.hear)
        replying = group.create_task(exchange)
        replying.add_done_callback(lambda _: events.told.put_nowait(None))
        answer = await _last_of(events.told, progress)
        if answer is not None:
            replying.cancel()
            return Outcome(answer=answer)
    reply = replying.result()
    if reply.headers.get("content-type", "").startswith("text/event-stream"):
        return UNKNOWN
    answer = _answer_in(reply.body)
    if answer is not None:
        return Outcome(answer=answer)
    # Turned away at the door, for example for its size or for coming too late.
    return NOT_DONE if REFUSED_FROM <= reply.status < FAILED_FROM else UNKNOWN


async def _last_of(told: asyncio.Queue[object], progress: Progress) -> Mapping[str, Any] | None:
    """Return the answer of a stream, None where it ends without one, and tell of the progress before it."""
    while (message := await told.get()) is not None:
        if not isinstance(message, dict):
            continue
        if "result" in message or "error" in message:
            return message
        params = message.get("params")
        if message.get("method") == "notifications/progress" and isinstance(params, dict) and progress.wanted:
            with suppress(KeyError, TypeError, ValueError):
                await progress.tell(int(params["progress"]), str(params.get("message") or ""))
    return None


def _written(body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"POST {STREAM_PATH} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    for name, value in headers.items():
        if not value.isprintable():
            raise ValueError(f"the header {name} cannot be written")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _answer_in(body: bytes) -> Mapping[str, Any] | None:
    message = json.loads(body) if body else None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return None
    return message if "result" in message or "error" in message else None


def handled(answer: Mapping[str, Any]) -> bool:
    """Whether the handler of the daemon has answered, and not the protocol in front of it.

    A daemon with fewer toolsets, or of another version, turns a request away before anything is done.
    """
    if "error" not in answer:
        return True
    error = answer["error"]
    own = isinstance(error, dict) and isinstance(error.get("data"), dict) and "error" in error["data"]
    return own or not isinstance(error, dict) or error.get("code") in {INTERNAL_ERROR, CONNECTION_CLOSED}

"""Local: asks the daemon of this state directory over its unix socket, with the standard library alone.

The daemon is asked only where it is certainly ours and works with the files that this command would read
itself: the same user, the same configuration, the same vault. Whatever else happens (no socket, no answer in
time, another configuration) is no error: the command does its work itself.
"""

import hashlib
import json
import os
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

from bastion.place import Place
from bastion.shape import dataclass

SOCKET_NAME = "bastion.sock"
CONNECT_S = 0.3
"""How long the daemon may take to say who it is; a command is held up by a hung one for this long at most."""
BEAT_S = 1.0
"""The same for one that owes an answer and may be busy with it."""
ANSWER_BYTES_MAX = 8_000_000
PATH_BYTES_MAX = 100
ANOTHER_WORLD = (
    "It runs for this state directory, and no configuration is named: this command would open an embedded "
    "exchange of its own beside it, and speak of that. Nothing was done. Wait for it, end it, or name its "
    "configuration with --config."
)
_PIECE = 65_536
_PEER = struct.Struct("3i")


class Silence(Exception):  # noqa: N818 - named for what is known after it
    """The daemon did not answer, or not in HTTP; whether it acts on the request is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One answer: its status and its JSON text."""

    status: int
    text: str

    @property
    def value(self) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """The JSON as dicts, lists, texts, numbers, booleans and None."""
        return json.loads(self.text)


class Daemon:
    """An open connection to the daemon, and what it said of itself."""

    def __init__(self, wire: socket.socket, home: Path) -> None:
        self._wire = wire
        self._home = home
        self._rest = b""
        self.paper = False
        self.pid = 0

    def meet(self, place: Place, *, known: int = 0) -> str:
        """Ask who it is; return why it cannot be used for this place, the empty text where it can.

        The process `known` was found fit before: it may be used also where a file was changed since.

        Raises:
            Silence: it did not answer within `CONNECT_S`.
        """
        told = self.ask("GET", "/local/desk", seconds=CONNECT_S)
        about = told.value if told.status == 200 else {}  # noqa: PLR2004 - an HTTP status
        try:
            self.paper, self.pid = bool(about["paper"]), int(about["pid"])
            config, files = about["config"], dict(about["files"])
        except (KeyError, TypeError, ValueError):
            return "it is of another version"
        if config != (None if place.config is None else str(place.config)):
            return "it works with another configuration"
        changed = [path for path, digest in files.items() if digest != _digest(Path(path))]
        if changed and self.pid != known:
            return f"{changed[0]} has changed since it started"
        return ""

    def ask(self, method: str, path: str, *, seconds: float, body: object = None, prefer: str = "") -> Told:
        """Send one request and return its answer; the daemon refuses it once `seconds` have passed.

        Raises:
            Silence: no whole answer came in time.
        """
        ends = _monotonic() + seconds
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nBastion-Numbers: plain\r\n"
            f"Bastion-Not-After: {int((time.time() + seconds) * 1000)}\r\n"  # noqa: TID251 - before any port
            f"Content-Length: {len(content)}\r\n"
        )
        if content:
            head += "Content-Type: application/json\r\n"
        if prefer:
            head += f"Prefer: {prefer}\r\n"
        try:
            self._wire.settimeout(max(ends - _monotonic(), 0.001))
            self._wire.sendall(head.encode("ascii") + b"\r\n" + content)
            return self._answer(ends)
        except (OSError, ValueError) as error:
            raise Silence(str(error)) from error

    def _answer(self, ends: float) -> Told:
        data = self._rest
        while b"\r\n\r\n" not in data:
            data += self._more(ends, len(data))
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        length = next(
            int(value)
            for name, _, value in (line.partition(":") for line in lines)
            if name == "content-length"
        )
        while len(data) < length:
            data += self._more(ends, len(data))
        self._rest = data[length:]
        return Told(status=int(first.split(" ")[1]), text=data[:length].decode("utf-8"))

    def _more(self, ends: float, size: int) -> bytes:
        left = ends - _monotonic()
        if left <= 0 or size > ANSWER_BYTES_MAX:
            raise TimeoutError
        self._wire.settimeout(left)
        piece = self._wire.recv(_PIECE)
        if not piece:
            raise ConnectionResetError
        return piece

    def alive(self) -> bool:
        """Whether the process behind this connection still serves; an idle connection is opened anew."""
        self._wire.setblocking(False)
        try:
            if self._wire.recv(1, socket.MSG_PEEK) != b"":
                return True
        except BlockingIOError:
            return True
        except OSError:
            pass
        # The daemon closes connections on which nothing is asked; its death closes them all.
        again = _connected(self._home)
        if isinstance(again, str):
            return False
        self._wire.close()
        self._wire = again
        return True

    def close(self) -> None:
        """Leave the daemon."""
        self._wire.close()


def find_daemon(place: Place, *, known: int = 0) -> tuple[Daemon | None, str]:
    """Return a connection to the daemon that can act for this place, or None and why there is none.

    The reason is empty where no daemon runs at all. `known` is as in `Daemon.meet`.
    """
    wire = _connected(place.home)
    if isinstance(wire, str):
        return None, wire
    daemon = Daemon(wire, place.home)
    try:
        why = daemon.meet(place, known=known)
    except Silence:
        why = f"it does not answer within {CONNECT_S} s"
    if why:
        daemon.close()
        return None, why
    return daemon, ""


def answers(place: Place) -> bool:
    """Whether the own user's daemon says who it is within `BEAT_S`, whatever it works with."""
    wire = _connected(place.home)
    if isinstance(wire, str):
        return False
    daemon = Daemon(wire, place.home)
    try:
        daemon.ask("GET", "/local/desk", seconds=BEAT_S)
    except Silence:
        return False
    finally:
        daemon.close()
    return True


def not_after(seconds: float) -> dict[str, str]:
    """Return the header that keeps the daemon from beginning with a request later than in that time."""
    return {"Bastion-Not-After": str(int((time.time() + seconds) * 1000))}  # noqa: TID251 - as in `ask`


def apart(place: Place) -> str:
    """Return why a desk of this command would be another world than the daemon's; empty where it is the same.

    Without a configuration each process has an embedded exchange of its own.
    """
    if place.config is not None:
        return ""
    daemon, why = find_daemon(place)
    if daemon is None:
        return f"the daemon is not asked: {why}. {ANOTHER_WORLD}" if why else ""
    daemon.close()
    return f"the embedded exchange is that of the daemon (process {daemon.pid}). {ANOTHER_WORLD}"


def _connected(home: Path) -> socket.socket | str:
    """Return a connection to the own user's daemon, or why there is none (empty: none listens)."""
    path = home / SOCKET_NAME
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    wire.settimeout(CONNECT_S)
    try:
        directory = os.open(home, os.O_RDONLY | os.O_CLOEXEC)
        try:
            wire.connect(_named(path, directory))
        finally:
            os.close(directory)
        if _is_own(wire, path):
            return wire
        why = f"{path} belongs to another user"
    except (ConnectionRefusedError, FileNotFoundError, NotADirectoryError):
        why = ""
    except OSError as error:
        why = f"its socket does not answer ({error.strerror or 'time is up'})"
    wire.close()
    return why


def _named(path: Path, directory: int) -> str:
    # A socket's address is short; a long path is named by its open directory, where the system can.
    if len(os.fsencode(path)) <= PATH_BYTES_MAX or not sys.platform.startswith("linux"):
        return str(path)
    return f"/proc/self/fd/{directory}/{path.name}"


def _is_own(wire: socket.socket, path: Path) -> bool:
    # Whoever else could put a socket there could claim that all is flat.
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return path.lstat().st_uid == os.geteuid()
    _, uid, _ = _PEER.unpack(wire.getsockopt(socket.SOL_SOCKET, option, _PEER.size))
    return bool(uid == os.geteuid())


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _monotonic() -> float:
    return time.monotonic()  # noqa: TID251 - the Clock port is loaded after the request has left

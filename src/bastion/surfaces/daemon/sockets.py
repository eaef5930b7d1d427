"""Sockets: where the daemon listens: the loopback address, and a unix socket of its own user.

Sockets that the service manager hands over (LISTEN_FDS) are used in place of our own. Nothing but the
loopback address is ever listened on.
"""

import ipaddress
import logging
import os
import socket
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bastion.errors import ConfigInvalid, Refused

HOST = "127.0.0.1"
SOCKET_NAME = "bastion.sock"
PRIVATE_MODE = 0o600
FIRST_HANDED = 3
HANDED_MAX = 8
PATH_BYTES_MAX = 100

_log = logging.getLogger(__name__)


def bind_loopback(port: int) -> socket.socket:
    """Return a socket bound to the loopback address; port 0 takes any free one.

    Raises:
        Refused: the port is in use or not allowed.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listening.close()
        why = (error.strerror if isinstance(error, OSError) else None) or "there is no such port"
        raise Refused(f"Port {port} on {HOST} cannot be used: {why}. Choose another with --port.") from error
    return listening


@contextmanager
def bind_unix(home: Path) -> Iterator[socket.socket | None]:
    """Bind `bastion.sock` in the state directory, mode 0600, in place of a dead one; remove it at the end.

    The caller holds the directory's claim, so that no living process serves on the file. None where the
    system cannot name the file (a path that is too long) or the place is taken by another kind of file;
    the log says so, and everything else works.
    """
    path = home / SOCKET_NAME
    listening = _bound(path)
    if listening is None:
        yield None
        return
    ours = path.lstat()
    try:
        yield listening
    finally:
        listening.close()
        try:
            present = path.lstat()
            if (present.st_dev, present.st_ino) == (ours.st_dev, ours.st_ino):
                path.unlink()
        except OSError as error:
            _log.warning("The socket %s was not removed: %s", path, error.strerror)


def _bound(path: Path) -> socket.socket | None:
    try:
        present = path.lstat()
    except FileNotFoundError:
        present = None
    except OSError as error:
        _log.warning("The socket %s cannot be used: %s", path, error.strerror)
        return None
    if present is not None:
        if not stat.S_ISSOCK(present.st_mode):
            _log.warning("%s is no socket and stays; this daemon serves on none.", path)
            return None
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    before = os.umask(0o177)
    try:
        listening.bind(named(path, directory))
    except OSError as error:
        listening.close()
        _log.warning("The socket %s cannot be made: %s", path, error)
        return None
    finally:
        os.umask(before)
        os.close(directory)
    return listening


def named(path: Path, directory: int) -> str:
    """Return a name of the file short enough for a socket's address, by its open directory if need be."""
    if len(os.fsencode(path)) <= PATH_BYTES_MAX or not sys.platform.startswith("linux"):
        return str(path)
    return f"/proc/self/fd/{directory}/{path.name}"


def handed_over(environment: Mapping[str, str]) -> tuple[socket.socket, ...]:
    """Return the listening sockets that the service manager gave this process; none without it.

    Raises:
        ConfigInvalid: one of them is not fit, such as one that other machines can reach.
    """
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return ()
    count = environment.get("LISTEN_FDS", "")
    if not (count.isascii() and count.isdecimal() and int(count) <= HANDED_MAX):
        raise ConfigInvalid("LISTEN_FDS is no number of sockets.")
    found: list[socket.socket] = []
    for number in range(FIRST_HANDED, FIRST_HANDED + int(count)):
        try:
            handed = socket.socket(fileno=number)
        except OSError as error:
            raise ConfigInvalid(f"The handed descriptor {number} is no socket: {error.strerror}.") from error
        handed.set_inheritable(False)
        _check(handed)
        found.append(handed)
    return tuple(found)


def _check(handed: socket.socket) -> None:
    if handed.type != socket.SOCK_STREAM:
        raise ConfigInvalid("A handed socket is not of the stream type (ListenStream=).")
    if handed.family == socket.AF_UNIX:
        return
    address = str(handed.getsockname()[0])
    if not ipaddress.ip_address(address).is_loopback:
        raise ConfigInvalid(f"A handed socket listens on {address}; only loopback addresses are served.")

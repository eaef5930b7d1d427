"""Switchboard: the sockets that are open, woken when time makes something due on them."""

from typing import Protocol


class OpenSocket(Protocol):
    """What the switchboard knows of a socket."""

    @property
    def due_ms(self) -> int | None:
        """When time alone makes something due, or None."""
        ...

    def wake(self) -> None:
        """Send what is due, soon."""
        ...

    def hang_up(self) -> None:
        """Close, soon, as a server that goes away."""
        ...


class Switchboard:
    """All open sockets of a station."""

    def __init__(self) -> None:
        self._open: dict[OpenSocket, None] = {}

    def add(self, socket: OpenSocket) -> None:
        """Take a socket as open."""
        self._open[socket] = None

    def remove(self, socket: OpenSocket) -> None:
        """Take a socket as closed; nothing happens when it was."""
        self._open.pop(socket, None)

    def tick(self, now_ms: int) -> None:
        """Wake each socket on which something is due by now."""
        for socket in tuple(self._open):
            due_ms = socket.due_ms
            if due_ms is not None and due_ms <= now_ms:
                socket.wake()

    def hang_up(self) -> None:
        """Close all sockets."""
        for socket in tuple(self._open):
            socket.hang_up()
        self._open.clear()

"""Streams: what passes between the server's sockets and a wire that has them.

A session is as synchronous and free of input and output as its wire: it hears a message and says what goes
out. The server owns the sockets, their delays and their faults.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from bastion.paper.wire.protocol import WireAnswer, WireRequest

Wake = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message to the client; `topic` is the venue's word for what it tells, by which faults know it."""

    topic: str
    text: str


class StreamSession(Protocol):
    """One socket's conversation. Nothing here raises for what a client sent."""

    @property
    def account(self) -> str:
        """The account whose private topics the socket may read; empty before that is known."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether the venue now closes the socket, once what it had to say is out."""
        ...

    @property
    def ping_every_ms(self) -> int:
        """How often the venue sends a ping of the protocol; 0 never."""
        ...

    @property
    def pong_within_ms(self) -> int:
        """How long the venue waits for any sign of the client before it hangs up."""
        ...

    @property
    def pushes_keep_open(self) -> bool:
        """Whether what the venue sends counts like a sign of the client."""
        ...

    def hear(self, text: str, now_ms: int) -> list[Frame]:
        """Return the answers to one message."""
        ...

    def due(self, now_ms: int) -> list[Frame]:
        """Return all that there is to tell by now and has not been told."""
        ...

    def next_due_ms(self) -> int | None:
        """Return when something will be due by the mere passing of time, or None."""
        ...

    def lapse(self, now_ms: int, *, told: bool) -> list[Frame]:
        """End the credential of the private topics, as time would; `told` says it by the venue's event.

        The socket stays open and says nothing private any more.
        """
        ...

    def close(self) -> None:
        """Forget the client; nothing is called afterwards."""
        ...


@runtime_checkable
class Streams(Protocol):
    """What a wire offers beside `Wire` where its venue has websockets."""

    def connect(self, request: WireRequest, wake: Wake) -> StreamSession | WireAnswer:
        """Open a session for an upgrade request, or answer it as the venue refuses one.

        `wake` is called whenever something becomes due other than by the passing of time.
        """
        ...

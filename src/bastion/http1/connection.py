"""Connection: one connection to a host, on which one request after the other is answered."""

import asyncio
from collections.abc import Callable

from bastion.http1.answer import AnswerReader, Garbled, Head, Reply


class Ended(ConnectionError):  # noqa: N818 - named for what is known after it
    """The connection ended before the answer was whole.

    `unheard`: before any byte of it came. `head` is how the answer began, where its headers were whole.
    """

    def __init__(self, *, unheard: bool, head: Head | None = None) -> None:
        super().__init__("the host ended the connection")
        self.unheard = unheard
        self.head = head


class Connection(asyncio.Protocol):
    """The client's end. Whatever comes unasked, or cannot be read, ends it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._reader: AnswerReader | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._heard: Callable[[Head], None] | None = None
        self.rests_until_ns = 0

    @property
    def usable(self) -> bool:
        """Whether a request can be written; the host may still end it at that very moment."""
        return self._answer is None and self._transport is not None and not self._transport.is_closing()

    @property
    def rested(self) -> bool:
        """Whether it has been idle."""
        return self.rests_until_ns > 0

    @property
    def address(self) -> str | None:
        """The address of the host, None where there is none to name."""
        peer = None if self._transport is None else self._transport.get_extra_info("peername")
        return str(peer[0]) if isinstance(peer, tuple) and peer else None

    async def exchange(
        self,
        request: bytes,
        *,
        body_bytes_max: int,
        heard: Callable[[Head], None] | None = None,
        piece: Callable[[bytes], None] | None = None,
    ) -> Reply:
        """Write a request and return its answer. Whoever is cancelled here must `abort`.

        `heard` is told how the answer begins as soon as its headers are whole, `piece` each piece of its body
        as it comes, as yet packed; neither may block.

        Raises:
            Ended: no whole answer came before the connection ended.
            Garbled: what came is no answer.
            OSError: the connection broke.
        """
        if self._transport is None or not self.usable:
            raise Ended(unheard=True)
        self._reader, self._heard = AnswerReader(body_bytes_max=body_bytes_max, piece=piece), heard
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()
        self._answer = None

    # What the event loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        # A transport of one's own (in memory) is none of asyncio's classes in every part.
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Take what the host sent."""
        if self._answer is None or self._reader is None or self._answer.done():
            self.abort()
            return
        try:
            reply = self._reader.feed(data)
        except Garbled as error:
            self._fail(error)
            return
        if self._heard is not None and (head := self._reader.head) is not None:
            heard, self._heard = self._heard, None
            heard(head)
        if reply is not None:
            self._succeed(reply)

    def eof_received(self) -> bool:
        """Take the host's end of the connection; ours ends with it."""
        if self._answer is not None and self._reader is not None and not self._answer.done():
            self._finish(self._reader, None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of the connection."""
        if self._answer is not None and self._reader is not None and not self._answer.done():
            self._finish(self._reader, exc)
        self._transport = None

    def _finish(self, reader: AnswerReader, error: Exception | None) -> None:
        if not reader.begun:
            self._fail(Ended(unheard=True))
        elif error is not None:
            self._fail(Ended(unheard=False, head=reader.head))
        else:
            try:
                reply = reader.end()
            except Garbled:
                self._fail(Ended(unheard=False, head=reader.head))
            else:
                self._succeed(reply)

    def _succeed(self, reply: Reply) -> None:
        answer, self._answer, self._reader = self._answer, None, None
        if answer is not None:
            answer.set_result(reply)

    def _fail(self, error: Exception) -> None:
        answer, self._answer, self._reader = self._answer, None, None
        if answer is not None:
            answer.set_exception(error)
        if self._transport is not None:
            self._transport.abort()

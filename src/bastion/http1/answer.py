"""Answer: one HTTP/1.1 answer, read as its bytes arrive, and believed only where it is framed beyond doubt.

The rules are those of RFC 9112 (sections 2, 4, 5, 6 and 7); whatever can be read in two ways is refused.
"""

import re
import zlib
from collections.abc import Callable, Mapping

from bastion.shape import dataclass

HEAD_BYTES_MAX = 65_536
BODY_BYTES_MAX = 64 * 1024 * 1024
"""Bytes of a body, both as it came and unpacked; the longest list of contracts is a tenth of it."""
LINE_BYTES_MAX = 4_096
INFORMATION_MAX = 8
SWITCHING, FIRST_FINAL = 101, 200
EMPTY = frozenset({204, 304})
_HEAD_END = b"\r\n\r\n"
_STATUS = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n\x00]*)?", re.ASCII)
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\r\n\x00]*)", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,15}", re.ASCII)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;[^\r\n]*)?", re.ASCII)
_KEPT_FOR = re.compile(r"(?:^|[,\s])timeout=([0-9]{1,6})(?:$|[,\s])", re.ASCII)
# zlib's window sizes: a gzip or zlib header is found out, or there is none.
_PACKED, _BARE = zlib.MAX_WBITS | 32, -zlib.MAX_WBITS


class Garbled(ValueError):  # noqa: N818 - named for what is known after it
    """What came is no answer in HTTP/1.1, or is longer than any answer may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How an answer begins: status, and headers by lower-case name (the last of each name)."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One whole answer: status, headers by lower-case name (the last of each name), and the unpacked body.

    `kept_s` is how long the connection may rest by the host's word: None where it said nothing, zero where
    it ends now.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    kept_s: float | None


class AnswerReader:
    """Reads one answer to a request that was not HEAD; `piece` is told each piece of its body."""

    __slots__ = (
        "_body",
        "_buffer",
        "_chunked",
        "_headers",
        "_informed",
        "_kept_s",
        "_left",
        "_limit",
        "_piece",
        "_status",
        "_whole",
        "begun",
    )

    def __init__(
        self, *, body_bytes_max: int = BODY_BYTES_MAX, piece: Callable[[bytes], None] | None = None
    ) -> None:
        self._piece = piece
        self._buffer = bytearray()
        self._body = bytearray()
        self._limit = body_bytes_max
        self._status = 0
        self._headers: dict[str, str] = {}
        self._kept_s: float | None = None
        self._chunked = False
        # Bytes still to come: of the body, or of this chunk; None until the connection ends.
        self._left: int | None = 0
        self._informed = 0
        self._whole = False
        self.begun = False

    def feed(self, data: bytes) -> Reply | None:
        """Take what arrived; return the answer once it is whole.

        Raises:
            Garbled: it is no answer.
        """
        self.begun = self.begun or bool(data)
        self._buffer += data
        if not self._status and not self._head():
            return None
        if self._chunked:
            self._chunks()
        else:
            self._plain()
        if not self._whole:
            return None
        if self._buffer:
            # Nobody asked for what comes behind the answer: it goes, and its connection with it (RFC 9112,
            # section 6.3). To drop the answer as well would make an exit blind.
            self._kept_s = 0.0
        return self._reply()

    @property
    def head(self) -> Head | None:
        """What the answer began with, None while its headers are not whole."""
        return Head(status=self._status, headers=self._headers) if self._status else None

    def end(self) -> Reply:
        """Return the answer, now that the connection ended.

        Raises:
            Garbled: it is not whole.
        """
        if self._status and self._left is None and not self._chunked:
            return self._reply()
        raise Garbled("the connection ended within the answer")

    def _head(self) -> bool:
        while True:
            end = self._buffer.find(_HEAD_END)
            if end < 0 or end > HEAD_BYTES_MAX:
                if len(self._buffer) > HEAD_BYTES_MAX:
                    raise Garbled("the headers are too long")
                return False
            lines = self._buffer[:end].decode("latin-1").split("\r\n")
            del self._buffer[: end + len(_HEAD_END)]
            told = _STATUS.fullmatch(lines[0])
            if told is None or int(told[2]) == SWITCHING:
                raise Garbled("the first line is no status")
            status = int(told[2])
            if status >= FIRST_FINAL:
                break
            # An early word, such as 103; the answer comes behind it.
            self._informed += 1
            if self._informed > INFORMATION_MAX:
                raise Garbled("no answer comes, only early words")
        self._frame(status, lines[1:], lasting=told[1] == "1")
        return True

    def _frame(self, status: int, lines: list[str], *, lasting: bool) -> None:
        headers: dict[str, str] = {}
        framing: dict[str, list[str]] = {"content-length": [], "transfer-encoding": []}
        for line in lines:
            name, value = _field(line)
            headers[name] = value
            if name in framing:
                framing[name] += [part.strip().lower() for part in value.split(",")]
        self._status, self._headers = status, headers
        self._measure(set(framing["content-length"]), framing["transfer-encoding"])
        self._keep(lasting=lasting)

    def _measure(self, lengths: set[str], codings: list[str]) -> None:
        if codings and (codings != ["chunked"] or lengths):
            raise Garbled("the length of the body is said in two ways, or in an unknown one")
        if len(lengths) > 1 or not all(_LENGTH.fullmatch(length) for length in lengths):
            raise Garbled("the length of the body is no number, or two")
        if self._status in EMPTY:
            self._left = 0
        else:
            self._chunked = bool(codings)
            self._left = int(lengths.pop()) if lengths else 0 if codings else None
        if self._left is not None and self._left > self._limit:
            raise Garbled("the body is too long")

    def _keep(self, *, lasting: bool) -> None:
        headers = self._headers
        words = {word.strip().lower() for word in headers.get("connection", "").split(",")}
        if "close" in words or (not lasting and "keep-alive" not in words) or self._left is None:
            self._kept_s = 0.0
        elif (given := _KEPT_FOR.search(headers.get("keep-alive", ""))) is not None:
            # A second less, so that a request does not meet the very moment in which the host ends it.
            self._kept_s = max(0.0, float(given[1]) - 1.0)

    def _plain(self) -> None:
        if self._left is None:
            self._take(len(self._buffer))
            return
        size = min(self._left, len(self._buffer))
        self._take(size)
        self._left -= size
        self._whole = not self._left

    def _chunks(self) -> None:
        # `_left` counts the two bytes behind the chunk as well; zero asks for the next chunk's size.
        while not self._whole:
            if self._left:
                size = min(self._left - 2, len(self._buffer))
                if size > 0:
                    self._take(size)
                    self._left -= size
                if self._left > 2 or len(self._buffer) < 2:  # noqa: PLR2004 - CR and LF
                    return
                if self._buffer[:2] != b"\r\n":
                    raise Garbled("a chunk does not end where it says")
                del self._buffer[:2]
                self._left = 0
            elif not self._next_chunk():
                return

    def _next_chunk(self) -> bool:
        line = self._line()
        if line is None:
            return False
        told = _CHUNK.fullmatch(line)
        if told is None:
            raise Garbled("the size of a chunk is malformed")
        size = int(told[1], 16)
        if size:
            self._left = size + 2
            return True
        return self._trailers(line)

    def _trailers(self, line: bytes) -> bool:
        # Whatever is said behind the body is read past; nothing of ours relies on it.
        end = self._buffer.find(b"\r\n") if self._buffer[:2] == b"\r\n" else self._buffer.find(_HEAD_END)
        if end < 0:
            if len(self._buffer) > HEAD_BYTES_MAX:
                raise Garbled("the trailers are too long")
            # Read again, from the last chunk's line on, once more has come.
            self._buffer[:0] = line + b"\r\n"
            return False
        del self._buffer[: end + (2 if end == 0 else len(_HEAD_END))]
        self._whole = True
        return True

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n", 0, LINE_BYTES_MAX)
        if end < 0:
            if len(self._buffer) >= LINE_BYTES_MAX:
                raise Garbled("a line is too long")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _take(self, size: int) -> None:
        if len(self._body) + size > self._limit:
            raise Garbled("the body is too long")
        self._body += self._buffer[:size]
        if self._piece is not None and size:
            self._piece(bytes(self._buffer[:size]))
        del self._buffer[:size]

    def _reply(self) -> Reply:
        return Reply(
            status=self._status,
            headers=self._headers,
            body=self._unpacked(self._headers.get("content-encoding", "").lower()),
            kept_s=self._kept_s,
        )

    def _unpacked(self, coding: str) -> bytes:
        if not self._body or coding in {"", "identity"}:
            return bytes(self._body)
        if coding not in {"gzip", "x-gzip", "deflate"}:
            raise Garbled("the body is packed in a way that was not asked for")
        # Some hosts leave out the header that `deflate` has by its standard.
        bare = coding == "deflate" and self._body[0] & 0x0F != zlib.DEFLATED
        unpacker = zlib.decompressobj(_BARE if bare else _PACKED)
        try:
            body = unpacker.decompress(bytes(self._body), self._limit + 1)
        except zlib.error:
            raise Garbled("the packed body is damaged") from None
        if len(body) > self._limit:
            raise Garbled("the unpacked body is too long")
        if not unpacker.eof or unpacker.unused_data:
            raise Garbled("the packed body is not whole")
        return body


def _field(line: str) -> tuple[str, str]:
    told = _FIELD.fullmatch(line)
    if told is None:
        raise Garbled("a header is malformed")
    return told[1].lower(), told[2].strip(" \t")

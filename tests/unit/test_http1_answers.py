"""An HTTP/1.1 answer is read the same however its bytes arrive, and refused where it is ambiguous."""

import gzip
import zlib

import pytest

from bastion.http1 import answer
from bastion.http1.answer import AnswerReader, Garbled, Reply

PACKED = gzip.compress(b'{"a":1}')
BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
DEFLATED = BARE.compress(b'{"a":1}') + BARE.flush()
WHOLE = {
    "by its length": b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}',
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'3;x=y\r\n{"a\r\n00004\r\n":1}\r\n0\r\nLate: word\r\n\r\n',
    "behind an early word": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    b"HTTP/1.1 200 \r\nContent-Length: 7\r\n\r\n"
    b'{"a":1}',
    "packed": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
    % (len(PACKED), PACKED),
    "deflated": b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: %d\r\n\r\n%b"
    % (len(DEFLATED), DEFLATED),
    "with its length said twice alike": b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 7\r\n\r\n"
    b'{"a":1}',
}
REFUSED = {
    "no status": b"HTTP/2 200 OK\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 8\r\n\r\n",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "a length below zero": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "a folded header": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a bare line feed": b"HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\r\n\r\n",
    "a space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    "a chunk without an end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
    "a size that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n",
    "headers without end": b"HTTP/1.1 200 OK\r\nA: " + b"b" * answer.HEAD_BYTES_MAX,
    "a size line without end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 5_000,
    "damaged packing": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "half a packed body": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 15\r\n\r\n"
    + PACKED[:15],
    "an unasked packing": b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\n{",
    "early words without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 9,
}


def _read(raw: bytes, step: int, *, most: int = 1_000) -> Reply | None:
    reader = AnswerReader(body_bytes_max=most)
    for start in range(0, len(raw), step):
        reply = reader.feed(raw[start : start + step])
        if reply is not None:
            assert start + step >= len(raw)
            return reply
    return None


@pytest.mark.parametrize("raw", WHOLE.values(), ids=WHOLE)
def test_an_answer_is_the_same_however_its_bytes_arrive(raw: bytes) -> None:
    for step in range(1, len(raw) + 1):
        reply = _read(raw, step)
        assert reply is not None
        assert (reply.status, reply.body, reply.kept_s) == (200, b'{"a":1}', None)


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
def test_what_can_be_read_in_two_ways_is_refused(raw: bytes) -> None:
    with pytest.raises(Garbled):
        _read(raw, len(raw))


@pytest.mark.parametrize("more", [b"}", b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"])
def test_what_comes_behind_an_answer_is_dropped_and_its_connection_with_it(more: bytes) -> None:
    for raw in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n",
    ):
        reply = AnswerReader().feed(raw + more)
        assert reply is not None
        assert (reply.body, reply.kept_s) == (b"1", 0.0)


def test_an_answer_that_breaks_off_is_none() -> None:
    for name in ("by its length", "in chunks", "packed"):
        raw = WHOLE[name]
        for end in range(len(raw)):
            reader = AnswerReader()
            assert reader.feed(raw[:end]) is None
            with pytest.raises(Garbled):
                reader.end()


def test_a_body_without_a_length_ends_with_its_connection_which_is_not_used_again() -> None:
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n{}") is None
    reply = reader.end()
    assert (reply.body, reply.kept_s, reply.headers["a"]) == (b"{}", 0.0, "b")


def test_a_body_is_bounded_as_it_comes_and_as_it_is_unpacked() -> None:
    long = gzip.compress(b"0" * 2_000)
    chunk = b"%x\r\n%b\r\n" % (600, b"0" * 600)
    for raw in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 2,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"0" * 1_001,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(long), long),
    ):
        with pytest.raises(Garbled, match="too long"):
            _read(raw, len(raw))


@pytest.mark.parametrize(
    ("first", "said", "kept_s"),
    [
        ("HTTP/1.1", "Connection: close", 0.0),
        ("HTTP/1.1", "Connection: Keep-Alive\r\nKeep-Alive: timeout=5, max=100", 4.0),
        ("HTTP/1.1", "Connection: keep-alive", None),
        ("HTTP/1.0", "A: b", 0.0),
        ("HTTP/1.0", "Connection: keep-alive", None),
    ],
)
def test_a_connection_rests_as_long_as_its_host_says(first: str, said: str, kept_s: float | None) -> None:
    raw = f"{first} 200 OK\r\n{said}\r\nContent-Length: 0\r\n\r\n".encode()
    reply = _read(raw, len(raw))
    assert reply is not None
    assert reply.kept_s == kept_s


def test_an_answer_that_has_no_body_by_its_status_ends_with_its_headers() -> None:
    reply = _read(b"HTTP/1.1 204 No Content\r\n\r\n", 100)
    assert reply is not None
    assert (reply.status, reply.body) == (204, b"")

"""The client over real sockets: what leaves leaves once, connections are kept, hosts prove their names."""

import asyncio
import datetime as dt
import ipaddress
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bastion.http1 import dial
from bastion.http1.answer import Garbled, Head
from bastion.http1.client import KEEP_ALIVE_S, Client, Request
from bastion.http1.connection import Ended

P = TypeVar("P", bound=asyncio.BaseProtocol)
DONE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Serve = Callable[["Host", bytes, asyncio.StreamWriter], Awaitable[None]]


class Host:
    """A host that answers by what it is given to, and remembers what came on which connection."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.connections = 0
        self.requests: list[tuple[int, bytes]] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0

    def url(self, path: str = "/", *, scheme: str = "http", name: str = "127.0.0.1") -> str:
        return f"{scheme}://{name}:{self.port}{path}"

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self.writers.append(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lengths = [
                    line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
                ]
                body = await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
                self.requests.append((number, head + body))
                await self._serve(self, head, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def hosted(serve: Serve, trusted: ssl.SSLContext | None = None) -> AsyncIterator[Host]:
    host = Host(serve)
    server = await asyncio.start_server(host.meet, "127.0.0.1", 0, ssl=trusted)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()
        for writer in host.writers:
            writer.transport.abort()


@asynccontextmanager
async def clients(connections_max: int = 16) -> AsyncIterator[Client]:
    client = Client(now_ns=time.monotonic_ns, connections_max=connections_max)
    try:
        async with asyncio.timeout(20):
            yield client
    finally:
        await client.close()


async def answer(_host: Host, _head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(DONE)


async def hang_up(_host: Host, _head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def answer_and_hang_up(_host: Host, _head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(DONE.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"))
    writer.close()


async def answer_once_a_connection(host: Host, head: bytes, writer: asyncio.StreamWriter) -> None:
    number = host.requests[-1][0]
    if [seen for seen, _ in host.requests].count(number) == 1:
        await answer(host, head, writer)
    else:
        writer.close()


def order(host: Host) -> Request:
    headers = {"Content-Type": "application/json"}
    return Request(method="POST", url=host.url("/order?a=b"), headers=headers, body=b'{"x":1}')


async def test_a_request_leaves_as_it_was_written_and_its_connection_is_used_again() -> None:
    async with hosted(answer) as host, clients() as client:
        for _ in range(3):
            reply = await client.request(order(host), leaving=lambda: False)
            assert (reply.status, reply.body) == (200, b"{}")
    assert host.connections == 1
    assert host.requests[0][1].decode() == (
        f"POST /order?a=b HTTP/1.1\r\nHost: 127.0.0.1:{host.port}\r\nAccept: */*\r\nUser-Agent: bastion\r\n"
        'Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{"x":1}'
    )


async def test_requests_of_one_moment_leave_side_by_side_up_to_the_limit() -> None:
    four = asyncio.Event()

    async def late(host: Host, head: bytes, writer: asyncio.StreamWriter) -> None:
        if len(host.requests) == 4:
            four.set()
        await four.wait()
        await answer(host, head, writer)

    async with hosted(late) as host, clients(connections_max=4) as client, asyncio.TaskGroup() as group:
        for _ in range(12):
            group.create_task(client.request(order(host), leaving=lambda: False))
    assert (host.connections, len(host.requests)) == (4, 12)


async def test_an_order_that_meets_a_connection_just_ended_is_not_sent_again() -> None:
    left = []

    def leaving() -> bool:
        left.append(1)
        return False

    async with hosted(answer_once_a_connection) as host, clients() as client:
        await client.request(order(host), leaving=lambda: False)
        with pytest.raises(Ended):
            await client.request(order(host), leaving=leaving)
    assert (len(host.requests), len(left), host.connections) == (2, 1, 1)


async def test_a_read_that_meets_a_connection_just_ended_is_asked_once_more_and_told_so() -> None:
    left = []

    def leaving() -> bool:
        left.append(1)
        return True

    async with hosted(answer_once_a_connection) as host, clients() as client:
        request = Request(method="GET", url=host.url("/positions"))
        await client.request(request, leaving=leaving)
        reply = await client.request(request, leaving=leaving)
    assert reply.status == 200
    assert (len(host.requests), len(left), host.connections) == (3, 3, 2)


async def test_a_read_on_a_new_connection_is_asked_once() -> None:
    async with hosted(hang_up) as host, clients() as client:
        with pytest.raises(Ended):
            await client.request(Request(method="GET", url=host.url()), leaving=lambda: True)
    assert len(host.requests) == 1


async def test_what_is_held_back_writes_no_byte() -> None:
    def refuse() -> bool:
        raise PermissionError

    async with hosted(answer) as host, clients() as client:
        with pytest.raises(PermissionError):
            await client.request(order(host), leaving=refuse)
        await client.request(Request(method="GET", url=host.url()), leaving=lambda: True)
    assert [raw.split(b" ")[0] for _, raw in host.requests] == [b"GET"]


async def test_a_call_that_is_cancelled_takes_its_connection_with_it() -> None:
    async def slow(host: Host, head: bytes, writer: asyncio.StreamWriter) -> None:
        if len(host.requests) > 1:
            await answer(host, head, writer)

    async with hosted(slow) as host, clients() as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.request(order(host), leaving=lambda: False)
        assert (await client.request(order(host), leaving=lambda: False)).status == 200
    # The late answer of the first could have been taken for the second's.
    assert [number for number, _ in host.requests] == [1, 2]


async def test_how_an_answer_begins_is_heard_before_its_end_and_once() -> None:
    async def begin(_host: Host, _head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 418 \r\nRetry-After: 60\r\n")
        await asyncio.sleep(0.02)
        writer.write(b"Content-Length: 2\r\n\r\n{")

    heard: list[Head] = []
    client = Client(now_ns=time.monotonic_ns, heard=heard.append)
    async with hosted(begin) as host:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.request(order(host), leaving=lambda: False)
        await client.close()
    assert [(head.status, head.headers["retry-after"]) for head in heard] == [(418, "60")]


async def test_an_answer_that_nobody_asked_for_ends_its_connection() -> None:
    async def twice(_host: Host, _head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(DONE)
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(DONE)

    async with hosted(twice) as host, clients() as client:
        await client.request(order(host), leaving=lambda: False)
        await asyncio.sleep(0.1)
        await client.request(order(host), leaving=lambda: False)
    assert host.connections == 2


async def test_garbage_is_told_and_its_connection_dropped() -> None:
    async def garbage(_host: Host, _head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    async with hosted(garbage) as host, clients() as client:
        with pytest.raises(Garbled):
            await client.request(order(host), leaving=lambda: False)


async def test_connections_that_were_warmed_are_the_ones_that_are_used() -> None:
    async with hosted(answer) as host, clients() as client:
        await client.warm(host.url(), 5)
        await client.warm(host.url(), 5)
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(client.request(order(host), leaving=lambda: False))
    assert host.connections == 5


async def test_a_connection_that_the_host_ended_meanwhile_is_made_anew_ahead_of_its_use() -> None:
    async def leaves(_host: Host, _head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(DONE)
        writer.close()

    async with hosted(leaves) as host, clients() as client:
        await client.warm(host.url(), 3)
        await client.request(order(host), leaving=lambda: False)
        # The one that was used has ended; the two others rest.
        await asyncio.sleep(0.05)
        await client.warm(host.url(), 3, lasting_s=1.0)
        assert host.connections == 4
        await client.warm(host.url(), 6, lasting_s=KEEP_ALIVE_S + 1)
        assert host.connections == 4 + 6


@pytest.mark.parametrize(
    "request_",
    [
        Request(method="GET", url="http://127.0.0.1:1/a b"),
        Request(method="GET", url="http://127.0.0.1:1/a\r\nX: y"),
        Request(method="GET", url="ftp://127.0.0.1:1/"),
        Request(method="GET", url="http://user@127.0.0.1:1/"),
        Request(method="GET", url="http://127.0.0.1:1/#part"),
        Request(method="GET\r\nX: y", url="http://127.0.0.1:1/"),
        Request(method="GET", url="http://127.0.0.1:1/", headers={"X": "y\r\nZ: z"}),
        Request(method="GET", url="http://127.0.0.1:1/", headers={"X": "y\nZ: z"}),
        Request(method="GET", url="http://127.0.0.1:1/", headers={"X": "y\r", "Z": "z"}),
        Request(method="GET", url="http://127.0.0.1:1/", headers={"X": "\u00e9"}),
        Request(method="GET", url="http://127.0.0.1:1/", headers={"X": "", "Y": "\n"}),
        Request(method="GET", url="http://127.0.0.1:1/", headers={"X: y": "z"}),
    ],
)
async def test_a_request_that_could_be_read_as_another_is_not_written(request_: Request) -> None:
    async with clients() as client:
        with pytest.raises(ValueError, match="written"):
            await client.request(request_, leaving=lambda: False)


async def test_a_name_with_two_addresses_is_reached_by_the_one_that_answers() -> None:
    async def both(*_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        # Nothing listens at the first; the families take turns.
        return [(10, 1, 6, "", ("::1", 0)), (2, 1, 6, "", ("127.0.0.1", 0))]

    async with hosted(answer) as host, clients() as client:
        with pytest.MonkeyPatch.context() as names:
            names.setattr(asyncio.get_running_loop(), "getaddrinfo", both, raising=False)
            url = host.url(name="venue.example")
            reply = await client.request(Request(method="GET", url=url), leaving=lambda: True)
    assert reply.status == 200
    assert f"Host: venue.example:{host.port}".encode() in host.requests[0][1]


def _certified(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "venue")])
    day = dt.timedelta(days=1)
    now = dt.datetime.fromtimestamp(time.time(), dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate, private


async def test_an_address_that_lets_its_caller_wait_is_not_waited_for_again() -> None:
    asked: list[str | None] = []

    async def connect(origin: dial.Origin, address: str | None, protocol: Callable[[], P]) -> P:
        asked.append(address)
        if address is not None:
            await asyncio.Event().wait()
        return await dial.tcp(origin, address, protocol)

    async with hosted(answer_and_hang_up) as host:
        client = Client(now_ns=time.monotonic_ns, connect=connect)
        request = Request(method="GET", url=host.url())
        await client.request(request, leaving=lambda: True)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.request(request, leaving=lambda: True)
        async with asyncio.timeout(10):
            await client.request(request, leaving=lambda: True)
        await client.close()
    assert asked == [None, "127.0.0.1", None]


async def test_an_encrypted_host_must_prove_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, private = _certified(tmp_path)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, private)
    async with hosted(answer, served) as host:
        async with clients() as client:
            with pytest.raises(ssl.SSLCertVerificationError):
                await client.request(
                    Request(method="GET", url=host.url(scheme="https")), leaving=lambda: True
                )
        trusting = ssl.create_default_context(cafile=str(certificate))
        monkeypatch.setattr(dial, "certificates", lambda: trusting)
        async with clients() as client:
            reply = await client.request(
                Request(method="GET", url=host.url(scheme="https")), leaving=lambda: True
            )
            assert reply.status == 200
            elsewhere = host.url(scheme="https", name="localhost")
            with pytest.raises(ssl.SSLCertVerificationError):
                await client.request(Request(method="GET", url=elsewhere), leaving=lambda: True)

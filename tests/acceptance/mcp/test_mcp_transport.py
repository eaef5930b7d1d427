"""The HTTP door: who may knock, whose session it is, and what no log may show."""

import json
import socket
import time
from contextlib import ExitStack

import httpx2
import pytest

from bastion.surfaces.mcp_server.over_http import (
    SESSIONS_EACH_MAX,
    STREAMS_EACH_MAX,
    STREAMS_KEYLESS_MAX,
)
from tests.acceptance.mcp.house import House, Served, serving

ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "a test", "version": "1"},
    },
}
KEYLESS_SESSIONS_MAX = 200
MANY = httpx2.Limits(max_connections=200)
MODERN = ACCEPT | {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list"}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "a test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}


def post(url: str, body: object, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.post(url, content=json.dumps(body), headers=ACCEPT | named, timeout=30, verify=False)


@pytest.mark.parametrize(
    "path", ["/mcp/stream", "/mcp/messages/?session_id=00000000000000000000000000000000"]
)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:80"}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost.evil.example:8737"}, 403),
    ],
)
def test_a_page_of_another_origin_is_turned_away(
    shared_server: Served, path: str, headers: dict[str, str], status: int
) -> None:
    assert post(shared_server.address + path, INITIALIZE, **headers).status_code == status


def test_a_page_of_another_origin_gets_no_stream_either(shared_server: Served) -> None:
    for headers, status in (({"host": "evil.example"}, 421), ({"origin": "https://evil.example"}, 403)):
        answer = httpx2.get(shared_server.sse, headers=headers, timeout=30, verify=False)
        assert answer.status_code == status


def test_blanks_around_a_header_value_do_no_harm(shared_server: Served) -> None:
    body = json.dumps(LIST)
    headers = MODERN | {"mcp-method": "  tools/list \t", "host": "127.0.0.1:1", "connection": "close"}
    lines = [f"{name}: {value}" for name, value in (headers | {"content-length": str(len(body))}).items()]
    request = "\r\n".join(["POST /mcp/stream HTTP/1.1", *lines, "", body])
    host, port = shared_server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as wire:
        wire.sendall(request.encode("ascii"))
        answer = wire.makefile("rb").read().decode("utf-8")
    assert answer.startswith("HTTP/1.1 200")
    assert "bastion_emergency_exit" in answer


def test_the_modern_wire_takes_posts_only(shared_server: Served) -> None:
    assert httpx2.get(shared_server.stream, headers=MODERN, timeout=30, verify=False).status_code == 405
    assert httpx2.delete(shared_server.stream, headers=MODERN, timeout=30, verify=False).status_code == 405


def test_a_body_without_measure_is_refused(shared_server: Served) -> None:
    assert post(shared_server.stream, {"x": "y" * 300_000}).status_code == 413


def test_a_header_that_contradicts_the_body_is_refused(shared_server: Served) -> None:
    headers = MODERN | {"mcp-method": "tools/call"}
    answer = httpx2.post(
        shared_server.stream, content=json.dumps(LIST), headers=headers, timeout=30, verify=False
    )
    assert answer.status_code == 400


def test_a_session_belongs_to_the_key_that_opened_it(shared_house: House, shared_server: Served) -> None:
    alice, bob = shared_house.key("trade"), shared_house.key("trade")
    opened = post(shared_server.stream, INITIALIZE, x_api_key=alice)
    session = opened.headers["mcp-session-id"]
    ask = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    own = post(shared_server.stream, ask, x_api_key=alice, mcp_session_id=session)
    assert own.status_code == 200
    assert post(shared_server.stream, ask, x_api_key=bob, mcp_session_id=session).status_code == 404
    assert post(shared_server.stream, ask, mcp_session_id=session).status_code == 404


def test_sessions_without_a_key_do_not_use_up_those_of_a_key(house: House) -> None:
    with serving(house) as served, httpx2.Client(verify=False, timeout=30) as client:
        opened = [
            client.post(served.stream, content=json.dumps(INITIALIZE), headers=ACCEPT).status_code
            for _ in range(KEYLESS_SESSIONS_MAX + 1)
        ]
        assert opened == [200] * KEYLESS_SESSIONS_MAX + [429]
        key = house.key("trade")
        last = post(served.stream, INITIALIZE, x_api_key=key)
        assert last.status_code == 200
        more = [post(served.stream, INITIALIZE, x_api_key=key) for _ in range(SESSIONS_EACH_MAX)]
        assert [one.status_code for one in more] == [200] * (SESSIONS_EACH_MAX - 1) + [429]
        assert "This key has 50 sessions open" in more[-1].json()["error"]["message"]
        assert more[-1].headers["retry-after"]
        # Another key has its own, and one that was ended makes room.
        assert post(served.stream, INITIALIZE, x_api_key=house.key("read")).status_code == 200
        ended = {"x-api-key": key, "mcp-session-id": last.headers["mcp-session-id"]}
        assert client.delete(served.stream, headers=ended).status_code == 200
        assert post(served.stream, INITIALIZE, x_api_key=key).status_code == 200


def test_streams_of_the_older_form_are_counted_by_key_and_in_all(house: House) -> None:
    with serving(house) as served, httpx2.Client(verify=False, timeout=30, limits=MANY) as client:
        key = {"x-api-key": house.key("trade")}
        with ExitStack() as held:

            def opened(headers: dict[str, str]) -> int:
                return held.enter_context(client.stream("GET", served.sse, headers=headers)).status_code

            assert [opened(key) for _ in range(STREAMS_EACH_MAX)] == [200] * STREAMS_EACH_MAX
            refused = client.get(served.sse, headers=key)
            assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
            assert "This key has 20 streams open" in refused.json()["error"]["message"]
            assert refused.headers["retry-after"]
            assert [opened({}) for _ in range(STREAMS_KEYLESS_MAX)] == [200] * STREAMS_KEYLESS_MAX
            assert "without a key" in client.get(served.sse).json()["error"]["message"]
            # Neither keeps another key out.
            assert opened({"x-api-key": house.key("read")}) == 200
        # Whoever goes away makes room.
        for _ in range(200):
            with client.stream("GET", served.sse, headers=key) as again:
                if again.status_code == 200:
                    break
            time.sleep(0.05)
        assert again.status_code == 200


@pytest.mark.parametrize("place", ["argument", "name", "query", "header", "method"])
def test_a_key_shows_in_no_answer_and_no_log(shared_house: House, shared_server: Served, place: str) -> None:
    key = shared_house.key("read")
    arguments = {"argument": {"api_key": key, "reason": key}, "name": {key: 1}}.get(place, {})
    method = key if place == "method" else "tools/call"
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": method,
        "params": {"name": "bastion_emergency_exit", "arguments": arguments, "_meta": META},
    }
    headers = MODERN | {"mcp-method": method, "mcp-name": "bastion_emergency_exit"}
    if place == "header":
        headers |= {"authorization": f"Bearer {key}"}
    url = shared_server.stream + (f"?api_key={key}" if place == "query" else "")
    answer = httpx2.post(url, content=json.dumps(body), headers=headers, timeout=30, verify=False)
    assert key not in answer.text or place == "method"
    assert "isError" in answer.text or answer.status_code >= 400
    assert key not in "".join(shared_server.lines)


@pytest.mark.parametrize(
    "params",
    [
        {"name": "bastion_emergency_exit", "arguments": ["a"]},
        {"name": 5},
        {},
        {"name": "bastion_sell_everything", "arguments": {}},
    ],
)
def test_a_malformed_call_gets_a_protocol_error_without_its_contents(
    shared_server: Served, params: dict[str, object]
) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params | {"_meta": META}}
    headers = MODERN | {"mcp-method": "tools/call", "mcp-name": str(params.get("name", ""))}
    answer = httpx2.post(
        shared_server.stream, content=json.dumps(body), headers=headers, timeout=30, verify=False
    )
    assert answer.status_code in {200, 400}
    assert answer.json()["error"]["code"] in {-32602, -32020, -32600}
    assert "Traceback" not in answer.text

"""A key asks as often as its tier allows, is told what is left, and may stop whatever it has asked before."""

import json

import httpx2
import pytest

from tests.acceptance.mcp.house import House, Served
from tests.acceptance.mcp.test_mcp_transport import META, MODERN

BURST = 10
LIMIT = "x-ratelimit-limit"


def call(
    served: Served, key: str, tool: str, **arguments: object
) -> tuple[httpx2.Response, dict[str, object]]:
    """Call a tool on the modern wire and return the HTTP answer with the JSON of its text."""
    params = {"name": tool, "arguments": arguments, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = MODERN | {"mcp-method": "tools/call", "mcp-name": tool, "x-api-key": key}
    answer = httpx2.post(served.stream, content=json.dumps(body), headers=headers, timeout=60, verify=False)
    data = next(line for line in answer.text.splitlines() if '"jsonrpc"' in line).removeprefix("data: ")
    document = json.loads(json.loads(data)["result"]["content"][0]["text"])
    assert isinstance(document, dict)
    return answer, document


@pytest.fixture
def free_key(shared_house: House) -> str:
    done = shared_house.run("keys", "create", "--scope", "engine", "--tier", "free", "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["key"])


def test_the_limit_is_told_and_kept_and_never_stands_before_a_stop(
    shared_server: Served, free_key: str
) -> None:
    for number in range(BURST):
        answer, document = call(shared_server, free_key, "bastion_engine_history")
        assert "entries" in document
        assert answer.headers[LIMIT] == "30"
        assert int(answer.headers["x-ratelimit-remaining"]) <= BURST - 1 - number + 1
        assert int(answer.headers["x-ratelimit-reset"]) > 1_700_000_000
    refused: dict[str, object] = {}
    for _ in range(BURST):
        # A slow run refills a request on the way.
        answer, document = call(shared_server, free_key, "bastion_engine_history")
        refused = document.get("error", {}) if isinstance(document.get("error"), dict) else {}  # type: ignore[assignment]
        if refused:
            break
    assert refused["code"] == "RATE_LIMITED"
    assert "rate limit" in str(refused["message"])
    assert refused["retry_after"] == int(answer.headers["retry-after"])
    for _ in range(BURST * 2):
        _, document = call(shared_server, free_key, "bastion_engine_disarm")
        assert document["success"] is True


def test_a_key_without_a_limit_is_told_none(shared_house: House, shared_server: Served) -> None:
    done = shared_house.run("keys", "create", "--scope", "read", "--tier", "unlimited", "--json")
    answer, _ = call(shared_server, json.loads(done.stdout)["key"], "bastion_engine_history")
    assert LIMIT not in answer.headers


def test_a_flood_of_bad_keys_is_told_to_wait_and_a_good_key_passes(
    shared_house: House, shared_server: Served
) -> None:
    statuses = []
    for number in range(60):
        headers = MODERN | {"x-api-key": f"bst_{number:0>40}".replace("0", "a").replace("1", "b")}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
        answer = httpx2.post(
            shared_server.stream, content=json.dumps(body), headers=headers, timeout=60, verify=False
        )
        statuses.append(answer.status_code)
    assert statuses[0] == 200
    assert 429 in statuses
    assert int(answer.headers.get("retry-after", "1")) >= 1
    _, document = call(shared_server, shared_house.key("read"), "bastion_engine_history")
    assert "entries" in document

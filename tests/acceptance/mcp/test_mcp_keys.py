"""Which key may do what, and what a bad one is told; a refused call does nothing."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.acceptance.mcp.house import House, Served
from tests.acceptance.mcp.talk import ERAS, answer_of, error_of, over_http, over_sse, text_of

EXIT = "bastion_emergency_exit"
POSITIONS = "bastion_get_positions"
STATUS = "bastion_exit_status"
ARGUMENTS: dict[str, dict[str, object]] = {EXIT: {}, POSITIONS: {}, STATUS: {"exit_id": "xaaaaaaaaaaaa"}}
NEEDED = {EXIT: "trade", POSITIONS: "read", STATUS: "read"}
SCOPES = ("read", "trade", "engine")


@pytest.fixture(scope="module")
def keys(shared_house: House) -> dict[str, str]:
    return {scope: shared_house.key(scope) for scope in SCOPES}


@pytest.fixture(scope="module", autouse=True)
def nothing_happens(shared_server: Served, keys: dict[str, str]) -> Iterator[None]:
    """Every test of this file only asks for what is refused, or reads: the positions are there at the end."""
    yield
    rows = asyncio.run(read_positions(shared_server, keys["read"]))
    assert isinstance(rows, list)
    assert len(rows) == 4


async def read_positions(server: Served, key: str) -> object:
    async with over_http(server.stream, "auto", headers={"X-API-Key": key}) as client:
        return answer_of(await client.call_tool(POSITIONS, {}))["positions"]


BAD = {
    "missing": (None, "is required"),
    "empty": ("", "is required"),
    "of another product": ("sk-bast-" + "a" * 40, "bst_"),
    "malformed": ("bst_short", "This is not a bastion key"),
    "unknown": ("bst_" + "a" * 40, "not known here"),
    "no text": (17, "must be a bastion key"),
}


@pytest.mark.parametrize("kind", list(BAD))
async def test_a_bad_key_is_told_what_is_wrong_with_it(shared_server: Served, kind: str) -> None:
    key, said = BAD[kind]
    async with over_http(shared_server.stream, "auto") as client:
        error = error_of(await client.call_tool(EXIT, {} if key is None else {"api_key": key}))
    assert error["code"] == "AUTH_REQUIRED"
    message = str(error["message"])
    assert said in message
    assert not key or str(key) not in message


async def test_the_messages_for_bad_keys_are_distinct(shared_house: House, shared_server: Served) -> None:
    revoked, revoked_id = shared_house.key_and_id("trade")
    assert shared_house.run("keys", "revoke", revoked_id).returncode == 0
    messages = set()
    async with over_http(shared_server.stream, "auto") as client:
        for key in (None, "bst_short", "bst_" + "a" * 40, revoked):
            error = error_of(await client.call_tool(EXIT, {} if key is None else {"api_key": key}))
            assert error["code"] == "AUTH_REQUIRED"
            messages.add(error["message"])
    assert len(messages) == 4
    assert any("revoked" in str(message) for message in messages)


@pytest.mark.parametrize("era", ERAS)
async def test_a_revoked_key_is_refused_at_once_on_an_open_connection(
    shared_house: House, shared_server: Served, era: str
) -> None:
    key, key_id = shared_house.key_and_id("read")
    async with over_http(shared_server.stream, era) as client:
        answer_of(await client.call_tool(POSITIONS, {"api_key": key}))
        assert shared_house.run("keys", "revoke", key_id).returncode == 0
        error = error_of(await client.call_tool(POSITIONS, {"api_key": key}))
    assert error["code"] == "AUTH_REQUIRED"
    assert "revoked" in str(error["message"])


@pytest.mark.parametrize("tool", list(ARGUMENTS))
@pytest.mark.parametrize("scope", SCOPES)
async def test_the_scope_matrix(shared_server: Served, keys: dict[str, str], scope: str, tool: str) -> None:
    if tool == EXIT and SCOPES.index(scope) >= SCOPES.index("trade"):
        # A key that may exit is shown to reach the exit's own checks, which refuse before anything happens.
        given: dict[str, object] = {"deadline_s": 0}
        expected = "INVALID_ARGUMENT"
    else:
        given = ARGUMENTS[tool]
        allowed = SCOPES.index(scope) >= SCOPES.index(NEEDED[tool])
        # The exit of that id does not exist: a key that may ask is told so.
        expected = "SCOPE_DENIED" if not allowed else {STATUS: "INVALID_ARGUMENT"}.get(tool, "")
    async with over_http(shared_server.stream, "auto", headers={"X-API-Key": keys[scope]}) as client:
        result = await client.call_tool(tool, given)
    assert result.is_error == bool(expected), text_of(result)
    if expected:
        assert error_of(result)["code"] == expected
    if expected == "SCOPE_DENIED":
        assert NEEDED[tool] in str(error_of(result)["message"])


async def test_keys_of_two_principals_are_refused(shared_server: Served, keys: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {keys['read']}"}
    async with over_http(shared_server.stream, "auto", headers=headers) as client:
        error = error_of(await client.call_tool(EXIT, {"api_key": keys["trade"]}))
    assert error["code"] == "AUTH_REQUIRED"
    assert "different principals" in str(error["message"])


async def test_the_same_key_twice_is_one_principal(shared_server: Served, keys: dict[str, str]) -> None:
    headers = {"X-API-Key": keys["read"], "Authorization": f"Bearer {keys['read']}"}
    async with over_http(shared_server.stream, "auto", headers=headers) as client:
        answer_of(await client.call_tool(POSITIONS, {"api_key": keys["read"]}))


@pytest.mark.parametrize("era", ERAS)
async def test_the_documented_query_form_works_and_shows_in_no_log(
    shared_server: Served, keys: dict[str, str], era: str
) -> None:
    async with over_http(f"{shared_server.stream}?api_key={keys['read']}", era) as client:
        answer_of(await client.call_tool(POSITIONS, {}))
    assert keys["read"] not in "".join(shared_server.lines)


async def test_a_query_key_counts_for_nothing_on_the_older_transport(
    shared_server: Served, keys: dict[str, str]
) -> None:
    async with over_sse(f"{shared_server.sse}?api_key={keys['trade']}") as client:
        error = error_of(await client.call_tool(POSITIONS, {}))
    assert error["code"] == "AUTH_REQUIRED"


MISTAKES: dict[str, dict[str, object]] = {
    "a misspelt dry run": {"dryrun": True},
    "a parameter of another tool": {"exit_id": "x1"},
    "a deadline that is no number": {"deadline_s": "soon"},
    "a deadline that is a bool": {"deadline_s": True},
    "a deadline out of bounds": {"deadline_s": 10**9},
    "a reason that is no text": {"reason": {"why": "crash"}},
    "a reason of two lines": {"reason": "a\nb"},
    "a reason without end": {"reason": "x" * 301},
}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("mistake", list(MISTAKES))
async def test_a_mistaken_argument_is_refused_and_not_repeated(
    shared_server: Served, keys: dict[str, str], mistake: str, era: str
) -> None:
    headers = {"X-API-Key": keys["trade"]}
    async with over_http(shared_server.stream, era, headers=headers) as client:
        result = await client.call_tool(EXIT, MISTAKES[mistake])
    assert error_of(result)["code"] == "INVALID_ARGUMENT"
    assert json.dumps(next(iter(MISTAKES[mistake].values()))) not in text_of(result)
    assert keys["trade"] not in text_of(result)

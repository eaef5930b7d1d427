"""Which key may do what, and what a bad one is told; a refused call does nothing."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from bastion.domain.act import STOPPING, STOPPING_READS, Act
from bastion.surfaces.mcp_server.tool import Tool
from bastion.surfaces.mcp_server.tools import TOOLS
from tests.acceptance.mcp.house import House, Served
from tests.acceptance.mcp.talk import ERAS, answer_of, error_of, over_http, over_sse, text_of

EXIT = "bastion_emergency_exit"
POSITIONS = "bastion_get_positions"
SCOPES = ("read", "trade", "engine")
NEEDED: dict[str, dict[str, object]] = {
    "exit_id": {"exit_id": "xaaaaaaaaaaaa"},
    "halt_id": {"halt_id": "xaaaaaaaaaaaa"},
    "symbol": {"symbol": "BTC"},
    "tp_price": {"tp_price": 1},
    "sl_price": {"sl_price": 1},
}
"""What a tool must be given, by the names of its arguments."""


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


def harmless(tool: Tool) -> tuple[dict[str, object], set[str]]:
    """Return arguments with which a key that may call the tool changes nothing, and what it may be told.

    The tools that act are asked for an account that does not exist: the verb has then checked the scope.
    """
    required = [name for name, parameter in tool.parameters.items() if parameter.required]
    given: dict[str, object] = {}
    for name in required:
        given |= NEEDED[name]
    if tool.act is Act.ENGINE_ARM:
        return {"confirm": False}, {"CONFIRMATION_REQUIRED"}
    if tool.act in {Act.ENGINE_START, Act.ENGINE_DISARM}:
        return {}, {""}
    if tool.act.reads:
        # No exit and no halt has that id.
        return given, {"INVALID_ARGUMENT" if {"exit_id", "halt_id"} & given.keys() else ""}
    if "accounts" in tool.parameters:
        return given | {"accounts": ["no-such-account"]}, {"INVALID_ARGUMENT"}
    assert tool.act is Act.KILL_SWITCH, "say how this tool is asked for nothing"
    return {"reason": "x" * 1000}, {"INVALID_ARGUMENT"}


@pytest.mark.parametrize("scope", SCOPES)
async def test_the_scope_matrix_of_every_tool(
    shared_server: Served, keys: dict[str, str], scope: str
) -> None:
    async with over_http(shared_server.stream, "auto", headers={"X-API-Key": keys[scope]}) as client:
        for tool in TOOLS:
            given, may_be_told = harmless(tool)
            allowed = SCOPES.index(scope) >= SCOPES.index(tool.act.scope.word)
            if tool.act is Act.KILL_SWITCH and not allowed:
                given = {}
            result = await client.call_tool(tool.name, given)
            code = error_of(result)["code"] if result.is_error else ""
            if allowed:
                assert code in may_be_told, f"{tool.name}: {text_of(result)}"
                continue
            assert code == "SCOPE_DENIED", f"{tool.name}: {text_of(result)}"
            assert tool.act.scope.word in str(error_of(result)["message"])


async def test_a_key_that_may_only_stop_calls_the_tools_that_stop_and_nothing_else(
    shared_house: House, shared_server: Served
) -> None:
    done = shared_house.run("keys", "create", "--scope", "engine", "--only", "exit", "--json")
    assert done.returncode == 0, done.stderr
    headers = {"X-API-Key": json.loads(done.stdout)["key"]}
    async with over_http(shared_server.stream, "auto", headers=headers) as client:
        for tool in TOOLS:
            given, _ = harmless(tool)
            result = await client.call_tool(tool.name, given)
            denied = result.is_error and error_of(result)["code"] == "SCOPE_DENIED"
            assert denied is (tool.act not in STOPPING | STOPPING_READS), f"{tool.name}: {text_of(result)}"


async def test_a_key_of_one_account_sees_and_moves_no_other(
    shared_house: House, shared_server: Served
) -> None:
    created = ("keys", "create", "--scope", "trade", "--accounts", "paper-bybit", "--json")
    done = shared_house.run(*created)
    assert done.returncode == 0, done.stderr
    headers = {"X-API-Key": json.loads(done.stdout)["key"]}
    async with over_http(shared_server.stream, "auto", headers=headers) as client:
        for name in (
            "bastion_get_positions",
            "bastion_get_balance",
            "bastion_get_exchanges",
            "bastion_preview",
        ):
            text = text_of(await client.call_tool(name, {}))
            assert "paper-bybit" in text
            assert "paper-binance" not in text
        for tool in TOOLS:
            if "accounts" not in tool.parameters:
                continue
            given = harmless(tool)[0] | {"accounts": ["paper-binance"]}
            error = error_of(await client.call_tool(tool.name, given))
            assert "There is no account 'paper-binance'" in str(error["message"]), tool.name


async def test_a_key_that_came_as_an_argument_is_flagged(shared_server: Served, keys: dict[str, str]) -> None:
    async with over_http(shared_server.stream, "auto") as client:
        flagged = answer_of(await client.call_tool(POSITIONS, {"api_key": keys["read"]}))["warnings"]
    async with over_http(shared_server.stream, "auto", headers={"X-API-Key": keys["read"]}) as client:
        silent = answer_of(await client.call_tool(POSITIONS, {"api_key": ""}))["warnings"]
    assert isinstance(flagged, list)
    assert "came as the argument `api_key`" in flagged[-1]
    assert silent == flagged[:-1]


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

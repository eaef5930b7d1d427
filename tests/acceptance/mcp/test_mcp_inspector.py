"""The protocol's own inspector lists and calls the tools, over stdio and HTTP, in both eras."""

from pathlib import Path

import pytest

from bastion.surfaces.mcp_server.tools import TOOLS
from tests.acceptance.mcp.house import PROGRAM, House, serving
from tests.acceptance.mcp.inspector import inspect
from tests.acceptance.mcp.seed import assert_is_the_example

EACH_ERA = pytest.mark.parametrize("era", ["legacy", "modern"])
NAMES = [tool.name for tool in TOOLS]

pytestmark = pytest.mark.timeout(600)


def names_of(listed: dict[str, object]) -> list[str]:
    tools = listed["tools"]
    assert isinstance(tools, list)
    return [tool["name"] for tool in tools]


@EACH_ERA
def test_over_stdio(house: House, era: str, tmp_path: Path) -> None:
    variables = house.variables | {"BASTION_API_KEY": house.key("trade")}
    command = [PROGRAM, "mcp"]
    options = ("--protocol-era", era)
    listed = inspect(
        command, "--method", "tools/list", "--strict", *options, home=tmp_path, variables=variables
    )
    assert listed.code == 0, listed.stderr
    assert "portability" not in listed.stderr
    assert names_of(listed.result) == NAMES
    call = ("--method", "tools/call", "--tool-name", "bastion_emergency_exit", "--tool-args-json", "{}")
    called = inspect(command, *call, *options, home=tmp_path, variables=variables)
    assert called.code == 0, called.stderr
    assert_is_the_example(called.answer)
    assert called.result["structuredContent"] == called.answer


@EACH_ERA
def test_over_http(house: House, era: str, tmp_path: Path) -> None:
    key = house.key("trade")
    options = ("--transport", "http", "--protocol-era", era)
    call = (*options, "--method", "tools/call", "--tool-args-json", f'{{"api_key": "{key}"}}')
    with serving(house) as served:
        target = [served.stream]
        listed = inspect(target, *options, "--method", "tools/list", "--strict", home=tmp_path)
        assert listed.code == 0, listed.stderr
        assert names_of(listed.result) == NAMES

        held = inspect(target, *call, "--tool-name", "bastion_get_positions", home=tmp_path)
        positions = held.answer["positions"]
        assert isinstance(positions, list)
        assert len(positions) == 4

        called = inspect(target, *call, "--tool-name", "bastion_emergency_exit", home=tmp_path)
        assert called.code == 0, called.stderr
        assert_is_the_example(called.answer)

        uri = f"bastion://exits/{called.answer['exit_id']}"
        header = ("--header", f"X-API-Key: {key}")
        read = inspect(target, *options, *header, "--method", "resources/read", "--uri", uri, home=tmp_path)
        assert read.code == 0, read.stderr


def test_over_the_older_sse_form(house: House, tmp_path: Path) -> None:
    with serving(house) as served:
        called = inspect(
            [served.sse],
            "--transport",
            "sse",
            "--method",
            "tools/call",
            "--tool-name",
            "bastion_get_positions",
            "--tool-arg",
            f"api_key={house.key('read')}",
            home=tmp_path,
        )
    assert called.code == 0, called.stderr
    assert "positions" in called.answer


@EACH_ERA
def test_a_refused_call_is_an_error_answer(house: House, era: str, tmp_path: Path) -> None:
    with serving(house) as served:
        refused = inspect(
            [served.stream],
            "--transport",
            "http",
            "--protocol-era",
            era,
            "--method",
            "tools/call",
            "--tool-name",
            "bastion_emergency_exit",
            "--tool-args-json",
            "{}",
            home=tmp_path,
        )
    assert refused.code == 5
    error = refused.answer["error"]
    assert isinstance(error, dict)
    assert error["code"] == "AUTH_REQUIRED"

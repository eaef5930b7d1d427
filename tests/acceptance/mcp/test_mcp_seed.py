"""The documentation's example, through real clients on every transport and in both eras of the protocol."""

import json
from pathlib import Path

import pytest
from mcp import Client
from mcp_types import TextResourceContents

from bastion.surfaces.mcp_server.tools import TOOLS
from tests.acceptance.mcp.house import House, serving
from tests.acceptance.mcp.seed import assert_is_the_example
from tests.acceptance.mcp.talk import ERAS, answer_of, error_of, over_http, over_sse, over_stdio


async def play(client: Client, arguments: dict[str, object]) -> None:
    """List, look, exit, and ask for the exit's state."""
    listed = await client.list_tools()
    assert [tool.name for tool in listed.tools] == [tool.name for tool in TOOLS]

    before = answer_of(await client.call_tool("bastion_get_positions", arguments))
    rows = before["positions"]
    assert isinstance(rows, list)
    assert {(row["symbol"], row["direction"], row["exchange"]) for row in rows} == {
        ("BTCUSDT", "LONG", "binance"),
        ("SOLUSDT", "LONG", "binance"),
        ("ETHUSDT", "SHORT", "bybit"),
        ("AVAXUSDT", "LONG", "bybit"),
    }
    assert before["unread"] == []

    told: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert total is None
        told.append((progress, message))

    given = arguments | {"reason": "the example"}
    answer = answer_of(await client.call_tool("bastion_emergency_exit", given, progress_callback=hear))
    assert_is_the_example(answer)
    assert answer["reason"] == "the example"
    assert [done for done, _ in told] == [1.0, 2.0, 3.0, 4.0]
    assert all("closed at" in (message or "") for _, message in told)

    exit_id = answer["exit_id"]
    status = answer_of(await client.call_tool("bastion_exit_status", arguments | {"exit_id": exit_id}))
    assert_is_the_example(status)
    after = answer_of(await client.call_tool("bastion_get_positions", arguments))
    assert after["positions"] == []
    again = answer_of(await client.call_tool("bastion_emergency_exit", arguments))
    assert again["success"] is True
    assert again["positions_closed"] == 0
    error = error_of(await client.call_tool("bastion_exit_status", arguments | {"exit_id": "xnosuch"}))
    assert error["code"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("era", ERAS)
async def test_over_stdio_with_the_key_in_the_environment(house: House, era: str, tmp_path: Path) -> None:
    variables = {"BASTION_API_KEY": house.key("trade")}
    async with over_stdio(house, era, log=tmp_path / "log", variables=variables) as client:
        await play(client, {})
    assert variables["BASTION_API_KEY"] not in (tmp_path / "log").read_text(encoding="utf-8")


@pytest.mark.parametrize("era", ERAS)
async def test_over_http_with_the_key_as_the_documented_argument(house: House, era: str) -> None:
    key = house.key("trade")
    with serving(house) as served:
        async with over_http(served.stream, era) as client:
            await play(client, {"api_key": key})
    assert key not in "".join(served.lines)


async def test_over_the_older_sse_form_with_the_key_in_a_header(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.key('engine')}"}
    with serving(house) as served:
        async with over_sse(served.sse, headers=headers) as client:
            await play(client, {})


async def test_the_exit_can_be_read_as_a_resource(house: House) -> None:
    key = house.key("trade")
    with serving(house) as served:
        async with over_http(served.stream, "auto", headers={"X-API-Key": key}) as client:
            answer = answer_of(await client.call_tool("bastion_emergency_exit", {}))
            templates = await client.list_resource_templates()
            assert [template.uri_template for template in templates.resource_templates] == [
                "bastion://exits/{id}"
            ]
            read = await client.read_resource(f"bastion://exits/{answer['exit_id']}")
            content = read.contents[0]
            assert isinstance(content, TextResourceContents)
            assert_is_the_example(json.loads(content.text))

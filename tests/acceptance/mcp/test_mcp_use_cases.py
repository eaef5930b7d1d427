"""The five use cases of the documentation page, each to its end in the truth, with the tool to call next."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client
from mcp_types import TextResourceContents

from tests.acceptance.mcp.exchange import Exchange, house_at, standing_exchange
from tests.acceptance.mcp.house import House, Served, serving
from tests.acceptance.mcp.talk import answer_of, error_of, over_http

EXIT = "bastion_emergency_exit"
STATUS = "bastion_exit_status"
POLLS = 150

Answer = dict[str, object]


@pytest.fixture(scope="module")
def market() -> Iterator[Exchange]:
    with standing_exchange() as standing:
        yield standing


@pytest.fixture(scope="module")
def desk(market: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Served]]:
    house = house_at(market, tmp_path_factory.mktemp("desk"), hold_s=1)
    with serving(house) as served:
        yield house, served


@asynccontextmanager
async def assistant(desk: tuple[House, Served], market: Exchange) -> AsyncIterator[Client]:
    """An assistant with a key for everything, and a market as it was in the beginning."""
    house, served = desk
    async with over_http(served.stream, "auto", headers={"X-API-Key": house.key("engine")}) as client:
        await over(client)
        market.fresh()
        await until_seen(client)
        yield client


async def until_seen(client: Client) -> None:
    """Wait until the desk reads the accounts anew; it shares one reading for a few seconds."""
    for _ in range(POLLS):
        if len(names(answer_of(await client.call_tool("bastion_get_positions", {})), "positions")) == 4:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the positions were never seen")


async def over(client: Client) -> None:
    """Wait until no exit looks on any more: it would close what the next case opens."""
    for _ in range(POLLS):
        contents = (await client.read_resource("bastion://status")).contents[0]
        assert isinstance(contents, TextResourceContents)
        last = json.loads(contents.text)["desk"]["last_exit"]
        if last is None or last["state"] == "done":
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the last exit was never over")


async def follow(client: Client, answer: Answer) -> Answer:
    """Call what the answer names until it is flat; every answer on the way must say that it is not."""
    for _ in range(POLLS):
        if answer["success"]:
            return answer
        assert answer["verdict"] in {None, "NOT_FLAT", "UNKNOWN"}
        assert answer["next_step"]
        following = answer["next_tool"]
        assert isinstance(following, Mapping)
        arguments = following["arguments"]
        assert isinstance(arguments, dict)
        answer = answer_of(await client.call_tool(str(following["name"]), arguments))
        await asyncio.sleep(0.1)
    raise AssertionError(f"never flat: {answer}")


def names(answer: Answer, field: str) -> set[str]:
    rows = answer[field]
    assert isinstance(rows, list)
    return {row["symbol"] for row in rows}


async def test_black_swan(desk: tuple[House, Served], market: Exchange) -> None:
    async with assistant(desk, market) as client:
        for venue, symbol, price in (
            ("binance", "BTCUSDT", "80256"),
            ("binance", "SOLUSDT", "121.2"),
            ("bybit", "ETHUSDT", "2974.4"),
            ("bybit", "AVAXUSDT", "31.5"),
        ):
            market.price(venue, symbol, price)
        answer = answer_of(await client.call_tool(EXIT, {"reason": "flash crash"}))
        assert answer["verdict"] == "FLAT"
        assert answer["success"] is True
        assert market.open_positions() == 0
        rows = answer["closed_positions"]
        assert isinstance(rows, list)
        total = sum(row["realized_pnl_usd"] for row in rows)
        assert answer["total_realized_pnl_usd"] == pytest.approx(total)
        assert {row["symbol"]: row["exit_price"] for row in rows}["BTCUSDT"] == 80256
        assert answer["next_tool"] == {"name": STATUS, "arguments": {"exit_id": answer["exit_id"]}}
        assert "FLAT" in str(answer["summary"])


async def test_the_drawdown_limit_is_reached(desk: tuple[House, Served], market: Exchange) -> None:
    async with assistant(desk, market) as client:
        market.price("binance", "BTCUSDT", "85000")
        preview = answer_of(await client.call_tool("bastion_preview", {}))
        totals = preview["totals"]
        assert isinstance(totals, dict)
        assert totals["positions"] == 4
        assert totals["estimated_realized_pnl_usd"] < -4000
        assert market.open_positions() == 4
        answer = answer_of(await client.call_tool(EXIT, {"reason": "the loss limit of 4,000 USD is reached"}))
        assert answer["verdict"] == "FLAT"
        assert market.open_positions() == 0
        realized = answer["total_realized_pnl_usd"]
        assert isinstance(realized, int | float)
        assert abs(realized - totals["estimated_realized_pnl_usd"]) < 100
        assert answer["reason"] == "the loss limit of 4,000 USD is reached"


async def test_going_offline_by_hand_with_the_engine_armed(market: Exchange, tmp_path: Path) -> None:
    # A house of its own: no earlier exit holds the latch, under which nothing is armed.
    house = house_at(market, tmp_path, hold_s=1)
    with serving(house) as served:
        async with assistant((house, served), market) as client:
            answer_of(await client.call_tool("bastion_engine_start", {}))
            answer_of(await client.call_tool("bastion_engine_arm", {"max_action": "hold"}))
            answer = answer_of(await client.call_tool(EXIT, {"reason": "boarding a plane"}))
            assert answer["verdict"] == "FLAT"
            assert market.open_positions() == 0
            # An exit does not disarm; the answer says what does.
            assert answer["next_tool"] == {"name": "bastion_engine_disarm", "arguments": {}}
            disarmed = answer_of(await client.call_tool("bastion_engine_disarm", {}))
            assert disarmed["armed"] is False
            status = answer_of(await client.call_tool("bastion_engine_status", {}))
            assert status["armed"] is False
            refused = error_of(await client.call_tool("bastion_engine_arm", {}))
            assert refused["code"] == "CONFLICT"
            assert f"bastion reset {answer['exit_id']}" in str(refused["message"])


async def test_an_exchange_in_trouble_delays_no_other_and_is_never_called_flat(
    desk: tuple[House, Served], market: Exchange
) -> None:
    async with assistant(desk, market) as client:
        market.fault("fail", venue="bybit", failure="unavailable")
        answer = answer_of(await client.call_tool(EXIT, {"deadline_s": 3, "reason": "an exchange is hacked"}))
        assert answer["success"] is False
        assert answer["verdict"] in {"NOT_FLAT", "UNKNOWN"}
        assert names(answer, "closed_positions") == {"BTCUSDT", "SOLUSDT"}
        unread = answer["unread"]
        assert isinstance(unread, list)
        assert {row["exchange"] for row in unread} == {"bybit"}
        assert market.open_positions() == 2
        assert "by hand" in str(answer["next_step"])
        market.mend()
        ended = await follow(client, answer)
        assert ended["verdict"] == "FLAT"
        assert market.open_positions() == 0


async def test_a_margin_call_on_several_positions_of_one_account(
    desk: tuple[House, Served], market: Exchange
) -> None:
    async with assistant(desk, market) as client:
        market.price("binance", "BTCUSDT", "86000")
        market.price("binance", "SOLUSDT", "132")
        given = {"accounts": ["binance-main"], "side": "LONG", "reason": "margin call"}
        answer = answer_of(await client.call_tool(EXIT, given))
        assert answer["success"] is True
        assert names(answer, "closed_positions") == {"BTCUSDT", "SOLUSDT"}
        assert answer["positions_closed"] == 2
        left = answer_of(await client.call_tool("bastion_get_positions", {}))
        assert names(left, "positions") == {"ETHUSDT", "AVAXUSDT"}
        assert market.open_positions() == 2
        # What was left out is said, so that nobody takes the rest for closed.
        assert "binance-main" in str(answer["summary"]) + str(answer["selection"])

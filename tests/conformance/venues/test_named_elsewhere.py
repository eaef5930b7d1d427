"""What a page apart from the lists of positions names, at each venue that has one."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from aiohttp import web

from bastion.app import PaperProcess
from bastion.domain.position import Position, Side
from bastion.errors import VenueError
from bastion.ports import Naming
from bastion.venues.ccxt.bybit_named import FUNDED_MS, PAGE, TRADES_MOST
from tests.hyperliquid_script import FILLS, fill_row, raw, say, scripted
from tests.venue_paper import WAIT_S, PaperRig, prepared, scenario
from tests.venue_rig import Asked, Rig, reply, v5

LISTS = {
    "binance": "/fapi/v3/positionRisk",
    "bybit": "/v5/position/list",
    "okx": "/api/v5/account/positions",
    "hyperliquid": "/info/clearinghouseState",
}
EXECUTIONS = "/v5/execution/list"


@pytest.fixture(params=list(LISTS))
async def exchange(request: pytest.FixtureRequest, paper: PaperProcess) -> AsyncIterator[PaperRig]:
    async for one in prepared(paper, request.param):
        yield one


async def named(rig: PaperRig) -> tuple[Position, ...]:
    assert isinstance(rig.venue, Naming)
    return await rig.venue.named(deadline_s=WAIT_S)


async def test_what_the_lists_leave_out_is_named_as_a_second_source_can_be_asked_for_it(
    exchange: PaperRig,
) -> None:
    shown = {position.key: position for position in (await exchange.whole_look()).positions}
    assert len(shown) > 1
    await exchange.fault("empty", path=LISTS[exchange.name])
    found = await named(exchange)
    await exchange.heal()
    # Bybit's page knows no side: which one is meant is the exit's to say.
    assert {(one.category, one.instrument, one.symbol) for one in found} == {
        (one.category, one.instrument, one.symbol) for one in shown.values()
    }
    for position in found:
        told = await exchange.venue.second_source(position, deadline_s=WAIT_S)
        held = next(one for one in shown.values() if one.instrument == position.instrument)
        assert abs(told) == held.quantity
        assert (told > 0) is (position.side is held.side)
        assert position.quantity in {0, held.quantity}


async def test_both_legs_of_hedge_mode_are_named(hedging: PaperRig) -> None:
    await hedging.load(scenario(hedging.name, ["BTCUSDT"], hedge=True))
    for side, size in (("LONG", "0.5"), ("SHORT", "-0.3")):
        await hedging.hold("BTCUSDT", size, side=side)
    found = await named(hedging)
    sides = {position.side for position in found if position.hedged}
    assert sides == (set() if hedging.name == "bybit" else set(Side))
    assert len(found) == (1 if hedging.name == "bybit" else 2)


async def test_an_account_that_holds_nothing_is_named_nothing(exchange: PaperRig) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT"]))
    await exchange.rest("BTCUSDT", "BUY", "1", price="900")
    assert await named(exchange) == ()


async def test_bybit_names_what_was_funded_or_traded_and_reads_no_more_than_the_newest_pages(
    bybit: Rig,
) -> None:
    async def respond(asked: Asked) -> web.StreamResponse:
        kind, category = asked.params.get("execType"), asked.params["category"]
        if category == "inverse":
            return web.json_response(v5({"list": [], "nextPageCursor": ""}))
        if kind == "Funding":
            return web.json_response(v5({"list": [{"symbol": "BTCUSDT"}], "nextPageCursor": ""}))
        number = int(asked.params.get("cursor", "0"))
        page = [{"symbol": f"A{number}USDT"}]
        return web.json_response(v5({"list": page, "nextPageCursor": str(number + 1)}))

    bybit.script.on(EXECUTIONS, respond)
    bybit.script.on("/v5/market/instruments-info", reply(v5({"list": [], "nextPageCursor": ""})))
    assert isinstance(bybit.venue, Naming)
    found = await bybit.venue.named(deadline_s=5)
    assert [one.instrument for one in found] == [
        *(f"A{number}USDT" for number in range(TRADES_MOST)),
        "BTCUSDT",
    ]
    asked = bybit.script.seen(EXECUTIONS)
    assert {int(one.params["limit"]) for one in asked} == {PAGE}
    assert len(asked) == TRADES_MOST + 3
    now_ms = max(int(one.request.headers["X-BAPI-TIMESTAMP"]) for one in asked)
    assert all(0 <= now_ms - FUNDED_MS - int(one.params["startTime"]) <= 5000 for one in asked)


async def test_bybit_names_nothing_of_a_category_that_the_account_does_not_have(bybit: Rig) -> None:
    async def respond(asked: Asked) -> web.StreamResponse:
        if asked.params["category"] == "inverse":
            return web.json_response({"retCode": 10001, "retMsg": "Illegal category", "result": {}})
        return web.json_response(v5({"list": [{"symbol": "BTCUSDT"}], "nextPageCursor": ""}))

    bybit.script.on(EXECUTIONS, respond)
    assert isinstance(bybit.venue, Naming)
    assert [one.instrument for one in await bybit.venue.named(deadline_s=5)] == ["BTCUSDT"]


async def test_hyperliquid_names_what_the_newest_executions_left_and_nothing_of_spot() -> None:
    async with scripted() as hl:
        rows = [
            fill_row(1, 1_000, coin="BTC", startPosition="0.0", sz="0.5", side="B"),
            fill_row(2, 2_000, coin="ETH", startPosition="2.0", sz="2.0", side="A"),
            fill_row(3, 3_000, coin="SOL", startPosition="1.0", sz="3.0", side="A"),
            fill_row(4, 4_000, coin="@107", startPosition="0.0", sz="7.0", side="B"),
        ]
        hl.on(FILLS, say(rows))
        assert {(one.symbol, one.side, one.quantity) for one in await hl.venue.named(deadline_s=5)} == {
            ("BTCUSDC", Side.LONG, Decimal("0.5")),
            ("SOLUSDC", Side.SHORT, Decimal(2)),
        }


@pytest.mark.parametrize(("status", "raises"), [(422, False), (502, True)])
async def test_a_hyperliquid_host_without_the_question_names_nothing_and_one_that_fails_says_nothing(
    status: int, *, raises: bool
) -> None:
    async with scripted() as hl:
        hl.on(FILLS, raw("Failed to deserialize the JSON body into the target type", status))
        if raises:
            with pytest.raises(VenueError):
                await hl.venue.named(deadline_s=1)
        else:
            assert await hl.venue.named(deadline_s=1) == ()

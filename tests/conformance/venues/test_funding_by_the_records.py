"""Funding since the opening, by the records of Binance and Bybit: weeks, pages, and what they cannot tell."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from bastion.clock import SystemClock
from bastion.domain.position import Position
from bastion.errors import AnswerMalformed
from bastion.ports import Funded
from tests.venue_rig import Asked, Responder, Rig, reply, v5

TRADES, INCOME = "/fapi/v1/userTrades", "/fapi/v1/income"
POSITIONS, EXECUTIONS = "/v5/position/list", "/v5/execution/list"
WEEK_MS = 7 * 24 * 3_600_000


def ago_ms(weeks: float) -> int:
    return SystemClock().now_ns() // 1_000_000 - int(weeks * WEEK_MS)


async def told(rig: Rig, position: Position | None = None) -> Decimal | None:
    assert isinstance(rig.venue, Funded)
    return await rig.venue.funding(position or rig.request().position, deadline_s=10)


def trade(at_ms: int, quantity: str) -> dict[str, object]:
    return {"id": at_ms, "time": at_ms, "side": "BUY", "qty": quantity}


def income(amount: str, asset: str = "USDT") -> dict[str, object]:
    return {"income": amount, "asset": asset, "incomeType": "FUNDING_FEE", "time": 1}


def within_span(rows: list[dict[str, Any]]) -> Responder:
    """Answer with the trades between startTime and endTime, as the venue does."""

    async def respond(asked: Asked) -> web.StreamResponse:
        since, until = int(asked.params["startTime"]), int(asked.params["endTime"])
        assert until - since <= WEEK_MS, "the venue refuses more than seven days"
        return web.json_response([row for row in rows if since <= row["time"] <= until])

    return respond


async def test_binance_trades_are_followed_back_week_by_week(binance: Rig) -> None:
    opened = ago_ms(2.5)
    rows = [trade(ago_ms(3.5), "9"), {**trade(opened - 1, "9"), "side": "SELL"}]
    rows += [trade(opened, "0.4"), trade(ago_ms(0.5), "0.6")]
    binance.script.on(TRADES, within_span(rows))
    binance.script.on(INCOME, reply([income("-3.5"), income("0.25")]))
    assert await told(binance) == Decimal("-3.25")
    (asked,) = binance.script.seen(INCOME)
    assert asked.params["startTime"] == str(opened)
    assert asked.params["incomeType"] == "FUNDING_FEE"
    assert len(binance.script.seen(TRADES)) == 3


async def test_a_binance_position_older_than_the_record_is_not_told(binance: Rig) -> None:
    binance.script.on(TRADES, within_span([trade(ago_ms(13), "1")]))
    assert await told(binance) is None
    assert len(binance.script.seen(TRADES)) == 12
    assert binance.script.seen(INCOME) == []


async def test_a_week_of_binance_trades_that_fills_a_page_is_not_guessed_from(binance: Rig) -> None:
    now = ago_ms(0)
    binance.script.on(TRADES, reply([trade(now - number, "0.001") for number in range(1000)]))
    assert await told(binance) is None


async def test_hedge_mode_is_not_told_and_asks_nothing(binance: Rig) -> None:
    position = replace(binance.request().position, hedged=True)
    assert await told(binance, position) is None
    assert binance.script.seen(TRADES) == []


async def test_an_odd_income_row_is_no_figure(binance: Rig) -> None:
    binance.script.on(TRADES, reply([trade(ago_ms(0), "1")]))
    binance.script.on(INCOME, reply([income("plenty")]))
    with pytest.raises(AnswerMalformed):
        await told(binance)


def held(**changes: object) -> Responder:
    row = {"symbol": "BTCUSDT", "side": "Buy", "size": "1", "positionIdx": 0, "avgPrice": "100", **changes}
    return reply(v5({"list": [row], "nextPageCursor": ""}))


def funding(fee: str, kind: str = "Funding") -> dict[str, object]:
    return {"symbol": "BTCUSDT", "execType": kind, "execFee": fee, "execTime": "1", "execPrice": "100"}


async def test_bybit_funding_is_asked_for_in_weeks_since_the_open_time(bybit: Rig) -> None:
    opened = ago_ms(1.5)
    bybit.script.on(POSITIONS, held(openTime=opened))
    rows = [funding("3.5"), funding("-0.5"), funding("9", kind="Trade")]
    bybit.script.on(
        EXECUTIONS,
        reply(v5({"list": rows, "nextPageCursor": ""})),
        reply(v5({"list": [funding("0.25")], "nextPageCursor": ""})),
    )
    assert await told(bybit) == Decimal("-3.25"), "execFee above zero was paid; what is no funding is no part"
    asked = sorted(
        (int(row.params["startTime"]), int(row.params["endTime"])) for row in bybit.script.seen(EXECUTIONS)
    )
    assert [since for since, _ in asked] == [opened, opened + WEEK_MS]
    assert asked[0][1] == opened + WEEK_MS - 1
    assert all(until - since < WEEK_MS for since, until in asked)


@pytest.mark.parametrize("open_time", [0, None, 1])
async def test_a_bybit_position_without_a_usable_open_time_is_not_told(
    bybit: Rig, open_time: int | None
) -> None:
    bybit.script.on(POSITIONS, held() if open_time is None else held(openTime=open_time))
    assert await told(bybit) is None
    assert bybit.script.seen(EXECUTIONS) == []

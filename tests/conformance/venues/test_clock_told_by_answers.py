"""A clock that is off, and a venue whose page of the time fails: its other answers set the stamps right."""

from collections.abc import AsyncIterator

import pytest

from bastion.app import PaperProcess
from bastion.clock import SystemClock
from bastion.domain.order import OrderState
from bastion.venues.ccxt.binance_papi import BinancePortfolioVenue
from bastion.venues.ccxt.told_time import Told, told_time
from bastion.venues.raw import Answer
from tests.venue_paper import WAIT_S, PaperRig, prepared, scenario
from tests.venue_rig import Rig, reply

TIME_PAGES = {
    "binance": "/fapi/v1/time",
    "bybit": "/v5/market/time",
    "hyperliquid": "/info/exchangeStatus",
    "okx": "/api/v5/public/time",
}
OFF_MS = {"binance": 20_000, "bybit": 20_000, "hyperliquid": 20_000, "okx": 40_000}
"""OKX takes stamps of up to 30 s beside its own time."""


@pytest.fixture(params=["binance", "bybit", "hyperliquid", "okx"])
async def exchange(request: pytest.FixtureRequest, paper: PaperProcess) -> AsyncIterator[PaperRig]:
    async for one in prepared(paper, request.param):
        yield one


def offset_ms(rig: PaperRig) -> int:
    assert not isinstance(rig.venue, BinancePortfolioVenue)
    return rig.venue._wire.offset_ms


async def off_by(rig: PaperRig, shift_ms: int, kind: str) -> None:
    await rig.load({**scenario(rig.name, ["BTCUSDT"]), "clock_offset_ms": shift_ms})
    await rig.hold("BTCUSDT", "0.5")
    await rig.fault(kind, path=TIME_PAGES[rig.name])


@pytest.mark.parametrize("sign", [-1, 1])
async def test_a_position_is_read_and_closed_without_the_page_of_the_time(
    exchange: PaperRig, sign: int
) -> None:
    shift_ms = sign * OFF_MS[exchange.name]
    await off_by(exchange, shift_ms, "reset")
    look = await exchange.venue.look(deadline_s=WAIT_S)
    assert [unread.part for unread in look.unread if unread.part.startswith("positions")] == []
    (state,) = await exchange.close_all(look.positions)
    assert isinstance(state, OrderState), state
    assert await exchange.held() == {}
    if exchange.name != "hyperliquid" or sign > 0:
        # No stamp lies ahead of the venue, so nothing lives longer than it should.
        assert shift_ms - 3_000 <= offset_ms(exchange) <= shift_ms + 5


async def test_a_page_that_hangs_holds_a_refused_read_up_for_a_second_alone(exchange: PaperRig) -> None:
    await off_by(exchange, OFF_MS[exchange.name], "never")
    look = await exchange.venue.look(deadline_s=4)
    assert [position.quantity for position in look.positions]


async def test_a_date_that_does_not_help_is_forgotten_and_never_taken_again(binance: Rig) -> None:
    lie = {"Date": "Sun, 22 Nov 2026 03:00:00 GMT"}
    refused = reply(
        {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}, 400, lie
    )
    for path in binance.flavour.look_paths:
        binance.script.on(path, refused)
    binance.script.on(TIME_PAGES["binance"], reply({"code": -1001, "msg": "Internal error"}, 500))
    for _ in range(2):
        look = await binance.venue.look(deadline_s=5)
        assert {part.part for part in look.unread} >= {"positions", "orders", "conditional orders"}
        assert binance.venue._wire.offset_ms == 0
    stamps = [int(asked.params["timestamp"]) for asked in binance.script.seen(binance.flavour.look_paths[0])]
    now_ms = SystemClock().now_ns() // 1_000_000
    assert any(abs(stamp - now_ms) > 3_600_000 for stamp in stamps[:6]), "it was tried"
    assert abs(stamps[-1] - now_ms) < 60_000


@pytest.mark.parametrize(
    ("headers", "text", "told"),
    [
        ({"date": "Sun, 22 Nov 2026 23:00:00 GMT"}, "{}", Told(at_ms=1_795_388_400_000, slack_ms=1_000)),
        ({"date": "Sun, 22 Nov 2026 23:00:00 GMT"}, "<html>", Told(at_ms=1_795_388_400_000, slack_ms=1_000)),
        ({"date": "Sun, 22 Nov 2026 23:00:00 GMT", "age": "7"}, "{}", None),
        ({"date": "yesterday"}, "{}", None),
        ({"date": "Thu, 01 Jan 1970 00:00:00 GMT"}, "{}", None),
        ({}, "[]", None),
        ({}, '{"retCode": 10002, "time": 1795388400123}', Told(at_ms=1_795_388_400_123, slack_ms=1)),
        ({}, '{"retCode": 10002, "time": "soon"}', None),
        ({}, '{"code": "50102", "outTime": "1795388400123456"}', Told(at_ms=1_795_388_400_123, slack_ms=1)),
        ({}, '{"time": 1795388400123}', None),
    ],
)
def test_what_an_answer_says_of_the_time(headers: dict[str, str], text: str, told: Told | None) -> None:
    assert told_time(Answer(status=400, headers=headers, text=text)) == told

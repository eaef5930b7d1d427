"""Positions that the venue closes in the middle of an exit: flat is flat, and the report says by whom."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

import pytest
import pytest_asyncio

from bastion.commands import emergency_exit
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import Selection
from bastion.domain.verdict import Verdict
from bastion.exits.report import ExitReport
from tests.four_venues_rig import FOUR, FourVenues, four_venues
from tests.venue_paper import named

OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)
# One address has 1200 weight a minute at Hyperliquid, which the exits of this file share.
THREE = ("binance", "bybit", "okx")
ORDERS = {
    "binance": "/fapi/v1/order",
    "bybit": "/v5/order/create*",
    "hyperliquid": "/exchange/order",
    "okx": "/api/v5/trade/*order*|/api/v5/trade/close-position",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FourVenues]:
    async with four_venues(tmp_path_factory.mktemp("desk")) as rig:
        yield rig


@pytest.fixture
async def desk(shared: FourVenues) -> FourVenues:
    await shared.load()
    return shared


async def during_the_order(rig: FourVenues, venue: str, **event: object) -> None:
    """Let something happen at a venue when the exit's first order arrives there, before the order does."""
    table = {
        name: {"symbol": named(venue, "BTCUSDT"), **dict(given)}  # type: ignore[call-overload]  # tables of JSON
        for name, given in event.items()
    }
    rule = {"kind": "event", "venue": venue, "method": "POST", "path": ORDERS[venue], "count": 1}
    await rig.paper.control("POST", "/faults", {**rule, "executed": False, "event": table})


def by_venue(report: ExitReport) -> dict[str, list[tuple[str, Decimal]]]:
    return {
        row.exchange: sorted((part.who, part.quantity) for part in row.closed_by)
        for row in report.closed_positions
    }


async def exit_all(rig: FourVenues, venues: Sequence[str] = FOUR) -> ExitReport:
    selection = Selection(venues=frozenset(venues))
    return await emergency_exit(rig.desk, OWNER, selection=selection, hold_s=Decimal(0), wait_s=30)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_liquidation_in_the_middle_is_flat_and_is_named(desk: FourVenues) -> None:
    await desk.load(balances={"USDT": "150", "USDC": "150"})
    for venue in FOUR:
        await desk.hold(venue, "BTCUSDT", "1", entry="1000")
        await during_the_order(desk, venue, price={"price": "850"})
    report = await exit_all(desk)
    assert report.verdict is Verdict.FLAT, report.summary
    assert by_venue(report) == {venue: [("liquidation", Decimal(1))] for venue in FOUR}
    assert {row.realized_pnl_usd for row in report.closed_positions} == {Decimal(-150)}
    assert "4 by liquidation" in report.summary
    assert sum("not by bastion (1 by liquidation)" in warning for warning in report.warnings) == 4
    for venue in FOUR:
        assert await desk.held(venue) == {}


@pytest.mark.asyncio(loop_scope="module")
async def test_an_adl_of_one_half_leaves_the_other_to_the_exit(desk: FourVenues) -> None:
    for venue in FOUR:
        await desk.hold(venue, "BTCUSDT", "-1", entry="1100")
        await during_the_order(desk, venue, forced={"kind": "adl", "quantity": "0.4"})
    report = await exit_all(desk)
    assert report.verdict is Verdict.FLAT, report.summary
    expected = [("adl", Decimal("0.4")), ("bastion", Decimal("0.6"))]
    assert by_venue(report) == dict.fromkeys(FOUR, expected)
    assert {row.realized_pnl_usd for row in report.closed_positions} == {Decimal(100)}
    assert "4 by auto-deleveraging" in report.summary
    for venue in FOUR:
        assert await desk.held(venue) == {}


@pytest.mark.asyncio(loop_scope="module")
async def test_a_position_that_adl_took_whole_while_no_order_passes_is_closed(desk: FourVenues) -> None:
    for venue in THREE:
        await desk.hold(venue, "BTCUSDT", "1", entry="900")
        rule = {"kind": "fail", "venue": venue, "method": "POST", "path": ORDERS[venue]}
        await desk.paper.control("POST", "/faults", rule)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(exit_all(desk, THREE))
        async with asyncio.timeout(10):
            for venue in THREE:
                while not await desk.tried(venue, ORDERS[venue]):  # noqa: ASYNC110 - across a socket
                    await asyncio.sleep(0.05)
                await desk.tell("/forced", venue, "BTCUSDT", kind="adl")
    report = running.result()
    assert report.verdict is Verdict.FLAT, report.summary
    assert by_venue(report) == {venue: [("adl", Decimal(1))] for venue in THREE}
    assert {row.realized_pnl_usd for row in report.closed_positions} == {Decimal(100)}


@pytest.mark.asyncio(loop_scope="module")
async def test_a_stop_that_fires_in_the_middle_is_named(desk: FourVenues) -> None:
    stop = {"direction": "SELL", "quantity": "1", "reduce_only": True, "trigger_when": "FALLS_TO"}
    for venue in FOUR:
        await desk.hold(venue, "BTCUSDT", "1", entry="900")
        await desk.tell("/orders", venue, "BTCUSDT", **stop, trigger_price="980", trigger_watches="MARK")
        await during_the_order(desk, venue, price={"price": "970"})
    report = await exit_all(desk)
    assert report.verdict is Verdict.FLAT, report.summary
    assert by_venue(report) == {venue: [("stop", Decimal(1))] for venue in FOUR}
    assert {row.realized_pnl_usd for row in report.closed_positions} == {Decimal(70)}
    assert "4 by a stop that stood there" in report.summary


REFUSED_WHILE_FROZEN = {"binance": "-2023", "bybit": "110005", "okx": "50020"}


@pytest.mark.asyncio(loop_scope="module")
async def test_an_account_that_is_frozen_before_its_liquidation_is_waited_for(desk: FourVenues) -> None:
    for venue in FOUR:
        await desk.hold(venue, "BTCUSDT", "1", entry="900")
        frozen = {"kind": "liquidation", "freeze_ms": 400}
        await during_the_order(desk, venue, forced=frozen)
    report = await exit_all(desk)
    assert report.verdict is Verdict.FLAT, report.summary
    closed = by_venue(report)
    # Hyperliquid knows no state in between: the order that arrives first closes the position.
    assert closed.pop("hyperliquid") == [("bastion", Decimal(1))]
    assert closed == {venue: [("liquidation", Decimal(1))] for venue in REFUSED_WHILE_FROZEN}
    for venue, code in REFUSED_WHILE_FROZEN.items():
        answer = await desk.paper.control("GET", f"/requests?venue={venue}")
        assert isinstance(answer, dict)
        assert code in {str(row["code"]) for row in answer["requests"]}
    assert {row.realized_pnl_usd for row in report.closed_positions} == {Decimal(100)}


@pytest.mark.asyncio(loop_scope="module")
async def test_what_another_bot_closed_is_not_called_ours(desk: FourVenues) -> None:
    for venue in THREE:
        await desk.hold(venue, "BTCUSDT", "1", entry="900")
        order = {"direction": "SELL", "quantity": "1", "reduce_only": True}
        await during_the_order(desk, venue, order=order)
    # OKX matches 2 ms after it took an order. A close of the whole position that came sooner, behind the
    # refusal of our order, would cancel the bot's and be the one that closes.
    slow = {"kind": "latency", "venue": "okx", "method": "POST", "path": ORDERS["okx"], "count": 1}
    await desk.paper.control("POST", "/faults", {**slow, "request_ms": 0, "answer_ms": 20})
    report = await exit_all(desk, THREE)
    assert report.verdict is Verdict.FLAT, report.summary
    for venue in THREE:
        answer = await desk.paper.control("GET", f"/requests?venue={venue}")
        assert isinstance(answer, dict)
        met = [row for row in answer["requests"] if any("event" in word for word in row["faults"])]
        posted = [row for row in answer["requests"] if row["method"] == "POST"]
        assert len(met) == 1, f"the bot's order has to come before ours: {posted}"
        assert not any("refused" in word for word in met[0]["faults"]), f"the bot's order: {posted}"
    assert by_venue(report) == {venue: [("other_order", Decimal(1))] for venue in THREE}

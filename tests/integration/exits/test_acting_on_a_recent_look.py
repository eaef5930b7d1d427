"""What was seen a moment ago is closed without waiting for a look; only fresh looks prove anything."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from bastion.commands import emergency_exit
from bastion.domain.principal import Principal, Scope
from bastion.domain.verdict import Verdict
from bastion.http1.connection import Connection
from tests.protection_rig import ProtectionRig

OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)
NO_HOLD = Decimal(0)
POSITIONS, ORDER = "/fapi/v3/positionRisk", "/fapi/v1/order"


async def paths_of_the_exit(rig: ProtectionRig) -> list[str]:
    rows = await rig.requests()
    return [row["path"] for row in rows if row["venue"] == "binance"]


async def look_now(rig: ProtectionRig) -> None:
    for venue in rig.desk.venues.values():
        await venue.open(deadline_s=10)
    await rig.desk.readings.recent(within_s=0)
    await rig.paper.control("DELETE", "/requests")


async def test_the_first_request_is_the_closing_order_where_the_desk_has_just_looked(
    rig: ProtectionRig,
) -> None:
    await rig.hold("2")
    await rig.rest("SELL", "2", trigger_price="900", trigger_when="FALLS_TO", reduce_only=True)
    await look_now(rig)
    report = await emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD)
    assert (report.verdict, report.positions_closed) == (Verdict.FLAT, 1)
    asked = await paths_of_the_exit(rig)
    assert asked[0] == ORDER
    assert asked.count(POSITIONS) >= 2
    assert await rig.waiting() == []


async def test_the_first_order_leaves_before_the_second_is_signed(
    rig: ProtectionRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is written in one turn of the event loop leaves at its end: so the first has a turn of its own.
    turns, written, loop = 0, list[tuple[bool, int]](), asyncio.get_running_loop()
    exchange = Connection.exchange

    def count() -> None:
        nonlocal turns
        turns += 1
        counting.append(loop.call_soon(count))

    async def noted(connection: Connection, request: bytes, **more: Any) -> Any:  # noqa: ANN401 - handed on
        line = request.partition(b"\r\n")[0].decode()
        written.append((line.startswith("POST ") and f"{ORDER} " in line, turns))
        return await exchange(connection, request, **more)

    for symbol in ("BTCUSDT", "ETHUSDT"):
        await rig.hold("2", symbol=symbol)
    await look_now(rig)
    monkeypatch.setattr(Connection, "exchange", noted)
    counting = [loop.call_soon(count)]
    try:
        report = await emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD)
    finally:
        counting[-1].cancel()
    assert report.verdict is Verdict.FLAT
    first, second = (turn for is_order, turn in written if is_order)
    assert first < second


async def test_the_stops_go_on_the_word_of_the_fills_where_the_exit_looked_itself(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await rig.rest("SELL", "2", trigger_price="900", trigger_when="FALLS_TO", reduce_only=True)
    for venue in rig.desk.venues.values():
        await venue.open(deadline_s=10)
    await rig.paper.control("DELETE", "/requests")
    report = await emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD)
    assert (report.verdict, report.positions_closed) == (Verdict.FLAT, 1)
    rows = [row for row in await rig.requests() if row["venue"] == "binance"]
    swept = next(
        index for index, row in enumerate(rows) if "lgo" in row["path"] and row["method"] == "DELETE"
    )
    looks = [index for index, row in enumerate(rows) if row["path"] == POSITIONS]
    assert looks[0] < swept < looks[1]
    assert await rig.waiting() == []


async def test_the_stops_of_what_has_grown_since_the_look_stay_until_it_is_closed(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await rig.rest("SELL", "2", trigger_price="900", trigger_when="FALLS_TO", reduce_only=True)
    await look_now(rig)
    order = {"venue": "binance", "symbol": "BTCUSDT", "direction": "BUY", "quantity": "1"}
    await rig.paper.control("POST", "/orders", order)
    report = await emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD)
    assert report.verdict is Verdict.FLAT
    assert await rig.held() == {}
    rows = [row for row in await rig.requests() if row["venue"] == "binance"]
    swept = next(
        index for index, row in enumerate(rows) if "lgo" in row["path"] and row["method"] == "DELETE"
    )
    closes = [index for index, row in enumerate(rows) if row["path"] == ORDER and row["method"] == "POST"]
    assert len(closes) == 2
    assert swept > closes[-1]


async def test_a_position_that_is_gone_meanwhile_is_neither_opened_nor_missed(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await look_now(rig)
    await rig.paper.control(
        "POST",
        "/orders",
        {"venue": "binance", "symbol": "BTCUSDT", "direction": "SELL", "quantity": "2"},
    )
    report = await emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD)
    assert report.verdict is Verdict.FLAT
    assert await rig.held() == {}


async def test_what_was_opened_since_the_look_is_closed_as_well(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await look_now(rig)
    for symbol, quantity in (("BTCUSDT", "1"), ("ETHUSDT", "3")):
        order = {"venue": "binance", "symbol": symbol, "direction": "BUY", "quantity": quantity}
        await rig.paper.control("POST", "/orders", order)
    report = await emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD)
    assert report.verdict is Verdict.FLAT
    assert await rig.held() == {}

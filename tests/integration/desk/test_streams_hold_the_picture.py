"""A serving desk listens to the venues' private streams: it looks when they ring, and hardly otherwise."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
import pytest_asyncio

from bastion.app import PaperProcess, find_place, open_paper_desk
from bastion.commands import Desk
from bastion.commands.doctor import Finding, HostFacts, doctor
from bastion.commands.live import GAP_S
from bastion.commands.readings import Picture
from bastion.domain.look import Look
from bastion.domain.principal import Principal, Scope
from bastion.domain.stream import Heard
from bastion.storage import codec
from bastion.venues.ccxt.okx_pace import WINDOW_S
from tests.wires_rig import WIRES

WAIT_S = 30.0
OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)
HOST = HostFacts(state_dir="", disk_free=None, vault=None, damaged=(), daemon=None)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Listening:
    """A desk that listens, and the exchange that it listens to."""

    desk: Desk
    paper: PaperProcess

    def account(self, venue: str) -> str:
        return next(account.name for account in self.desk.accounts if account.venue == venue)

    def held(self, venue: str) -> dict[str, str]:
        look = self.desk.readings.looks(within_s=30.0).get(self.account(venue))
        return {row.instrument: str(row.quantity) for row in look.positions} if look else {}

    def is_current(self, venue: str) -> bool:
        picture = self.desk.readings.picture(self.account(venue))
        return picture is not None and self.desk.ears.vouches(self.account(venue), picture.begun_ns)

    async def requests(self, path: str = "") -> int:
        answer: Any = await self.paper.control("GET", "/requests")
        paths = [row["path"] for row in answer["requests"]]
        return len([one for one in paths if one != "/stream/open" and path in {"", one}])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def listening(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Listening]:
    home = tmp_path_factory.mktemp("home")
    place = find_place(config=None, environment={"BASTION_HOME": str(home)})
    async with open_paper_desk(place, scenario="four-4", serving=True) as (desk, paper):
        rig = Listening(desk=desk, paper=paper)
        await until(lambda: all(rig.is_current(venue) for venue in WIRES))
        yield rig


async def until(wanted: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not wanted():  # noqa: ASYNC110 - a desk has no event for what only its picture shows
            await asyncio.sleep(0.02)


async def test_what_changes_at_a_venue_is_in_the_picture_by_one_look(listening: Listening) -> None:
    for venue in WIRES:
        name, quantity = next(iter(listening.held(venue).items()))
        before = await listening.requests()
        order = {"symbol": name, "direction": "BUY", "quantity": quantity}
        await listening.paper.control("POST", "/orders", {"venue": venue, **order})

        def is_told(venue: str = venue, name: str = name, quantity: str = quantity) -> bool:
            return listening.held(venue).get(name) not in {None, quantity} and listening.is_current(venue)

        await until(is_told)
        # One look, and another at most where the venue told the order's end apart: not a poll of all.
        assert await listening.requests() - before <= 2 * 12
        assert listening.desk.ears.add(listening.account(venue)).missed == 0


async def test_connections_for_the_orders_of_an_exit_are_open_all_the_time(listening: Listening) -> None:
    for venue in WIRES:
        rows = len(listening.held(venue))
        wire = cast("Any", listening.desk.venues[listening.account(venue)])._wire
        wanted = rows if venue in {"binance", "bybit"} else 1

        def are_open(wire: Any = wire, wanted: int = wanted) -> bool:  # noqa: ANN401 - the adapter's own
            (host,) = wire._hosts._hosts.values()
            return len([one for one in host.idle if one.usable]) >= wanted

        for one in tuple(next(iter(wire._hosts._hosts.values())).idle):
            one.abort()
        await until(are_open)


async def test_the_watch_takes_no_look_beside_that_of_somebody_else(listening: Listening) -> None:
    positions = "/api/v5/account/positions"
    await until(lambda: listening.is_current("okx"))
    await asyncio.sleep(WINDOW_S)
    before = await listening.requests(positions)
    listening.desk.ears.hear(listening.account("okx"), Heard.CHANGED)
    await listening.desk.readings.recent(within_s=0)
    await until(lambda: listening.is_current("okx"))
    await asyncio.sleep(2 * GAP_S)
    assert await listening.requests(positions) - before == 1


async def test_lists_that_a_limit_kept_from_being_asked_again_are_not_forgotten(listening: Listening) -> None:
    name, readings = listening.account("okx"), listening.desk.readings

    async def look_twice() -> tuple[Picture | None, Look]:
        await asyncio.sleep(WINDOW_S)
        await readings.recent(within_s=0)
        first = readings.picture(name)
        _, read = await readings.recent(within_s=0)
        return first, next(one.look for one in read if one.venue.account.name == name)

    whole, again = await look_twice()
    if again.complete:
        # After a look without the lists, two with them may follow each other.
        whole, again = await look_twice()
    assert whole is not None
    assert whole.look.complete
    # The venue lets the lists of algo orders be read three times in two seconds: two are an exit's.
    assert [part.limited for part in again.unread] == [True] * 6
    kept = readings.picture(name)
    assert kept is not None
    assert kept.look is whole.look
    # Where something changed, the account is looked at again once the limit allows it.
    listening.desk.ears.hear(name, Heard.CHANGED)
    await until(lambda: (now := readings.picture(name)) is not None and now.look is not whole.look)


async def test_the_looks_that_an_exit_would_begin_with_are_written_down_already(listening: Listening) -> None:
    looks = [listening.desk.readings.picture(listening.account(venue)) for venue in WIRES]
    held = [picture.look for picture in looks if picture is not None and picture.look.positions]
    assert len(held) == len(WIRES)
    assert {id(look) for look in held} <= codec._kept.keys()
    listening.desk.readings.forget()
    assert not codec._kept
    await until(lambda: all(listening.is_current(venue) for venue in WIRES))


async def test_a_stream_that_breaks_off_is_open_again_soon_and_vouches_for_nothing_before(
    listening: Listening,
) -> None:
    name = listening.account("binance")
    ear = listening.desk.ears.add(name)
    opened_ns = ear.since_ns
    picture = listening.desk.readings.picture(name)
    rule = {"kind": "reset", "venue": "binance", "method": "WS", "count": 1}
    await listening.paper.control("POST", "/faults", rule)
    symbol, quantity = next(iter(listening.held("binance").items()))
    order = {"venue": "binance", "symbol": symbol, "direction": "BUY", "quantity": quantity}
    await listening.paper.control("POST", "/orders", order)
    await until(lambda: ear.since_ns not in {None, opened_ns})
    assert picture is not None
    assert not listening.desk.ears.vouches(name, picture.begun_ns)
    await until(lambda: listening.is_current("binance") and listening.held("binance")[symbol] != quantity)


async def test_a_change_that_a_stream_did_not_tell_is_found_by_the_next_look_and_counted(
    listening: Listening,
) -> None:
    name = listening.account("bybit")
    await until(lambda: listening.is_current("bybit"))
    rule = {"kind": "miss", "venue": "bybit", "method": "WS", "path": "/stream/*"}
    await listening.paper.control("POST", "/faults", rule)
    symbol, quantity = next(iter(listening.held("bybit").items()))
    order = {"venue": "bybit", "symbol": symbol, "direction": "BUY", "quantity": quantity}
    await listening.paper.control("POST", "/orders", order)
    await asyncio.sleep(0.1)
    await listening.desk.readings.refresh(name, deadline_s=10.0)
    assert listening.desk.ears.add(name).missed == 1
    assert listening.held("bybit")[symbol] != quantity


async def test_the_doctor_says_how_each_stream_stands(listening: Listening) -> None:
    await listening.paper.control("DELETE", "/faults")
    listening.desk.ears.lose(listening.account("okx"), "the venue closed the stream")
    report = await doctor(listening.desk, OWNER, host=HOST)
    told = {row.name: row for row in report.checks if "private stream" in row.detail}
    assert len(told) == len(WIRES)
    okx = told[f"{listening.account('okx')} (okx)"]
    assert (okx.finding, "the venue closed the stream" in okx.detail) == (Finding.WARN, True)
    assert told[f"{listening.account('hyperliquid')} (hyperliquid)"].finding is Finding.OK

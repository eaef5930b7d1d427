"""A stream that lies by silence is found out: nothing it does passes for a quiet account."""

import asyncio
from collections.abc import Mapping

import pytest

from bastion.clock import SystemClock
from bastion.domain.account import Account
from bastion.domain.stream import Heard
from bastion.embedded import paper_credential
from bastion.errors import VenueError, VenueRejected, VenueUnreachable
from bastion.ports import AccountStream
from bastion.venues.gate.messages import check_message
from bastion.venues.gate.outgoing import GateRefused
from bastion.venues.streams.client import Patience, SocketStream
from bastion.venues.streams.places import place_of
from bastion.venues.throttle import Limit, Throttle
from tests.paper_process import PaperProcess
from tests.wires_rig import WIRES, world

HURRIED = Patience(ping_s=0.1, silent_s=1.0, keep_s=0.3)
SPACES = {"binance": "usdm", "bybit": "unified", "okx": "trading", "hyperliquid": "perps"}
WAIT_S = 20.0


@pytest.fixture
def wires(paper: PaperProcess) -> PaperProcess:
    paper.control.load_scenario(world())
    return paper


def stream_of(paper: PaperProcess, venue: str, fields: Mapping[str, str] | None = None) -> AccountStream:
    account = Account(
        name=venue, venue=venue, key_space=SPACES[venue], credential=venue, base_url=paper.base_url(venue)
    )
    found = place_of(account)
    assert found is not None
    clock = SystemClock()
    return SocketStream(
        tongue=found[0],
        stream_url=found[1],
        rest_url=found[2],
        fields=fields or paper_credential(venue),
        clock=clock,
        address=Throttle(clock, (Limit(name="weight", capacity=2400, window_s=60.0),)),
        patience=HURRIED,
    )


async def end_of(stream: AccountStream, heard: list[Heard]) -> VenueError:
    async with asyncio.timeout(WAIT_S):
        with pytest.raises(VenueError) as ended:
            await stream.listen(heard.append)
    return ended.value


async def until_opened(heard: list[Heard]) -> None:
    async with asyncio.timeout(WAIT_S):
        while Heard.OPENED not in heard:  # noqa: ASYNC110 - the stream tells a list
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("venue", WIRES)
async def test_a_socket_that_answers_no_ping_any_more_is_dead_and_not_quiet(
    wires: PaperProcess, venue: str
) -> None:
    heard: list[Heard] = []
    async with asyncio.TaskGroup() as group:
        ending = group.create_task(end_of(stream_of(wires, venue), heard))
        await until_opened(heard)
        symbol = "BTC-USDT-SWAP" if venue == "okx" else "BTCUSDT"
        wires.control.place_order(venue, symbol=symbol, direction="BUY", quantity="0.5")
        async with asyncio.timeout(WAIT_S):
            while Heard.CHANGED not in heard:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
        wires.control.fault("never", method="WS", venue=venue)
    assert isinstance(ending.result(), VenueUnreachable)
    assert "silent" in str(ending.result())


async def test_a_listen_key_that_lapsed_without_a_word_is_found_by_extending_it(wires: PaperProcess) -> None:
    heard: list[Heard] = []
    async with asyncio.TaskGroup() as group:
        ending = group.create_task(end_of(stream_of(wires, "binance"), heard))
        await until_opened(heard)
        wires.control.fault("lapse", method="WS", venue="binance", count=1)
        wires.control.place_order("binance", symbol="BTCUSDT", direction="BUY", quantity="0.5")
    assert isinstance(ending.result(), VenueRejected)
    assert ending.result().code == "-1125"


async def test_a_fault_of_our_own_is_not_taken_for_an_end_of_the_stream(wires: PaperProcess) -> None:
    def hear(what: Heard) -> None:
        if what is not Heard.OPENED:
            raise ZeroDivisionError

    async with asyncio.timeout(WAIT_S):
        with pytest.raises(ExceptionGroup) as ended:
            await stream_of(wires, "binance").listen(hear)
    assert ended.value.subgroup(VenueError) is None
    assert ended.value.subgroup(ZeroDivisionError) is not None


@pytest.mark.parametrize("venue", ["binance", "bybit", "okx"])
async def test_a_credential_that_the_venue_refuses_ends_it_and_shows_no_secret(
    wires: PaperProcess, venue: str
) -> None:
    fields = {**paper_credential(venue), "apiKey": "paper-unknown-key", "secret": "paper-hidden-secret"}
    heard: list[Heard] = []
    ended = await end_of(stream_of(wires, venue, fields), heard)
    assert isinstance(ended, VenueRejected)
    assert "paper-" not in str(ended)
    assert heard == []


@pytest.mark.parametrize(
    ("venue", "text"),
    [
        ("binance", '{"method":"order.place","params":{}}'),
        ("bybit", '{"op":"order.create","args":[{}]}'),
        ("okx", '{"op":"order","args":[{}]}'),
        ("okx", '{"op":"subscribe","op":"order","args":[{}]}'),
        ("hyperliquid", '{"method":"post","id":1,"request":{"type":"action"}}'),
        ("bybit", '[{"op":"subscribe"}]'),
        ("bybit", "order.create"),
        ("kraken", '{"op":"subscribe"}'),
    ],
)
def test_no_message_that_could_order_anything_leaves_on_a_socket(venue: str, text: str) -> None:
    with pytest.raises(GateRefused):
        check_message(venue, text)

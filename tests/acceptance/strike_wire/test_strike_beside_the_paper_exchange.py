"""The margin venue beside the paper exchange: the same marks, the same clock, funding each hour."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bastion.paper.scenario import find_scenario
from bastion.paper.strike.commands import Deposit, Open, Tick
from bastion.paper.strike.position import Side, Status
from bastion.paper.wire.registry import PLUGINS
from bastion.paper.wire.strike import WireSettings
from bastion.paper.wire.strike.beside import Follower, venue_beside
from bastion.paper.wire.strike.call import submit
from bastion.paper.wire.strike.host import Host
from bastion.paper.world import World as PaperWorld

ALICE, BOB = "0x" + "a1" * 20, "0x" + "b0" * 20


@pytest.fixture
def paper() -> PaperWorld:
    scenario = replace(find_scenario("seed"), clock_start_ms=1_767_225_600_000)
    return PaperWorld(scenario, {name: plugin.rules for name, plugin in PLUGINS.items()})


@pytest.fixture
async def host(paper: PaperWorld, tmp_path: Path) -> AsyncIterator[Host]:
    async with venue_beside(
        folder=tmp_path, clock=lambda: paper.clock, exchanges=lambda: paper.exchanges, wire=WireSettings()
    ) as opened:
        yield opened


def marks(host: Host) -> dict[str, int | None]:
    return {market.symbol: market.mark for market in host.venue.markets()}


async def opened(host: Host, wallet: str, side: Side) -> int:
    tx_hash = "0x" + wallet[2:4] * 32
    await submit(host.venue, Deposit(wallet=wallet, amount=10**8, tx_hash=tx_hash, stated_at_us=0))
    order = Open(wallet=wallet, symbol="BTC-USD", side=side, margin=10**8, leverage=10)
    return (await submit(host.venue, order)).position.id


async def test_every_market_has_a_mark_at_once_and_a_move_is_followed(host: Host, paper: PaperWorld) -> None:
    assert marks(host) == {
        "BTC-USD": 91_200_000_000,
        "ETH-USD": 3_380_000_000,
        "SOL-USD": 142_500_000,
        "BNB-USD": 600_000_000,
        "XRP-USD": 2_000_000,
        "HYPE-USD": 40_000_000,
    }
    position_id = await opened(host, ALICE, Side.LONG)
    paper.exchange("binance").set_mark("BTCUSDT", Decimal(80_000))
    await Follower(host, lambda: paper.exchanges).look()
    assert marks(host)["BTC-USD"] == 80_000_000_000
    liquidated = host.venue.position(position_id)
    assert liquidated is not None
    assert liquidated.status is Status.LIQUIDATED


async def test_marks_stay_fresh_and_funding_is_charged_each_hour(host: Host, paper: PaperWorld) -> None:
    long_id, _ = await opened(host, ALICE, Side.LONG), await opened(host, BOB, Side.SHORT)
    follower = Follower(host, lambda: paper.exchanges)
    for _ in range(9):
        assert isinstance(paper.clock.now_ms(), int)
        paper.clock.advance(3_600_000)  # type: ignore[attr-defined]
        await follower.look()
    assert not any(market.stale for market in host.venue.markets())
    position = host.venue.position(long_id)
    assert position is not None
    assert position.funding < 0


async def test_an_operators_mark_stands_until_its_source_moves(host: Host, paper: PaperWorld) -> None:
    follower = Follower(host, lambda: paper.exchanges)
    await follower.look()
    await submit(host.venue, Tick(marks={"BTC-USD": 70_000_000_000}))
    paper.clock.advance(10_000)  # type: ignore[attr-defined]
    await follower.look()
    assert marks(host)["BTC-USD"] == 70_000_000_000
    paper.exchange("binance").set_mark("BTCUSDT", Decimal(92_000))
    await follower.look()
    assert marks(host)["BTC-USD"] == 92_000_000_000

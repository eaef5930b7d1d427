"""Winners net of funding: on each venue, what funding ate is no profit, and the reason says so."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from bastion.commands import flatten_winners, preview
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import Selection
from bastion.errors import Refused
from tests.four_venues_rig import FOUR, FourVenues, four_venues

OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FourVenues]:
    async with four_venues(tmp_path_factory.mktemp("desk")) as rig:
        yield rig


@pytest.fixture
async def desk(shared: FourVenues) -> FourVenues:
    await shared.load()
    return shared


async def hold_winners(rig: FourVenues) -> None:
    """On each venue: BTC gained 20 and paid 40, ETH gained 20 and paid 2, SOL gained 20 and was paid 2."""
    for venue in FOUR:
        await rig.hold(venue, "BTCUSDT", "1", entry="980")
        await rig.hold(venue, "ETHUSDT", "1", entry="980")
        await rig.hold(venue, "SOLUSDT", "-1", entry="1020")
        await rig.tell("/funding", venue, "BTCUSDT", rate="0.04", now=True)
        await rig.tell("/funding", venue, "ETHUSDT", rate="0.002", now=True)
        await rig.tell("/funding", venue, "SOLUSDT", rate="0.002", now=True)


@pytest.mark.asyncio(loop_scope="module")
async def test_what_funding_ate_stays_open_and_what_it_left_is_closed(desk: FourVenues) -> None:
    await hold_winners(desk)
    seen = await preview(desk.desk, OWNER, action="flatten_winners", net=True)
    report = await flatten_winners(desk.desk, OWNER, net=True)
    assert report.success, report.summary + str(report.errors) + str(report.unread)
    assert {(row.exchange, row.symbol[:3]) for row in report.closed} == {
        (venue, symbol) for venue in FOUR for symbol in ("ETH", "SOL")
    }
    kept = {row.exchange: row for row in report.kept_open}
    assert set(kept) == set(FOUR)
    for row in kept.values():
        assert row.symbol.startswith("BTC")
        assert row.funding_usd == -40
        assert row.net_pnl_usd is not None
        assert Decimal(-21) < row.net_pnl_usd < Decimal(-20), "20 gained, 40 paid, and the fee of closing"
        assert row.reason.startswith("not in profit after fees, funding and slippage")
        assert "unrealised +20.00, funding -40.00, fee -0.50, slippage" in row.reason
    for venue in FOUR:
        assert list(await desk.held(venue)) == ["BTCUSDT"]
    assert seen.net
    assert {(leg.exchange, leg.symbol[:3], leg.funding_usd) for leg in seen.legs} == {
        (venue, symbol, Decimal(funding)) for venue in FOUR for symbol, funding in (("ETH", -2), ("SOL", 2))
    }
    assert all(leg.net_pnl_usd is not None and leg.net_pnl_usd > 0 for leg in seen.legs)
    assert {(row.exchange, row.reason) for row in seen.kept} == {
        (row.exchange, row.reason) for row in report.kept_open
    }


@pytest.mark.asyncio(loop_scope="module")
async def test_without_net_funding_decides_nothing_and_is_not_asked_for(desk: FourVenues) -> None:
    await hold_winners(desk)
    report = await flatten_winners(desk.desk, OWNER)
    assert (report.success, report.positions_closed, report.kept_open) == (True, 12, ())
    answer = await desk.paper.control("GET", "/requests?path=/fapi/v1/income")
    assert isinstance(answer, dict)
    assert answer["requests"] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_received_funding_makes_no_winner_of_a_position_whose_price_lost(desk: FourVenues) -> None:
    await desk.hold("okx", "SOLUSDT", "-1", entry="990")
    await desk.tell("/funding", "okx", "SOLUSDT", rate="0.5", now=True)
    report = await flatten_winners(desk.desk, OWNER, net=True)
    assert (report.positions_closed, [row.reason for row in report.kept_open]) == (0, ["not in profit"])


@pytest.mark.asyncio(loop_scope="module")
async def test_a_record_that_does_not_come_keeps_the_position_open_and_says_so(desk: FourVenues) -> None:
    await desk.hold("binance", "BTCUSDT", "1", entry="900")
    await desk.hold("bybit", "BTCUSDT", "1", entry="900")
    for venue, path in (("binance", "/fapi/v1/income"), ("bybit", "/v5/execution/list")):
        await desk.paper.control("POST", "/faults", {"kind": "fail", "venue": venue, "path": path})
    report = await flatten_winners(desk.desk, OWNER, net=True)
    assert report.positions_closed == 0
    assert {row.exchange for row in report.kept_open} == {"binance", "bybit"}
    assert all(row.reason.startswith("its funding is not known: ") for row in report.kept_open)


@pytest.mark.asyncio(loop_scope="module")
async def test_hedge_mode_legs_whose_funding_is_not_told_stay_open(desk: FourVenues) -> None:
    await desk.load(hedge=True)
    await desk.tell("/positions", "binance", "BTCUSDT", quantity="1", entry="900", side="LONG")
    await desk.tell("/positions", "okx", "BTCUSDT", quantity="1", entry="900", side="LONG")
    report = await flatten_winners(desk.desk, OWNER, net=True)
    assert [row.exchange for row in report.closed] == ["okx"]
    assert [(row.exchange, row.reason) for row in report.kept_open] == [
        ("binance", "the venue does not tell its funding since it was opened")
    ]


@pytest.mark.asyncio(loop_scope="module")
async def test_net_is_refused_for_the_preview_of_another_action(desk: FourVenues) -> None:
    with pytest.raises(Refused, match="net belongs to the preview of flatten_winners"):
        await preview(desk.desk, OWNER, selection=Selection(), net=True)

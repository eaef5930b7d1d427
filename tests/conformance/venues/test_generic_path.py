"""The generic path on the paper exchange: ccxt's unified methods, judged by the account's true state."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from bastion.app import PaperProcess
from bastion.domain.money import Price
from bastion.domain.order import OrderKind, OrderState, OrderStatus
from bastion.domain.position import Position, Side
from bastion.embedded import paper_credential
from bastion.errors import Fault, OutcomeUnknown, VenueError, VenueRejected
from bastion.venues.ccxt.generic import GenericVenue
from bastion.venues.ccxt.generic_second import UNWITNESSED
from tests.venue_paper import WAIT_S, PaperRig, close_of, paper_rig, scenario, seeded

EXCHANGES = {"binance": "binanceusdm", "bybit": "bybit", "hyperliquid": "hyperliquid", "okx": "okx"}
POSITION_PATHS = {
    "binance": "/fapi/v3/positionRisk",
    "bybit": "/v5/position/list",
    "hyperliquid": "/info/clearinghouseState",
    "okx": "/api/v5/account/positions",
}
SENT_BY_CCXT = {"okx": "/api/v5/trade/batch-orders"}


@dataclass
class GenericRig:
    """The paper exchange's own rig, and the generic adapter on the same account."""

    rig: PaperRig
    venue: GenericVenue

    async def hold(self, symbol: str, quantity: str, *, entry: str = "1000", side: str = "NET") -> None:
        await self.rig.hold(symbol, quantity, entry=entry, side=side)

    async def one(self) -> Position:
        (found,) = (await self.venue.look(deadline_s=WAIT_S)).positions
        return found

    async def fault_orders(self, kind: str, **more: object) -> None:
        path = SENT_BY_CCXT.get(self.rig.name, self.rig.order_path)
        await self.rig.fault(kind, path=path, method="POST", **more)

    async def closed(self, position: Position, number: int = 0) -> OrderState | VenueError:
        try:
            return await self.venue.place(close_of(position, number=number), deadline_s=WAIT_S)
        except VenueError as error:
            return error


@asynccontextmanager
async def generic_rig(paper: PaperProcess, venue: str) -> AsyncIterator[GenericRig]:
    async with paper_rig(paper, venue) as rig:
        await rig.heal()
        await rig.load(seeded(venue))
        await rig.forget_requests()
        adapter = rig.catalog.generic(rig.account, paper_credential(venue), exchange_id=EXCHANGES[venue])
        assert isinstance(adapter, GenericVenue)
        try:
            yield GenericRig(rig=rig, venue=adapter)
        finally:
            await adapter.close()


@pytest.fixture(params=list(EXCHANGES))
async def generic(request: pytest.FixtureRequest, paper: PaperProcess) -> AsyncIterator[GenericRig]:
    async with generic_rig(paper, request.param) as rig:
        yield rig


@pytest.fixture(params=["bybit", "okx"])
async def quick(request: pytest.FixtureRequest, paper: PaperProcess) -> AsyncIterator[GenericRig]:
    """Two of them, of one request an order and of a list: ccxt's pacing makes the others slow."""
    async with generic_rig(paper, request.param) as rig:
        yield rig


async def test_everything_is_seen_closed_and_told_by_unified_methods_alone(generic: GenericRig) -> None:
    await generic.rig.load(scenario(generic.rig.name, ["BTCUSDT", "ETHUSDT", "SOLUSDT"]))
    await generic.hold("BTCUSDT", "0.5", entry="900")
    await generic.hold("ETHUSDT", "-2", entry="1100")
    await generic.rig.rest("SOLUSDT", "BUY", "1", price="900")
    before = await generic.venue.look(deadline_s=WAIT_S)
    assert before.unread == ()
    assert {(item.side, item.quantity, item.entry_price) for item in before.positions} == {
        (Side.LONG, Decimal("0.5"), Decimal(900)),
        (Side.SHORT, Decimal(2), Decimal(1100)),
    }
    assert [(order.reduce_only, order.conditional) for order in before.orders] == [(False, False)]
    assert all(answer.gone for answer in await generic.venue.sweep(before, deadline_s=WAIT_S))
    states = [await generic.closed(item, number) for number, item in enumerate(before.positions)]
    assert [state.status for state in states if isinstance(state, OrderState)] == [OrderStatus.FILLED] * 2
    assert await generic.rig.held() == {}
    assert (await generic.venue.look(deadline_s=WAIT_S)).empty
    since_ms = before.venue_time_ms
    assert since_ms is not None
    fills = await generic.venue.fills(before.positions, since_ms=since_ms, deadline_s=WAIT_S)
    assert sum(fill.quantity for fill in fills) == Decimal("2.5")
    assert sum(fill.realized_pnl_usd or 0 for fill in fills) == Decimal(50) + Decimal(200)
    assert sum(fill.fee_usd for fill in fills) == Decimal("0.25") + Decimal(1)


async def test_a_list_that_cannot_be_believed_is_no_empty_account(quick: GenericRig) -> None:
    await quick.venue.instruments(deadline_s=WAIT_S)
    for shape in ("truncated", "html"):
        await quick.rig.fault("malformed", path=POSITION_PATHS[quick.rig.name], shape=shape)
        look = await quick.venue.look(deadline_s=WAIT_S)
        assert any(part.part.startswith("positions") for part in look.unread)
        await quick.rig.heal()
    assert len((await quick.venue.look(deadline_s=WAIT_S)).positions) == 2


async def test_one_odd_row_hides_no_position_of_the_list_and_lets_nothing_be_proven(
    quick: GenericRig,
) -> None:
    await quick.venue.instruments(deadline_s=WAIT_S)
    await quick.rig.fault("malformed", path=POSITION_PATHS[quick.rig.name], shape="odd_row")
    look = await quick.venue.look(deadline_s=WAIT_S)
    assert len(look.positions) == 2
    assert {part.part.split()[0] for part in look.unread} == {"positions"}
    known, unknown = look.positions[0], replace(look.positions[0], side=Side.SHORT)
    assert await quick.venue.second_source(known, deadline_s=WAIT_S) == known.quantity
    with pytest.raises(VenueError):
        await quick.venue.second_source(unknown, deadline_s=WAIT_S)


async def test_an_order_whose_answer_is_lost_is_of_unknown_outcome(quick: GenericRig) -> None:
    await quick.rig.load(scenario(quick.rig.name, ["BTCUSDT"]))
    await quick.hold("BTCUSDT", "0.5")
    position = await quick.one()
    await quick.fault_orders("fail", executed=True, failure="unknown_status")
    assert isinstance(await quick.closed(position), OutcomeUnknown)
    await quick.rig.heal()
    # It was executed; sending it again can open nothing, and is never told as a success.
    again = await quick.closed(position, number=1)
    assert isinstance(again, VenueError)
    assert await quick.rig.held() == {}
    with pytest.raises(VenueError):
        await quick.venue.order(close_of(position), deadline_s=WAIT_S)
    assert await quick.venue.second_source(position, deadline_s=WAIT_S) == 0


async def test_an_order_that_is_too_large_never_flips(quick: GenericRig) -> None:
    await quick.rig.load(scenario(quick.rig.name, ["BTCUSDT"]))
    await quick.hold("BTCUSDT", "0.5")
    position = await quick.one()
    await quick.closed(replace(position, quantity=close_of(position, quantity="2").quantity))
    assert all(size >= 0 for size in (await quick.rig.held()).values())


async def test_an_immediate_limit_order_keeps_its_bound(quick: GenericRig) -> None:
    await quick.rig.load(scenario(quick.rig.name, ["BTCUSDT"]))
    await quick.hold("BTCUSDT", "0.5")
    position = await quick.one()
    request = close_of(position, kind=OrderKind.IOC)
    far = replace(request, limit_price=Price(Decimal(1100)))
    with pytest.raises(VenueRejected):
        await quick.venue.place(far, deadline_s=WAIT_S)
    assert (await quick.rig.truth())["open_orders"] == []
    near = replace(close_of(position, number=2, kind=OrderKind.IOC), limit_price=Price(Decimal("990.123")))
    assert (await quick.venue.place(near, deadline_s=WAIT_S)).status is OrderStatus.FILLED
    assert await quick.rig.held() == {}


@pytest.mark.parametrize("venue", ["bybit", "okx"])
async def test_a_hedge_mode_leg_is_named_and_not_closed(paper: PaperProcess, venue: str) -> None:
    async with generic_rig(paper, venue) as generic:
        await generic.rig.load(scenario(venue, ["BTCUSDT"], hedge=True))
        await generic.hold("BTCUSDT", "0.5", side="LONG")
        await generic.hold("BTCUSDT", "-0.3", side="SHORT")
        look = await generic.venue.look(deadline_s=WAIT_S)
        assert [(item.hedged, item.closable) for item in look.positions] == [(True, False)] * 2
        with pytest.raises(VenueRejected) as refused:
            await generic.venue.place(close_of(look.positions[0]), deadline_s=WAIT_S)
        assert refused.value.fault is Fault.TERMINAL
        assert len(await generic.rig.held()) == 2


async def test_a_wrong_secret_is_terminal_and_never_shown(paper: PaperProcess) -> None:
    async with generic_rig(paper, "bybit") as generic:
        fields = {**paper_credential("bybit"), "secret": "not-the-secret"}
        venue = generic.rig.catalog.generic(generic.rig.account, fields, exchange_id="bybit")
        try:
            assert (await venue.access(deadline_s=WAIT_S)).can_trade is False
            look = await venue.look(deadline_s=WAIT_S)
            assert look.unread
            assert all(part.terminal for part in look.unread)
            assert "not-the-secret" not in str(look)
        finally:
            await venue.close()


async def test_stops_are_seen_and_cancelled_where_the_venue_keeps_them(paper: PaperProcess) -> None:
    async with generic_rig(paper, "bybit") as generic:
        await generic.rig.load(scenario("bybit", ["BTCUSDT"]))
        await generic.hold("BTCUSDT", "0.5")
        stop = {"trigger_price": "950", "trigger_when": "FALLS_TO"}
        await generic.rig.rest("BTCUSDT", "SELL", "0.5", reduce_only=True, **stop)
        look = await generic.venue.look(deadline_s=WAIT_S)
        assert [(one.instrument, one.conditional) for one in look.orders] == [("BTC/USDT:USDT", True)]
        assert all(answer.gone for answer in await generic.venue.sweep(look, deadline_s=WAIT_S))
        assert (await generic.rig.truth())["open_orders"] == []


async def test_an_empty_list_beside_margin_in_use_is_not_believed(paper: PaperProcess) -> None:
    async with generic_rig(paper, "binance") as generic:
        await generic.rig.fault("empty", path=POSITION_PATHS["binance"])
        look = await generic.venue.look(deadline_s=WAIT_S)
        (part,) = look.unread
        assert part.part == "positions"
        assert "in use, which no listed order explains" in part.reason
        await generic.rig.load(scenario("binance", ["BTCUSDT"]))
        look = await generic.venue.look(deadline_s=WAIT_S)
        assert look.empty
        assert look.notes == ()
        # What rests needs margin as well, and its list is believed.
        await generic.rig.rest("BTCUSDT", "BUY", "0.5", price="900")
        look = await generic.venue.look(deadline_s=WAIT_S)
        assert (look.unread, len(look.orders)) == ((), 1)


async def test_where_nothing_else_tells_of_positions_an_empty_account_says_so(quick: GenericRig) -> None:
    assert (await quick.venue.look(deadline_s=WAIT_S)).notes == ()
    await quick.rig.load(scenario(quick.rig.name, ["BTCUSDT"]))
    look = await quick.venue.look(deadline_s=WAIT_S)
    assert look.empty
    assert look.notes == (UNWITNESSED,)


async def test_a_contract_that_its_own_list_leaves_out_is_still_held(paper: PaperProcess) -> None:
    async with generic_rig(paper, "okx") as generic:
        await generic.rig.load(scenario("okx", ["BTCUSDT"]))
        await generic.hold("BTCUSDT", "0.5")
        position = await generic.one()
        await generic.rig.fault("empty", path=POSITION_PATHS["okx"], count=1)
        assert await generic.venue.second_source(position, deadline_s=WAIT_S) == position.quantity
        await generic.rig.fault("empty", path=POSITION_PATHS["okx"], count=2)
        assert await generic.venue.second_source(position, deadline_s=WAIT_S) == 0

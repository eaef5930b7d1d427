"""The Venue port, on every adapter: each test runs against each venue's wire, judged by the true state."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bastion.app import PaperProcess
from bastion.domain.money import Price
from bastion.domain.order import Direction, OrderKind, OrderState, OrderStatus
from bastion.domain.position import Side
from bastion.errors import Fault, OutcomeUnknown, VenueRejected
from bastion.ports import Queueing, offers
from tests.venue_paper import (
    PAPI,
    WAIT_S,
    PaperRig,
    close_of,
    instrument,
    named,
    paper_rig,
    plainly,
    prepared,
    scenario,
)

MANY = [f"T{number:03d}USDT" for number in range(60)]
STOP = {"trigger_price": "950", "trigger_when": "FALLS_TO"}
POSITION_PATHS = {
    "papi": "/papi/v1/um/positionRisk",
    "binance": "/fapi/v3/positionRisk",
    "bybit": "/v5/position/list",
    "hyperliquid": "/info/clearinghouseState",
    "okx": "/api/v5/account/positions",
}


@pytest.fixture(params=["binance", PAPI, "bybit", "hyperliquid", "okx"])
async def exchange(request: pytest.FixtureRequest, paper: PaperProcess) -> AsyncIterator[PaperRig]:
    """Each adapter; Portfolio Margin by its USD-M side, which is the one with these contracts."""
    async for one in prepared(paper, request.param):
        yield one


@pytest.fixture(params=["binance", PAPI, "bybit", "okx"])
async def hedging(request: pytest.FixtureRequest, paper: PaperProcess) -> AsyncIterator[PaperRig]:
    async for one in prepared(paper, request.param):
        yield one


@pytest.fixture(params=["binance", PAPI, "bybit", "okx"])
async def keyed(request: pytest.FixtureRequest, paper: PaperProcess) -> AsyncIterator[PaperRig]:
    async for one in prepared(paper, request.param):
        yield one


async def test_a_look_shows_exactly_what_the_account_holds(exchange: PaperRig) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT", "ETHUSDT", "SOLUSDT"]))
    await exchange.hold("BTCUSDT", "0.5", entry="900")
    await exchange.hold("ETHUSDT", "-2", entry="1100")
    await exchange.rest("SOLUSDT", "BUY", "1", price="900")
    await exchange.rest("BTCUSDT", "SELL", "0.5", price="1200", reduce_only=True)
    await exchange.rest(
        "BTCUSDT", "SELL", "0.5", trigger_price="950", trigger_when="FALLS_TO", reduce_only=True
    )
    look = await exchange.venue.look(deadline_s=WAIT_S)
    assert look.unread == ()
    seen = {plainly(item.instrument): (item.side, item.quantity, item.entry_price) for item in look.positions}
    assert seen == {
        "BTCUSDT": (Side.LONG, Decimal("0.5"), Decimal(900)),
        "ETHUSDT": (Side.SHORT, Decimal(2), Decimal(1100)),
    }
    assert {item.notional_usd for item in look.positions} == {Decimal(500), Decimal(2000)}
    orders = sorted(
        (plainly(order.instrument), order.direction, order.conditional, order.reduce_only)
        for order in look.orders
    )
    assert orders == [
        ("BTCUSDT", Direction.SELL, False, True),
        ("BTCUSDT", Direction.SELL, True, True),
        ("SOLUSDT", Direction.BUY, False, False),
    ]


@pytest.mark.parametrize("kind", [OrderKind.MARKET, OrderKind.WHOLE])
async def test_closing_every_position_leaves_a_flat_account(exchange: PaperRig, kind: OrderKind) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT", "ETHUSDT"]))
    await exchange.hold("BTCUSDT", "0.5", entry="900")
    await exchange.hold("ETHUSDT", "-2", entry="1100")
    before = await exchange.venue.look(deadline_s=WAIT_S)
    assert before.venue_time_ms is not None
    states = await exchange.close_all(before.positions, kind=kind)
    assert [state.status for state in states if isinstance(state, OrderState)] == [OrderStatus.FILLED] * 2
    assert await exchange.held() == {}
    assert (await exchange.venue.look(deadline_s=WAIT_S)).empty
    fills = await exchange.venue.fills(before.positions, since_ms=before.venue_time_ms, deadline_s=WAIT_S)
    truth = [row for row in (await exchange.truth())["fills"] if exchange.is_ours(row["client_order_id"])]
    assert sum(fill.realized_pnl_usd or 0 for fill in fills) == Decimal(50) + Decimal(200)
    assert sum(fill.fee_usd for fill in fills) == Decimal("0.25") + Decimal(1)
    assert sum(fill.quantity for fill in fills) == Decimal("2.5")
    assert len(fills) == len(truth)
    ours = {state.order_id for state in states if isinstance(state, OrderState)}
    assert {fill.order_id for fill in fills} == ours


async def test_in_hedge_mode_each_leg_is_closed_alone(hedging: PaperRig) -> None:
    await hedging.load(scenario(hedging.name, ["BTCUSDT"], hedge=True))
    await hedging.hold("BTCUSDT", "0.5", side="LONG")
    await hedging.hold("BTCUSDT", "-0.3", side="SHORT")
    positions = await hedging.positions()
    assert {(item.side, item.quantity, item.hedged) for item in positions} == {
        (Side.LONG, Decimal("0.5"), True),
        (Side.SHORT, Decimal("0.3"), True),
    }
    long = next(item for item in positions if item.side is Side.LONG)
    await hedging.venue.place(close_of(long, number=7), deadline_s=WAIT_S)
    assert [abs(size) for size in (await hedging.held()).values()] == [Decimal("0.3")]
    await hedging.close_all(await hedging.positions())
    assert await hedging.held() == {}


async def test_sixty_positions_and_as_many_orders_are_all_read_and_closed(exchange: PaperRig) -> None:
    positions = [{"symbol": symbol, "quantity": "0.5", "entry": "1000"} for symbol in MANY]
    orders = [{"symbol": symbol, "direction": "BUY", "quantity": "0.1", "price": "900"} for symbol in MANY]
    await exchange.load(scenario(exchange.name, MANY, position=positions, order=orders))
    look = await exchange.venue.look(deadline_s=WAIT_S)
    assert (look.unread, len(look.positions), len(look.orders)) == ((), 60, 60)
    states = await exchange.close_all(look.positions)
    assert all(isinstance(state, OrderState) and state.ended for state in states)
    assert await exchange.held() == {}
    assert {row["code"] for row in await exchange.requests("")} <= {"", "0"}
    assert all(answer.gone for answer in await exchange.venue.sweep(look, deadline_s=30))
    assert (await exchange.venue.look(deadline_s=WAIT_S)).empty


async def test_closes_leave_in_parallel_as_far_as_the_venue_allows(exchange: PaperRig) -> None:
    await exchange.load(
        scenario(
            exchange.name,
            MANY[:10],
            position=[{"symbol": symbol, "quantity": "0.5", "entry": "1000"} for symbol in MANY[:10]],
        )
    )
    positions = await exchange.positions()
    await exchange.fault("latency", round_trip_ms=200)
    await exchange.close_all(positions)
    sent = [row for row in await exchange.requests(exchange.order_path) if row["method"] == "POST"]
    # Hyperliquid takes the orders of one moment in one signed action.
    assert len(sent) == (1 if exchange.name == "hyperliquid" else 10)
    received = [row["received_ns"] for row in sent]
    assert max(received) - min(received) < 200_000_000


async def test_exactly_the_named_orders_are_cancelled(exchange: PaperRig) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT", "ETHUSDT"]))
    await exchange.hold("BTCUSDT", "0.5")
    await exchange.rest("BTCUSDT", "SELL", "0.1", price="1100", reduce_only=True)
    await exchange.rest(
        "BTCUSDT", "SELL", "0.5", trigger_price="950", trigger_when="FALLS_TO", reduce_only=True
    )
    await exchange.rest("ETHUSDT", "BUY", "1", price="900")
    look = await exchange.venue.look(deadline_s=WAIT_S)
    opening = [order for order in look.orders if not order.reduce_only]
    answers = await exchange.venue.cancel(opening, deadline_s=WAIT_S)
    assert [(plainly(answer.order.instrument), answer.gone) for answer in answers] == [("ETHUSDT", True)]
    left = (await exchange.whole_look()).orders
    assert {(plainly(item.instrument), item.conditional) for item in left} == {
        ("BTCUSDT", False),
        ("BTCUSDT", True),
    }
    again = await exchange.venue.cancel(opening, deadline_s=WAIT_S)
    assert [answer.gone for answer in again] == [True]
    protective = await exchange.venue.cancel(left, deadline_s=WAIT_S)
    assert all(answer.gone for answer in protective)
    assert (await exchange.whole_look()).orders == ()
    assert await exchange.held() != {}


async def test_an_order_that_was_executed_without_an_answer_is_found_again(exchange: PaperRig) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT"]))
    await exchange.hold("BTCUSDT", "0.5")
    (position,) = await exchange.positions()
    await exchange.fault_orders("fail", executed=True, failure="unknown_status")
    with pytest.raises(OutcomeUnknown):
        await exchange.venue.place(close_of(position), deadline_s=WAIT_S)
    await exchange.heal()
    state = None
    async with asyncio.timeout(WAIT_S):
        # A venue can know an order a moment before it is matched.
        while state is None or not state.ended:
            state = await exchange.venue.order(close_of(position), deadline_s=WAIT_S)
    assert (state.status, state.filled) == (OrderStatus.FILLED, Decimal("0.5"))
    assert await exchange.held() == {}


@pytest.mark.parametrize("kind", ["reset", "never"])
async def test_an_order_that_never_arrived_is_known_to_be_unknown(exchange: PaperRig, kind: str) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT"]))
    await exchange.hold("BTCUSDT", "0.5")
    (position,) = await exchange.positions()
    await exchange.fault_orders(kind, executed=False)
    with pytest.raises(OutcomeUnknown):
        await exchange.venue.place(close_of(position), deadline_s=1)
    await exchange.heal()
    assert await exchange.venue.order(close_of(position), deadline_s=WAIT_S) is None
    assert await exchange.positions() == (position,)


@pytest.mark.parametrize("shape", ["truncated", "html"])
async def test_a_malformed_position_list_is_never_an_empty_account(exchange: PaperRig, shape: str) -> None:
    await exchange.fault("malformed", path=POSITION_PATHS[exchange.kind], shape=shape)
    look = await exchange.venue.look(deadline_s=WAIT_S)
    assert not look.complete
    assert not look.empty
    await exchange.heal()
    assert len(await exchange.positions()) == 2


async def test_a_row_without_values_hides_no_position_and_lets_nothing_be_proven(exchange: PaperRig) -> None:
    await exchange.fault("malformed", path=POSITION_PATHS[exchange.kind], shape="odd_row")
    look = await exchange.venue.look(deadline_s=WAIT_S)
    assert len(look.positions) == 2
    assert not look.complete


async def test_half_a_fill_leaves_the_other_half_to_be_read(exchange: PaperRig) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT"]))
    await exchange.hold("BTCUSDT", "0.5")
    (position,) = await exchange.positions()
    await exchange.fault_orders("partial_fill", ratio="0.4")
    state = await exchange.venue.place(close_of(position), deadline_s=WAIT_S)
    assert (state.status, state.filled) == (OrderStatus.CANCELED, Decimal("0.2"))
    await exchange.heal()
    (left,) = await exchange.positions()
    assert left.quantity == Decimal("0.3")
    assert await exchange.venue.second_source(position, deadline_s=WAIT_S) == Decimal("0.3")


async def test_a_close_of_a_position_that_is_gone_opens_nothing(exchange: PaperRig) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT"]))
    await exchange.hold("BTCUSDT", "0.5")
    (position,) = await exchange.positions()
    await exchange.venue.place(close_of(position, number=1), deadline_s=WAIT_S)
    with pytest.raises(VenueRejected) as refused:
        await exchange.venue.place(close_of(position, number=2), deadline_s=WAIT_S)
    assert refused.value.fault is Fault.MAYBE_FLAT
    assert await exchange.held() == {}
    assert await exchange.venue.second_source(position, deadline_s=WAIT_S) == 0


async def test_a_close_that_is_larger_than_the_position_never_flips_it(exchange: PaperRig) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT"]))
    await exchange.hold("BTCUSDT", "0.5")
    (position,) = await exchange.positions()
    states = await exchange.close_all([replace(position, quantity=close_of(position, quantity="2").quantity)])
    assert len(states) == 1
    assert all(size >= 0 for size in (await exchange.held()).values())


async def test_a_market_without_buyers_is_a_matter_of_price(exchange: PaperRig) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT"]))
    await exchange.hold("BTCUSDT", "0.5")
    (position,) = await exchange.positions()
    body = {
        "venue": exchange.name,
        "symbol": named(exchange.name, "BTCUSDT"),
        "bids": [],
        "asks": [[1, "10"]],
    }
    await exchange.paper.control("POST", "/depth", body)
    with pytest.raises(VenueRejected) as refused:
        await exchange.venue.place(close_of(position), deadline_s=WAIT_S)
    assert refused.value.fault is Fault.BAND
    assert await exchange.positions() == (position,)


async def test_an_immediate_limit_order_fills_within_its_bound(exchange: PaperRig) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT"]))
    await exchange.hold("BTCUSDT", "0.5")
    await exchange.venue.instruments(deadline_s=WAIT_S)
    (position,) = await exchange.positions()
    bound = replace(close_of(position, kind=OrderKind.IOC), limit_price=Price(Decimal("990.123")))
    state = await exchange.venue.place(bound, deadline_s=WAIT_S)
    assert state.status is OrderStatus.FILLED
    assert await exchange.held() == {}


async def test_a_size_above_the_market_maximum_is_told_by_the_contract(keyed: PaperRig) -> None:
    await keyed.load(scenario(keyed.name, ["BTCUSDT"]))
    contracts = await keyed.venue.instruments(deadline_s=WAIT_S)
    # OKX lists a contract once for each margin mode.
    contract = next(item for item in contracts.values() if plainly(item.id) == "BTCUSDT")
    listed = instrument("BTCUSDT")
    assert contract.market_quantity_max == Decimal(str(listed["market_quantity_max"]))
    assert contract.quantity_step == Decimal(str(listed["step"]))
    assert contract.price_tick == Decimal(str(listed["tick"]))


async def test_a_wrong_secret_is_terminal_everywhere(keyed: PaperRig) -> None:
    venue = keyed.with_credential(secret="not-the-secret")
    try:
        access = await venue.access(deadline_s=WAIT_S)
        assert access.can_trade is False
        look = await venue.look(deadline_s=WAIT_S)
        assert look.unread
        assert all(unread.terminal for unread in look.unread)
    finally:
        await venue.close()


async def test_a_key_that_may_only_read_says_so_before_the_emergency(exchange: PaperRig) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT"], permissions=["read"]))
    await exchange.hold("BTCUSDT", "0.5")
    access = await exchange.venue.access(deadline_s=WAIT_S)
    assert (access.can_read, access.can_trade) == (True, False)
    (position,) = await exchange.positions()
    with pytest.raises(VenueRejected) as refused:
        await exchange.venue.place(close_of(position), deadline_s=WAIT_S)
    assert refused.value.fault is Fault.TERMINAL
    assert await exchange.held() != {}


async def test_a_rate_limit_says_when_to_come_back(exchange: PaperRig) -> None:
    (position, _) = await exchange.positions()
    await exchange.fault_orders("fail", failure="rate_limited", count=1)
    with pytest.raises(VenueRejected) as refused:
        await exchange.venue.place(close_of(position), deadline_s=WAIT_S)
    assert refused.value.fault is Fault.RATE_LIMIT
    assert refused.value.retry_after_s is not None
    assert refused.value.retry_after_s > 0


async def test_a_sweep_leaves_no_order_of_any_kind(hedging: PaperRig) -> None:
    await hedging.load(scenario(hedging.name, ["BTCUSDT", "ETHUSDT"], hedge=True))
    await hedging.hold("BTCUSDT", "0.5", side="LONG")
    await hedging.hold("ETHUSDT", "-2", side="SHORT")
    await hedging.rest("BTCUSDT", "SELL", "0.2", side="LONG", price="1200")
    await hedging.rest("BTCUSDT", "SELL", "0.5", side="LONG", **STOP)
    await hedging.rest("ETHUSDT", "BUY", "1", side="SHORT", price="800")
    await hedging.rest("ETHUSDT", "BUY", "1", side="LONG", price="800")
    look = await hedging.venue.look(deadline_s=WAIT_S)
    assert (len(look.orders), look.unread) == (4, ())
    answers = await hedging.venue.sweep(look, deadline_s=WAIT_S)
    assert [answer.order.key for answer in answers] == [order.key for order in look.orders]
    assert all(answer.gone for answer in answers)
    assert (await hedging.truth())["open_orders"] == []
    await hedging.close_all(await hedging.positions())
    assert (await hedging.venue.look(deadline_s=WAIT_S)).empty


async def test_a_stop_that_holds_the_size_blocks_a_close_and_its_cancel_frees_it(exchange: PaperRig) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT"]))
    await exchange.hold("BTCUSDT", "0.5")
    await exchange.rest("BTCUSDT", "SELL", "0.5", price="1200", reduce_only=True)
    look = await exchange.venue.look(deadline_s=WAIT_S)
    (first,) = await exchange.close_all(look.positions)
    if isinstance(first, VenueRejected):
        assert first.fault in {Fault.BLOCKED, Fault.MAYBE_FLAT}
        (answer,) = await exchange.venue.cancel(look.orders, deadline_s=WAIT_S)
        assert answer.gone
        await exchange.venue.place(close_of(look.positions[0], number=1), deadline_s=WAIT_S)
    assert await exchange.held() == {}


async def test_usdc_and_inverse_contracts_of_bybit_are_seen_and_closed(paper: PaperProcess) -> None:
    usdc = instrument("BTCPERP", base="BTC", quote="USDC", settle="USDC")
    inverse = instrument(
        "BTCUSD",
        base="BTC",
        quote="USD",
        settle="BTC",
        kind="inverse",
        step="1",
        quantity_min="1",
        quantity_max="1000000",
        market_quantity_max="500000",
        depth={"bids": [[0, "100000"]], "asks": [[0, "100000"]]},
    )
    document = scenario("bybit", [], balances={"USDT": "100000", "USDC": "100000", "BTC": "100"})
    venues = document["venue"]
    assert isinstance(venues, list)
    venues[0]["instrument"] = [usdc, inverse]
    async with paper_rig(paper, "bybit") as exchange:
        await exchange.heal()
        await exchange.load(document)
        await exchange.hold("BTCPERP", "0.5", entry="900")
        await exchange.hold("BTCUSD", "-300", entry="1000")
        before = await exchange.venue.look(deadline_s=WAIT_S)
        assert before.unread == ()
        assert before.venue_time_ms is not None
        seen = {(item.category, item.symbol): item.notional_usd for item in before.positions}
        assert seen == {("linear", "BTCUSDC"): Decimal(500), ("inverse", "BTCUSD"): Decimal(300)}
        await exchange.close_all(before.positions)
        assert await exchange.held() == {}
        assert (await exchange.venue.look(deadline_s=WAIT_S)).empty
        fills = await exchange.venue.fills(before.positions, since_ms=before.venue_time_ms, deadline_s=WAIT_S)
        assert {fill.symbol: fill.realized_pnl_usd for fill in fills} == {"BTCUSDC": Decimal(50), "BTCUSD": 0}


async def test_an_order_that_waits_here_is_heard_of_when_it_leaves_and_not_asked_for_before(
    exchange: PaperRig,
) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT"]))
    await exchange.hold("BTCUSDT", "0.5")
    (position,) = (await exchange.whole_look()).positions
    request = close_of(position)
    heard: list[str] = []
    queueing = offers(exchange.venue, Queueing)
    assert queueing is not None
    queueing.hear_left(heard.append)
    sides: tuple[Any, ...] = getattr(exchange.venue, "_sides", (exchange.venue,))
    for side in sides:
        side._throttle.silence(0.6)
    placing = asyncio.create_task(exchange.venue.place(request, deadline_s=WAIT_S))
    await asyncio.sleep(0.3)
    assert heard == []
    assert (await placing).status is OrderStatus.FILLED
    assert heard == [request.client_order_id]


async def test_orders_of_one_request_are_each_heard_of_when_it_leaves(exchange: PaperRig) -> None:
    await exchange.load(scenario(exchange.name, MANY[:12]))
    for symbol in MANY[:12]:
        await exchange.hold(symbol, "0.5")
    positions = (await exchange.whole_look()).positions
    requests = [close_of(position, number=number) for number, position in enumerate(positions)]
    heard: list[str] = []
    queueing = offers(exchange.venue, Queueing)
    assert queueing is not None
    queueing.hear_left(heard.append)
    await asyncio.gather(*(exchange.venue.place(one, deadline_s=WAIT_S) for one in requests))
    assert sorted(heard) == sorted(request.client_order_id for request in requests)
    assert await exchange.held() == {}

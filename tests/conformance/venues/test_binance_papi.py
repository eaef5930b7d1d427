"""Binance Portfolio Margin: USD-M and COIN-M in one account, on the paper exchange's own `/papi`."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from bastion.app import PaperProcess
from bastion.domain.balance import CoinHeld
from bastion.domain.order import Cause, OrderStatus
from bastion.domain.position import Side
from bastion.embedded import paper_credential
from bastion.errors import Fault, VenueRejected
from bastion.ports import Accounting, Attesting, Metered, Protecting, Quoting, Sparing
from bastion.venues.ccxt.binance_papi import BinancePortfolioVenue
from tests.venue_paper import WAIT_S, PaperRig, close_of, instrument, key, paper_rig

COIN_CONTRACT = instrument(
    "BTCUSD_PERP",
    base="BTC",
    quote="USD",
    settle="BTC",
    kind="inverse",
    step="1",
    quantity_min="1",
    quantity_max="1000000",
    market_quantity_max="60000",
    contract_size="100",
    depth={"bids": [[0, "100000"]], "asks": [[0, "100000"]]},
)


@dataclass
class Portfolio:
    """The paper exchange with one contract of each kind, and the Portfolio Margin adapter."""

    rig: PaperRig
    venue: BinancePortfolioVenue

    async def asked(self) -> list[str]:
        return [f"{row['method']} {row['path']}" for row in await self.rig.requests("")]


def document(*, hedge: bool = False, portfolio: bool = True) -> dict[str, object]:
    account = {
        "name": "main",
        "key": [key("binance", ("read", "trade"))],
        "position_mode": "HEDGE" if hedge else "ONE_WAY",
        "balances": {"USDT": "100000", "BTC": "100"},
    }
    venue = {
        "name": "binance",
        "instrument": [COIN_CONTRACT, instrument("BTCUSDT")],
        "account": [account],
        "settings": {"portfolio_margin": int(portfolio)},
    }
    return {"name": "papi", "venue": [venue]}


@pytest.fixture
async def margin(paper: PaperProcess) -> AsyncIterator[Portfolio]:
    async with paper_rig(paper, "binance") as rig:
        await rig.heal()
        await rig.load(document())
        await rig.forget_requests()
        venue = rig.catalog.build(replace(rig.account, key_space="papi"), paper_credential("binance"))
        assert isinstance(venue, BinancePortfolioVenue)
        try:
            yield Portfolio(rig=rig, venue=venue)
        finally:
            await venue.close()


def set_apart(parts: Sequence[str]) -> list[str]:
    return [part for part in parts if part != "cross margin"]


async def hold_both(margin: Portfolio) -> None:
    await margin.rig.hold("BTCUSDT", "2", entry="900")
    await margin.rig.hold("BTCUSD_PERP", "-30", entry="800")
    stop = {"trigger_price": "950", "trigger_when": "FALLS_TO"}
    await margin.rig.rest("BTCUSDT", "BUY", "1", price="900")
    await margin.rig.rest("BTCUSDT", "SELL", "2", reduce_only=True, **stop)
    await margin.rig.rest("BTCUSD_PERP", "SELL", "3", price="1200")
    await margin.rig.rest(
        "BTCUSD_PERP", "BUY", "30", reduce_only=True, trigger_price="1100", trigger_when="RISES_TO"
    )


def test_it_offers_what_the_desk_can_use_and_no_protective_orders() -> None:
    offered = (Accounting, Quoting, Metered, Sparing, Attesting)
    assert all(issubclass(BinancePortfolioVenue, port) for port in offered)
    assert not issubclass(BinancePortfolioVenue, Protecting)


async def test_both_sides_and_all_four_kinds_of_orders_are_seen(margin: Portfolio) -> None:
    await hold_both(margin)
    await margin.venue.open(deadline_s=WAIT_S)
    look = await margin.venue.look(deadline_s=WAIT_S)
    assert look.unread == ()
    assert {(one.symbol, one.category, one.side, one.quantity) for one in look.positions} == {
        ("BTCUSDT", "usdm", Side.LONG, Decimal(2)),
        ("BTCUSD", "coinm", Side.SHORT, Decimal(30)),
    }
    assert all(one.updated_ms for one in look.positions)
    assert {(one.category, one.conditional, one.reduce_only) for one in look.orders} == {
        ("usdm", False, False),
        ("usdm", True, True),
        ("coinm", False, False),
        ("coinm", True, True),
    }
    assert "positions UM" in look.parts
    assert "conditional orders CM" in look.parts
    assert look.venue_time_ms is not None
    # An address has a weight of 6000 a minute there. This look weighs 201; clock and contracts are 4 more.
    left = margin.venue.reads_left()
    assert (left.capacity, 6000 - left.free) == (6000, 205)
    # What lies in cross margin is told, and nothing of it is touched.
    assert "cross margin, not touched: 100000 USDT" in look.notes
    # It decides nothing: while an act is at work it is told as it was, and not read again at once.
    margin.venue.asked()
    again = await margin.venue.look(deadline_s=WAIT_S)
    assert (again.unread, again.notes, again.parts) == ((), look.notes, tuple(set_apart(look.parts)))
    assert (await margin.asked()).count("GET /papi/v1/balance") == 1


async def test_both_positions_are_closed_swept_and_told(margin: Portfolio) -> None:
    await hold_both(margin)
    await margin.venue.open(deadline_s=WAIT_S)
    before = await margin.venue.look(deadline_s=WAIT_S)
    for number, position in enumerate(before.positions):
        request = close_of(position, number=number)
        state = await margin.venue.place(request, deadline_s=WAIT_S)
        assert (state.status, state.filled) == (OrderStatus.FILLED, position.quantity)
        assert await margin.venue.order(request, deadline_s=WAIT_S) is not None
        assert await margin.venue.second_source(position, deadline_s=WAIT_S) == 0
    swept = await margin.venue.sweep(before, deadline_s=WAIT_S)
    assert {answer.order.key for answer in swept} == {order.key for order in before.orders}
    assert all(answer.gone for answer in swept), swept
    assert await margin.rig.held() == {}
    assert (await margin.venue.look(deadline_s=WAIT_S)).empty
    assert before.venue_time_ms is not None
    fills = await margin.venue.fills(before.positions, since_ms=before.venue_time_ms, deadline_s=WAIT_S)
    assert {(fill.category, fill.quantity, fill.cause) for fill in fills} == {
        ("usdm", Decimal(2), None),
        ("coinm", Decimal(30), None),
    }
    assert {fill.realized_pnl_usd for fill in fills} == {Decimal(200), Decimal(-750)}
    assert Cause.STOP not in {fill.cause for fill in fills}
    again = close_of(before.positions[0], number=7)
    with pytest.raises(VenueRejected) as refused:
        await margin.venue.place(again, deadline_s=WAIT_S)
    assert refused.value.fault is Fault.MAYBE_FLAT


async def test_each_order_is_cancelled_by_its_own_id_at_its_own_service(margin: Portfolio) -> None:
    await hold_both(margin)
    look = await margin.venue.look(deadline_s=WAIT_S)
    answers = await margin.venue.cancel(look.orders, deadline_s=WAIT_S)
    assert [answer.order for answer in answers] == list(look.orders)
    assert all(answer.gone for answer in answers), answers
    assert {one for one in await margin.asked() if one.startswith("DELETE")} == {
        "DELETE /papi/v1/um/order",
        "DELETE /papi/v1/um/algo/order",
        "DELETE /papi/v1/cm/order",
        "DELETE /papi/v1/cm/conditional/order",
    }
    again = await margin.venue.cancel(look.orders, deadline_s=WAIT_S)
    assert all(answer.gone for answer in again), "what is gone already counts as gone"


async def test_in_hedge_mode_the_leg_that_is_meant_is_closed_on_both_sides(margin: Portfolio) -> None:
    await margin.rig.load(document(hedge=True))
    for symbol in ("BTCUSDT", "BTCUSD_PERP"):
        await margin.rig.hold(symbol, "30", side="LONG")
        await margin.rig.hold(symbol, "-10", side="SHORT")
    look = await margin.venue.look(deadline_s=WAIT_S)
    longs = [one for one in look.positions if one.side is Side.LONG]
    assert len(longs) == 2
    for number, position in enumerate(longs):
        await margin.venue.place(close_of(position, number=number), deadline_s=WAIT_S)
    assert [abs(size) for size in (await margin.rig.held()).values()] == [Decimal(10), Decimal(10)]
    for row in await margin.rig.requests("/papi/v1/um/order"):
        assert "reduceOnly" not in row["parameters"], "hedge mode refuses the flag"
        assert row["parameters"]["positionSide"] == "LONG"


async def test_the_balance_is_the_venues_and_names_what_can_lose_value(margin: Portfolio) -> None:
    balance = await margin.venue.balance(deadline_s=WAIT_S)
    assert (balance.total_usd, balance.available_usd) == (Decimal(200_000), Decimal(200_000))
    assert balance.coins == (CoinHeld(coin="BTC", quantity=Decimal(100), value_usd=None),)
    access = await margin.venue.access(deadline_s=WAIT_S)
    assert (access.can_trade, access.can_withdraw) == (True, False)


async def test_an_empty_list_is_not_believed_while_the_sides_own_page_names_a_position(
    margin: Portfolio,
) -> None:
    await hold_both(margin)
    await margin.rig.fault("empty", path="*/cm/positionRisk")
    look = await margin.venue.look(deadline_s=WAIT_S)
    assert [one.category for one in look.positions] == ["usdm"]
    assert [part.part for part in look.unread] == ["positions CM"]


async def test_an_account_of_another_kind_is_refused_by_name_on_either_page(margin: Portfolio) -> None:
    classic = await margin.rig.venue.look(deadline_s=WAIT_S)
    assert classic.parts == ()
    assert "-2015" in classic.unread[0].reason
    await margin.rig.load(document(portfolio=False))
    look = await margin.venue.look(deadline_s=WAIT_S)
    assert {part.part for part in look.unread} >= {"positions UM", "positions CM", "orders UM", "orders CM"}
    assert all("-21001" in part.reason and part.terminal for part in look.unread)


async def test_both_sides_of_portfolio_margin_are_named(margin: Portfolio) -> None:
    await margin.rig.hold("BTCUSD_PERP", "-30")
    await margin.rig.hold("BTCUSDT", "0.5")
    found = await margin.venue.named(deadline_s=WAIT_S)
    assert {(one.category, one.symbol, one.side, one.quantity) for one in found} == {
        ("usdm", "BTCUSDT", Side.LONG, Decimal("0.5")),
        ("coinm", "BTCUSD", Side.SHORT, Decimal(30)),
    }
    for position in found:
        assert await margin.venue.second_source(position, deadline_s=WAIT_S) == position.quantity

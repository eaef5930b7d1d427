"""Binance COIN-M: the key space of inverse contracts, on the paper exchange's own `/dapi`."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from bastion.app import PaperProcess
from bastion.domain.balance import CoinHeld
from bastion.domain.money import Usd
from bastion.domain.order import OrderState, OrderStatus
from bastion.domain.position import Side
from bastion.embedded import paper_credential
from bastion.errors import Fault, VenueRejected
from bastion.venues.ccxt.binance_coinm import BinanceCoinVenue
from tests.venue_paper import WAIT_S, PaperRig, close_of, instrument, key, paper_rig

CONTRACT = instrument(
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
class CoinRig:
    """The paper exchange with a USD-M and a COIN-M contract, and the COIN-M adapter."""

    rig: PaperRig
    venue: BinanceCoinVenue


def document(*, hedge: bool = False) -> dict[str, object]:
    account = {
        "name": "main",
        "key": [key("binance", ("read", "trade"))],
        "position_mode": "HEDGE" if hedge else "ONE_WAY",
        "balances": {"USDT": "100000", "BTC": "100"},
    }
    contracts = [CONTRACT, instrument("BTCUSDT")]
    return {"name": "coinm", "venue": [{"name": "binance", "instrument": contracts, "account": [account]}]}


@pytest.fixture
async def coin(paper: PaperProcess) -> AsyncIterator[CoinRig]:
    async with paper_rig(paper, "binance") as rig:
        await rig.heal()
        await rig.load(document())
        account = replace(rig.account, key_space="coinm")
        venue = rig.catalog.build(account, paper_credential("binance"))
        assert isinstance(venue, BinanceCoinVenue)
        try:
            yield CoinRig(rig=rig, venue=venue)
        finally:
            await venue.close()


async def test_each_key_space_sees_its_own_contracts_alone(coin: CoinRig) -> None:
    await coin.rig.hold("BTCUSD_PERP", "-30", entry="800")
    await coin.rig.hold("BTCUSDT", "0.5", entry="900")
    await coin.rig.rest("BTCUSD_PERP", "BUY", "3", price="960")
    await coin.rig.rest("BTCUSDT", "BUY", "0.1", price="960")
    await coin.venue.open(deadline_s=WAIT_S)
    look = await coin.venue.look(deadline_s=WAIT_S)
    assert look.unread == ()
    (found,) = look.positions
    assert (found.symbol, found.category, found.side, found.quantity) == (
        "BTCUSD",
        "coinm",
        Side.SHORT,
        Decimal(30),
    )
    # 30 contracts of 100 USD; the coin's result of a short from 800 at 1000, valued at the mark.
    assert found.notional_usd == Decimal(3000)
    assert found.unrealized_pnl_usd == (Decimal(3000) / 1000 - Decimal(3000) / 800) * 1000
    assert [order.instrument for order in look.orders] == ["BTCUSD_PERP"]
    other = await coin.rig.venue.look(deadline_s=WAIT_S)
    assert [item.symbol for item in other.positions] == ["BTCUSDT"]
    assert [order.instrument for order in other.orders] == ["BTCUSDT"]


async def test_an_inverse_position_is_closed_and_told_in_dollars(coin: CoinRig) -> None:
    await coin.rig.hold("BTCUSD_PERP", "30", entry="800")
    stop = {"trigger_price": "950", "trigger_when": "FALLS_TO"}
    await coin.rig.rest("BTCUSD_PERP", "SELL", "30", reduce_only=True, **stop)
    before = await coin.venue.look(deadline_s=WAIT_S)
    assert [order.conditional for order in before.orders] == [True]
    state = await coin.venue.place(close_of(before.positions[0]), deadline_s=WAIT_S)
    assert isinstance(state, OrderState)
    assert (state.status, state.filled) == (OrderStatus.FILLED, Decimal(30))
    assert all(answer.gone for answer in await coin.venue.sweep(before, deadline_s=WAIT_S))
    assert await coin.rig.held() == {}
    assert (await coin.venue.look(deadline_s=WAIT_S)).empty
    assert await coin.venue.second_source(before.positions[0], deadline_s=WAIT_S) == 0
    since_ms = before.venue_time_ms
    assert since_ms is not None
    (fill,) = await coin.venue.fills(before.positions, since_ms=since_ms, deadline_s=WAIT_S)
    assert (fill.category, fill.symbol, fill.quantity) == ("coinm", "BTCUSD", Decimal(30))
    assert fill.realized_pnl_usd == Decimal(750)
    assert fill.fee_usd == Decimal("1.5")
    assert "BTC at the index price" in fill.fee_note
    again = close_of(before.positions[0], number=2)
    with pytest.raises(VenueRejected) as refused:
        await coin.venue.place(again, deadline_s=WAIT_S)
    assert refused.value.fault is Fault.MAYBE_FLAT


async def test_a_contract_says_what_it_stands_for_and_the_coins_are_valued(coin: CoinRig) -> None:
    contracts = await coin.venue.instruments(deadline_s=WAIT_S)
    (contract,) = contracts.values()
    assert (contract.inverse, contract.contract_size, contract.settle) == (True, Decimal(100), "BTC")
    balance = await coin.venue.balance(deadline_s=WAIT_S)
    assert balance.total_usd == Decimal(100_000)
    # What can lose value is named, for the exposure that an exit tells.
    assert balance.coins == (CoinHeld(coin="BTC", quantity=Decimal(100), value_usd=Usd(Decimal(100_000))),)
    assert balance.notes == ("BTC at the index price of 1000 USD",)
    assert (await coin.venue.access(deadline_s=WAIT_S)).can_trade is True


async def test_in_hedge_mode_the_leg_that_is_meant_is_closed(coin: CoinRig) -> None:
    await coin.rig.load(document(hedge=True))
    await coin.rig.hold("BTCUSD_PERP", "30", side="LONG")
    await coin.rig.hold("BTCUSD_PERP", "-10", side="SHORT")
    look = await coin.venue.look(deadline_s=WAIT_S)
    long = next(item for item in look.positions if item.side is Side.LONG)
    await coin.venue.place(close_of(long), deadline_s=WAIT_S)
    assert [abs(size) for size in (await coin.rig.held()).values()] == [Decimal(10)]

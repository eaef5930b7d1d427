"""Hyperliquid's looks: the agent trap, every dex, and lists that are not to be believed."""

from decimal import Decimal

import pytest

from bastion.domain.position import MarginMode, Position, Side
from bastion.errors import Fault, VenueRejected
from bastion.venues.ccxt.hyperliquid_cloid import cloid_of
from tests.hyperliquid_rig import AGENT, MASTER
from tests.hyperliquid_script import (
    DEXES,
    META,
    ORDERS,
    ROLE,
    SPOT,
    STATE,
    Scripted,
    by_dex,
    held,
    order_row,
    place,
    raw,
    request_for,
    say,
    scripted,
    state,
    universe,
)

S = 5.0
AGENT_ROLE = {"role": "agent", "data": {"user": MASTER.address}}
SUB_ROLE = {"role": "subAccount", "data": {"master": MASTER.address}}


# The agent trap.


async def test_an_empty_account_at_an_agents_address_is_never_flat() -> None:
    async with scripted(wallet=AGENT.address) as hl:
        # Its own key signs: nothing in the credential itself is odd.
        hl.on(ROLE, say(AGENT_ROLE))
        hl.on(STATE, say(state(value="0.0")))
        look = await hl.venue.look(deadline_s=S)
        assert not look.complete
        (unread,) = look.unread
        assert (unread.part, unread.terminal) == ("account", True)
        assert MASTER.address in unread.reason
        assert "wallet_address" in unread.reason
        access = await hl.venue.access(deadline_s=S)
        assert access.can_trade is False
        with pytest.raises(VenueRejected) as refused:
            await hl.venue.place(request_for(), deadline_s=S)
        assert refused.value.fault is Fault.TERMINAL
        assert hl.seen("order") == []


async def test_an_address_that_the_venue_does_not_know_is_never_flat(hl: Scripted) -> None:
    hl.on(ROLE, say({"role": "missing"}))
    hl.on(STATE, say(state(value="0.0")))
    look = await hl.venue.look(deadline_s=S)
    assert [(unread.part, unread.terminal) for unread in look.unread] == [("account", True)]


@pytest.mark.parametrize("answer", ["null", "{}", '{"role": 7}', '{"role": "agent"}', "<html>", ""])
async def test_an_empty_account_is_believed_only_once_its_address_is_proven(
    hl: Scripted, answer: str
) -> None:
    hl.on(ROLE, raw(answer))
    hl.on(STATE, say(state(value="0.0")))
    look = await hl.venue.look(deadline_s=S)
    assert not look.complete
    hl.on(STATE, say(state(value="12.5")))  # Money at the address proves that it is an account's.
    assert (await hl.venue.look(deadline_s=S)).complete
    hl.on(STATE, say(state(value="0.0")))
    hl.on(ROLE, say({"role": "user"}))
    assert (await hl.venue.look(deadline_s=S)).empty


async def test_the_role_is_asked_once_and_the_account_read_by_its_own_address(hl: Scripted) -> None:
    for _ in range(3):
        await hl.venue.look(deadline_s=S)
    assert len(hl.seen(ROLE)) == 1
    assert {body["user"] for kind in (ROLE, STATE, ORDERS, SPOT) for body in hl.seen(kind)} == {
        MASTER.address
    }


# Every dex.


async def test_positions_and_orders_of_every_dex_are_read(hl: Scripted) -> None:
    hl.on(DEXES, say([None, {"name": "xyz"}, {"name": "flx"}]))
    hl.on(STATE, by_dex(main=state(held("BTC", "0.5")), xyz=state(held("xyz:GOLD", "-2")), flx=state()))
    hl.on(ORDERS, by_dex(main=[], xyz=[], flx=[order_row("flx:OIL", 9)]))
    look = await hl.venue.look(deadline_s=S)
    assert look.unread == ()
    assert {(item.instrument, item.side, item.quantity) for item in look.positions} == {
        ("BTC", Side.LONG, Decimal("0.5")),
        ("xyz:GOLD", Side.SHORT, Decimal(2)),
    }
    assert [order.order_id for order in look.orders] == ["9"]
    for kind in (STATE, ORDERS):
        assert {body["dex"] for body in hl.seen(kind)} == {"", "xyz", "flx"}


@pytest.mark.parametrize("answer", ["null", "[]", "{}", '[{"name": "xyz"}]', "[null, 7]", "<html>"])
async def test_without_the_list_of_dexes_nothing_is_flat(hl: Scripted, answer: str) -> None:
    hl.on(DEXES, raw(answer))
    look = await hl.venue.look(deadline_s=S)
    assert not look.empty
    assert "perp dexes" in [unread.part for unread in look.unread]
    assert "positions main" in look.parts


async def test_one_dex_that_fails_leaves_the_others_read(hl: Scripted) -> None:
    hl.on(DEXES, say([None, {"name": "xyz"}]))
    hl.on(STATE, by_dex(main=state(held("BTC", "0.5")), xyz=None))
    look = await hl.venue.look(deadline_s=S)
    assert [unread.part for unread in look.unread] == ["positions xyz"]
    assert len(look.positions) == 1


async def test_orders_of_builder_dexes_carry_the_numbers_of_their_assets(hl: Scripted) -> None:
    hl.on(DEXES, say([None, {"name": "xyz"}, {"name": "flx"}]))
    dexes = {
        "main": universe("BTC"),
        "xyz": universe("xyz:GOLD"),
        "flx": universe("flx:X", "flx:OIL", token=268),
    }
    hl.on(META, by_dex(**dexes))
    await hl.venue.look(deadline_s=S)
    await place(hl, "BTC", "xyz:GOLD", "flx:OIL")
    sent = [order["a"] for body in hl.seen("order") for order in body["action"]["orders"]]
    assert sorted(sent) == [0, 110_000, 120_001]
    contracts = await hl.venue.instruments(deadline_s=S)
    assert contracts["perp", "flx:OIL"].settle == "USDT0"
    assert contracts["perp", "flx:OIL"].symbol == "FLXOILUSDT0"


# What the lists say.


async def test_an_empty_list_is_not_believed_against_the_accounts_own_margin(hl: Scripted) -> None:
    hl.on(STATE, say(state(total="45000.0")))
    look = await hl.venue.look(deadline_s=S)
    (unread,) = look.unread
    assert unread.part == "positions main"
    assert "45000" in unread.reason


async def test_what_a_list_with_an_odd_or_a_missing_row_does_show_can_be_closed(hl: Scripted) -> None:
    odd = {**held("ETH", "3"), "szi": None}
    for listed in (state(odd, held("BTC", "0.5")), state(held("BTC", "0.5"), total="99000.0")):
        hl.on(STATE, say(listed))
        look = await hl.venue.look(deadline_s=S)
        assert [item.instrument for item in look.positions] == ["BTC"]
        assert [unread.part for unread in look.unread] == ["positions main"]


async def test_a_row_that_comes_twice_is_one_position(hl: Scripted) -> None:
    once = state(held("BTC", "0.5"))
    hl.on(STATE, say({**once, "assetPositions": once["assetPositions"] * 2}))
    look = await hl.venue.look(deadline_s=S)
    assert [str(item.quantity) for item in look.positions] == ["0.5"]
    assert look.unread == ()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"assetPositions": []}',
        '{"assetPositions": null, "marginSummary": {"totalNtlPos": "0.0", "accountValue": "1"}, "time": 1}',
        '{"assetPositions": [{}], "marginSummary": {"totalNtlPos": "0.0", "accountValue": "1"}, "time": 1}',
        '{"assetPositions": [], "marginSummary": {"totalNtlPos": "x", "accountValue": "1"}, "time": 1}',
        '{"assetPositions": [',
        "<html>We will be back soon</html>",
        '{"status": "err", "response": "busy"}',
    ],
)
async def test_a_broken_state_is_unread_and_never_an_empty_account(hl: Scripted, body: str) -> None:
    hl.on(STATE, raw(body))
    look = await hl.venue.look(deadline_s=S)
    assert "positions main" in [unread.part for unread in look.unread]
    assert not look.empty


@pytest.mark.parametrize(
    "body", ["", "null", "{}", "[{}]", "[1]", '[{"coin": "BTC", "side": "X"}]', "<html>"]
)
async def test_a_broken_list_of_orders_is_unread(hl: Scripted, body: str) -> None:
    hl.on(ORDERS, raw(body))
    assert [unread.part for unread in (await hl.venue.look(deadline_s=S)).unread] == ["orders main"]


async def test_a_position_is_told_with_the_venues_figures(hl: Scripted) -> None:
    row = held("BTC", "-0.5", "90000") | {
        "entryPx": "91000.0",
        "unrealizedPnl": "500.0",
        "liquidationPx": "120000.0",
        "leverage": {"type": "isolated", "value": 20, "rawUsd": "-1"},
        "marginUsed": "2250.0",
    }
    hl.on(STATE, say(state(row)))
    (position,) = (await hl.venue.look(deadline_s=S)).positions
    assert position == Position(
        instrument="BTC",
        category="perp",
        symbol="BTCUSDC",
        side=Side.SHORT,
        quantity=position.quantity,
        hedged=False,
        margin_mode=MarginMode.ISOLATED,
        entry_price=position.entry_price,
        mark_price=position.mark_price,
        liquidation_price=position.liquidation_price,
        leverage=Decimal(20),
        notional_usd=position.notional_usd,
        margin_usd=position.margin_usd,
        unrealized_pnl_usd=position.unrealized_pnl_usd,
    )
    assert (position.quantity, position.entry_price) == (Decimal("0.5"), Decimal(91_000))
    assert (position.mark_price, position.liquidation_price) == (Decimal(90_000), Decimal(120_000))
    assert (position.notional_usd, position.margin_usd) == (Decimal(45_000), Decimal(2250))
    assert position.unrealized_pnl_usd == 500


async def test_triggers_and_orders_for_the_position_can_only_reduce(hl: Scripted) -> None:
    rows = [
        order_row("BTC", 1, isTrigger=True, triggerPx="900"),
        order_row("BTC", 2, isTrigger=True, isPositionTpsl=True, reduceOnly=False, sz="0.0"),
        order_row("ETH", 3, side="B", reduceOnly=False, cloid="0x" + "12" * 16),
        order_row("BTC", 4, cloid=cloid_of("bst000000000000000000042")),
    ]
    hl.on(ORDERS, say(rows))
    orders = {order.order_id: order for order in (await hl.venue.look(deadline_s=S)).orders}
    assert [orders[name].reduce_only for name in "1234"] == [True, True, False, True]
    assert [orders[name].conditional for name in "1234"] == [True, True, False, False]
    assert orders["4"].client_order_id == "bst000000000000000000042"
    assert orders["3"].client_order_id == "0x" + "12" * 16


async def test_spot_is_told_and_never_touched(hl: Scripted) -> None:
    hl.on(SPOT, say({"balances": [{"coin": "HYPE", "total": "5.50"}, {"coin": "USDC", "total": "0.0"}]}))
    hl.on(ORDERS, say([order_row("PURR/USDC", 5), order_row("@107", 6)]))
    look = await hl.venue.look(deadline_s=S)
    assert look.empty
    assert set(look.notes) == {"spot balance, not touched: 5.5 HYPE", "2 spot order(s) are left alone"}
    hl.on(SPOT, raw("oops", 500))
    look = await hl.venue.look(deadline_s=S)
    assert look.empty
    assert any("could not be read" in note for note in look.notes)

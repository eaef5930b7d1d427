"""Hyperliquid's wallets and limits: who may trade, what is held back, and what is never shown."""

import pytest

from bastion.domain.order import OrderState
from bastion.errors import Fault, VenueRejected
from bastion.venues.ccxt.hyperliquid_cloid import client_id_of, cloid_of
from tests.hyperliquid_rig import AGENT, MASTER, STRANGER, SUB, private_key
from tests.hyperliquid_script import (
    DEXES,
    ROLE,
    STATE,
    Scripted,
    by_dex,
    by_user,
    held,
    place,
    raw,
    say,
    scripted,
    state,
)

S = 5.0
AGENT_ROLE = {"role": "agent", "data": {"user": MASTER.address}}
SUB_ROLE = {"role": "subAccount", "data": {"master": MASTER.address}}


# Rights, limits, secrets.


async def test_an_agent_can_trade_and_never_withdraw(hl: Scripted) -> None:
    hl.on(ROLE, by_user({MASTER.address: {"role": "user"}, AGENT.address: AGENT_ROLE}))
    ends_ms = hl.venue._clock.now_ns() // 1_000_000 + 3 * 86_400_000 + 60_000
    hl.on("extraAgents", say([{"name": "bot", "address": AGENT.address, "validUntil": ends_ms}]))
    access = await hl.venue.access(deadline_s=S)
    assert (access.can_read, access.can_trade, access.can_withdraw) == (True, True, False)
    assert access.notes == ("The agent's approval ends in 3 days.",)


async def test_the_accounts_own_key_can_withdraw() -> None:
    async with scripted(key=private_key("main")) as hl:
        access = await hl.venue.access(deadline_s=S)
        assert (access.can_trade, access.can_withdraw) == (True, True)
        assert "agent" in access.notes[0]


async def test_a_wallet_that_is_no_agent_of_the_account_cannot_trade() -> None:
    async with scripted(key=private_key("nobody")) as hl:
        foreign = {"role": "agent", "data": {"user": SUB}}
        for role in ({"role": "missing"}, foreign, {"role": "user"}):
            hl.on(ROLE, by_user({MASTER.address: {"role": "user"}, STRANGER.address: role}))
            access = await hl.venue.access(deadline_s=S)
            assert (access.can_read, access.can_trade) == (True, False)
            assert STRANGER.address in access.notes[0]


async def test_a_masters_agent_may_act_for_its_sub_account() -> None:
    async with scripted(wallet=SUB) as hl:
        hl.on(ROLE, by_user({SUB: SUB_ROLE, AGENT.address: AGENT_ROLE}))
        access = await hl.venue.access(deadline_s=S)
        assert (access.can_trade, access.can_withdraw) == (True, False)


async def test_too_many_requests_hold_back_reads_and_orders_alike(hl: Scripted) -> None:
    await hl.venue.open(deadline_s=S)
    hl.on("order", raw("null", 429))
    (answer,) = await place(hl, "BTC")
    assert isinstance(answer, VenueRejected)
    assert (answer.fault, answer.retry_after_s) == (Fault.RATE_LIMIT, 2.0)
    before = len(hl.asked)
    look = await hl.venue.look(deadline_s=0.3)
    assert not look.complete
    assert len(hl.asked) == before


async def test_an_account_without_requests_left_waits_ten_seconds(hl: Scripted) -> None:
    text = "Too many cumulative requests sent (10001 > 10000) for cumulative volume traded $0.00."
    hl.on("order", say({"status": "err", "response": text}))
    first, second = await place(hl, "BTC", "ETH")
    for answer in (first, second):
        assert isinstance(answer, VenueRejected)
        assert (answer.fault, answer.retry_after_s) == (Fault.RATE_LIMIT, 10.0)
    assert len(hl.seen("order")) == 1
    assert (await hl.venue.look(deadline_s=S)).complete  # Reading is not limited by it.


async def test_reads_leave_weight_to_orders_and_lists_give_way_to_positions(hl: Scripted) -> None:
    hl.on(STATE, say(state(held("BTC", "0.5"))))
    looks = [await hl.venue.look(deadline_s=0.5) for _ in range(60)]
    spared = [look for look in looks if any("weight" in unread.reason for unread in look.unread)]
    assert spared
    assert all(look.positions for look in spared)
    (answer,) = await place(hl, "BTC")
    assert isinstance(answer, OrderState)


async def test_orders_of_an_unused_dex_are_read_less_often_once_weight_is_short(hl: Scripted) -> None:
    hl.on(DEXES, say([None, *({"name": f"d{number}"} for number in range(8))]))
    hl.on(STATE, by_dex(main=state(), **{f"d{number}": state(value="0.0") for number in range(8)}))
    looks = [await hl.venue.look(deadline_s=0.5) for _ in range(10)]
    assert all(look.complete for look in looks)
    assert "orders d3" in looks[0].parts
    assert "orders d3 (unused, read a moment ago)" in looks[-1].parts
    assert "positions d3" in looks[-1].parts
    assert "orders main" in looks[-1].parts


async def test_no_answer_and_no_error_shows_the_private_key() -> None:
    key = private_key("agent")
    async with scripted() as hl:
        hl.on("order", say({"status": "err", "response": f"odd {key} echo"}))
        (answer,) = await place(hl, "BTC")
        assert key not in str(answer)
        assert key.removeprefix("0x") not in str(answer)
        for body in hl.asked:
            assert key.removeprefix("0x") not in str(body)
        assert key.removeprefix("0x") not in repr(vars(hl.venue))


async def test_the_test_network_is_signed_for_as_such() -> None:
    async with scripted() as main, scripted(suffix="/hyperliquid-testnet") as test:
        for hl in (main, test):
            hl.venue._nonce = 4_000_000_000_000
            hl.venue._wire.offset_ms = 0
            await place(hl, "BTC")
        first, second = main.seen("order")[0], test.seen("order")[0]
        assert first["nonce"] == second["nonce"]
        assert first["signature"] != second["signature"]


@pytest.mark.parametrize(
    "client_order_id",
    [
        "bst000000000000000000000",
        "bstzzzzzzzzzzzzzzzzzzzzz",
        "bstabcdefghijklmnopqrstu",
        "bst000000000000000000042",
    ],
)
def test_our_ids_survive_the_venues_form(client_order_id: str) -> None:
    cloid = cloid_of(client_order_id)
    assert len(cloid) == 34
    assert client_id_of(cloid) == client_order_id


@pytest.mark.parametrize("foreign", ["", "0x" + "ff" * 16, "0xb570" + "f" * 28, "not hex", "0x12"])
def test_ids_of_others_stay_as_they_are(foreign: str) -> None:
    assert client_id_of(foreign) == foreign
    assert cloid_of("somebody-else") == cloid_of("somebody-else") != cloid_of("somebody-else2")

"""TWAPs at Hyperliquid: the venue's slices, what of them the desk sees, and how it ends them."""

import json
from collections.abc import Mapping

import pytest

from bastion.domain.order import Direction, OpenOrder
from bastion.errors import OutcomeUnknown
from bastion.ports import Rereading
from bastion.venues.ccxt.hyperliquid_twaps import AGAIN_S, Twaps
from bastion.venues.deadline import Deadline, settled
from bastion.venues.raw import Answer
from tests.hyperliquid_rig import MASTER, Venue, ccxt_client
from tests.hyperliquid_script import (
    META,
    ORDERS,
    STATE,
    TWAPS,
    Body,
    Scripted,
    by_dex,
    held,
    order_row,
    place,
    raw,
    say,
    scripted,
    state,
    universe,
)
from tests.simulation.exits.virtual_time import VirtualClock

BTC, ETH = "BTC/USDC:USDC", "ETH/USDC:USDC"
MINUTE_MS = 60_000
S = 5.0
GONE = {"error": "TWAP was never placed, already canceled, or filled."}


def start(*, reduce: bool = False, size: str = "1", minutes: int = 10) -> dict[str, object]:
    twap = {"a": 0, "b": False, "s": size, "r": reduce, "m": minutes, "t": False}
    return {"type": "twapOrder", "twap": twap}


def record(twap_id: int | None, status: str = "activated", **changes: object) -> Body:
    state = {
        "coin": "BTC",
        "user": MASTER.address,
        "side": "A",
        "sz": "2.0",
        "executedSz": "0.5",
        "executedNtl": "500.0",
        "minutes": 10,
        "reduceOnly": False,
        "randomize": False,
        "timestamp": 4_000_000_000_000,
        **changes,
    }
    told: Body = {"time": 4_000_000_000, "state": state, "status": {"status": status}}
    return told if twap_id is None else {**told, "twapId": twap_id}


def answered(status: object) -> Body:
    return {"status": "ok", "response": {"type": "twapCancel", "data": {"status": status}}}


# The venue.


async def test_ccxt_starts_and_ends_a_twap(live: Venue) -> None:
    async with ccxt_client(live.url) as client:
        twap = await client.create_twap_order(ETH, "buy", 10, 10 * MINUTE_MS)
        (told,) = await live.mine("twapHistory")
        assert (told["twapId"], told["status"]) == (int(twap["id"]), {"status": "activated"})
        assert (told["state"]["coin"], told["state"]["minutes"]) == ("ETH", 10)
        await client.cancel_order(twap["id"], ETH, {"twap": True})
    assert [row["status"]["status"] for row in await live.mine("twapHistory")] == ["terminated", "activated"]


async def test_slices_of_equal_size_leave_every_thirty_seconds_until_the_time_is_over(venue: Venue) -> None:
    reply = await venue.act(start(minutes=5, size="1"))
    assert reply.json["response"]["data"]["status"] == {"running": {"twapId": 77_738_308}}
    held = []
    for _ in range(10):
        venue.pass_time(30_000)
        await venue.mine("twapHistory")
        held.append(str(-venue.held()["BTC"].normalize()))
    assert held == ["0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1", "1"]
    newest, _ = await venue.mine("twapHistory")
    assert (newest["status"]["status"], newest["state"]["executedSz"]) == ("finished", "1.0")


async def test_a_twap_that_only_reduces_never_opens(venue: Venue) -> None:
    venue.hold("BTC", "0.25")
    await venue.act(start(reduce=True, minutes=5, size="1"))
    for _ in range(12):
        venue.pass_time(30_000)
        await venue.mine("twapHistory")
    assert "BTC" not in venue.held()


async def test_what_the_venue_refuses_of_a_twap(venue: Venue) -> None:
    async def status(action: Mapping[str, object]) -> object:
        return (await venue.act(action)).json["response"]["data"]["status"]

    assert await status(start(minutes=4)) == {"error": "Invalid TWAP duration: 4 min(s)"}
    small = "TWAP order value too small. Min is $100, which is $10 per minute."
    assert await status(start(size="0.001")) == {"error": small}
    assert await status({"type": "twapCancel", "a": 0, "t": 1}) == GONE
    running = await status(start())
    assert isinstance(running, dict)
    number = running["running"]["twapId"]
    assert await status({"type": "twapCancel", "a": 1, "t": number}) == GONE
    assert await status({"type": "twapCancel", "a": 0, "t": number}) == "success"
    assert await status({"type": "twapCancel", "a": 0, "t": number}) == GONE


# The desk.


async def test_a_running_twap_is_an_order_of_the_account(hl: Scripted) -> None:
    ended = [record(7, "finished"), record(7), record(9, "error"), record(9)]
    hl.on(TWAPS, say([record(8), *ended, record(6, coin="@107"), record(5, timestamp=1)]))
    look = await hl.venue.look(deadline_s=S)
    (order,) = look.orders
    assert (order.instrument, order.order_id, order.direction) == ("BTC", "twap-8", Direction.SELL)
    assert (str(order.quantity), order.reduce_only, order.conditional) == ("1.5", False, False)
    assert "1 spot TWAP(s) are left alone" in look.notes


async def test_a_twap_is_cancelled_with_the_bytes_that_ccxt_signs() -> None:
    async with scripted() as hl:
        hl.on(META, by_dex(main=universe("BTC", "ETH")))
        hl.on(TWAPS, say([record(8, coin="ETH")]))
        hl.on("twapCancel", say(answered("success")))
        (order,) = (await hl.venue.look(deadline_s=S)).orders
        (answer,) = await hl.venue.cancel([order], deadline_s=S)
        assert answer.gone
        (body,) = hl.seen("twapCancel")
        async with ccxt_client("http://127.0.0.1:9") as client:
            signature = client.sign_l1_action({"type": "twapCancel", "a": 1, "t": 8}, body["nonce"], None)
        assert list(body["action"].items()) == [("type", "twapCancel"), ("a", 1), ("t", 8)]
        assert body == {"action": body["action"], "nonce": body["nonce"], "signature": signature}


@pytest.mark.parametrize(
    ("status", "gone"), [("success", True), (GONE, True), ({"error": "Trading is halted."}, False)]
)
async def test_what_the_venue_says_to_the_cancel_of_a_twap(hl: Scripted, status: object, gone: bool) -> None:  # noqa: FBT001 - a parameter of the test
    hl.on(TWAPS, say([record(8)]))
    hl.on("twapCancel", say(answered(status)))
    look = await hl.venue.look(deadline_s=S)
    (answer,) = await hl.venue.sweep(look, deadline_s=S)
    assert answer.gone is gone


async def test_a_twap_that_cannot_be_named_to_the_venue_stays_and_is_said_to(hl: Scripted) -> None:
    hl.on(TWAPS, say([record(None)]))
    look = await hl.venue.look(deadline_s=S)
    (answer,) = await hl.venue.cancel(look.orders, deadline_s=S)
    assert (answer.gone, answer.message) == (False, "the venue gave no order id")
    assert hl.seen("twapCancel") == []


async def test_orders_and_twaps_are_cancelled_side_by_side(hl: Scripted) -> None:
    hl.on(TWAPS, say([record(8)]))
    hl.on("twapCancel", raw("<html>", status=502))
    (twap,) = (await hl.venue.look(deadline_s=S)).orders
    order = OpenOrder(
        instrument="BTC",
        category="perp",
        order_id="8",
        client_order_id="",
        direction=Direction.BUY,
        quantity=twap.quantity,
        reduce_only=False,
        conditional=False,
    )
    ordinary, lost = await hl.venue.cancel([order, twap], deadline_s=S)
    assert (ordinary.gone, lost.gone) == (True, False)
    hl.on("twapCancel", say({"status": "ok", "response": {"type": "default"}}))
    (odd,) = await settled([hl.venue.cancel([twap], deadline_s=S)])
    assert not isinstance(odd, OutcomeUnknown)
    assert isinstance(odd, tuple)
    assert not odd[0].gone


@pytest.mark.parametrize(
    "odd", [raw("<html>", status=502), say({}), say([{"status": {}}]), say([record(8, "new")])]
)
async def test_twaps_that_cannot_be_read_are_unread_orders(hl: Scripted, odd: object) -> None:
    assert callable(odd)
    hl.on(TWAPS, odd)
    look = await hl.venue.look(deadline_s=S)
    assert [unread.part for unread in look.unread] == ["orders TWAPs"]


async def test_a_host_that_does_not_know_the_question_says_so_and_is_not_asked_with_each_look(
    hl: Scripted,
) -> None:
    hl.on(TWAPS, raw("Failed to deserialize the JSON body into the target type", 422))
    for _ in range(3):
        look = await hl.venue.look(deadline_s=S)
        assert look.empty
        assert any("does not tell TWAPs" in note for note in look.notes)
    assert len(hl.seen(TWAPS)) == 1


async def test_a_host_that_falls_over_the_question_and_never_answered_it_is_taken_not_to_have_it(
    hl: Scripted,
) -> None:
    hl.on(TWAPS, raw("oops", 500))
    assert [(await hl.venue.look(deadline_s=S)).complete for _ in range(4)] == [False, False, True, True]


async def test_a_host_that_once_told_twaps_and_now_fails_leaves_them_unread(hl: Scripted) -> None:
    hl.on(TWAPS, say([record(8)]), raw("oops", 500))
    await hl.venue.look(deadline_s=S)
    assert not any([(await hl.venue.look(deadline_s=S)).complete for _ in range(5)])


async def test_the_list_of_twaps_gives_way_when_weight_is_short_unless_one_runs(hl: Scripted) -> None:
    await hl.venue.look(deadline_s=S)
    hl.venue._throttle["reads"].resize(600)
    look = await hl.venue.look(deadline_s=S)
    assert look.complete
    assert "orders TWAPs (none a moment ago)" in look.parts
    assert len(hl.seen(TWAPS)) == 1
    hl.venue._throttle["reads"].resize(1080)
    hl.on(TWAPS, say([record(8)]))
    # Nor with plenty of weight before two seconds are over.
    assert (await hl.venue.look(deadline_s=S)).orders == ()
    assert len(hl.seen(TWAPS)) == 1
    hl.venue._twaps._quiet_ns = None
    await hl.venue.look(deadline_s=S)
    hl.venue._throttle["reads"].resize(600)
    assert (await hl.venue.look(deadline_s=S)).orders
    assert len(hl.seen(TWAPS)) == 3


async def test_of_two_looks_that_may_prove_flat_each_has_a_reading_of_its_own(
    hl: Scripted,
) -> None:
    assert isinstance(hl.venue, Rereading)
    for looks, weight in enumerate((1080, 1080, 600), start=1):
        hl.venue._throttle["reads"].resize(weight)
        hl.venue.read_anew()
        assert (await hl.venue.look(deadline_s=S)).complete
        assert len(hl.seen(TWAPS)) == looks
    # It holds for one look: those that only watch are content with what was read a moment ago.
    await hl.venue.look(deadline_s=S)
    assert len(hl.seen(TWAPS)) == 3
    # While a position is shown no look proves that it is gone, until something was done about it.
    hl.venue._throttle["reads"].resize(1080)
    hl.on(STATE, say(state(held("BTC", "1"))))
    for _ in range(3):
        await hl.venue.look(deadline_s=S)
        hl.venue.read_anew()
    assert len(hl.seen(TWAPS)) == 3
    await place(hl, "BTC")
    hl.on(STATE, say(state()))
    for looks in (4, 5):
        hl.venue.read_anew()
        assert (await hl.venue.look(deadline_s=S)).complete
        assert len(hl.seen(TWAPS)) == looks


async def test_beside_orders_that_rest_twaps_are_left_out_for_a_while_but_not_while_one_runs() -> None:
    clock, told = VirtualClock(), [record(8), record(8, status="finished")]

    async def ask(_asked: object, _deadline: Deadline) -> Answer:
        return Answer(status=200, headers={}, text=json.dumps(told))

    twaps = Twaps(ask, clock, "0xa")

    async def read() -> None:
        await twaps.read(Deadline(clock, S), spared=False, now_ms=0)

    assert twaps.leaves_out(), "they are asked for behind the cancels"
    clock.seconds += AGAIN_S + 0.1
    assert not twaps.leaves_out()
    await read()
    clock.seconds += AGAIN_S - 0.1
    assert twaps.leaves_out()
    clock.seconds += 0.2
    assert twaps.leaves_out()
    clock.seconds += AGAIN_S
    assert not twaps.leaves_out()
    del told[1]
    await read()
    assert not twaps.leaves_out()


async def test_beside_a_stop_that_waits_for_two_looks_they_are_left_out_and_beside_what_stays_they_are_read(
    hl: Scripted,
) -> None:
    hl.on(ORDERS, say([order_row("BTC", 1)]))
    await hl.venue.look(deadline_s=S)
    # Weight is short, and each look may be one of those that prove an exit.
    hl.venue._throttle["reads"].resize(600)
    told: list[bool] = []
    for _ in range(3):
        hl.venue.read_anew()
        told.append((await hl.venue.look(deadline_s=S)).complete)
    assert told == [False, True, True]
    assert len(hl.seen(TWAPS)) == 3

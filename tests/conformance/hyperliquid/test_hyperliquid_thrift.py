"""Hyperliquid's lists of executions: heavy, so asked once a moment, and not at all when weight is short."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bastion.clock import SystemClock
from bastion.domain.order import OrderState
from bastion.errors import Fault, VenueError, VenueRejected
from bastion.venues.catalog import Catalog
from bastion.venues.ccxt.hyperliquid_asking import CLOSES_FIRST, LEFT_TO_EXITS
from bastion.venues.deadline import Deadline, settled
from bastion.venues.encoders.hyperliquid import HyperliquidEncoder
from bastion.venues.throttle import NS, Claimant
from tests.hyperliquid_rig import MASTER, private_key
from tests.hyperliquid_script import (
    BY_TIME,
    DEXES,
    FILLS,
    META,
    ORDERS,
    ROLE,
    STATE,
    TWAPS,
    Scripted,
    fill_row,
    held,
    place,
    raw,
    request_for,
    say,
    scripted,
    state,
    universe,
)

S = 5.0
POSITION = request_for().position


async def test_second_sources_of_one_moment_share_one_list_and_later_ones_ask_anew(hl: Scripted) -> None:
    hl.on(FILLS, say([fill_row(1, 5), fill_row(2, 6, coin="ETH", startPosition="7.0")]))
    other = replace(POSITION, instrument="ETH")
    async with asyncio.TaskGroup() as group:
        asked = [
            group.create_task(hl.venue.second_source(position, deadline_s=S))
            for position in (POSITION, other, POSITION)
        ]
    assert [task.result() for task in asked] == [Decimal("0.5"), Decimal("6.5"), Decimal("0.5")]
    assert len(hl.seen(FILLS)) == 1
    assert await hl.venue.second_source(POSITION, deadline_s=S) == Decimal("0.5")
    assert len(hl.seen(FILLS)) == 2


async def test_a_shared_list_that_is_refused_is_refused_to_everybody(hl: Scripted) -> None:
    hl.on(FILLS, raw("<html>", status=503))
    answers = await settled([hl.venue.second_source(POSITION, deadline_s=S) for _ in range(3)])
    assert all(isinstance(answer, VenueError) for answer in answers)
    assert len(hl.seen(FILLS)) == 1


async def test_who_shares_a_list_asks_for_itself_when_its_asker_is_cancelled(hl: Scripted) -> None:
    hl.on(FILLS, say([fill_row(1, 5)]))
    loop = asyncio.get_running_loop()
    first = loop.create_task(hl.venue.second_source(POSITION, deadline_s=S))
    second = loop.create_task(hl.venue.second_source(POSITION, deadline_s=S))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == Decimal("0.5")
    assert first.cancelled()
    assert await hl.venue.second_source(POSITION, deadline_s=S) == Decimal("0.5")


async def test_lists_of_executions_give_way_when_weight_is_short(hl: Scripted) -> None:
    hl.on(STATE, say(state(held("BTC", "0.7"))))
    hl.on(FILLS, say([fill_row(1, 5)]))
    await hl.venue.look(deadline_s=S)
    hl.venue._throttle["reads"].resize(500)
    assert await hl.venue.second_source(POSITION, deadline_s=S) == Decimal("0.5")
    for weight in (360, 60):
        hl.venue._throttle["reads"].resize(weight)
        with pytest.raises(VenueRejected, match="kept for positions and orders") as refused:
            await hl.venue.second_source(POSITION, deadline_s=S)
        assert refused.value.fault is Fault.RATE_LIMIT
    assert len(hl.seen(FILLS)) == 1
    hl.venue._throttle["reads"].resize(360)
    look = await hl.venue.look(deadline_s=S)
    assert [position.instrument for position in look.positions] == ["BTC"]


async def test_order_lists_that_were_spared_are_read_again_as_soon_as_no_position_is_seen(
    hl: Scripted,
) -> None:
    await hl.venue.look(deadline_s=S)
    hl.venue._throttle["reads"].resize(310)
    hl.on(STATE, say(state(held("BTC", "0.7"))))
    await hl.venue.look(deadline_s=S)
    spared = await hl.venue.look(deadline_s=S)
    assert {item.part for item in spared.unread} == {"orders main"}
    hl.on(STATE, say(state()))
    assert not (await hl.venue.look(deadline_s=S)).complete
    assert (await hl.venue.look(deadline_s=S)).complete


async def test_what_is_asked_again_and_again_leaves_weight_for_the_looks_that_prove_flat(
    hl: Scripted,
) -> None:
    hl.on(STATE, say(state(held("BTC", "0.7"))))
    hl.on(FILLS, say([fill_row(1, 5)]))
    # A venue that refuses orders for a while: a look and a second source after each of them.
    for _ in range(60):
        await hl.venue.look(deadline_s=S)
        await settled([hl.venue.second_source(POSITION, deadline_s=S)])
    hl.on(STATE, say(state()))
    hl.on(FILLS, say([fill_row(1, 5, startPosition="0.5")]))
    looks = [await hl.venue.look(deadline_s=S) for _ in range(4)]
    # The first does not know yet that nothing is held.
    assert all(look.complete for look in looks[1:]), [look.unread for look in looks]


async def test_with_nothing_held_executions_wait_for_weight_and_are_not_withheld(hl: Scripted) -> None:
    hl.on(STATE, say(state()))
    hl.on(FILLS, say([fill_row(1, 5, startPosition="0.5")]))
    await hl.venue.look(deadline_s=S)
    # What a verdict waits for would else be starved by the looks beside it.
    used = hl.venue._throttle["reads"].capacity - hl.venue._throttle["reads"].free()
    hl.venue._throttle["reads"].resize(used + 120)
    assert await hl.venue.second_source(POSITION, deadline_s=S) == Decimal(0)


async def test_a_list_of_executions_counts_by_its_rows_once_they_are_known(hl: Scripted) -> None:
    await hl.venue._synchronise(Deadline(hl.venue._clock, S), seen=0)
    for count, weight in ((0, 20), (5, 21), (500, 45)):
        hl.on(FILLS, say([fill_row(number, number) for number in range(count)]))
        hl.on(STATE, say(state(held("BTC", "0.5"))))
        before = hl.venue._throttle["reads"].free()
        await hl.venue.second_source(replace(POSITION, instrument="BTC"), deadline_s=S)
        spent = before - hl.venue._throttle["reads"].free()
        # The clearinghouse is asked as well, for 2: what executions left may have been settled since.
        assert spent == weight + 2


async def test_what_never_left_costs_no_weight(hl: Scripted) -> None:
    await hl.venue.look(deadline_s=S)
    free = hl.venue._throttle["reads"].free()
    hl.venue._wire._encoder = HyperliquidEncoder(base_url="http://127.0.0.1:9")
    look = await hl.venue.look(deadline_s=S)
    assert look.unread
    assert hl.venue._throttle["reads"].free() == free


async def test_slow_and_dear_reads_that_fail_are_not_repeated_with_each_look(hl: Scripted) -> None:
    for kind in (ROLE, DEXES, "extraAgents"):
        hl.on(kind, raw("<html>", status=502))
    hl.on(STATE, say(state(value="0.0")))
    begun_ns = hl.venue._clock.monotonic_ns()
    for _ in range(10):
        look = await hl.venue.look(deadline_s=S)
        assert {"account", "perp dexes"} <= {unread.part for unread in look.unread}
    # The first pause is half a second, which a busy machine may outlast.
    pauses = (hl.venue._clock.monotonic_ns() - begun_ns) // 500_000_000
    assert 1 <= len(hl.seen(DEXES)) <= 1 + pauses
    assert 1 <= len(hl.seen("extraAgents")) <= 1 + pauses
    hl.on(DEXES, say([None]))
    hl.on(ROLE, say({"role": "user"}))
    for _ in range(100):
        if (await hl.venue.look(deadline_s=S)).empty:
            break
        await asyncio.sleep(0.05)
    assert (await hl.venue.look(deadline_s=S)).empty


async def test_money_at_the_address_proves_it_and_only_the_first_order_asks_for_its_role(
    hl: Scripted,
) -> None:
    hl.on(ROLE, raw("<html>", status=502), say({"role": "user"}))
    hl.on("extraAgents", say([]))
    for _ in range(3):
        await hl.venue.look(deadline_s=S)
    assert (await hl.venue.look(deadline_s=S)).complete
    assert len(hl.seen(ROLE)) == 1
    (answer,) = await place(hl, "BTC")
    assert isinstance(answer, OrderState | VenueError)
    assert len(hl.seen("extraAgents")) == 1


async def test_a_host_that_fails_is_asked_for_nothing_that_no_action_could_follow(hl: Scripted) -> None:
    hl.on(DEXES, raw("<html>", status=502))
    hl.on(STATE, say(state(held("BTC", "0.7"))))
    hl.on(FILLS, say([fill_row(1, 5)]))
    look = await hl.venue.look(deadline_s=S)
    assert [position.instrument for position in look.positions] == ["BTC"]
    with pytest.raises(VenueRejected, match="kept for positions and orders"):
        await hl.venue.second_source(POSITION, deadline_s=S)
    assert hl.seen(ORDERS) == hl.seen(TWAPS) == hl.seen(FILLS) == []
    # Neither what the address is nor a contract was known; now both are.
    await place(hl, "BTC")
    assert (await hl.venue.look(deadline_s=S)).positions
    assert len(hl.seen(ORDERS)) == len(hl.seen(TWAPS)) == 1


async def test_what_commands_read_leaves_an_exit_the_weight_that_it_begins_with(hl: Scripted) -> None:
    hl.on(STATE, say(state(held("BTC", "0.7"))))
    await hl.venue.look(deadline_s=S)
    weight = hl.venue._throttle["weight"]
    weight.charge(weight.free() - 121)
    asked = len(hl.asked)
    look = await hl.venue.look(deadline_s=S)
    assert hl.venue.reads_left().free == 1
    assert len(hl.asked) == asked
    assert {"positions main", "orders main"} <= {part.part for part in look.missed}
    assert all(part.limited and part.reason.startswith(LEFT_TO_EXITS) for part in look.missed)
    # An act is at work as long as it listens to what is asked.
    hl.venue.asked()
    assert (await hl.venue.look(deadline_s=S)).positions


async def test_what_is_free_again_soon_is_waited_for_where_it_is_not_left_to_exits(hl: Scripted) -> None:
    await hl.venue.look(deadline_s=S)
    weight, now_ns = hl.venue._throttle["weight"], hl.venue._clock.monotonic_ns()
    weight.charge_past(weight.free() - 120, used_ns=now_ns - 59_700_000_000)
    assert (await hl.venue.look(deadline_s=S)).complete
    assert hl.venue._clock.monotonic_ns() >= now_ns + 300_000_000


async def test_executions_that_one_question_does_not_tell_are_asked_for_by_the_other(hl: Scripted) -> None:
    position, now_ms = POSITION, hl.venue._wire.now_ms()
    broken = raw("<html>", status=502)
    rows = [fill_row(1, now_ms - 5_000), fill_row(2, now_ms - 4_000, startPosition="0.5")]
    hl.on(BY_TIME, broken)
    hl.on(FILLS, say(rows))
    read = await hl.venue.fills([position], since_ms=now_ms - 4_500, deadline_s=S)
    assert [fill.fill_id for fill in read] == ["2"]
    # A whole page that does not reach back far enough may lack the oldest.
    hl.on(FILLS, say([fill_row(number, now_ms) for number in range(2_000)]))
    with pytest.raises(VenueError):
        await hl.venue.fills([position], since_ms=now_ms - 4_500, deadline_s=S)
    hl.venue._thrift._failing.clear()
    hl.on(FILLS, broken)
    hl.on(BY_TIME, say(rows))
    assert await hl.venue.second_source(position, deadline_s=S) == Decimal(0)
    hl.venue._thrift._failing.clear()
    with pytest.raises(VenueError, match="502"):
        await hl.venue.second_source(replace(position, instrument="ETH"), deadline_s=S)


async def test_of_one_millisecond_the_last_execution_counts_whichever_list_tells_it(hl: Scripted) -> None:
    at_ms = hl.venue._wire.now_ms() - 1_000
    opened = fill_row(1, at_ms, side="B", startPosition="0.0", dir="Open Long")
    closed = fill_row(2, at_ms, startPosition="0.5")
    hl.on(FILLS, say([closed, opened]))
    assert await hl.venue.second_source(POSITION, deadline_s=S) == Decimal(0)
    hl.venue._thrift._failing.clear()
    hl.on(FILLS, raw("<html>", status=502))
    # That one begins with the oldest.
    hl.on(BY_TIME, say([opened, closed]))
    assert await hl.venue.second_source(POSITION, deadline_s=S) == Decimal(0)


async def test_a_coin_that_the_venue_delisted_is_settled_whatever_its_executions_left(hl: Scripted) -> None:
    hl.on(FILLS, say([fill_row(1, 5)]))
    assert not (await hl.venue.look(deadline_s=S)).complete
    assert await hl.venue.second_source(POSITION, deadline_s=S) == Decimal("0.5")
    listed = universe("BTC", "ETH")
    assert isinstance(listed[0], dict)
    listed[0]["universe"][0]["isDelisted"] = True
    hl.on(META, say(listed))
    hl.venue._settled._shelf.settled.clear()
    assert await hl.venue.second_source(POSITION, deadline_s=S) == Decimal(0)
    assert (await hl.venue.look(deadline_s=S)).empty
    # What the clearinghouse still shows is held all the same.
    hl.on(STATE, say(state(held("BTC", "0.5"))))
    assert await hl.venue.second_source(POSITION, deadline_s=S) == Decimal("0.5")


async def test_a_command_of_the_same_minute_asks_neither_for_the_role_nor_for_the_dexes(
    tmp_path: Path,
) -> None:
    async with scripted(shelf_dir=tmp_path) as hl:
        hl.on(STATE, say(state(value="0.0")))
        assert (await hl.venue.look(deadline_s=S)).empty
        given = {"walletAddress": MASTER.address, "privateKey": private_key("agent")}
        later = Catalog(clock=SystemClock(), shelf_dir=tmp_path).build(hl.venue.account, given)
        try:
            assert (await later.look(deadline_s=S)).empty
        finally:
            await later.close()
        assert len(hl.seen(ROLE)) == len(hl.seen(DEXES)) == 1
        (notes,) = await asyncio.to_thread(lambda: list(tmp_path.glob("*-notes.json")))
        notes.write_text('{"version": 1, "notes": {"perp dexes": [7, 8], "role": "x"}}', encoding="utf-8")
        await (odd := Catalog(clock=SystemClock(), shelf_dir=tmp_path).build(hl.venue.account, given)).look(
            deadline_s=S
        )
        await odd.close()
        assert len(hl.seen(ROLE)) == len(hl.seen(DEXES)) == 2


async def test_a_witness_that_no_weight_is_left_for_keeps_none_from_the_proofs_of_the_address(
    hl: Scripted,
) -> None:
    reads = hl.venue._throttle["reads"]
    hl.on(STATE, say(state(held("BTC", "0.7"))))
    await hl.venue.look(deadline_s=S)
    assert reads.promised(Claimant(level=1)) > 0
    hl.on(STATE, say(state()))
    reads.resize(reads.capacity - reads.free() + 30)
    look = await hl.venue.look(deadline_s=S)
    assert {part.part: part.limited for part in look.unread}["positions main"]
    assert reads.promised(Claimant(level=1)) == 0
    # What executions say against the list may have to be closed.
    reads.resize(1080)
    hl.on(FILLS, say([fill_row(1, 5)]))
    hl.venue._witness._patience.answered()
    look = await hl.venue.look(deadline_s=S)
    assert not {part.part: part.limited for part in look.unread}["positions main"]
    assert reads.promised(Claimant(level=1)) > 0


async def test_a_look_that_shows_a_position_waits_for_no_list_that_others_leave_no_weight_for(
    hl: Scripted,
) -> None:
    await hl.venue.look(deadline_s=S)
    reads = hl.venue._throttle["reads"]
    # Another account of the address holds something, and lists would wait for what that needs.
    reads.announce("another", (20,), within_s=60.0)
    reads.resize(reads.capacity - reads.free() + 50)
    hl.on(STATE, say(state(held("BTC", "0.7"))))
    hl.venue.asked()
    begun_ns = hl.venue._clock.monotonic_ns()
    look = await hl.venue.look(deadline_s=S)
    assert hl.venue._clock.monotonic_ns() - begun_ns < S / 2 * NS
    assert [position.instrument for position in look.positions] == ["BTC"]
    assert {part.part: part.reason for part in look.unread}["orders main"] == CLOSES_FIRST

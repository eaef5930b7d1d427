"""Hyperliquid's page of positions lies in one piece: only the executions can speak against it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bastion.app import PaperProcess
from bastion.venues.ccxt.hyperliquid_witness import WAIT_S as WITNESS_WAIT_S
from tests.hyperliquid_script import (
    FILLS,
    STATE,
    fill_row,
    hang,
    held,
    place,
    raw,
    say,
    scripted,
    state,
)
from tests.venue_paper import WAIT_S, PaperRig, paper_rig, scenario, seeded

PAGE, HISTORY = "/info/clearinghouseState", "/info/userFills"
S = 5.0


@pytest.fixture
async def rig(paper: PaperProcess) -> AsyncIterator[PaperRig]:
    async with paper_rig(paper, "hyperliquid") as one:
        await one.heal()
        await one.load(seeded("hyperliquid"))
        await one.forget_requests()
        yield one


async def test_two_coherent_lies_at_the_start_are_no_flat(rig: PaperRig) -> None:
    await rig.fault("empty", path=PAGE)
    for _ in range(2):
        look = await rig.venue.look(deadline_s=WAIT_S)
        assert (look.complete, look.positions) == (False, ())
        (unread,) = look.unread
        assert (unread.part, unread.terminal) == ("positions main", False)
        assert unread.reason.startswith("the position list is empty, but the account's own page names 0.5 ")
        await asyncio.sleep(0.25)
    await rig.heal()
    assert len((await rig.whole_look()).positions) == 2


async def test_an_empty_account_is_believed_and_asked_for_its_executions_once_for_both_looks(
    rig: PaperRig,
) -> None:
    await rig.load(scenario("hyperliquid", ["BTCUSDT"]))
    await rig.forget_requests()
    for _ in range(2):
        assert (await rig.venue.look(deadline_s=WAIT_S)).empty
    assert len(await rig.requests(HISTORY)) == 1


async def test_what_we_closed_ourselves_costs_no_list_and_stays_closed(rig: PaperRig) -> None:
    await rig.close_all(await rig.positions())
    assert await rig.requests(HISTORY) == []
    assert (await rig.whole_look()).empty


async def test_executions_that_cannot_be_read_leave_an_empty_list_unread(rig: PaperRig) -> None:
    await rig.load(scenario("hyperliquid", ["BTCUSDT"]))
    await rig.fault("fail", failure="internal_error", path=HISTORY)
    look = await rig.venue.look(deadline_s=WAIT_S)
    assert "the executions that could speak against it were not read" in look.unread[0].reason
    await rig.heal()
    assert (await rig.whole_look()).empty


async def test_a_position_that_others_closed_meanwhile_is_no_longer_claimed() -> None:
    async with scripted() as hl:
        hl.on(FILLS, say([fill_row(1, 5, startPosition="1.0", sz="0.5")]))
        assert not (await hl.venue.look(deadline_s=S)).complete
        hl.on("userFillsByTime", say([fill_row(1, 5), fill_row(2, 6, startPosition="0.5")]))
        for _ in range(100):
            if (await hl.venue.look(deadline_s=S)).empty:
                break
            await asyncio.sleep(0.05)
        assert (await hl.venue.look(deadline_s=S)).empty
        assert len(hl.seen(FILLS)) == 1
        assert {body["startTime"] for body in hl.seen("userFillsByTime")} == {5}


@pytest.mark.parametrize(
    "rows",
    [
        [fill_row(1, 5, coin="PURR/USDC"), fill_row(2, 5, coin="@107")],
        [fill_row(1, 5, coin="GONE")],
        [{**fill_row(1, 5), "startPosition": None}],
        [fill_row(1, 5, startPosition="0.5"), fill_row(2, 5, startPosition="1.0")],
    ],
    ids=["spot", "no longer listed", "no start", "a chain within one millisecond"],
)
async def test_what_no_open_position_can_follow_from_speaks_against_nothing(
    rows: list[dict[str, object]],
) -> None:
    async with scripted() as hl:
        await hl.venue.instruments(deadline_s=S)
        hl.on(FILLS, say(rows))
        assert (await hl.venue.look(deadline_s=S)).empty


async def test_dust_alone_is_weighed_against_the_executions_and_what_must_be_closed_is_not() -> None:
    async with scripted() as hl:
        hl.on(
            FILLS, say([fill_row(1, 5, startPosition="0.0"), fill_row(2, 5, coin="ETH", startPosition="0.0")])
        )
        hl.on(STATE, say(state(held("BTC", "0.5"))))
        assert (await hl.venue.look(deadline_s=S)).complete
        assert hl.seen(FILLS) == []
        hl.on(STATE, say(state(held("BTC", "0.5", price="8"))))
        look = await hl.venue.look(deadline_s=S)
        assert look.positions
        assert [unread.reason for unread in look.unread] == [
            "the position list shows nothing but what is small, but the account's own page names -0.5 ETH"
        ]


async def test_a_host_without_the_question_has_no_witness() -> None:
    async with scripted() as hl:
        hl.on(FILLS, raw("Failed to deserialize the JSON body into the target type", 422))
        assert (await hl.venue.look(deadline_s=S)).empty


async def test_executions_that_hang_hold_a_look_up_for_a_bounded_time() -> None:
    async with scripted() as hl:
        await hl.venue.open(deadline_s=S)
        hl.on(FILLS, hang())
        look = await hl.venue.look(deadline_s=10)
        assert not look.complete
        assert look.ended_ns - look.begun_ns < (WITNESS_WAIT_S + 1) * 1_000_000_000


async def test_a_coin_that_an_order_of_ours_closed_is_left_to_the_exits_own_count() -> None:
    async with scripted() as hl:
        hl.on(STATE, say(state(held("BTC", "1.0"))))
        assert (await hl.venue.look(deadline_s=S)).positions
        await place(hl, "BTC")
        hl.on(STATE, say(state()))
        hl.on(FILLS, say([fill_row(1, 5, startPosition="0.0")]))
        assert (await hl.venue.look(deadline_s=S)).empty

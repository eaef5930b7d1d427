"""Hostile answers: whatever a venue sends, nothing unread is ever taken for flat or for not executed."""

import asyncio
import socket
from dataclasses import replace

import pytest

from bastion.clock import SystemClock
from bastion.domain.order import OrderStatus
from bastion.errors import AnswerMalformed, Fault, OutcomeUnknown, VenueRejected, VenueUnreachable
from bastion.venues.catalog import Catalog
from tests.venue_rig import API_KEY, PASSPHRASE, SECRET, Rig, hang, raw, redirect, reply, reset, v5

BROKEN_BODIES = {
    "truncated": '[{"symbol": "BTCUSDT", "positionAmt": "1',
    "html": "<html><body>We will be back soon</body></html>",
    "empty": "",
    "null": "null",
    "text": '"ok"',
    "error object with status 200": '{"code": -1000, "msg": "An unknown error"}',
    "number": "0",
    "list of numbers": "[1, 2]",
    "row without its fields": '[{"symbol": "BTCUSDT"}]',
    "v5 without a list": '{"retCode": 0, "retMsg": "OK", "result": {}}',
    "v5 with an object for the list": '{"retCode": 0, "retMsg": "OK", "result": {"list": {}}}',
    "v5 with null for the list": '{"retCode": 0, "retMsg": "OK", "result": {"list": null}}',
    "v5 row without its fields": '{"retCode": 0, "retMsg": "OK", "result": {"list": [{"symbol": "X"}]}}',
    "v5 error": '{"retCode": 10016, "retMsg": "Server error", "result": {}}',
    "v5 without its code": '{"result": {"list": []}}',
}


async def test_an_account_with_nothing_in_it_is_a_complete_and_empty_look(rig: Rig) -> None:
    look = await rig.venue.look(deadline_s=10)
    assert look.unread == ()
    assert look.empty
    assert look.begun_ns < look.ended_ns
    assert len(look.digests) == len(look.parts)
    assert look.venue_time_ms is not None


@pytest.mark.parametrize("body", BROKEN_BODIES.values(), ids=list(BROKEN_BODIES))
async def test_a_broken_body_is_unread_and_never_an_empty_list(rig: Rig, body: str) -> None:
    for path in rig.flavour.look_paths:
        kept = rig.script.answers[path]
        rig.script.on(path, raw(body))
        look = await rig.venue.look(deadline_s=10)
        assert not look.complete, path
        assert not look.empty
        assert look.unread[0].reason
        rig.script.answers[path] = kept
    assert (await rig.venue.look(deadline_s=10)).empty


async def test_a_connection_that_fails_is_told_in_words(rig: Rig) -> None:
    for path in rig.flavour.look_paths:
        rig.script.on(path, reset())
    reasons = {part.reason for part in (await rig.venue.look(deadline_s=5)).unread}
    assert "the connection ended without an answer" in reasons
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # Bound and not listening: it refuses.
        port = nobody.getsockname()[1]
        where = replace(rig.venue.account, base_url=f"http://127.0.0.1:{port}")
        given = {"apiKey": API_KEY, "secret": SECRET, "password": PASSPHRASE}
        venue = Catalog(clock=SystemClock(), shelf_dir=None).build(where, given)
        try:
            look = await venue.look(deadline_s=2)
        finally:
            await venue.close()
    assert {part.reason for part in look.unread} == {"the connection was refused"}


async def test_a_page_that_comes_as_html_with_status_200_names_the_part(rig: Rig) -> None:
    path = rig.flavour.look_paths[0]
    rig.script.on(path, raw("<html>hello</html>", content_type="text/html"))
    look = await rig.venue.look(deadline_s=10)
    assert all(unread.part.startswith("positions") for unread in look.unread)
    assert any(part.startswith("orders") for part in look.parts)
    assert not look.unread[0].terminal


WHOLE_AND_ODD_ROWS = {
    "binance": (
        {"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "0.5"},
        {"symbol": "ETHUSDT", "positionSide": "SIDEWAYS", "positionAmt": "2"},
    ),
    "bybit": (
        {"symbol": "BTCUSDT", "side": "Buy", "size": "0.5", "positionIdx": 0},
        {"symbol": "ETHUSDT", "side": "Neutral", "size": "2", "positionIdx": 0},
    ),
    "okx": (
        {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "pos": "0.5", "posSide": "net", "mgnMode": "cross"},
        {"instId": "ETH-USDT-SWAP", "instType": "SWAP", "pos": "2", "posSide": "net", "mgnMode": "hybrid"},
    ),
}


async def test_one_odd_row_hides_no_other_position_and_lets_nothing_be_proven(rig: Rig) -> None:
    whole, odd = WHOLE_AND_ODD_ROWS[rig.flavour.venue]
    listed: object = [odd, whole]
    if rig.flavour.venue == "bybit":
        listed = {"retCode": 0, "retMsg": "OK", "result": {"list": listed, "nextPageCursor": ""}, "time": 1}
    elif rig.flavour.venue == "okx":
        listed = {"code": "0", "msg": "", "data": listed}
    rig.script.on(rig.flavour.look_paths[0], reply(listed))
    look = await rig.venue.look(deadline_s=10)
    # It can be closed at once; the look is no evidence that nothing else is there.
    assert {str(position.quantity) for position in look.positions} == {"0.5"}
    assert not look.complete
    assert all("not documented" in unread.reason for unread in look.unread)


@pytest.mark.parametrize("status", [400, 404, 500, 502, 503])
async def test_an_http_error_is_unread(rig: Rig, status: int) -> None:
    for path in rig.flavour.look_paths:
        rig.script.on(path, raw("oops", status=status))
    look = await rig.venue.look(deadline_s=10)
    if rig.flavour.venue == "binance" or status != 404:
        assert look.parts == ()
    assert not look.empty or status == 404


async def test_a_venue_that_does_not_answer_is_unread_by_the_deadline(rig: Rig) -> None:
    rig.script.on(rig.flavour.look_paths[-1], hang())
    begun = asyncio.get_running_loop().time()
    look = await rig.venue.look(deadline_s=0.6)
    assert asyncio.get_running_loop().time() - begun < 2
    assert not look.complete
    assert any(part.startswith("positions") for part in look.parts)


async def test_a_connection_that_is_reset_is_unread(rig: Rig) -> None:
    for path in rig.flavour.look_paths:
        rig.script.on(path, reset())
    look = await rig.venue.look(deadline_s=10)
    assert look.parts == ()
    assert look.unread


async def test_a_key_that_the_venue_refuses_is_terminal_and_stays_out_of_the_text(rig: Rig) -> None:
    for path in (*rig.flavour.look_paths, rig.flavour.order_path):
        rig.script.on(path, rig.flavour.terminal)
    look = await rig.venue.look(deadline_s=10)
    assert look.unread
    assert all(unread.terminal for unread in look.unread)
    assert API_KEY not in str(look)
    with pytest.raises(VenueRejected) as refused:
        await rig.venue.place(rig.request(), deadline_s=5)
    assert refused.value.fault is Fault.TERMINAL
    assert API_KEY not in str(refused.value)
    assert SECRET not in repr(refused.value)


@pytest.mark.parametrize(
    "body",
    ["", '{"orderId": 1', "<html>busy</html>", "[]", '{"retCode": 0, "result": {}}', '{"orderId": 1}'],
)
async def test_a_broken_answer_to_an_order_leaves_its_outcome_unknown(rig: Rig, body: str) -> None:
    rig.script.on(rig.flavour.order_path, raw(body))
    with pytest.raises(OutcomeUnknown):
        await rig.venue.place(rig.request(), deadline_s=5)


async def test_an_order_without_an_answer_has_an_unknown_outcome(rig: Rig) -> None:
    rig.script.on(rig.flavour.order_path, hang())
    with pytest.raises(OutcomeUnknown):
        await rig.venue.place(rig.request(), deadline_s=0.5)
    assert len(rig.script.posted(rig.flavour.order_path)) == 1


async def test_an_order_whose_connection_is_reset_is_sent_once_and_has_an_unknown_outcome(rig: Rig) -> None:
    rig.script.on(rig.flavour.order_path, reset())
    with pytest.raises(OutcomeUnknown):
        await rig.venue.place(rig.request(), deadline_s=5)
    assert len(rig.script.posted(rig.flavour.order_path)) == 1


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_server_error_on_an_order_leaves_its_outcome_unknown(rig: Rig, status: int) -> None:
    rig.script.on(rig.flavour.order_path, raw("<html>Bad Gateway</html>", status=status))
    with pytest.raises(OutcomeUnknown):
        await rig.venue.place(rig.request(), deadline_s=5)


async def test_a_signed_request_is_never_carried_on_to_another_host(rig: Rig) -> None:
    rig.script.on(rig.flavour.order_path, redirect(f"{rig.script.url}/elsewhere"))
    with pytest.raises(OutcomeUnknown):
        await rig.venue.place(rig.request(), deadline_s=5)
    assert rig.script.seen("/elsewhere") == []


async def test_a_refused_connection_means_that_nothing_was_executed(rig: Rig) -> None:
    closed = rig.venue
    closed._account = replace(closed.account, base_url="http://127.0.0.1:9")
    closed._wire = closed._make_wire()
    with pytest.raises(VenueUnreachable):
        await closed.place(rig.request(), deadline_s=5)


async def test_an_order_that_waits_for_its_turn_beyond_the_deadline_was_not_sent(rig: Rig) -> None:
    rig.venue._throttle[rig.flavour.order_bucket].block(5)
    with pytest.raises(VenueUnreachable):
        await rig.venue.place(rig.request(), deadline_s=0.3)
    assert rig.script.posted(rig.flavour.order_path) == []


async def test_after_a_ban_nothing_more_is_sent_until_it_is_over(rig: Rig) -> None:
    rig.script.on(rig.flavour.order_path, rig.flavour.ban)
    with pytest.raises(VenueRejected) as refused:
        await rig.venue.place(rig.request(), deadline_s=5)
    assert (refused.value.fault, refused.value.retry_after_s) == (Fault.RATE_LIMIT, 60.0)
    before = len(rig.script.asked)
    look = await rig.venue.look(deadline_s=2)
    assert look.parts == ()
    with pytest.raises(VenueRejected) as again:
        await rig.venue.place(rig.request(1), deadline_s=2)
    assert again.value.fault is Fault.RATE_LIMIT
    assert again.value.retry_after_s is not None
    assert len(rig.script.asked) == before


async def test_a_wrong_clock_is_set_right_and_the_same_order_goes_out_again(rig: Rig) -> None:
    rig.script.on(rig.flavour.order_path, rig.flavour.clock_error, rig.flavour.placed)
    state = await rig.venue.place(rig.request(), deadline_s=5)
    assert state.status is OrderStatus.FILLED
    assert len(rig.script.posted(rig.flavour.order_path)) == 2
    assert len(rig.script.seen("/time")) == 1


async def test_a_hundred_clock_errors_ask_for_the_time_once(rig: Rig) -> None:
    hits = [rig.flavour.clock_error] * 8
    rig.script.on(rig.flavour.order_path, *hits, rig.flavour.placed)
    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(rig.venue.place(rig.request(number), deadline_s=8))
    assert len(rig.script.seen("/time")) == 1


async def test_the_venues_time_is_followed_when_ours_is_wrong(rig: Rig) -> None:
    ahead_ms = 90_000
    time_path = next(path for path in rig.flavour.defaults if path.endswith("/time"))
    now_ms = rig.venue._clock.now_ns() // 1_000_000 + ahead_ms
    told = {"serverTime": now_ms, "code": "0", "data": [{"ts": str(now_ms)}]}
    rig.script.on(time_path, reply({**v5({"timeNano": str(now_ms * 1_000_000)}), **told}))
    await rig.venue.open(deadline_s=5)
    assert abs(rig.venue._wire.offset_ms - ahead_ms) < 3_000


async def test_an_order_that_the_venue_does_not_know_is_none(rig: Rig) -> None:
    rig.script.on(rig.flavour.order_query, rig.flavour.no_order)
    assert await rig.venue.order(rig.request(), deadline_s=5) is None


async def test_an_order_that_the_venue_knows_is_found_by_our_id(rig: Rig) -> None:
    rig.script.on(rig.flavour.order_query, rig.flavour.filled)
    state = await rig.venue.order(rig.request(7), deadline_s=5)
    assert state is not None
    assert (state.status, state.client_order_id) == (OrderStatus.FILLED, rig.request(7).client_order_id)


async def test_a_question_about_an_order_that_fails_is_no_answer(rig: Rig) -> None:
    rig.script.on(rig.flavour.order_query, raw("<html></html>"))
    with pytest.raises(AnswerMalformed):
        await rig.venue.order(rig.request(), deadline_s=5)


async def test_contracts_come_from_the_disk_when_the_venue_is_silent(rig: Rig) -> None:
    read = await rig.venue.instruments(deadline_s=5)
    assert read[rig.flavour.category, rig.flavour.contract].quantity_step
    info = next(path for path in rig.flavour.defaults if "nfo" in path or "instruments" in path)
    asked = len(rig.script.seen(info))
    rig.script.on(info, raw("oops", status=500))
    assert await rig.venue.instruments(deadline_s=5) is read
    rig.venue._instruments = None
    again = await rig.venue.instruments(deadline_s=5)
    assert again == read
    assert len(rig.script.seen(info)) == asked


async def test_contracts_that_are_nowhere_are_an_error_and_a_spoiled_file_is_not_believed(rig: Rig) -> None:
    await rig.venue.instruments(deadline_s=5)
    kept = rig.venue._shelf._path
    assert kept is not None
    kept.write_text('{"version": 1, "saved_at_ms": 1', encoding="utf-8")
    rig.venue._instruments = None
    info = next(path for path in rig.flavour.defaults if "nfo" in path or "instruments" in path)
    rig.script.on(info, raw("oops", status=500))
    with pytest.raises(VenueUnreachable):
        await rig.venue.instruments(deadline_s=5)


async def test_a_dead_venue_makes_opening_fail_and_nothing_else(rig: Rig) -> None:
    for path in rig.flavour.defaults:
        if path not in rig.flavour.look_paths:
            rig.script.on(path, raw("oops", status=500))
    with pytest.raises(VenueUnreachable):
        await rig.venue.open(deadline_s=5)
    assert (await rig.venue.look(deadline_s=5)).empty


async def test_the_first_order_needs_nothing_else_of_the_venue(rig: Rig) -> None:
    # No contract list, no account type, no clock: each would be one more thing that can fail first.
    rig.script.on(rig.flavour.order_path, rig.flavour.placed)
    await rig.venue.place(rig.request(), deadline_s=5)
    assert rig.script.asked[0].path.endswith(rig.flavour.order_path)
    assert len(rig.script.posted(rig.flavour.order_path)) == 1

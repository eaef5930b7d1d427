"""After Hyperliquid's orders: what became of them, cancels, executions, the second source."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.order import CancelAnswer, OrderStatus
from bastion.domain.position import Side
from bastion.errors import AnswerMalformed
from bastion.venues.ccxt.hyperliquid_cloid import cloid_of
from tests.hyperliquid_rig import MASTER
from tests.hyperliquid_script import (
    BY_TIME,
    DEXES,
    FILLS,
    META,
    ORDERS,
    STATE,
    STATUS,
    Scripted,
    by_dex,
    fill_row,
    held,
    order_row,
    place,
    raw,
    request_for,
    say,
    state,
    statuses,
    universe,
)

S = 5.0
AGENT_ROLE = {"role": "agent", "data": {"user": MASTER.address}}
SUB_ROLE = {"role": "subAccount", "data": {"master": MASTER.address}}


# After the order.


async def test_an_order_is_found_by_our_id(hl: Scripted) -> None:
    assert await hl.venue.order(request_for(), deadline_s=S) is None
    row = order_row("BTC", 77, sz="0.0", cloid=cloid_of(request_for().client_order_id))
    hl.on(STATUS, say({"status": "order", "order": {"order": row, "status": "filled", "statusTimestamp": 1}}))
    found = await hl.venue.order(request_for(), deadline_s=S)
    assert found is not None
    assert (found.status, found.filled, found.order_id) == (OrderStatus.FILLED, Decimal(1), "77")
    assert {body["oid"] for body in hl.seen(STATUS)} == {cloid_of(request_for().client_order_id)}


@pytest.mark.parametrize(
    ("word", "left", "status", "done"),
    [
        ("open", "1.0", OrderStatus.ACCEPTED, "0"),
        ("open", "0.4", OrderStatus.PARTIAL, "0.6"),
        ("triggered", "1.0", OrderStatus.ACCEPTED, "0"),
        ("filled", "0.0", OrderStatus.FILLED, "1"),
        ("canceled", "0.4", OrderStatus.CANCELED, "0.6"),
        ("reduceOnlyCanceled", "1.0", OrderStatus.CANCELED, "0"),
        ("marginCanceled", "0.4", OrderStatus.CANCELED, "0.6"),
        ("scheduledCancel", "1.0", OrderStatus.CANCELED, "0"),
        ("iocCancelRejected", "1.0", OrderStatus.REJECTED, "0"),
        ("reduceOnlyRejected", "1.0", OrderStatus.REJECTED, "0"),
    ],
)
async def test_every_documented_status_has_its_meaning(
    hl: Scripted, word: str, left: str, status: OrderStatus, done: str
) -> None:
    row = order_row("BTC", 77, sz=left)
    hl.on(STATUS, say({"status": "order", "order": {"order": row, "status": word, "statusTimestamp": 1}}))
    found = await hl.venue.order(request_for(), deadline_s=S)
    assert found is not None
    assert (found.status, found.filled) == (status, Decimal(done))


@pytest.mark.parametrize("body", ["null", "{}", '{"status": "maybe"}', '{"status": "order"}', "[]", "<html>"])
async def test_a_broken_answer_about_an_order_is_no_answer(hl: Scripted, body: str) -> None:
    hl.on(STATUS, raw(body))
    with pytest.raises(AnswerMalformed):
        await hl.venue.order(request_for(), deadline_s=S)


async def test_cancels_of_every_dex_and_kind_leave_together(hl: Scripted) -> None:
    hl.on(DEXES, say([None, {"name": "xyz"}]))
    hl.on(META, by_dex(main=universe("BTC", "ETH"), xyz=universe("xyz:GOLD")))
    hl.on(ORDERS, by_dex(main=[order_row("BTC", 1), order_row("ETH", 2)], xyz=[order_row("xyz:GOLD", 3)]))
    look = await hl.venue.look(deadline_s=S)
    gone = {"error": "Order was never placed, already canceled, or filled. asset=1"}
    hl.on("cancel", say(statuses("success", gone, {"error": "Cannot cancel now."})))
    answers = await hl.venue.sweep(look, deadline_s=S)
    assert [(answer.order.order_id, answer.gone) for answer in answers] == [
        ("1", True),
        ("2", True),
        ("3", False),
    ]
    (body,) = hl.seen("cancel")
    assert body["action"]["cancels"] == [{"a": 0, "o": 1}, {"a": 1, "o": 2}, {"a": 110_000, "o": 3}]
    assert "expiresAfter" not in body


@pytest.mark.parametrize("body", ["null", "{}", '{"status": "err", "response": "no"}', "<html>"])
async def test_a_cancel_that_fails_is_told_for_each_order(hl: Scripted, body: str) -> None:
    hl.on(ORDERS, say([order_row("BTC", 1), order_row("ETH", 2), order_row("GONE", 3)]))
    look = await hl.venue.look(deadline_s=S)
    hl.on("cancel", raw(body))
    answers = await hl.venue.cancel(look.orders, deadline_s=S)
    assert [answer.order.order_id for answer in answers] == ["1", "2", "3"]
    assert not any(answer.gone for answer in answers)
    assert all(isinstance(answer, CancelAnswer) and answer.message for answer in answers)


async def test_fills_tell_price_pnl_and_the_fee_that_contains_the_builders(hl: Scripted) -> None:
    await place(hl, "BTC")
    rows = [
        fill_row(1, 100, cloid=cloid_of("bst000000000000000000042")),
        fill_row(2, 101, oid=70),
        fill_row(3, 102, oid=12, feeToken="HYPE", fee="0.01"),
        fill_row(4, 103, coin="ETH"),
        fill_row(5, 104, side="B", dir="Open Short", oid=12),
    ]
    hl.on(BY_TIME, say(rows))
    fills = await hl.venue.fills([request_for().position], since_ms=100, deadline_s=S)
    assert [fill.fill_id for fill in fills] == ["1", "2", "3", "5"]
    first, second, third, _ = fills
    assert (first.realized_pnl_usd, first.fee_usd, first.side) == (
        Decimal("12.5"),
        Decimal("0.25"),
        Side.LONG,
    )
    assert first.client_order_id == "bst000000000000000000042"
    assert second.client_order_id == request_for().client_order_id
    assert third.client_order_id == ""
    assert (third.fee_usd, "40" in third.fee_note) == (Decimal("0.4"), True)


async def test_fills_are_read_to_their_end(hl: Scripted) -> None:
    pages = [
        [fill_row(number, 100 + number // 10) for number in range(2000)],
        [fill_row(1999, 299), fill_row(2000, 300)],
    ]
    hl.on(BY_TIME, *(say(page) for page in pages))
    fills = await hl.venue.fills([request_for().position], since_ms=100, deadline_s=S)
    assert len(fills) == 2001
    assert [body["startTime"] for body in hl.seen(BY_TIME)] == [100, 299]


async def test_the_second_source_is_the_newest_execution(hl: Scripted) -> None:
    position = request_for().position
    rows = [
        fill_row(9, 200, startPosition="0.5", sz="0.5"),
        fill_row(8, 200, startPosition="1.0", sz="0.5"),
        fill_row(7, 100, startPosition="2.0", sz="1.0"),
        fill_row(6, 300, coin="ETH", startPosition="7.0"),
    ]
    hl.on(FILLS, say(rows))
    assert await hl.venue.second_source(position, deadline_s=S) == 0
    hl.on(FILLS, say([fill_row(9, 200, startPosition="2.0", sz="0.5")]))
    assert await hl.venue.second_source(position, deadline_s=S) == Decimal("1.5")
    # The coin is held the other way round.
    assert await hl.venue.second_source(replace(position, side=Side.SHORT), deadline_s=S) == Decimal("-1.5")
    hl.on(FILLS, say([]))
    hl.on(STATE, say(state(held("BTC", "0.7"))))
    assert await hl.venue.second_source(position, deadline_s=S) == Decimal("0.7")
    hl.on(FILLS, raw("null"))
    with pytest.raises(AnswerMalformed):
        await hl.venue.second_source(position, deadline_s=S)

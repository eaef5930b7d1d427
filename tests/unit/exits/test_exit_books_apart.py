"""Books keep positions apart: what was done for one says nothing of another; and which look says nothing."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.look import Look, Unread
from bastion.domain.money import Price, Quantity
from bastion.domain.order import Direction, OrderState, OrderStatus
from bastion.domain.position import Position, Side
from bastion.errors import Fault
from bastion.exits.books import (
    Book,
    Sent,
    book_key,
    found_nothing,
    last_own_fill_ms,
    mute,
    signed,
    taken,
    tally,
)
from tests.unit.exits.parts import MS, UTC_NS, fill, look, order, position, refused, request

BUY, SELL = Direction.BUY, Direction.SELL
SINCE_MS = UTC_NS // MS
BTC = position()
OTHERS = (position("AAVEUSDT"), position("ETHUSDT"), position(side=Side.SHORT))
"""Positions that come before and after it in the order of letters, and the other side of its instrument."""


def sent(held: Position, cid: str, *, number: int = 1, filled: str | None = None) -> Sent:
    one = Sent(request=request(held, cid), round=number, run=1)
    if filled is not None:
        one.hear(
            OrderState(
                client_order_id=cid,
                order_id=f"o-{cid}",
                status=OrderStatus.PARTIAL,
                filled=Quantity(Decimal(filled)),
                average_price=Price(Decimal(101)),
            )
        )
    return one


def declined(held: Position, cid: str, *, number: int = 2) -> Sent:
    return replace(sent(held, cid, number=number), answer=refused(Fault.MAYBE_FLAT, cid))


def book(held: Position = BTC, *, after_round: int = 0, baseline: str | None = None) -> Book:
    return Book(
        key=book_key(held),
        position=held,
        baseline=signed(held) if baseline is None else Decimal(baseline),
        peak=held.quantity,
        since_ms=SINCE_MS,
        watched_ms=SINCE_MS,
        until_ms=SINCE_MS + 10,
        after_round=after_round,
    )


@pytest.mark.parametrize("other", OTHERS)
def test_that_an_order_found_nothing_is_told_by_the_orders_of_its_own_position(other: Position) -> None:
    mine = {"a": sent(BTC, "a", filled="0.5"), "b": declined(BTC, "b")}
    assert found_nothing(mine, book(), BTC)
    assert found_nothing({**mine, "c": sent(other, "c", number=3)}, book(), BTC), "another was sent later"
    assert not found_nothing({"a": mine["a"], "b": declined(other, "b")}, book(), BTC)
    assert not found_nothing({"a": sent(other, "a", filled="0.5"), "b": mine["b"]}, book(), BTC)


@pytest.mark.parametrize(("after_round", "nothing"), [(0, True), (1, False), (2, False), (9, False)])
def test_that_an_order_found_nothing_is_told_by_the_rounds_of_its_book(
    after_round: int,
    nothing: bool,  # noqa: FBT001 - a case of the table
) -> None:
    mine = {"a": sent(BTC, "a", filled="0.5"), "b": declined(BTC, "b")}
    assert found_nothing(mine, book(after_round=after_round), BTC) is nothing


@pytest.mark.parametrize(
    ("baseline", "shown", "others", "certain"),
    [
        ("0", "1", (), False),
        ("0", "1", (("0.4", BUY), ("0.6", BUY)), True),
        ("0", "1", (("1", SELL),), True),
        ("1", "1.5", (), False),
        ("1", "1.5", (("0.5", BUY),), True),
        ("1", "1.5", (("0.5", SELL),), False),
        ("-1", "1.5", (("0.5", SELL),), True),
        ("1", "2", (("3", SELL),), True),
        ("1", "1", (("0.5", SELL),), True),
    ],
)
def test_what_a_look_showed_beyond_what_is_accounted_for_leaves_the_sum_uncertain(
    baseline: str,
    shown: str,
    others: Sequence[tuple[str, Direction]],
    certain: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = book(baseline=baseline)
    one.peak = Quantity(Decimal(shown))
    fills = [
        fill(quantity, direction=direction, name=f"f{number}")
        for number, (quantity, direction) in enumerate(others)
    ]
    assert tally({one.key: one}, {}, fills)[one.key].certain is certain


@pytest.mark.parametrize(
    ("nameless", "most"),
    [
        ((), "0.3"),
        ((("0.4", SELL, None),), "0.7"),
        ((("0.4", SELL, Side.LONG), ("0.8", SELL, None)), "1.3"),
        ((("0.4", SELL, Side.SHORT),), "0.3"),
        ((("0.4", BUY, None),), "0.3"),
    ],
    ids=["nothing", "of its size", "more than it", "of the other side", "the other way"],
)
def test_what_no_known_order_executed_may_be_that_of_one_whose_fate_is_unknown(
    nameless: Sequence[tuple[str, Direction, Side | None]], most: str
) -> None:
    fills = [
        replace(fill(quantity, direction=direction, name=f"f{number}"), order_id=f"v{number}", side=side)
        for number, (quantity, direction, side) in enumerate(nameless)
    ]
    known = replace(fill("0.3", name="known"), order_id="o-a")
    told = {"a": sent(BTC, "a", filled="0.3")}
    assert taken(told, [known, *fills], BTC) == Decimal("0.3")
    assert taken({**told, "b": declined(BTC, "b")}, [known, *fills], BTC) == Decimal("0.3")
    assert taken({**told, "b": sent(BTC, "b")}, [known, *fills], BTC) == Decimal(most)
    named = {**told, "b": sent(BTC, "b"), "c": sent(BTC, "c")}
    assert taken(named, [known, *fills, fill("0.1", cid="c", name="named")], BTC) == Decimal("0.4")
    for other in OTHERS:
        assert taken({**told, "b": sent(other, "b")}, [known, *fills], BTC) == Decimal("0.3")


@pytest.mark.parametrize("other", OTHERS)
def test_the_last_execution_for_a_position_is_none_of_another_one(other: Position) -> None:
    mine = {"a": sent(BTC, "a", filled="1"), "c": sent(other, "c", filled="1")}
    read = [fill("1", cid="a", at_ms=10, name="1"), fill("1", cid="c", at_ms=90, name="2")]
    assert last_own_fill_ms(mine, read, BTC) == SINCE_MS + 10
    assert last_own_fill_ms(mine, read[:1], BTC) == SINCE_MS + 10, "what the other order had is not owed here"


@pytest.mark.parametrize(("baseline", "certain"), [("0", False), ("0.0", False), ("-1", True), ("1", True)])
def test_what_was_executed_just_before_a_book_is_doubtful_only_where_no_position_was_seen_yet(
    baseline: str,
    certain: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = book(baseline=baseline)
    one.threat = True
    before = replace(fill("1", direction=Direction.BUY), at_ms=SINCE_MS - 1)
    assert tally({one.key: one}, {}, [before])[one.key].certain is certain


@pytest.mark.parametrize(
    ("seen", "says_nothing"),
    [
        (look(0), False),
        (replace(look(0), unread=(Unread(part="orders", reason="", limited=True),)), True),
        (replace(look(0), unread=(Unread(part="orders", reason="", unsent=True),)), True),
        (replace(look(0), unread=(Unread(part="orders", reason="no answer"),)), False),
        (
            replace(
                look(0),
                unread=(Unread(part="a", reason="", unsent=True), Unread(part="b", reason="no answer")),
            ),
            False,
        ),
        (replace(look(0, [BTC]), unread=(Unread(part="orders", reason="", unsent=True),)), False),
        (replace(look(0, [], [order()]), unread=(Unread(part="positions", reason="", unsent=True),)), False),
    ],
)
def test_a_look_says_nothing_where_it_shows_nothing_and_what_it_lacks_was_not_asked_for(
    seen: Look,
    says_nothing: bool,  # noqa: FBT001 - a case of the table
) -> None:
    assert mute(seen) is says_nothing

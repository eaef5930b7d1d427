"""What others executed while the first look was under way: the sum decides, once the position is gone."""

from collections.abc import Sequence

import pytest

from bastion.domain.order import Direction, Fill
from bastion.domain.records import FillsRead
from bastion.exits.closings import Closing, closings, pending
from bastion.exits.progress import Leg
from tests.unit.exits.parts import MS, UTC_NS, answered, fill, intend, leg, look, position, request, see

BUY, SELL = Direction.BUY, Direction.SELL


def read(one: Leg, *fills: Fill) -> None:
    one.apply(FillsRead(exit_id="xtest", account="main", run=1, begun_ns=400 * MS, fills=fills), at_ns=UTC_NS)


def closed(*fills: Fill, own: str = "1", gone: bool = True) -> tuple[Leg, Closing]:
    """A long position of 1 seen at 0 ms, closed by an order of ours that filled `own`, and these fills."""
    one = leg()
    see(one, look(0, [position()]))
    intend(one, request(position(), quantity=own))
    one.apply(answered(filled=own), at_ns=UTC_NS)
    see(one, look(300, () if gone else [position()]))
    see(one, look(600, () if gone else [position()]))
    read(one, *fills)
    ((_, closing),) = closings(one)
    return one, closing


def ours(quantity: str = "1", *, pnl: str = "10") -> Fill:
    return fill(quantity, cid="bst1", at_ms=2_000, name="own", pnl=pnl)


def other(quantity: str, ms: int, direction: Direction = SELL, *, name: str = "", pnl: str = "7") -> Fill:
    return fill(quantity, direction=direction, at_ms=ms, name=name or f"other-{ms}", pnl=pnl)


def figures(closing: Closing) -> tuple[str, str]:
    return str(closing.realized_pnl_usd), str(closing.reduced)


def test_an_addition_that_the_sighting_held_already_leaves_nothing_pending() -> None:
    one, closing = closed(other("0.4", 3, BUY), ours())
    assert figures(closing) == ("10", "1")
    assert closing.accounted
    assert not pending(one)


def test_an_addition_that_the_sighting_did_not_hold_is_part_of_what_was_closed() -> None:
    one, closing = closed(other("0.4", 3, BUY), ours("1.4"), own="1.4")
    assert figures(closing) == ("10", "1.4")
    assert not pending(one)


def test_a_reduction_that_the_sighting_held_already_realises_nothing_here() -> None:
    _, closing = closed(other("0.4", 3), ours())
    assert figures(closing) == ("10", "1")
    assert [who.value for who, _ in closing.closed_by] == ["bastion"]


def test_a_reduction_after_the_sighting_counts_with_what_it_realised() -> None:
    _, closing = closed(other("0.4", 3), ours("0.6"), own="0.6")
    assert figures(closing) == ("17", "1.0")


def test_one_moment_divides_several_executions() -> None:
    fills = (other("0.3", 1, BUY), other("0.2", 4), other("0.5", 7, BUY))
    # Held: 0.3 bought and 0.2 sold; bought behind it: 0.5.
    _, closing = closed(*fills, ours("1.5"), own="1.5")
    assert figures(closing) == ("10", "1.5")


@pytest.mark.parametrize(
    ("fills", "own"),
    [
        # Neither with nor without it does anything add up: something is missing.
        ((other("0.4", 3, BUY), ours("1.1")), "1.1"),
        # The last of our order was not read yet.
        ((other("0.4", 3, BUY), ours("1")), "1.4"),
        # Two moments divide them alike: which one it was changes what was realised.
        ((other("0.4", 3, BUY), other("0.2", 4), other("0.2", 5, BUY), ours("1")), "1"),
    ],
    ids=["nothing adds up", "own not read", "two moments"],
)
def test_what_is_not_decided_stays_pending(fills: Sequence[Fill], own: str) -> None:
    one, closing = closed(*fills, own=own)
    assert closing.realized_pnl_usd is None
    assert pending(one)


def test_nothing_is_decided_while_the_position_is_shown() -> None:
    _, closing = closed(other("0.4", 3, BUY), ours(), gone=False)
    assert closing.realized_pnl_usd is None


def test_what_came_certainly_later_is_never_left_out() -> None:
    one, closing = closed(other("0.4", 5_000, BUY), ours())
    assert closing.realized_pnl_usd is None
    assert pending(one)

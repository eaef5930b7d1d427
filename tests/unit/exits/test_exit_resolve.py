"""When an order of unknown outcome counts as settled without the venue's word on it."""

import pytest

from bastion.domain.records import OrderAnswered, Outcome, ResolvedBy
from bastion.exits.resolve import settle
from bastion.exits.settings import ExitSettings
from tests.unit.exits.parts import MS, intend, leg, look, pace, position, request, see

LONG_AFTER_MS = 60_000


@pytest.mark.parametrize(
    ("unread", "by"),
    [((), [ResolvedBy.LOOK]), (("orders",), [ResolvedBy.LOOK]), (("positions",), [])],
    ids=["all read", "orders unread", "positions unread"],
)
def test_only_a_look_at_the_positions_settles_an_order_of_unknown_outcome(
    unread: tuple[str, ...], by: list[ResolvedBy]
) -> None:
    one = leg()
    see(one, look(0, [position()]))
    intend(one, request(position()))
    one.apply(
        OrderAnswered(
            exit_id="xtest", account="main", client_order_id="bst1", outcome=Outcome.UNKNOWN, message="reset"
        ),
        at_ns=0,
    )
    see(one, look(LONG_AFTER_MS, unread=unread))
    settled = settle(one, pace(), now_ns=(LONG_AFTER_MS + 10) * MS, settings=ExitSettings())
    assert [record.by for record in settled] == by

"""What one exit keeps of a round of orders in which its account acts for several exits."""

from dataclasses import replace

from bastion.domain.mandate import ExitKind
from bastion.domain.records import RoundIntended
from bastion.domain.selection import Selection
from bastion.exits.scope import Scope
from bastion.exits.share import own_share
from tests.unit.exits.parts import leg, position, request

ROUND = RoundIntended(
    exit_id="xtest",
    account="main",
    run=1,
    round=4,
    orders=(request(position()),),
    why=("BTC/USDT:USDT: told of a position",),
)


def test_a_round_of_orders_for_others_is_kept_by_its_number_where_their_ids_bear_the_exit_s_name() -> None:
    one = leg()
    one.sight = Scope(kind=ExitKind.EXIT, selection=Selection(symbols=frozenset({"ETH/USDT:USDT"})))
    kept = own_share(ROUND, one, run=2)
    assert kept == replace(ROUND, run=2, orders=(), why=())
    assert isinstance(kept, RoundIntended)
    one.apply(kept, at_ns=0)
    assert (one.rounds, one.sent) == (4, {})
    assert own_share(replace(ROUND, exit_id="xother"), one, run=2) is None
    assert own_share(replace(ROUND, orders=()), one, run=2) is None
    assert own_share(ROUND, leg(), run=1) == ROUND

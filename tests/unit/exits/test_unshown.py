"""What an exit asks for by name and no look has shown: a second source must say that nothing is held."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.instrument import Instrument
from bastion.domain.look import Unread
from bastion.domain.mandate import ExitKind, Target
from bastion.domain.money import Quantity
from bastion.domain.position import Position, Side
from bastion.domain.records import Looked, LookPurpose, SecondSourceRead
from bastion.domain.selection import Selection
from bastion.domain.verdict import Verdict
from bastion.exits.books import BookKey
from bastion.exits.heed import heed
from bastion.exits.pace import Pace
from bastion.exits.progress import Leg
from bastion.exits.scope import Scope
from bastion.exits.settings import ExitSettings
from bastion.exits.union import Union
from bastion.exits.unshown import Unshown
from bastion.exits.verdict import NEVER_SHOWN, VANISHED, Standing, at_deadline, stand
from tests.unit.exits.parts import MS, UTC_NS, leg, look, pace, position, see

SETTINGS = ExitSettings()
BTC, ETH = position("BTCUSDT"), position("ETHUSDT")


def listed(*names: str) -> Mapping[tuple[str, str], Instrument]:
    return {
        ("linear", name): Instrument(id=name, category="linear", symbol=name, base=name[:3], settle="USDT")
        for name in names
    }


CONTRACTS = listed("BTCUSDT", "ETHUSDT", "SOLUSDT")


def selecting(*symbols: str, sides: frozenset[Side] = frozenset()) -> Leg:
    one = leg()
    one.sight = Scope(selection=Selection(symbols=frozenset(symbols), sides=sides))
    return one


def told(
    one: Leg,
    *,
    beat: Pace | None = None,
    contracts: Mapping[tuple[str, str], Instrument] = CONTRACTS,
    beside: Standing | None = None,
    listed: bool = True,
) -> Standing:
    beat = beat or pace()
    own = stand(one, beat, dust=frozenset(), settings=SETTINGS)
    return Unshown().told(own, one, beat, contracts, beside=beside, listed=listed)


def doubted(standing: Standing) -> list[BookKey]:
    return [book.key for book in standing.unexplained]


def ask(one: Leg, held: Position, quantity: str, *, at_ms: int = 5) -> None:
    record = SecondSourceRead(
        exit_id="xtest",
        account="main",
        run=1,
        begun_ns=at_ms * MS,
        position=held,
        quantity=Quantity(Decimal(quantity)),
    )
    one.apply(record, at_ns=UTC_NS)


def flat_twice(one: Leg, *others: Position) -> None:
    see(one, look(0, others))
    see(one, look(300, others))


def test_two_looks_that_never_showed_what_is_asked_for_prove_nothing_until_a_second_source_speaks() -> None:
    one = selecting("BTCUSDT")
    flat_twice(one, ETH)
    before = told(one)
    assert (before.clean, before.confirmed, before.verdict) == (True, True, None)
    assert doubted(before) == [("linear", "BTCUSDT", "")]
    assert at_deadline(one, before) == (Verdict.UNKNOWN, (("BTCUSDT", NEVER_SHOWN),))
    ask(one, BTC, "0")
    assert told(one).verdict is Verdict.FLAT


@pytest.mark.parametrize("side", list(Side))
def test_what_a_second_source_names_is_told_with_its_size(side: Side) -> None:
    one = selecting("BTCUSDT")
    flat_twice(one, ETH)
    ask(one, replace(BTC, side=side), "0.5")
    verdict, unread = at_deadline(one, told(one))
    assert verdict is Verdict.UNKNOWN
    assert unread == (
        ("BTCUSDT", "no look shows it, but a second source of the venue says that 0.5 is held"),
    )


def test_it_is_told_beside_a_part_that_was_not_read_and_what_was_once_seen_is_not() -> None:
    one = selecting("BTCUSDT", "ETHUSDT")
    see(one, look(0, [ETH]))
    see(one, look(300, unread=["orders"]))
    ask(one, BTC, "0.5")
    _, unread = at_deadline(one, told(one))
    assert [part for part, _ in unread] == ["orders", "BTCUSDT"]
    assert VANISHED not in str(unread)


def test_what_a_look_showed_is_left_to_the_arithmetic() -> None:
    one = selecting("BTCUSDT")
    see(one, look(0, [BTC, ETH]))
    assert doubted(told(one)) == []


def test_a_second_source_asked_before_a_look_that_failed_says_nothing() -> None:
    one, beat = selecting("BTCUSDT"), pace()
    ask(one, BTC, "0", at_ms=5)
    flat_twice(one, ETH)
    assert told(one, beat=beat).verdict is Verdict.FLAT
    beat.broken_ns = 6 * MS
    assert told(one, beat=beat).verdict is None
    ask(one, BTC, "0", at_ms=6)
    assert told(one, beat=beat).verdict is Verdict.FLAT


@pytest.mark.parametrize(
    ("sides", "keys"),
    [
        (frozenset(Side), [("linear", "BTCUSDT", "SHORT")]),
        (frozenset({Side.SHORT}), [("linear", "BTCUSDT", "")]),
        (frozenset({Side.LONG}), []),
    ],
)
def test_in_hedge_mode_the_side_that_is_not_shown_is_asked_for(
    sides: frozenset[Side], keys: list[BookKey]
) -> None:
    one = selecting("BTCUSDT", sides=sides)
    flat_twice(one, position("BTCUSDT", hedged=True))
    assert doubted(told(one)) == keys


def test_whoever_means_the_whole_account_or_its_orders_or_no_symbol_asks_for_nothing_by_name() -> None:
    for sight in (
        Scope(),
        Scope(kind=ExitKind.HALT, selection=Selection(symbols=frozenset({"BTCUSDT"}))),
        Scope(selection=Selection(sides=frozenset({Side.LONG}))),
    ):
        one = leg()
        one.sight = sight
        flat_twice(one)
        assert doubted(told(one, listed=False)) == []
        assert told(one, listed=False).verdict is Verdict.FLAT


def test_no_verdict_comes_before_the_venue_was_heard_about_its_contracts() -> None:
    one = selecting("BTCUSDT")
    flat_twice(one)
    assert told(one, contracts={}, listed=False).verdict is None
    assert told(one, contracts={}).verdict is Verdict.FLAT


def test_what_a_partial_close_is_aimed_at_is_asked_for_on_its_side() -> None:
    size = Quantity(Decimal(1))
    target = Target(
        account="main", category="linear", instrument="BTCUSDT", side=Side.SHORT, keep=size, close=size
    )
    one = leg()
    one.sight = Scope(kind=ExitKind.PARTIAL, targets=(target,))
    flat_twice(one, ETH)
    (book,) = told(one, contracts={}).unexplained
    assert (book.key, book.position.side) == (("linear", "BTCUSDT", ""), Side.SHORT)
    # Of what is held, no more than is to stay: nothing is left to do.
    ask(one, replace(BTC, side=Side.SHORT), "1")
    assert told(one, contracts={}).verdict is Verdict.FLAT


def test_what_another_exit_saw_is_doubted_too_and_named_once() -> None:
    one, other = selecting("BTCUSDT"), leg()
    see(other, look(0, [BTC]))
    see(other, look(300))
    flat_twice(one, ETH)
    beside = stand(other, pace(), dust=frozenset(), settings=SETTINGS)
    assert doubted(beside) == [("linear", "BTCUSDT", "")]
    ask(one, BTC, "0")
    assert doubted(told(one, beside=beside)) == [("linear", "BTCUSDT", "")]


def test_several_exits_together_ask_for_what_each_of_them_names() -> None:
    union = Union([selecting("BTCUSDT"), selecting("SOLUSDT")])
    assert union.by_symbol
    assert [position.instrument for position in union.names(CONTRACTS)] == ["BTCUSDT", "SOLUSDT"]


def test_contracts_that_come_later_are_named_then() -> None:
    one, unshown, beat = selecting("SOLUSDT"), Unshown(), pace()
    flat_twice(one)
    own = stand(one, beat, dust=frozenset(), settings=SETTINGS)
    for contracts, keys in (({}, []), (CONTRACTS, [("linear", "SOLUSDT", "")])):
        found = unshown.told(own, one, beat, contracts, beside=None, listed=True)
        assert doubted(found) == keys


def test_a_look_that_fails_makes_the_next_question_due() -> None:
    one, beat = selecting("BTCUSDT"), pace()
    ask(one, BTC, "0")
    flat_twice(one, ETH)
    failed = replace(look(600), unread=(Unread(part="positions", reason="no answer"),))
    record = Looked(exit_id="xtest", account="main", run=1, purpose=LookPurpose.VERIFY, look=failed)
    heed(one, beat, record, at_ns=UTC_NS, now_ns=620 * MS, settings=SETTINGS)
    see(one, look(900, [ETH]))
    assert doubted(told(one, beat=beat)) == [("linear", "BTCUSDT", "")]

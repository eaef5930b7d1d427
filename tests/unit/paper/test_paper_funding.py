"""The paper exchange's funding: due at multiples of the interval, on the exchange's own clock."""

from decimal import Decimal

import pytest

from bastion.paper.account import IncomeKind
from bastion.paper.document import DocumentError
from bastion.paper.rules import VenueRules
from bastion.paper.scenario import parse_scenario
from bastion.paper.world import World

HOUR_MS = 3_600_000


def world(**instrument: object) -> World:
    row = {
        "symbol": "BTCUSDT",
        "base": "BTC",
        "tick": "0.1",
        "step": "0.001",
        "quantity_min": "0.001",
        "quantity_max": "1000",
        "market_quantity_max": "1000",
        "mark": "1000",
        "depth": {"bids": [[0, "1000"]], "asks": [[0, "1000"]]},
        **instrument,
    }
    account = {
        "name": "main",
        "api_key": "key",
        "secret": "secret",
        "balances": {"USDT": "100000"},
        "position": [{"symbol": "BTCUSDT", "quantity": "2", "entry": "1000"}],
    }
    venue = {"name": "paper", "instrument": [row], "account": [account]}
    document = {"clock_start_ms": 8 * HOUR_MS - 1000, "venue": [venue]}
    return World(parse_scenario(document), {"paper": VenueRules()})


def paid(made: World) -> list[tuple[int, Decimal]]:
    rows = made.exchange("paper").incomes("main", kind=IncomeKind.FUNDING_FEE)
    return [(row.time_ms, row.amount) for row in rows]


def test_the_schedule_settles_at_whole_multiples_of_the_interval() -> None:
    made = world(funding_rate="0.0001")
    exchange = made.exchange("paper")
    assert exchange.funding.next_ms("BTCUSDT") == 8 * HOUR_MS
    made.advance(900)
    assert paid(made) == []
    made.advance(200)
    assert paid(made) == [(8 * HOUR_MS, Decimal("-0.2"))]
    assert exchange.funding.next_ms("BTCUSDT") == 16 * HOUR_MS
    assert exchange.ledger.trial_balance() == {"USDT": 0}


def test_each_payment_is_reckoned_at_the_mark_of_its_moment() -> None:
    made = world(funding_rate="0.0001", funding_interval_ms=1000)
    made.advance(1000)
    made.exchange("paper").set_mark("BTCUSDT", Decimal(1200))
    made.advance(1000)
    assert [amount for _, amount in paid(made)] == [Decimal("-0.2"), Decimal("-0.24")]


def test_a_rate_of_zero_books_nothing() -> None:
    made = world(funding_interval_ms=1000)
    made.advance(5000)
    assert paid(made) == []
    assert made.exchange("paper").funding.next_due_ms() is None


def test_what_nobody_noticed_in_time_is_caught_up() -> None:
    made = world(funding_rate="0.0001", funding_interval_ms=1000)
    clock = made.clock
    clock.advance(3500)  # type: ignore[attr-defined]  # a stepped clock, as the scenario asks
    made.settle()
    assert len(paid(made)) == 3


def test_a_reduction_keeps_what_was_paid_and_a_new_position_begins_at_zero() -> None:
    made = world(funding_rate="0.0001", funding_interval_ms=1000)
    exchange = made.exchange("paper")
    made.advance(1000)
    exchange.open_position(
        "main",
        "BTCUSDT",
        exchange.positions("main")[0].position.side,
        quantity=Decimal(-1),
        entry=Decimal(1000),
    )
    (view,) = exchange.positions("main")
    assert exchange.funding.since_opened(view.position) == Decimal("-0.2")
    assert exchange.funding.since_changed(view.position) == 0
    exchange.open_position("main", "BTCUSDT", view.position.side, quantity=Decimal(-3), entry=Decimal(1000))
    (view,) = exchange.positions("main")
    assert exchange.funding.since_opened(view.position) == 0


@pytest.mark.parametrize("change", [{"funding_rate": "1"}, {"funding_interval_ms": 99}])
def test_a_rate_or_interval_out_of_reason_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(DocumentError, match="funding_interval_ms must be 100 at least"):
        world(**change)

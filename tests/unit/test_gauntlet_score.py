"""The score of the gauntlet: what counts as flat, falsely flat, opened, left, and for how long."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bastion.errors import Refused
from bastion.gauntlet.rows import BY_NAME, ROWS
from bastion.gauntlet.runner import tasks_of
from bastion.gauntlet.score import Ended, Score, judge
from bastion.gauntlet.stage import Best, Holding, Stage
from bastion.gauntlet.tongue import TONGUES, VENUES

START_MS = 1_800_000_000_000
LONG_BTC = Stage(venues=("binance",), holdings=(Holding(coin="BTC", quantity=Decimal("0.5")),))


def fill(direction: str, quantity: str, at_ms: int, **more: object) -> dict[str, object]:
    return {
        "fill_id": at_ms,
        "symbol": "BTCUSDT",
        "position_side": "NET",
        "direction": direction,
        "quantity": quantity,
        "time_ms": START_MS + at_ms,
        "client_order_id": "theirs",
        **more,
    }


def judged(
    *fills: Mapping[str, object],
    stage: Stage = LONG_BTC,
    left: str = "0",
    orders: int = 0,
    claims: bool = True,
    requests: tuple[dict[str, Any], ...] = (),
    ended_ms: int = 10_000,
) -> Score:
    held = [{"symbol": "BTCUSDT", "side": "NET", "quantity": left, "notional": "1"}]
    account = {"positions": held, "open_orders": [{}] * orders, "fills": list(fills)}
    venues = {venue: {"accounts": {"main": account}} for venue in stage.venues}
    ended = Ended(started_ms=START_MS, ended_ms=START_MS + ended_ms, claims_flat=claims)
    return judge(stage, ended, {"venues": venues}, requests)


def test_one_close_of_the_whole_is_the_best_that_can_be() -> None:
    score = judged(fill("SELL", "0.5", 2_000))
    assert score.is_flat
    assert not score.is_unsafe
    assert score.reaches(LONG_BTC)
    assert score.flat_after_ms == 2_000
    assert score.open_dollar_seconds == 60_000  # 0.5 BTC of 60,000 USD for two seconds


def test_what_was_half_closed_counts_by_half_and_what_is_left_counts_to_the_deadline() -> None:
    score = judged(fill("SELL", "0.25", 2_000), left="0.25", claims=False)
    assert score.open_dollar_seconds == 60_000 + 15_000 * 28
    assert score.flat_after_ms is None
    assert not score.is_unsafe
    assert not score.reaches(LONG_BTC)


def test_a_claim_over_an_open_position_is_false_and_unsafe() -> None:
    score = judged(left="0.5")
    assert score.is_falsely_flat
    assert score.is_unsafe


def test_dust_makes_no_claim_false() -> None:
    stage = replace(LONG_BTC, best=Best.DUST, rules={"BTC": {"quantity_min": "0.01"}})
    score = judged(fill("SELL", "0.498", 1_000), stage=stage, left="0.002")
    assert [row.is_dust for row in score.left] == [True]
    assert score.is_flat
    assert score.reaches(stage)


@pytest.mark.parametrize(
    ("fills", "grown"),
    [
        ([fill("SELL", "0.8", 1_000)], 1),
        ([fill("BUY", "0.1", 1_000), fill("SELL", "0.6", 2_000)], 1),
        ([fill("SELL", "0.5", 1_000), fill("SELL", "0.5", 1_100)], 1),
        ([fill("SELL", "0.2", 1_000), fill("SELL", "0.3", 1_100)], 0),
    ],
)
def test_a_position_that_is_turned_enlarged_or_opened_is_counted(
    fills: list[dict[str, object]], grown: int
) -> None:
    score = judged(*fills)
    assert score.grown == grown
    assert score.is_unsafe is (grown > 0)


def test_what_another_bot_opens_is_not_held_against_the_program() -> None:
    stage = replace(LONG_BTC, own_ids=frozenset({"bot"}))
    fills = [fill("SELL", "0.5", 1_000), fill("BUY", "0.1", 1_500, client_order_id="bot")]
    score = judged(*fills, fill("SELL", "0.1", 2_500), stage=stage)
    assert score.grown == 0
    assert score.flat_after_ms == 2_500


def test_both_legs_of_hedge_mode_are_walked_apart() -> None:
    legs = (
        Holding(coin="BTC", quantity=Decimal("0.5"), side="LONG"),
        Holding(coin="BTC", quantity=Decimal("-0.2"), side="SHORT"),
    )
    stage = replace(LONG_BTC, holdings=legs, hedge=True)
    fills = [
        fill("SELL", "0.5", 1_000, position_side="LONG"),
        fill("BUY", "0.2", 1_000, position_side="SHORT", fill_id=1_001),
    ]
    assert judged(*fills, stage=stage).grown == 0
    wrong = [fill("SELL", "0.5", 1_000, position_side="SHORT")]
    assert judged(*wrong, stage=stage).grown == 1


def test_an_order_that_is_left_makes_the_claim_unsafe_and_silence_does_not() -> None:
    closed = fill("SELL", "0.5", 1_000)
    assert judged(closed, orders=1).is_unsafe
    assert not judged(closed, orders=1, claims=False).is_unsafe


def test_where_something_cannot_be_closed_the_best_is_to_close_the_rest_and_not_to_claim() -> None:
    stuck = replace(LONG_BTC, best=Best.OPEN, stuck=frozenset({"BTC"}))
    elsewhere = replace(LONG_BTC, best=Best.OPEN, stuck=frozenset({"ETH"}))
    assert judged(stage=stuck, left="0.5", claims=False).reaches(stuck)
    assert not judged(stage=elsewhere, left="0.5", claims=False).reaches(elsewhere)
    assert not judged(fill("SELL", "0.5", 1_000), stage=stuck).reaches(stuck)


def test_requests_after_the_news_of_a_ban_are_counted() -> None:
    def row(received: int, answered: int, status: int = 418) -> dict[str, Any]:
        return {
            "venue": "binance",
            "method": "GET",
            "path": "/fapi/v3/positionRisk",
            "status": status,
            "code": "-1003",
            "received_ms": START_MS + received,
            "received_ns": received,
            "answered_ns": answered,
        }

    requests = (row(1, 5, 200), row(10, 20), row(15, 25), row(30, 35), row(40, 45, 200))
    score = judged(fill("SELL", "0.5", 1_000), requests=requests)
    assert score.requests_while_banned == 1
    assert score.first_request_ms == 1


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_scenario_is_the_same_for_a_seed_and_another_for_another(row: Any) -> None:  # noqa: ANN401 - a row
    for venue in row.venues:
        document = row.document(venue, seed=7)
        assert document == row.document(venue, seed=7)
        assert any(document != {**row.document(venue, seed=seed), "seed": 7} for seed in range(8, 14))
        assert set(row.stage(venue, seed=7).venues) <= set(VENUES)


def test_by_turns_each_scenario_stands_at_one_venue_and_the_seed_moves_it_on() -> None:
    first, second = (tasks_of((), (), turn=turn) for turn in (1, 2))
    assert [task.row.name for task in first] == list(BY_NAME)
    assert {task.venue for task in first} == set(VENUES)
    moved = [
        one.venue != two.venue for one, two in zip(first, second, strict=True) if len(one.row.venues) > 1
    ]
    assert all(moved)
    assert len(tasks_of((), ())) == sum(len(row.venues) for row in ROWS)


@pytest.mark.parametrize(
    ("scenarios", "venues"), [(["nonsense"], []), ([], ["kraken"]), (["banned"], ["okx"])]
)
def test_a_scenario_that_does_not_exist_is_refused(scenarios: list[str], venues: list[str]) -> None:
    with pytest.raises(Refused):
        tasks_of(scenarios, venues)


def test_every_venue_names_its_contracts_and_sizes_in_its_own_way() -> None:
    assert [TONGUES[venue].named("BTC") for venue in VENUES] == ["BTCUSDT", "BTCUSDT", "BTC-USDT-SWAP", "BTC"]
    assert TONGUES["okx"].contracts("BTC", Decimal("0.5")) == "50"

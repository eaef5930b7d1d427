"""An exit at the margin venue: closed where closing works, refunded as the last rung, never a false FLAT."""

import time
from decimal import Decimal

from tests.acceptance.margin_desk.conftest import Start

STALE_S = 1.2
"""Seconds after which a mark of this venue is stale for certain, with `--stale-after 1`."""


def test_positions_are_closed_with_their_cost_and_nothing_is_refunded(start: Start) -> None:
    trader = start("--trading-limit", "off")
    venue = trader.venue
    venue.operate("/endow", purse="treasury", amount="1000")
    first, second = venue.open(usd="100", leverage=10), venue.open(usd="50", leverage=4, side="short")
    venue.mark("110000")
    trader.prepare(api_key=venue.make_personal_key())
    code, report = trader.answer("exit")
    assert (code, report["verdict"]) == (0, "FLAT"), report
    assert report["positions_closed"] == 2
    assert report["refunds"] == []
    assert report["total_refunded_margin_usd"] == 0
    assert venue.listed() == {"open": [], "closed": [], "settled": [first, second]}
    rows = {row["direction"]: row for row in report["closed_positions"]}
    # One basis point of spread moved the entry; the fee is charged on the profit alone.
    assert rows["LONG"]["symbol"] == "BTCUSD"
    assert Decimal(99) < rows["LONG"]["realized_pnl_usd"] < Decimal(100)
    assert Decimal(14) < rows["LONG"]["fees_usd"] < Decimal(15)
    assert rows["LONG"]["exit_price"] == 110000
    assert Decimal(-21) < rows["SHORT"]["realized_pnl_usd"] < Decimal(-20)
    assert rows["SHORT"]["fees_usd"] == 0
    assert report["funding_usd"] == 0
    assert report["pnl_pending"] is False


def test_a_claim_in_the_payout_queue_is_told_and_is_no_exposure(start: Start) -> None:
    trader = start()
    venue = trader.venue
    venue.open(usd="100", leverage=10)
    venue.mark("110000")
    trader.prepare()
    code, report = trader.answer("exit")
    assert (code, report["verdict"]) == (0, "FLAT"), report
    assert len(venue.listed()["closed"]) == 1
    code, report = trader.answer("exit")
    assert (code, report["verdict"], report["positions_closed"]) == (0, "FLAT", 0)
    assert any("payout queue" in warning for warning in report["warnings"])


def test_a_halted_market_is_left_by_the_refund_as_the_last_rung(start: Start) -> None:
    trader = start()
    venue = trader.venue
    position = venue.open(usd="100", leverage=10)
    venue.mark("105000")
    venue.halt()
    trader.prepare()
    code, report = trader.answer("exit")
    assert (code, report["verdict"]) == (0, "FLAT"), report
    assert venue.listed() == {"open": [], "closed": [], "settled": []}
    assert venue.balances()["withdrawable"] == "10000.00"
    [refund] = report["refunds"]
    assert refund["symbol"] == "BTCUSD"
    assert refund["direction"] == "LONG"
    assert refund["refunded_margin_usd"] == 100
    assert refund["position_id"] == str(position)
    assert "halted" in refund["reason"]
    assert report["total_refunded_margin_usd"] == 100
    assert report["total_realized_pnl_usd"] == 0
    [closed] = report["closed_positions"]
    assert (closed["how"], closed["realized_pnl_usd"], closed["pnl_pending"]) == ("refunded", 0, False)
    assert "refunded" in report["summary"]


def test_a_stale_price_is_left_by_the_refund_as_the_last_rung(start: Start) -> None:
    trader = start("--stale-after", "1")
    venue = trader.venue
    venue.mark("100000")
    marked_s = time.monotonic()
    venue.open(usd="25.5", leverage=100)
    trader.prepare()
    # Nothing but time makes a price stale.
    time.sleep(max(0.0, marked_s + STALE_S - time.monotonic()))
    code, report = trader.answer("exit")
    assert (code, report["verdict"]) == (0, "FLAT"), report
    assert report["total_refunded_margin_usd"] == Decimal("25.5")
    assert "stale" in report["refunds"][0]["reason"]


def test_a_refused_refund_ends_not_flat_with_the_position_named(start: Start) -> None:
    trader = start("--exit-age-min", "86400")
    venue = trader.venue
    position = venue.open(usd="100", leverage=10)
    venue.halt()
    trader.prepare()
    code, report = trader.answer("exit", "--deadline", "8")
    assert (code, report["verdict"]) == (10, "NOT_FLAT"), report
    assert venue.listed()["open"] == [position]
    [left] = report["residual"]
    assert (left["symbol"], left["direction"], left["kind"]) == ("BTCUSD", "LONG", "position")
    assert report["refunds"] == []
    assert any("Emergency exit opens" in warning for warning in report["warnings"])


def test_never_means_never(start: Start) -> None:
    trader = start()
    venue = trader.venue
    position = venue.open()
    venue.halt()
    trader.prepare('refund = "never"')
    code, report = trader.answer("exit", "--deadline", "6")
    assert (code, report["verdict"], report["refunds"]) == (10, "NOT_FLAT", [])
    assert venue.listed()["open"] == [position]


def test_always_refunds_at_once_and_closes_nothing(start: Start) -> None:
    trader = start()
    venue = trader.venue
    venue.open(usd="100", leverage=10)
    venue.open(usd="40", leverage=10, symbol="ETH-USD", side="short")
    venue.mark("120000")
    trader.prepare('refund = "always"')
    code, report = trader.answer("exit")
    assert (code, report["verdict"]) == (0, "FLAT"), report
    assert report["total_refunded_margin_usd"] == 140
    assert {row["reason"] for row in report["refunds"]} == {"the account is configured to refund at once"}
    assert venue.listed()["settled"] == []

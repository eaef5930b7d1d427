"""The direct refund: weighed before, confirmed at once, safe to repeat, and reviewed later."""

from decimal import Decimal

from tests.acceptance.margin_desk.conftest import Start


def test_the_preview_tells_what_a_close_gives_and_warns_of_taking_profits(start: Start) -> None:
    trader = start()
    venue = trader.venue
    position = venue.open(usd="100", leverage=10)
    venue.mark("110000")
    trader.prepare()
    code, told = trader.answer("refund", str(position), "--preview")
    assert code == 0, told
    decision = told["decision"]
    # The entry is one basis point above 100,000, so the price PnL is a little below 100.
    assert told["price_pnl_usd"] == Decimal("99.890010")
    assert decision["close_net_usd"] == told["price_pnl_usd"] - told["fee_usd"]
    assert decision["forfeited_usd"] == decision["close_net_usd"]
    assert (decision["fit"], told["legitimate"], decision["favours"]) == ("taking_profits", False, "close")
    assert decision["close_works"] is True
    assert decision["liquidation_near"] is False
    assert venue.listed()["open"] == [position]
    # The estimate is what the venue then really gives.
    closed = venue.ask("POST", "/close", {"positionId": position})
    assert Decimal(closed["pnlFee"]) == told["fee_usd"]
    assert Decimal(closed["realizedPnl"]) == decision["close_net_usd"]


def test_the_preview_names_a_legitimate_use_once_closing_was_refused(start: Start) -> None:
    trader = start("--exit-age-min", "86400")
    venue = trader.venue
    position = venue.open()
    venue.halt()
    trader.prepare()
    trader.answer("exit", "--deadline", "3")
    code, told = trader.answer("refund", str(position), "--preview", "--reason", "taking profits")
    assert code == 0
    assert told["decision"]["close_works"] is False
    assert "halted" in told["decision"]["close_text"]
    assert (told["decision"]["fit"], told["decision"]["favours"]) == ("liquidity_crisis", "refund")


def test_a_refund_is_confirmed_everywhere_and_repeats_without_paying_twice(start: Start) -> None:
    trader = start()
    venue = trader.venue
    position = venue.open(usd="250.5", leverage=4, side="short")
    venue.mark("101000")
    trader.prepare()
    reason = "my account may be compromised"
    code, told = trader.answer("refund", str(position), "--reason", reason)
    assert (code, told["success"]) == (0, True), told
    assert told["refunded_margin_usd"] == Decimal("250.5")
    assert (told["in_account"], told["in_lists"], told["in_market"]) == (True, False, True)
    assert told["withdrawable_usd"] == 10000
    assert told["fit"] == "account_security"
    assert told["reentry"]["spread_usd"] > 0
    assert told["next_step"] is None
    assert venue.listed() == {"open": [], "closed": [], "settled": []}

    code, again = trader.answer("refund", str(position))
    assert (code, again["success"], again["refunded_margin_usd"]) == (0, True, Decimal("250.5"))
    assert venue.balances()["withdrawable"] == "10000.00"

    venue.mark("99000")
    code, review = trader.answer("refund", str(position), "--review")
    assert (code, review["reason"], review["fit"]) == (0, reason, "account_security")
    assert review["liquidated_now"] is False
    assert Decimal(9) < review["held_pnl_usd"] < Decimal(11)
    venue.mark("130000")
    _, review = trader.answer("refund", str(position), "--review")
    assert (review["liquidated_now"], review["held_pnl_usd"]) == (True, Decimal("-250.5"))


def test_a_refund_that_an_exit_made_can_be_reviewed(start: Start) -> None:
    trader = start()
    venue = trader.venue
    position = venue.open()
    venue.halt()
    trader.prepare()
    code, _ = trader.answer("exit", "--reason", "halted all morning")
    assert code == 0
    code, review = trader.answer("refund", str(position), "--review")
    assert (code, review["reason"], review["refunded_margin_usd"]) == (0, "halted all morning", 100)


def test_a_refusal_leaves_the_position_and_says_so(start: Start) -> None:
    trader = start("--exit-age-min", "86400")
    venue = trader.venue
    position = venue.open()
    trader.prepare()
    code, told = trader.answer("refund", str(position))
    assert (code, told["success"]) == (10, False)
    assert "Emergency exit opens" in told["error"]
    assert venue.listed()["open"] == [position]


def test_what_cannot_be_refunded_is_told_and_nothing_is_done(start: Start) -> None:
    trader = start()
    position = trader.venue.open()
    trader.prepare('refund = "never"')
    for arguments, says in (
        (("refund", "999"), "never"),
        (("refund", "999", "--preview"), "no open position 999"),
        (("refund", "x1", "--preview"), "whole number"),
        (("refund", "1", "--review"), "knows no refund"),
        (("refund", "1", "--preview", "--review"), "exclude"),
        (("refund", "1", "--account", "other"), "no account"),
    ):
        code, told = trader.answer(*arguments)
        assert code == 2, told
        assert says in told["error"]["message"]
    assert trader.venue.listed()["open"] == [position]


def test_the_words_for_a_person_are_few_and_exact(start: Start) -> None:
    trader = start()
    position = trader.venue.open()
    trader.venue.mark("90500")
    trader.prepare()
    shown = trader.run("refund", str(position), "--preview").stdout
    assert "WARNING       this is fear of liquidation: a normal close ends that as well" in shown
    assert "NEAR" in shown
    done = trader.run("refund", str(position)).stdout
    assert done.splitlines()[-1].startswith(
        "REFUNDED: BTCUSD LONG (position 1): 100.00 USD of margin is back"
    )

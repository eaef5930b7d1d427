"""The dead-man's switch of Binance: a symbol's ordinary orders go when nobody renews it."""

import time

from tests.paper_clients import RawBinance
from tests.paper_process import PaperProcess

PATH = "/fapi/v1/countdownCancelAll"
WAIT_S = 10.0


def symbols(paper: PaperProcess) -> list[tuple[str, bool]]:
    orders = paper.control.account("binance")["open_orders"]
    return sorted((row["symbol"], row["trigger_price"] is not None) for row in orders)


def place_orders(paper: PaperProcess) -> None:
    paper.control.load_scenario("seed")
    for symbol, price in (("BTCUSDT", "90000"), ("SOLUSDT", "140")):
        order = {"symbol": symbol, "direction": "BUY", "quantity": "1", "price": price}
        paper.control.place_order("binance", **order)
    stop = {"direction": "SELL", "close_position": True, "trigger_price": "80000", "trigger_when": "FALLS_TO"}
    paper.control.place_order("binance", symbol="BTCUSDT", **stop)


def test_the_symbols_orders_go_when_the_time_is_over_and_the_stop_stays(
    paper: PaperProcess, raw: RawBinance
) -> None:
    place_orders(paper)
    before = symbols(paper)
    status, data, _ = raw.signed("POST", PATH, symbol="BTCUSDT", countdownTime=100)
    assert (status, data) == (200, {"symbol": "BTCUSDT", "countdownTime": "100"})
    ends = time.monotonic() + WAIT_S
    while symbols(paper) == before and time.monotonic() < ends:
        time.sleep(0.02)
    assert before == [("BTCUSDT", False), ("BTCUSDT", True), ("SOLUSDT", False)]
    assert symbols(paper) == [("BTCUSDT", True), ("SOLUSDT", False)]


def test_a_countdown_of_zero_ends_the_one_before(paper: PaperProcess, raw: RawBinance) -> None:
    place_orders(paper)
    raw.signed("POST", PATH, symbol="BTCUSDT", countdownTime=300)
    raw.signed("POST", PATH, symbol="BTCUSDT", countdownTime=0)
    # The other symbol's timer is set later and is over later: when it has run, the first would have.
    raw.signed("POST", PATH, symbol="SOLUSDT", countdownTime=400)
    ends = time.monotonic() + WAIT_S
    while ("SOLUSDT", False) in symbols(paper) and time.monotonic() < ends:
        time.sleep(0.02)
    assert symbols(paper) == [("BTCUSDT", False), ("BTCUSDT", True)]

"""What the paper exchange does by itself while a request is under way, and rules that end with time."""

import threading
import time
from typing import Any

import pytest

from tests.paper_clients import RawBinance
from tests.paper_process import ControlError, PaperProcess, paper_exchange

ORDER = "/fapi/v1/order"
RISK = "/fapi/v3/positionRisk"
CLOSE = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.5", "reduceOnly": "true"}
BACK = {"symbol": "BTCUSDT", "direction": "BUY", "quantity": "0.2", "client_order_id": "another"}


@pytest.fixture
def raw(paper: PaperProcess) -> RawBinance:
    return RawBinance(paper)


def on_orders(paper: PaperProcess, event: dict[str, Any], **more: object) -> None:
    rule = {"venue": "binance", "method": "POST", "path": ORDER, "count": 1, "event": event, **more}
    paper.control.fault("event", **rule)


def wait_for(paper: PaperProcess, held: str) -> None:
    end = time.monotonic() + 10
    while paper.control.positions("binance").get("BTCUSDT") != held:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_price_moves_before_the_order_that_sets_it_off_is_carried_out(
    raw: RawBinance, paper: PaperProcess
) -> None:
    on_orders(paper, {"price": {"symbol": "BTCUSDT", "price": "90000"}})
    status, data, _ = raw.signed("POST", ORDER, newOrderRespType="RESULT", **CLOSE)
    assert status == 200
    assert float(data["avgPrice"]) < 90_100


def test_another_bot_opens_again_as_soon_as_the_close_is_carried_out(
    raw: RawBinance, paper: PaperProcess
) -> None:
    on_orders(paper, {"order": BACK}, executed=True)
    assert raw.signed("POST", ORDER, **CLOSE)[0] == 200
    assert paper.control.positions("binance")["BTCUSDT"] == "0.2"


def test_an_event_may_come_later_and_nobody_needs_to_ask_for_it(raw: RawBinance, paper: PaperProcess) -> None:
    on_orders(paper, {"order": BACK}, executed=True, after_ms=200)
    assert raw.signed("POST", ORDER, **CLOSE)[0] == 200
    assert "BTCUSDT" not in paper.control.positions("binance")
    wait_for(paper, "0.2")


def test_the_depth_may_vanish_under_the_order(raw: RawBinance, paper: PaperProcess) -> None:
    on_orders(paper, {"depth": {"symbol": "BTCUSDT", "bids": [], "asks": []}})
    status, data, _ = raw.signed("POST", ORDER, newOrderRespType="RESULT", **CLOSE)
    assert (status, data.get("status", data.get("code"))) in {(200, "EXPIRED"), (400, -4131)}
    assert paper.control.positions("binance")["BTCUSDT"] == "0.5"


def test_an_event_that_the_exchange_refuses_stands_in_the_request_log(
    raw: RawBinance, paper: PaperProcess
) -> None:
    on_orders(paper, {"order": {**BACK, "quantity": "0.00001"}})
    assert raw.signed("POST", ORDER, **CLOSE)[0] == 200
    assert any("event refused" in word for word in paper.control.requests(path=ORDER)[-1]["faults"])


def test_a_rule_ends_so_long_after_its_first_hit_and_the_answer_names_what_is_left(
    raw: RawBinance, paper: PaperProcess
) -> None:
    paper.control.fault("fail", failure="banned", venue="binance", lasts_ms=1500)
    time.sleep(0.2)  # Time before the first hit does not count.
    status, _, headers = raw.signed("GET", RISK)
    assert (status, headers["retry-after"]) == (418, "2")
    end = time.monotonic() + 10
    while raw.signed("GET", RISK)[0] == 418:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert raw.signed("GET", RISK)[0] == 200


def test_one_rule_may_name_several_paths(raw: RawBinance, paper: PaperProcess) -> None:
    paper.control.fault("fail", path=f"{RISK}|/fapi/v?/balance", venue="binance")
    assert [raw.signed("GET", path)[0] for path in (RISK, "/fapi/v3/balance", "/fapi/v3/account")] == [
        503,
        503,
        200,
    ]


@pytest.mark.parametrize(
    "event", [{}, {"price": {"symbol": "BTCUSDT", "price": "0"}}, {"order": {}}, {"weather": "bad"}]
)
def test_an_event_that_cannot_be_is_refused_at_once(paper: PaperProcess, event: dict[str, Any]) -> None:
    with pytest.raises(ControlError, match="event"):
        on_orders(paper, event)


def test_the_venues_clock_may_differ_from_the_machines() -> None:
    with paper_exchange() as paper:
        document = {
            "clock_offset_ms": -7000,
            "venue": [{"name": "binance"}],
        }
        paper.control.load_scenario(document)
        _, data, _ = RawBinance(paper).send("GET", "/fapi/v1/time")
        assert -7500 < data["serverTime"] - time.time() * 1000 < -6500


def test_a_late_request_is_counted_until_it_is_finished_and_is_no_part_of_the_next_world(
    raw: RawBinance, paper: PaperProcess
) -> None:
    paper.control.fault("latency", venue="binance", request_ms=600)
    thread = threading.Thread(target=lambda: raw.signed("POST", ORDER, **CLOSE))
    thread.start()
    end = time.monotonic() + 10
    while not paper.control.call("GET", "/requests")["under_way"]:
        assert time.monotonic() < end
    paper.control.load_scenario("okx")
    thread.join(timeout=10)
    told = paper.control.call("GET", "/requests")
    assert (told["requests"], told["under_way"]) == ([], 0)

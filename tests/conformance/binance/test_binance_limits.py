"""Request weight, order counts and bans of the Binance wire."""

from collections.abc import Iterator
from typing import Any

import pytest

from bastion.paper.wire.binance.limits import LimitSettings
from tests.paper_clients import RawBinance
from tests.paper_process import PaperProcess

SELL = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.01", "reduceOnly": "true"}
RISK = "/fapi/v3/positionRisk"
START_MS = 1_800_000_000_000


def world(**settings: int) -> dict[str, Any]:
    return {
        "name": "limits",
        "clock_start_ms": START_MS,
        "venue": [
            {
                "name": "binance",
                "settings": settings,
                "instrument": [
                    {
                        "symbol": "BTCUSDT",
                        "base": "BTC",
                        "tick": "0.1",
                        "step": "0.001",
                        "quantity_min": "0.001",
                        "quantity_max": "100",
                        "market_quantity_max": "10",
                        "mark": "50000",
                        "depth": {"bids": [[0, "100"]], "asks": [[1, "100"]]},
                    }
                ],
                "account": [
                    {
                        "name": "main",
                        "api_key": "paper-binance-key",
                        "secret": "paper-binance-secret",
                        "balances": {"USDT": "100000"},
                        "position": [{"symbol": "BTCUSDT", "quantity": "5", "entry": "50000"}],
                    }
                ],
            }
        ],
    }


class Clocked:
    """Signed requests at the time of the stepped clock."""

    def __init__(self, paper: PaperProcess) -> None:
        self.control = paper.control
        self._raw = RawBinance(paper)

    def signed(self, method: str, path: str, **parameters: object) -> tuple[int, Any, Any]:
        clock_ms = self.control.state()["clock_ms"]
        return self._raw.signed(method, path, **{"timestamp": clock_ms, **parameters})


@pytest.fixture
def clocked(paper: PaperProcess) -> Iterator[Clocked]:
    yield Clocked(paper)
    paper.control.load_scenario("seed")


@pytest.mark.parametrize(
    ("method", "path", "parameters", "weight"),
    [
        ("GET", RISK, {}, 5),
        ("GET", "/fapi/v1/openOrders", {}, 40),
        ("GET", "/fapi/v1/openOrders", {"symbol": "BTCUSDT"}, 1),
        ("GET", "/fapi/v1/openAlgoOrders", {}, 40),
        ("GET", "/fapi/v1/income", {}, 30),
        ("GET", "/fapi/v1/userTrades", {"symbol": "BTCUSDT"}, 5),
        ("POST", "/fapi/v1/order", SELL, 0),
        ("GET", "/fapi/v1/positionSide/dual", {}, 30),
    ],
)
def test_each_call_weighs_what_the_documentation_says(
    clocked: Clocked, method: str, path: str, parameters: dict[str, str], weight: int
) -> None:
    clocked.control.load_scenario(world())
    _, _, headers = clocked.signed(method, path, **parameters)
    assert headers["x-mbx-used-weight-1m"] == str(weight)


def test_orders_are_counted_in_two_windows(clocked: Clocked) -> None:
    clocked.control.load_scenario(world())
    clocked.signed("POST", "/fapi/v1/order", **SELL)
    _, _, headers = clocked.signed("POST", "/fapi/v1/order", **SELL)
    assert (headers["x-mbx-order-count-10s"], headers["x-mbx-order-count-1m"]) == ("2", "2")
    clocked.control.advance(10_000)
    _, _, headers = clocked.signed("POST", "/fapi/v1/order", **SELL)
    assert (headers["x-mbx-order-count-10s"], headers["x-mbx-order-count-1m"]) == ("1", "3")


def test_too_many_orders_are_refused_until_the_window_ends(clocked: Clocked) -> None:
    clocked.control.load_scenario(world(orders_per_10s=2))
    for _ in range(2):
        assert clocked.signed("POST", "/fapi/v1/order", **SELL)[0] == 200
    status, data, headers = clocked.signed("POST", "/fapi/v1/order", **SELL)
    assert (status, data["code"], headers["retry-after"]) == (429, -1015, "10")
    clocked.control.advance(10_000)
    assert clocked.signed("POST", "/fapi/v1/order", **SELL)[0] == 200


def test_too_much_weight_earns_429_and_hammering_on_earns_418(clocked: Clocked) -> None:
    clocked.control.load_scenario(world(weight_per_minute=12, ban_after=2))
    for _ in range(2):
        assert clocked.signed("GET", RISK)[0] == 200
    for _ in range(2):
        status, data, headers = clocked.signed("GET", RISK)
        assert (status, data["code"], headers["retry-after"]) == (429, -1003, "60")
    status, data, headers = clocked.signed("GET", RISK)
    assert (status, data["code"], headers["retry-after"]) == (418, -1003, "120")
    assert "banned until" in data["msg"]
    clocked.control.advance(60_000)
    assert clocked.signed("POST", "/fapi/v1/order", **SELL)[0] == 418
    clocked.control.advance(60_000)
    assert clocked.signed("GET", RISK)[0] == 200


def test_papi_allows_an_address_more_than_fapi_unless_a_scenario_says_how_much() -> None:
    figures: tuple[dict[str, object], ...] = (
        {},
        {"portfolio_margin": 1},
        {"portfolio_margin": 1, "weight_per_minute": 12},
    )
    assert [LimitSettings.parse(one).weight_per_minute for one in figures] == [2_400, 6_000, 12]


def test_weight_is_counted_by_address(paper: PaperProcess) -> None:
    raw = RawBinance(paper)
    raw.signed("GET", RISK, source="127.0.0.7")
    _, _, headers = raw.signed("GET", RISK, source="127.0.0.8")
    assert headers["x-mbx-used-weight-1m"] == "5"

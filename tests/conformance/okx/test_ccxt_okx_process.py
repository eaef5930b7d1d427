"""Unmodified ccxt against OKX's wire in a process of its own: the shipped scenario, and what faults do."""

from collections.abc import AsyncIterator

import ccxt
import pytest
from ccxt.async_support import okx

from tests.okx_rig import ccxt_client, until
from tests.paper_process import PaperProcess

BTC, SOL = "BTC/USDT:USDT", "SOL/USDT:USDT"
ORDERS = "/api/v5/trade/batch-orders"
REDUCE = {"reduceOnly": True}
TRUE_POSITIONS = {"BTC-USDT-SWAP": "50", "SOL-USDT-SWAP": "-120", "BTC-USD-SWAP": "-300"}


@pytest.fixture
async def client(paper: PaperProcess) -> AsyncIterator[okx]:
    keys = {"apiKey": "paper-okx-key", "secret": "paper-okx-secret", "password": "paper-okx-passphrase"}
    paper.control.load_scenario("okx")
    async with ccxt_client(paper.base_url("okx"), timeout=3_000, **keys) as connected:
        await connected.load_markets()
        yield connected


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ("unavailable", ccxt.OnMaintenance),
        ("overloaded", ccxt.ExchangeNotAvailable),
        ("rate_limited", ccxt.RateLimitExceeded),
        ("banned", ccxt.PermissionDenied),
        ("internal_error", ccxt.ExchangeNotAvailable),
        ("unknown_status", ccxt.RequestTimeout),
    ],
)
async def test_a_failure_that_executed_nothing_leaves_the_position(
    paper: PaperProcess, client: okx, failure: str, error: type[Exception]
) -> None:
    paper.control.fault("fail", venue="okx", path=ORDERS, failure=failure, count=1)
    with pytest.raises(error):
        await client.create_order(SOL, "market", "buy", 120, None, REDUCE)
    assert paper.control.positions("okx") == TRUE_POSITIONS


async def test_a_timeout_answer_may_hide_an_order_that_was_executed(paper: PaperProcess, client: okx) -> None:
    paper.control.fault("fail", venue="okx", path=ORDERS, executed=True, failure="unknown_status", count=1)
    with pytest.raises(ccxt.RequestTimeout, match="50004"):
        await client.create_order(SOL, "market", "buy", 120, None, REDUCE)

    async def gone() -> bool:
        return "SOL-USDT-SWAP" not in paper.control.positions("okx")

    await until(gone)
    with pytest.raises(ccxt.ExchangeError, match="51169"):
        await client.create_order(SOL, "market", "buy", 120, None, REDUCE)


async def test_an_answer_that_breaks_off_is_an_empty_list_in_ccxt(paper: PaperProcess, client: okx) -> None:
    paper.control.fault("malformed", venue="okx", path="/api/v5/account/positions", shape="html", count=1)
    assert await client.fetch_positions() == []
    assert len(await client.fetch_positions()) == 3


async def test_partial_fills_lags_and_pretended_emptiness_bend_what_is_seen(
    paper: PaperProcess, client: okx
) -> None:
    paper.control.fault("partial_fill", venue="okx", path=ORDERS, ratio="0.5", count=1)
    await client.create_order(SOL, "market", "buy", 120, None, REDUCE)

    async def half() -> bool:
        return paper.control.positions("okx")["SOL-USDT-SWAP"] == "-60"

    await until(half)
    paper.control.fault("empty", venue="okx", path="/api/v5/account/positions", count=1)
    assert await client.fetch_positions() == []
    paper.control.fault("lag", venue="okx", path="/api/v5/account/positions", lag_ms=60_000, count=1)
    assert await client.fetch_positions() == []


async def test_the_request_log_names_the_account_and_what_was_executed(
    paper: PaperProcess, client: okx
) -> None:
    await client.close_position(SOL)
    (row,) = paper.control.requests(venue="okx", path="/api/v5/trade/close-position")
    assert (row["account"], row["code"]) == ("main", "0")
    assert "BUY 120 SOL-USDT-SWAP" in " ".join(row["executed"])

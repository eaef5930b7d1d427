"""Positions, balances, executions and histories: the figures that the venue shows."""

from decimal import Decimal

import pytest

from bastion.paper.wire.protocol import Conditions
from tests.okx_rig import BTC, COIN, ETH, LIST, MATCH_MS, TRADE, Venue, stepped, venue_on

OPTION = {
    "instType": "OPTION",
    "instId": "BTC-USD-261225-100000-C",
    "pos": "3",
    "posId": "307173036051000001",
    "ccy": "BTC",
    "notionalUsd": "27000",
}
MARGIN = {
    "instType": "MARGIN",
    "instId": "ETH-USDT",
    "pos": "1.5",
    "posCcy": "ETH",
    "posId": "307173036051000002",
    "liab": "-4000",
    "liabCcy": "USDT",
}


async def test_a_position_has_every_documented_field(venue: Venue) -> None:
    venue.hold(BTC, "-10")
    venue.pass_time(1_000)
    (row,) = await venue.positions()
    assert (row["instType"], row["posSide"], row["pos"], row["mgnMode"]) == ("SWAP", "net", "-10", "cross")
    assert (row["avgPx"], row["markPx"], row["notionalUsd"], row["lever"]) == ("90000", "90000", "9000", "10")
    assert (row["imr"], row["margin"], row["ccy"], row["usdPx"]) == ("900", "", "USDT", "1")
    documented = (
        "adl availPos bePx cTime closeOrderAlgo fundingFee idxPx interest last liab liabCcy liqPenalty"
    )
    more = "liqPx mgnRatio mmr optVal pnl posCcy posId realizedPnl settledPnl tradeId uTime upl uplRatio"
    assert set(documented.split() + more.split()) <= set(row)
    assert {name: value for name, value in row.items() if not isinstance(value, str | list)} == {}


async def test_an_isolated_position_shows_its_own_margin(isolated: Venue) -> None:
    isolated.hold(BTC, "10")
    (row,) = await isolated.positions()
    assert (row["mgnMode"], row["margin"], row["imr"]) == ("isolated", "900", "")


async def test_an_inverse_position_counts_contracts_of_dollars_in_coins(venue: Venue) -> None:
    venue.hold(COIN, "90")
    venue.exchange.set_mark(COIN, Decimal(100_000))
    (row,) = await venue.positions()
    assert (row["ccy"], row["notionalUsd"]) == ("BTC", "9000")
    assert Decimal(row["upl"]) == Decimal("0.01")
    assert (row["imr"], row["usdPx"]) == ("0.009", "90000")


async def test_one_call_shows_every_kind_of_position() -> None:
    async with venue_on(stepped(), {"positions": [OPTION, MARGIN]}) as venue:
        venue.hold(BTC, "1")
        kinds = {row["instType"]: row["pos"] for row in await venue.positions()}
        assert kinds == {"SWAP": "1", "OPTION": "3", "MARGIN": "1.5"}
        assert [row["instId"] for row in await venue.positions(instType="OPTION")] == [OPTION["instId"]]
        assert [row["instId"] for row in await venue.positions(instId=f"{BTC},{ETH}")] == [BTC]
        assert await venue.positions(instType="FUTURES") == []


async def test_the_risk_page_shows_the_same_positions_and_the_time(venue: Venue) -> None:
    venue.hold(BTC, "10")
    row = (await venue.get(f"{LIST}/account-position-risk")).row
    assert row["ts"] == str(venue.exchange.clock.now_ms())
    assert [(item["instId"], item["pos"], item["mgnMode"]) for item in row["posData"]] == [
        (BTC, "10", "cross")
    ]
    assert {item["ccy"] for item in row["balData"]} == {"USDT", "BTC"}


async def test_the_balance_counts_coins_and_dollars(venue: Venue) -> None:
    row = (await venue.get(f"{LIST}/balance")).row
    details = {item["ccy"]: item for item in row["details"]}
    assert (details["USDT"]["eq"], details["BTC"]["eqUsd"]) == ("1000000", "450000")
    assert row["totalEq"] == "1450000"
    only = (await venue.get(f"{LIST}/balance", ccy="BTC")).row
    assert [item["ccy"] for item in only["details"]] == ["BTC"]


async def test_executions_tell_price_pnl_and_the_fee_apart(venue: Venue) -> None:
    venue.hold(BTC, "-10")
    venue.exchange.set_mark(BTC, Decimal(89_000))
    done = await venue.filled(BTC, "buy", "10", reduceOnly="true", clOrdId="closing")
    rows = (await venue.get(f"{TRADE}/fills", instId=BTC, ordId=done["ordId"])).rows
    (row,) = rows
    assert (row["fillPx"], row["fillSz"], row["fillPnl"]) == ("89000.1", "10", "99.99")
    assert (row["fee"], row["feeCcy"], row["clOrdId"]) == ("-4.450005", "USDT", "closing")
    assert (row["side"], row["posSide"], row["execType"], row["subType"]) == ("buy", "net", "T", "6")
    assert row["ts"] == row["fillTime"]


async def test_executions_page_by_bill_and_filter_by_time(venue: Venue) -> None:
    for _ in range(5):
        await venue.filled(BTC, "buy", "1")
    first = (await venue.get(f"{TRADE}/fills", limit=2)).rows
    second = (await venue.get(f"{TRADE}/fills", limit=100, after=first[-1]["billId"])).rows
    assert len({row["tradeId"] for row in (*first, *second)}) == 5
    begin = int(first[-1]["ts"])
    assert len((await venue.get(f"{TRADE}/fills", begin=begin)).rows) == 2
    assert len((await venue.get(f"{TRADE}/fills", end=begin - MATCH_MS)).rows) == 3
    assert (await venue.get(f"{TRADE}/fills-history")).code == "50014"
    assert len((await venue.get(f"{TRADE}/fills-history", instType="SWAP")).rows) == 5


async def test_a_closed_position_is_in_the_history_with_its_result(venue: Venue) -> None:
    venue.hold(BTC, "10")
    venue.exchange.set_mark(BTC, Decimal(91_000))
    await venue.filled(BTC, "sell", "4", reduceOnly="true")
    partly = (await venue.get(f"{LIST}/positions-history")).row
    assert (partly["type"], partly["closeTotalPos"], partly["direction"]) == ("1", "4", "long")
    await venue.filled(BTC, "sell", "6", reduceOnly="true")
    row = (await venue.get(f"{LIST}/positions-history", instId=BTC)).row
    assert (row["type"], row["openAvgPx"], row["closeAvgPx"]) == ("2", "90000", "90999.9")
    assert (row["pnl"], row["fee"]) == ("99.99", "-4.549995")
    assert Decimal(row["realizedPnl"]) == Decimal("99.99") - Decimal("4.549995")
    assert (await venue.get(f"{LIST}/positions-history", type="1")).rows == []


async def test_order_history_keeps_what_was_filled_and_drops_old_cancels(venue: Venue) -> None:
    await venue.filled(BTC, "buy", "1")
    resting = await venue.order(BTC, "buy", "1", ordType="limit", px="89000")
    await venue.post(f"{TRADE}/cancel-order", {"instId": BTC, "ordId": resting.row["ordId"]})
    states = [row["state"] for row in (await venue.get(f"{TRADE}/orders-history", instType="SWAP")).rows]
    assert states == ["canceled", "filled"]
    venue.pass_time(2 * 3_600_000 + 1)
    states = [row["state"] for row in (await venue.get(f"{TRADE}/orders-history", instType="SWAP")).rows]
    assert states == ["filled"]


async def test_the_position_mode_changes_only_while_nothing_is_open(venue: Venue) -> None:
    path = f"{LIST}/set-position-mode"
    assert (await venue.post(path, {"posMode": "long_short_mode"})).code == "0"
    assert (await venue.get(f"{LIST}/config")).row["posMode"] == "long_short_mode"
    await venue.filled(BTC, "buy", "1", posSide="long")
    assert (await venue.post(path, {"posMode": "net_mode"})).code == "59000"
    assert (await venue.post(path, {"posMode": "sideways"})).code == "51000"


async def test_leverage_is_set_by_instrument(venue: Venue) -> None:
    body = {"instId": BTC, "lever": "20", "mgnMode": "cross"}
    assert (await venue.post(f"{LIST}/set-leverage", body)).row["lever"] == "20"
    info = (await venue.get(f"{LIST}/leverage-info", instId=f"{BTC},{ETH}", mgnMode="cross")).rows
    assert {row["instId"]: row["lever"] for row in info} == {BTC: "20", ETH: "10"}
    assert (await venue.post(f"{LIST}/set-leverage", {**body, "lever": "1000"})).code == "59102"


async def test_an_order_in_the_other_margin_mode_sets_the_mode_of_a_free_instrument(venue: Venue) -> None:
    await venue.filled(BTC, "buy", "1", tdMode="isolated")
    assert (await venue.positions())[0]["mgnMode"] == "isolated"
    beside = await venue.order(BTC, "buy", "1", tdMode="cross")
    assert beside.fates == ["51000"]
    assert "not modelled" in beside.row["sMsg"]


@pytest.mark.parametrize(
    "path", [f"{LIST}/positions", f"{TRADE}/orders-pending", f"{TRADE}/fills", f"{LIST}/positions-history"]
)
async def test_a_list_that_lies_is_empty_and_looks_like_a_good_one(venue: Venue, path: str) -> None:
    venue.hold(BTC, "10")
    await venue.filled(BTC, "sell", "1", reduceOnly="true")
    await venue.order(BTC, "buy", "1", ordType="limit", px="89000")
    assert (await venue.get(path)).rows != []
    venue.conditions = Conditions(pretend_empty=True)
    lie = await venue.get(path)
    assert (lie.status, lie.code, lie.rows) == (200, "0", [])


async def test_a_list_that_lags_shows_what_was_there(venue: Venue) -> None:
    venue.hold(BTC, "10")
    venue.pass_time(1_000)
    await venue.filled(BTC, "sell", "10", reduceOnly="true")
    venue.conditions = Conditions(read_lag_ms=500)
    assert [row["pos"] for row in await venue.positions()] == ["10"]
    assert (await venue.get(f"{TRADE}/fills", ordId="1")).rows == []
    venue.pass_time(600)
    assert await venue.positions() == []


async def test_instruments_tell_contract_size_lots_and_maxima(venue: Venue) -> None:
    rows = (await venue.get("/api/v5/public/instruments", instType="SWAP")).rows
    found = {row["instId"]: row for row in rows}
    btc, coin = found[BTC], found[COIN]
    assert (btc["ctType"], btc["ctVal"], btc["ctMult"], btc["ctValCcy"]) == ("linear", "0.01", "1", "BTC")
    assert (btc["lotSz"], btc["minSz"], btc["maxMktSz"], btc["maxLmtSz"]) == ("0.01", "0.01", "500", "10000")
    assert (coin["ctType"], coin["ctVal"], coin["ctValCcy"], coin["settleCcy"]) == (
        "inverse",
        "100",
        "USD",
        "BTC",
    )
    assert (coin["uly"], coin["instFamily"], coin["state"]) == ("BTC-USD", "BTC-USD", "live")
    for kind in ("SPOT", "FUTURES"):
        assert (await venue.get("/api/v5/public/instruments", instType=kind)).rows == []
    assert (await venue.get("/api/v5/public/instruments", instType="OPTION")).code == "50015"
    assert (await venue.get("/api/v5/public/instruments")).code == "50014"


async def test_prices_books_and_tickers_come_as_text(venue: Venue) -> None:
    mark = (await venue.get("/api/v5/public/mark-price", instType="SWAP", instId=BTC)).row
    assert mark["markPx"] == "90000"
    book = (await venue.get("/api/v5/market/books", instId=BTC, sz=2)).row
    assert book["bids"] == [["89999.9", "1000", "0", "1"], ["89999.8", "1000", "0", "1"]]
    ticker = (await venue.get("/api/v5/market/ticker", instId=BTC)).row
    assert (ticker["last"], ticker["askPx"], ticker["bidPx"]) == ("90000", "90000.1", "89999.9")
    assert len((await venue.get("/api/v5/market/tickers", instType="SWAP")).rows) == 3
    index = (await venue.get("/api/v5/market/index-tickers", instId="BTC-USD")).row
    assert index["idxPx"] == "90000"
    assert (await venue.get("/api/v5/public/funding-rate", instId=BTC)).row["fundingRate"] == "0"

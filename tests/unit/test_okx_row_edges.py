"""What each field of a row of OKX comes to: whole rows, the edges of each rule, and odd words."""

from decimal import Decimal
from typing import Any

import pytest

from bastion.domain.order import Cause, Direction, OrderStatus
from bastion.domain.position import MarginMode, Side
from bastion.errors import AnswerMalformed
from bastion.venues.ccxt import okx_rows
from bastion.venues.raw import Row
from tests.unit.row_parts import FIGURES, LIMITS, ONE, ORDER, D, row, told

OKX_POSITION: dict[str, Any] = {
    "instId": "BTC-USDT-SWAP",
    "instType": "SWAP",
    "pos": "-2",
    "posSide": "net",
    "mgnMode": "cross",
    "avgPx": "90",
    "markPx": "100",
    "liqPx": "150",
    "lever": "5",
    "notionalUsd": "200",
    "imr": "40",
    "margin": "70",
    "upl": "-20",
    "fundingFee": "-1",
    "ccy": "USDT",
    "uTime": "1720736417660",
}


def test_an_okx_position_is_told_with_all_its_figures() -> None:
    found = okx_rows.position(row(OKX_POSITION))
    assert told(found, "instrument", "category", "symbol", "funding_usd") == [
        *("BTC-USDT-SWAP", "swap", "BTCUSDT", D(-1))
    ]
    assert told(found, *FIGURES) == [
        *(Side.SHORT, D(2), False, MarginMode.CROSS, D(90), D(100), D(150), D(5)),
        *(D(200), D(40), D(-20), 1720736417660, True),
    ]
    apart = okx_rows.position(row(OKX_POSITION, mgnMode="isolated", pos="2"))
    assert told(apart, "category", "side", "margin_mode", "margin_usd") == [
        *("swap-isolated", Side.LONG, MarginMode.ISOLATED, D(70))
    ]
    assert okx_rows.position(row(OKX_POSITION, pos="0")) is None


@pytest.mark.parametrize(
    ("changes", "side", "hedged", "closable"),
    [
        ({"posSide": "long", "pos": "2"}, Side.LONG, True, True),
        ({"posSide": "short", "pos": "2"}, Side.SHORT, True, True),
        ({"posSide": ""}, Side.SHORT, False, True),
        ({"instType": "FUTURES", "pos": "2"}, Side.LONG, False, True),
        ({"instType": "OPTION"}, Side.SHORT, False, False),
        ({"instType": "OPTION", "posSide": "long"}, Side.LONG, True, False),
        ({"instType": "MARGIN", "pos": "2", "posCcy": "BTC"}, Side.LONG, False, False),
        ({"instType": "MARGIN", "pos": "2", "posCcy": "USDT"}, Side.SHORT, False, False),
        ({"instType": "MARGIN", "pos": "2", "posCcy": ""}, Side.LONG, False, False),
        ({"instType": "MARGIN", "pos": "2", "posCcy": "USDT", "posSide": "long"}, Side.LONG, True, False),
        ({"pos": "2", "posCcy": "USDT"}, Side.LONG, False, True),
    ],
)
def test_the_side_of_an_okx_position_is_its_leg_its_sign_or_its_coin(
    changes: dict[str, object],
    side: Side,
    hedged: bool,  # noqa: FBT001 - a case of the table
    closable: bool,  # noqa: FBT001 - a case of the table
) -> None:
    found = okx_rows.position(row(OKX_POSITION, **changes))
    assert told(found, "side", "hedged", "closable") == [side, hedged, closable]


@pytest.mark.parametrize(
    "changes",
    [
        {"posSide": "long", "pos": "-2"},
        {"posSide": "both"},
        {"mgnMode": "cash"},
        {"mgnMode": "zzz"},
        {"mgnMode": None},
    ],
)
def test_an_okx_position_that_is_not_documented_is_malformed(changes: dict[str, object]) -> None:
    with pytest.raises(AnswerMalformed):
        okx_rows.position(row(OKX_POSITION, **changes))


@pytest.mark.parametrize(
    ("changes", "margin", "pnl"),
    [
        ({"ccy": "USDC"}, D(40), D(-20)),
        ({"ccy": "BTC", "usdPx": "3"}, D(120), D(-60)),
        ({"ccy": "BTC"}, D(4_000), D(-2_000)),
        ({"ccy": "ETH"}, None, None),
        ({"ccy": "ETH", "usdPx": "0"}, None, None),
        ({"imr": "0"}, None, D(-20)),
        ({"upl": ""}, D(40), None),
    ],
)
def test_amounts_of_okx_are_valued_by_what_its_margin_coin_is_worth(
    changes: dict[str, object], margin: Decimal | None, pnl: Decimal | None
) -> None:
    found = okx_rows.position(row(OKX_POSITION, **changes))
    assert told(found, "margin_usd", "unrealized_pnl_usd") == [margin, pnl]


def test_a_category_of_okx_holds_its_kind_and_its_margin_mode() -> None:
    assert okx_rows.category_of("SWAP", "cross") == "swap"
    assert okx_rows.category_of("SWAP", "isolated") == "swap-isolated"
    assert [okx_rows.mode_of(word) for word in ("swap", "swap-isolated")] == ["cross", "isolated"]
    assert [okx_rows.kind_of(word) for word in ("swap", "futures-isolated")] == ["SWAP", "FUTURES"]
    assert okx_rows.changed_ms(row(OKX_POSITION)) == 1720736417660
    assert okx_rows.changed_ms(row({})) == 0


OKX_ORDER: dict[str, Any] = {
    "instId": "BTC-USDT-SWAP",
    "instType": "SWAP",
    "tdMode": "isolated",
    "ordId": "7",
    "clOrdId": "mine",
    "side": "sell",
    "posSide": "long",
    "state": "partially_filled",
    "sz": "5",
    "accFillSz": "2",
    "avgPx": "99",
    "reduceOnly": "false",
    "cancelSource": "14",
}


def test_an_okx_order_is_told_with_what_is_left_of_it() -> None:
    found = okx_rows.open_order(row(OKX_ORDER))
    assert told(found, *ORDER) == [
        *("BTC-USDT-SWAP", "swap-isolated", "7", "mine", Direction.SELL, D(3), True, False, Side.LONG)
    ]
    assert told(okx_rows.open_order(row(OKX_ORDER, accFillSz="")), "quantity") == [D(5)]


@pytest.mark.parametrize("changes", [{"state": "filled"}, {"state": "canceled"}, {"instType": "SPOT"}])
def test_an_okx_order_that_ended_or_trades_spot_is_none(changes: dict[str, object]) -> None:
    assert okx_rows.open_order(row(OKX_ORDER, **changes)) is None
    assert okx_rows.open_order(row(OKX_ORDER, state="other")) is not None


@pytest.mark.parametrize(
    ("changes", "reduces"),
    [
        ({}, True),
        ({"posSide": "short"}, False),
        ({"posSide": "short", "side": "buy"}, True),
        ({"posSide": "long", "side": "buy"}, False),
        ({"posSide": "net"}, False),
        ({"posSide": "net", "reduceOnly": "true"}, True),
        ({"posSide": "net", "closeFraction": "1"}, True),
        ({"posSide": "net", "closeFraction": ""}, False),
    ],
)
def test_an_okx_order_reduces_by_its_flag_its_share_or_its_leg(
    changes: dict[str, object],
    reduces: bool,  # noqa: FBT001 - a case of the table
) -> None:
    found = okx_rows.open_order(row(OKX_ORDER, **changes))
    assert told(found, "reduce_only") == [reduces]


def test_an_okx_algo_order_waits_and_may_name_no_size() -> None:
    algo = {**OKX_ORDER, "algoId": "a7", "algoClOrdId": "algo"}
    found = okx_rows.open_algo(row(algo))
    assert told(found, "order_id", "client_order_id", "quantity", "conditional") == ["a7", "algo", D(5), True]
    assert told(okx_rows.open_algo(row(algo, sz="")), "quantity") == [D(0)]
    assert okx_rows.open_algo(row(algo, instType="SPOT")) is None
    assert okx_rows.open_algo(row(algo, instType="MARGIN")) is not None


@pytest.mark.parametrize(
    ("word", "status", "reason"),
    [
        ("live", OrderStatus.ACCEPTED, ""),
        ("filled", OrderStatus.FILLED, ""),
        ("canceled", OrderStatus.CANCELED, "14"),
        ("mmp_canceled", OrderStatus.CANCELED, "14"),
    ],
)
def test_what_an_okx_order_came_to_is_told_with_who_ended_it(
    word: str, status: OrderStatus, reason: str
) -> None:
    state = okx_rows.order_state(row(OKX_ORDER, state=word))
    names = ("status", "reason", "filled", "average_price", "order_id", "client_order_id")
    assert told(state, *names) == [status, reason, D(2), D(99), "7", "mine"]
    with pytest.raises(AnswerMalformed):
        okx_rows.order_state(row(OKX_ORDER, state="odd"))


OKX_FILL: dict[str, Any] = {
    "instId": "BTC-USDT-SWAP",
    "tradeId": "t1",
    "ordId": "7",
    "clOrdId": "mine",
    "side": "buy",
    "posSide": "short",
    "fillSz": "2",
    "fillPx": "110",
    "fee": "-0.5",
    "fillPnl": "-4",
    "fillTime": "1597026383085",
    "ts": "1597026383999",
}


def test_an_okx_execution_pays_its_fee_and_tells_its_pnl_by_their_own_rates() -> None:
    found = okx_rows.fill(row(OKX_FILL), "swap", fee_rate=D(2), pnl_rate=D(3))
    names = ("fill_id", "order_id", "client_order_id", "direction", "quantity", "price", "fee_usd", "at_ms")
    assert told(found, *names) == [*("t1", "7", "mine", Direction.BUY, D(2), D(110), D(1), 1597026383085)]
    assert told(found, "side", "realized_pnl_usd", "cause", "category") == [Side.SHORT, D(-12), None, "swap"]
    bare = okx_rows.fill(row(OKX_FILL, fillTime="", fee="", fillPnl=""), "swap", fee_rate=ONE, pnl_rate=ONE)
    assert told(bare, "at_ms", "fee_usd", "realized_pnl_usd") == [1597026383999, D(0), None]


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("99", None),
        ("100", Cause.LIQUIDATION),
        ("107", Cause.LIQUIDATION),
        ("108", None),
        ("124", None),
        ("125", Cause.ADL),
        ("128", Cause.ADL),
        ("129", None),
    ],
)
def test_an_okx_execution_says_what_caused_it(kind: str, cause: Cause | None) -> None:
    assert okx_rows.fill(row(OKX_FILL, subType=kind), "swap", fee_rate=ONE, pnl_rate=ONE).cause is cause


def okx_contract(**changes: object) -> Row:
    return row(
        {
            "instId": "BTC-USD-SWAP",
            "instType": "SWAP",
            "uly": "XBT-USD",
            "settleCcy": "BTC",
            "ctType": "inverse",
            "ctVal": "100",
            "ctMult": "2",
            "lotSz": "1",
            "minSz": "3",
            "maxMktSz": "50",
            "maxLmtSz": "90",
            "tickSz": "0.1",
        },
        **changes,
    )


def test_an_okx_contract_has_the_limits_of_its_market_orders() -> None:
    full = okx_rows.instrument(okx_contract(), "isolated")
    assert told(full, "id", "category", "base", "settle", "inverse", "contract_size") == [
        *("BTC-USD-SWAP", "swap-isolated", "XBT", "BTC", True, D(200))
    ]
    assert told(full, *LIMITS) == [D(1), D(3), D(50), D("0.1")]
    bare = okx_rows.instrument(
        okx_contract(uly="", ctType="linear", ctMult="", maxMktSz="", lotSz="", minSz="", tickSz=""), "cross"
    )
    assert told(bare, "category", "base", "inverse", "contract_size") == ["swap", "BTC", False, D(100)]
    assert told(bare, *LIMITS) == [D(0), D(0), D(90), D(0)]
    assert okx_rows.instrument(okx_contract(maxMktSz="", maxLmtSz=""), "cross").market_quantity_max == 0

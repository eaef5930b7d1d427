"""Each request that an encoder writes is byte for byte the one that unmodified ccxt would send."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bastion.venues.ccxt.door import exchange_class
from bastion.venues.ccxt.okx_stamp import stamped
from bastion.venues.encoders import binance, bybit, hyperliquid, okx
from bastion.venues.encoders.signed import Encoder, Parameters, Signed

KEY, SECRET, PASSPHRASE = "an-api-key", "a-secret", "a-passphrase"
STAMP_MS = 1_795_340_921_007
WINDOW_MS = 5_000
BASE = "http://127.0.0.1:8740/venue"
RAW_METHOD = re.compile(
    r'"((?:fapi|dapi|papi|sapi|private|public)(?:V[23])?(?:Get|Post|Delete)[A-Za-z0-9]+)"'
)
BROKER_TAGS = frozenset({"Referer"})
"""Headers by which ccxt names itself a broker; ours names none."""

BINANCE: Mapping[str, Mapping[str, object]] = {
    "fapiPrivatePostOrder": {
        "symbol": "1000PEPEUSDT",
        "side": "SELL",
        "quantity": "0.002",
        "newClientOrderId": "bstabc234",
        "newOrderRespType": "RESULT",
        "reduceOnly": "true",
        "type": "MARKET",
    },
    "fapiPrivatePostAlgoOrder": {
        "symbol": "BTCUSDT",
        "clientAlgoId": "bstabc234",
        "closePosition": True,
        "triggerPrice": "0.5",
    },
    "papiPostUmOrder": {"symbol": "BTCUSDT", "side": "SELL", "newClientOrderId": "bstabc234"},
    "papiPostCmOrder": {"symbol": "BTCUSD_PERP", "side": "BUY", "newClientOrderId": "bstabc234"},
    "papiDeleteCmConditionalOrder": {"symbol": "BTCUSD_PERP", "strategyId": "12345"},
    "fapiPrivateGetUserTrades": {"symbol": "BTCUSDT", "startTime": 1_795_340_000_000, "limit": 1000},
    "fapiPrivateDeleteOrder": {"symbol": "BTCUSDT", "orderId": "12345"},
    "fapiPrivateDeleteBatchOrders": {"symbol": "币安人生USDT", "orderidlist": ["12345", "12346"]},
    "dapiPrivateDeleteBatchOrders": {"symbol": "BTCUSD_PERP", "orderidlist": ["12345"]},
    "sapiDeleteAlgoFuturesOrder": {"algoId": "14511"},
    "fapiPrivateGetOrder": {"symbol": "币安人生USDT", "origClientOrderId": "a b+c/d~e"},
    "fapiPublicGetDepth": {"symbol": "BTCUSDT", "limit": 5},
}
BYBIT: Mapping[str, Mapping[str, object]] = {
    "privatePostV5OrderCreate": {
        "category": "linear",
        "symbol": "BTCUSDT",
        "side": "Sell",
        "orderType": "Market",
        "qty": "0.002",
        "reduceOnly": True,
        "positionIdx": 1,
        "orderLinkId": "bstabc234",
    },
    "privatePostV5OrderCreateBatch": {
        "category": "linear",
        "request": [{"symbol": "BTCUSDT", "qty": "1"}, {"symbol": "ETHUSDT", "qty": "2"}],
    },
    "privateGetV5PositionList": {
        "category": "linear",
        "settleCoin": "USDT",
        "limit": "200",
        "cursor": "a%3A1",
    },
    "publicGetV5MarketTickers": {"category": "linear", "symbol": "BTCUSDT"},
}
OKX: Mapping[str, Parameters] = {
    "privatePostTradeOrder": {
        "instId": "BTC-USDT-SWAP",
        "tdMode": "cross",
        "side": "sell",
        "ordType": "market",
        "sz": "0.1",
        "clOrdId": "bstabc234",
        "reduceOnly": "true",
    },
    "privatePostTradeBatchOrders": [{"instId": "BTC-USDT-SWAP", "clOrdId": "bst1"}, {"clOrdId": "bst2"}],
    "privatePostTradeClosePosition": {"instId": "BTC-USDT-SWAP", "mgnMode": "cross", "autoCxl": True},
    "privatePostTradeCancelAlgos": [{"instId": "BTC-USDT-SWAP", "algoId": "1"}],
    "privateGetTradeOrdersAlgoPending": {"ordType": "conditional,oco", "limit": "100"},
    "publicGetPublicInstruments": {"instType": "SWAP"},
}
HYPERLIQUID: Mapping[str, Mapping[str, object]] = {
    "publicPostInfo": {"type": "clearinghouseState", "user": "0xab", "dex": ""},
    "privatePostExchange": {
        "action": {"type": "order", "orders": [{"a": 0, "b": True, "p": "1", "r": True}], "grouping": "na"},
        "nonce": STAMP_MS,
        "signature": {"r": "0x1", "s": "0x2", "v": 27},
        "expiresAfter": STAMP_MS + 5_000,
    },
}


class Caught(Exception):  # noqa: N818 - it carries a request
    def __init__(self, request: Signed) -> None:
        super().__init__()
        self.request = request


def caught_by(exchange: Any, base_url: str | None, *, demo: bool = False) -> Any:  # noqa: ANN401 - ccxt ships no types
    if exchange.__name__ == "okx":
        exchange = stamped(exchange, demo=demo)

    class Frozen(exchange):  # type: ignore[misc]
        def nonce(self) -> int:
            return STAMP_MS

        def stamp_ms(self) -> int:
            return STAMP_MS

        async def fetch(self, url: str, method: str = "GET", *rest: Any) -> None:  # noqa: ANN401 - as above
            headers, body = (*rest, None, None)[:2]
            told = {name: value for name, value in (headers or {}).items() if name not in BROKER_TAGS}
            raise Caught(Signed(method=method, url=url, headers=told, body=body.encode() if body else None))

    client = Frozen({"apiKey": KEY, "secret": SECRET, "password": PASSPHRASE, "enableRateLimit": False})
    client.options["recvWindow"] = WINDOW_MS
    if base_url is not None:
        client.urls["api"] = {
            name: base_url + urlsplit(url).path
            for name, url in client.urls["api"].items()
            if isinstance(url, str)
        }
    return client


async def by_ccxt(client: Any, method: str, params: Parameters) -> Signed:  # noqa: ANN401 - as above
    own = dict(params) if isinstance(params, Mapping) else [dict(item) for item in params]
    with pytest.raises(Caught) as caught:
        await getattr(client, method)(own)
    return caught.value.request


def encoder_of(venue: str, base_url: str | None, *, demo: bool = False) -> Encoder:
    if venue == "binanceusdm":
        return binance.BinanceEncoder(KEY, SECRET, recv_window_ms=WINDOW_MS, base_url=base_url)
    if venue == "bybit":
        return bybit.BybitEncoder(KEY, SECRET, recv_window_ms=WINDOW_MS, base_url=base_url)
    if venue == "okx":
        return okx.OkxEncoder(api_key=KEY, secret=SECRET, passphrase=PASSPHRASE, demo=demo, base_url=base_url)
    return hyperliquid.HyperliquidEncoder(base_url=base_url)


CASES: Mapping[str, tuple[Mapping[str, object], Mapping[str, Parameters]]] = {
    "binanceusdm": (binance.METHODS, BINANCE),
    "bybit": (bybit.METHODS, BYBIT),
    "okx": (okx.METHODS, OKX),
    "hyperliquid": (hyperliquid.METHODS, HYPERLIQUID),
}


@pytest.mark.parametrize("base_url", [None, BASE])
@pytest.mark.parametrize("venue", CASES)
async def test_every_method_is_written_as_ccxt_writes_it(venue: str, base_url: str | None) -> None:
    client = caught_by(exchange_class(venue), base_url)
    encoder = encoder_of(venue, base_url)
    methods, cases = CASES[venue]
    for method in methods:
        named = {"newClientOrderId": "bst1", "clientAlgoId": "bst1", "clOrdId": "bst1"}
        for params in (cases.get(method, {}), {**named, "symbol": "BTCUSDT"}):
            written = encoder.encode(method, params, stamp_ms=STAMP_MS)
            if "apiPrivatePost" in method and not params:
                assert written is None
                continue
            if method == "privatePostTradeOrder" and not params:
                assert written is None
                continue
            assert written == await by_ccxt(client, method, params), method


async def test_a_batch_cancel_is_what_ccxt_makes_of_cancel_orders() -> None:
    client = caught_by(exchange_class("binanceusdm"), None)
    ids = ["669767046", "669767047"]
    market = {"id": "LTCUSDT", "symbol": "LTC/USDT:USDT", "contract": True, "linear": True, "type": "swap"}
    client.markets, client.markets_by_id = {"LTC/USDT:USDT": market}, {"LTCUSDT": [market]}
    with pytest.raises(Caught) as caught:
        await client.cancel_orders(ids, "LTC/USDT:USDT")
    params = {"symbol": "LTCUSDT", "orderidlist": ids}
    written = encoder_of("binanceusdm", None).encode(
        "fapiPrivateDeleteBatchOrders", params, stamp_ms=STAMP_MS
    )
    assert written == caught.value.request


async def test_a_demo_key_of_okx_says_what_it_is_on_every_request() -> None:
    client = caught_by(exchange_class("okx"), None, demo=True)
    encoder = encoder_of("okx", None, demo=True)
    for method, params in OKX.items():
        written = encoder.encode(method, params, stamp_ms=STAMP_MS)
        assert written == await by_ccxt(client, method, params)
        assert written.headers["x-simulated-trading"] == "1"


@pytest.mark.parametrize("venue", ["binanceusdm", "bybit"])
def test_what_an_encoder_cannot_sign_is_left_to_ccxt(venue: str) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"
    encoder: Encoder = (
        binance.BinanceEncoder(KEY, pem, recv_window_ms=WINDOW_MS, base_url=None)
        if venue == "binanceusdm"
        else bybit.BybitEncoder(KEY, pem, recv_window_ms=WINDOW_MS, base_url=None)
    )
    for method in CASES[venue][0]:
        assert encoder.encode(method, {}, stamp_ms=STAMP_MS) is None


@pytest.mark.parametrize("venue", CASES)
def test_a_method_that_no_table_names_is_left_to_ccxt(venue: str) -> None:
    assert encoder_of(venue, None).encode("privatePostSomethingNew", {}, stamp_ms=STAMP_MS) is None


def test_an_order_without_an_id_of_ours_is_left_to_ccxt() -> None:
    written = encoder_of("okx", None).encode(
        "privatePostTradeBatchOrders", [{"clOrdId": "bst1"}, {"instId": "BTC-USDT-SWAP"}], stamp_ms=STAMP_MS
    )
    assert written is None


def test_every_raw_method_that_the_adapters_name_is_written_by_an_encoder() -> None:
    folder = Path(binance.__file__).parents[1] / "ccxt"
    named = {
        name
        for path in folder.glob("*.py")
        if not path.name.startswith("generic")
        for name in RAW_METHOD.findall(path.read_text(encoding="utf-8"))
    }
    known = {name for methods, _ in CASES.values() for name in methods}
    assert len(named) >= 40
    assert named <= known, "these would load all of ccxt in the middle of an exit"

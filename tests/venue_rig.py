"""A scripted venue on a real socket: it answers what a test tells it to, and notes what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from bastion.clock import SystemClock
from bastion.domain.account import Account
from bastion.domain.money import Quantity
from bastion.domain.order import OrderKind, OrderRequest
from bastion.domain.position import Position, Side
from bastion.venues.catalog import Catalog
from bastion.venues.ccxt.binance import BinanceVenue
from bastion.venues.ccxt.bybit import BybitVenue
from bastion.venues.ccxt.okx import OkxVenue

API_KEY = "key-that-must-not-show"
SECRET = "secret-that-must-not-show"
PASSPHRASE = "passphrase-that-must-not-show"

ScriptedVenue = BinanceVenue | BybitVenue | OkxVenue
Responder = Callable[["Asked"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    params: dict[str, Any]
    request: web.Request


@dataclass
class Script:
    """What the scripted venue answers; the last responder of a list stays."""

    url: str = ""
    answers: dict[str, list[Responder]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def on(self, path: str, *responders: Responder) -> None:
        self.answers[path] = list(responders)

    def seen(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path.endswith(path)]

    def posted(self, path: str) -> list[Asked]:
        return [asked for asked in self.seen(path) if asked.method == "POST"]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        params: dict[str, Any] = dict(parse_qsl(request.query_string))
        if text.startswith("{"):
            params |= json.loads(text)
        elif text.startswith("["):
            params["items"] = json.loads(text)
        else:
            params |= dict(parse_qsl(text))
        asked = Asked(method=request.method, path=request.path, params=params, request=request)
        self.asked.append(asked)
        for path, responders in self.answers.items():
            if request.path.endswith(path):
                responder = responders.pop(0) if len(responders) > 1 else responders[0]
                return await responder(asked)
        return web.json_response({"retCode": 10404, "code": -1, "msg": "no such path"}, status=404)


def reply(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Responder:
    async def respond(_asked: Asked) -> web.StreamResponse:
        return web.json_response(value, status=status, headers=headers)

    return respond


def raw(
    text: str,
    status: int = 200,
    content_type: str = "application/json",
    headers: dict[str, str] | None = None,
) -> Responder:
    async def respond(_asked: Asked) -> web.StreamResponse:
        return web.Response(text=text, status=status, content_type=content_type, headers=headers)

    return respond


def redirect(url: str) -> Responder:
    async def respond(_asked: Asked) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": url})

    return respond


def hang() -> Responder:
    async def respond(_asked: Asked) -> web.StreamResponse:
        await asyncio.sleep(30)  # Far beyond every deadline that a test gives.
        return web.Response()

    return respond


def reset() -> Responder:
    async def respond(asked: Asked) -> web.StreamResponse:
        assert asked.request.transport is not None
        asked.request.transport.abort()
        return web.Response()

    return respond


def torn(whole: Responder) -> Responder:
    async def respond(asked: Asked) -> web.StreamResponse:
        told = await whole(asked)
        assert isinstance(told, web.Response)
        assert isinstance(told.body, bytes)
        begun = web.StreamResponse(status=told.status, headers=told.headers)
        begun.content_length = len(told.body)
        await begun.prepare(asked.request)
        await begun.write(told.body[:-1])
        assert asked.request.transport is not None
        asked.request.transport.close()
        return begun

    return respond


def v5(result: object, **more: object) -> dict[str, object]:
    return {
        "retCode": 0,
        "retMsg": "OK",
        "result": result,
        "retExtInfo": {},
        "time": 1_700_000_000_000,
        **more,
    }


@dataclass(frozen=True)
class Flavour:
    """One venue's words for what the tests have in common."""

    venue: str
    key_space: str
    category: str
    contract: str
    look_paths: tuple[str, ...]
    order_path: str
    order_query: str
    order_bucket: str
    no_order: Responder
    terminal: Responder
    clock_error: Responder
    ban: Responder
    placed: Responder
    filled: Responder
    defaults: dict[str, Responder]


async def _binance_placed(asked: Asked) -> web.StreamResponse:
    return web.json_response(
        {
            "orderId": 22542179,
            "clientOrderId": asked.params.get("newClientOrderId", asked.params.get("origClientOrderId")),
            "symbol": asked.params["symbol"],
            "status": "FILLED",
            "executedQty": asked.params.get("quantity", "1"),
            "origQty": asked.params.get("quantity", "1"),
            "avgPrice": "100.5",
            "cumQuote": "100.5",
            "side": asked.params.get("side", "SELL"),
            "reduceOnly": True,
        }
    )


async def _bybit_placed(asked: Asked) -> web.StreamResponse:
    return web.json_response(
        v5({"orderId": f"id-{asked.params['orderLinkId']}", "orderLinkId": asked.params["orderLinkId"]})
    )


def bybit_order(link: str, **changes: object) -> dict[str, object]:
    return {
        "orderId": f"id-{link}",
        "orderLinkId": link,
        "symbol": "BTCUSDT",
        "side": "Sell",
        "qty": "1",
        "orderStatus": "Filled",
        "cumExecQty": "1",
        "avgPrice": "100.5",
        "rejectReason": "EC_NoError",
        "positionIdx": 0,
        **changes,
    }


async def _bybit_filled(asked: Asked) -> web.StreamResponse:
    link = asked.params.get("orderLinkId")
    return web.json_response(v5({"list": [bybit_order(link)] if link else [], "nextPageCursor": ""}))


def _now_ms() -> int:
    return SystemClock().now_ns() // 1_000_000


async def _binance_time(_asked: Asked) -> web.StreamResponse:
    return web.json_response({"serverTime": _now_ms()})


async def _bybit_time(_asked: Asked) -> web.StreamResponse:
    return web.json_response(
        v5({"timeSecond": str(_now_ms() // 1000), "timeNano": str(_now_ms() * 1_000_000)})
    )


EMPTY_PAGE = v5({"list": [], "nextPageCursor": ""})

BINANCE = Flavour(
    venue="binance",
    key_space="usdm",
    category="usdm",
    contract="BTCUSDT",
    look_paths=("/fapi/v3/positionRisk", "/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders"),
    order_path="/fapi/v1/order",
    order_query="/fapi/v1/order",
    order_bucket="orders_10s",
    no_order=reply({"code": -2013, "msg": "Order does not exist."}, 400),
    terminal=reply({"code": -2015, "msg": f"Invalid API-key, IP, or permissions for action. {API_KEY}"}, 401),
    clock_error=reply(
        {"code": -1021, "msg": "Timestamp for this request was 1000ms ahead of the server's time."}, 400
    ),
    ban=reply({"code": -1003, "msg": "Way too many requests; IP banned."}, 418, {"Retry-After": "60"}),
    placed=_binance_placed,
    filled=_binance_placed,
    defaults={
        "/sapi/v1/algo/futures/openOrders": reply({"total": 0, "orders": []}),
        "/fapi/v1/time": _binance_time,
        "/fapi/v1/exchangeInfo": reply(
            {
                "symbols": [
                    {
                        "symbol": "BTCUSDT",
                        "pair": "BTCUSDT",
                        "baseAsset": "BTC",
                        "quoteAsset": "USDT",
                        "marginAsset": "USDT",
                        "filters": [
                            {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
                            {
                                "filterType": "LOT_SIZE",
                                "stepSize": "0.001",
                                "minQty": "0.001",
                                "maxQty": "1000",
                            },
                            {
                                "filterType": "MARKET_LOT_SIZE",
                                "stepSize": "0.001",
                                "minQty": "0.001",
                                "maxQty": "120",
                            },
                        ],
                    }
                ]
            }
        ),
        "/fapi/v3/positionRisk": reply([]),
        "/fapi/v1/openOrders": reply([]),
        "/fapi/v1/openAlgoOrders": reply([]),
    },
)

BYBIT = Flavour(
    venue="bybit",
    key_space="unified",
    category="linear",
    contract="BTCUSDT",
    look_paths=("/v5/position/list", "/v5/order/realtime"),
    order_path="/v5/order/create",
    order_query="/v5/order/realtime",
    order_bucket="create",
    no_order=reply(EMPTY_PAGE),
    terminal=reply({"retCode": 10004, "retMsg": f"error sign! origin_string[{API_KEY}]", "result": {}}),
    clock_error=reply(
        {"retCode": 10002, "retMsg": "invalid request, please check your timestamp", "result": {}}
    ),
    ban=reply({"retCode": 0, "retMsg": "access too frequent"}, 403, {"Retry-After": "60"}),
    placed=_bybit_placed,
    filled=_bybit_filled,
    defaults={
        "/v5/market/time": _bybit_time,
        "/v5/market/instruments-info": reply(
            v5(
                {
                    "list": [
                        {
                            "symbol": "BTCUSDT",
                            "baseCoin": "BTC",
                            "quoteCoin": "USDT",
                            "settleCoin": "USDT",
                            "lotSizeFilter": {
                                "qtyStep": "0.001",
                                "minOrderQty": "0.001",
                                "maxOrderQty": "1190",
                                "maxMktOrderQty": "500",
                            },
                            "priceFilter": {"tickSize": "0.10"},
                        }
                    ],
                    "nextPageCursor": "",
                }
            )
        ),
        "/v5/position/list": reply(EMPTY_PAGE),
        "/v5/order/realtime": _bybit_filled,
        "/v5/order/history": reply(EMPTY_PAGE),
    },
)


def okx(*rows: object, code: str = "0", message: str = "") -> dict[str, object]:
    return {"code": code, "data": list(rows), "msg": message}


async def _okx_time(_asked: Asked) -> web.StreamResponse:
    return web.json_response(okx({"ts": str(_now_ms())}))


def okx_order(link: str, **changes: object) -> dict[str, object]:
    return {
        "ordId": f"7{link[3:]}",
        "clOrdId": link,
        "instId": "BTC-USDT-SWAP",
        "instType": "SWAP",
        "side": "sell",
        "posSide": "net",
        "tdMode": "cross",
        "sz": "1",
        "state": "filled",
        "accFillSz": "1",
        "avgPx": "100.5",
        "cancelSource": "",
        "reduceOnly": "true",
        **changes,
    }


async def _okx_order(asked: Asked) -> web.StreamResponse:
    """Place order by POST, Order details by GET."""
    link = str(asked.params.get("clOrdId"))
    if asked.method == "GET":
        return web.json_response(okx(okx_order(link)))
    return web.json_response(
        okx({"ordId": f"7{link[3:]}", "clOrdId": link, "tag": "", "sCode": "0", "sMsg": ""})
    )


OKX = Flavour(
    venue="okx",
    key_space="trading",
    category="swap",
    contract="BTC-USDT-SWAP",
    look_paths=(
        "/api/v5/account/positions",
        "/api/v5/trade/orders-pending",
        "/api/v5/trade/orders-algo-pending",
    ),
    order_path="/api/v5/trade/order",
    order_query="/api/v5/trade/order",
    order_bucket="orders",
    no_order=reply(okx(code="51603", message="Order does not exist.")),
    terminal=reply(okx(code="50111", message=f"Invalid OK-ACCESS-KEY {API_KEY}"), 401),
    clock_error=reply(okx(code="50102", message="Timestamp request expired"), 401),
    ban=raw("<html>banned</html>", 403, "text/html", {"Retry-After": "60"}),
    placed=_okx_order,
    filled=_okx_order,
    defaults={
        "/api/v5/public/time": _okx_time,
        "/api/v5/public/instruments": reply(
            okx(
                {
                    "instId": "BTC-USDT-SWAP",
                    "instType": "SWAP",
                    "uly": "BTC-USDT",
                    "settleCcy": "USDT",
                    "ctType": "linear",
                    "ctVal": "0.01",
                    "ctMult": "1",
                    "lotSz": "0.01",
                    "minSz": "0.01",
                    "tickSz": "0.1",
                    "maxMktSz": "12000",
                    "maxLmtSz": "100000000",
                }
            )
        ),
        "/api/v5/account/positions": reply(okx()),
        "/api/v5/trade/orders-pending": reply(okx()),
        "/api/v5/trade/orders-algo-pending": reply(okx()),
        "/api/v5/trade/order": _okx_order,
    },
)


@dataclass
class Rig:
    """A scripted venue and the adapter that talks to it."""

    flavour: Flavour
    script: Script
    venue: ScriptedVenue

    def request(
        self,
        number: int = 0,
        *,
        side: Side = Side.LONG,
        hedged: bool = False,
        kind: OrderKind = OrderKind.MARKET,
        instrument: str = "",
    ) -> OrderRequest:
        instrument = instrument or self.flavour.contract
        position = Position(
            instrument=instrument,
            category=self.flavour.category,
            symbol=instrument,
            side=side,
            quantity=Quantity(Decimal(1)),
            hedged=hedged,
        )
        return OrderRequest(
            client_order_id=f"bst{number:021d}", position=position, quantity=position.quantity, kind=kind
        )


def account(flavour: Flavour, url: str) -> Account:
    return Account(
        name="main", venue=flavour.venue, key_space=flavour.key_space, credential="main", base_url=url
    )


async def rigged(flavour: Flavour, shelf_dir: Path | None) -> AsyncIterator[Rig]:
    script = Script(answers={path: [responder] for path, responder in flavour.defaults.items()})
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", script.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    script.url = f"http://127.0.0.1:{runner.addresses[0][1]}/prefix"
    catalog = Catalog(clock=SystemClock(), shelf_dir=shelf_dir)
    given = {"apiKey": API_KEY, "secret": SECRET, "password": PASSPHRASE}
    venue = catalog.build(account(flavour, script.url), given)
    assert isinstance(venue, ScriptedVenue)
    if isinstance(venue, OkxVenue):
        # Tests look more often than the venue would allow.
        venue._throttle["algos"].resize(1000)
        venue._throttle["positions"].resize(1000)
    try:
        yield Rig(flavour=flavour, script=script, venue=venue)
    finally:
        await venue.close()
        await runner.cleanup()

"""Routes.

Every endpoint that the wire speaks, with its weight, its place in the order counts and its parameters.

Weights are those of the documentation of each endpoint. What is not listed here answers -5000 or, where
Binance has it and a trader might call it, an error that says that the paper exchange does not model it.
"""

from bastion.paper.wire.binance import algos, coin, holdings, settings, symbols, trading, user_stream
from bastion.paper.wire.binance.call import Route, Security
from bastion.paper.wire.binance.parameters import Parameters

SIGNED = frozenset({"timestamp", "recvWindow", "signature"})
_ORDER = frozenset(
    {
        "symbol",
        "side",
        "positionSide",
        "type",
        "timeInForce",
        "quantity",
        "reduceOnly",
        "price",
        "newClientOrderId",
        "newOrderRespType",
        "priceMatch",
        "selfTradePreventionMode",
        "closePosition",
        "stopPrice",
        "workingType",
        "priceProtect",
        "activationPrice",
        "callbackRate",
    }
)
_ALGO_ORDER = frozenset(
    {
        "algoType",
        "symbol",
        "side",
        "positionSide",
        "type",
        "timeInForce",
        "quantity",
        "price",
        "triggerPrice",
        "workingType",
        "closePosition",
        "priceProtect",
        "reduceOnly",
        "clientAlgoId",
        "newOrderRespType",
        "activatePrice",
        "callbackRate",
    }
)
_NOT_YET = {
    "goodTillDate": "orders that expire at a date",
    "pegPriceType": "pegged orders",
}
_ONE = frozenset({"symbol"})
_BY_ID = frozenset({"symbol", "orderId", "origClientOrderId"})
_SPAN = frozenset({"symbol", "startTime", "endTime", "limit"})


def by_symbol(one: int, every: int) -> "_BySymbol":
    """Return a weight that depends on whether the call names a symbol."""
    return _BySymbol(one, every)


class _BySymbol:
    def __init__(self, one: int, every: int) -> None:
        self._one = one
        self._every = every

    def __call__(self, parameters: Parameters) -> int:
        return self._one if "symbol" in parameters else self._every


USER = Security.USER_DATA
TRADE = Security.TRADE

PUBLIC: dict[tuple[str, str], Route] = {
    ("GET", "/fapi/v1/ping"): Route(handler=symbols.ping),
    ("GET", "/fapi/v1/time"): Route(handler=symbols.server_time),
    ("GET", "/fapi/v1/exchangeInfo"): Route(handler=symbols.exchange_info),
    ("GET", "/fapi/v1/depth"): Route(
        handler=symbols.depth, weight=symbols.depth_weight, reads=frozenset({"symbol", "limit"})
    ),
    ("GET", "/fapi/v1/ticker/24hr"): Route(handler=symbols.day_ticker, weight=by_symbol(1, 40), reads=_ONE),
    ("GET", "/fapi/v1/ticker/price"): Route(handler=symbols.price_ticker, weight=by_symbol(1, 2), reads=_ONE),
    ("GET", "/fapi/v2/ticker/price"): Route(handler=symbols.price_ticker, weight=by_symbol(1, 2), reads=_ONE),
    ("GET", "/fapi/v1/ticker/bookTicker"): Route(
        handler=symbols.book_ticker, weight=by_symbol(2, 5), reads=_ONE
    ),
    ("GET", "/fapi/v1/premiumIndex"): Route(
        handler=symbols.premium_index, weight=by_symbol(1, 10), reads=_ONE
    ),
}

ORDERS: dict[tuple[str, str], Route] = {
    ("POST", "/fapi/v1/order"): Route(
        handler=trading.place_order,
        security=TRADE,
        weight=0,
        orders_10s=1,
        orders_1m=1,
        reads=_ORDER,
        unmodelled=_NOT_YET,
    ),
    ("POST", "/fapi/v1/order/test"): Route(
        handler=trading.test_order, security=TRADE, weight=1, reads=_ORDER, unmodelled=_NOT_YET
    ),
    ("PUT", "/fapi/v1/order"): Route(
        handler=trading.amend_order,
        security=TRADE,
        orders_10s=1,
        orders_1m=1,
        reads=_BY_ID | {"side", "quantity", "price"},
        unmodelled={"priceMatch": "priceMatch in amendments"},
    ),
    ("GET", "/fapi/v1/order"): Route(handler=trading.get_order, security=USER, reads=_BY_ID),
    ("DELETE", "/fapi/v1/order"): Route(handler=trading.cancel_order, security=TRADE, reads=_BY_ID),
    ("POST", "/fapi/v1/batchOrders"): Route(
        handler=trading.place_batch,
        security=TRADE,
        weight=5,
        orders_10s=5,
        orders_1m=1,
        reads=frozenset({"batchOrders"}),
    ),
    ("DELETE", "/fapi/v1/batchOrders"): Route(
        handler=trading.cancel_batch,
        security=TRADE,
        reads=_ONE | set(trading.ID_LISTS),
    ),
    ("DELETE", "/fapi/v1/allOpenOrders"): Route(handler=trading.cancel_all, security=TRADE, reads=_ONE),
    ("GET", "/fapi/v1/openOrders"): Route(
        handler=trading.open_orders, security=USER, weight=by_symbol(1, 40), reads=_ONE
    ),
    ("GET", "/fapi/v1/openOrder"): Route(handler=trading.get_open_order, security=USER, reads=_BY_ID),
    ("GET", "/fapi/v1/allOrders"): Route(
        handler=trading.all_orders, security=USER, weight=5, reads=_SPAN | {"orderId"}
    ),
    ("POST", "/fapi/v1/algoOrder"): Route(
        handler=trading.place_algo,
        security=TRADE,
        weight=0,
        orders_10s=1,
        orders_1m=1,
        reads=_ALGO_ORDER,
        unmodelled={**_NOT_YET, "priceMatch": "priceMatch in conditional orders"},
    ),
    ("GET", "/fapi/v1/algoOrder"): Route(
        handler=trading.get_algo, security=USER, reads=frozenset({"symbol", "algoId", "clientAlgoId"})
    ),
    ("DELETE", "/fapi/v1/algoOrder"): Route(
        handler=trading.cancel_algo, security=TRADE, reads=frozenset({"symbol", "algoId", "clientAlgoId"})
    ),
    ("GET", "/fapi/v1/openAlgoOrders"): Route(
        handler=trading.open_algo_orders,
        security=USER,
        weight=by_symbol(1, 40),
        reads=frozenset({"symbol", "algoType", "algoId"}),
    ),
    ("DELETE", "/fapi/v1/algoOpenOrders"): Route(handler=trading.cancel_all_algo, security=TRADE, reads=_ONE),
    ("POST", "/fapi/v1/countdownCancelAll"): Route(
        handler=trading.countdown_cancel_all,
        security=TRADE,
        weight=10,
        reads=frozenset({"symbol", "countdownTime"}),
    ),
    ("GET", "/fapi/v1/allAlgoOrders"): Route(
        handler=trading.all_algo_orders, security=USER, weight=5, reads=_SPAN | {"algoId", "page"}
    ),
}

ACCOUNT: dict[tuple[str, str], Route] = {
    ("GET", "/fapi/v3/positionRisk"): Route(
        handler=holdings.position_risk_v3, security=USER, weight=5, reads=_ONE
    ),
    ("GET", "/fapi/v2/positionRisk"): Route(
        handler=holdings.position_risk_v2, security=USER, weight=5, reads=_ONE
    ),
    ("GET", "/fapi/v3/account"): Route(handler=holdings.account_v3, security=USER, weight=5),
    ("GET", "/fapi/v2/account"): Route(handler=holdings.account_v2, security=USER, weight=5),
    ("GET", "/fapi/v3/balance"): Route(handler=holdings.balance, security=USER, weight=5),
    ("GET", "/fapi/v2/balance"): Route(handler=holdings.balance, security=USER, weight=5),
    ("GET", "/fapi/v1/userTrades"): Route(
        handler=holdings.user_trades, security=USER, weight=5, reads=_SPAN | {"orderId", "fromId"}
    ),
    ("GET", "/fapi/v1/forceOrders"): Route(
        handler=holdings.force_orders,
        security=USER,
        weight=by_symbol(20, 50),
        reads=_SPAN | {"autoCloseType"},
    ),
    ("GET", "/fapi/v1/income"): Route(
        handler=holdings.income, security=USER, weight=30, reads=_SPAN | {"incomeType", "page"}
    ),
    ("GET", "/fapi/v1/accountConfig"): Route(handler=settings.account_config, security=USER, weight=5),
    ("GET", "/fapi/v1/symbolConfig"): Route(
        handler=settings.symbol_config, security=USER, weight=5, reads=_ONE
    ),
    ("GET", "/fapi/v1/leverageBracket"): Route(handler=settings.leverage_bracket, security=USER, reads=_ONE),
    ("GET", "/fapi/v1/commissionRate"): Route(
        handler=settings.commission_rate, security=USER, weight=20, reads=_ONE
    ),
    ("GET", "/fapi/v1/positionSide/dual"): Route(handler=settings.position_mode, security=USER, weight=30),
    ("POST", "/fapi/v1/positionSide/dual"): Route(
        handler=settings.set_position_mode, security=TRADE, reads=frozenset({"dualSidePosition"})
    ),
    ("GET", "/fapi/v1/multiAssetsMargin"): Route(
        handler=settings.multi_assets_mode, security=USER, weight=30
    ),
    ("POST", "/fapi/v1/leverage"): Route(
        handler=settings.set_leverage, security=TRADE, reads=frozenset({"symbol", "leverage"})
    ),
    ("POST", "/fapi/v1/marginType"): Route(
        handler=settings.set_margin_type, security=TRADE, reads=frozenset({"symbol", "marginType"})
    ),
    ("GET", "/fapi/v1/rateLimit/order"): Route(handler=settings.order_rate_limit, security=USER),
    ("GET", "/sapi/v1/account/apiRestrictions"): Route(handler=settings.api_restrictions, security=USER),
    ("GET", "/sapi/v1/margin/allPairs"): Route(handler=settings.margin_pairs, security=USER),
    ("GET", "/sapi/v1/capital/config/getall"): Route(handler=settings.coins, security=USER, weight=10),
}

# The spot host has limits of its own, which are not modelled.
ALGOS: dict[tuple[str, str], Route] = {
    ("POST", "/sapi/v1/algo/futures/newOrderTwap"): Route(
        handler=algos.place_twap,
        security=TRADE,
        weight=0,
        reads=frozenset(
            {"symbol", "side", "positionSide", "quantity", "duration", "clientAlgoId", "reduceOnly"}
        ),
        unmodelled={"limitPrice": "TWAP orders with a limit price"},
    ),
    ("GET", "/sapi/v1/algo/futures/openOrders"): Route(handler=algos.open_algos, security=USER, weight=0),
    ("DELETE", "/sapi/v1/algo/futures/order"): Route(
        handler=algos.cancel_algo, security=TRADE, weight=0, reads=frozenset({"algoId"})
    ),
}

# A client may name its key in PUT and DELETE; the account's key is meant either way.
_KEY_NAMED = frozenset({"listenKey"})
STREAM: dict[tuple[str, str], Route] = {
    (method, f"{family}/v1/listenKey"): Route(
        handler=handler, security=Security.USER_STREAM, reads=_KEY_NAMED
    )
    for family in ("/fapi", "/dapi")
    for method, handler in (
        ("POST", user_stream.create),
        ("PUT", user_stream.extend),
        ("DELETE", user_stream.end),
    )
}

# What COIN-M has in the same form at the same place below its own prefix.
_SHARED = frozenset(
    {
        *("ping", "time", "exchangeInfo", "depth", "premiumIndex", "ticker/price", "ticker/bookTicker"),
        *("order", "batchOrders", "allOpenOrders", "openOrders", "openOrder", "allOrders"),
        *("algoOrder", "openAlgoOrders", "algoOpenOrders", "countdownCancelAll"),
        *("userTrades", "forceOrders", "income", "commissionRate", "positionSide/dual"),
    }
)
COIN: dict[tuple[str, str], Route] = {
    (method, path.replace("/fapi/", "/dapi/")): route
    for (method, path), route in (PUBLIC | ORDERS | ACCOUNT).items()
    if path.startswith("/fapi/v1/") and path.removeprefix("/fapi/v1/") in _SHARED
} | {
    ("GET", "/dapi/v1/positionRisk"): Route(handler=coin.position_risk, security=USER, reads=_ONE),
    ("GET", "/dapi/v1/account"): Route(handler=coin.account, security=USER, weight=5),
    ("GET", "/dapi/v1/balance"): Route(handler=holdings.balance, security=USER),
}

ROUTES: dict[tuple[str, str], Route] = PUBLIC | ORDERS | ACCOUNT | ALGOS | STREAM | COIN

NOT_MODELLED: frozenset[tuple[str, str]] = frozenset(
    {
        ("POST", "/fapi/v1/multiAssetsMargin"),
        ("PUT", "/fapi/v1/batchOrders"),
        ("POST", "/sapi/v1/algo/futures/newOrderVp"),
        ("POST", "/fapi/v1/positionMargin"),
        ("GET", "/fapi/v1/positionMargin/history"),
        ("GET", "/fapi/v1/adlQuantile"),
        ("GET", "/fapi/v1/fundingRate"),
        ("GET", "/fapi/v1/fundingInfo"),
        ("GET", "/fapi/v1/klines"),
        ("GET", "/fapi/v1/trades"),
        ("GET", "/fapi/v1/aggTrades"),
        ("GET", "/fapi/v1/openInterest"),
    }
)

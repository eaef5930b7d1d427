"""Settings: position mode, leverage, margin type and the rights of a key."""

from decimal import Decimal

from bastion.paper.account import MarginMode, Permission, PositionMode
from bastion.paper.refusal import Reason, Refused
from bastion.paper.wire.binance import figures
from bastion.paper.wire.binance.call import Call, Reply
from bastion.paper.wire.binance.errors import BinanceError, from_refusal, unknown_key
from bastion.paper.wire.binance.gate import KEY_HEADER
from bastion.paper.wire.binance.symbols import chosen, instrument_of

_SUCCESS = {"code": 200, "msg": "success"}
_NOTIONAL_MOST = Decimal(1_000_000_000)
_MODE_REFUSALS = {
    Reason.NO_CHANGE_NEEDED: (-4059, "No need to change position side."),
    Reason.CHANGE_BLOCKED_BY_ORDERS: (
        -4067,
        "Position side cannot be changed if there exists open orders.",
    ),
    Reason.CHANGE_BLOCKED_BY_POSITIONS: (
        -4068,
        "Position side cannot be changed if there exists position.",
    ),
}
_MARGIN_REFUSALS = {
    Reason.NO_CHANGE_NEEDED: (-4046, "No need to change margin type."),
    Reason.CHANGE_BLOCKED_BY_ORDERS: (-4047, "Margin type cannot be changed if there exists open orders."),
    Reason.CHANGE_BLOCKED_BY_POSITIONS: (-4048, "Margin type cannot be changed if there exists position."),
}


def account_config(call: Call) -> Reply:
    """GET /fapi/v1/accountConfig."""
    data = {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": _permitted(call, Permission.WITHDRAW),
        "dualSidePosition": _is_hedge(call),
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }
    return Reply(data=data)


def symbol_config(call: Call) -> Reply:
    """GET /fapi/v1/symbolConfig."""
    rows = [
        {
            "symbol": i.symbol,
            "marginType": "ISOLATED"
            if call.exchange.margin_mode(call.account, i.symbol) is MarginMode.ISOLATED
            else "CROSSED",
            "isAutoAddMargin": False,
            "leverage": call.exchange.leverage(call.account, i.symbol),
            "maxNotionalValue": figures.plain(_NOTIONAL_MOST),
        }
        for i in chosen(call)
    ]
    return Reply(data=rows)


def leverage_bracket(call: Call) -> Reply:
    """GET /fapi/v1/leverageBracket: one bracket a symbol on paper."""
    rows: list[dict[str, object]] = [
        {
            "symbol": i.symbol,
            "notionalCoef": 1.0,
            "brackets": [
                {
                    "bracket": 1,
                    "initialLeverage": i.leverage_max,
                    "notionalCap": int(_NOTIONAL_MOST),
                    "notionalFloor": 0,
                    "maintMarginRatio": i.maintenance_ppm / 1_000_000,
                    "cum": 0.0,
                }
            ],
        }
        for i in chosen(call)
    ]
    return Reply(data=rows[0] if "symbol" in call.parameters else rows)


def commission_rate(call: Call) -> Reply:
    """GET /fapi/v1/commissionRate."""
    instrument = instrument_of(call, call.parameters.text("symbol"))
    maker, taker = (
        f"{Decimal(ppm).scaleb(-6):f}" for ppm in (instrument.maker_fee_ppm, instrument.taker_fee_ppm)
    )
    data = {
        "symbol": instrument.symbol,
        "makerCommissionRate": maker,
        "takerCommissionRate": taker,
        "rpiCommissionRate": maker,
    }
    return Reply(data=data)


def position_mode(call: Call) -> Reply:
    """GET /fapi/v1/positionSide/dual."""
    return Reply(data={"dualSidePosition": _is_hedge(call)})


def set_position_mode(call: Call) -> Reply:
    """POST /fapi/v1/positionSide/dual."""
    call.parameters.text("dualSidePosition")
    wanted = PositionMode.HEDGE if call.parameters.flag("dualSidePosition") else PositionMode.ONE_WAY
    try:
        call.exchange.set_position_mode(call.account, wanted)
    except Refused as refused:
        raise _translated(refused, _MODE_REFUSALS) from None
    return Reply(data=_SUCCESS, executed=(f"position mode {wanted}",))


def multi_assets_mode(call: Call) -> Reply:  # noqa: ARG001 - every handler has the same shape
    """GET /fapi/v1/multiAssetsMargin: never on, on paper."""
    return Reply(data={"multiAssetsMargin": False})


def set_leverage(call: Call) -> Reply:
    """POST /fapi/v1/leverage."""
    instrument = instrument_of(call, call.parameters.text("symbol"))
    leverage = call.parameters.whole("leverage")
    try:
        call.exchange.set_leverage(call.account, instrument.symbol, leverage)
    except Refused as refused:
        raise from_refusal(refused) from None
    data = {
        "leverage": leverage,
        "maxNotionalValue": figures.plain(_NOTIONAL_MOST),
        "symbol": instrument.symbol,
    }
    return Reply(data=data, executed=(f"leverage of {instrument.symbol}: {leverage}",))


def set_margin_type(call: Call) -> Reply:
    """POST /fapi/v1/marginType."""
    instrument = instrument_of(call, call.parameters.text("symbol"))
    modes = {"ISOLATED": MarginMode.ISOLATED, "CROSSED": MarginMode.CROSS}
    wanted = modes.get(call.parameters.text("marginType"))
    if wanted is None:
        raise BinanceError(-1130, "Data sent for parameter 'marginType' is not valid.")
    try:
        call.exchange.set_margin_mode(call.account, instrument.symbol, wanted)
    except Refused as refused:
        raise _translated(refused, _MARGIN_REFUSALS) from None
    return Reply(data=_SUCCESS, executed=(f"margin mode of {instrument.symbol}: {wanted}",))


def order_rate_limit(call: Call) -> Reply:
    """GET /fapi/v1/rateLimit/order."""
    settings = call.limits.settings
    rows = [
        {"rateLimitType": "ORDERS", "interval": interval, "intervalNum": number, "limit": limit}
        for interval, number, limit in (
            ("SECOND", 10, settings.orders_per_10s),
            ("MINUTE", 1, settings.orders_per_minute),
        )
    ]
    return Reply(data=rows)


def api_restrictions(call: Call) -> Reply:
    """GET /sapi/v1/account/apiRestrictions: what the calling key may do."""
    found = call.exchange.find_key(call.request.headers.get(KEY_HEADER, ""))
    if found is None:
        raise unknown_key()
    _, key = found
    may_trade = Permission.TRADE in key.permissions
    portfolio = bool(call.limits.settings.portfolio_margin)
    data = {
        "ipRestrict": bool(key.addresses),
        "createTime": key.created_ms,
        "enableReading": Permission.READ in key.permissions,
        "enableWithdrawals": Permission.WITHDRAW in key.permissions,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": may_trade and not portfolio,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": False,
        "enablePortfolioMarginTrading": may_trade and portfolio,
    }
    return Reply(data=data)


def coins(call: Call) -> Reply:
    """GET /sapi/v1/capital/config/getall: the settle coins alone; nothing can be paid in or out on paper."""
    rows = [
        {
            "coin": coin,
            "depositAllEnable": False,
            "withdrawAllEnable": False,
            "name": coin,
            "free": "0",
            "locked": "0",
            "freeze": "0",
            "withdrawing": "0",
            "ipoing": "0",
            "ipoable": "0",
            "storage": "0",
            "isLegalMoney": False,
            "trading": True,
            "networkList": [],
        }
        for coin in dict.fromkeys(i.settle for i in call.exchange.instruments.values())
    ]
    return Reply(data=rows)


def margin_pairs(call: Call) -> Reply:  # noqa: ARG001 - every handler has the same shape
    """GET /sapi/v1/margin/allPairs: there is no margin trading on paper."""
    return Reply(data=[])


def _is_hedge(call: Call) -> bool:
    return call.exchange.position_mode(call.account) is PositionMode.HEDGE


def _permitted(call: Call, permission: Permission) -> bool:
    return any(permission in key.permissions for key in call.exchange.spec(call.account).keys)


def _translated(refused: Refused, table: dict[Reason, tuple[int, str]]) -> BinanceError:
    if refused.reason in table:
        return BinanceError(*table[refused.reason])
    return from_refusal(refused)

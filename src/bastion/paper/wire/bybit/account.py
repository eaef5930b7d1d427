"""Account: wallet balance, account information, the key's own rights, margin mode and coins.

Source: Bybit v5 "Get Wallet Balance", "Get Account Info", "Get API Key Information", "Set Margin Mode",
"Get Coin Info", "Get Fee Rate".
"""

from datetime import UTC, datetime
from decimal import Decimal

from bastion.paper.account import Balance, MarginMode, Permission
from bastion.paper.money import decimals_of
from bastion.paper.order import OrderFilter
from bastion.paper.wire.bybit.calls import CONTRACT_CATEGORIES, Call, listed, plain, rounded
from bastion.paper.wire.bybit.envelope import BybitError, Outcome, not_modelled, wrong

ZERO = Decimal(0)
UNIFIED_PRO = 6

_DOLLARS = frozenset({"USDT", "USDC", "USD"})
_MARGIN_MODES = {"REGULAR_MARGIN": MarginMode.CROSS, "ISOLATED_MARGIN": MarginMode.ISOLATED}
_NEVER = "1970-01-01T00:00:00Z"
_NO_DEADLINE = -2


def wallet_balance(call: Call) -> Outcome:
    """GET /v5/account/wallet-balance for the unified account: coins that are not zero, or those asked for."""
    if call.parameters.text("accountType") != "UNIFIED":
        raise wrong("accountType only support UNIFIED.")
    asked = [coin for coin in call.parameters.text("coin").split(",") if coin]
    everything = call.exchange.balances(call.account, at_ms=call.at_ms)
    shown = [row for row in everything if (row.coin in asked if asked else row.wallet or row.equity)]
    missing = [coin for coin in asked if coin not in {row.coin for row in everything}]
    if missing:
        raise wrong(f"params error: coin invalid {missing[0]}")
    coins = [] if call.conditions.pretend_empty else [_coin(call, row) for row in shown]
    return Outcome(result={"list": [{**_totals(call, everything), "coin": coins}]})


def account_info(call: Call) -> Outcome:
    """GET /v5/account/info: a unified account 2.0."""
    return Outcome(
        result={
            "unifiedMarginStatus": UNIFIED_PRO,
            "marginMode": _margin_word(call),
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
            "updatedTime": str(_created_ms(call)),
            "dcpStatus": "OFF",
            "timeWindow": 0,
            "smpGroup": 0,
        }
    )


def set_margin_mode(call: Call) -> Outcome:
    """POST /v5/account/set-margin-mode: for the whole account; orders and positions must be gone."""
    word = call.parameters.required("setMarginMode")
    mode = _MARGIN_MODES.get(word)
    if mode is None:
        raise not_modelled(f"setMarginMode={word}")
    exchange = call.exchange
    changing = [name for name in exchange.instruments if exchange.margin_mode(call.account, name) is not mode]
    is_busy = exchange.positions(call.account) or exchange.open_orders(call.account, OrderFilter())
    if changing and is_busy:
        raise BybitError(3400045, "Set margin mode failed: open orders or positions exist.")
    for symbol in changing:
        exchange.set_margin_mode(call.account, symbol, mode)
    return Outcome(result={"reasons": []}, executed=(f"margin mode is {mode}",))


def query_api(call: Call) -> Outcome:
    """GET /v5/user/query-api: what the key of this request may do."""
    key = call.key
    if key is None:
        raise BybitError(10003, "API key is invalid.")
    may_trade = Permission.TRADE in key.permissions
    uid = call.exchange.spec(call.account).uid
    return Outcome(
        message="",
        result={
            "id": str(uid),
            "note": call.account,
            "apiKey": key.key,
            "readOnly": 0 if may_trade else 1,
            "secret": "",
            "permissions": _permissions(key.permissions),
            "ips": list(key.addresses) or ["*"],
            "type": 1,
            "deadlineDay": _NO_DEADLINE,
            "expiredAt": _NEVER,
            "createdAt": datetime.fromtimestamp(key.created_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "unified": 0,
            "uta": 1,
            "userID": uid,
            "inviterID": 0,
            "vipLevel": "No VIP",
            "mktMakerLevel": "0",
            "affiliateID": 0,
            "rsaPublicKey": "",
            "isMaster": True,
            "parentUid": "0",
            "kycLevel": "LEVEL_DEFAULT",
            "kycRegion": "",
        },
    )


def fee_rate(call: Call) -> Outcome:
    """GET /v5/account/fee-rate: of one symbol, of a base coin's contracts, or of all of a category."""
    category = call.category(CONTRACT_CATEGORIES)
    base = call.parameters.text("baseCoin")
    rows = [call.instrument(category)] if call.parameters.has("symbol") else listed(call.exchange, category)
    return Outcome(
        result={
            "category": category,
            "list": [
                {
                    "symbol": row.symbol,
                    "takerFeeRate": plain(Decimal(row.taker_fee_ppm).scaleb(-6)),
                    "makerFeeRate": plain(Decimal(row.maker_fee_ppm).scaleb(-6)),
                }
                for row in rows
                if base in {"", row.base}
            ],
        }
    )


def coin_info(call: Call) -> Outcome:
    """GET /v5/asset/coin/query-info: the coins of this exchange, without chains: nothing leaves paper."""
    asked = call.parameters.text("coin")
    instruments = call.exchange.instruments.values()
    coins = dict.fromkeys(coin for row in instruments for coin in (row.base, row.settle))
    rows = [
        {"name": coin, "coin": coin, "remainAmount": "0", "chains": []}
        for coin in coins
        if asked in {"", coin}
    ]
    return Outcome(message="success", result={"rows": rows})


def _permissions(permissions: frozenset[Permission]) -> dict[str, list[str]]:
    wallet = ["AccountTransfer", "SubMemberTransfer"] if Permission.TRADE in permissions else []
    if Permission.WITHDRAW in permissions:
        wallet.append("Withdraw")
    # A read-only key keeps its sections: readOnly says that it may only look at them.
    return {
        "ContractTrade": ["Order", "Position"],
        "Spot": [],
        "Wallet": wallet,
        "Options": [],
        "Derivatives": ["DerivativesTrade"],
        "CopyTrading": [],
        "BlockTrade": [],
        "Exchange": [],
        "NFT": [],
        "Affiliate": [],
        "Earn": [],
        "FiatP2P": [],
        "FiatBitPay": [],
        "FiatConvertBroker": [],
        "BitCard": [],
        "ByXPost": [],
    }


def _coin(call: Call, row: Balance) -> dict[str, object]:
    results = [
        fill.realized_pnl - fill.fee
        for fill in call.exchange.fills(call.account)
        if call.exchange.instrument(fill.symbol).settle == row.coin
    ]
    decimals = decimals_of(row.coin)
    return {
        "coin": row.coin,
        "equity": plain(row.equity),
        "usdValue": rounded(row.equity * _dollar_price(call, row.coin)),
        "walletBalance": plain(row.wallet),
        "locked": "0",
        "spotHedgingQty": "0",
        "borrowAmount": "0",
        "accruedInterest": "0",
        "totalOrderIM": rounded(row.order_margin, decimals),
        "totalPositionIM": rounded(row.position_margin, decimals),
        "totalPositionMM": rounded(row.maintenance_margin, decimals),
        "unrealisedPnl": plain(row.unrealized_pnl),
        "cumRealisedPnl": plain(sum(results, ZERO)),
        "bonus": "0",
        "marginCollateral": True,
        "collateralSwitch": True,
        "colRes": "0",
        "spotBorrow": "0",
        "free": "",
        "availableToWithdraw": "",
        "availableToBorrow": "",
    }


def _totals(call: Call, rows: list[Balance]) -> dict[str, object]:
    sums = {"equity": ZERO, "wallet": ZERO, "unrealized": ZERO, "initial": ZERO, "maintenance": ZERO}
    for row in rows:
        price = _dollar_price(call, row.coin)
        sums["equity"] += row.equity * price
        sums["wallet"] += row.wallet * price
        sums["unrealized"] += row.unrealized_pnl * price
        sums["initial"] += row.initial_margin * price
        sums["maintenance"] += row.maintenance_margin * price
    margin = sums["wallet"] + sums["unrealized"]
    initial, maintenance = rounded(sums["initial"]), rounded(sums["maintenance"])
    initial_rate = rounded(sums["initial"] / margin, 4) if margin > 0 else "0"
    maintenance_rate = rounded(sums["maintenance"] / margin, 4) if margin > 0 else "0"
    return {
        "accountType": "UNIFIED",
        "accountIMRate": initial_rate,
        "accountMMRate": maintenance_rate,
        "totalEquity": rounded(sums["equity"]),
        "totalWalletBalance": rounded(sums["wallet"]),
        "totalMarginBalance": rounded(margin),
        "totalAvailableBalance": rounded(max(margin - sums["initial"], ZERO)),
        "totalPerpUPL": rounded(sums["unrealized"]),
        "totalInitialMargin": initial,
        "totalMaintenanceMargin": maintenance,
        "accountIMRateByMp": initial_rate,
        "accountMMRateByMp": maintenance_rate,
        "totalInitialMarginByMp": initial,
        "totalMaintenanceMarginByMp": maintenance,
        "accountLTV": "0",
    }


def _dollar_price(call: Call, coin: str) -> Decimal:
    if coin in _DOLLARS:
        return Decimal(1)
    for row in call.exchange.instruments.values():
        if row.base == coin and row.quote in _DOLLARS:
            return call.exchange.mark_price(row.symbol)
    return ZERO


def _margin_word(call: Call) -> str:
    exchange = call.exchange
    modes = {exchange.margin_mode(call.account, symbol) for symbol in exchange.instruments}
    modes = modes or {exchange.spec(call.account).margin_mode}
    return "ISOLATED_MARGIN" if modes == {MarginMode.ISOLATED} else "REGULAR_MARGIN"


def _created_ms(call: Call) -> int:
    return call.key.created_ms if call.key is not None else 0

"""Account: configuration, balance, leverage, position mode and coins.

Source: OKX v5 "Get account configuration", "Get balance", "Set position mode", "Set leverage", "Get
leverage", "Get currencies".
"""

from decimal import Decimal

from bastion.paper.account import Balance, Permission, PositionMode
from bastion.paper.refusal import Refused
from bastion.paper.wire.okx.calls import Call, dollar_price, find_instrument, plain, rounded
from bastion.paper.wire.okx.envelope import Outcome, wrong
from bastion.paper.wire.okx.refusals import translated
from bastion.paper.wire.okx.words import TRADE_MODES

ZERO = Decimal(0)
SINGLE_CURRENCY = "2"

_MODES = {"net_mode": PositionMode.ONE_WAY, "long_short_mode": PositionMode.HEDGE}
_PERMISSIONS = (
    (Permission.READ, "read_only"),
    (Permission.WITHDRAW, "withdraw"),
    (Permission.TRADE, "trade"),
)


def config(call: Call) -> Outcome:
    """GET /api/v5/account/config: what the account and the key of this request are."""
    spec = call.exchange.spec(call.account)
    permissions = call.key.permissions if call.key is not None else frozenset()
    addresses = call.key.addresses if call.key is not None else ()
    word = next(word for word, mode in _MODES.items() if mode is call.exchange.position_mode(call.account))
    return Outcome(
        data=[
            {
                "acctLv": SINGLE_CURRENCY,
                "acctStpMode": "cancel_maker",
                "autoLoan": False,
                "ctIsoMode": "automatic",
                "enableSpotBorrow": False,
                "feeType": "0",
                "greeksType": "PA",
                "ip": ",".join(addresses),
                "kycLv": "3",
                "label": call.account,
                "level": "Lv1",
                "levelTmp": "",
                "liquidationGear": "-1",
                "mainUid": str(spec.uid),
                "mgnIsoMode": "automatic",
                "opAuth": "0",
                "perm": ",".join(name for permission, name in _PERMISSIONS if permission in permissions),
                "posMode": word,
                "roleType": "0",
                "settleCcy": "",
                "settleCcyList": [],
                "spotBorrowAutoRepay": False,
                "spotOffsetType": "",
                "spotRoleType": "0",
                "spotTraderInsts": [],
                "stgyType": "0",
                "traderInsts": [],
                "type": "0",
                "uid": str(spec.uid),
            }
        ]
    )


def balance(call: Call) -> Outcome:
    """GET /api/v5/account/balance: the coins that are not zero, or those asked for."""
    asked = [coin for coin in call.parameters.text("ccy").split(",") if coin]
    everything = call.exchange.balances(call.account)
    shown = [row for row in everything if (row.coin in asked if asked else row.wallet or row.equity)]
    details = [] if call.conditions.pretend_empty else [_coin(call, row) for row in shown]
    sums = {"eq": ZERO, "imr": ZERO, "mmr": ZERO, "upl": ZERO, "froz": ZERO, "avail": ZERO}
    for row in everything:
        price = dollar_price(call.exchange, row.coin)
        sums["eq"] += row.equity * price
        sums["imr"] += row.initial_margin * price
        sums["mmr"] += row.maintenance_margin * price
        sums["upl"] += row.unrealized_pnl * price
        sums["froz"] += row.order_margin * price
        sums["avail"] += row.available * price
    notional = sum(
        (
            abs(view.notional) * dollar_price(call.exchange, view.instrument.quote)
            for view in call.exchange.positions(call.account)
        ),
        ZERO,
    )
    return Outcome(
        data=[
            {
                "adjEq": "",
                "availEq": rounded(sums["avail"]),
                "borrowFroz": "",
                "details": details,
                "imr": rounded(sums["imr"]),
                "isoEq": "0",
                "mgnRatio": rounded(sums["eq"] / sums["mmr"], 6) if sums["mmr"] else "",
                "mmr": rounded(sums["mmr"]),
                "notionalUsd": rounded(notional),
                "notionalUsdForBorrow": "",
                "notionalUsdForFutures": "",
                "notionalUsdForOption": "",
                "notionalUsdForSwap": rounded(notional),
                "ordFroz": rounded(sums["froz"]),
                "totalEq": rounded(sums["eq"]),
                "uTime": str(call.now_ms),
                "upl": rounded(sums["upl"]),
            }
        ]
    )


def set_position_mode(call: Call) -> Outcome:
    """POST /api/v5/account/set-position-mode: orders and positions must be gone."""
    word = call.parameters.must_choose("posMode", _MODES)
    if _MODES[word] is not call.exchange.position_mode(call.account):
        try:
            call.exchange.set_position_mode(call.account, _MODES[word])
        except Refused as refused:
            raise translated(refused) from None
    return Outcome(data=[{"posMode": word}], executed=(f"position mode is {word}",))


def set_leverage(call: Call) -> Outcome:
    """POST /api/v5/account/set-leverage: of one instrument."""
    parameters = call.parameters
    instrument = call.instrument()
    mode = parameters.must_choose("mgnMode", TRADE_MODES)
    lever = parameters.number("lever")
    if lever is None or lever != lever.to_integral_value() or lever < 1:
        raise wrong("lever")
    try:
        call.exchange.set_leverage(call.account, instrument.symbol, int(lever))
    except Refused as refused:
        raise translated(refused, coin=instrument.settle) from None
    row = {
        "lever": plain(lever),
        "mgnMode": mode,
        "instId": instrument.symbol,
        "posSide": parameters.text("posSide", "net"),
    }
    return Outcome(data=[row], executed=(f"leverage of {instrument.symbol} is {lever}",))


def leverage_info(call: Call) -> Outcome:
    """GET /api/v5/account/leverage-info: one row for each instrument and position side."""
    mode = call.parameters.must_choose("mgnMode", TRADE_MODES)
    names = call.parameters.required("instId").split(",")
    sides = ("long", "short") if call.is_hedged else ("net",)
    rows = [
        {
            "ccy": "",
            "instId": find_instrument(call.exchange, name).symbol,
            "mgnMode": mode,
            "posSide": side,
            "lever": str(call.exchange.leverage(call.account, name)),
        }
        for name in names
        for side in sides
    ]
    return Outcome(data=rows)


def currencies(call: Call) -> Outcome:
    """GET /api/v5/asset/currencies: the coins of this exchange, without networks: nothing leaves paper."""
    asked = [coin for coin in call.parameters.text("ccy").split(",") if coin]
    coins = dict.fromkeys(
        coin for row in call.exchange.instruments.values() for coin in (row.base, row.settle)
    )
    rows = [
        {
            "burningFeeRate": "",
            "canDep": False,
            "canInternal": False,
            "canWd": False,
            "ccy": coin,
            "chain": coin,
            "ctAddr": "",
            "depQuotaFixed": "",
            "fee": "",
            "logoLink": "",
            "mainNet": True,
            "maxFee": "",
            "maxWd": "",
            "minDep": "",
            "minFee": "",
            "minWd": "",
            "name": coin,
            "needTag": False,
            "wdTickSz": "8",
        }
        for coin in coins
        if not asked or coin in asked
    ]
    return Outcome(data=rows)


def _coin(call: Call, row: Balance) -> dict[str, object]:
    price = dollar_price(call.exchange, row.coin)
    return {
        "availBal": plain(row.available),
        "availEq": plain(row.available),
        "borrowFroz": "",
        "cashBal": plain(row.wallet),
        "ccy": row.coin,
        "crossLiab": "",
        "disEq": rounded(row.equity * price),
        "eq": plain(row.equity),
        "eqUsd": rounded(row.equity * price),
        "fixedBal": "0",
        "frozenBal": rounded(row.initial_margin),
        "imr": rounded(row.initial_margin),
        "interest": "",
        "isoEq": "0",
        "isoLiab": "",
        "isoUpl": "0",
        "liab": "",
        "maxLoan": "",
        "mgnRatio": "",
        "mmr": rounded(row.maintenance_margin),
        "notionalLever": "0",
        "ordFrozen": rounded(row.order_margin),
        "rewardBal": "0",
        "smtSyncEq": "0",
        "spotInUseAmt": "",
        "stgyEq": "0",
        "twap": "0",
        "uTime": str(call.now_ms),
        "upl": plain(row.unrealized_pnl),
        "uplLiab": "",
    }

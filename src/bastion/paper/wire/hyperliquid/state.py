"""State: what an account holds, who it is, and what it may still send.

Source: Hyperliquid docs, "Perpetuals" (clearinghouseState), "Spot" (spotClearinghouseState), "Info endpoint"
(userRole, userRateLimit, subAccounts, extraAgents, maxBuilderFee, userFees, userAbstraction). An address that
nobody owns reads as an empty account; so does an agent's own address.
"""

from collections.abc import Mapping
from decimal import Decimal

from bastion.paper.position import PositionView
from bastion.paper.wire.hyperliquid.assets import dex_of, dexes, spot_coins, tokens, universe
from bastion.paper.wire.hyperliquid.call import Call, Read
from bastion.paper.wire.hyperliquid.words import number

ZERO = Decimal(0)
_FAR = 20


def clearinghouse(call: Call) -> object:
    """Return the positions of one dex with its margin."""
    return _clearinghouse(call, call.user(), call.dex)


def spot_clearinghouse(call: Call) -> object:
    """Return the spot balances."""
    account = call.user()
    rows: list[object] = []
    if account is not None and not call.conditions.pretend_empty:
        held = call.exchange.spec(account).balances
        index = tokens(call.exchange).index
        rows = [
            {
                "coin": coin,
                "token": index(coin),
                "total": number(held[coin]),
                "hold": "0.0",
                "entryNtl": "0.0",
            }
            for coin in spot_coins(call.exchange)
            if held.get(coin, ZERO) > ZERO
        ]
    return {"balances": rows}


def role(call: Call) -> object:
    """Return whether an address is a user, an agent, a sub-account, or missing."""
    return call.directory.role(call.fields.address("user"))


def rate_limit(call: Call) -> object:
    """Return what the account has used of its requests."""
    account = call.user()
    volume = call.requests.volume(account) if account else ZERO
    return {
        "cumVlm": number(volume),
        "nRequestsUsed": call.requests.used(account) if account else 0,
        "nRequestsCap": call.requests.cap(account) if account else 0,
        "nRequestsSurplus": 0,
    }


def sub_accounts(call: Call) -> object:
    """Return the sub-accounts of a master with their states; null where there is none."""
    master = call.user()
    names = call.directory.sub_accounts(master) if master else ()
    rows = [
        {
            "name": name,
            "subAccountUser": call.directory.address(name),
            "master": call.directory.address(str(master)),
            "clearinghouseState": _clearinghouse(call, name, ""),
            "spotState": {"balances": []},
        }
        for name in names
    ]
    return rows or None


def agents(call: Call) -> object:
    """Return the approved agents of an account; on paper none of them expires within a year."""
    account = call.user()
    found = call.directory.agents(account) if account else ()
    until_ms = call.now_ms + 365 * 86_400_000
    return [
        {"name": f"agent {place}", "address": address, "validUntil": until_ms}
        for place, address in enumerate(found, start=1)
    ]


def builder_fee(call: Call) -> object:
    """Return the fee that an account has approved for a builder, in tenths of a basis point."""
    account = call.user()
    approved = call.memory.builders.get((account or "", call.fields.address("builder")), ZERO)
    return int(approved * 1000)


def abstraction(call: Call) -> object:
    """Return how the account's collateral is shared."""
    call.fields.address("user")
    return "default"


def fees(call: Call) -> object:
    """Return the rates of the first instrument: on paper every account pays the same."""
    call.fields.address("user")
    listed = universe(call.exchange, "")
    taker, maker = (
        (listed[0].instrument.taker_fee_ppm, listed[0].instrument.maker_fee_ppm) if listed else (450, 150)
    )
    return {
        "dailyUserVlm": [],
        "userCrossRate": number(Decimal(taker).scaleb(-6)),
        "userAddRate": number(Decimal(maker).scaleb(-6)),
        "userSpotCrossRate": "0.0007",
        "userSpotAddRate": "0.0004",
        "activeReferralDiscount": "0.0",
        "activeStakingDiscount": None,
    }


def _clearinghouse(call: Call, account: str | None, dex: str) -> dict[str, object]:
    views: list[PositionView] = []
    equity, free = ZERO, ZERO
    if account is not None and not call.conditions.pretend_empty:
        shown = call.exchange.positions(account, at_ms=call.at_ms)
        hidden = call.conditions.hidden
        listed = [view for view in shown if dex_of(view.position.symbol) == dex]
        views = [view for view in listed if view.position.symbol != hidden]
        equity, free = _money(call, account, dex, shown)
    summary = _summary(views, equity)
    maintenance = sum((view.maintenance_margin for view in views), ZERO)
    return {
        "assetPositions": [{"type": "oneWay", "position": _position(call, view)} for view in views],
        "marginSummary": summary,
        "crossMarginSummary": summary,
        "crossMaintenanceMarginUsed": number(maintenance),
        "withdrawable": number(free),
        "time": call.now_ms,
    }


def _money(call: Call, account: str, dex: str, shown: list[PositionView]) -> tuple[Decimal, Decimal]:
    # Collateral moves to a builder's dex as its positions need it, and counts there; the rest is the first's.
    settle = _settle(call, dex)
    bound = {
        name: sum((view.initial_margin + view.unrealized_pnl for view in shown if _is_on(view, name)), ZERO)
        for name in dexes(call.exchange)[1:]
        if _settle(call, name) == settle
    }
    if dex in bound and settle == _settle(call, ""):
        return bound[dex], ZERO
    balance = next((row for row in call.exchange.balances(account) if row.coin == settle), None)
    if balance is None:
        return ZERO, ZERO
    return balance.equity - (ZERO if dex else sum(bound.values(), ZERO)), balance.available


def _settle(call: Call, dex: str) -> str:
    listed = universe(call.exchange, dex)
    return listed[0].instrument.settle if listed else "USDC"


def _is_on(view: PositionView, dex: str) -> bool:
    return dex_of(view.position.symbol) == dex


def _summary(views: list[PositionView], equity: Decimal) -> dict[str, object]:
    signed = sum((view.notional for view in views), ZERO)
    return {
        "accountValue": number(equity),
        "totalNtlPos": number(sum((abs(view.notional) for view in views), ZERO)),
        "totalRawUsd": number(equity - signed),
        "totalMarginUsed": number(sum((view.initial_margin for view in views), ZERO)),
    }


def _position(call: Call, view: PositionView) -> dict[str, object]:
    margin, pnl = view.initial_margin, view.unrealized_pnl
    leverage: dict[str, object] = {
        "type": "isolated" if view.is_isolated else "cross",
        "value": view.leverage,
    }
    if view.is_isolated:
        leverage["rawUsd"] = number(margin - view.notional)
    price = view.liquidation_price
    return {
        "coin": view.position.symbol,
        "szi": number(view.position.quantity),
        "leverage": leverage,
        "entryPx": number(view.entry_price),
        "positionValue": number(abs(view.notional)),
        "unrealizedPnl": number(pnl),
        "returnOnEquity": number(pnl / margin) if margin else "0.0",
        "liquidationPx": number(price) if 0 < price < view.mark_price * _FAR else None,
        "marginUsed": number(margin + pnl if view.is_isolated else margin),
        "maxLeverage": view.instrument.leverage_max,
        "cumFunding": _funding(call, view),
    }


def _funding(call: Call, view: PositionView) -> dict[str, object]:
    # What was paid is positive here, unlike in userFunding.
    funding, position = call.exchange.funding, view.position
    paid = funding.payments(position.account, symbol=position.symbol)
    return {
        "allTime": number(-sum((payment.amount for payment in paid), ZERO)),
        "sinceOpen": number(-funding.since_opened(position)),
        "sinceChange": number(-funding.since_changed(position)),
    }


READS: Mapping[str, Read] = {
    "clearinghouseState": clearinghouse,
    "spotClearinghouseState": spot_clearinghouse,
    "userRole": role,
    "userRateLimit": rate_limit,
    "subAccounts": sub_accounts,
    "extraAgents": agents,
    "maxBuilderFee": builder_fee,
    "userAbstraction": abstraction,
    "userFees": fees,
}

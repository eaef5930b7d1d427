"""Fundings: the rows of funding in execution/list and in account/transaction-log.

Source: Bybit v5 "Get Trade History" and "Enums Definitions" (execType Funding, orderType UNKNOWN), and "Get
Transaction Log". `execFee` is positive where the account paid; the log's `funding` has the opposite sign, as
its page says. Of the log, the rows of type SETTLEMENT alone are kept here.
"""

from decimal import Decimal

from bastion.paper.exchange.funding import FundingPayment
from bastion.paper.wire.bybit import paging
from bastion.paper.wire.bybit.calls import CONTRACT_CATEGORIES, Call, on_grid, plain
from bastion.paper.wire.bybit.envelope import Outcome, not_modelled, wrong
from bastion.paper.wire.bybit.words import funding_id_of

SETTLEMENT = "SETTLEMENT"
_DAY_MS = 24 * 3_600_000
_WEEK_MS = 7 * _DAY_MS


def chosen(call: Call, category: str, span: tuple[int, int]) -> list[FundingPayment]:
    """Return the payments that the parameters of execution/list mean; a search for an order means none."""
    parameters = call.parameters
    named = any(parameters.has(name) for name in ("orderId", "orderLinkId"))
    if named or category not in CONTRACT_CATEGORIES:
        return []
    symbol = call.instrument(category).symbol if parameters.has("symbol") else None
    payments = call.exchange.funding.payments(call.account, symbol=symbol, span=span)
    return [row for row in payments if _is_meant(call, category, row)]


def execution(call: Call, row: FundingPayment) -> dict[str, object]:
    """Return a payment as an execution: `execQty` is the position, `execPrice` the mark price."""
    instrument = call.exchange.instrument(row.symbol)
    size = abs(row.quantity)
    return {
        "symbol": row.symbol,
        "orderId": funding_id_of(row.payment_id),
        "orderLinkId": "",
        "side": "Buy" if row.quantity > 0 else "Sell",
        "orderPrice": "0",
        "orderQty": "0",
        "leavesQty": "0",
        "createType": "",
        "orderType": "UNKNOWN",
        "stopOrderType": "UNKNOWN",
        "execFee": plain(-row.amount),
        "execFeeV2": "",
        "execId": funding_id_of(row.payment_id),
        "execPrice": on_grid(row.mark, instrument.tick),
        "execQty": on_grid(size, instrument.step),
        "execType": "Funding",
        "execValue": plain(instrument.value(size, row.mark)),
        "execTime": str(row.time_ms),
        "feeCurrency": "",
        "isMaker": False,
        "feeRate": plain(row.rate),
        "tradeIv": "",
        "markIv": "",
        "markPrice": on_grid(row.mark, instrument.tick),
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": "0",
        "seq": row.payment_id,
        "extraFees": "",
    }


def transaction_log(call: Call) -> Outcome:
    """GET /v5/account/transaction-log: settlements of funding, newest first; of the last day by default."""
    kind = call.parameters.text("type")
    if kind != SETTLEMENT:
        raise not_modelled("The transaction log of other types than SETTLEMENT")
    since, until = call.parameters.integer("startTime"), call.parameters.integer("endTime")
    if until is None:
        until = call.now_ms if since is None else since + _DAY_MS
    since = until - _DAY_MS if since is None else since
    if not 0 <= until - since <= _WEEK_MS:
        raise wrong("The time range between startTime and endTime cannot exceed 7 days")
    category, coin = call.parameters.text("category"), call.parameters.text("currency")
    base = call.parameters.text("baseCoin")
    rows = [
        row
        for row in call.exchange.funding.payments(call.account, span=(since, until))
        if category in {"", call.exchange.instrument(row.symbol).kind.value}
        and coin in {"", row.coin}
        and base in {"", call.exchange.instrument(row.symbol).base}
    ]
    if call.conditions.pretend_empty:
        rows = []
    page, cursor = paging.page(
        rows, call.parameters, paging.TRANSACTIONS, lambda row: paging.newest_first(row.payment_id)
    )
    return Outcome(result={"nextPageCursor": cursor, "list": [_logged(call, row) for row in page]})


def of_position(call: Call, symbol: str, side: str) -> Decimal:
    """Return all funding that an account ever received (negative: paid) in one position's place."""
    rows = call.exchange.funding.payments(call.account, symbol=symbol)
    return sum((row.amount for row in rows if row.side.value == side), Decimal(0))


def _is_meant(call: Call, category: str, row: FundingPayment) -> bool:
    instrument = call.exchange.instrument(row.symbol)
    parameters = call.parameters
    if instrument.kind.value != category:
        return False
    if parameters.has("symbol"):
        return True
    if parameters.has("baseCoin"):
        return parameters.text("baseCoin") == instrument.base
    return parameters.text("settleCoin") in {"", instrument.settle}


def _logged(call: Call, row: FundingPayment) -> dict[str, object]:
    instrument = call.exchange.instrument(row.symbol)
    return {
        "id": f"{row.payment_id}_{row.symbol}",
        "symbol": row.symbol,
        "category": instrument.kind.value,
        "side": "Buy" if row.quantity > 0 else "Sell",
        "transactionTime": str(row.time_ms),
        "type": SETTLEMENT,
        "transSubType": "",
        "qty": on_grid(abs(row.quantity), instrument.step),
        "size": on_grid(row.quantity, instrument.step),
        "currency": row.coin,
        "tradePrice": on_grid(row.mark, instrument.tick),
        "funding": plain(row.amount),
        "fee": "0",
        "cashFlow": "0",
        "change": plain(row.amount),
        # The balance after that change is not kept.
        "cashBalance": "",
        "feeRate": plain(row.rate),
        "bonusChange": "",
        "tradeId": funding_id_of(row.payment_id),
        "orderId": "",
        "orderLinkId": "",
        "extraFees": "",
    }

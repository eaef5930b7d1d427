"""Bills: account/bills and account/bills-archive, the rows of funding.

Source: OKX v5 "Get bills details (last 7 days)" and "(last 3 months)": newest first, paged by billId; type 8
is funding, subType 173 what was paid and 174 what was received. The paper exchange keeps bills of funding
alone, so a question for other types is refused rather than answered as empty.
"""

from bastion.paper.exchange.funding import FundingPayment
from bastion.paper.wire.okx import paging
from bastion.paper.wire.okx.calls import SWAP, Call, plain
from bastion.paper.wire.okx.envelope import Outcome, not_modelled
from bastion.paper.wire.okx.words import bill_id_of

FUNDING = "8"
PAID, RECEIVED = "173", "174"
_WEEK_MS = 7 * 24 * 3_600_000
_ARCHIVE_MS = 90 * 24 * 3_600_000


def bills(call: Call) -> Outcome:
    """GET /api/v5/account/bills: the last seven days."""
    return _bills(call, _WEEK_MS)


def bills_archive(call: Call) -> Outcome:
    """GET /api/v5/account/bills-archive: the last three months."""
    return _bills(call, _ARCHIVE_MS)


def _bills(call: Call, reach_ms: int) -> Outcome:
    parameters = call.parameters
    if parameters.text("type") != FUNDING:
        raise not_modelled("Bills of other types than 8 (funding)")
    rows = [
        _row(call, payment)
        for payment in call.exchange.funding.payments(call.account, span=(call.now_ms - reach_ms, call.at_ms))
        if parameters.text("instType") in {"", SWAP}
        and parameters.text("instId") in {"", payment.symbol}
        and parameters.text("ccy") in {"", payment.coin}
        and parameters.text("subType") in {"", _sub_type(payment)}
        and paging.within(parameters, payment.time_ms)
    ]
    shown = [] if call.conditions.pretend_empty else rows
    return Outcome(data=paging.page(shown, parameters, lambda row: int(str(row["billId"]))))


def _sub_type(payment: FundingPayment) -> str:
    return RECEIVED if payment.amount > 0 else PAID


def _row(call: Call, payment: FundingPayment) -> dict[str, object]:
    mode = call.exchange.margin_mode(call.account, payment.symbol).value.lower()
    return {
        # The balance after that change is not kept.
        "bal": "",
        "balChg": plain(payment.amount),
        "billId": bill_id_of(payment.payment_id),
        "ccy": payment.coin,
        "clOrdId": "",
        "earnAmt": "",
        "earnApr": "",
        "execType": "",
        "fee": "0",
        "fillFwdPx": "",
        "fillIdxPx": "",
        "fillMarkPx": "",
        "fillMarkVol": "",
        "fillPxUsd": "",
        "fillPxVol": "",
        "fillTime": "",
        "from": "",
        "instId": payment.symbol,
        "instType": SWAP,
        "interest": "0",
        "mgnMode": mode,
        "notes": "",
        "ordId": "",
        "pnl": plain(payment.amount),
        "posBal": "0",
        "posBalChg": "0",
        "px": plain(payment.mark),
        "subType": _sub_type(payment),
        "sz": plain(abs(payment.quantity)),
        "tag": "",
        "to": "",
        "tradeId": "",
        "ts": str(payment.time_ms),
        "type": FUNDING,
    }

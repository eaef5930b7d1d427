"""Fee rates: account/trade-fee, the account's fees on one kind of instrument.

Source: OKX v5 "Get fee rates": a fee that is paid is negative.
"""

from decimal import Decimal

from bastion.paper.wire.okx.calls import INSTRUMENT_TYPES, Call, family_of, plain
from bastion.paper.wire.okx.envelope import OkxError, Outcome


def trade_fee(call: Call) -> Outcome:
    """GET /api/v5/account/trade-fee: of an instrument family, or of the first one listed."""
    parameters = call.parameters
    kind = parameters.must_choose("instType", INSTRUMENT_TYPES)
    family = parameters.text("instFamily") or parameters.text("uly")
    listed = [row for row in call.exchange.instruments.values() if family in {"", family_of(row)}]
    if not listed:
        raise OkxError("51014", "Index does not exist.")
    taker, maker = (
        plain(-Decimal(ppm).scaleb(-6)) for ppm in (listed[0].taker_fee_ppm, listed[0].maker_fee_ppm)
    )
    row = {
        "category": "1",
        "delivery": "",
        "exercise": "",
        "feeGroup": [{"groupId": "1", "maker": maker, "taker": taker}],
        "fiat": [],
        "instType": kind,
        "level": "Lv1",
        "maker": maker,
        "makerU": maker,
        "makerUSDC": maker,
        "ruleType": "normal",
        "taker": taker,
        "takerU": taker,
        "takerUSDC": taker,
        "ts": str(call.now_ms),
    }
    return Outcome(data=[row])

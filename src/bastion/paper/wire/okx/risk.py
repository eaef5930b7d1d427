"""Risk: account/account-position-risk, balances and positions at one moment.

Source: OKX v5 "Get account and position risk".
"""

from bastion.paper.wire.okx.calls import Call, dollar_price, rounded
from bastion.paper.wire.okx.envelope import Outcome
from bastion.paper.wire.okx.positions import positions

_FIELDS = ("ccy", "instId", "instType", "mgnMode", "notionalUsd", "pos", "posCcy", "posId", "posSide")


def account_position_risk(call: Call) -> Outcome:
    """GET /api/v5/account/account-position-risk."""
    held = positions(call).data
    balances = call.exchange.balances(call.account)
    return Outcome(
        data=[
            {
                "adjEq": "",
                "balData": [
                    {
                        "ccy": row.coin,
                        "disEq": rounded(row.equity * dollar_price(call.exchange, row.coin)),
                        "eq": rounded(row.equity),
                    }
                    for row in balances
                ],
                "posData": [
                    {
                        **{name: row.get(name, "") for name in _FIELDS},
                        "baseBal": "",
                        "notionalCcy": "",
                        "quoteBal": "",
                    }
                    for row in held
                ],
                "ts": str(call.now_ms),
            }
        ]
    )

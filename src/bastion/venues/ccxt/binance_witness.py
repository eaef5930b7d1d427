"""Binance witness: Account Information V3 beside Position Information V3.

Source: developers.binance.com, USD-M futures, Account Information V3 (weight 5): positionInitialMargin of an
asset is the margin that positions need at the present mark price; `positions` has those with a size or an
order. The totals of the page speak of USDT alone in single-asset mode, the assets of every margin coin.
"""

from bastion.venues.ccxt.witness import Claim, margin_claim, size_claim
from bastion.venues.raw import Answer, Row

METHOD = "fapiPrivateV3GetAccount"
WEIGHT = 5
POSITIONS = ("positions",)


def claims(answer: Answer) -> tuple[Claim, ...]:
    """Return what the account says is held; raises `AnswerMalformed` for a page of another shape."""
    account = Row(answer.value, "account")
    assets = (
        margin_claim(row.decimal_or_none("positionInitialMargin"), row.text_or("asset"), POSITIONS)
        for row in account.rows("assets")
    )
    sizes = (
        size_claim(row.decimal_or_none("positionAmt"), row.text_or("symbol"), POSITIONS)
        for row in account.rows("positions")
    )
    return tuple(claim for found in (*assets, *sizes) for claim in found)

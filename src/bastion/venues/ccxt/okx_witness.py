"""OKX witness: Get account and position risk beside Get positions.

Source: www.okx.com/docs-v5/en, Get account and position risk (10 requests in 2 s a user): posData has every
position of every instType. Get balance is no witness: its imr counts pending orders as well.
"""

from bastion.venues.ccxt.okx_reads import data_of
from bastion.venues.ccxt.witness import Claim, size_claim
from bastion.venues.raw import Answer

METHOD = "privateGetAccountAccountPositionRisk"
UNIT = "risk"
POSITIONS = ("positions",)


def claims(answer: Answer) -> tuple[Claim, ...]:
    """Return what the risk page names; raises `AnswerMalformed` for a page of another shape."""
    found = (
        size_claim(row.decimal_or_none("pos"), row.text_or("instId"), POSITIONS)
        for risk in data_of(answer, "account-position-risk")
        for row in risk.rows("posData")
    )
    return tuple(claim for claims_of_row in found for claim in claims_of_row)

"""Proof: a verdict of flat is told only with the two looks that it rests on."""

from dataclasses import replace

from bastion.domain.records import LegJudged
from bastion.domain.verdict import Verdict
from bastion.exits.progress import Leg, Progress

LOOKS = 2
WHY = "the journal does not hold the two looks behind its verdict"


def demand_proof(state: Progress) -> None:
    """Make every verdict of flat UNKNOWN whose two looks are not among the entries that were folded.

    Whoever reads that an account is flat must be able to read by what. The judge never says flat without two
    looks; a journal that lost some of its entries, or could not be read whole, proves nothing.
    """
    judged = state.judged
    if judged is None:
        return
    unproven = [leg for leg in state.legs.values() if _lacks(leg)]
    for leg in unproven:
        leg.judged = _unknown(leg)
    if judged.verdict.success and (unproven or not state.legs):
        state.judged = replace(judged, verdict=Verdict.UNKNOWN)


def _lacks(leg: Leg) -> bool:
    if leg.judged is None:
        return True
    return leg.judged.verdict.success and len(leg.proofs) < LOOKS


def _unknown(leg: Leg) -> LegJudged:
    told = leg.judged
    if told is None:
        told = LegJudged(exit_id=leg.exit_id, account=leg.account.name, run=leg.run, verdict=Verdict.UNKNOWN)
    return replace(told, verdict=Verdict.UNKNOWN, time_to_flat_ms=None, unread=(*told.unread, ("proof", WHY)))

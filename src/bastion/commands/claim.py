"""Claim: the certificate of an exit with the raw answers that its looks rest on, in one file."""

import json
from collections.abc import Mapping
from typing import Any

from bastion.commands.certificate import CertificateReport
from bastion.exits.claim import CLAIM_FORM, named_answers
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimReport:
    """A claim file: `document` is the whole of it; `missing` counts named answers that are not kept."""

    summary: str
    exit_id: str
    verdict: str
    fingerprint: str
    answers: int
    missing: int
    document: Mapping[str, Any]


def claim(told: CertificateReport, kept: Mapping[str, str]) -> ClaimReport:
    """Return the claim file of a certificate; `kept` holds raw answers by their SHA-256.

    Every hash that the certificate names stands either among the answers or in `missing`.
    """
    named = named_answers(told.document)
    answers = {digest: kept[digest] for digest in named if digest in kept}
    missing = [digest for digest in named if digest not in kept]
    count = f"{len(answers)} of {len(named)} raw answers are with it"
    return ClaimReport(
        summary=f"{told.summary} {count}.",
        exit_id=told.exit_id,
        verdict=told.verdict,
        fingerprint=told.fingerprint,
        answers=len(answers),
        missing=len(missing),
        document={
            "form": CLAIM_FORM,
            "certificate": dict(told.document),
            "answers": answers,
            "missing": missing,
        },
    )


def claim_text(report: ClaimReport) -> str:
    """Return the claim as the one file that is stored and handed on."""
    return json.dumps(report.document, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n"

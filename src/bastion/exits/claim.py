"""Claim: a certificate and the raw answers that it names, checked against their hashes; pure."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

CLAIM_FORM = "bastion-claim/1"


def named_answers(certificate: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the hashes of all raw answers that a certificate names, each once, in their order."""
    found: list[str] = []
    for account in certificate.get("accounts", ()):
        for look in account.get("looks", ()):
            found.extend(str(digest) for digest in look.get("raw_answers_sha256", ()))
        found.extend(str(call.get("raw_answer_sha256", "")) for call in account.get("asked", ()))
    return tuple(dict.fromkeys(digest for digest in found if digest))


def claim_flaws(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is wrong with the answers of a claim of the right shape; not of its certificate."""
    answers, missing = document["answers"], document["missing"]
    named = named_answers(document["certificate"])
    return (*_changed(answers), *_not_accounted(named, answers, missing))


def _changed(answers: Mapping[str, Any]) -> Sequence[str]:
    return [
        f"the raw answer {digest[:16]} does not have its hash"
        for digest, text in answers.items()
        if not isinstance(text, str) or hashlib.sha256(text.encode()).hexdigest() != digest
    ]


def _not_accounted(named: Sequence[str], answers: Mapping[str, Any], missing: Sequence[object]) -> list[str]:
    found = [
        f"the raw answer {digest[:16]} is neither there nor said to be missing"
        for digest in named
        if digest not in answers and digest not in missing
    ]
    found += [
        f"the raw answer {str(digest)[:16]} is not one that the certificate names"
        for digest in (*answers, *missing)
        if digest not in named
    ]
    return found

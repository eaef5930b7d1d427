"""Certificate: the signed account of one exit, and its check by whoever holds the file."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bastion.auth.permit import permit
from bastion.commands.desk import Desk
from bastion.commands.visible import sees, visible
from bastion.domain.account import Account
from bastion.domain.act import Act
from bastion.domain.principal import Principal
from bastion.domain.records import ExitRequested
from bastion.domain.venue import unread_spaces
from bastion.errors import Conflict, ExitUnknown, Refused, ScopeDenied
from bastion.exits.certificate import FORM, Issue, canonical, draw, extends, flaws
from bastion.exits.claim import CLAIM_FORM, claim_flaws
from bastion.ports import Clock, Journal, Notary
from bastion.shape import dataclass

ID_LENGTH_MAX = 64
TEXT_LENGTH_MAX = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateReport:
    """A certificate: `document` is the whole file, as it is to be stored and handed on."""

    summary: str
    exit_id: str
    verdict: str
    fingerprint: str
    head: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateCheck:
    """What a check of a certificate found; `success` when nothing in it was changed since it was signed.

    `trusted` says whether the key is the expected one; None where no fingerprint was given: then anyone could
    have signed it. `answers` counts the raw answers of a claim file that have the hashes that the certificate
    names, `answers_missing` those that were not kept; None where the file is a certificate alone.
    """

    summary: str
    success: bool
    exit_id: str | None
    verdict: str | None
    issued_at: str | None
    fingerprint: str | None
    trusted: bool | None
    flaws: tuple[str, ...]
    answers: int | None
    answers_missing: int | None


async def certificate(desk: Desk, principal: Principal, exit_id: str) -> CertificateReport:
    """Return the signed certificate of an exit as it stands now, by what the journal holds of it.

    A later certificate of the same exit holds every entry of an earlier one, and more after them.

    Raises:
        ScopeDenied: the principal lacks the read scope, or sees a part of the exit only.
        ExitUnknown: there is no exit of that id that the principal may see.
        Conflict: the exit has no verdict yet.
        ConfigInvalid: the signing key cannot be used.
        JournalUnusable: what an entry's hash covers cannot be found.
    """
    return issue_certificate(
        exit_id,
        principal=principal,
        journal=desk.journal,
        notary=desk.notary(),
        clock=desk.clock,
        accounts=desk.accounts,
    )


def issue_certificate(
    exit_id: str,
    *,
    principal: Principal,
    journal: Journal,
    notary: Notary,
    clock: Clock,
    accounts: Sequence[Account],
) -> CertificateReport:
    """Return the signed certificate of an exit, without a desk.

    `accounts` are those of the configuration; what their credentials can see beside them is named as left
    out, like the accounts that the exit did not cover.

    Raises:
        BastionError: as `certificate`.
    """
    permit(principal, Act.CERTIFICATE)
    whole = journal.entries(exit_id) if 0 < len(exit_id) <= ID_LENGTH_MAX else ()
    entries = visible(whole, principal)
    request = next((entry.record for entry in entries if isinstance(entry.record, ExitRequested)), None)
    if request is None:
        raise ExitUnknown(f"There is no exit with the id {exit_id[:ID_LENGTH_MAX]!r} in this journal.")
    if entries != whole:
        raise ScopeDenied(
            f"A certificate is of a whole exit, and this key sees a part of {exit_id} only. Its status shows "
            "that part."
        )
    covered = {account.name for account in request.accounts}
    public_key = notary.public_key()
    issue = Issue(
        at_ns=clock.now_ns(),
        version=notary.version(),
        public_key=base64.b64encode(public_key).decode("ascii"),
        fingerprint=fingerprint_of(public_key),
        left_out=(
            *(one.name for one in accounts if sees(principal, one.name) and one.name not in covered),
            *(f"{name}: {words}" for name, _, words in unread_spaces(accounts) if sees(principal, name)),
        ),
    )
    document = draw(entries, notary.bodies(entries), issue)
    if document["outcome"]["verdict"] is None:
        raise Conflict(f"The exit {exit_id} has no verdict yet; ask again when it has.")
    signature = notary.sign(canonical(document))
    document["signature"] = base64.b64encode(signature).decode("ascii")
    return CertificateReport(
        summary=f"{document['outcome']['summary']} Signed by {issue.fingerprint}.",
        exit_id=exit_id,
        verdict=document["outcome"]["verdict"],
        fingerprint=issue.fingerprint,
        head=entries[-1].hash,
        document=document,
    )


def certificate_text(report: CertificateReport) -> str:
    """Return the certificate as the one file that is stored and handed on."""
    return json.dumps(report.document, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n"


def check_certificate(
    text: str,
    *,
    is_signed: Callable[..., bool],
    fingerprint: str | None = None,
    earlier: str | None = None,
) -> CertificateCheck:
    """Check a certificate by its text alone: its signature, its entries' hashes, and whose key signed it.

    `fingerprint` is the expected key's, as `bastion certificate show` tells it; `earlier` the text of an
    earlier certificate of the same exit, of which nothing may be missing.

    Raises:
        Refused: the text, or the earlier one, is no certificate.
    """
    claimed, document = _opened(text)
    found: list[str] = []
    key = document["issued_by"]["public_key"]
    unsigned = {name: value for name, value in document.items() if name != "signature"}
    if not is_signed(canonical(unsigned), public_key=key, signature=document["signature"]):
        found.append("the signature does not fit: something was changed after it was signed")
    own = fingerprint_of(_bytes(key))
    if document["issued_by"]["fingerprint"] != own:
        found.append("the fingerprint that it names is not its key's")
    found.extend(flaws(document))
    found.extend(() if claimed is None else claim_flaws(claimed))
    trusted = None if fingerprint is None else own == fingerprint.strip()
    if trusted is False:
        found.append(f"it was signed by {own}, not by {fingerprint}")
    if earlier is not None and not extends(document, _opened(earlier)[1]):
        found.append("it lacks entries of the earlier certificate")
    return CertificateCheck(
        summary=_sentence(document, found, own, trusted=trusted) + _told_of(claimed),
        success=not found,
        exit_id=document["exit_id"],
        verdict=document["outcome"]["verdict"],
        issued_at=document["issued_at"],
        fingerprint=own,
        trusted=trusted,
        flaws=tuple(found),
        answers=None if claimed is None else len(claimed["answers"]),
        answers_missing=None if claimed is None else len(claimed["missing"]),
    )


def fingerprint_of(public_key: bytes) -> str:
    """Return how a public key is told apart: `SHA256:` and the hexadecimal digest of its 32 bytes."""
    return "SHA256:" + hashlib.sha256(public_key).hexdigest()


def _sentence(document: Mapping[str, Any], found: list[str], own: str, *, trusted: bool | None) -> str:
    if found:
        return f"NOT GENUINE: {'; '.join(found)}."
    whose = "the expected key" if trusted else f"{own}; compare that with the installation's own"
    return (
        f"Genuine: {document['exit_id']} ended {document['outcome']['verdict']}, as it was signed at "
        f"{document['issued_at']} by {whose}."
    )


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def _told_of(claimed: Mapping[str, Any] | None) -> str:
    if claimed is None:
        return ""
    return f" Raw answers: {len(claimed['answers'])} with it, {len(claimed['missing'])} not kept."


def _opened(text: str) -> tuple[Mapping[str, Any] | None, dict[str, Any]]:
    """Return the claim that a file is, if it is one, and the certificate in it."""
    document = _document(text)
    if document.get("form") != CLAIM_FORM:
        return None, _certificate_in(document)
    shaped = isinstance(document.get("answers"), dict) and isinstance(document.get("missing"), list)
    inner = document.get("certificate")
    if not shaped or not isinstance(inner, dict):
        raise _no_certificate("its parts are not those of a claim")
    return document, _certificate_in(inner)


def _document(text: str) -> dict[str, Any]:
    try:
        if len(text) > TEXT_LENGTH_MAX:
            raise _no_certificate("it is too long")
        document = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _no_certificate("it is no JSON document") from error
    if not isinstance(document, dict):
        raise _no_certificate(f"its form is not {FORM}")
    return document


def _certificate_in(document: dict[str, Any]) -> dict[str, Any]:
    if document.get("form") != FORM:
        raise _no_certificate(f"its form is not {FORM}")
    if not _shaped(document):
        raise _no_certificate("its parts are not those of a certificate")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two members of one name could show a reader something else than what was signed.
    if len({name for name, _ in pairs}) != len(pairs):
        raise _no_certificate("it names something twice")
    return dict(pairs)


def _shaped(document: Mapping[str, Any]) -> bool:
    try:
        issued, outcome = document["issued_by"], document["outcome"]
        texts = (
            document["exit_id"],
            document["issued_at"],
            document["signature"],
            issued["public_key"],
            issued["fingerprint"],
            outcome["verdict"],
            *(entry[name] for entry in document["entries"] for name in ("body", "kind", "previous", "hash")),
        )
        numbers = [entry[name] for entry in document["entries"] for name in ("seq", "at_ns")]
        flags = [entry["spooled"] for entry in document["entries"]]
        heads = [document["heads"]["journal"], document["heads"]["spool"]]
        return (
            all(isinstance(one, str) and one.isascii() for one in texts)
            and all(type(one) is int for one in numbers)
            and all(type(one) is bool for one in flags)
            and set(document["heads"]) == {"journal", "spool"}
            and all(isinstance(one, list) for one in heads)
        )
    except (KeyError, TypeError, AttributeError):
        return False


def _no_certificate(why: str) -> Refused:
    return Refused(f"This is no certificate of bastion: {why}.")

"""Papers: `journal` and `certificate` (what was done here, and the proof of it), `schema`, `completion`."""

import importlib
import os
from pathlib import Path

from bastion.app import Place, certificate_of, check_certificate, claim_of, open_desk, verify_journals
from bastion.commands import audit_records, certificate_text, claim_text
from bastion.errors import Refused
from bastion.shape import dataclass
from bastion.surfaces.cli.answers import CertificateWritten, ClaimWritten, SchemasListed
from bastion.surfaces.cli.codes import Code
from bastion.surfaces.cli.press import OWNER
from bastion.surfaces.cli.view import complain, emit
from bastion.surfaces.schemas import dumps, schema_names, schema_text

FILE_BYTES_MAX = 50_000_000
PRIVATE_MODE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which calls `bastion journal` is to show."""

    act: str | None
    key: str | None
    since: str | None
    until: str | None
    exit_id: str | None
    limit: int


def run_verify_journals(place: Place, *, json: bool) -> int:
    """Check every hash chain of this state directory; the code is 1 when a row does not fit."""
    told = verify_journals(place)
    if json:
        emit(dumps(told))
    else:
        for chain in told.chains:
            found = "sound" if chain.sound else chain.trouble or f"row {chain.broken_at} does not fit"
            emit(f"{chain.name:<8} {chain.rows:>8} rows  {found}  head {chain.head[:16]}  {chain.path}")
        emit(told.summary)
    return Code.OK if told.success else Code.INTERNAL


async def run_export(place: Place, query: Query) -> int:
    """Write the calls that fit as JSON lines, the oldest first."""
    async with open_desk(place) as desk:
        told = await audit_records(
            desk,
            OWNER,
            act=query.act,
            principal_id=query.key,
            since=query.since,
            until=query.until,
            exit_id=query.exit_id,
            limit=query.limit,
        )
    for row in reversed(told.records):
        emit(dumps(row))
    for warning in told.warnings:
        complain(warning)
    return Code.OK


def run_certificate(place: Place, exit_id: str, *, out: Path | None, json: bool) -> int:
    """Write the certificate of an exit to standard output, or to a new file.

    Raises:
        Refused: there is no such exit, it has no verdict yet, or the file is there already.
    """
    told = certificate_of(place, OWNER, exit_id)
    text = certificate_text(told)
    if out is None:
        emit(text.rstrip("\n"))
        complain(told.summary)
        return Code.OK
    _write_new(out, text)
    if json:
        emit(
            dumps(
                CertificateWritten(
                    summary=told.summary,
                    exit_id=told.exit_id,
                    verdict=told.verdict,
                    fingerprint=told.fingerprint,
                    head=told.head,
                    file=str(out),
                )
            )
        )
    else:
        emit(f"{told.summary} Written to {out}.")
    return Code.OK


def run_claim(place: Place, exit_id: str, *, out: Path, json: bool) -> int:
    """Write the claim file of an exit: its certificate with the raw answers that it names.

    Raises:
        Refused: as `run_certificate`.
    """
    told = claim_of(place, OWNER, exit_id)
    _write_new(out, claim_text(told))
    written = ClaimWritten(
        summary=told.summary,
        exit_id=told.exit_id,
        verdict=told.verdict,
        fingerprint=told.fingerprint,
        answers=told.answers,
        answers_missing=told.missing,
        file=str(out),
    )
    emit(dumps(written) if json else f"{told.summary} Written to {out}.")
    return Code.OK


def _write_new(out: Path, text: str) -> None:
    try:
        # Never over another: it is evidence.
        descriptor = os.open(out, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Refused(f"{out} is there already; name another file. Nothing was written.") from None
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror}.") from error


def run_check_certificate(file: Path, *, fingerprint: str | None, earlier: Path | None, json: bool) -> int:
    """Check a certificate by its file alone; the code is 1 when it is not genuine.

    Raises:
        Refused: a file cannot be read, or is no certificate.
    """
    told = check_certificate(
        _read(file), fingerprint=fingerprint, earlier=None if earlier is None else _read(earlier)
    )
    emit(dumps(told) if json else told.summary)
    return Code.OK if told.success else Code.INTERNAL


def run_completion(shell: str) -> int:
    """Write the completion script of a shell."""
    # It is made from the whole command tree, which no other command here needs.
    emit(str(importlib.import_module("bastion.surfaces.reference.completion").script(shell)).rstrip("\n"))
    return Code.OK


def run_schema(name: str | None, *, json: bool) -> int:
    """Write a published schema, or the names of all.

    Raises:
        Refused: there is no schema of that name.
    """
    names = schema_names()
    if name is None:
        emit(dumps(SchemasListed(schemas=names)) if json else "\n".join(names))
        return Code.OK
    if name not in names:
        raise Refused(f"There is no schema {name[:64]!r}; there are: {', '.join(names)}.")
    emit(schema_text(name).rstrip("\n"))
    return Code.OK


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise Refused(f"{file} is larger than any certificate.")
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise Refused(f"{file} is no text.") from None

"""Answers: which command's `--json` answers with what, and the published schema of each."""

import inspect
import json
from typing import Any

from bastion.commands import (
    DoctorReport,
    EngineArmReport,
    EngineDisarmReport,
    EngineHistoryReport,
    EngineStartReport,
    EngineStatusReport,
    PositionsReport,
    PreviewReport,
    RefundPreview,
    RefundReport,
    RefundReview,
    ResetReport,
    StatusReport,
)
from bastion.commands.audit import AuditRow, VerifyReport
from bastion.commands.certificate import CertificateCheck
from bastion.commands.connect import ConnectReport
from bastion.exits.act_telling import HaltReport
from bastion.exits.report import ExitReport
from bastion.gauntlet.report import GauntletReport
from bastion.proving.prove import ProofReport
from bastion.shape import dataclass
from bastion.surfaces.cli import answers as own
from bastion.surfaces.mcp_server.shapes import schema_of
from bastion.surfaces.reference.command import Words

DRAFT = "https://json-schema.org/draft/2020-12/schema"
EXIT = "exit"
"""The schema of an exit's report is written by hand, with the meaning of each field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer: the name of its schema, the commands that give it, and its dataclass."""

    name: str
    words: tuple[Words, ...]
    shape: type


ANSWERS = (
    Answer(name=EXIT, words=(("exit",), ("watch",)), shape=ExitReport),
    Answer(name="exit-preview", words=(("exit",),), shape=PreviewReport),
    Answer(name="halt", words=(("halt",), ("watch",)), shape=HaltReport),
    Answer(name="halt-preview", words=(("halt",),), shape=own.HaltPreview),
    Answer(name="status", words=(("status",),), shape=StatusReport),
    Answer(name="positions", words=(("positions",),), shape=PositionsReport),
    Answer(name="reset", words=(("reset",),), shape=ResetReport),
    Answer(name="connect", words=(("connect",),), shape=ConnectReport),
    Answer(name="venues", words=(("venues",),), shape=own.VenuesListed),
    Answer(name="venues-prove", words=(("venues", "prove"),), shape=ProofReport),
    Answer(name="doctor", words=(("doctor",),), shape=DoctorReport),
    Answer(name="refund", words=(("refund",),), shape=RefundReport),
    Answer(name="refund-preview", words=(("refund",),), shape=RefundPreview),
    Answer(name="refund-review", words=(("refund",),), shape=RefundReview),
    Answer(name="demo", words=(("demo",),), shape=own.DemoPlayed),
    Answer(name="gauntlet", words=(("gauntlet",),), shape=GauntletReport),
    Answer(name="gauntlet-list", words=(("gauntlet",),), shape=own.GauntletListed),
    Answer(name="engine-start", words=(("engine", "start"),), shape=EngineStartReport),
    Answer(name="engine-arm", words=(("engine", "arm"),), shape=EngineArmReport),
    Answer(name="engine-disarm", words=(("engine", "disarm"),), shape=EngineDisarmReport),
    Answer(name="engine-status", words=(("engine", "status"),), shape=EngineStatusReport),
    Answer(name="engine-history", words=(("engine", "history"),), shape=EngineHistoryReport),
    Answer(name="key", words=(("keys", "create"), ("keys", "rotate")), shape=own.NewKeyEntry),
    Answer(name="keys", words=(("keys", "list"),), shape=own.KeysListed),
    Answer(name="key-revoked", words=(("keys", "revoke"),), shape=own.KeyRevoked),
    Answer(name="credential", words=(("vault", "put"),), shape=own.CredentialStored),
    Answer(name="credentials", words=(("vault", "list"),), shape=own.CredentialsListed),
    Answer(name="credential-removed", words=(("vault", "remove"),), shape=own.CredentialRemoved),
    Answer(name="journal-row", words=(("journal", "export"),), shape=AuditRow),
    Answer(name="journal-check", words=(("journal", "verify"),), shape=VerifyReport),
    Answer(name="certificate-written", words=(("certificate", "show"),), shape=own.CertificateWritten),
    Answer(name="claim-written", words=(("certificate", "export"),), shape=own.ClaimWritten),
    Answer(name="certificate-check", words=(("certificate", "verify"),), shape=CertificateCheck),
    Answer(name="schemas", words=(("schema",),), shape=own.SchemasListed),
    Answer(name="error", words=(), shape=own.Failed),
)


def names_of(words: Words) -> tuple[str, ...]:
    """Return the names of the schemas of a command's answers."""
    return tuple(answer.name for answer in ANSWERS if words in answer.words)


def schema(answer: Answer) -> dict[str, Any]:
    """Return the schema of an answer, read off its dataclass."""
    text = inspect.cleandoc(answer.shape.__doc__ or "").partition("\n\n")[0]
    head = {"$schema": DRAFT, "title": " ".join(text.split())}
    found: dict[str, Any] = {**head, **schema_of(answer.shape)}
    if answer.shape is own.Failed:
        # It stands there only where waiting helps.
        found["properties"]["error"]["required"].remove("retry_after")
        found["properties"]["error"]["properties"]["retry_after"] = {"type": "integer", "minimum": 1}
    return found


def files() -> dict[str, str]:
    """Return the text of every schema that is made here, by its name."""
    return {
        answer.name: json.dumps(schema(answer), indent=1) + "\n" for answer in ANSWERS if answer.name != EXIT
    }

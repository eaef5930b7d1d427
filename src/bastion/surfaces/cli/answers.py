"""Answers: what `--json` says where it is no verb's report; the published schemas are made from these."""

from dataclasses import fields
from decimal import Decimal
from enum import StrEnum
from typing import Self

from bastion.commands.positions import UnreadAccount
from bastion.commands.preview_telling import PreviewOrder
from bastion.domain.principal import Tier
from bastion.exits.report import ExitReport
from bastion.shape import dataclass


class KeyState(StrEnum):
    """Whether a key still works."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """A bastion key without its secret; `accounts` None means all, the cap is in USD, times are UTC."""

    id: str
    scope: str
    label: str
    state: KeyState
    created_at: str | None
    expires_at: str | None
    revoked_at: str | None
    accounts: tuple[str, ...] | None
    only: str | None
    notional_cap_usd: Decimal | None
    tier: Tier
    replaces: str | None
    uses: int
    last_used_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKeyEntry(KeyEntry):
    """A key that was made just now, with its secret, which is shown this once."""

    key: str

    @classmethod
    def of(cls, key: str, entry: KeyEntry) -> Self:
        """Return the entry with the key."""
        return cls(key=key, **{field.name: getattr(entry, field.name) for field in fields(entry)})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysListed:
    """Every key, also those that work no more."""

    keys: tuple[KeyEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevoked:
    """The id of a key whose next use is refused."""

    revoked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialStored:
    """A credential that the vault now holds: its name, the names of its fields, and where the vault is."""

    stored: str
    fields: tuple[str, ...]
    replaced: bool
    vault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsListed:
    """The names of the stored credentials."""

    credentials: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRemoved:
    """The name of a credential that the vault holds no more."""

    removed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueEntry:
    """An exchange, and how far the exit is proven there.

    `standing` is `live` or `demo` (proven at that host by this user, `proven_on` says when), `paper` (its
    adapter passes the conformance suite on the paper exchange's wire), `generic` (ccxt's unified methods), or
    `refused`, for the reason in `detail`. The key spaces of a refused one are empty.
    """

    venue: str
    standing: str
    detail: str
    key_spaces: tuple[str, ...]
    default_key_space: str | None
    hosts: tuple[str, ...]
    proven_on: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuesListed:
    """Every exchange that is supported, and every one of ccxt's with swaps that is refused."""

    venues: tuple[VenueEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAct:
    """One act of the demo, and the report of its exit."""

    act: int
    report: ExitReport


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlayed:
    """The acts that were played."""

    acts: tuple[DemoAct, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltPreview:
    """What a halt would cancel now; nothing was sent. `paper`: at the embedded paper exchange."""

    dry_run: bool
    paper: bool
    would_cancel: tuple[PreviewOrder, ...]
    unread: tuple[UnreadAccount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimWritten:
    """A claim file that was written: a certificate, and so many of the raw answers that it names."""

    summary: str
    exit_id: str
    verdict: str
    fingerprint: str
    answers: int
    answers_missing: int
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateWritten:
    """A certificate that was written to a file."""

    summary: str
    exit_id: str
    verdict: str
    fingerprint: str
    head: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GauntletScenario:
    """One scenario of the gauntlet: what happens in it, and at which venues it can."""

    name: str
    what: str
    venues: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GauntletListed:
    """Every scenario of the gauntlet."""

    scenarios: tuple[GauntletScenario, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemasListed:
    """The names of the published schemas."""

    schemas: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What went wrong: a code, a sentence, and seconds to wait where waiting helps."""

    code: str
    message: str
    retry_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A refusal or a failure, of any command."""

    error: Trouble

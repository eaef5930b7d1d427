"""A hosted venue: ledger, identity and wire on one folder, with credentials of its own."""

import os
import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from bastion.paper.clock import Clock
from bastion.paper.strike.identity_assembly import Identity, PrivySettings, open_identity
from bastion.paper.strike.identity_issuer import TokenIssuer
from bastion.paper.strike.settings import VenueSettings
from bastion.paper.strike.store_sqlite import SqliteStore
from bastion.paper.strike.venue import MarginVenue
from bastion.paper.wire.strike.server import WireSettings, application

APPLICATION: Final = "bastion-paper"
ISSUER_KID: Final = "bastion-paper-1"
SERVICE_KEY_FILE: Final = "service.key"
ISSUER_FILE: Final = "issuer.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """What a hosted venue is made of.

    Without `privy` the venue accepts tokens of its own issuer, whose key lies in the folder. Without
    `service_keys` it makes one, which lies there as well. Both files are readable by the owner only.
    """

    folder: Path
    rules: VenueSettings = field(default_factory=VenueSettings)
    wire: WireSettings = field(default_factory=WireSettings)
    service_keys: Sequence[str] = ()
    privy: PrivySettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A running venue and its wire; `application` is yours to serve, `close` ends the rest."""

    venue: MarginVenue
    identity: Identity
    application: web.Application
    clock: Clock
    issuer: TokenIssuer | None
    service_key_path: Path | None

    def close(self) -> None:
        """Commit what is queued and close ledger and identity records; call it after the server stopped."""
        self.venue.close()
        self.identity.close()


def open_host(settings: HostSettings, clock: Clock) -> Host:
    """Open, or create, the venue in the folder.

    Raises:
        ValueError: A service key is too short, or the issuer's key file holds no usable key.
        StoreInUse: Another process has the ledger open.
    """
    folder = settings.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    issuer = open_issuer(folder) if settings.privy is None else None
    key_path = None if settings.service_keys else folder / SERVICE_KEY_FILE
    identity = open_identity(
        clock=clock,
        path=str(folder / "identity.db"),
        service_keys=settings.service_keys or [_service_key(folder)],
        privy=settings.privy,
        issuer=issuer,
    )
    with ExitStack() as unfinished:
        unfinished.callback(identity.close)
        store = SqliteStore(folder / "ledger.db")
        venue = MarginVenue(store, settings.rules, lambda: clock.now_ms() * 1000)
        unfinished.pop_all()
    served = application(venue=venue, identity=identity, clock=clock, settings=settings.wire)
    return Host(
        venue=venue,
        identity=identity,
        application=served,
        clock=clock,
        issuer=issuer,
        service_key_path=key_path,
    )


def open_issuer(folder: Path) -> TokenIssuer:
    """The issuer whose private key lies in the folder, made when missing. Raises ValueError for no key."""
    path = folder / ISSUER_FILE
    if not path.exists():
        made = generate_private_key(SECP256R1())
        write_secret(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError(  # noqa: TRY004 - the content of a file is wrong, not a type
            f"{path} holds no P-256 key; remove it and a new one is made"
        )
    return TokenIssuer(application=APPLICATION, key=key, kid=ISSUER_KID)


def _service_key(folder: Path) -> str:
    path = folder / SERVICE_KEY_FILE
    if not path.exists():
        write_secret(path, f"svc_{secrets.token_urlsafe(32)}".encode())
    return path.read_text(encoding="ascii").strip()


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    # Written under another name first, so that a crash leaves no half a secret behind.
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

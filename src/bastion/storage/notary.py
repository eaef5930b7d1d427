"""Notary: the installation's Ed25519 key, which signs certificates, and what the journal's hashes cover."""

import base64
import os
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import apsw
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bastion.domain.records import Entry
from bastion.errors import ConfigInvalid, JournalUnusable
from bastion.storage.chain import digest
from bastion.storage.codec import encode, kind_of

PRIVATE_MODE = 0o600
OTHERS_MASK = 0o077


class FileNotary:
    """Implements the Notary port with a PEM file (PKCS 8) of mode 0600, made when it is first needed.

    `journal` is the exits' journal, asked for what an earlier release wrote in other words than this one.
    """

    def __init__(self, path: Path, *, journal: Path) -> None:
        self._path = path
        self._journal = journal
        self._key: Ed25519PrivateKey | None = None

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of the message.

        Raises:
            ConfigInvalid: the key file cannot be used; the text says why and what to do.
        """
        return self._private().sign(message)

    def public_key(self) -> bytes:
        """Return the 32 bytes of the public key.

        Raises:
            ConfigInvalid: the key file cannot be used; the text says why and what to do.
        """
        return self._private().public_key().public_bytes_raw()

    def version(self) -> str:
        """Return the version of bastion that signs."""
        return metadata.version("bastion")

    def bodies(self, entries: Sequence[Entry]) -> tuple[str, ...]:
        """Return the canonical JSON of each entry's record, as the journal hashed it.

        Raises:
            JournalUnusable: what an entry's hash covers cannot be found.
        """
        return tuple(self._body(entry) for entry in entries)

    def _body(self, entry: Entry) -> str:
        body = encode(entry.record)
        kind = kind_of(entry.record)
        known = digest(kind=kind, body=body, seq=entry.seq, at_ns=entry.at_ns, previous=entry.previous)
        if known == entry.hash:
            return body
        try:
            connection = apsw.Connection(str(self._journal), flags=apsw.SQLITE_OPEN_READONLY)
            try:
                row = connection.execute("SELECT body FROM entries WHERE hash = ?", (entry.hash,)).fetchone()
            finally:
                connection.close()
        except apsw.Error as error:
            message = f"the journal {self._journal} cannot be read: {error}"
            raise JournalUnusable(message) from error
        if row is None:
            message = f"entry {entry.seq} of the exit {entry.exit_id} does not have the hash that it names"
            raise JournalUnusable(message)
        return str(row[0])

    def _private(self) -> Ed25519PrivateKey:
        if self._key is None:
            try:
                if not self._path.exists():
                    self._make()
                self._key = self._read()
            except OSError as error:
                raise ConfigInvalid(
                    f"The signing key {self._path} cannot be used: {error.strerror or error}."
                ) from error
        return self._key

    def _make(self) -> None:
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}.new")
        descriptor = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, PRIVATE_MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
            try:
                # A link, unlike a rename, leaves the key alone that another process has made meanwhile.
                os.link(beside, self._path)
            except FileExistsError:
                return
        finally:
            beside.unlink(missing_ok=True)

    def _read(self) -> Ed25519PrivateKey:
        if self._path.stat().st_mode & OTHERS_MASK:
            raise ConfigInvalid(
                f"The signing key {self._path} can be read by others. Run `chmod 600 {self._path}`."
            )
        try:
            key = serialization.load_pem_private_key(self._path.read_bytes(), password=None)
        except (ValueError, TypeError) as error:
            raise ConfigInvalid(f"The signing key {self._path} is no PEM file of a key.") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigInvalid(f"The signing key {self._path} is no Ed25519 key.")
        return key


def is_signed(message: bytes, *, public_key: str, signature: str) -> bool:
    """Return whether the signature (base64) of the message was made by the key (base64)."""
    try:
        key = Ed25519PublicKey.from_public_bytes(_exactly(public_key))
        key.verify(_exactly(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _exactly(text: str) -> bytes:
    # Base64 has spare bits at its end, which could be changed without changing what it says.
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode("ascii") != text:
        message = "not the one form of these bytes"
        raise ValueError(message)
    return data

"""Vault: the venues' credentials in one age file, opened with an X25519 key file."""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyrage

from bastion.auth.credential import Credential
from bastion.errors import VaultUnusable
from bastion.shape import dataclass

PRIVATE_MODE = 0o600
OTHERS_MASK = 0o077
FILE_BYTES_MAX = 1_000_000
NAME_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """The vault at `path`, which the X25519 age identity in `key_file` opens.

    Both files are ordinary age files: `age --decrypt -i KEY_FILE VAULT` opens the vault without bastion.
    Writes replace the file atomically under a lock; readers see the old or the new one, never a part.
    """

    path: Path
    key_file: Path

    def names(self) -> tuple[str, ...]:
        """Return the names of the stored credentials, sorted; empty where there is no vault yet.

        Raises:
            VaultUnusable: the vault or its key file cannot be used; the text says why and what to do.
        """
        if not self.path.exists():
            return ()
        return tuple(sorted(self._read()))

    def credential(self, name: str) -> Credential:
        """Return the credential of that name.

        Raises:
            VaultUnusable: there is none, or the vault cannot be opened; the text says what to do.
        """
        stored = self._read() if self.path.exists() else {}
        if name not in stored:
            raise VaultUnusable(
                f"The vault {self.path} holds no credential {name!r}. "
                f"Store it with `bastion vault put {name} --from-stdin`."
            )
        return Credential(name=name, fields=stored[name])

    def put(self, credential: Credential) -> bool:
        """Store the credential durably, replacing one of the same name; True when one was replaced.

        A key file that does not exist yet is created with mode 0600.

        Raises:
            VaultUnusable: the name or the files cannot be used; nothing was changed.
        """
        if NAME_FORM.fullmatch(credential.name) is None:
            raise VaultUnusable(
                "A credential's name is 1 to 64 letters, digits, dots, dashes and underscores, "
                "and starts with a letter or digit. Nothing was stored."
            )
        with self._locked():
            if not self.key_file.exists():
                self._create_key_file()
            stored = self._read() if self.path.exists() else {}
            replaced = credential.name in stored
            stored[credential.name] = dict(credential.fields)
            self._write(stored)
        return replaced

    def remove(self, name: str) -> None:
        """Remove the credential of that name durably.

        Raises:
            VaultUnusable: there is none of that name, or the files cannot be used; nothing was changed.
        """
        with self._locked():
            stored = self._read() if self.path.exists() else {}
            if name not in stored:
                raise VaultUnusable(f"The vault {self.path} holds no credential {name[:64]!r}.")
            del stored[name]
            self._write(stored)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(
                self.path.with_name(self.path.name + ".lock"), os.O_CREAT | os.O_RDWR, PRIVATE_MODE
            )
        except OSError as error:
            raise VaultUnusable(f"The vault {self.path} cannot be written: {_why(error)}.") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _identity(self) -> pyrage.x25519.Identity:
        try:
            status = self.key_file.stat()
            text = self.key_file.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise VaultUnusable(
                f"The vault's key file {self.key_file} cannot be read: {_why(error)}. "
                "Set BASTION_VAULT_KEY_FILE to the file that was in use when the vault was filled."
            ) from error
        if status.st_mode & OTHERS_MASK:
            raise VaultUnusable(
                f"The vault's key file {self.key_file} can be read by others "
                f"(mode {status.st_mode & 0o777:04o}). Run `chmod 600 {self.key_file}`."
            )
        secrets = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        if len(secrets) == 1:
            try:
                return pyrage.x25519.Identity.from_str(secrets[0])
            except pyrage.IdentityError:
                pass
        raise VaultUnusable(
            f"The vault's key file {self.key_file} holds no age identity "
            "(one line that starts with AGE-SECRET-KEY-1)."
        )

    def _read(self) -> dict[str, dict[str, str]]:
        identity = self._identity()
        try:
            if self.path.stat().st_size > FILE_BYTES_MAX:
                raise VaultUnusable(
                    f"The vault {self.path} is larger than {FILE_BYTES_MAX} bytes: not a vault."
                )
            plain = pyrage.decrypt(self.path.read_bytes(), [identity])
        except OSError as error:
            raise VaultUnusable(f"The vault {self.path} cannot be read: {_why(error)}.") from error
        except pyrage.DecryptError as error:
            raise VaultUnusable(
                f"The vault {self.path} does not open with the key file {self.key_file}: it was filled with "
                "another key, or it is damaged."
            ) from error
        return _checked(plain, path=self.path)

    def _write(self, stored: Mapping[str, Mapping[str, str]]) -> None:
        plain = json.dumps(stored, sort_keys=True).encode("utf-8")
        sealed = pyrage.encrypt(plain, [self._identity().to_public()])
        try:
            _replace(self.path, sealed)
        except OSError as error:
            raise VaultUnusable(f"The vault {self.path} cannot be written: {_why(error)}.") from error

    def _create_key_file(self) -> None:
        if self.path.exists():
            raise VaultUnusable(
                f"The vault {self.path} exists, but its key file {self.key_file} does not. Set "
                "BASTION_VAULT_KEY_FILE to the file that was in use when the vault was filled."
            )
        identity = pyrage.x25519.Identity.generate()
        text = f"# bastion vault key; public key: {identity.to_public()}\n{identity}\n"
        try:
            self.key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _replace(self.key_file, text.encode("ascii"))
        except OSError as error:
            raise VaultUnusable(
                f"The vault's key file {self.key_file} cannot be created: {_why(error)}."
            ) from error


def _why(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or "unreadable") if isinstance(error, OSError) else "it is no text"


def _checked(plain: bytes, *, path: Path) -> dict[str, dict[str, str]]:
    try:
        stored = json.loads(plain)
    except ValueError:
        stored = None
    if isinstance(stored, dict) and all(
        isinstance(fields, dict) and all(isinstance(value, str) for value in fields.values())
        for fields in stored.values()
    ):
        return {str(name): dict(fields) for name, fields in stored.items()}
    raise VaultUnusable(f"The vault {path} opens, but its contents are not bastion's.")


def _replace(path: Path, data: bytes) -> None:
    # Written beside, made durable, then renamed: a power cut leaves the old file or the new one.
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, PRIVATE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)

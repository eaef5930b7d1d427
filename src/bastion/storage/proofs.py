"""Proofs: the record of what was proven at which venue's host, one line of JSON for each step."""

import json
import os
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

from bastion.domain.proof import Proof
from bastion.errors import ConfigInvalid

PRIVATE_MODE = 0o600
_MONEY = ("quantity", "notional_usd")


class ProofFile:
    """One file below the state directory; a run writes to it before it opens anything, and after."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, proof: Proof) -> None:
        """Append a line durably.

        Raises:
            ConfigInvalid: it cannot be written; then nothing may be opened.
        """
        line = json.dumps({**asdict(proof), **{name: str(getattr(proof, name)) for name in _MONEY}})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, PRIVATE_MODE)
            with os.fdopen(descriptor, "a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ConfigInvalid(f"{self._path} cannot be written: {error.strerror}.") from error

    def read(self) -> tuple[Proof, ...]:
        """Return all proofs, oldest first; a line that is no proof is passed over."""
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return ()
        found = []
        for line in lines:
            try:
                row = json.loads(line)
                found.append(Proof(**{**row, **{name: Decimal(row[name]) for name in _MONEY}}))
            except (ValueError, KeyError, TypeError, ArithmeticError):
                continue
        return tuple(found)

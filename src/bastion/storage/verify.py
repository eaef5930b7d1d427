"""Verify: whether the rows on the disk are the rows that were written, chain by chain, changing nothing."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apsw

from bastion.domain.audit import VerifiedChain
from bastion.storage.chain import GENESIS, digest

DATABASES = (("exits", "journal.sqlite"), ("engine", "engine.sqlite"), ("audit", "audit.sqlite"))
_ROWS = "SELECT seq, at_ns, kind, body, previous, hash FROM entries ORDER BY seq"


def verify_state(home: Path) -> tuple[VerifiedChain, ...]:
    """Return what a check of every hash chain in a state directory found; a file that is not there has none.

    The files are opened for reading only. What was cut off at a chain's end leaves no trace in the chain: its
    `head` must be compared with one that was noted elsewhere, as in a certificate.
    """
    chains = [_database(name, home / file) for name, file in DATABASES if (home / file).exists()]
    chains.extend(_spool(path) for path in sorted((home / "spool").glob("spool-*.jsonl")))
    return tuple(chains)


def _database(name: str, path: Path) -> VerifiedChain:
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.setbusytimeout(2_000)
            return _chain(name, path, connection.execute(_ROWS))
        finally:
            connection.close()
    except apsw.Error as error:
        return VerifiedChain(
            name=name, path=str(path), rows=0, head=GENESIS, trouble=f"the file cannot be read: {error}"
        )


def _chain(name: str, path: Path, rows: Iterable[tuple[Any, ...]]) -> VerifiedChain:
    previous = GENESIS
    count = 0
    for seq, at_ns, kind, body, named, found in rows:
        count += 1
        expected = digest(kind=kind, body=body, seq=seq, at_ns=at_ns, previous=previous)
        if seq != count or named != previous or found != expected:
            return VerifiedChain(name=name, path=str(path), rows=count - 1, head=previous, broken_at=count)
        previous = found
    return VerifiedChain(name=name, path=str(path), rows=count, head=previous)


def _spool(path: Path) -> VerifiedChain:
    # A spool's file is written while the disk fails: a line can stand there twice or be cut off at the end.
    # Every whole line must fit by itself, and must name a line before it.
    try:
        lines = path.read_text(encoding="ascii", errors="replace").split("\n")
    except OSError as error:
        return VerifiedChain(name="spool", path=str(path), rows=0, head=GENESIS, trouble=str(error))
    known = {GENESIS}
    head = GENESIS
    for place, line in enumerate(lines[:-1], start=1):
        found = _hash_of(line)
        if found is None or found[0] not in known:
            return VerifiedChain(name="spool", path=str(path), rows=place - 1, head=head, broken_at=place)
        head = found[1]
        known.add(head)
    return VerifiedChain(name="spool", path=str(path), rows=len(lines) - 1, head=head)


def _hash_of(line: str) -> tuple[str, str] | None:
    try:
        row = json.loads(line)
        previous, found = row["previous"], row["hash"]
        fits = found == digest(
            kind=row["kind"], body=row["body"], seq=row["seq"], at_ns=row["at_ns"], previous=previous
        )
    except (ValueError, KeyError, TypeError):
        return None
    return (previous, found) if fits else None

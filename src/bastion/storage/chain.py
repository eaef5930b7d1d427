"""Chain: entries bound to each other by their hashes, so that none can be changed, dropped or inserted."""

import hashlib
from collections.abc import Iterable

from bastion.domain.records import Entry, Record
from bastion.storage.codec import canonical, encode, kind_of

GENESIS = "0" * 64
"""What the first entry of a chain names as its predecessor."""


def seal(record: Record, *, body: str, seq: int, at_ns: int, previous: str, spooled: bool = False) -> Entry:
    """Return the entry of a record whose canonical JSON is `body`, chained to the hash `previous`."""
    return Entry(
        seq=seq,
        at_ns=at_ns,
        exit_id=record.exit_id,
        record=record,
        previous=previous,
        hash=digest(kind=kind_of(record), body=body, seq=seq, at_ns=at_ns, previous=previous),
        spooled=spooled,
    )


def digest(*, kind: str, body: str, seq: int, at_ns: int, previous: str) -> str:
    """Return the SHA-256, in hexadecimal, of an entry's canonical JSON."""
    text = canonical({"at_ns": at_ns, "body": body, "kind": kind, "previous": previous, "seq": seq})
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def broken_at(entries: Iterable[Entry]) -> int | None:
    """Return the place (from 0) of the first entry of a whole chain that does not fit, or None."""
    previous = GENESIS
    for place, entry in enumerate(entries):
        expected = digest(
            kind=kind_of(entry.record),
            body=encode(entry.record),
            seq=entry.seq,
            at_ns=entry.at_ns,
            previous=previous,
        )
        if entry.seq != place + 1 or entry.previous != previous or entry.hash != expected:
            return place
        previous = entry.hash
    return None

"""Spool lines: an entry as a line of text, and back, where it can be believed."""

import hashlib
import json
from collections.abc import Sequence

from bastion.domain.records import Entry, Record
from bastion.storage.chain import digest
from bastion.storage.codec import RecordMalformed, canonical, decode, encode_value, kind_of

Name = bytes
"""What an entry says, whenever and wherever it was written down: the hash of its kind and encoded record."""

Placed = tuple[int | None, Entry, Name]
"""An entry, and the journal's sequence number behind which it belongs, where that is known."""


def line_of(entry: Entry, body: str, after: int | None) -> str:
    """Return the line of an entry that belongs behind the journal's sequence number `after`."""
    return canonical(
        {
            "after": after,
            "at_ns": entry.at_ns,
            "body": body,
            "hash": entry.hash,
            "kind": kind_of(entry.record),
            "previous": entry.previous,
            "seq": entry.seq,
        }
    )


def believed(lines: Sequence[str]) -> list[Placed]:
    """Return what the lines say, without those that cannot be believed."""
    # A line that was cut off by a crash, or changed, is left out; those around it still count.
    placed: list[Placed] = []
    for line in lines:
        try:
            row = json.loads(line)
            kind, body, seq, at_ns = row["kind"], row["body"], row["seq"], row["at_ns"]
            previous, found, after = row["previous"], row["hash"], row["after"]
            if digest(kind=kind, body=body, seq=seq, at_ns=at_ns, previous=previous) != found:
                continue
            record = decode(kind, body)
        except (ValueError, KeyError, TypeError, RecordMalformed):
            continue
        entry = Entry(
            seq=seq,
            at_ns=at_ns,
            exit_id=record.exit_id,
            record=record,
            previous=previous,
            hash=found,
            spooled=True,
        )
        placed.append((after if isinstance(after, int) else None, entry, name_of(record)))
    return placed


def name_of(record: Record) -> Name:
    """Return what an entry with this record says."""
    # The text itself, of a look with some hundred orders, is a thousand times as long.
    return hashlib.sha256(f"{kind_of(record)} {encode_value(record)}".encode("ascii")).digest()

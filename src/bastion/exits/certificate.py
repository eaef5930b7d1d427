"""Certificate: what each venue was asked and answered in one exit, a fold over the journal, to be signed."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from bastion.domain.asked import VenueAsked
from bastion.domain.mandate import ExitKind
from bastion.domain.records import (
    CancelsAnswered,
    CoveredAccount,
    Entry,
    ExitJudged,
    ExitRequested,
    FillsRead,
    LegJudged,
    LegReopened,
    Looked,
    OrderAnswered,
    OrderResolved,
    RoundIntended,
    SecondSourceRead,
)
from bastion.domain.verdict import Verdict
from bastion.exits.halt_report import VERDICTS, fold_halt
from bastion.exits.part_words import told_verdict
from bastion.exits.report import fold, iso
from bastion.shape import dataclass

FORM = "bastion-certificate/1"
GENESIS = "0" * 64

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What a certificate says of its own making; `left_out` are configured accounts that were not covered."""

    at_ns: int
    version: str
    public_key: str
    fingerprint: str
    left_out: tuple[str, ...]


def draw(entries: Sequence[Entry], bodies: Sequence[str], issue: Issue) -> Document:
    """Return the unsigned certificate of the exit whose entries these are, oldest first.

    `bodies` is the canonical JSON of each entry's record, which its hash covers.

    Raises:
        ValueError: there is no ExitRequested among them.
    """
    report = fold(entries)
    request = next(entry.record for entry in entries if isinstance(entry.record, ExitRequested))
    # A halt proves that no order works; signed, "FLAT" would be a false statement about its positions.
    told: Document = plain(fold_halt(entries, report) if request.kind is ExitKind.HALT else report)
    told["kind"] = request.kind.value
    told.pop("looks", None)
    return {
        "form": FORM,
        "exit_id": report.exit_id,
        "issued_at": iso(issue.at_ns),
        "issued_by": {
            "version": issue.version,
            "algorithm": "Ed25519",
            "public_key": issue.public_key,
            "fingerprint": issue.fingerprint,
        },
        "asked_by": {"principal": request.principal, "surface": request.surface, "reason": request.reason},
        "outcome": told,
        "verdicts": [
            _verdict(entry, request.kind)
            for entry in entries
            if isinstance(entry.record, ExitJudged | LegReopened)
        ],
        "accounts": [_account(account, entries, request.kind) for account in request.accounts],
        "left_out": list(issue.left_out),
        "entries": [_entry(entry, body) for entry, body in zip(entries, bodies, strict=True)],
        "heads": _heads(entries),
    }


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the one byte sequence of a document that is signed: sorted keys, no spaces, ASCII only."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def flaws(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what contradicts itself in a certificate's own entries; signature and key are not looked at."""
    found = []
    last: dict[bool, tuple[int, str]] = {}
    for place, entry in enumerate(document["entries"], start=1):
        text = json.dumps(
            {name: entry[name] for name in ("at_ns", "body", "kind", "previous", "seq")},
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=True,
        )
        if hashlib.sha256(text.encode("ascii")).hexdigest() != entry["hash"]:
            found.append(f"entry {place} does not have the hash that it names")
        before = last.get(entry["spooled"])
        # Spooled entries come from several chains, one for each process that needed one.
        follows = before is not None and not entry["spooled"] and entry["seq"] == before[0] + 1
        if follows and before is not None and entry["previous"] != before[1]:
            found.append(f"entry {place} does not follow on the one before it")
        last[entry["spooled"]] = (entry["seq"], entry["hash"])
    heads = {name: list(head) for name, head in document["heads"].items()}
    for spooled, name in ((False, "journal"), (True, "spool")):
        if list(last.get(spooled, (0, GENESIS))) != heads.get(name):
            found.append(f"the head of the {name} is not its last entry")
    return tuple(found)


def extends(later: Mapping[str, Any], earlier: Mapping[str, Any]) -> bool:
    """Return whether a later certificate holds every entry of an earlier one of the same exit, unchanged."""
    hashes = {entry["hash"] for entry in later["entries"]}
    return bool(
        later["exit_id"] == earlier["exit_id"]
        and all(entry["hash"] in hashes for entry in earlier["entries"])
    )


def plain(value: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return a value as JSON, decimals as text, sets sorted.

    Raises:
        TypeError: something in it has no form in JSON.
    """
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    message = f"{type(value).__name__} has no form in JSON"
    raise TypeError(message)


def _entry(entry: Entry, body: str) -> Document:
    return {
        "seq": entry.seq,
        "at_ns": entry.at_ns,
        "kind": type(entry.record).__name__,
        "body": body,
        "previous": entry.previous,
        "hash": entry.hash,
        "spooled": entry.spooled,
    }


def _heads(entries: Iterable[Entry]) -> Document:
    heads: dict[str, list[Any]] = {"journal": [0, GENESIS], "spool": [0, GENESIS]}
    for entry in entries:
        heads["spool" if entry.spooled else "journal"] = [entry.seq, entry.hash]
    return heads


def _word(verdict: Verdict, kind: ExitKind) -> str:
    return (VERDICTS[verdict] if kind is ExitKind.HALT else told_verdict(kind, verdict)).value


def _verdict(entry: Entry, kind: ExitKind) -> Document:
    record = entry.record
    if isinstance(record, ExitJudged):
        return {"at": iso(entry.at_ns), "verdict": _word(record.verdict, kind), "entry": entry.hash}
    account = record.account if isinstance(record, LegReopened) else ""
    return {"at": iso(entry.at_ns), "verdict": None, "reopened": account, "entry": entry.hash}


def _account(account: CoveredAccount, entries: Sequence[Entry], kind: ExitKind) -> Document:
    own = [entry for entry in entries if getattr(entry.record, "account", None) == account.name]
    looks = [_look(entry, entry.record) for entry in own if isinstance(entry.record, Looked)]
    judged = [entry.record for entry in own if isinstance(entry.record, LegJudged)]
    return {
        "account": account.name,
        "venue": account.venue,
        "key_space": account.key_space,
        "verdict": _word(judged[-1].verdict, kind) if judged else None,
        "parts_read": looks[-1]["parts"] if looks else [],
        "looks": looks,
        "orders": [
            row for entry in own if isinstance(entry.record, RoundIntended) for row in _orders(entry, own)
        ],
        "cancels": [
            {"at": iso(entry.at_ns), "entry": entry.hash, **plain(answer)}
            for entry in own
            if isinstance(entry.record, CancelsAnswered)
            for answer in entry.record.answers
        ],
        "fills": _fills(own),
        "asked": [row for entry in own if isinstance(entry.record, VenueAsked) for row in _asked(entry)],
        "second_sources": [
            {
                "at": iso(entry.at_ns),
                "entry": entry.hash,
                "symbol": entry.record.position.symbol,
                "quantity": plain(entry.record.quantity),
            }
            for entry in own
            if isinstance(entry.record, SecondSourceRead)
        ],
    }


def _look(entry: Entry, record: Looked) -> Document:
    look = record.look
    return {
        "at": iso(entry.at_ns),
        "entry": entry.hash,
        "purpose": record.purpose.value,
        "parts": list(look.parts),
        "unread": [plain(part) for part in look.unread],
        "positions": [
            {"symbol": one.symbol, "side": one.side.value, "quantity": plain(one.quantity)}
            for one in look.positions
        ],
        "orders": len(look.orders),
        "raw_answers_sha256": list(look.digests),
    }


def _orders(entry: Entry, own: Sequence[Entry]) -> Iterable[Document]:
    record = entry.record
    for order in record.orders if isinstance(record, RoundIntended) else ():
        yield {
            "intended_at": iso(entry.at_ns),
            "entry": entry.hash,
            "client_order_id": order.client_order_id,
            "symbol": order.position.symbol,
            "closes": order.position.side.value,
            "direction": order.direction.value,
            "quantity": plain(order.quantity),
            "kind": order.kind.value,
            "limit_price": plain(order.limit_price),
            "answers": [
                {"at": iso(answer.at_ns), "entry": answer.hash, **_answer(answer.record)}
                for answer in own
                if isinstance(answer.record, OrderAnswered | OrderResolved)
                and answer.record.client_order_id == order.client_order_id
            ],
        }


def _asked(entry: Entry) -> Iterable[Document]:
    for call in entry.record.calls if isinstance(entry.record, VenueAsked) else ():
        yield {
            "sent_at": iso(call.sent_at_ns),
            "took_ms": call.took_ms,
            "call": call.call,
            "status": call.status,
            "raw_answer_sha256": call.digest,
            "entry": entry.hash,
        }


def _answer(record: object) -> Document:
    told: Document = plain(record)
    kept = ("outcome", "by", "state", "fault", "code", "message")
    return {name: told[name] for name in kept if told.get(name) not in (None, "")}


def _fills(own: Sequence[Entry]) -> list[Document]:
    # Each reading lists all fills since the snapshot, so that the last word on each is what counts.
    fills: dict[tuple[str, str, str], Document] = {}
    for entry in own:
        if isinstance(entry.record, FillsRead):
            for fill in entry.record.fills:
                fills[fill.category, fill.instrument, fill.fill_id] = {**plain(fill), "entry": entry.hash}
    return list(fills.values())

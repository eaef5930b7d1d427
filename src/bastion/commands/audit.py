"""Audit: who asked what by which surface with which key, and what came of it."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime

from bastion.auth.permit import permit
from bastion.commands.desk import Desk
from bastion.commands.positions import moment
from bastion.domain.act import Act
from bastion.domain.audit import AuditEntry, AuditQuery, AuditStanding, VerifiedChain
from bastion.domain.principal import Principal
from bastion.errors import Refused
from bastion.shape import dataclass

LIMIT_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One call of one verb: who asked, by which surface, what, when, and what came of it.

    `at` is when it was last told of. `outcome` is `asked` where no answer is recorded: it still runs, or
    its process died. `result` is the verdict, or the code of the error.
    """

    at: str
    call: str
    principal: str
    surface: str
    act: str
    verb: str
    arguments: Mapping[str, object]
    outcome: str
    result: str | None
    exit_id: str | None
    duration_ms: int | None
    paper: bool
    seq: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """The wanted calls, the newest first, and what the audit journal lacks."""

    summary: str
    records: tuple[AuditRow, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What a check of every hash chain found; `success` when each row of each fits."""

    summary: str
    success: bool
    chains: tuple[VerifiedChain, ...]


async def audit_records(
    desk: Desk,
    principal: Principal,
    *,
    act: str | None = None,
    principal_id: str | None = None,
    since: str | None = None,
    until: str | None = None,
    exit_id: str | None = None,
    limit: int = 100,
) -> AuditReport:
    """Return the latest `limit` calls that fit, the newest first.

    `since` and `until` (excluded) are ISO-8601 times with their offset. A key that is restricted to some
    accounts is shown its own calls only.

    Raises:
        ScopeDenied: the principal lacks the engine scope.
        Refused: a value cannot be used.
        JournalUnusable: the audit journal cannot be read, or a row in it was changed.
    """
    permit(principal, Act.AUDIT)
    if not 1 <= limit <= LIMIT_MAX:
        raise Refused(f"limit is a whole number from 1 to {LIMIT_MAX}.")
    if act is not None and act not in set(Act):
        raise Refused(f"There is no act {act[:40]!r}; known are {', '.join(Act)}.")
    if principal.accounts is not None:
        if principal_id is not None and principal_id != principal.id:
            raise Refused("A key that is restricted to some accounts sees its own calls only.")
        principal_id = principal.id
    entries = desk.audit.records(
        AuditQuery(
            act=act,
            principal=principal_id,
            exit_id=exit_id,
            since_ns=_nanoseconds(since, "since"),
            until_ns=_nanoseconds(until, "until"),
            limit=limit,
        )
    )
    rows = tuple(row for row in map(_row, entries) if row is not None)
    return AuditReport(
        summary=f"{len(rows)} call{'' if len(rows) == 1 else 's'}.",
        records=rows,
        warnings=audit_warnings(desk.audit.standing()),
    )


async def verify_journals(desk: Desk, principal: Principal) -> VerifyReport:
    """Check every row of every hash chain of this desk: exits, spool, engine, audit.

    Raises:
        ScopeDenied: the principal lacks the engine scope.
        Refused: the key is restricted to some accounts.
    """
    permit(principal, Act.AUDIT)
    if principal.accounts is not None:
        raise Refused("A key that is restricted to some accounts cannot check the journals of all.")
    # Long journals take their time, which must not be taken from a running exit.
    return verdict_on(await asyncio.to_thread(desk.verify))


def audit_warnings(standing: AuditStanding) -> tuple[str, ...]:
    """Return what a person should know of the audit journal; nothing while all is kept."""
    found = []
    if standing.lost:
        found.append(
            f"The audit journal lost {standing.lost} row(s) of this process; the exits' journal did not."
        )
    if standing.trouble:
        found.append(
            f"The audit journal takes no rows now ({standing.trouble}); {standing.waiting} wait. "
            "Exits are not affected."
        )
    return tuple(found)


def verdict_on(chains: tuple[VerifiedChain, ...]) -> VerifyReport:
    """Return the report on the checked chains, in a sentence and one by one."""
    broken = [chain for chain in chains if not chain.sound]
    rows = sum(chain.rows for chain in chains)
    if not broken:
        summary = f"{rows} rows in {len(chains)} chain{'' if len(chains) == 1 else 's'}: every hash fits."
    else:
        places = "; ".join(
            f"{chain.name}: {chain.trouble or f'row {chain.broken_at} does not fit'}" for chain in broken
        )
        summary = f"BROKEN: {places}. What follows a broken row cannot be trusted either."
    return VerifyReport(summary=summary, success=not broken, chains=chains)


def _row(entry: AuditEntry) -> AuditRow | None:
    call = entry.call
    if call is None:
        return None
    return AuditRow(
        at=moment(call.at_ns),
        call=call.call,
        principal=call.principal,
        surface=call.surface,
        act=call.act,
        verb=call.verb,
        arguments=json.loads(call.arguments),
        outcome=call.outcome.value,
        result=call.result,
        exit_id=call.exit_id,
        duration_ms=call.duration_ms,
        paper=call.paper,
        seq=entry.seq,
        hash=entry.hash,
    )


def _nanoseconds(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Refused(f"{name} is a time such as 2026-01-31T14:00:00Z, not {text[:40]!r}.")
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    past = at - epoch
    return (past.days * 86_400 + past.seconds) * 1_000_000_000 + past.microseconds * 1_000

"""The audit journal's file: chained, shared, searched, checked, and in nobody's way."""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from bastion.clock import SystemClock
from bastion.domain.audit import AuditCall, AuditQuery, Outcome, VerifiedChain
from bastion.domain.principal import KeyUse
from bastion.errors import JournalUnusable
from bastion.storage import audit as audit_module
from bastion.storage.audit import SqliteAudit
from bastion.storage.chain import GENESIS
from bastion.storage.verify import verify_state

CALL = AuditCall(
    call="c1",
    at_ns=1_800_000_000_000_000_000,
    principal="k1",
    surface="mcp",
    verb="positions",
    act="positions",
    arguments="{}",
    outcome=Outcome.ANSWERED,
    duration_ms=3,
)


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def written(path: Path, calls: Sequence[AuditCall]) -> None:
    audit = SqliteAudit(path, clock=SystemClock())
    for call in calls:
        audit.note(call)
    audit.close()


def only(path: Path) -> VerifiedChain:
    (chain,) = verify_state(path.parent)
    return chain


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.sqlite"


def test_what_is_noted_stands_in_one_chain_that_can_be_checked(path: Path) -> None:
    written(path, [replace(CALL, call=f"c{number}") for number in range(40)])
    written(path, [replace(CALL, call="later")])
    chain = only(path)
    assert (chain.rows, chain.sound, chain.name) == (41, True, "audit")
    audit = SqliteAudit(path, clock=SystemClock())
    newest = audit.records(AuditQuery(limit=1))
    assert [entry.call.call for entry in newest if entry.call] == ["later"]
    assert newest[0].hash == chain.head != GENESIS
    assert path.stat().st_mode & 0o077 == 0


def test_a_call_is_told_once_by_the_last_that_is_known_of_it(path: Path) -> None:
    asked = replace(CALL, call="x", verb="emergency_exit", act="exit", outcome=Outcome.ASKED)
    done = replace(asked, outcome=Outcome.ANSWERED, result="FLAT", exit_id="xabc", at_ns=asked.at_ns + 5)
    lost = replace(asked, call="y", at_ns=asked.at_ns + 9)
    written(path, [asked, done, lost])
    found = SqliteAudit(path, clock=SystemClock()).records(AuditQuery())
    assert [(entry.call.call, entry.call.outcome) for entry in found if entry.call] == [
        ("y", Outcome.ASKED),
        ("x", Outcome.ANSWERED),
    ]
    assert only(path).rows == 3


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        (AuditQuery(act="exit"), ["c2"]),
        (AuditQuery(principal="k9"), ["c3"]),
        (AuditQuery(exit_id="xabc"), ["c2"]),
        (AuditQuery(since_ns=CALL.at_ns + 2), ["c3", "c2"]),
        (AuditQuery(until_ns=CALL.at_ns + 2), ["c1"]),
        (AuditQuery(limit=2), ["c3", "c2"]),
        (AuditQuery(act="exit", principal="k9"), []),
    ],
)
def test_calls_are_found_by_what_is_known_of_them(path: Path, query: AuditQuery, calls: list[str]) -> None:
    second = replace(CALL, call="c2", at_ns=CALL.at_ns + 2, act="exit", exit_id="xabc")
    third = replace(CALL, call="c3", at_ns=CALL.at_ns + 3, principal="k9")
    written(path, [CALL, second, third])
    found = SqliteAudit(path, clock=SystemClock()).records(query)
    assert [entry.call.call for entry in found if entry.call] == calls


def test_rows_can_be_neither_changed_nor_deleted_by_a_statement(path: Path) -> None:
    written(path, [CALL])
    connection = apsw.Connection(str(path))
    for statement in ("UPDATE entries SET at_ns = 1", "DELETE FROM entries"):
        with pytest.raises(apsw.ConstraintError, match="append-only"):
            connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE entries SET body = replace(body, 'k1', 'k2') WHERE seq = 3",
        "UPDATE entries SET at_ns = at_ns + 1 WHERE seq = 3",
        "UPDATE entries SET kind = 'Lost' WHERE seq = 3",
        "DELETE FROM entries WHERE seq = 3",
        "UPDATE entries SET hash = lower(hex(randomblob(32))) WHERE seq = 3",
        "UPDATE entries SET previous = hash WHERE seq = 3",
    ],
)
def test_whoever_gets_around_the_triggers_is_found_out(path: Path, forgery: str) -> None:
    written(path, [replace(CALL, call=f"c{number}") for number in range(5)])
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER entries_are_never_changed")
    connection.execute("DROP TRIGGER entries_are_never_deleted")
    connection.execute(forgery)
    connection.close()
    chain = only(path)
    assert (chain.sound, chain.broken_at, chain.rows) == (False, 3, 2)
    if "body" in forgery:
        with pytest.raises(JournalUnusable, match="row 3"):
            SqliteAudit(path, clock=SystemClock()).records(AuditQuery())


def test_two_processes_may_share_the_file(path: Path) -> None:
    first, second = (SqliteAudit(path, clock=SystemClock()) for _ in range(2))
    for number in range(50):
        first.note(replace(CALL, call=f"a{number}"))
        second.note(replace(CALL, call=f"b{number}"))
    first.close()
    second.close()
    chain = only(path)
    assert (chain.rows, chain.sound) == (100, True)


def test_a_locked_file_holds_nobody_up_and_gets_its_rows_afterwards(path: Path) -> None:
    written(path, [CALL])
    blocker = apsw.Connection(str(path))
    blocker.execute("BEGIN IMMEDIATE")
    audit = SqliteAudit(path, clock=SystemClock())
    began = time.perf_counter()
    for number in range(1_000):
        audit.note(replace(CALL, call=f"w{number}"))
    assert time.perf_counter() - began < 0.5
    until(lambda: audit.standing().trouble != "")
    assert audit.standing().waiting == 1_000
    blocker.execute("COMMIT")
    until(lambda: audit.standing().kept == 1_000)
    assert audit.standing().trouble == ""
    audit.close()
    blocker.close()
    assert (only(path).rows, only(path).sound) == (1_001, True)


def test_what_is_lost_is_counted_and_told_in_the_chain_itself(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "WAITING_MAX", 10)
    path.mkdir()  # Nothing can be written where a directory stands.
    audit = SqliteAudit(path, clock=SystemClock())
    audit.note(CALL)
    until(lambda: audit.standing().trouble != "")
    for number in range(30):
        audit.note(replace(CALL, call=f"w{number}"))
    assert audit.standing().lost == 20
    path.rmdir()
    until(lambda: audit.standing().waiting == 0)
    audit.close()
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    told = [json.loads(row[0]) for row in connection.execute("SELECT body FROM entries WHERE kind = 'Lost'")]
    connection.close()
    assert told == [{"lost": 20}]
    assert (only(path).rows, only(path).sound) == (12, True)


def test_a_disk_that_never_takes_anything_does_not_hold_the_end_up(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.mkdir()
    audit = SqliteAudit(path, clock=SystemClock())
    audit.note(CALL)
    began = time.perf_counter()
    audit.close()
    assert time.perf_counter() - began < 5
    assert "lacks 1 row" in caplog.text
    assert not only(path).sound


def test_uses_of_keys_are_counted_by_calls_and_not_by_rows(path: Path) -> None:
    noted: list[KeyUse] = []
    audit = SqliteAudit(path, clock=SystemClock(), note_uses=noted.extend)
    audit.note(replace(CALL, outcome=Outcome.ASKED))
    audit.note(CALL)
    audit.note(replace(CALL, call="c2", outcome=Outcome.REFUSED))
    audit.note(replace(CALL, call="c3", principal="k2"))
    audit.close()
    at_ms = CALL.at_ns // 1_000_000
    assert sorted(noted, key=lambda use: use.key_id) == [
        KeyUse(key_id="k1", uses=2, last_used_ms=at_ms),
        KeyUse(key_id="k2", uses=1, last_used_ms=at_ms),
    ]


def test_a_chain_cut_off_at_its_end_shows_by_its_head_alone(path: Path, tmp_path: Path) -> None:
    written(path, [CALL])
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    shutil.copy2(path, earlier / path.name)
    written(path, [replace(CALL, call="c2")])
    assert only(path).head != only(earlier / path.name).head
    assert only(earlier / path.name).sound

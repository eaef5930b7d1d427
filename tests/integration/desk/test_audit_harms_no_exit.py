"""The audit beside an exit: whatever happens to it, the exit goes its way; and key uses are counted."""

from decimal import Decimal
from pathlib import Path

import apsw
import pytest

from bastion.app import find_place, open_keys, open_paper_desk
from bastion.commands import emergency_exit, positions, status
from bastion.domain.audit import AuditCall, AuditEntry, AuditQuery, AuditStanding
from bastion.domain.principal import Principal, Scope
from bastion.domain.verdict import Verdict

OWNER = Principal(id="owner", surface="test", scope=Scope.ENGINE)


class BrokenAudit:
    """An audit that fails in the one way in which it never should."""

    def __init__(self) -> None:
        self.asked = 0

    def note(self, call: AuditCall) -> None:
        self.asked += 1
        raise RuntimeError(call.verb)

    def standing(self) -> AuditStanding:
        return AuditStanding(kept=0, waiting=0, lost=0)

    def records(self, query: AuditQuery) -> tuple[AuditEntry, ...]:
        raise NotImplementedError(query)


def audit_file(home: Path) -> str:
    [file] = home.glob("paper/run-*/audit.sqlite")
    return str(file)


async def test_an_exit_beside_a_locked_audit_journal_is_as_fast_and_the_status_says_what_is_wrong(
    tmp_path: Path,
) -> None:
    place = find_place(config=None, environment={"BASTION_HOME": str(tmp_path)})
    async with open_paper_desk(place, scenario="seed") as (desk, _):
        await positions(desk, OWNER)
        while desk.audit.standing().waiting:
            await desk.clock.sleep(0.01)
        blocker = apsw.Connection(audit_file(tmp_path))
        blocker.execute("BEGIN EXCLUSIVE")
        report = await emergency_exit(desk, OWNER, hold_s=Decimal(0))
        assert report.verdict is Verdict.FLAT
        assert desk.audit.standing().kept == 1
        for _ in range(1_000):
            if desk.audit.standing().trouble:
                break
            await desk.clock.sleep(0.01)
        told = (await status(desk, OWNER)).warnings
        assert any("audit journal takes no rows now" in warning for warning in told)
        blocker.execute("ROLLBACK")
        blocker.close()


async def test_an_audit_that_raises_fails_no_exit(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = find_place(config=None, environment={"BASTION_HOME": str(tmp_path)})
    async with open_paper_desk(place, scenario="seed") as (desk, _):
        broken = BrokenAudit()
        desk.audit = broken
        report = await emergency_exit(desk, OWNER, hold_s=Decimal(0))
        assert (report.verdict, report.positions_closed) == (Verdict.FLAT, 4)
        assert broken.asked == 2
    assert "could not be noted" in caplog.text


async def test_each_use_of_a_key_is_counted_for_its_owner_to_see(tmp_path: Path) -> None:
    place = find_place(config=None, environment={"BASTION_HOME": str(tmp_path)})
    with open_keys(place) as keys:
        used, idle = keys.create(scope=Scope.READ), keys.create(scope=Scope.READ)
    async with open_paper_desk(place, scenario="seed") as (desk, _):
        for _ in range(3):
            await positions(desk, desk.keys.authenticate(used.text, surface="test"))
    with open_keys(place) as keys:
        counted = {record.id: (record.uses, record.last_used_ms is not None) for record in keys.records()}
    assert counted == {used.record.id: (3, True), idle.record.id: (0, False)}

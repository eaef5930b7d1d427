"""What protects a position is written down before it is sent, and its answer after."""

import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest

from bastion.commands import move_to_breakeven, set_stop_loss
from bastion.domain.protective import Protection
from bastion.domain.records import ProtectionAnswered, ProtectionIntended
from tests.protection_rig import OWNER, PLACING, ProtectionRig, at

D = Decimal
pytestmark = pytest.mark.asyncio(loop_scope="module")


def written(rig: ProtectionRig, after: int) -> list[ProtectionIntended | ProtectionAnswered]:
    """What the journal holds of protective acts, as another process reads it, from that number on."""
    (path,) = rig.folder.rglob("journal.sqlite")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        rows = file.execute(
            "SELECT exit_id FROM entries WHERE kind = 'ProtectionIntended' ORDER BY seq"
        ).fetchall()
    return [
        entry.record
        for act_id in dict.fromkeys(str(row[0]) for row in rows[after:])
        for entry in rig.desk.journal.entries(act_id)
        if isinstance(entry.record, ProtectionIntended | ProtectionAnswered)
    ]


def count(rig: ProtectionRig) -> int:
    return sum(isinstance(record, ProtectionIntended) for record in written(rig, 0))


async def test_the_intent_is_durable_with_all_that_is_sent_and_so_is_its_answer(
    rig: ProtectionRig,
) -> None:
    await rig.hold("0.5")
    before = count(rig) + 1
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=at(rig.venue))
    intended, answered = written(rig, before)
    assert isinstance(intended, ProtectionIntended)
    assert isinstance(answered, ProtectionAnswered)
    assert (intended.account, intended.kind, intended.trigger_price, intended.quantity) == (
        rig.account,
        Protection.STOP_LOSS,
        D(950),
        None,
    )
    assert (intended.principal, intended.surface) == ("owner", "test")
    assert answered.client_order_id == intended.client_order_id
    assert answered.order_id == report.order_id
    assert answered.replaced == tuple(each.order_id for each in report.replaced)


async def test_a_refusal_is_written_down_with_the_venues_code(rig: ProtectionRig) -> None:
    before = count(rig)
    await rig.hold("0.5", entry="950")
    for path in PLACING[rig.venue]:
        await rig.fault("fail", path=path, method="POST", failure="internal_error")
    await move_to_breakeven(rig.desk, OWNER, selection=at(rig.venue))
    _, answered = written(rig, before)
    assert isinstance(answered, ProtectionAnswered)
    assert (answered.order_id, answered.replaced) == ("", ())
    assert answered.message


async def test_an_act_that_places_nothing_writes_nothing(rig: ProtectionRig) -> None:
    before = count(rig)
    await rig.hold("0.5", entry="1100")
    await move_to_breakeven(rig.desk, OWNER, selection=at(rig.venue))
    assert count(rig) == before


async def test_an_act_is_no_exit_and_shows_up_as_none(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    exits = rig.desk.journal.exit_ids()
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    assert rig.desk.journal.exit_ids() == exits
    assert rig.desk.unfinished() == ()

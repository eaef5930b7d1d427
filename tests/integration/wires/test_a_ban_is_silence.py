"""From the first 418 or 403 on, a venue hears nothing more of us, and the answer says for how long."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bastion.commands import emergency_exit
from tests.wires_rig import OWNER, WiresRig

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
BANS = {"binance": 418, "bybit": 403, "hyperliquid": 403}
# The ban begins in the middle of the exit.
REQUESTS_BEFORE = 5
# The reads of one look, its witness and the clock: what can be on its way when the first answer comes.
WAVE = 12
# Far longer than anything stays in a loopback socket, far shorter than the exit goes on looking.
IN_FLIGHT_NS = 1_500_000_000


async def heard(wires: WiresRig, venue: str) -> list[dict[str, Any]]:
    return sorted(await wires.requests("", venue), key=lambda row: row["received_ns"])


async def test_no_request_follows_a_ban_but_what_was_on_its_way(wires: WiresRig) -> None:
    await wires.hold("2", venues=tuple(BANS))
    settings, wires.desk.settings = wires.desk.settings, replace(wires.desk.settings, deadline_s=Decimal(4))
    for venue in BANS:
        await wires.fault("fail", venue, failure="banned", skip=REQUESTS_BEFORE)
    try:
        report = await emergency_exit(wires.desk, OWNER, hold_s=Decimal(0))
    finally:
        wires.desk.settings = settings
    for venue, status in BANS.items():
        rows = await heard(wires, venue)
        banned = [row for row in rows if row["status"] == status]
        assert 1 <= len(banned) <= WAVE, (venue, [row["path"] for row in banned])
        told_ns = banned[0]["answered_ns"]
        late = [row["path"] for row in rows if row["received_ns"] > told_ns + IN_FLIGHT_NS]
        assert late == [], venue
        reasons = [one.reason for one in report.unread if one.exchange == venue]
        assert any("silence for" in reason or "nothing is sent for" in reason for reason in reasons), venue

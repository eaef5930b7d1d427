"""A whole exit on OKX over real sockets: whatever the wire does, the account ends flat."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from bastion.app import Place, open_paper_desk
from bastion.commands import emergency_exit
from bastion.surfaces.cli.press import OWNER

FAULTS: Mapping[str, list[dict[str, object]]] = {
    "overloaded": [{"kind": "fail", "failure": "unavailable", "method": "POST", "count": 3}],
    "lost answers": [
        {"kind": "reset", "path": "/api/v5/trade/order", "method": "POST", "executed": True, "count": 2}
    ],
    "timeouts": [
        {"kind": "fail", "failure": "unknown_status", "path": "/api/v5/trade/order", "method": "POST"}
    ],
    "half fills": [{"kind": "partial_fill", "path": "/api/v5/trade/*", "ratio": "0.5", "count": 3}],
    "an empty lie": [{"kind": "empty", "path": "/api/v5/account/positions", "skip": 1, "count": 1}],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=list(FAULTS))
async def test_an_exit_ends_flat_whatever_the_wire_does(
    tmp_path: Path, faults: list[dict[str, object]]
) -> None:
    place = Place(home=tmp_path, config=None, vault_key_file=tmp_path / "vault.key")
    async with open_paper_desk(place, scenario="okx") as (desk, paper):
        for fault in faults:
            once = {"count": 2, **fault} if fault["kind"] in {"fail", "lag"} else fault
            await paper.control("POST", "/faults", {"venue": "okx", **once})
        report = await emergency_exit(desk, OWNER, deadline_s=Decimal(30), hold_s=Decimal(0))
        state = await paper.control("GET", "/state")
    assert isinstance(state, dict)
    account = state["venues"]["okx"]["accounts"]["main"]
    assert (account["positions"], account["open_orders"]) == ([], [])
    assert report.success, report.summary
    # No order of ours may ever have opened anything: each fill of ours closed as much as it filled.
    ours = [row for row in account["fills"] if row["client_order_id"].startswith("bst")]
    assert ours
    assert all(row["closed_quantity"] == row["quantity"] for row in ours)

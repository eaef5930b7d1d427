"""The doctor on a venue whose limit was used up by reads: it says so, and an exit works all the same."""

from decimal import Decimal
from pathlib import Path

from bastion.app import find_place, open_paper_desk
from bastion.commands import Desk, Finding, HostFacts, doctor, emergency_exit
from bastion.domain.principal import Principal, Scope
from bastion.ports import Metered
from bastion.venues.ccxt.hyperliquid import HyperliquidVenue
from bastion.venues.ccxt.hyperliquid_pace import FOR_ACTIONS, WEIGHT

OWNER = Principal(id="owner", surface="test", scope=Scope.ENGINE)
HOST = HostFacts(state_dir="state", disk_free=10**12, vault=None, damaged=(), daemon="it runs")
LOOKS_MAX = 200


async def spend(desk: Desk, *, until: int) -> None:
    """Read the Binance account again and again until so little of its limit is left."""
    venue = desk.venues["paper-binance"]
    assert isinstance(venue, Metered)
    for _ in range(LOOKS_MAX):
        if venue.reads_left().free < until:
            return
        await venue.look(deadline_s=5)
    raise AssertionError("the limit was never short")


async def test_the_doctor_says_when_reads_have_used_up_a_venue(tmp_path: Path) -> None:
    place = find_place(config=None, environment={"BASTION_HOME": str(tmp_path)})
    async with open_paper_desk(place, scenario="seed") as (desk, _):
        before = await doctor(desk, OWNER, host=HOST)
        assert not [check for check in before.checks if "request weight" in check.detail]
        await spend(desk, until=1000)
        report = await doctor(desk, OWNER, host=HOST)
        (told,) = [check for check in report.checks if "request weight" in check.detail]
        assert (told.name, told.finding) == ("paper-binance (binance)", Finding.WARN)
        assert "of 2,400 are left" in told.detail
        assert "An exit still works" in (told.remedy or "")
        assert report.ready, [check for check in report.checks if check.finding is Finding.STOP]
        # What the doctor promises of the exit is true.
        assert (await emergency_exit(desk, OWNER, hold_s=Decimal(0))).success


async def test_a_limit_of_seconds_that_another_command_used_up_stops_no_exit(tmp_path: Path) -> None:
    place = find_place(config=None, environment={"BASTION_HOME": str(tmp_path)})
    async with open_paper_desk(place, scenario="seed") as (desk, paper):
        refused = {"kind": "fail", "venue": "bybit", "path": "/v5/position/list", "executed": False}
        once = {**refused, "failure": "rate_limited", "count": 1}
        await paper.control("POST", "/faults", once)
        report = await doctor(desk, OWNER, host=HOST)
        assert report.ready, [check for check in report.checks if check.finding is Finding.STOP]
        rows = await paper.control("GET", "/requests?venue=bybit")
        assert isinstance(rows, dict)
        assert [row["code"] for row in rows["requests"]].count("10006") == 1


async def test_weight_that_commands_before_it_used_makes_the_doctor_warn_and_not_stop(tmp_path: Path) -> None:
    place = find_place(config=None, environment={"BASTION_HOME": str(tmp_path)})
    async with open_paper_desk(place, scenario="hyperliquid") as (desk, _):
        venue = desk.venues["paper-hyperliquid"]
        assert isinstance(venue, HyperliquidVenue)
        # As each of them leaves it on disk: the weight is gone, and this process has read nothing.
        weight = venue._throttle[WEIGHT]
        weight.charge(weight.free() - FOR_ACTIONS)
        report = await doctor(desk, OWNER, host=HOST)
        told = [check for check in report.checks if check.name == "paper-hyperliquid (hyperliquid)"]
        assert any("0 of 1,080 are left" in check.detail for check in told)
        assert any("not read, to spare that" in check.detail for check in told), told
        assert report.ready, [check for check in report.checks if check.finding is Finding.STOP]
        assert weight.free() == FOR_ACTIONS

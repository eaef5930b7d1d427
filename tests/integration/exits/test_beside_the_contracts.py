"""What an OKX account holds beside its contracts: named where bastion does not close it, else taken away."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from bastion.app import Place, open_paper_desk
from bastion.commands import emergency_exit
from bastion.domain.verdict import Verdict
from bastion.surfaces.cli.press import OWNER
from tests.venue_paper import scenario

OPTION = {"instType": "OPTION", "instId": "BTC-USD-261225-100000-C", "pos": "-2", "ccy": "BTC"}
MARGIN = {"instType": "MARGIN", "instId": "ETH-USDT", "pos": "1.5", "posCcy": "ETH", "ccy": "USDT"}
KINDS = ("move_order_stop", "iceberg", "twap", "chase", "smart_iceberg")
HELD = {"symbol": "BTC-USDT-SWAP", "quantity": "0.5", "entry": "1000"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(home=tmp_path, config=None, vault_key_file=tmp_path / "vault.key")


def with_settings(**settings: object) -> Mapping[str, object]:
    document = scenario("okx", ["BTC-USDT-SWAP"], position=[HELD])
    venues = document["venue"]
    assert isinstance(venues, list)
    venues[0]["settings"] = settings
    return document


async def test_options_and_margin_positions_are_named_and_nothing_is_flat(place: Place) -> None:
    async with open_paper_desk(place, scenario="okx") as (desk, paper):
        await paper.control("POST", "/scenario", with_settings(positions=[OPTION, MARGIN]))
        report = await emergency_exit(desk, OWNER, deadline_s=Decimal(20), hold_s=Decimal(0))
    assert (report.verdict, report.success) == (Verdict.NOT_FLAT, False)
    assert len(report.closed_positions) == 1
    left = {(row.symbol, row.direction, row.kind) for row in report.residual}
    assert {(direction, kind) for _, direction, kind in left} == {
        ("SHORT", "not_closed_by_bastion"),
        ("LONG", "not_closed_by_bastion"),
    }
    assert any("100000" in symbol for symbol, _, _ in left)


async def test_algo_orders_of_every_kind_that_could_open_are_taken_away(place: Place) -> None:
    algos = [
        {"ordType": kind, "instId": "BTC-USDT-SWAP", "side": "buy", "sz": "5", "reduceOnly": "false"}
        for kind in KINDS
    ]
    async with open_paper_desk(place, scenario="okx") as (desk, paper):
        await paper.control("POST", "/scenario", with_settings(algos=algos))
        report = await emergency_exit(desk, OWNER, deadline_s=Decimal(20), hold_s=Decimal(0))
        look = await next(iter(desk.venues.values())).look(deadline_s=5)
    assert report.verdict is Verdict.FLAT, report.summary
    assert look.orders == ()

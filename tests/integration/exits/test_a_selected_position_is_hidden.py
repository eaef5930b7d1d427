"""An exit of one symbol, whose position the venue's list leaves out while it shows another one."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bastion.app import PaperProcess, Place, open_paper_desk
from bastion.commands import emergency_exit
from bastion.domain.selection import Selection
from bastion.domain.verdict import Verdict
from bastion.surfaces.cli.press import OWNER
from tests.protection_rig import ProtectionRig

LISTS = {
    "binance": "/fapi/v3/positionRisk",
    "bybit": "/v5/position/list",
    "okx": "/api/v5/account/positions",
    "hyperliquid": "/info/clearinghouseState",
}
SCENARIOS = {"binance": "seed", "bybit": "seed", "okx": "okx", "hyperliquid": "hyperliquid"}
SECONDS = {
    "binance": "/fapi/v3/account",
    "bybit": "/v5/position/list",
    "okx": "/api/v5/account/account-position-risk",
    "hyperliquid": "/info/clearinghouseState",
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(home=tmp_path, config=None, vault_key_file=tmp_path / "vault.key")


async def held(paper: PaperProcess, venue: str) -> dict[str, Decimal]:
    state: Any = await paper.control("GET", "/state")
    rows = state["venues"][venue]["accounts"]["main"]["positions"]
    return {row["symbol"]: Decimal(row["quantity"]) for row in rows}


async def one_hidden(paper: PaperProcess, venue: str, **more: object) -> tuple[str, Selection]:
    """Hide one of the venue's positions; return its symbol, and the selection that means it alone."""
    shown = await held(paper, venue)
    assert len(shown) > 1
    hidden = min(shown)
    fault = {"kind": "hide", "venue": venue, "path": LISTS[venue], "symbol": hidden, **more}
    await paper.control("POST", "/faults", fault)
    name = {"okx": hidden.removesuffix("-SWAP").replace("-", ""), "hyperliquid": f"{hidden}USDC"}
    symbol = name.get(venue, hidden)
    return hidden, Selection(venues=frozenset({venue}), symbols=frozenset({symbol}))


@pytest.mark.parametrize("venue", list(LISTS))
async def test_an_exit_of_a_symbol_that_no_look_shows_is_not_flat_while_another_page_names_it(
    place: Place, venue: str
) -> None:
    async with open_paper_desk(place, scenario=SCENARIOS[venue]) as (desk, paper):
        hidden, selection = await one_hidden(paper, venue)
        report = await emergency_exit(
            desk, OWNER, selection=selection, deadline_s=Decimal(4), hold_s=Decimal(0)
        )
        after = await held(paper, venue)
    assert hidden in after
    # Hyperliquid's scenario has a stop beside the hidden position: it stays, and is left by name.
    expected = Verdict.NOT_FLAT if venue == "hyperliquid" else Verdict.UNKNOWN
    assert report.verdict is expected, report.summary
    assert "no look shows it, but a second source of the venue says that" in str(report.unread)


@pytest.mark.parametrize("venue", list(LISTS))
async def test_a_position_that_is_hidden_for_a_while_is_closed_before_the_exit_is_flat(
    place: Place, venue: str
) -> None:
    async with open_paper_desk(place, scenario=SCENARIOS[venue]) as (desk, paper):
        hidden, selection = await one_hidden(paper, venue, lasts_ms=1500)
        before = await held(paper, venue)
        report = await emergency_exit(
            desk, OWNER, selection=selection, deadline_s=Decimal(20), hold_s=Decimal(0)
        )
        after = await held(paper, venue)
    assert report.verdict is Verdict.FLAT, report.summary
    assert before.keys() - after.keys() == {hidden}


@pytest.mark.parametrize("venue", ["binance", "okx"])
async def test_what_is_never_shown_is_not_flat_where_no_second_source_answers(
    place: Place, venue: str
) -> None:
    async with open_paper_desk(place, scenario=SCENARIOS[venue]) as (desk, paper):
        _, selection = await one_hidden(paper, venue)
        await paper.control("POST", "/faults", {"kind": "fail", "venue": venue, "path": SECONDS[venue]})
        if venue == "okx":
            # Its second source of last resort is the list itself, asked for one contract.
            fault = {"kind": "fail", "venue": venue, "path": LISTS[venue], "skip": 3}
            await paper.control("POST", "/faults", fault)
        report = await emergency_exit(
            desk, OWNER, selection=selection, deadline_s=Decimal(3), hold_s=Decimal(0)
        )
    assert report.verdict is Verdict.UNKNOWN, report.summary


async def test_a_symbol_that_is_shown_costs_no_request_more_and_one_that_is_not_held_one(
    rig: ProtectionRig,
) -> None:
    rig.venue = "bybit"
    await rig.hold("2", symbol="ETHUSDT")
    await rig.hold("2")
    selection = Selection(venues=frozenset({"bybit"}), symbols=frozenset({"BTCUSDT"}))
    left_over = []
    for _ in range(2):
        await rig.paper.control("DELETE", "/requests")
        report = await emergency_exit(rig.desk, OWNER, selection=selection, hold_s=Decimal(0))
        assert report.verdict is Verdict.FLAT, report.summary
        # A look asks for four lists of positions.
        left_over.append(len(await rig.requests(LISTS["bybit"])) % 4)
    assert left_over == [0, 1]
    assert await rig.held() == {("ETHUSDT", "NET"): Decimal(2)}

"""Ten Binance accounts behind one address: closed at once, and proven within a minute's weight."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bastion.app import Place, open_desk, open_vault
from bastion.auth.credential import read_credential
from bastion.commands import Desk, emergency_exit, positions
from bastion.domain.principal import Principal, Scope
from bastion.domain.records import Entry, RoundIntended
from bastion.domain.verdict import Verdict
from bastion.ports import Picturing
from tests.benchmarks.exit.stage import open_orders
from tests.paper_process import PaperProcess

OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)
VENUE, ACCOUNTS = "binance", [f"sub{number:02d}" for number in range(10)]
HELD = {"BTCUSDT": "0.5", "SOLUSDT": "-30"}
STOPS = {
    "BTCUSDT": {"direction": "SELL", "trigger_price": "50000", "trigger_when": "FALLS_TO"},
    "SOLUSDT": {"direction": "BUY", "trigger_price": "300", "trigger_when": "RISES_TO"},
}
GREATEST = ACCOUNTS[6]
# All of them together may weigh this much in one minute, so that nobody waits for the next.
A_MINUTE = 2_400
WEIGHTS = {"positionRisk": 5, "account": 5, "openOrders": 40, "openAlgoOrders": 40, "userTrades": 5}


@pytest.fixture
def crowd(paper: PaperProcess, tmp_path: Path) -> Place:
    """Ten accounts, each with two positions and a stop beside each; the first has an entry as well."""
    config, base = tmp_path / "bastion.toml", paper.base_url(VENUE)
    place = Place(home=tmp_path / "state", config=config, vault_key_file=tmp_path / "vault.key")
    place.home.mkdir()
    config.write_text("".join(_configured(name, base) for name in ACCOUNTS), encoding="utf-8")
    vault = open_vault(place)
    for name in ACCOUNTS:
        paper.control.add_account(VENUE, name, balances={"USDT": "1000000"})
        for symbol, quantity in HELD.items():
            paper.control.add_position(VENUE, symbol, quantity, account=name)
            if name == GREATEST:
                paper.control.add_position(VENUE, symbol, quantity, account=name)
            stop = STOPS[symbol] | {"quantity": quantity.lstrip("-"), "reduce_only": True}
            paper.control.place_order(VENUE, account=name, symbol=symbol, **stop)
        key = {"apiKey": f"paper-{VENUE}-{name}-key", "secret": f"paper-{VENUE}-{name}-secret"}
        vault.put(read_credential(name, json.dumps(key)))
    entry = {"symbol": "BTCUSDT", "direction": "BUY", "quantity": "1", "price": "90000"}
    paper.control.place_order(VENUE, account=ACCOUNTS[0], **entry)
    return place


def _configured(name: str, base: str) -> str:
    return f'[[account]]\nname = "{name}"\nvenue = "{VENUE}"\nbase_url = "{base}"\ncredential = "{name}"\n\n'


def asked(paper: PaperProcess) -> list[dict[str, Any]]:
    return [row for row in paper.control.requests() if row["path"].startswith("/fapi/")]


def weight(rows: list[dict[str, Any]]) -> int:
    """Return what requests weigh by the venue's pages; lists of orders weigh 1 with a symbol."""
    total = 0
    for row in rows:
        name = row["path"].rsplit("/", 1)[1]
        by_symbol = row["method"] != "GET" or ("rders" in name and "symbol" in row["parameters"])
        total += 0 if row["method"] == "POST" else 1 if by_symbol else WEIGHTS.get(name, 1)
    return total


def account_of(entry: Entry) -> list[str]:
    return [entry.record.account] if isinstance(entry.record, RoundIntended) else []


async def seen(desk: Desk) -> None:
    for name, venue in desk.venues.items():
        assert isinstance(venue, Picturing)
        assert venue.pictures_cheaply
        await venue.open(deadline_s=10)
        await desk.readings.refresh(name, venue, deadline_s=10)


async def test_all_are_closed_by_cheap_pictures_and_proven_flat_within_one_minute_of_weight(
    crowd: Place, paper: PaperProcess
) -> None:
    async with open_desk(crowd) as desk:
        paper.control.clear_requests()
        await seen(desk)
        pictures = asked(paper)
        assert weight(pictures) <= 10 * len(ACCOUNTS)
        paper.control.clear_requests()
        intents: list[str] = []
        desk.watch(lambda entry: intents.extend(account_of(entry)))
        report = await emergency_exit(desk, OWNER, hold_s=Decimal(0))
        rows = asked(paper)
        # The account with most at stake is the first that is closed.
        assert intents[0] == GREATEST
        assert report.verdict is Verdict.FLAT, report.summary
        assert report.positions_closed == len(HELD) * len(ACCOUNTS)
        assert not [row for row in rows if row["status"] in {418, 429}]
        assert weight(rows) <= A_MINUTE - weight(pictures)
        # Two looks prove each, and nothing but the two.
        whole = Counter(row["account"] for row in rows if is_whole(row))
        assert whole == dict.fromkeys(ACCOUNTS, 2)
        # Every stop stood until the positions of its account were closed.
        for name in ACCOUNTS:
            mine = [row for row in rows if row["account"] == name]
            closes = [at for at, row in enumerate(mine) if row["method"] == "POST"]
            sweeps = [at for at, row in enumerate(mine) if row["path"] == "/fapi/v1/algoOpenOrders"]
            assert len(closes) == len(sweeps) == len(HELD)
            assert closes[-1] < sweeps[0]
            left = paper.control.account(VENUE, name)
            assert left["positions"] == []
            assert open_orders(left) == []


async def test_an_account_that_no_picture_shows_is_read_and_closed_before_anything_is_proven(
    crowd: Place, paper: PaperProcess
) -> None:
    async with open_desk(crowd) as desk:
        for venue in desk.venues.values():
            await venue.open(deadline_s=10)
        paper.control.clear_requests()
        report = await emergency_exit(desk, OWNER, hold_s=Decimal(0))
        rows = asked(paper)
        assert report.verdict is Verdict.FLAT, report.summary
        closed = max(at for at, row in enumerate(rows) if row["method"] == "POST")
        assert weight(rows[:closed]) <= 20 * len(ACCOUNTS) + 2 * 85
        assert weight(rows) <= A_MINUTE


async def test_what_is_open_is_told_whole_though_orders_elsewhere_are_not_asked_for(
    crowd: Place, paper: PaperProcess
) -> None:
    async with open_desk(crowd) as desk:
        paper.control.clear_requests()
        report = await positions(desk, OWNER)
        assert len(report.positions) == len(HELD) * len(ACCOUNTS)
        assert report.unread == ()
        assert not [row for row in asked(paper) if is_whole(row)]


def is_whole(row: dict[str, Any]) -> bool:
    return row["path"] == "/fapi/v1/openOrders" and "symbol" not in row["parameters"]

"""Every verb of the registry: whom it lets in, that it reaches no account but the key's, that it is noted."""

import inspect
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bastion import commands
from bastion.app import PaperProcess, find_place, open_paper_desk
from bastion.commands import VERBS, Desk, Verb
from bastion.domain.act import STOPPING, STOPPING_READS
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import Selection
from bastion.errors import BastionError, ScopeDenied
from bastion.surfaces.cli.acting import tell_dry_halt
from bastion.surfaces.schemas import dumps
from tests.integration.desk.verb_cases import MINE, THEIRS, Ids, cases

OWNER = Principal(id="owner", surface="test", scope=Scope.ENGINE)
NOBODY = Ids(theirs="xnobodysexit", both="xnobodysexit")
NO_PRINCIPAL = {"check_access", "recover"}
"""What the composition root alone calls; no surface and no key reaches it."""


@pytest.fixture
async def paper_desk(tmp_path: Path) -> AsyncIterator[tuple[Desk, PaperProcess]]:
    place = find_place(config=None, environment={"BASTION_HOME": str(tmp_path)})
    async with open_paper_desk(place, scenario="seed") as both:
        yield both


def exported() -> dict[str, Any]:
    names = {name: getattr(commands, name) for name in commands.__all__}
    return {name: one for name, one in names.items() if inspect.iscoroutinefunction(one)}


def test_every_verb_that_surfaces_can_call_stands_in_the_registry() -> None:
    table = {verb.name: verb.ask for verb in VERBS}
    assert len(table) == len(VERBS)
    for name, call in exported().items():
        if name not in NO_PRINCIPAL:
            assert table.get(name) is call, f"{name}: import it from `registry`, so that its calls are noted"


def test_every_verb_of_the_registry_is_exported_and_has_its_cases() -> None:
    assert {verb.name for verb in VERBS} <= set(exported())
    assert {verb.name for verb in VERBS} <= set(cases(NOBODY)), "add the verb to verb_cases.py"


async def outcome(verb: Verb, desk: Desk, principal: Principal, arguments: Any) -> str:  # noqa: ANN401 - any verb's
    try:
        report = await verb.ask(desk, principal, **arguments)
    except BastionError as error:
        return f"{type(error).__name__}: {error}"
    return dumps(report)


async def test_the_scope_matrix_of_every_verb(paper_desk: tuple[Desk, PaperProcess]) -> None:
    desk, paper = paper_desk
    before = await writes(paper)
    wrong = []
    for verb in VERBS:
        call = cases(NOBODY)[verb.name][0]
        for scope in Scope:
            for only_stops in (False, True):
                # Who may see no account is let in or not, and does nothing either way.
                key = Principal(
                    id="k", surface="test", scope=scope, accounts=frozenset({"none"}), only_stops=only_stops
                )
                may = scope >= verb.act.scope and (not only_stops or verb.act in STOPPING | STOPPING_READS)
                told = await outcome(verb, desk, key, call)
                if told.startswith(ScopeDenied.__name__) is may:
                    wrong.append((verb.name, scope.word, only_stops, told[:120]))
    assert wrong == []
    assert await writes(paper) == before == {"binance": 0, "bybit": 0}


async def test_a_key_of_one_account_never_reads_or_moves_another(
    paper_desk: tuple[Desk, PaperProcess],
) -> None:
    desk, paper = paper_desk
    await commands.halt(desk, OWNER, selection=Selection(accounts=frozenset({THEIRS})), reason="theirs")
    theirs = desk.journal.exit_ids()[-1]
    await commands.halt(desk, OWNER, reason="both")
    both = desk.journal.exit_ids()[-1]
    assert theirs != both
    held, written = await account(paper, "bybit"), await writes(paper)
    assert held["positions"]
    key = Principal(id="kmine", surface="test", scope=Scope.ENGINE, accounts=frozenset({MINE}))
    order = list(cases(Ids(theirs=theirs, both=both)).items())
    for name, calls in order:
        verb = next((one for one in VERBS if one.name == name), None)
        for arguments in calls if verb is not None else ():
            assert verb is not None
            told = await outcome(verb, desk, key, arguments)
            said = told.replace(THEIRS, "") if THEIRS in str(arguments) else told
            said = said.replace("bybit", "") if "bybit" in str(arguments) else said
            assert "bybit" not in said, f"{name} {arguments} told of another account: {told[:600]}"
            assert await account(paper, "bybit") == held, f"{name} {arguments} moved another account"
            assert (await writes(paper))["bybit"] == written["bybit"], f"{name} {arguments} wrote there"
    assert (await writes(paper))["binance"] > written["binance"]
    assert (await account(paper, "binance"))["positions"] == []


async def test_without_a_configuration_whatever_is_read_says_first_that_it_is_paper(
    paper_desk: tuple[Desk, PaperProcess], capsys: pytest.CaptureFixture[str]
) -> None:
    desk, _ = paper_desk
    planned = await commands.preview(desk, OWNER)
    reads = (
        await commands.positions(desk, OWNER),
        await commands.status(desk, OWNER),
        await commands.balance(desk, OWNER),
        await commands.exchanges(desk, OWNER),
        await commands.engine_status(desk, OWNER),
        planned,
    )
    assert [read.summary[:5] for read in reads] == ["PAPER"] * len(reads)
    tell_dry_halt(planned, stops_too=False, paper=desk.paper, json=False)
    assert capsys.readouterr().out.startswith("PAPER. DRY RUN:")
    desk.paper = False
    assert not (await commands.positions(desk, OWNER)).summary.startswith("PAPER")


async def test_each_call_is_noted_with_what_came_of_it(paper_desk: tuple[Desk, PaperProcess]) -> None:
    desk, _ = paper_desk
    reader = replace(OWNER, id="kreader", scope=Scope.READ)
    await commands.positions(desk, reader)
    with pytest.raises(ScopeDenied):
        await commands.emergency_exit(desk, reader, reason="my key is bst_" + "a" * 40)
    report = await commands.emergency_exit(desk, OWNER, hold_s=Decimal(0), reason="a crash")
    rows = await noted(desk, 3)
    assert [(row.principal, row.verb, row.outcome, row.result) for row in reversed(rows)] == [
        ("kreader", "positions", "answered", None),
        ("kreader", "emergency_exit", "refused", "SCOPE_DENIED"),
        ("owner", "emergency_exit", "answered", "FLAT"),
    ]
    assert rows[0].exit_id == report.exit_id
    assert dict(rows[0].arguments) == {"hold_s": "0", "reason": "a crash"}
    assert rows[1].arguments["reason"] == "my key is bst_***"
    assert all(row.paper and row.duration_ms is not None and row.surface == "test" for row in rows)
    found = await commands.audit_records(desk, OWNER, act="exit", exit_id=report.exit_id)
    assert [row.call for row in found.records] == [rows[0].call]
    assert (await commands.verify_journals(desk, OWNER)).success


async def noted(desk: Desk, count: int) -> tuple[commands.AuditRow, ...]:
    """Return what the journal holds of this test's calls, once the writer has caught up."""
    for _ in range(500):
        if desk.audit.standing().waiting == 0:
            break
        await desk.clock.sleep(0.01)
    return (await commands.audit_records(desk, OWNER)).records[:count]


async def account(paper: PaperProcess, venue: str) -> dict[str, Any]:
    """Return what the account truly holds: its positions and orders, and how much it traded."""
    state = await paper.control("GET", "/state")
    assert isinstance(state, dict)
    held = state["venues"][venue]["accounts"]["main"]
    positions = [{name: row[name] for name in ("symbol", "quantity")} for row in held["positions"]]
    return {"positions": positions, "orders": held["orders"], "fills": len(held["fills"])}


async def writes(paper: PaperProcess) -> dict[str, int]:
    """Return how many requests at each venue were anything but a read."""
    answer = await paper.control("GET", "/requests")
    rows = json.loads(json.dumps(answer))["requests"]
    return {
        venue: sum(row["venue"] == venue and row["method"] != "GET" for row in rows)
        for venue in ("binance", "bybit")
    }

"""The how-to pages are true: each of their commands is typed, and does what the page says."""

import json
from pathlib import Path

import pytest

from tests.acceptance.how_to.reader import ELSEWHERE, PAGES, Reader, lines_of

HERE = {
    "connect-binance.md",
    "connect-bybit.md",
    "connect-okx.md",
    "give-out-a-key.md",
    "halt-and-come-back.md",
    "run-the-daemon.md",
    "run-the-gauntlet.md",
    "the-day-of-the-emergency.md",
    "wire-an-assistant.md",
}
BESIDE = {"connect-hyperliquid.md", "prove-a-venue.md", "refund-a-margin.md"}
"""Pages whose commands are typed by the tests of their venues."""


def test_every_page_is_followed_and_stands_in_the_index() -> None:
    pages = {file.name for file in PAGES.glob("*.md")} - {"README.md"}
    assert pages == HERE | BESIDE
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    assert all(f"({page})" in index for page in pages)
    assert all(lines_of(page) for page in pages)
    programs = {line.split()[0] for page in HERE for line in lines_of(page)}
    assert programs - set(ELSEWHERE) == {"bastion", "cp", "curl", "mkdir"}


@pytest.mark.parametrize(
    ("venue", "account", "count"),
    [("binance", "main-binance", 2), ("bybit", "main-bybit", 2), ("okx", "okx", 3)],
)
def test_a_page_leads_from_a_key_to_a_connected_account(
    newcomer: Reader, venue: str, account: str, count: int
) -> None:
    newcomer.write_credential(venue)
    newcomer.follow(f"connect-{venue}.md")
    tried, connected = [said for line, said in newcomer.said.items() if line.startswith("bastion connect")]
    assert tried.out != connected.out
    assert newcomer.said["bastion doctor"].out.splitlines()[-1].startswith("READY")
    assert newcomer.said["bastion positions"].out.count(account) >= count
    assert f'name = "{account}"' in newcomer.trader.config.read_text(encoding="utf-8")
    if venue == "okx":
        assert "FLAT" in newcomer.said["bastion exit --now"].out
        assert newcomer.market.positions("okx") == {}
    else:
        assert newcomer.said["bastion exit --dry-run"].out.splitlines()[-1].startswith("DRY RUN:")
        assert len(newcomer.market.positions(venue)) == count


def test_the_daemon_runs_and_a_second_one_says_so(desk: Reader) -> None:
    (desk.folder / "packaging").symlink_to(PAGES.parents[1] / "packaging")
    typed = desk.follow("run-the-daemon.md")
    assert "bastion up" in typed
    assert "bastion up" in desk.said["bastion up"].err
    assert (desk.folder / ".config" / "systemd" / "user" / "bastion.service").is_file()
    for line in ("bastion status", "bastion status --standalone"):
        assert "main-bybit" in desk.said[line].out


def test_the_day_of_the_emergency_ends_flat_at_each_of_its_first_commands(desk: Reader) -> None:
    flat = {}
    for line in lines_of("the-day-of-the-emergency.md"):
        if line.startswith("bastion exit --now"):
            desk.fill()
            held = desk.open_positions()
            desk.shell(line)
            flat[line] = (held, desk.open_positions())
            continue
        desk.shell(line)
    assert flat == {
        "bastion exit --now": (4, 0),
        "bastion exit --now --except-account main-bybit": (4, 2),
        "bastion exit --now --standalone": (4, 0),
    }
    assert "FLAT in" in desk.said["bastion exit --now"].out
    rows = [json.loads(row) for row in desk.said["bastion journal export --limit 5"].out.splitlines()]
    assert len(rows) == 5
    assert json.loads(next(said.out for line, said in desk.said.items() if line.startswith("curl")))
    assert "nothing was opened again" in next(
        said.out for line, said in desk.said.items() if "reset EXIT_ID" in line
    )


def test_a_halt_keeps_what_is_open_and_a_person_comes_back_from_it(desk: Reader) -> None:
    desk.fill()
    desk.follow("halt-and-come-back.md")
    assert desk.open_positions() == 4
    halted = [said for line, said in desk.said.items() if line.startswith("bastion halt")]
    assert [said.out.splitlines()[-1].partition(" ")[0] for said in halted] == ["DRY", "HALTED", "HALTED"]
    assert "CLEAR" in desk.trader.run("status", "--json", BASTION_CONFIG=str(desk.trader.config)).stdout


def test_the_journal_tells_what_a_key_did(desk: Reader) -> None:
    desk.follow("give-out-a-key.md", only="bastion journal")
    rows = [json.loads(row) for row in desk.said["bastion journal export --limit 20"].out.splitlines()]
    assert 0 < len(rows) <= 20
    assert "sound" in desk.said["bastion journal verify"].out


def test_an_assistant_is_wired_and_cut_off_again(desk: Reader) -> None:
    desk.follow("wire-an-assistant.md")
    block = json.loads(desk.said["bastion mcp --print-config"].out)
    assert block["mcpServers"]["bastion"]["env"]["BASTION_CONFIG"] == str(desk.trader.config)
    assert "revoked" in desk.trader.run("keys", "list").stdout


def test_the_gauntlet_is_run_on_a_traders_loop_and_on_our_exit(newcomer: Reader) -> None:
    (newcomer.folder / "examples").symlink_to(PAGES.parents[1] / "examples")
    typed = newcomer.follow("run-the-gauntlet.md")
    assert len(typed) == 4
    for line in typed[1:]:
        said = newcomer.said[line].out.splitlines()
        assert said[-1].startswith("SAFE"), said
        assert {row.split()[0] for row in said[:-2]} == {"ok"}, said
    assert "bot-reopens" in newcomer.said["bastion gauntlet --list"].out


def test_no_page_names_a_path_of_a_machine() -> None:
    for file in [*PAGES.glob("*.md"), *Path(PAGES.parent, "reference").glob("*.md")]:
        assert "/home/" not in file.read_text(encoding="utf-8"), file.name

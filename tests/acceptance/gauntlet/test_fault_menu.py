"""The fault menu, on real sockets: what bastion's own exit must come to in each row, and what it must say."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bastion.gauntlet.rows import ROWS, Row
from bastion.gauntlet.stage import Best
from tests.acceptance.gauntlet.conftest import gauntlet

pytestmark = pytest.mark.timeout(600)
LIAR = str(Path(__file__).with_name("liar.py"))
VERDICTS = {
    Best.FLAT: {"FLAT"},
    Best.DUST: {"FLAT", "FLAT_WITH_DUST"},
    Best.OPEN: {"NOT_FLAT", "UNKNOWN"},
}
EXIT_CODES = {"FLAT": 0, "FLAT_WITH_DUST": 0, "NOT_FLAT": 10, "UNKNOWN": 11}
WHILE_SHUT_OUT_MOST = 12


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_our_exit_comes_to_the_best_that_a_scenario_allows_and_says_so(
    ours: Mapping[str, Any], row: Row
) -> None:
    run = ours[row.name]
    told = f"{run['replay']}\n{run['last_words']}"
    assert run["falsely_flat"] is False, told
    assert run["grown"] == 0, told
    assert run["unsafe"] is False, told
    assert run["reached_best"] is True, told
    assert run["said"] in VERDICTS[Best(run["best"])], told
    assert run["exit_code"] == EXIT_CODES[run["said"]], told
    if run["claimed_flat"]:
        assert run["orders_left"] == 0, told


def test_a_ban_is_answered_with_silence(ours: Mapping[str, Any]) -> None:
    assert ours["banned"]["requests_while_banned"] <= WHILE_SHUT_OUT_MOST


def test_each_misdeed_is_seen_whatever_the_program_says() -> None:
    document = gauntlet("--scenario", "calm", "--jobs", "4", "--", sys.executable, "-S", LIAR, code=12)
    runs = {run["venue"]: run for run in document["runs"]}
    assert document["safe"] is False
    assert runs["binance"]["grown"] == 1
    assert (runs["binance"]["unsafe"], runs["binance"]["falsely_flat"]) == (True, False)
    assert (runs["binance"]["requests"], runs["binance"]["order_requests"]) == (1, 1)
    assert (runs["bybit"]["falsely_flat"], runs["bybit"]["orders_left"]) == (True, 1)
    assert (runs["okx"]["claimed_flat"], runs["okx"]["said"]) == (False, "NOT_FLAT")
    assert (runs["hyperliquid"]["exit_code"], runs["hyperliquid"]["unsafe"]) == (3, False)
    assert all(len(run["left"]) == 3 for run in runs.values())
    totals = document["totals"]
    assert (totals["unsafe"], totals["falsely_flat"], totals["flipped_or_opened"]) == (2, 1, 1)

"""The command `bastion gauntlet`: what it refuses, lists, and says of a run."""

from decimal import Decimal

import pytest

from bastion.gauntlet.program import Claim
from bastion.gauntlet.report import GauntletRun, report_of, told
from bastion.gauntlet.rows import BY_NAME, ROWS
from bastion.gauntlet.score import Left, Score
from bastion.surfaces.cli.gauntlet import run, run_line, summary_lines


def one_run(*, claims: bool = True, left: str = "", orders: int = 0, grown: int = 0) -> GauntletRun:
    row = BY_NAME["empty-once"]
    rows = (
        Left(
            venue="bybit",
            symbol="BTCUSDT",
            side="NET",
            quantity=Decimal(left or 0),
            notional_usd=Decimal(1),
            is_dust=False,
        ),
    )
    score = Score(
        left=rows if left else (),
        grown=grown,
        orders_left=orders,
        requests=13,
        order_requests=3,
        requests_while_banned=0,
        first_request_ms=900,
        flat_after_ms=None if left else 1_500,
        open_dollar_seconds=Decimal(1_234_567),
        claims_flat=claims,
    )
    claim = Claim(
        code=0 if claims else 1, claims_flat=claims, said=None, took_ms=3_100, tail="its last words"
    )
    return told(row, row.stage("bybit", seed=4), score, claim, seed=4)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--scenario", "calm"],
        ["python", "exit.py"],
        ["--scenario", "nonsense", "--", "true"],
        ["--venue", "kraken", "--", "true"],
        ["--jobs", "0", "--", "true"],
        ["--scenario", "banned", "--venue", "okx", "--", "true"],
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["gauntlet", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("bastion: ")


def test_the_list_names_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gauntlet", "--list"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == [row.name for row in ROWS]


def test_a_line_says_in_its_first_word_what_came_of_a_run() -> None:
    good, short, false = one_run(), one_run(claims=False), one_run(left="0.31", orders=1)
    words = " ".join(run_line(good).split())
    assert words == "ok empty-once bybit flat, says flat; 13 requests, 3.1 s, 1,234,567 open dollar-seconds"
    assert run_line(short).startswith("short ")
    assert run_line(false).startswith("UNSAFE ")
    assert "open: BTCUSDT 0.31, says flat; FALSELY REPORTED FLAT; orders left: 1;" in run_line(false)
    assert "OPENED OR FLIPPED: 2 executions" in run_line(one_run(grown=2))
    assert good.last_words == ""
    assert false.last_words == "its last words"


def test_the_summary_names_each_failure_with_the_line_that_repeats_it() -> None:
    report = report_of([one_run(), one_run(left="0.31")], command=("true",), seed=4)
    assert report.safe is False
    lines = summary_lines(report)
    assert (
        lines[0] == "again: bastion gauntlet --scenario empty-once --venue bybit --seed 4 --show -- COMMAND"
    )
    assert lines[-1].startswith("UNSAFE: of 2 runs 1 ended flat, 1 were falsely reported flat,")
    assert report_of([one_run(claims=False)], command=("true",), seed=4).safe is True

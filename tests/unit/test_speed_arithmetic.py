"""What the benchmark makes of its samples: bounds, percentiles, bars, the page, the words for a failure."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.exit.__main__ import missing
from tests.benchmarks.exit.accounts import weight_left_s
from tests.benchmarks.exit.bars import GRID, ROWS
from tests.benchmarks.exit.figures import Book, bar_line, percentile, ratio
from tests.benchmarks.exit.flame import Stack, drawn, tree_of
from tests.benchmarks.exit.hearing import split
from tests.benchmarks.exit.page import BEGIN, END, excerpt, page, put
from tests.benchmarks.exit.plan import Plan
from tests.benchmarks.exit.row import RUN
from tests.benchmarks.exit.storm import BASE_MS, CHANCE, FAILURES, JITTER_MS, open_dollar_seconds
from tests.benchmarks.exit.stressed import base_of

MACHINE: dict[str, Any] = {
    "figure": "machine",
    "date": "2026-11-22T14:30:00Z",
    "cores": 2,
    "system": "Linux",
    "processor": "a processor",
    "python": "3.12.1",
    "load_1m": 0.1,
    "fdatasync_ms": {"p50": 0.1, "p99": 0.9},
}
SHORT: dict[str, Any] = {"bar": "warm20_fill_ratio_p50", "value": 2.0, "limit": 1.5, "ok": False}


def test_every_row_has_something_to_run_and_every_bar_one_name() -> None:
    assert set(RUN) == {*ROWS, *GRID}
    names = [bar.name for row in ROWS.values() for bar in row.bars]
    assert len(names) == len(set(names)) >= 30
    assert len(GRID) == 36


def test_a_percentile_is_a_value_of_the_sample_and_a_ratio_the_median_over_pairs() -> None:
    sample = [float(number) for number in range(200, 0, -1)]
    assert percentile(sample, 0.5) == 101.0
    assert percentile(sample, 0.99) == 199.0
    assert percentile([7.0], 0.99) == 7.0
    # The slow pair counts once, and does not drag the others along.
    assert ratio([2.0, 3.0, 900.0], [1.0, 2.0, 300.0]) == 2.0


def test_a_bar_adds_the_disk_where_it_says_so_and_is_short_when_exceeded(tmp_path: Path) -> None:
    book = Book(tmp_path / "lines.jsonl", sync_ms=[0.5] * 99 + [2.0])
    book.bar("press_unix_socket_ms_p99", 9.9)
    book.bar("warm20_fill_ratio_p50", 1.6)
    disk, plain = [json.loads(line) for line in (tmp_path / "lines.jsonl").read_text().splitlines()]
    assert disk["limit"] == 10.0
    assert bar_line(disk) == "bar press_unix_socket_ms_p99 9.900 <=10 ok"
    assert bar_line(plain) == "bar warm20_fill_ratio_p50 1.600 <=1.5 short"


def test_a_floor_replaces_a_bar_where_it_is_higher_and_the_bar_is_told_beside_it(tmp_path: Path) -> None:
    book = Book(tmp_path / "lines.jsonl")
    book.bar("nautilus20_fill_ratio_p50", 0.7, floor=0.5)
    book.bar("nautilus100_fill_ratio_p50", 0.95, floor=0.9)
    book.bar("nautilus100_fill_ratio_p50", 0.85, floor=0.9)
    low, over, under = [json.loads(line) for line in (tmp_path / "lines.jsonl").read_text().splitlines()]
    assert bar_line(low) == "bar nautilus20_fill_ratio_p50 0.700 <=0.6 short"
    told = "<=0.9 {} (the null client's floor; 0.6 is asked)"
    assert bar_line(over) == f"bar nautilus100_fill_ratio_p50 0.950 {told.format('short')}"
    assert bar_line(under) == f"bar nautilus100_fill_ratio_p50 0.850 {told.format('ok')}"
    shown = page([MACHINE, over, under], [])
    assert "| 0.95 | <= 0.9 by the null client's floor; 0.6 is asked | **short** |" in shown
    assert "| 0.85 | <= 0.9 by the null client's floor; 0.6 is asked | ok |" in shown


def test_a_row_that_failed_leaves_its_bars_short_and_keeps_what_it_measured_before() -> None:
    row = ROWS["idle_daemon"]
    found = [{"bar": "idle_daemon_mib", "value": 90.0, "limit": 110.0, "ok": True}]
    lost = missing(row, found, "it ended with exit code 1")
    assert [line["bar"] for line in lost] == ["idle_daemon_cpu_percent", "idle_daemon_mib_each_account"]
    assert bar_line(lost[0]) == "bar idle_daemon_cpu_percent none <=1 short"


def test_a_plan_warms_up_once_and_stops_when_its_time_is_over() -> None:
    assert list(Plan(runs=4).rounds()) == [-1, 0, 1, 2, 3]
    assert list(Plan(runs=9, ends_s=time.monotonic() - 1).rounds()) == [-1, 0, 1, 2]
    assert list(Plan(runs=9, ends_s=0.0).rounds(least=1, warm_up=False)) == [0]
    assert list(Plan(runs=2).part(0.5).rounds(warm_up=False)) == [0, 1]


def test_weight_is_waited_for_until_the_minute_in_which_it_is_there_again() -> None:
    assert weight_left_s(2_300, 85, now_s=125.0) == 0.0
    assert weight_left_s(2_315, 85, now_s=125.0) == 0.0
    assert weight_left_s(2_316, 85, now_s=125.0) == pytest.approx(55.1)


def test_open_dollar_seconds_count_what_was_closed_late_and_what_never_was() -> None:
    opening = {"closed_quantity": "0", "closed_entry_price": "0", "time_ms": 500}
    before = {"closed_quantity": "5", "closed_entry_price": "20", "time_ms": 900}
    first = {"closed_quantity": "6", "closed_entry_price": "20", "time_ms": 2_000}
    second = {"closed_quantity": "4", "closed_entry_price": "20", "time_ms": 4_000}
    fills = [opening, before, first, second]
    assert open_dollar_seconds(fills, 0.0, begun_ms=1_000, ended_ms=9_000) == 120 * 1 + 80 * 3
    assert open_dollar_seconds(fills[:3], 80.0, begun_ms=1_000, ended_ms=9_000) == 120 * 1 + 80 * 8


def test_the_storm_loses_a_fifth_of_all_calls_and_half_of_these_after_the_deed() -> None:
    assert (1 - float(CHANCE)) ** len(FAILURES) == pytest.approx(0.8, abs=0.005)
    assert [failure["executed"] for failure in FAILURES].count(True) == len(FAILURES) / 2
    # Before the tail: up to a jitter on each way, so in the middle one jitter more.
    assert 1_350 <= BASE_MS + JITTER_MS <= 1_500


def test_one_contract_has_one_name_whatever_the_venue_calls_it() -> None:
    assert {base_of(symbol) for symbol in ("T010USDT", "T010-USDT-SWAP", "T010")} == {"T010"}


def test_a_flame_graph_is_as_wide_as_the_samples() -> None:
    stacks: Counter[Stack] = Counter({("a.main", "a.sign"): 3, ("a.main", "b.send"): 1})
    tree = tree_of(stacks)
    assert (tree.samples, tree.calls["a.main"].samples) == (4, 4)
    assert tree.calls["a.main"].calls["a.sign"].samples == 3
    graph = drawn(stacks)
    assert 'width="900.0"' in graph
    assert "b.send: 1 samples" in graph


def test_the_page_says_what_is_short_what_failed_and_how_few_runs_there_were() -> None:
    lost = missing(ROWS["nautilus20"], [], "why")
    rows: list[Mapping[str, Any]] = [
        MACHINE,
        {
            "figure": "warm20",
            "runs": 20,
            "load_1m": 0.2,
            "fill_ms": {"p50": 61.0},
            "parts_p50_ms": {"first_byte": 8.0},
        },
        {"figure": "nautilus20", "failed": "it ended with exit code 1"},
        SHORT,
        *lost,
    ]
    text = page(rows)
    assert "| 2 | <= 1.5 | **short** |" in text
    assert "| none | <= 0.6 | **short** |" in text
    assert "warm20: 20 runs (few), load 0.2: fill ms p50 61" in text
    assert "nautilus20: it failed: it ended with exit code 1." in text
    assert "first byte 8" in text
    assert "2026-11-22T14:30:00Z on 2 cores (a processor)" in text


def test_the_readme_has_a_place_for_the_figures_and_nothing_else_of_it_changes() -> None:
    text = Path("README.md").read_text(encoding="utf-8")
    block = excerpt([MACHINE, SHORT])
    written = put(text, block)
    assert "**short**" in block
    assert written.partition(BEGIN)[0] == text.partition(BEGIN)[0]
    assert written.partition(END)[2] == text.partition(END)[2]
    assert put(written, block) == written
    with pytest.raises(ValueError, match="no place"):
        put("# Another document", block)


def test_a_null_client_that_hears_takes_whole_frames_of_every_length() -> None:
    short, middle, long = b"a" * 5, b"b" * 300, b"c" * 70_000
    sent = b"\x81\x05" + short + b"\x81\x7e\x01\x2c" + middle
    sent += b"\x89\x00" + b"\x81\x7f" + len(long).to_bytes(8, "big") + long
    # However the bytes come: each frame once, when it is whole.
    for piece in (3, 1_000, len(sent)):
        buffer, found = b"", []
        for at in range(0, len(sent), piece):
            buffer += sent[at : at + piece]
            while (frame := split(buffer)) is not None:
                kind, payload, buffer = frame
                found.append((kind, payload))
        assert found == [(1, short), (1, middle), (9, b""), (1, long)]
        assert not buffer

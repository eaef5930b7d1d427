"""Page: docs/reference/speed.md, written from a benchmark's output file.

python -m tests.benchmarks.exit.page build/bench/exit.jsonl docs/reference/speed.md
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

WHAT = {
    "warm20_fill_ratio_p50": "warm, 20 positions on Binance, Bybit, OKX: last closing fill / bound, p50",
    "warm20_verdict_ratio_p50": "the same: verdict / its bound, p50",
    "warm20_fill_p99_over_p50": "the same: last closing fill, p99 / p50",
    "warm20_verdict_p99_over_p50": "the same: verdict, p99 / p50",
    "warm100_fill_ratio_p50": "warm, 100 on Binance, OKX, Hyperliquid: last closing fill / bound, p50",
    "warm100_verdict_ratio_p50": "the same: verdict / its bound, p50",
    "warm100_fill_p99_over_p50": "the same: last closing fill, p99 / p50",
    "warm100_verdict_p99_over_p50": "the same: verdict, p99 / p50",
    "warm100_bybit_fill_ratio_p50": "warm, 100 on Binance, Bybit, OKX: last closing fill / bound, p50",
    "warm100_bybit_verdict_ratio_p50": "the same: verdict / its bound, p50",
    "warm100_bybit_fill_p99_over_p50": "the same: last closing fill, p99 / p50",
    "warm100_bybit_verdict_p99_over_p50": "the same: verdict, p99 / p50",
    "ccxt_loop20_fill_ratio_p50": "20 positions on 3 venues: last closing fill / the gathered ccxt loop's",
    "dead_venue_others_ratio_p50": "one venue dead: the others' last closing fill with / without",
    "positions500_requests_ratio": "500 positions on 4 venues: requests / the fewest that are needed",
    "cold_cpu_s_p50": "cold `bastion exit --standalone`: CPU s from exec to the first order",
    "cold_peak_mib_p50": "the same: peak memory, MiB",
    "press_unix_socket_ms_p99": "press on the unix socket to the first order's first byte, ms, p99",
    "idle_daemon_mib": "idle daemon with 4 accounts: memory, MiB",
    "idle_daemon_cpu_percent": "the same: CPU, percent of a core",
    "idle_daemon_mib_each_account": "each further account: memory, MiB",
}
HEAD = """# Speed

Written by `make bench-page` from the output of `make bench`; nothing here is typed by hand. Paper venues
run in processes of their own, with a round trip of 50 ms; every position carries a stop and a take-profit,
and ten entries rest beside them. The bound is what a null client needs in the same run: it replays signed
bytes on warm sockets, within the venues' published limits. A bar that is not met says so.
"""


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the page of a benchmark's rows."""
    return "\n".join([HEAD, *_machine(rows), "", *_bars(rows), "", *_parts(rows), ""])


def _machine(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    told = next(row for row in rows if row.get("figure") == "machine")
    sync = told["fdatasync_ms"]
    yield (
        f"Measured {told['date']} on {told['cores']} cores ({told['processor']}), {told['system']}, Python"
        f" {told['python']}."
    )
    yield (
        f"The machine's load was {told['load_1m']} at the beginning; one fdatasync took {sync['p50']} ms"
        f" (p50), {sync['p99']} ms (p99)."
    )


def _bars(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| what | measured | bar | |"
    yield "|---|---|---|---|"
    for row in rows:
        if "bar" in row:
            what = WHAT.get(row["bar"], row["bar"])
            met = "ok" if row["ok"] else "**short**"
            yield f"| {what} | {row['value']:g} | <= {row['limit']:g} | {met} |"


def _parts(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "## Where the time went"
    yield ""
    yield "Milliseconds from the press, p50."
    yield ""
    for row in rows:
        parts = row.get("parts_p50_ms")
        if parts:
            yield f"- {row['figure']} ({row['runs']} runs, load {row['load_1m']}): " + ", ".join(
                f"{name.replace('_', ' ')} {value:g}" for name, value in parts.items()
            )


def main() -> int:
    """Write the page; return 1 when the output file holds no figures."""
    parser = argparse.ArgumentParser(prog="make bench-page", description=__doc__)
    parser.add_argument("figures", type=Path)
    parser.add_argument("page", type=Path)
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.figures.read_text(encoding="utf-8").splitlines()]
    if not any("bar" in row for row in rows):
        sys.stderr.write(f"{given.figures} holds no figures; run `make bench` first.\n")
        return 1
    given.page.write_text(page(rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

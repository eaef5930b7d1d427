"""Bars: every row of the benchmark, what it is held to, and its share of a run's time."""

from dataclasses import dataclass

FILL_OVER_BOUND = 1.5
"""How many times a null client's time to the last closing fill an exit may take."""
ACCOUNTS_OVER_BOUND = 1.15
"""The same for fifty accounts behind one address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a figure is held to. `synced`: one fdatasync's p99 of the same run is added to the limit."""

    name: str
    what: str
    limit: float
    synced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row: its share of the time and its bars. `patient`: it mostly waits, so that others run beside it."""

    name: str
    seconds: int
    bars: tuple[Bar, ...]
    patient: bool = False


def _bar(name: str, what: str, limit: float, *, synced: bool = False) -> Bar:
    return Bar(name=name, what=what, limit=limit, synced=synced)


def _warm(name: str, what: str, fill: float) -> tuple[Bar, ...]:
    return (
        _bar(f"{name}_fill_ratio_p50", f"{what}: last closing fill / bound, p50", fill),
        _bar(f"{name}_verdict_ratio_p50", "the same: verdict / its bound, p50", 1.25),
        _bar(f"{name}_fill_p99_over_p50", "the same: last closing fill, p99 / p50", 1.5),
        _bar(f"{name}_verdict_p99_over_p50", "the same: verdict, p99 / p50", 1.5),
    )


def _nautilus(count: int) -> tuple[Bar, ...]:
    name = f"nautilus{count}"
    what = f"{count} positions on the Binance wire, warm: last closing fill / NautilusTrader's, p50"
    return (
        _bar(f"{name}_fill_ratio_p50", what, 0.6),
        _bar(f"{name}_memory_ratio", "the same: memory of the daemon / of its node", 0.4),
    )


def _press(surface: str, what: str) -> tuple[Bar, ...]:
    return (
        _bar(
            f"press_{surface}_chatty_ms_p99", f"the same beside 16 chatty callers, {what}", 25.0, synced=True
        ),
    )


ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        Row(
            name="warm20",
            seconds=120,
            bars=_warm("warm20", "warm, 20 positions on Binance, Bybit, OKX", FILL_OVER_BOUND),
        ),
        Row(
            name="warm100",
            seconds=100,
            bars=_warm("warm100", "warm, 100 on Binance, OKX, Hyperliquid (no limit binds)", 3.0),
        ),
        Row(
            name="warm100_bybit",
            seconds=130,
            bars=_warm("warm100_bybit", "warm, 100 on Binance, Bybit, OKX (Bybit's limit binds)", 1.10),
        ),
        Row(
            name="ccxt_loop20",
            seconds=80,
            bars=(
                _bar(
                    "ccxt_loop20_fill_ratio_p50",
                    "20 positions on 3 venues: last closing fill / the gathered ccxt loop's, throttle off",
                    0.6,
                ),
            ),
        ),
        Row(name="nautilus20", seconds=80, bars=_nautilus(20)),
        Row(name="nautilus100", seconds=80, bars=_nautilus(100)),
        Row(
            name="press_unix_socket",
            seconds=40,
            bars=(
                _bar(
                    "press_unix_socket_ms_p99",
                    "press to the first order's first byte, unix socket, ms, p99",
                    8.0,
                    synced=True,
                ),
            ),
        ),
        Row(name="press_mcp_stdio", seconds=45, bars=_press("mcp_stdio", "MCP over stdio")),
        Row(name="press_mcp_http", seconds=45, bars=_press("mcp_http", "MCP over HTTP")),
        Row(name="press_rest", seconds=45, bars=()),
        Row(
            name="cold",
            seconds=40,
            bars=(
                _bar(
                    "cold_cpu_s_p50",
                    "cold `bastion exit --standalone`: CPU from exec to the first order's first byte, s",
                    0.45,
                ),
                _bar(
                    "cold_peak_mib_p50", "the same: peak memory with a vault opened by a key file, MiB", 75.0
                ),
            ),
        ),
        Row(
            name="dead_venue",
            seconds=70,
            bars=(
                _bar(
                    "dead_venue_others_ratio_p50",
                    "one venue dead: the others' last closing fill with / without",
                    1.10,
                ),
            ),
        ),
        Row(
            name="slow_venue",
            seconds=60,
            bars=(
                _bar(
                    "slow_venue_others_ratio_p50",
                    "one venue at 2 s: the others' last closing fill with / without",
                    1.10,
                ),
            ),
        ),
        Row(
            name="accounts50",
            seconds=60,
            patient=True,
            bars=(
                _bar(
                    "accounts50_fill_ratio",
                    "50 Binance accounts of 4 positions behind one address: last closing fill / bound",
                    ACCOUNTS_OVER_BOUND,
                ),
                _bar(
                    "accounts50_verdict_ratio", "the same: verdict / bound, with the address's weight", 1.15
                ),
            ),
        ),
        Row(
            name="stressed",
            seconds=150,
            bars=(
                _bar(
                    "stressed_answer_s_p99",
                    "stressed, 20 positions on 4 venues: FLAT or the exact list, s, p99",
                    60.0,
                ),
                _bar(
                    "stressed_open_dollar_seconds_ratio_p50",
                    "the same: open dollar-seconds / those of the best order that the limits allow, p50",
                    1.25,
                ),
            ),
        ),
        Row(
            name="idle_daemon",
            seconds=75,
            bars=(
                _bar(
                    "idle_daemon_mib",
                    "idle daemon, 4 accounts, one position update a second: memory, MiB",
                    110.0,
                ),
                _bar("idle_daemon_cpu_percent", "the same: CPU, percent of a core", 1.0),
                _bar("idle_daemon_mib_each_account", "each further account, up to 200: memory, MiB", 0.5),
            ),
        ),
        Row(
            name="positions500",
            seconds=60,
            bars=(
                _bar(
                    "positions500_requests_ratio",
                    "500 positions on 4 venues: requests sent / fewest needed",
                    1.3,
                ),
            ),
        ),
    )
}

# Every combination by itself, without bars: where the ratios come from, and where they would be lost.
GRID: dict[str, tuple[int, int, int]] = {
    f"grid_{count}_{venues}_{round_trip_ms}": (count, venues, round_trip_ms)
    for count in (4, 20, 100, 500)
    for venues in (1, 3, 4)
    for round_trip_ms in (20, 50, 200)
}
GRID_ROWS = {name: Row(name=name, seconds=60, bars=()) for name in GRID}
